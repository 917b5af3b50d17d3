//! What files said at the last look, so that a file nobody touched costs no more than asking whether somebody did.
//!
//! A file is taken as untouched while device, inode, size and both of its times stay, to the nanosecond: the time
//! of the last write can be set back by anybody, the time of the last change by nobody. A file that changed less
//! than two seconds before it was read is not kept at all: another change in the same tick of the file system's
//! clock would leave no trace. What a file says also depends on the rest of the machine (which units run, what
//! packages brought), on the rules and on the budget; if any of it changed, nothing kept is believed.
//!
//! Only what goes into the batch is kept, so no secret and no line of a file is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use groma_model::fact::NameAnswer;
use groma_model::{Reason, Timestamp};
use groma_source::disk::foreign;
use groma_source::{
    Disk, DiskError, Doubt, Entry, EntryKind, FileRead, Memory, Metadata, OpenFile, Space, Stamp,
};
use serde::{Deserialize, Serialize};

use crate::inspect::Said;
use crate::packed::{pack, unpack};

const SCHEMA: &str = "groma.memory.config/3";
/// Stands between the parts of a line: the directory, then file by file a name, a stamp, the shapes of its references, their
/// places ([`crate::packed::Packed`]), and what else it said.
const SEPARATOR: char = '\t';
/// Stands for the shapes of the last file of the line that had any.
const AS_BEFORE: &str = "=";
/// Begins the last line, which says how many stand before it: no directory is called so.
const END: &str = "end\t";
/// All lines together; what does not fit is read again at the next look.
const BYTES_MAX: usize = 16 << 20;
/// One line; a directory that says more has several.
const LINE_MAX: usize = 256 << 10;
/// Room for the last line.
const END_MAX: usize = 32;
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

/// What one file said besides references.
#[derive(Serialize, Deserialize)]
struct KeptSaid<'s> {
    #[serde(default, skip_serializing_if = "<[NameAnswer]>::is_empty")]
    names: Cow<'s, [NameAnswer]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial: Option<Reason>,
}

/// Device, inode, size; last write and last change in nanoseconds since 1970.
fn plain(stamp: &Stamp) -> [u64; 5] {
    let (device, inode) = stamp.identity;
    let bits = |time: i64| u64::from_ne_bytes(time.to_ne_bytes());
    let (modified, changed) = (bits(stamp.modified), bits(stamp.changed));
    [device, inode, stamp.bytes, modified, changed]
}

/// True if `text` is `stamp`: its numbers in lower hexadecimal letters, a dot behind each.
fn is_stamp(text: &str, stamp: &Stamp) -> bool {
    let mut rest = text.as_bytes();
    let all = plain(stamp).into_iter().all(|number| {
        let mut read = 0_u64;
        while let Some((letter, behind)) = rest.split_first() {
            rest = behind;
            let digit = match letter {
                b'0'..=b'9' => letter - b'0',
                b'a'..=b'f' => letter - b'a' + 10,
                _ => return *letter == b'.' && read == number,
            };
            read = read << 4 | u64::from(digit);
        }
        false
    });
    all && rest.is_empty()
}

/// What was kept at the last look, by directory. Nothing of it is taken apart before somebody comes by.
#[derive(Default)]
pub(crate) struct Recalled {
    text: String,
    by_directory: HashMap<String, Vec<Range<usize>>>,
}

impl Recalled {
    /// What was kept of one directory.
    pub(crate) fn of(&self, directory: &Path) -> KeptDirectory<'_> {
        let ranges = directory.to_str().and_then(|d| self.by_directory.get(d));
        let mut kept = KeptDirectory::default();
        for range in ranges.into_iter().flatten() {
            let line = self.text.get(range.clone()).unwrap_or_default();
            kept.lines.push(line);
            let mut parts = line.split(SEPARATOR).skip(1);
            let mut before = "";
            while let (Some(name), Some(stamp), Some(shapes), Some(places), Some(said)) = (
                parts.next(),
                parts.next(),
                parts.next(),
                parts.next(),
                parts.next(),
            ) {
                let shapes = if shapes == AS_BEFORE { before } else { shapes };
                before = if shapes.is_empty() { before } else { shapes };
                kept.files.push(KeptFile {
                    name,
                    stamp,
                    shapes,
                    places,
                    said,
                });
            }
        }
        kept
    }
}

