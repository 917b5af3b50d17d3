//! Registry and files of a document. Outside of what the document was made from, nothing is absent: nobody looked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use groma_model::Reason;

use super::shape::{Looked, RawFile};
use crate::keys::Pattern;
use crate::rows::hex;
use crate::{Files, FolderEntry, Key, Kind, Registry, WrittenFiles, WrittenRegistry};

/// What an area asked for and the document was not made from.
#[derive(Default)]
pub(super) struct Outside(Mutex<(usize, Option<String>)>);

impl Outside {
    fn add(&self, path: &str) -> Reason {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.0 += 1;
        asked.1.get_or_insert_with(|| path.to_owned());
        Reason::NotPresent
    }

    /// What was asked since the last time, in a few words.
    pub(super) fn taken(&self) -> Option<String> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, first) = std::mem::take(&mut *asked);
        let first = first?;
        Some(match count {
            1 => format!("{first}, which the document does not hold"),
            more => format!("{more} keys and files the document does not hold, the first {first}"),
        })
    }
}

/// The registry.
pub(super) struct HeldRegistry {
    written: WrittenRegistry,
    roots: Vec<Pattern>,
}

impl std::fmt::Debug for HeldRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldRegistry of {} roots", self.roots.len())
    }
}

impl HeldRegistry {
    pub(super) fn of(written: WrittenRegistry, roots: Vec<Pattern>) -> Self {
        Self { written, roots }
    }

    pub(super) fn watched<'a>(&'a self, outside: &'a Outside) -> WatchedRegistry<'a> {
        WatchedRegistry {
            held: self,
            outside,
        }
    }

    fn holds(&self, path: &str) -> bool {
        let lower = path.trim_end_matches('\\').to_lowercase();
        let parts: Vec<&str> = lower.split('\\').collect();
        self.roots.iter().any(|root| root.holds(&parts))
    }
}

/// The same, while an area reads it.
pub(super) struct WatchedRegistry<'a> {
    held: &'a HeldRegistry,
    outside: &'a Outside,
}

impl Registry for WatchedRegistry<'_> {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let found = self.held.written.key(path)?;
        match self.held.holds(path) {
            true => Ok(found),
            // A key above a root would seem to hold that root alone.
            false => Err(self.outside.add(path)),
        }
    }
}

/// The files.
#[derive(Debug)]
pub(super) struct HeldFiles {
    written: WrittenFiles,
    heads: BTreeMap<String, Vec<u8>>,
    files: BTreeSet<String>,
    folders: Vec<String>,
    drives: Vec<String>,
}

impl HeldFiles {
    pub(super) fn of(
        raw: Vec<RawFile>,
        refused: BTreeMap<String, Reason>,
        looked: &Looked,
    ) -> Self {
        let lower = |paths: &[String]| -> Vec<String> {
            let paths = paths.iter().map(|path| path.trim_end_matches('\\'));
            paths.map(str::to_lowercase).collect()
        };
        let mut held = Self {
            written: WrittenFiles::default(),
            heads: BTreeMap::new(),
            files: lower(&looked.files).into_iter().collect(),
            folders: lower(&looked.folders),
            drives: lower(&looked.drives),
        };
        let mut written = std::mem::take(&mut held.written);
        for file in raw.into_iter().filter(|file| !file.path.is_empty()) {
            written = held.with(written, &file);
        }
        for (path, reason) in refused {
            written = written.refused(path.trim_end_matches('\\'), reason);
        }
        Self { written, ..held }
    }

    fn with(&mut self, written: WrittenFiles, file: &RawFile) -> WrittenFiles {
        let content = match (&file.text, &file.hex) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(digits)) => hex::of_text(digits),
            (None, None) => None,
        };
        if let Some(content) = content {
            return written.with(&file.path, &content);
        }
        if let Some(head) = file.head.as_deref().and_then(hex::of_text) {
            self.heads.insert(file.path.to_lowercase(), head);
        }
        let owner = file.owner.as_deref();
        let kind = Kind::from(file.kind);
        let path = file.path.trim_end_matches('\\');
        written.met(path, kind, file.bytes, file.modified, owner)
    }

    /// `for_mail` for the area that looks for mail: the script walked whole drives for it, and for nobody else.
    pub(super) fn watched<'a>(&'a self, outside: &'a Outside, for_mail: bool) -> WatchedFiles<'a> {
        WatchedFiles {
            held: self,
            outside,
            for_mail,
        }
    }
}

/// The same, while an area reads them.
pub(super) struct WatchedFiles<'a> {
    held: &'a HeldFiles,
    outside: &'a Outside,
    for_mail: bool,
}

impl WatchedFiles<'_> {
    fn is_looked_at(&self, path: &str) -> bool {
        let lower = path.trim_end_matches('\\').to_lowercase();
        let below = |folder: &String| {
            let rest = lower.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
        };
        self.held.files.contains(&lower)
            || self.held.folders.iter().any(below)
            || (self.for_mail && self.held.drives.iter().any(below))
    }

    fn absent<T>(&self, path: &str, nothing: T) -> Result<T, Reason> {
        match self.is_looked_at(path) {
            true => Ok(nothing),
            false => Err(self.outside.add(path)),
        }
    }
}

impl Files for WatchedFiles<'_> {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Reason> {
        match self.held.written.read(path, limit)? {
            Some(content) => Ok(Some(content)),
            None => self.absent(path, None),
        }
    }

    fn head(&self, path: &str, bytes: usize) -> Result<Option<Vec<u8>>, Reason> {
        let mut head = match self.held.heads.get(&path.to_lowercase()) {
            Some(head) => Some(head.clone()),
            None => self.read(path, u64::MAX)?,
        };
        if let Some(head) = &mut head {
            head.truncate(bytes);
        }
        Ok(head)
    }

    fn list(&self, path: &str, limit: usize) -> Result<Vec<FolderEntry>, Reason> {
        let found = self.held.written.list(path, limit)?;
        self.absent(path, found)
    }

    fn entry(&self, path: &str) -> Result<Option<FolderEntry>, Reason> {
        match self.held.written.entry(path)? {
            Some(entry) => Ok(Some(entry)),
            None => self.absent(path, None),
        }
    }

    fn owner(&self, path: &str) -> Option<String> {
        self.held.written.owner(path)
    }
}
