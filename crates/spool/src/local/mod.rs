//! A real directory: ours alone, and locked while it is in use.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::disk::{Space, SpoolDisk};
use crate::error::DirectoryError;

const LOCK: &str = "lock";

/// Tells the room of the file system a spool lies on; `statvfs` needs a system call, and those live elsewhere.
pub type SpaceOf = Box<dyn FnMut() -> io::Result<Space> + Send>;

/// A directory of mode 0700 with files of mode 0600, owned by whoever runs this.
pub struct LocalDir {
    path: PathBuf,
    space: SpaceOf,
    writing: BTreeMap<String, File>,
    reading: Option<(String, File)>,
    /// Held until this value goes away; the kernel lets go of it even if the process is killed.
    _lock: File,
}

impl LocalDir {
    /// Takes a directory for a spool, and makes it if only its parent exists. `space` tells the room of its file system.
    ///
    /// Refused are directories that belong to somebody else or that others may write into, since whoever can put a file there
    /// speaks in our name; and one that another process uses.
    pub fn open(path: &Path, space: SpaceOf) -> Result<Self, DirectoryError> {
        let create = |source| DirectoryError::Create {
            path: path.to_owned(),
            source,
        };
        let unusable = |source| DirectoryError::Use {
            path: path.to_owned(),
            source,
        };
        match system::make(path) {
            Ok(()) => system::sync_above(path).map_err(create)?,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(create(source)),
        }
        let path = path.canonicalize().map_err(unusable)?;
        let metadata = path.metadata().map_err(unusable)?;
        if !metadata.is_dir() {
            return Err(DirectoryError::NotADirectory { path });
        }
        system::inspect(&path, &metadata)?;
        let lock = lock(&path)?;
        Ok(Self {
            path,
            space,
            writing: BTreeMap::new(),
            reading: None,
            _lock: lock,
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn written(&mut self, name: &str) -> io::Result<&mut File> {
        self.writing
            .get_mut(name)
            .ok_or_else(|| io::Error::other("the file is not open for appending"))
    }

    fn read(&mut self, name: &str) -> io::Result<&File> {
        let known = self.reading.take().filter(|(open, _)| open == name);
        let open = match known {
            Some(open) => open,
            None => {
                regular(&self.at(name))?;
                (name.to_owned(), system::to_read(&self.at(name))?)
            }
        };
        Ok(&self.reading.insert(open).1)
    }

    fn forget(&mut self, name: &str) {
        self.writing.remove(name);
        self.reading.take_if(|(open, _)| open == name);
    }
}

fn lock(path: &Path) -> Result<File, DirectoryError> {
    let unusable = |source| DirectoryError::Use {
        path: path.to_owned(),
        source,
    };
    let name = path.join(LOCK);
    match regular(&name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        other => {
            other.map_err(unusable)?;
        }
    }
    let file = system::to_lock()
        .create(true)
        .open(&name)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// An error for whatever is no regular file: a FIFO would hang us, a link would lead elsewhere.
fn regular(path: &Path) -> io::Result<Metadata> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "not a regular file",
    ))
}

impl SpoolDisk for LocalDir {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn length(&mut self, name: &str) -> io::Result<u64> {
        regular(&self.at(name)).map(|m| m.len())
    }

    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.read(name)?;
        loop {
            match system::read_at(file, buffer, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn create_new(&mut self, name: &str) -> io::Result<()> {
        let file = system::private().create_new(true).open(self.at(name))?;
        self.forget(name);
        self.writing.insert(name.to_owned(), file);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        let file = self.written(name)?;
        loop {
            match file.write(bytes) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn sync_data(&mut self, name: &str) -> io::Result<()> {
        match self.writing.get(name) {
            Some(file) => file.sync_data(),
            None => self.read(name)?.sync_data(),
        }
    }

    fn close(&mut self, name: &str) {
        self.writing.remove(name);
    }

    fn overwrite(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        regular(&self.at(name))?;
        let file = OpenOptions::new().write(true).open(self.at(name))?;
        system::write_from_begin(&file, bytes)?;
        file.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from), self.at(to))?;
        self.forget(from);
        self.forget(to);
        Ok(())
    }

    fn unlink(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(name))?;
        self.forget(name);
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        system::sync(&self.path)
    }

    fn space(&mut self) -> io::Result<Space> {
        (self.space)()
    }
}