/// One file that was read, as its line says it.
#[derive(Clone, Copy)]
struct KeptFile<'k> {
    name: &'k str,
    stamp: &'k str,
    /// As in [`crate::packed::Packed`], or nothing for a file without references.
    shapes: &'k str,
    places: &'k str,
    /// A [`KeptSaid`], or nothing for a file that said nothing else.
    said: &'k str,
}

/// What a file said that nobody touched, and how it was kept.
pub(crate) struct Taken<'k> {
    pub(crate) said: Said,
    file: KeptFile<'k>,
}

/// What was kept of one directory, its files in the order in which they were met.
#[derive(Default)]
pub(crate) struct KeptDirectory<'k> {
    lines: Vec<&'k str>,
    files: Vec<KeptFile<'k>>,
    /// Files passed already.
    at: usize,
    /// True if every file of the directory stands here as it is.
    whole: bool,
}

impl<'k> KeptDirectory<'k> {
    /// What the file said, if nobody touched it since. Files are asked for in order.
    pub(crate) fn take(&mut self, path: &Path, stamp: Option<&Stamp>) -> Option<Taken<'k>> {
        if !self.whole {
            let name = path.file_name()?.to_str()?;
            let before = |file: &&KeptFile<'_>| file.name < name;
            let ahead = self.files.get(self.at..).unwrap_or_default();
            self.at += ahead.iter().take_while(before).count();
            let file = self.files.get(self.at)?;
            if file.name != name || !is_stamp(file.stamp, stamp?) {
                return None;
            }
        }
        let file = *self.files.get(self.at)?;
        self.at += 1;
        let mut said = Said::default();
        if !file.shapes.is_empty() {
            said.references = unpack(file.shapes, file.places, &foreign(path))?;
        }
        if !file.said.is_empty() {
            let kept: KeptSaid<'_> = serde_json::from_str(file.said).ok()?;
            said.names = kept.names.into_owned();
            said.partial = kept.partial;
        }
        Some(Taken { said, file })
    }

    /// True if all of these files stand here as they are, and no others; they need not be compared again.
    pub(crate) fn is_whole(&mut self, files: &[(Entry, Option<Stamp>)]) -> bool {
        let same = |((entry, stamp), kept): (&(Entry, Option<Stamp>), &KeptFile<'_>)| {
            let path = entry.path.as_os_str().as_encoded_bytes();
            let head = path.strip_suffix(kept.name.as_bytes());
            head.is_some_and(|head| head.ends_with(b"/"))
                && stamp.as_ref().is_some_and(|s| is_stamp(kept.stamp, s))
        };
        self.whole = self.files.len() == files.len() && files.iter().zip(&self.files).all(same);
        self.whole
    }
}

/// What was kept at the last look, by directory.
pub(crate) fn recall(disk: &dyn Disk, memory: &Memory, basis: &Basis) -> Result<Recalled, Doubt> {
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    parse(memory.read(disk, limit)?, basis).ok_or(Doubt::Nothing)
}

/// What was cut off anywhere is doubtful as a whole.
fn parse(bytes: Vec<u8>, basis: &Basis) -> Option<Recalled> {
    let text = String::from_utf8(bytes).ok()?;
    let mut by_directory: HashMap<String, Vec<Range<usize>>> = HashMap::new();
    let (first, _) = text.split_once('\n')?;
    if serde_json::from_str::<Basis>(first).ok()? != *basis {
        return None;
    }
    let body = text.strip_suffix('\n').unwrap_or(&text);
    let (_, last) = body.rsplit_once('\n')?;
    let said: usize = last.strip_prefix(END)?.parse().ok()?;
    let (mut start, mut many) = (first.len() + 1, 1);
    for end in memchr::memchr_iter(b'\n', body.as_bytes()).skip(1) {
        let directory = text.get(start..end)?.split(SEPARATOR).next()?;
        let ranges = by_directory.entry(directory.to_owned()).or_default();
        ranges.push(start..end);
        (start, many) = (end + 1, many + 1);
    }
    (many == said).then_some(Recalled { text, by_directory })
}

/// What is to be kept for the next look.
pub(crate) struct Keeping<'k> {
    lines: Vec<Cow<'k, str>>,
    bytes: usize,
    /// The directory whose files are noted now, and the line about them so far.
    open: Option<String>,
    /// The shapes of the last file in it that had any.
    shapes: String,
    /// True if a file was noted that was not known before.
    is_news: bool,
}

