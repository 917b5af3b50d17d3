//! Writing to people and files: a closed pipe is no error, a file is for its owner alone.

use std::io::{self, Write};
use std::path::Path;

/// Opens `path` for writing, a new file for its owner alone, or standard output for `-`.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout().lock()));
    }
    Ok(Box::new(groma_sys::own::open_out(path)?))
}

/// A reader that went away (`| head`) has read enough.
pub(crate) fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line for whoever reads the journal of a service; on Windows, the event log.
pub(crate) fn tell(line: &str) {
    #[cfg(windows)]
    if groma_sys::windows::service::told(line) {
        return;
    }
    let _ = writeln!(io::stderr(), "groma-agent: {line}");
}
