//! The thin shell under `certificates.uses`: patterns of files, what is installed, and bounded reading.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_knowledge::certificate_settings::CertificateSettings;
use groma_model::fact::{Component, ComponentClass};
use groma_source::{Budget, DiskError, Entry, EntryKind, Window, World};

use crate::uses::is_file;

pub(crate) const AS_ROOT: &str = "run the agent as root, or let its account read this";
/// Where units stand, the strongest first (systemd.unit(5)).
pub(crate) const UNITS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Entries of one directory.
const DIRECTORY_MAX: usize = 5_000;
/// Paths one pattern may mean.
const MATCHES_MAX: usize = 2_000;
/// What a wildcard may be asked to try.
const FUEL: u32 = 4_096;

/// Reads within a budget.
pub(crate) struct Reader<'a> {
    world: &'a World,
    window: &'a Window,
    bytes_left: Cell<u64>,
    entries_left: Cell<u64>,
    cut: Cell<bool>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(world: &'a World, window: &'a Window, budget: &Budget) -> Self {
        Self {
            world,
            window,
            bytes_left: Cell::new(budget.total_bytes_max),
            entries_left: Cell::new(budget.entries_max),
            cut: Cell::new(false),
        }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.window.is_over() || self.bytes_left.get() == 0 || self.entries_left.get() == 0
    }

    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.world.disk.metadata(path).is_ok()
    }

    pub(crate) fn bytes(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
        let read = self.world.disk.read(path, limit)?;
        let length = u64::try_from(read.bytes.len()).unwrap_or(u64::MAX);
        self.bytes_left
            .set(self.bytes_left.get().saturating_sub(length));
        Ok(read.bytes)
    }

    pub(crate) fn text(&self, path: &Path, limit: u64) -> Result<String, DiskError> {
        let bytes = self.bytes(path, limit)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files of a directory, sorted; `None` for what is no directory.
    pub(crate) fn entries(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let is_directory = |p: &Path| {
            let kind = self.world.disk.metadata(p).map(|m| m.kind);
            matches!(kind, Ok(EntryKind::Directory | EntryKind::Link))
        };
        let listed = is_directory(path).then(|| self.list(path))?;
        let files = listed.ok()?.into_iter().filter(|e| is_file(e.kind));
        Some(files.map(|entry| entry.path).collect())
    }

    /// Paths that a pattern means, each with what its wildcards stood for.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<(PathBuf, Vec<String>)> {
        let mut found = vec![(PathBuf::from("/"), Vec::new())];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for (path, stood_for) in found {
                if next.len() >= MATCHES_MAX || self.is_spent() {
                    self.cut_short();
                    break;
                }
                self.step(part, path, stood_for, &mut next);
            }
            found = next;
        }
        found.retain(|(path, _)| {
            if self.is_spent() {
                self.cut_short();
            }
            !self.is_spent() && self.exists(path)
        });
        found
    }

    /// What one part of a pattern means below `path`.
    fn step(
        &self,
        part: &str,
        path: PathBuf,
        stood_for: Vec<String>,
        next: &mut Vec<(PathBuf, Vec<String>)>,
    ) {
        if !part.contains(['*', '?', '[']) {
            let path = path.join(part);
            next.extend((!is_of_kernel(&path)).then_some((path, stood_for)));
            return;
        }
        for entry in self.list(&path).unwrap_or_default() {
            let name = entry.path.file_name().and_then(|n| n.to_str());
            let Some(what) = stands_for(part, name.unwrap_or_default()) else {
                continue;
            };
            if is_of_kernel(&entry.path) {
                continue;
            }
            if next.len() >= MATCHES_MAX {
                return self.cut_short();
            }
            let mut stood_for = stood_for.clone();
            stood_for.push(what);
            next.push((entry.path, stood_for));
        }
    }

    /// The entries of a directory, counted; an empty one counts as well.
    fn list(&self, path: &Path) -> Result<Vec<Entry>, DiskError> {
        let entries = self.world.disk.list(path, DIRECTORY_MAX);
        let count = entries.as_ref().map_or(0, Vec::len).saturating_add(1);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.entries_left
            .set(self.entries_left.get().saturating_sub(count));
        entries
    }

    /// Remembers that something was left out.
    pub(crate) fn cut_short(&self) {
        self.cut.set(true);
    }

    /// True if something was left out since this was last asked.
    pub(crate) fn was_cut_short(&self) -> bool {
        self.cut.take()
    }

    /// Who reads these settings, if it is installed.
    pub(crate) fn component(
        &self,
        program: &CertificateSettings,
        stood_for: &[String],
    ) -> Option<Component> {
        let units = program.units.iter().map(|unit| filled(unit, stood_for));
        let unit = units.into_iter().find(|unit| self.has_unit(unit));
        let programs = program.programs.iter().map(|path| filled(path, stood_for));
        let file = programs
            .into_iter()
            .find(|path| self.exists(Path::new(path)));
        match (unit, file) {
            (Some(unit), _) => Some((ComponentClass::Unit, unit)),
            (None, Some(file)) => Some((ComponentClass::Executable, file)),
            (None, None) => None,
        }
        .map(|(class, name)| Component {
            class,
            name: name.into(),
        })
    }

    /// True if a unit, or the template it is made of, stands in one of the places for units.
    fn has_unit(&self, unit: &str) -> bool {
        let template = unit.split_once('@').and_then(|(stem, rest)| {
            let (_, suffix) = rest.rsplit_once('.')?;
            Some(format!("{stem}@.{suffix}"))
        });
        let named = |directory: &str| {
            let at = |name: &str| self.exists(&Path::new(directory).join(name));
            at(unit) || template.as_deref().is_some_and(at)
        };
        UNITS.iter().any(|directory| named(directory))
    }

    /// Every file that makes up a service: the strongest unit file of each name, and all that is dropped in beside it.
    pub(crate) fn unit_files(&self) -> Vec<(String, PathBuf)> {
        let mut main: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut dropped = Vec::new();
        for directory in UNITS {
            for entry in self.list(Path::new(directory)).unwrap_or_default() {
                let Some(name) = entry.path.file_name().and_then(|n| n.to_str()) else {
                    continue;
                };
                if let Some(unit) = name.strip_suffix(".d").filter(|u| u.ends_with(".service")) {
                    let parts = self.entries(&entry.path).unwrap_or_default();
                    let parts = parts
                        .into_iter()
                        .filter(|p| p.extension().is_some_and(|e| e == "conf"));
                    dropped.extend(parts.map(|part| (unit.to_owned(), part)));
                } else if name.ends_with(".service") && is_file(entry.kind) {
                    main.entry(name.to_owned()).or_insert(entry.path.clone());
                }
            }
        }
        let mut all: Vec<_> = main.into_iter().chain(dropped).collect();
        all.sort();
        all
    }
}