impl<'k> Keeping<'k> {
    pub(crate) fn new(basis: &Basis) -> Self {
        let first = serde_json::to_string(basis).unwrap_or_default();
        Self {
            bytes: first.len(),
            lines: vec![first.into()],
            open: None,
            shapes: String::new(),
            is_news: false,
        }
    }

    /// A directory in which nothing changed.
    pub(crate) fn again(&mut self, kept: &KeptDirectory<'k>) {
        for line in &kept.lines {
            self.add(Cow::Borrowed(line));
        }
    }

    /// A file as it was when it was read, at `now`.
    pub(crate) fn note(&mut self, path: &Path, stamp: &Stamp, said: &Said, now: Timestamp) {
        if is_recent(stamp, now) {
            return;
        }
        self.is_news |= self.add_file(path, |line, name, shapes| {
            write_file(line, (path, name), stamp, said, shapes)
        });
    }

    /// A file that nobody touched, as it was kept.
    pub(crate) fn note_again(
        &mut self,
        path: &Path,
        stamp: &Stamp,
        taken: &Taken<'_>,
        now: Timestamp,
    ) {
        if !is_recent(stamp, now) {
            self.add_file(path, |line, _, shapes| {
                copy_file(line, &taken.file, shapes);
                Ok(())
            });
        }
    }

    /// Adds what `write` says of the file to the line of its directory; false for a name that would break the line. Such a
    /// file is met as new each time.
    fn add_file(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut String, &str, &mut String) -> fmt::Result,
    ) -> bool {
        let plainly = |name: &&str| !name.bytes().any(|b| b.is_ascii_control());
        let name = path.file_name().and_then(|name| name.to_str());
        let directory = path.parent().and_then(Path::to_str);
        let (Some(directory), Some(name)) = (directory.filter(plainly), name.filter(plainly))
        else {
            return false;
        };
        let line = self.open.get_or_insert_with(|| directory.to_owned());
        let before = line.len();
        if write(line, name, &mut self.shapes).is_err() {
            line.truncate(before);
        }
        if line.len() >= LINE_MAX {
            self.close();
        }
        true
    }

    /// Ends what is said about one directory.
    pub(crate) fn close(&mut self) {
        self.shapes.clear();
        if let Some(line) = self.open.take() {
            self.add(line.into());
        }
    }

    fn add(&mut self, line: Cow<'k, str>) {
        let bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
        if bytes <= BYTES_MAX - END_MAX {
            self.bytes = bytes;
            self.lines.push(line);
        }
    }

    /// The lines, if they say more than is known already.
    pub(crate) fn lines(self) -> Vec<String> {
        if !self.is_news {
            return Vec::new();
        }
        let end = format!("{END}{}", self.lines.len());
        let lines = self.lines.into_iter().map(Cow::into_owned);
        lines.chain([end]).collect()
    }
}

/// True for a change that may be followed by one that cannot be told from it.
fn is_recent(stamp: &Stamp, now: Timestamp) -> bool {
    let latest = stamp.modified.max(stamp.changed) / 1_000_000;
    latest > now.millis().saturating_sub(RACY_MS)
}

/// Adds one file to the line of its directory as it stood in an older one.
fn copy_file(line: &mut String, file: &KeptFile<'_>, before: &mut String) {
    let is_as_before = !file.shapes.is_empty() && file.shapes == before;
    let shapes = if is_as_before { AS_BEFORE } else { file.shapes };
    for part in [file.name, file.stamp, shapes, file.places, file.said] {
        line.push(SEPARATOR);
        line.push_str(part);
    }
    if !is_as_before && !file.shapes.is_empty() {
        file.shapes.clone_into(before);
    }
}

