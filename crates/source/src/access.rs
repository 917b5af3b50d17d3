//! The access file: whom sources may ask as somebody, and as whom. Each source reads the tables of its own kind.
//!
//! The file may hold passwords, so it must be closed to everybody but its owner; so must every file a password is read
//! from. What is wrong is told by its place: a value may be the password.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::Disk;

const FILE_BYTES_MAX: u64 = 256 << 10;

/// Kinds of tables there are; each is one source's to judge.
const KINDS: [&str; 4] = ["directory", "snmp", "hypervisor", "database"];

/// Why an access file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be read.
    #[error("read {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Others may read or write it.
    #[error("{path} is open to others (mode {mode:03o}): chmod 600 it; it may hold passwords")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody was asked for a password, and gave none.
    #[error("no password for {user}: nothing was sent")]
    NoPassword {
        /// Whose.
        user: String,
    },
    /// It is not TOML of the right shape.
    #[error("{path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

impl AccessError {
    fn unreadable(path: &Path, why: String) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, why }
    }

    fn malformed(path: &Path, why: String) -> Self {
        let path = path.to_owned();
        Self::Malformed { path, why }
    }
}

/// Where a table stands.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    kind: &'static str,
    number: usize,
}

impl Place {
    /// What is wrong with the table that stands here.
    pub fn wrong(&self, why: impl AsRef<str>) -> AccessError {
        let (kind, number, why) = (self.kind, self.number, why.as_ref());
        AccessError::malformed(&self.path, format!("[[{kind}]] number {number}: {why}"))
    }

    /// A file the table names: one without a folder lies beside the access file.
    pub fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).join(file)
    }
}

/// The tables of `kind` in the access file at `path`, in its order.
///
/// # Errors
/// It cannot be read, is open to others, is not TOML, or holds a table nobody reads or a key of the wrong kind.
pub fn tables<T: DeserializeOwned>(
    disk: &dyn Disk,
    path: &Path,
    kind: &'static str,
) -> Result<Vec<(T, Place)>, AccessError> {
    let text = closed_file(disk, path)?;
    let wrong = |why: String| AccessError::malformed(path, why);
    // A parser's message may quote the line, and the line may hold a password: only the place is told.
    let file: toml::Table = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(format!("not TOML at byte {at}"))
    })?;
    let mut all = Vec::new();
    for (name, value) in file {
        match value {
            toml::Value::Array(tables) if name == kind => all = tables,
            _ if name == kind => return Err(wrong(format!("write [[{kind}]], in two brackets"))),
            _ if KINDS.contains(&name.as_str()) => {}
            _ => {
                let known = KINDS.map(|kind| format!("[[{kind}]]")).join(", ");
                return Err(wrong(format!(
                    "there is no table {name:?}; there are {known}"
                )));
            }
        }
    }
    let each = all.into_iter().zip(1..).map(|(table, number)| {
        let path = path.to_owned();
        let place = Place { path, kind, number };
        match table.try_into() {
            Ok(table) => Ok((table, place)),
            Err(error) => Err(place.wrong(without_values(&error))),
        }
    });
    each.collect()
}

/// The message, unless it might quote a value.
fn without_values(error: &toml::de::Error) -> &str {
    let message = error.message();
    match message.starts_with("unknown field") || message.starts_with("missing field") {
        true => message,
        false => "a key has a value of the wrong kind",
    }
}

/// A file that may hold a password: nobody but its owner may read or write it.
///
/// # Errors
/// It cannot be read, is no text, or is open to others.
pub fn closed_file(disk: &dyn Disk, path: &Path) -> Result<Zeroizing<String>, AccessError> {
    let read = disk.read(path, FILE_BYTES_MAX);
    let read = read.map_err(|error| AccessError::unreadable(path, error.to_string()))?;
    let mode = read.metadata.mode.unwrap_or(0o600) & 0o777;
    // Where there are no modes the disk says whether it is closed to others; silence is no yes.
    let is_closed = || {
        disk.attribute(path, crate::disk::CLOSED)
            .is_ok_and(|mark| mark.is_some())
    };
    if mode & 0o077 != 0 || (cfg!(windows) && !is_closed()) {
        let path = path.to_owned();
        return Err(AccessError::Open { path, mode });
    }
    let text = String::from_utf8(read.bytes).map(Zeroizing::new);
    text.map_err(|_| AccessError::unreadable(path, "it is not UTF-8".to_owned()))
}

/// The password a table holds, or the file it names beside it; none where it says neither. `key` is what it is called there.
///
/// # Errors
/// It says both, or the file cannot be used.
pub fn password(
    disk: &dyn Disk,
    place: &Place,
    key: &str,
    text: Option<&str>,
    file: Option<&Path>,
) -> Result<Option<Zeroizing<String>>, AccessError> {
    match (text, file) {
        (Some(_), Some(_)) => Err(place.wrong(format!("both {key} and {key}_file"))),
        (Some(text), None) => Ok(Some(Zeroizing::new(text.to_owned()))),
        (None, Some(file)) => {
            let text = closed_file(disk, &place.beside(file))?;
            let text = text.trim_end_matches(['\n', '\r']).to_owned();
            Ok(Some(Zeroizing::new(text)))
        }
        (None, None) => Ok(None),
    }
}
