//! Files of the operator: where the store lives, and outputs that only their owner may read.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The platform's data directory: the system's place for root, the user's own place for anybody else.
pub(crate) fn default_data() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    let own = from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")));
    match (root, own) {
        (false, Some(own)) => own.join("groma"),
        _ => PathBuf::from("/var/lib/groma"),
    }
}

/// Writes `bytes` to `path` with mode 0600, or to standard output for `-`.
///
/// A file is replaced as a whole: a full disk leaves the old one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        return print(bytes);
    }
    let context = || format!("write {}", path.display());
    if path.is_dir() {
        anyhow::bail!(
            "write {}: it is a directory; name a file in it",
            path.display()
        );
    }
    if !path.symlink_metadata().map_or(true, |m| m.is_file()) {
        // A device or a pipe somebody named on purpose (/dev/stdout) is written to, never replaced.
        return OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut f| f.write_all(bytes))
            .with_context(context);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    write()
        .inspect_err(|_| drop(std::fs::remove_file(&fresh)))
        .with_context(context)
}

/// Prints to standard output; a reader that went away (`| head`) has read enough.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("write to standard output"),
    }
}

/// Reads a file somebody named, of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let context = || format!("read {}", path.display());
    let metadata = std::fs::metadata(path).with_context(context)?;
    anyhow::ensure!(
        metadata.is_file(),
        "read {}: it is not a regular file",
        path.display()
    );
    anyhow::ensure!(
        metadata.len() <= limit,
        "read {}: it is larger than {} MiB",
        path.display(),
        limit >> 20
    );
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|f| f.take(limit).read_to_end(&mut bytes))
        .with_context(context)?;
    Ok(bytes)
}
