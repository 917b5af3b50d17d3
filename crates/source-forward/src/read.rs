//! The thin shell over the disk: bounded reading, globs, and what could not be read.

use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{Budget, Disk, DiskError, Entry, EntryKind, Window};

/// Largest file that is read: a configuration larger than this is generated, and one gap says so.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Files one product may bring along by includes.
const GLOB_FILES_MAX: usize = 1000;
/// Entries of one directory.
const ENTRIES_MAX: usize = 10_000;

/// One file as text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Where it stands, as it was named.
    pub(crate) path: String,
    /// The content; bytes that are not UTF-8 become U+FFFD.
    pub(crate) text: String,
}

/// Reads for one product, and remembers what it could not read.
pub(crate) struct Reading<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    file_bytes_max: u64,
    bytes_left: u64,
    pub(crate) missed: Vec<DiskError>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, window: &'a Window, budget: &Budget) -> Self {
        Self {
            disk,
            window,
            file_bytes_max: budget.file_bytes_max.min(FILE_BYTES_MAX),
            bytes_left: budget.total_bytes_max,
            missed: Vec::new(),
        }
    }

    /// A whole file; `None` where nothing stands, or where it was refused, which is remembered.
    pub(crate) fn bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        if self.window.is_over() || self.bytes_left == 0 {
            self.missed
                .push(DiskError::because(path, Reason::BudgetExhausted));
            return None;
        }
        match self
            .disk
            .read(path, self.file_bytes_max.min(self.bytes_left))
        {
            Ok(read) => {
                let length = u64::try_from(read.bytes.len()).unwrap_or(u64::MAX);
                self.bytes_left = self.bytes_left.saturating_sub(length);
                Some(read.bytes)
            }
            Err(error) if is_nothing(&error) => None,
            Err(error) => {
                self.missed.push(error);
                None
            }
        }
    }

    pub(crate) fn text(&mut self, path: &str) -> Option<Text> {
        let bytes = self.bytes(Path::new(path))?;
        Some(Text {
            path: path.to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// Entries of a directory, sorted; an absent one is empty.
    pub(crate) fn list(&mut self, path: &Path) -> Vec<Entry> {
        match self.disk.list(path, ENTRIES_MAX) {
            Ok(entries) => {
                if entries.len() >= ENTRIES_MAX {
                    self.missed.push(DiskError::because(path, Reason::TooLarge));
                }
                entries
            }
            Err(error) if is_nothing(&error) => Vec::new(),
            Err(error) => {
                self.missed.push(error);
                Vec::new()
            }
        }
    }

    /// Where a link leads, by its letters.
    pub(crate) fn link(&self, path: &Path) -> Option<PathBuf> {
        self.disk.read_link(path).ok()
    }

    /// The same, and why it is not told.
    pub(crate) fn link_or_why(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.disk.read_link(path)
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        let found = self.disk.metadata(Path::new(path));
        found.is_ok_and(|m| m.kind == EntryKind::Directory)
    }

    pub(crate) fn is_there(&self, path: &str) -> bool {
        self.disk.metadata(Path::new(path)).is_ok()
    }

    /// The files a pattern with `*` and `?` in any part means, sorted.
    pub(crate) fn glob(&mut self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in pattern.split('/').filter(|p| !p.is_empty()) {
            let mut next = Vec::new();
            for above in &found {
                if !part.contains(['*', '?', '[']) {
                    next.push(format!("{above}/{part}"));
                    continue;
                }
                let directory = if above.is_empty() {
                    "/"
                } else {
                    above.as_str()
                };
                for entry in self.list(Path::new(directory)) {
                    let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
                    let visible = !name.starts_with('.') || part.starts_with('.');
                    let may_be = entry.kind != EntryKind::Special;
                    if visible && may_be && fits(part, &name) && next.len() < GLOB_FILES_MAX {
                        next.push(format!("{above}/{name}"));
                    }
                }
            }
            found = next;
        }
        found
    }

    /// The files behind a pattern, read.
    pub(crate) fn texts(&mut self, pattern: &str) -> Vec<Text> {
        let paths = self.glob(pattern);
        paths.iter().filter_map(|path| self.text(path)).collect()
    }
}

/// Absent, or a directory where a pattern hoped for a file: no gap.
fn is_nothing(error: &DiskError) -> bool {
    error.is_absent() || matches!(error.reason, Reason::NotARegularFile | Reason::Vanished)
}

/// True if `name` fits `pattern` with `*`, `?` and `[set]`. Linear in the product of both lengths.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    if pattern.len() > 512 || name.len() > 512 {
        return false;
    }
    // One row per letter of the pattern: which lengths of the name fit so far.
    let mut row = vec![false; name.len() + 1];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        let mut next = vec![false; name.len() + 1];
        let (set, step) = if c == '[' {
            set(&pattern, at)
        } else {
            (None, 1)
        };
        for length in 0..=name.len() {
            let held = row.get(length).copied().unwrap_or(false);
            let reached = match c {
                '*' => held || (length > 0 && next.get(length - 1).copied().unwrap_or(false)),
                _ => {
                    let letter = length.checked_sub(1).and_then(|l| name.get(l));
                    let before = length > 0 && row.get(length - 1).copied().unwrap_or(false);
                    before && letter.is_some_and(|l| same(c, set.as_deref(), *l))
                }
            };
            if let Some(slot) = next.get_mut(length) {
                *slot = reached;
            }
        }
        row = next;
        at += step;
    }
    row.last().copied().unwrap_or(false)
}

fn same(pattern: char, set: Option<&[char]>, letter: char) -> bool {
    match set {
        Some(set) => in_set(set, letter),
        None => pattern == '?' || pattern == letter,
    }
}

fn in_set(set: &[char], letter: char) -> bool {
    let (negated, set) = match set.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut at = 0;
    let mut hit = false;
    while let Some(&from) = set.get(at) {
        if let (Some('-'), Some(&to)) = (set.get(at + 1), set.get(at + 2)) {
            hit |= (from..=to).contains(&letter);
            at += 3;
        } else {
            hit |= from == letter;
            at += 1;
        }
    }
    hit != negated
}

/// The letters of `[abc]` at `at`, and how far to go on.
fn set(pattern: &[char], at: usize) -> (Option<Vec<char>>, usize) {
    let rest = pattern.get(at + 1..).unwrap_or_default();
    match rest.iter().position(|c| *c == ']') {
        Some(end) => (rest.get(..end).map(<[char]>::to_vec), end + 2),
        None => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_the_shell_has_it() {
        for (pattern, name, wanted) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("[a-c]?.d", "bx.d", true),
            ("[!a]*", "abc", false),
            ("*", "", true),
            ("a*b*c", "aXXbYYc", true),
            ("[", "[", true),
        ] {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_end() {
        assert!(!fits(&"*a".repeat(200), &"b".repeat(400)));
    }
}
