//! A registry written down: the text that `reg export` makes (`Windows Registry Editor Version 5.00`).

use std::collections::{BTreeMap, BTreeSet};

use groma_model::Reason;

use crate::rows::hex;
use crate::{Key, LeftOut, Registry, Value};

/// A registry that stands in memory.
#[derive(Clone, Debug, Default)]
pub struct WrittenRegistry {
    by_path: BTreeMap<String, (String, Key)>,
    below: BTreeMap<String, BTreeSet<String>>,
    refused: BTreeMap<String, Reason>,
}

/// A line of an export that is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it, without its text.
    pub what: &'static str,
}

impl WrittenRegistry {
    /// Reads an export. `HKEY_LOCAL_MACHINE` and `HKEY_USERS` are shortened; `HKEY_CURRENT_USER` belongs to nobody and is
    /// left out.
    pub fn of_export(text: &str) -> (Self, Vec<Unreadable>) {
        let mut made = Self::default();
        let mut wrong = Vec::new();
        let mut at: Option<String> = None;
        let mut lines = text.lines().enumerate();
        while let Some((number, first)) = lines.next() {
            let mut line = first.trim().to_owned();
            // Long values go on in the next line.
            while line.ends_with('\\') && line.starts_with(['"', '@']) && line.contains("=hex") {
                line.pop();
                line.push_str(lines.next().map_or("", |(_, more)| more).trim());
            }
            match made.take(&line, &mut at) {
                Ok(()) => {}
                Err(what) => wrong.push(Unreadable {
                    line: number + 1,
                    what,
                }),
            }
        }
        (made, wrong)
    }

    fn take(&mut self, line: &str, at: &mut Option<String>) -> Result<(), &'static str> {
        if line.is_empty() || line.starts_with(';') || line.starts_with("Windows Registry Editor") {
            return Ok(());
        }
        if let Some(inner) = line.strip_prefix('[') {
            let path = inner.strip_suffix(']').ok_or("a key has no end")?;
            *at = shortened(path);
            if let Some(path) = at {
                self.add_key(path);
            }
            return Ok(());
        }
        let (name, value) = value_of(line)?;
        if let Some(path) = at {
            self.add(path, &name, value);
        }
        Ok(())
    }

    /// Adds a key with those above it.
    pub fn add_key(&mut self, path: &str) {
        let mut path = path.trim_end_matches('\\');
        while !self.by_path.contains_key(&path.to_lowercase()) {
            let made = (path.to_owned(), Key::default());
            self.by_path.insert(path.to_lowercase(), made);
            let Some((above, name)) = path.rsplit_once('\\') else {
                return;
            };
            self.below
                .entry(above.to_lowercase())
                .or_default()
                .insert(name.to_owned());
            path = above;
        }
    }

    /// Adds a value, with its key.
    pub fn add(&mut self, path: &str, name: &str, value: Value) {
        self.add_key(path);
        if let Some((_, key)) = self
            .by_path
            .get_mut(&path.trim_end_matches('\\').to_lowercase())
        {
            key.values.push((name.to_owned(), value));
        }
    }

    /// Says when a key that stands here was last written, in seconds since 1970.
    pub(crate) fn set_written(&mut self, path: &str, at: Option<i64>) {
        let path = path.trim_end_matches('\\').to_lowercase();
        if let Some((_, key)) = self.by_path.get_mut(&path) {
            key.written = at;
        }
    }

    /// Says what a key that stands here has beside what it holds.
    pub(crate) fn leave_out(&mut self, path: &str, what: LeftOut) {
        let path = path.trim_end_matches('\\').to_lowercase();
        if let Some((_, key)) = self.by_path.get_mut(&path) {
            key.left_out.push(what);
        }
    }

    /// The same, as one goes.
    #[must_use]
    pub fn with(mut self, path: &str, name: &str, value: Value) -> Self {
        self.add(path, name, value);
        self
    }

    /// The same for a text.
    #[must_use]
    pub fn with_text(self, path: &str, name: &str, text: &str) -> Self {
        self.with(path, name, Value::Text(text.to_owned()))
    }

    /// A key that cannot be read.
    #[must_use]
    pub fn refused(mut self, path: &str, reason: Reason) -> Self {
        self.add_key(path);
        self.refused.insert(path.to_lowercase(), reason);
        self
    }

    fn found(&self, lower: &str) -> Option<Key> {
        let (_, key) = self.by_path.get(lower)?;
        let below = self.below.get(lower).into_iter().flatten();
        Some(Key {
            keys: below.cloned().collect(),
            ..key.clone()
        })
    }
}