/// True for what the kernel makes up: no program keeps its settings there, and there is no end of it.
pub(crate) fn is_of_kernel(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"]
        .iter()
        .any(|root| path.starts_with(root))
}

/// `{1}`, `{2}` filled in.
pub(crate) fn filled(text: &str, stood_for: &[String]) -> String {
    let mut out = text.to_owned();
    for (number, what) in (1..).zip(stood_for) {
        out = out.replace(&format!("{{{number}}}"), what);
    }
    out
}

/// What the first `*` of `pattern` stands for in `name`; all of `name` where it has none, `None` if it does not fit.
fn stands_for(pattern: &str, name: &str) -> Option<String> {
    // A wildcard does not mean what is hidden.
    if name.starts_with('.') && !pattern.starts_with('.') {
        return None;
    }
    if !fits(pattern.as_bytes(), name.as_bytes(), &mut FUEL.clone()) {
        return None;
    }
    let inner = pattern
        .split_once('*')
        .and_then(|(before, after)| name.strip_prefix(before)?.strip_suffix(after));
    Some(inner.unwrap_or(name).to_owned())
}

/// glob(7): `*`, `?` and sets. What is not understood fits nothing.
fn fits(pattern: &[u8], name: &[u8], fuel: &mut u32) -> bool {
    let Some(left) = fuel.checked_sub(1) else {
        return false;
    };
    *fuel = left;
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            (0..=name.len()).any(|n| fits(rest, name.get(n..).unwrap_or_default(), fuel))
        }
        ([b'?', rest @ ..], [_, after @ ..]) => fits(rest, after, fuel),
        ([b'[', set @ ..], [first, after @ ..]) => {
            let Some(end) = set.iter().position(|b| *b == b']') else {
                return false;
            };
            let (set, rest) = set.split_at(end);
            in_set(set, *first) && fits(rest.get(1..).unwrap_or_default(), after, fuel)
        }
        ([wanted, rest @ ..], [first, after @ ..]) => wanted == first && fits(rest, after, fuel),
        _ => false,
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, set) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let mut rest = set;
    let mut within = false;
    while let [low, after @ ..] = rest {
        rest = after;
        match after {
            [b'-', high, beyond @ ..] => {
                within |= (*low..=*high).contains(&byte);
                rest = beyond;
            }
            _ => within |= *low == byte,
        }
    }
    within != negated
}

