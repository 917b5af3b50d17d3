//! Hives laid over a registry.

use std::collections::BTreeSet;

use groma_model::Reason;

use super::Hive;
use crate::{Key, Registry};

/// What Windows shows where the set of controls it runs with is; no hive holds it.
const CURRENT: &str = "CurrentControlSet";

/// A registry with hives at some of its paths; what stands below such a path in the registry is not seen any more.
pub struct Hives<'a> {
    under: &'a dyn Registry,
    mounts: Vec<Mount>,
}

struct Mount {
    path: String,
    hive: Hive,
    /// The name of the set of controls that was current, where the hive is a machine's `SYSTEM`.
    current: Option<String>,
}

impl<'a> Hives<'a> {
    /// A registry as it is.
    pub fn over(under: &'a dyn Registry) -> Self {
        Self {
            under,
            mounts: Vec::new(),
        }
    }

    /// With `hive` at `path`, as `HKU\S-1-5-21-…` or `HKLM\SOFTWARE`. At `HKLM\SYSTEM`, `CurrentControlSet` is there as it is
    /// in Windows: it leads to the set the hive's key `Select` names.
    #[must_use]
    pub fn with_hive(mut self, path: &str, hive: Hive) -> Self {
        let path = path.trim_end_matches('\\').to_owned();
        let is_system = path.eq_ignore_ascii_case(r"HKLM\SYSTEM");
        let current = is_system.then(|| current_of(&hive)).flatten();
        self.mounts
            .retain(|mount| !mount.path.eq_ignore_ascii_case(&path));
        self.mounts.push(Mount {
            path,
            hive,
            current,
        });
        self
    }

    /// The mounts' next part of the path, of all that lie below `path`.
    fn mounted_below(&self, path: &str) -> BTreeSet<&str> {
        let below = self.mounts.iter().filter_map(|mount| {
            let rest = below(&mount.path, path).filter(|rest| !rest.is_empty())?;
            rest.split('\\').next()
        });
        below.collect()
    }
}

impl Registry for Hives<'_> {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let path = path.trim_end_matches('\\');
        let inside = |mount: &'_ &Mount| below(path, &mount.path).is_some();
        let deepest = self.mounts.iter().filter(inside);
        let deepest = deepest.max_by_key(|mount| mount.path.len());
        let found = match deepest {
            Some(mount) => mount.key(below(path, &mount.path).unwrap_or_default()),
            None => self.under.key(path),
        };
        let mounted = self.mounted_below(path);
        if mounted.is_empty() {
            return found;
        }
        let mut key = found?.unwrap_or_default();
        for name in mounted {
            if !key
                .keys
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                key.keys.push(name.to_owned());
            }
        }
        key.keys.sort_unstable();
        Ok(Some(key))
    }
}

impl Mount {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let Some(current) = &self.current else {
            return self.hive.key(path);
        };
        if let Some(rest) = below(path, CURRENT) {
            return self.hive.key(&format!("{current}\\{rest}"));
        }
        let mut key = self.hive.key(path)?;
        if let (true, Some(key)) = (path.is_empty(), &mut key) {
            key.keys.push(CURRENT.to_owned());
            key.keys.sort_unstable();
        }
        Ok(key)
    }
}

/// What `path` adds to `above`: empty where they are the same, `None` where it does not lie there.
fn below<'p>(path: &'p str, above: &str) -> Option<&'p str> {
    let head = path.get(..above.len())?;
    let rest = path.get(above.len()..)?;
    if !head.eq_ignore_ascii_case(above) {
        return None;
    }
    match rest.is_empty() {
        true => Some(rest),
        false => rest.strip_prefix('\\'),
    }
}

/// The set of controls a `SYSTEM` hive was last used with, if there is no key of that name already.
fn current_of(hive: &Hive) -> Option<String> {
    if hive.has(CURRENT) {
        return None;
    }
    let number = hive.key("Select").ok()??.number("Current")?;
    let name = format!("ControlSet{number:03}");
    hive.has(&name).then_some(name)
}