impl Registry for WrittenRegistry {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let path = path.trim_end_matches('\\').to_lowercase();
        match self.refused.get(&path) {
            Some(reason) => Err(reason.clone()),
            None => Ok(self.found(&path)),
        }
    }
}

fn shortened(path: &str) -> Option<String> {
    let path = path.strip_prefix('-').unwrap_or(path);
    for (long, short) in [("HKEY_LOCAL_MACHINE", "HKLM"), ("HKEY_USERS", "HKU")] {
        if let Some(rest) = path.strip_prefix(long) {
            return Some(format!("{short}{rest}"));
        }
    }
    (path.starts_with("HKLM") || path.starts_with("HKU")).then(|| path.to_owned())
}

fn value_of(line: &str) -> Result<(String, Value), &'static str> {
    let (name, rest) = match line.strip_prefix('@') {
        Some(rest) => (String::new(), rest),
        None => quoted(line).ok_or("a value has no name in quotes")?,
    };
    let written = rest
        .trim_start()
        .strip_prefix('=')
        .ok_or("a value has no =")?;
    Ok((name, typed(written.trim())?))
}

fn typed(text: &str) -> Result<Value, &'static str> {
    if text.starts_with('"') {
        let (text, _) = quoted(text).ok_or("a text has no end")?;
        return Ok(Value::Text(text));
    }
    if let Some(digits) = text.strip_prefix("dword:") {
        let number = u64::from_str_radix(digits, 16).map_err(|_| "a dword is no number")?;
        return Ok(Value::Number(number));
    }
    let (kind, digits) = match text.strip_prefix("hex(") {
        Some(rest) => {
            let (kind, digits) = rest.split_once("):").ok_or("a hex value has no type")?;
            (
                u32::from_str_radix(kind, 16).map_err(|_| "a type is no number")?,
                digits,
            )
        }
        None => (
            3,
            text.strip_prefix("hex:")
                .ok_or("a value has no known type")?,
        ),
    };
    let digits: String = digits.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let bytes = hex::of_text(&digits).ok_or("a hex value has other letters")?;
    Ok(Value::of_bytes(kind, &bytes))
}

/// A text in quotes with `\"` and `\\`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, inner.get(at + 1..)?)),
            '\\' => out.push(letters.next()?.1),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A\\B]\r\n\
        \"Text\"=\"C:\\\\x \\\"y\\\"\"\r\n@=\"default\"\r\n\"Number\"=dword:0000001f\r\n\"Long\"=hex(2):25,00,41,00,\\\r\n  25,00,00,00\r\n\
        \"Bytes\"=hex:01,02\r\nnonsense\r\n[HKEY_CURRENT_USER\\X]\r\n\"a\"=\"b\"\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\C]\r\n";

    #[test]
    fn an_export_becomes_keys_and_what_is_none_is_told() {
        let (registry, wrong) = WrittenRegistry::of_export(EXPORT);
        let key = registry.key(r"hklm\software\a\B").unwrap().unwrap();
        assert_eq!(key.text("text"), Some(r#"C:\x "y""#));
        assert_eq!(key.text(""), Some("default"));
        assert_eq!(key.number("Number"), Some(31));
        assert_eq!(
            key.value("Long"),
            Some(&Value::Expandable("%A%".to_owned()))
        );
        assert_eq!(key.bytes("Bytes"), Some([1, 2].as_slice()));
        assert_eq!(registry.key("HKLM").unwrap().unwrap().keys, ["SOFTWARE"]);
        let software = registry.key(r"HKLM\SOFTWARE").unwrap().unwrap();
        assert_eq!(software.keys, ["A", "C"]);
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].line, 10);
        assert!(registry.key("HKU").unwrap().is_none());
    }

    #[test]
    fn a_refused_key_says_why() {
        let registry = WrittenRegistry::default().refused(r"HKLM\SAM", Reason::PermissionDenied);
        assert_eq!(registry.key(r"hklm\sam"), Err(Reason::PermissionDenied));
    }
}
