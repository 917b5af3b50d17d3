//! Files of the machine's drives, through the one door all sources use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::Reason;
use groma_source::disk::{OWNER, PLACEHOLDER};
use groma_source::{Disk, DiskError, EntryKind, Window};
use groma_windows::{Files, FolderEntry, Kind};

/// Files of a disk, until the time is over.
pub struct DriveFiles<'a> {
    disk: Arc<dyn Disk>,
    window: Option<&'a Window>,
}

impl<'a> DriveFiles<'a> {
    /// Files of `disk`, until `window` closes.
    pub fn of(disk: Arc<dyn Disk>, window: Option<&'a Window>) -> Self {
        Self { disk, window }
    }

    fn allow(&self) -> Result<(), Reason> {
        match self.window.is_some_and(Window::is_over) {
            true => Err(Reason::BudgetExhausted),
            false => Ok(()),
        }
    }

    fn is_placeholder(&self, path: &Path) -> bool {
        let told = self.disk.attribute(path, PLACEHOLDER);
        told.is_ok_and(|mark| mark.is_some())
    }

    fn kind(&self, path: &Path, kind: EntryKind, is_stamped: bool) -> Kind {
        match kind {
            EntryKind::Directory => Kind::Folder,
            EntryKind::Link | EntryKind::Special => Kind::Link,
            // A file that lies here has a stamp; of one without, it is asked why.
            EntryKind::File if !is_stamped && self.is_placeholder(path) => Kind::Placeholder,
            EntryKind::File => Kind::File,
        }
    }
}

impl Files for DriveFiles<'_> {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Reason> {
        self.allow()?;
        unless_absent(self.disk.read(&checked(path)?, limit))
            .map(|read| read.map(|read| read.bytes))
    }

    fn head(&self, path: &str, bytes: usize) -> Result<Option<Vec<u8>>, Reason> {
        self.allow()?;
        let Some(file) = unless_absent(self.disk.open(&checked(path)?))? else {
            return Ok(None);
        };
        let mut head = vec![0; bytes];
        let many = file.read_at(0, &mut head).map_err(|error| error.reason)?;
        head.truncate(many);
        Ok(Some(head))
    }

    fn list(&self, path: &str, limit: usize) -> Result<Vec<FolderEntry>, Reason> {
        self.allow()?;
        let listed = self.disk.list_stamped(&checked(path)?, limit);
        let Some(listed) = unless_absent(listed)? else {
            return Ok(Vec::new());
        };
        let entry =
            |(entry, stamp): (groma_source::Entry, Option<groma_source::Stamp>)| FolderEntry {
                kind: self.kind(&entry.path, entry.kind, stamp.is_some()),
                path: entry.path.to_string_lossy().into_owned(),
                bytes: stamp.map_or(0, |stamp| stamp.bytes),
                modified: stamp.map_or(0, |stamp| stamp.modified / 1_000_000_000),
            };
        Ok(listed.entries.into_iter().map(entry).collect())
    }

    fn entry(&self, path: &str) -> Result<Option<FolderEntry>, Reason> {
        self.allow()?;
        let checked = checked(path)?;
        let Some(met) = unless_absent(self.disk.metadata(&checked))? else {
            return Ok(None);
        };
        Ok(Some(FolderEntry {
            path: path.to_owned(),
            kind: self.kind(&checked, met.kind, false),
            bytes: met.bytes,
            modified: met.modified,
        }))
    }

    fn owner(&self, path: &str) -> Option<String> {
        let told = self.disk.attribute(&checked(path).ok()?, OWNER).ok()??;
        String::from_utf8(told).ok()
    }
}

/// A path of a drive. Paths of other machines and of devices are refused before anybody asks the disk.
fn checked(path: &str) -> Result<PathBuf, Reason> {
    let bytes = path.as_bytes();
    match (bytes.first(), bytes.get(1), bytes.get(2)) {
        _ if path.starts_with(r"\\") || path.starts_with("//") => Err(Reason::RemoteFileSystem),
        (Some(letter), Some(b':'), Some(b'\\') | None) if letter.is_ascii_alphabetic() => {
            Ok(PathBuf::from(path))
        }
        // Where drives have no letters (a test, a tree that was carried here) a path is one of the disk's own.
        (Some(b'/'), ..) if cfg!(not(windows)) => Ok(PathBuf::from(path)),
        _ => Err(Reason::NotARegularFile),
    }
}

fn unless_absent<T>(read: Result<T, DiskError>) -> Result<Option<T>, Reason> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.reason),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

    use super::*;

    fn files() -> DriveFiles<'static> {
        DriveFiles::of(groma_sys::this_machine(true).disk, None)
    }

    #[test]
    fn other_machines_and_devices_are_refused_before_the_disk_is_asked() {
        for path in [
            r"\\server\share\a",
            r"\\?\C:\a",
            r"\\.\PhysicalDrive0",
            "//server/share",
        ] {
            assert_eq!(files().read(path, 9), Err(Reason::RemoteFileSystem));
        }
        assert_eq!(files().list(r"C:", 9), Ok(Vec::new()));
        assert_eq!(files().read("relative", 9), Err(Reason::NotARegularFile));
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_listed_with_sizes_and_a_file_read_by_its_head() {
        let at = tempfile::tempdir().unwrap();
        std::fs::write(at.path().join("a.txt"), b"hello").unwrap();
        std::fs::create_dir(at.path().join("b")).unwrap();
        std::os::unix::fs::symlink("a.txt", at.path().join("c")).unwrap();
        let files = files();
        let found = files.list(at.path().to_str().unwrap(), 10).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|entry| (entry.kind, entry.bytes))
            .collect();
        assert_eq!(told, [(Kind::File, 5), (Kind::Folder, 0), (Kind::Link, 0)]);
        let path = at.path().join("a.txt");
        let path = path.to_str().unwrap();
        assert_eq!(files.head(path, 2).unwrap().unwrap(), b"he");
        assert_eq!(files.head(path, 99).unwrap().unwrap(), b"hello");
        assert_eq!(files.read(path, 2), Err(Reason::TooLarge));
        let absent = at.path().join("none");
        assert_eq!(files.read(absent.to_str().unwrap(), 2), Ok(None));
    }
}
