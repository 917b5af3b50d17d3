//! Opening: a new store, our own store, an older one to migrate, and everything that is none of these.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::SqliteStore;
use crate::StoreError;
use crate::ingest::Standings;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The file of a store within its directory.
pub(super) const FILE: &str = "groma.db";

/// `grom` in the header of the file, so that no other program's database is taken for a store.
const APPLICATION: i32 = 0x6772_6f6d;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two who make one store in the same moment meet in steps at which SQLite does not wait for the other; then one tries again so soon.
const AGAIN: Duration = Duration::from_millis(20);

impl SqliteStore {
    /// Opens the store in `directory`, or makes one there.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let file = directory.join(FILE);
        make_private(directory, &file).map_err(|source| StoreError::Open {
            path: directory.to_owned(),
            source: source.into(),
        })?;
        let connection = Connection::open(&file).map_err(StoreError::opening(&file))?;
        prepare(connection, &file).map(|connection| Self {
            connection,
            path: Some(file),
            standings: Standings::default(),
            written: None,
            acts: Cell::default(),
        })
    }

    /// True if `directory` holds the file of a store, whether it can be opened or not.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(FILE).exists()
    }

    /// Makes a store that is gone when it is dropped.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let connection = Connection::open_in_memory().map_err(StoreError::opening(path))?;
        prepare(connection, path).map(|connection| Self {
            connection,
            path: None,
            standings: Standings::default(),
            written: None,
            acts: Cell::default(),
        })
    }
}

/// Makes the directory (0700) and the file (0600) where they are missing, before SQLite would with wider modes.
fn make_private(directory: &Path, file: &Path) -> std::io::Result<()> {
    if !directory.is_dir() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

fn prepare(mut connection: Connection, path: &Path) -> Result<Connection, StoreError> {
    connection
        .busy_timeout(PATIENCE)
        .map_err(StoreError::opening(path))?;
    let begun = Instant::now();
    loop {
        match make_ready(&mut connection, path) {
            Err(StoreError::Busy { .. }) if begun.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
            done => return done.map(|()| connection),
        }
    }
}

fn make_ready(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    check_owner(connection, path)?;
    check_version(connection, path)?;
    // The modes that no transaction can change come first; a write-ahead log survives a killed process.
    let modes = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 4000;";
    connection
        .execute_batch(modes)
        .map_err(StoreError::opening(path))?;
    migrate(connection, path)
}

/// Refuses a database that is not empty and not ours.
fn check_owner(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let opening = || StoreError::opening(path);
    // In this order: whoever makes the store in this very moment names the owner before the first table.
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .map_err(opening())?;
    let application: i32 = connection
        .query_row("PRAGMA application_id", [], |r| r.get(0))
        .map_err(opening())?;
    if tables > 0 && application != APPLICATION {
        return Err(StoreError::NotAStore {
            path: path.to_owned(),
            why: "it is another program's database".to_owned(),
        });
    }
    Ok(())
}

/// Refuses a store of a newer format, naming both.
fn check_version(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let known = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .max()
        .unwrap_or(0);
    let found = format_of(connection, path)?;
    if found <= i64::from(known) {
        return Ok(());
    }
    let made_by = connection
        .query_row("SELECT group_concat(version, ', ') FROM made_by", [], |r| {
            r.get::<_, Option<String>>(0)
        })
        .ok()
        .flatten();
    Err(StoreError::Newer {
        found: u32::try_from(found).unwrap_or(u32::MAX),
        known: u32::try_from(known).unwrap_or(0),
        made_by: made_by.unwrap_or_else(|| "of a version it does not name".to_owned()),
    })
}

/// The format a database has; 0 for a new one.
fn format_of(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let history = "SELECT count(*) FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    let tables: i64 = connection
        .query_row(history, [], |r| r.get(0))
        .map_err(StoreError::opening(path))?;
    if tables == 0 {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    connection
        .query_row(newest, [], |r| r.get(0))
        .map_err(StoreError::opening(path))
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let before = format_of(connection, path)?;
    let known = embedded::migrations::runner().get_migrations().len();
    if usize::try_from(before).is_ok_and(|version| version >= known) {
        return Ok(());
    }
    connection
        .pragma_update(None, "application_id", APPLICATION)
        .map_err(StoreError::opening(path))?;
    if let Err(error) = embedded::migrations::runner()
        .set_grouped(true)
        .run(connection)
    {
        // Another process may have made the store in the same moment; then it is as it should be.
        if format_of(connection, path)? == before {
            return Err(match is_busy(&error) {
                true => StoreError::Busy {
                    attempt: "open the store",
                },
                false => StoreError::Open {
                    path: path.to_owned(),
                    source: Box::new(error),
                },
            });
        }
    }
    let made_by = "INSERT OR IGNORE INTO made_by (site_id, version) VALUES ('*', ?1)";
    connection
        .execute(made_by, [env!("CARGO_PKG_VERSION")])
        .map_err(StoreError::opening(path))?;
    Ok(())
}

/// True if somewhere below this error another process held the file.
fn is_busy(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let engine = cause.downcast_ref::<rusqlite::Error>();
        matches!(
            engine.and_then(rusqlite::Error::sqlite_error_code),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    })
}