/// Adds one file to the line of its directory. Where its shapes are those of the file before, they are not said again.
fn write_file(
    line: &mut String,
    (path, name): (&Path, &str),
    stamp: &Stamp,
    said: &Said,
    before: &mut String,
) -> fmt::Result {
    write!(line, "{SEPARATOR}{name}{SEPARATOR}")?;
    for number in plain(stamp) {
        write!(line, "{number:x}.")?;
    }
    line.push(SEPARATOR);
    let all = said.references.iter().cloned();
    let packed = pack(all.chain(said.finds.references()), &foreign(path)).ok_or(fmt::Error)?;
    let rest = if said.names.is_empty() && said.partial.is_none() {
        String::new()
    } else {
        let said = KeptSaid {
            names: Cow::Borrowed(&said.names),
            partial: said.partial.clone(),
        };
        // JSON writes a tab or the end of a line as letters.
        serde_json::to_string(&said).map_err(|_| fmt::Error)?
    };
    if packed.places.is_empty() {
        return write!(line, "{SEPARATOR}{SEPARATOR}{rest}");
    }
    let is_as_before = packed.shapes == *before;
    let shapes = if is_as_before {
        AS_BEFORE
    } else {
        &packed.shapes
    };
    write!(
        line,
        "{shapes}{SEPARATOR}{}{SEPARATOR}{rest}",
        packed.places
    )?;
    if !is_as_before {
        *before = packed.shapes;
    }
    Ok(())
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
        keeping.note(Path::new("/etc/a"), &stamp(changed), &said, now);
        keeping.close();
        keeping.lines().join("\n")
    }

    #[test]
    fn a_file_nobody_touched_is_known_and_any_change_is_seen() {
        let text = kept(5_000_000_000, 100);
        let found = parse(text.into_bytes(), &basis("1")).unwrap();
        let path = Path::new("/etc/a");
        let mut etc = found.of(Path::new("/etc"));
        assert!(etc.is_whole(&[(entry("/etc/a"), Some(stamp(5_000_000_000)))]));
        assert!(etc.take(path, Some(&stamp(5_000_000_000))).is_some());
        assert!(etc.take(path, Some(&stamp(5_000_000_000))).is_none());
        let mut etc = found.of(Path::new("/etc"));
        assert!(!etc.is_whole(&[]));
        assert!(!etc.is_whole(&[(entry("/etc/a"), Some(stamp(5_000_000_001)))]));
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
        let parse = |bytes: &[u8], program: &str| parse(bytes.to_vec(), &basis(program));
        assert!(parse(text.as_bytes(), "1").is_some());
        assert!(parse(text.as_bytes(), "2").is_none());
        for length in 0..text.len() {
            assert!(parse(&text.as_bytes()[..length], "1").is_none(), "{length}");
        }
        let (head, _) = text.rsplit_once("/etc\ta").unwrap();
        assert!(parse(format!("{head}end\t2\n").as_bytes(), "1").is_none());
        assert!(parse(b"\xff\n", "1").is_none());
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
            if let Some(found) = parse(bytes.to_vec(), &basis("1")) {
                let mut etc = found.of(Path::new("/etc"));
                let _ = etc.take(Path::new("/etc/a"), Some(&stamp(5)));
            }
        });
    }

    proptest::proptest! {
        #[test]
        fn files_come_back_in_any_company(
            kept in proptest::collection::btree_map("[a-e é\n]{1,3}", (0_i64..3, 0_u16..2), 0..8),
            met in proptest::collection::btree_map("[a-e é\n]{1,3}", 0_i64..3, 0..8),
        ) {
            let says = |port: u16| Said {
                partial: (port == 1).then_some(Reason::TimedOut),
                ..Said::default()
            };
            let mut keeping = Keeping::new(&basis("1"));
            for (name, (changed, port)) in &kept {
                let path = Path::new("/etc").join(name);
                keeping.note(&path, &stamp(*changed), &says(*port), Timestamp::from_seconds(100));
            }
            keeping.close();
            let lines = keeping.lines();
            let known = |name: &str| kept.get(name).filter(|_| !name.contains('\n'));
            if lines.is_empty() {
                proptest::prop_assert!(kept.keys().all(|name| known(name).is_none()));
                return Ok(());
            }
            let found = parse((lines.join("\n") + "\n").into_bytes(), &basis("1")).unwrap();
            let mut etc = found.of(Path::new("/etc"));
            let files: Vec<_> = met
                .iter()
                .map(|(name, changed)| (entry(&format!("/etc/{name}")), Some(stamp(*changed))))
                .collect();
            let same = |(name, changed): (&String, &i64)| known(name).is_some_and(|(kept, _)| kept == changed);
            let whole = kept.keys().filter(|name| known(name).is_some()).count() == met.len() && met.iter().all(same);
            proptest::prop_assert_eq!(etc.is_whole(&files), whole);
            for ((name, changed), (entry, stamp)) in met.iter().zip(&files) {
                let expected = known(name).filter(|(kept, _)| kept == changed);
                let taken = etc.take(&entry.path, stamp.as_ref());
                let partial = |said: Said| (said.names_nobody(), said.partial);
                let taken = taken.map(|taken| taken.said);
                proptest::prop_assert_eq!(taken.map(partial), expected.map(|(_, port)| partial(says(*port))));
            }
        }
    }
}
