//! What files said at the last look, so that a file nobody touched costs no more than asking whether somebody did.
//!
//! A file is taken as untouched while device, inode, size and both of its times stay, to the nanosecond: the time
//! of the last write can be set back by anybody, the time of the last change by nobody. A file that changed less
//! than two seconds before it was read is not kept at all: another change in the same tick of the file system's
//! clock would leave no trace. What a file says also depends on the rest of the machine (which units run, what
//! packages brought), on the rules and on the budget; if any of it changed, nothing kept is believed.
//!
//! Only what goes into the batch is kept, so no secret and no line of a file is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use groma_model::fact::{NameAnswer, Reference};
use groma_model::{Reason, Timestamp};
use groma_source::{
    Disk, DiskError, Entry, EntryKind, FileRead, Memory, Metadata, OpenFile, Space, Stamp,
};
use serde::{Deserialize, Serialize};

use crate::inspect::Said;

const SCHEMA: &str = "groma.memory.config/1";
/// All lines together; what does not fit is read again at the next look.
const BYTES_MAX: usize = 16 << 20;
/// One line; a directory that says more has several.
const LINE_MAX: usize = 256 << 10;
/// A change this recent may be followed by one that cannot be told from it.
const RACY_MS: i64 = 2_000;

/// What everything kept depends on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Basis {
    schema: String,
    program: String,
    machine: u64,
    roots: Vec<PathBuf>,
    file_bytes_max: u64,
}

impl Basis {
    pub(crate) fn new(memory: &Memory, machine: u64, roots: &[PathBuf], limit: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            program: memory.program.clone(),
            machine,
            roots: roots.to_vec(),
            file_bytes_max: limit,
        }
    }
}

/// Some files of one directory.
#[derive(Serialize, Deserialize)]
struct Line {
    directory: String,
    files: Vec<KeptFile>,
}

/// One file that was read, and what it said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct KeptFile {
    name: String,
    /// Device, inode, size; last write and last change in nanoseconds since 1970.
    stamp: (u64, u64, u64, i64, i64),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<NameAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial: Option<Reason>,
}

fn plain(stamp: &Stamp) -> (u64, u64, u64, i64, i64) {
    let (device, inode) = stamp.identity;
    (device, inode, stamp.bytes, stamp.modified, stamp.changed)
}

/// What was kept of one directory.
#[derive(Default)]
pub(crate) struct KeptDirectory {
    lines: Vec<String>,
    files: HashMap<String, KeptFile>,
}

impl KeptDirectory {
    /// What the file said, if nobody touched it since.
    pub(crate) fn take(&mut self, path: &Path, stamp: Option<&Stamp>) -> Option<Said> {
        let (name, stamp) = (path.file_name()?.to_str()?, plain(stamp?));
        if self.files.get(name)?.stamp != stamp {
            return None;
        }
        let kept = self.files.remove(name)?;
        Some(Said {
            references: kept.references,
            names: kept.names,
            partial: kept.partial,
        })
    }

    /// True if all of these files stand here as they are, and no others.
    pub(crate) fn is_whole(&self, files: &[(Entry, Option<Stamp>)]) -> bool {
        let same = |(entry, stamp): &(Entry, Option<Stamp>)| {
            let name = entry.path.file_name().and_then(|name| name.to_str());
            let kept = name.and_then(|name| self.files.get(name));
            kept.zip(stamp.as_ref())
                .is_some_and(|(kept, stamp)| kept.stamp == plain(stamp))
        };
        self.files.len() == files.len() && files.iter().all(same)
    }
}

/// Why nothing kept can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doubt {
    /// There is none, or it is of another program, machine or time.
    Nothing,
    /// Somebody else could have written it.
    NotOurs,
}

/// What was kept at the last look, by directory.
pub(crate) fn recall(
    disk: &dyn Disk,
    memory: &Memory,
    basis: &Basis,
) -> Result<HashMap<String, KeptDirectory>, Doubt> {
    match disk.metadata(&memory.path) {
        Ok(metadata) if metadata.kind != EntryKind::File => return Err(Doubt::NotOurs),
        Ok(_) => {}
        Err(_) => return Err(Doubt::Nothing),
    }
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    let read = disk.read(&memory.path, limit).map_err(|_| Doubt::Nothing)?;
    let shared = read.metadata.mode.is_some_and(|mode| mode & 0o077 != 0);
    if read.metadata.owner != memory.owner || shared {
        return Err(Doubt::NotOurs);
    }
    parse(&read.bytes, basis).ok_or(Doubt::Nothing)
}

