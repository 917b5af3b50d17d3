//! Which archives a process holds open now: the links of `/proc/*/fd`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_source::EntryKind;

use crate::reading::Reading;
use crate::text::file_name;

/// Processes, and descriptors of all of them, that are looked at.
const PROCESSES_MAX: usize = 50_000;
const DESCRIPTORS_MAX: usize = 500_000;

/// How many processes hold each of `wanted` open; `None` if not one process could be looked into.
pub(crate) fn of(reading: &mut Reading<'_>, wanted: &[PathBuf]) -> Option<BTreeMap<PathBuf, u64>> {
    let mut held: BTreeMap<PathBuf, u64> = wanted.iter().map(|path| (path.clone(), 0)).collect();
    let (mut any, mut left) = (false, DESCRIPTORS_MAX);
    let processes = reading.list(Path::new("/proc")).unwrap_or_default();
    let is_process = |e: &&groma_source::Entry| file_name(&e.path).iter().all(u8::is_ascii_digit);
    for process in processes.iter().filter(is_process).take(PROCESSES_MAX) {
        // A process of somebody else refuses; one that has ended is gone.
        let Ok(open) = reading.list(&process.path.join("fd")) else {
            continue;
        };
        any |= !open.is_empty();
        for link in open.iter().filter(|e| e.kind == EntryKind::Link).take(left) {
            left -= 1;
            if let Ok(to) = reading.disk().read_link(&link.path)
                && let Some(count) = held.get_mut(&to)
            {
                *count += 1;
            }
        }
    }
    any.then_some(held)
}
