//! A registry that remembers what it could not give whole, so that whoever let somebody read can say it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use groma_model::Reason;

use crate::keys::is_asked_for;
use crate::{Key, LeftOut, Registry};

/// What is told one by one.
const TOLD_MAX: usize = 100;

/// A registry, while somebody reads it.
pub struct Noted<'a> {
    under: &'a dyn Registry,
    left_out: Mutex<BTreeSet<String>>,
}

impl<'a> Noted<'a> {
    /// Nothing was read yet.
    pub fn over(under: &'a dyn Registry) -> Self {
        Self {
            under,
            left_out: Mutex::default(),
        }
    }

    /// What was left out for its size since the last time, each in a few words: sub-keys and values beyond what is listed, and
    /// values too large that somebody would have read ([`crate::keys::ROOTS`]). Nobody misses the others.
    pub fn taken(&self) -> Vec<String> {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *left_out);
        let more = all.len().saturating_sub(TOLD_MAX);
        let mut told: Vec<String> = all.into_iter().take(TOLD_MAX).collect();
        if more > 0 {
            told.push(format!("{more} more values and keys of the registry"));
        }
        told
    }

    fn note(&self, path: &str, left_out: &[LeftOut]) {
        let missed = left_out.iter().filter_map(|what| words(path, what));
        let mut noted = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(missed);
    }
}

impl Registry for Noted<'_> {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let found = self.under.key(path)?;
        if let Some(key) = found.as_ref().filter(|key| !key.left_out.is_empty()) {
            self.note(path, &key.left_out);
        }
        Ok(found)
    }
}

fn words(path: &str, left_out: &LeftOut) -> Option<String> {
    Some(match left_out {
        LeftOut::Value(name) if !is_asked_for(path, name) => return None,
        LeftOut::Value(name) if name.is_empty() => format!("the default value of {path}"),
        LeftOut::Value(name) => format!("the value {name:?} of {path}"),
        LeftOut::Values => format!("all values of {path}"),
        LeftOut::Keys => format!("all keys below {path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WrittenRegistry;

    const SERVICE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\erp";

    fn registry(left_out: LeftOut) -> WrittenRegistry {
        let mut made = WrittenRegistry::default().with_text(SERVICE, "ObjectName", "LocalSystem");
        made.leave_out(SERVICE, left_out);
        made
    }

    fn told(left_out: LeftOut) -> Vec<String> {
        let registry = registry(left_out);
        let noted = Noted::over(&registry);
        noted.key(SERVICE).unwrap();
        noted.key(SERVICE).unwrap();
        noted.taken()
    }

    #[test]
    fn what_was_left_out_of_a_key_that_was_read_is_told_once() {
        for (left_out, words) in [
            (
                LeftOut::Value("imagepath".into()),
                format!("the value \"imagepath\" of {SERVICE}"),
            ),
            (LeftOut::Keys, format!("all keys below {SERVICE}")),
            (LeftOut::Values, format!("all values of {SERVICE}")),
        ] {
            assert_eq!(told(left_out), [words]);
        }
    }

    #[test]
    fn a_large_value_that_nobody_reads_and_a_key_that_nobody_read_are_silent() {
        assert!(told(LeftOut::Value("Cache".into())).is_empty());
        let registry = registry(LeftOut::Keys);
        let noted = Noted::over(&registry);
        noted.key(r"HKLM\SYSTEM").unwrap();
        assert!(noted.taken().is_empty());
    }

    #[test]
    fn a_key_with_thousands_of_large_values_is_a_few_lines() {
        let run = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run";
        let mut registry = WrittenRegistry::default();
        registry.add_key(run);
        for number in 0..5000 {
            registry.leave_out(run, LeftOut::Value(format!("v{number}")));
        }
        let noted = Noted::over(&registry);
        noted.key(run).unwrap();
        let told = noted.taken();
        assert_eq!(told.len(), TOLD_MAX + 1);
        assert!(told.last().unwrap().starts_with("4900 more"));
        assert!(noted.taken().is_empty());
    }
}