/// A damaged line makes all of it doubtful.
fn parse(bytes: &[u8], basis: &Basis) -> Option<HashMap<String, KeptDirectory>> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let first: Basis = serde_json::from_str(lines.next()?).ok()?;
    if first != *basis {
        return None;
    }
    let mut out: HashMap<String, KeptDirectory> = HashMap::new();
    for text in lines {
        let line: Line = serde_json::from_str(text).ok()?;
        let directory = out.entry(line.directory).or_default();
        directory.lines.push(text.to_owned());
        let named = line.files.into_iter().map(|file| (file.name.clone(), file));
        directory.files.extend(named);
    }
    Some(out)
}

/// What is to be kept for the next look.
pub(crate) struct Keeping {
    lines: Vec<String>,
    bytes: usize,
    /// The directory whose files are noted now, and the line about them so far.
    open: Option<String>,
    /// True if a file was noted that was not known before.
    is_news: bool,
}

impl Keeping {
    pub(crate) fn new(basis: &Basis) -> Self {
        let first = serde_json::to_string(basis).unwrap_or_default();
        Self {
            bytes: first.len(),
            lines: vec![first],
            open: None,
            is_news: false,
        }
    }

    /// A directory in which nothing changed.
    pub(crate) fn again(&mut self, kept: &mut KeptDirectory) {
        for line in std::mem::take(&mut kept.lines) {
            self.add(line);
        }
    }

    /// A file as it was when it was read, at `now`.
    pub(crate) fn note(
        &mut self,
        path: &Path,
        stamp: &Stamp,
        said: &Said,
        now: Timestamp,
        new: bool,
    ) {
        let latest = stamp.modified.max(stamp.changed) / 1_000_000;
        if latest > now.millis().saturating_sub(RACY_MS) {
            return;
        }
        let (Some(directory), Some(name)) = (
            path.parent().and_then(Path::to_str),
            path.file_name().and_then(|name| name.to_str()),
        ) else {
            return;
        };
        self.is_news |= new;
        let file = KeptFile {
            name: name.to_owned(),
            stamp: plain(stamp),
            references: said.references.clone(),
            names: said.names.clone(),
            partial: said.partial.clone(),
        };
        let (Ok(text), Ok(directory)) = (
            serde_json::to_string(&file),
            serde_json::to_string(directory),
        ) else {
            return;
        };
        match &mut self.open {
            Some(line) => line.push(','),
            None => self.open = Some(format!("{{\"directory\":{directory},\"files\":[")),
        }
        if let Some(line) = &mut self.open {
            line.push_str(&text);
            if line.len() >= LINE_MAX {
                self.close();
            }
        }
    }

    /// Ends what is said about one directory.
    pub(crate) fn close(&mut self) {
        if let Some(line) = self.open.take() {
            self.add(line + "]}");
        }
    }

    fn add(&mut self, line: String) {
        let bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
        if bytes <= BYTES_MAX {
            self.bytes = bytes;
            self.lines.push(line);
        }
    }

    /// The lines, if they say more than is known already.
    pub(crate) fn lines(self) -> Vec<String> {
        if self.is_news { self.lines } else { Vec::new() }
    }
}

/// A disk that sums up everything it was asked and what it answered. What was concluded from the same answers
/// is the same conclusion.
pub(crate) struct Witness<'d> {
    disk: &'d dyn Disk,
    digest: Mutex<DefaultHasher>,
}

impl<'d> Witness<'d> {
    pub(crate) fn new(disk: &'d dyn Disk) -> Self {
        Self {
            disk,
            digest: Mutex::default(),
        }
    }

    /// True if anything was asked at all.
    pub(crate) fn was_asked(&self) -> bool {
        self.digest() != DefaultHasher::new().finish()
    }

    pub(crate) fn digest(&self) -> u64 {
        let digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        digest.finish()
    }

    fn heard<T>(
        &self,
        path: &Path,
        answer: Result<T, DiskError>,
        sum: impl FnOnce(&T, &mut DefaultHasher),
    ) -> Result<T, DiskError> {
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        path.hash(&mut *digest);
        match &answer {
            Ok(answer) => sum(answer, &mut digest),
            Err(error) => error.reason.to_string().hash(&mut *digest),
        }
        answer
    }
}

