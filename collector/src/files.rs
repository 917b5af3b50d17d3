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

/// So much shows what a file is: the first field of a journal handed over as text may be long.
const HEAD: u64 = 4 << 10;

/// The first bytes of a regular file: what it is. Empty where it is none, or cannot be opened; whoever reads it says why.
pub(crate) fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if path.is_file()
        && let Ok(file) = std::fs::File::open(path)
    {
        let _ = io::Read::read_to_end(&mut io::Read::take(file, HEAD), &mut head);
    }
    head
}

/// Writes `bytes` to `path` with mode 0600, or to standard output for `-`.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| out.write_all(bytes))
}

/// Lets `fill` write to `path` with mode 0600, or to standard output for `-`.
///
/// A file is replaced as a whole: a full disk leaves the old one.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let context = || format!("write {}", path.display());
    if path == Path::new("-") {
        return unless_closed(filled(io::stdout().lock(), fill).map(drop))
            .context("write to standard output");
    }
    if path.is_dir() {
        anyhow::bail!(
            "write {}: it is a directory; name a file in it",
            path.display()
        );
    }
    if !path.symlink_metadata().map_or(true, |m| m.is_file()) {
        // A device or a pipe somebody named on purpose (/dev/stdout) is written to, never replaced.
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .with_context(context)?;
        return unless_closed(filled(file, fill).map(drop)).with_context(context);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        filled(file, fill)?.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    write()
        .inspect_err(|_| drop(std::fs::remove_file(&fresh)))
        .with_context(context)
}

fn filled<W: Write>(out: W, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<W> {
    let mut out = io::BufWriter::with_capacity(1 << 20, out);
    fill(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

/// A reader that went away (`| head`) has read enough.
fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints to standard output; a reader that went away has read enough.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    write(Path::new("-"), bytes)
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
