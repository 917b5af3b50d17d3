//! The lines sources keep from one look to the next, a file each beside the agent's state.
//!
//! It is a cache and nothing more: without it everything is looked at, so no failure here is worth a word.

use std::path::Path;

use groma_source::Memory;
use groma_sys::own;

use crate::replacing::{Lasts, replace};

const FILE: &str = "config.memory";

/// The memory in `directory`, of which every source has a file ([`Memory::of`]), believed only if it is this account's own and this very program kept it.
pub fn memory_in(directory: &Path) -> Memory {
    Memory {
        path: std::path::absolute(directory)
            .unwrap_or_else(|_| directory.to_owned())
            .join(FILE),
        owner: own::account(),
        program: format!("{} {}", env!("CARGO_PKG_VERSION"), own::program()),
    }
}

/// Puts `lines` in place of what was kept before; a crash leaves the old or the new, never half of it.
pub(crate) fn keep(memory: &Memory, lines: &[String]) {
    let _ = replace(&memory.path, Lasts::Perhaps, |out| {
        for line in lines {
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(())
    });
}
