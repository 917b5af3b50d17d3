//! The lines sources keep from one look to the next, a file each beside the agent's state.
//!
//! It is a cache and nothing more: without it everything is looked at, so no failure here is worth a word.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use groma_source::Memory;

const FILE: &str = "config.memory";

/// The memory in `directory`, of which every source has a file ([`Memory::of`]), believed only if it is this account's own and this very program kept it.
pub fn memory_in(directory: &Path) -> Memory {
    let owner = fs::metadata("/proc/self").ok().map(|m| m.uid());
    let program = fs::metadata("/proc/self/exe").map(|m| {
        let written = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        format!("{} {} {} {written:?}", m.dev(), m.ino(), m.size())
    });
    Memory {
        path: std::path::absolute(directory)
            .unwrap_or_else(|_| directory.to_owned())
            .join(FILE),
        owner,
        program: format!(
            "{} {}",
            env!("CARGO_PKG_VERSION"),
            program.unwrap_or_default()
        ),
    }
}

/// Puts `lines` in place of what was kept before; a crash leaves the old or the new, never half of it.
pub(crate) fn keep(memory: &Memory, lines: &[String]) {
    let _ = write(&memory.path, lines);
}

fn write(path: &Path, lines: &[String]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let fresh = path.with_extension("memory.new");
    let _ = fs::remove_file(&fresh);
    // Made anew, so that no link and no other account's file is written to.
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    let mut out = std::io::BufWriter::new(file);
    for line in lines {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.into_inner().map_err(|e| e.into_error())?;
    fs::rename(&fresh, path)
}
