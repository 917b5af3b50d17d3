//! Copies of a store, taken while others write, and put back where none is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::SqliteStore;
use super::open::FILE;
use crate::StoreError;

const ATTEMPT: &str = "copy the store";
/// Pages of one step: writers wait no longer than that takes.
const PAGES: i32 = 1024;
/// How long writers have the store between two steps.
const PAUSE: Duration = Duration::from_millis(5);

impl SqliteStore {
    /// Writes a copy of the store as it is now to `file`, which must not be there; others may go on writing. The copy has its name only when
    /// it is whole and on the disk.
    pub fn back_up(&self, file: &Path) -> Result<(), StoreError> {
        if file.exists() {
            return Err(StoreError::Exists {
                path: file.to_owned(),
            });
        }
        let fresh = with_new(file);
        let _ = fs::remove_file(&fresh);
        let copied = self.copy_to(&fresh).and_then(|()| settle(&fresh, file));
        if copied.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        copied
    }

    fn copy_to(&self, fresh: &Path) -> Result<(), StoreError> {
        make_private(fresh).map_err(failed(fresh))?;
        let mut to = Connection::open(fresh).map_err(StoreError::of(ATTEMPT))?;
        {
            let backup = Backup::new(&self.connection, &mut to).map_err(StoreError::of(ATTEMPT))?;
            loop {
                match backup.step(PAGES).map_err(StoreError::of(ATTEMPT))? {
                    StepResult::Done => break,
                    _ => std::thread::sleep(PAUSE),
                }
            }
        }
        // One file, without a log beside it.
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
            .map_err(StoreError::of(ATTEMPT))?;
        check(&to, fresh)
    }

    /// Puts the copy `file` into `directory`, where no store may be, and opens it.
    pub fn restore(file: &Path, directory: &Path) -> Result<Self, StoreError> {
        // What a crash left beside a store that was moved away would be played back onto this one.
        for end in ["", "-wal", "-shm", "-journal"] {
            let path = directory.join(format!("{FILE}{end}"));
            if path.exists() {
                return Err(StoreError::Exists { path });
            }
        }
        let from = Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(StoreError::opening(file))?;
        check(&from, file)?;
        drop(from);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(failed(directory))?;
        let place = directory.join(FILE);
        let fresh = with_new(&place);
        let _ = fs::remove_file(&fresh);
        make_private(&fresh).map_err(failed(&fresh))?;
        let copy = || -> std::io::Result<u64> {
            let mut to = fs::OpenOptions::new().write(true).open(&fresh)?;
            std::io::copy(&mut fs::File::open(file)?, &mut to)
        };
        copy().map_err(failed(&fresh))?;
        settle(&fresh, &place)?;
        Self::open(directory)
    }
}

/// Whether every page of a copy can be read and fits the others.
fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let says: String = connection
        .query_row("PRAGMA quick_check(1)", [], |r| r.get(0))
        .map_err(StoreError::opening(path))?;
    match says.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::NotAStore {
            path: path.to_owned(),
            why: says,
        }),
    }
}

fn with_new(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// On the disk, then under its name.
fn settle(fresh: &Path, path: &Path) -> Result<(), StoreError> {
    let settle = || -> std::io::Result<()> {
        fs::File::open(fresh)?.sync_all()?;
        fs::rename(fresh, path)?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    settle().map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| match source.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full { attempt: ATTEMPT },
        std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { attempt: ATTEMPT },
        _ => StoreError::Open {
            path,
            source: Box::new(source),
        },
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Timestamp;

    use super::*;
    use crate::{Fleet, Store, fleet_conformance as fleet};

    #[test]
    fn a_copy_taken_while_others_write_is_a_store_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(&home.path().join("data")).unwrap();
        store
            .take_snapshot("before", Timestamp::from_seconds(1))
            .unwrap();
        store.add_token(&fleet::token(1)).unwrap();
        let mut other = SqliteStore::open(&home.path().join("data")).unwrap();
        let copy = home.path().join("copy");
        let writing = std::thread::spawn(move || {
            for number in 0..50 {
                other
                    .take_snapshot(&format!("s{number}"), Timestamp::from_seconds(2))
                    .unwrap();
            }
        });
        store.back_up(&copy).unwrap();
        writing.join().unwrap();
        assert!(
            matches!(store.back_up(&copy), Err(StoreError::Exists { .. })),
            "a copy is never overwritten"
        );
        let restored = SqliteStore::restore(&copy, &home.path().join("elsewhere")).unwrap();
        assert_eq!(
            restored.snapshot("before").unwrap(),
            store.snapshot("before").unwrap()
        );
        assert_eq!(restored.tokens().unwrap(), store.tokens().unwrap());
        assert!(matches!(
            SqliteStore::restore(&copy, &home.path().join("data")),
            Err(StoreError::Exists { .. })
        ));
    }

    #[test]
    fn a_damaged_copy_is_refused_and_nothing_is_made_of_it() {
        let home = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&home.path().join("data")).unwrap();
        let copy = home.path().join("copy");
        store.back_up(&copy).unwrap();
        let mut bytes = fs::read(&copy).unwrap();
        bytes.truncate(bytes.len() / 2);
        fs::write(&copy, bytes).unwrap();
        assert!(SqliteStore::restore(&copy, &home.path().join("elsewhere")).is_err());
        fs::write(&copy, b"something else").unwrap();
        assert!(SqliteStore::restore(&copy, &home.path().join("elsewhere")).is_err());
        assert!(!SqliteStore::is_in(&home.path().join("elsewhere")));
    }
}