impl Disk for Witness<'_> {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.heard(path, self.disk.read(path, limit), |read, digest| {
            read.path.hash(digest);
            read.bytes.hash(digest);
        })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        // What is read piece by piece shows in the times of the file.
        self.heard(path, self.disk.open(path), |file, digest| {
            let metadata = file.metadata();
            (metadata.bytes, metadata.modified, metadata.identity).hash(digest);
        })
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.heard(path, self.disk.list(path, limit), |entries, digest| {
            for entry in entries {
                entry.path.hash(digest);
                kind(entry.kind).hash(digest);
            }
        })
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.heard(path, self.disk.metadata(path), |metadata, digest| {
            (kind(metadata.kind), metadata.mode, metadata.owner).hash(digest);
        })
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.heard(path, self.disk.read_link(path), |to, digest| {
            to.hash(digest)
        })
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        self.heard(path, self.disk.attribute(path, name), |bytes, digest| {
            bytes.hash(digest);
        })
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.disk.space(path)
    }
}

fn kind(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::File => 0,
        EntryKind::Directory => 1,
        EntryKind::Link => 2,
        EntryKind::Special => 3,
    }
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn memory() -> Memory {
        Memory {
            path: "/var/lib/groma-agent/config.memory".into(),
            owner: Some(0),
            program: "1".into(),
        }
    }

    fn basis(program: &str) -> Basis {
        let memory = Memory {
            program: program.into(),
            ..memory()
        };
        Basis::new(&memory, 7, &["/etc".into()], 1 << 20)
    }

    fn stamp(changed: i64) -> Stamp {
        Stamp {
            identity: (1, 2),
            bytes: 3,
            modified: 4,
            changed,
        }
    }

    fn entry(path: &str) -> Entry {
        Entry {
            path: path.into(),
            kind: EntryKind::File,
        }
    }

    fn kept(changed: i64, now: i64) -> String {
        let mut keeping = Keeping::new(&basis("1"));
        let said = Said::default();
        let now = Timestamp::from_seconds(now);
        keeping.note(Path::new("/etc/a"), &stamp(changed), &said, now, true);
        keeping.close();
        keeping.lines().join("\n")
    }

    #[test]
    fn a_file_nobody_touched_is_known_and_any_change_is_seen() {
        let text = kept(5_000_000_000, 100);
        let mut found = parse(text.as_bytes(), &basis("1")).unwrap();
        let etc = found.get_mut("/etc").unwrap();
        let path = Path::new("/etc/a");
        assert!(etc.is_whole(&[(entry("/etc/a"), Some(stamp(5_000_000_000)))]));
        assert!(!etc.is_whole(&[]));
        // Written again with the same size, and its time set back: the change of that shows.
        assert!(etc.take(path, Some(&stamp(5_000_000_001))).is_none());
        assert!(etc.take(path, None).is_none());
        assert!(etc.take(path, Some(&stamp(5_000_000_000))).is_some());
    }

    #[test]
    fn what_changed_just_now_or_in_the_future_is_not_kept() {
        assert!(kept(99_000_000_000, 100).is_empty());
        assert!(kept(200_000_000_000, 100).is_empty());
        assert!(!kept(97_000_000_000, 100).is_empty());
    }

    #[test]
    fn another_program_machine_or_damage_makes_it_worthless() {
        let text = kept(5, 100);
        assert!(parse(text.as_bytes(), &basis("2")).is_none());
        assert!(parse(&text.as_bytes()[..text.len() - 1], &basis("1")).is_none());
        assert!(parse(b"", &basis("1")).is_none());
        assert!(parse(b"\xff\n", &basis("1")).is_none());
    }

    #[test]
    fn a_file_others_may_write_is_not_believed() {
        let text = kept(5, 100);
        let disk = FakeDisk::new().file("/var/lib/groma-agent/config.memory", text.into_bytes());
        // The made-up disk says root and 0644.
        assert_eq!(
            recall(&disk, &memory(), &basis("1")).err(),
            Some(Doubt::NotOurs)
        );
        let nothing = FakeDisk::new();
        assert_eq!(
            recall(&nothing, &memory(), &basis("1")).err(),
            Some(Doubt::Nothing)
        );
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let text = kept(5, 100);
        groma_fuzz::hammer(2_000, &[text.as_bytes()], |bytes| {
            let _ = parse(bytes, &basis("1"));
        });
    }
}
