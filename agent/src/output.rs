//! Writing to people and files: a closed pipe is no error, a file is for its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens `path` for writing with mode 0600, or standard output for `-`.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout().lock()));
    }
    let file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    Ok(Box::new(file))
}

/// A reader that went away (`| head`) has read enough.
pub(crate) fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line for whoever reads the journal of a service.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "groma-agent: {line}");
}
