//! Files of the machine, as a reader may ask for them.

use std::collections::BTreeMap;

use groma_model::Reason;

/// Somebody who can read files and folders. Paths begin with a drive (`C:\…`); letter case means nothing. Paths of other
/// machines (`\\server\…`) and devices (`\\.\…`) are refused.
pub trait Files: Send + Sync {
    /// A whole file of at most `limit` bytes; `None` where nothing stands.
    ///
    /// # Errors
    /// Rights, size, a placeholder whose content lies in a cloud, a path that is no local file.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Reason>;

    /// The first `bytes` of a file, all of it where it has fewer; `None` where nothing stands. Nothing more of it is read.
    ///
    /// # Errors
    /// As [`Files::read`]; [`Reason::Locked`] for a file that a program keeps to itself.
    fn head(&self, path: &str, bytes: usize) -> Result<Option<Vec<u8>>, Reason> {
        let mut whole = self.read(path, u64::MAX)?;
        if let Some(content) = &mut whole {
            content.truncate(bytes);
        }
        Ok(whole)
    }

    /// What a folder holds, sorted by path, at most `limit` entries; empty where nothing stands.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn list(&self, path: &str, limit: usize) -> Result<Vec<FolderEntry>, Reason>;

    /// What stands at a path, without opening it.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn entry(&self, path: &str) -> Result<Option<FolderEntry>, Reason>;

    /// The SID of the owner of a file, where it can be told.
    fn owner(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }
}

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderEntry {
    /// Full path.
    pub path: String,
    /// What sort of thing.
    pub kind: Kind,
    /// Bytes it claims to have.
    pub bytes: u64,
    /// Last write, in seconds since 1970.
    pub modified: i64,
}

/// Sorts of things a folder may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A reparse point that leads elsewhere: a junction, a symbolic link, a mount point. Never followed.
    Link,
    /// A file whose content lies elsewhere (`FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS`, `…_OFFLINE`): to read it would fetch it.
    Placeholder,
}

/// Files that stand in memory: of a document, of a test.
#[derive(Clone, Debug, Default)]
pub struct WrittenFiles {
    by_path: BTreeMap<String, Written>,
}

#[derive(Clone, Debug)]
struct Written {
    entry: FolderEntry,
    content: Option<Vec<u8>>,
    owner: Option<String>,
    refused: Option<Reason>,
}

impl WrittenFiles {
    /// Adds a file with its content.
    #[must_use]
    pub fn with(self, path: &str, content: &[u8]) -> Self {
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let content = Some(content.to_vec());
        self.added(path, Kind::File, bytes, 0, content, None)
    }

    /// Adds a file of which only size, time of the last write and owner are known.
    #[must_use]
    pub fn met(
        self,
        path: &str,
        kind: Kind,
        bytes: u64,
        modified: i64,
        owner: Option<&str>,
    ) -> Self {
        self.added(path, kind, bytes, modified, None, owner.map(str::to_owned))
    }

    /// Adds a path that is refused: a file, or what was told of that path before.
    #[must_use]
    pub fn refused(mut self, path: &str, reason: Reason) -> Self {
        if !self.by_path.contains_key(&path.to_lowercase()) {
            self = self.added(path, Kind::File, 0, 0, None, None);
        }
        if let Some(written) = self.by_path.get_mut(&path.to_lowercase()) {
            written.refused = Some(reason);
        }
        self
    }

    fn added(
        mut self,
        path: &str,
        kind: Kind,
        bytes: u64,
        modified: i64,
        content: Option<Vec<u8>>,
        owner: Option<String>,
    ) -> Self {
        let entry = FolderEntry {
            path: path.to_owned(),
            kind,
            bytes,
            modified,
        };
        let written = Written {
            entry,
            content,
            owner,
            refused: None,
        };
        self.by_path.insert(path.to_lowercase(), written);
        self
    }

    fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a Written)> {
        let folder = folder.trim_end_matches('\\');
        let depth = folder.len() + 1;
        let begin = format!("{folder}\\");
        let from = self.by_path.range(begin.clone()..);
        let inside = from.take_while(move |(path, _)| path.starts_with(&begin));
        inside.filter_map(move |(path, written)| Some((path.get(depth..)?, written)))
    }
}

impl Files for WrittenFiles {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Reason> {
        let Some(written) = self.by_path.get(&path.to_lowercase()) else {
            return Ok(None);
        };
        match (&written.refused, &written.content) {
            (Some(reason), _) => Err(reason.clone()),
            (None, Some(content)) if written.entry.bytes <= limit => Ok(Some(content.clone())),
            (None, Some(_)) => Err(Reason::TooLarge),
            (None, None) if written.entry.kind == Kind::File => Err(Reason::NotPresent),
            (None, None) => Err(Reason::NotARegularFile),
        }
    }

    fn list(&self, path: &str, limit: usize) -> Result<Vec<FolderEntry>, Reason> {
        let lower = path.to_lowercase();
        if let Some(written) = self.by_path.get(lower.trim_end_matches('\\')) {
            if let Some(reason) = &written.refused {
                return Err(reason.clone());
            }
            if written.entry.kind != Kind::Folder {
                return Err(Reason::NotARegularFile);
            }
        }
        let mut found: BTreeMap<String, FolderEntry> = BTreeMap::new();
        for (rest, written) in self.under(&lower) {
            let Some((child, deeper)) = rest.split_once('\\') else {
                found.insert(rest.to_owned(), written.entry.clone());
                continue;
            };
            let _ = deeper;
            let full = written.entry.path.len() - (rest.len() - child.len());
            let full = written.entry.path.get(..full).unwrap_or_default();
            found.entry(child.to_owned()).or_insert(FolderEntry {
                path: full.to_owned(),
                kind: Kind::Folder,
                bytes: 0,
                modified: 0,
            });
        }
        match found.len() > limit {
            true => Err(Reason::TooLarge),
            false => Ok(found.into_values().collect()),
        }
    }

    fn entry(&self, path: &str) -> Result<Option<FolderEntry>, Reason> {
        let lower = path.to_lowercase();
        let lower = lower.trim_end_matches('\\');
        if let Some(written) = self.by_path.get(lower) {
            return match &written.refused {
                Some(reason) => Err(reason.clone()),
                None => Ok(Some(written.entry.clone())),
            };
        }
        let is_folder = self.under(lower).next().is_some();
        Ok(is_folder.then(|| FolderEntry {
            path: path.to_owned(),
            kind: Kind::Folder,
            bytes: 0,
            modified: 0,
        }))
    }

    fn owner(&self, path: &str) -> Option<String> {
        self.by_path.get(&path.to_lowercase())?.owner.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_from_files_in_any_letter_case() {
        let files = WrittenFiles::default()
            .with(r"C:\Users\Ann\a.txt", b"x")
            .with(r"C:\Users\Bob\deep\b.txt", b"y");
        let names = |path: &str| -> Vec<String> {
            let found = files.list(path, 10).unwrap();
            found.into_iter().map(|entry| entry.path).collect()
        };
        assert_eq!(names(r"c:\users"), [r"C:\Users\Ann", r"C:\Users\Bob"]);
        assert_eq!(names(r"c:\users\bob\"), [r"C:\Users\Bob\deep"]);
        assert_eq!(names(r"C:\"), [r"C:\Users"]);
        assert_eq!(files.read(r"c:\users\ann\A.TXT", 9).unwrap().unwrap(), b"x");
        assert_eq!(files.list(r"C:\Users", 1), Err(Reason::TooLarge));
    }
}