#[cfg(test)]
mod tests {
    use groma_source::testing::{self, FakeDisk};

    use super::*;

    #[test]
    fn patterns_fit_as_a_shell_fits_them() {
        for (pattern, name, wanted) in [
            ("*.conf", "a.conf", Some("a")),
            ("*", "default", Some("default")),
            ("[0-9]*.cf", "10-ssl.cf", Some("10-ssl.cf")),
            ("[!a]*", "abc", None),
            ("*.conf", ".hidden.conf", None),
            ("a?c", "abc", Some("abc")),
            ("a[b", "ab", None),
        ] {
            assert_eq!(
                stands_for(pattern, name).as_deref(),
                wanted,
                "{pattern} {name}"
            );
        }
        assert_eq!(
            filled("postgresql@{1}-{2}.service", &["15".into(), "main".into()]),
            "postgresql@15-main.service"
        );
    }

    fn crowd() -> World {
        let mut disk = FakeDisk::new()
            .file("/proc/1/task/1/stat", "")
            .file("/etc/a.conf", "");
        for number in 0..60 {
            for name in 0..60 {
                disk = disk.file(&format!("/srv/{number}/{name}"), "");
            }
        }
        testing::world(disk)
    }

    #[test]
    fn a_pattern_that_means_too_much_is_cut_and_this_is_known() {
        let world = crowd();
        let window = testing::window(&world);
        let reader = Reader::new(&world, &window, &Budget::default());
        assert_eq!(reader.matching("/etc/*.conf").len(), 1);
        assert!(!reader.was_cut_short());
        assert_eq!(reader.matching("/srv/*/*").len(), MATCHES_MAX);
        assert!(reader.was_cut_short());
    }

    #[test]
    fn what_the_kernel_makes_up_is_never_walked() {
        let world = crowd();
        let window = testing::window(&world);
        let reader = Reader::new(&world, &window, &Budget::default());
        for pattern in ["/proc/*/task/*/*", "/*/1/task/1/stat", "/dev/*", "/sys/*"] {
            assert!(reader.matching(pattern).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn patterns_end_with_the_entries_one_look_may_visit() {
        let world = crowd();
        let window = testing::window(&world);
        let budget = Budget {
            entries_max: 200,
            ..Budget::default()
        };
        let reader = Reader::new(&world, &window, &budget);
        assert!(reader.matching("/srv/*/none*").is_empty());
        assert!(reader.is_spent() && reader.was_cut_short());
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "*a".repeat(200);
        assert_eq!(stands_for(&pattern, &"a".repeat(199)), None);
        groma_fuzz::hammer(1000, &[b"[a-z]*?[!x]"], |bytes| {
            let _ = fits(bytes, b"abc", &mut FUEL.clone());
            let _ = fits(b"*[a-c]*", bytes, &mut FUEL.clone());
        });
    }
}
