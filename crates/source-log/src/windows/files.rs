//! Which files lie at a path that somebody named.

use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{Disk, DiskError, EntryKind};

use crate::utf16;

/// Folders in folders that are followed.
const DEPTH_MAX: usize = 8;
/// Entries that are looked at.
const ENTRIES_MAX: usize = 20_000;

/// A file.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// True if somebody named this very file.
    pub(crate) named: bool,
}

/// What lies there, and what could not be looked at.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<File>,
    pub(crate) errors: Vec<DiskError>,
}

/// The regular files at `path` and below, in order; no link is followed.
pub(crate) fn under(disk: &dyn Disk, path: &Path) -> Found {
    let mut found = Found::default();
    match disk.metadata(path) {
        Ok(metadata) if metadata.kind == EntryKind::File => found.files.push(File {
            path: path.to_owned(),
            bytes: metadata.bytes,
            named: true,
        }),
        Ok(metadata) if metadata.kind == EntryKind::Directory => {
            let mut left = ENTRIES_MAX;
            walk(disk, path, DEPTH_MAX, &mut left, &mut found);
        }
        Ok(_) => found
            .errors
            .push(DiskError::because(path, Reason::NotARegularFile)),
        Err(error) => found.errors.push(error),
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(disk: &dyn Disk, folder: &Path, depth: usize, left: &mut usize, found: &mut Found) {
    // One more than may be: a list is cut where it ends, and says nothing.
    let entries = match disk.list(folder, left.saturating_add(1)) {
        Ok(entries) => entries,
        Err(error) => return found.errors.push(error),
    };
    for entry in entries {
        if *left == 0 || depth == 0 {
            return found
                .errors
                .push(DiskError::because(folder, Reason::BudgetExhausted));
        }
        *left -= 1;
        match entry.kind {
            EntryKind::Directory => walk(disk, &entry.path, depth - 1, left, found),
            EntryKind::File => match disk.metadata(&entry.path) {
                Ok(metadata) => found.files.push(File {
                    path: entry.path,
                    bytes: metadata.bytes,
                    named: false,
                }),
                Err(error) => found.errors.push(error),
            },
            _ => {}
        }
    }
}

/// True for a begin of a text log (`#Software: …`, or one of NPS), also in UTF-16, or of a compressed file that may be one.
pub(super) fn may_be_table(head: &[u8]) -> bool {
    if utf16::order(head).is_some() {
        return true;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let begins = [
        &b"#"[..],
        b"\"",
        b"<Event><",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
    ];
    begins.iter().any(|begin| text.starts_with(begin))
        || text.first().is_some_and(u8::is_ascii_digit)
}
