//! The authority's files: for their owner alone, and each whole or not there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rcgen::KeyPair;

use super::{AuthorityError, files};

/// The files of an authority.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The certificate of the one that signs.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The key of the collector itself.
    pub(crate) server: PathBuf,
    /// The certificate of the one that will sign.
    pub(crate) next: PathBuf,
    /// Its key.
    pub(crate) next_key: PathBuf,
    /// The next one's key, signed by the one before it.
    pub(crate) bridge: PathBuf,
    /// The certificate of the one that signed before. Its key is not kept.
    pub(crate) former: PathBuf,
}

impl Names {
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            certificate: directory.join("authority.pem"),
            key: directory.join("authority.key"),
            server: directory.join("server.key"),
            next: directory.join("next.pem"),
            next_key: directory.join("next.key"),
            bridge: directory.join("bridge.pem"),
            former: directory.join("former.pem"),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> [&Path; 7] {
        [
            &self.certificate,
            &self.key,
            &self.server,
            &self.next,
            &self.next_key,
            &self.bridge,
            &self.former,
        ]
    }
}

/// Two processes may be at an authority at once: one of them is, the other waits and finds what it did.
pub(crate) fn alone(directory: &Path) -> Result<fs::File, AuthorityError> {
    let path = directory.join("lock");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(files("open", &path))?;
    file.lock().map_err(files("lock", &path))?;
    Ok(file)
}

pub(crate) fn read_key(path: &Path) -> Result<KeyPair, AuthorityError> {
    if others_may_read(path) {
        return Err(AuthorityError::Open {
            path: path.to_owned(),
        });
    }
    let text = read_text(path)?;
    KeyPair::from_pem(&text).map_err(|_| AuthorityError::Damaged {
        path: path.to_owned(),
        why: "there is no key in it".to_owned(),
    })
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).is_ok_and(|m| m.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

pub(crate) fn read_text(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(files("read", path))
}

pub(crate) fn make_private(directory: &Path) -> Result<(), AuthorityError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(files("create", directory))
}

/// Writes a file for its owner alone, whole and durable before it has its name.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&fresh);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        belongs_as_its_folder(&file, path);
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(files("write", path))?;
    rename(&fresh, path)
}

/// What root writes into the folder of a service belongs to that service, which could not read it otherwise.
#[cfg(unix)]
fn belongs_as_its_folder(file: &fs::File, path: &Path) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if let Some(Ok(folder)) = path.parent().map(fs::metadata) {
        // Who may not give it away owns what he made.
        let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
    }
}

#[cfg(not(unix))]
fn belongs_as_its_folder(_: &fs::File, _: &Path) {}

/// Gives a file another name, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), AuthorityError> {
    fs::rename(from, to)
        .and_then(|()| sync_folder_of(to))
        .map_err(files("write", to))
}

/// Removes a file, durably; one that is not there is removed.
pub(crate) fn remove(path: &Path) -> Result<(), AuthorityError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed
            .and_then(|()| sync_folder_of(path))
            .map_err(files("remove", path)),
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
}
