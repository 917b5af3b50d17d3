//! The journal of systemd, read from its files: <https://systemd.io/JOURNAL_FILE_FORMAT/>.
//!
//! A file is a heap of objects that point at each other by offset. Entries are met in their order along the chain of
//! entry arrays; each points at its fields, which many entries share. Only tag, machine, process and message are
//! looked at. Every offset is checked before it is followed, and arrays must lie one behind the other (systemd only
//! ever appends them), so no file makes the reader turn in a circle.
//!
//! Messages packed with zstd (systemd 246 and later) and LZ4 are read; XZ, which is older, is not.

mod lz4;
mod pages;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;

use groma_model::{Reason, Timestamp};
use groma_source::OpenFile;
use serde::{Deserialize, Serialize};

use self::pages::Pages;

const SIGNATURE: &[u8; 8] = b"LPKSHHRH";
/// `KEYED_HASH` and the compressions change nothing we look at, or are told by each object.
const KNOWN_FLAGS: u32 = 1 | 2 | 4 | 8 | COMPACT;
/// Offsets of entries and fields have 32 bits.
const COMPACT: u32 = 16;
const OBJECT_HEADER: u64 = 16;
const DATA: u8 = 1;
const ENTRY: u8 = 3;
const ENTRY_ARRAY: u8 = 6;
/// Longest message that is read, packed or not.
const MESSAGE_MAX: usize = 256 << 10;
/// Longest tag, machine name or process number.
const NAME_MAX: usize = 256;
/// Fields one entry may have.
const ITEMS_MAX: u64 = 1_024;
/// Fields that are remembered, because neighbouring entries share them.
const KNOWN_MAX: usize = 100_000;
/// After so many entries the clock of the look is asked.
const ENTRIES_A_TURN: u64 = 1_024;

/// One entry, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'e> {
    pub(crate) at: Timestamp,
    pub(crate) host: &'e [u8],
    pub(crate) tag: &'e [u8],
    pub(crate) process: &'e [u8],
    pub(crate) message: &'e [u8],
}

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How many of its entries are behind the reader, with those it began after.
    pub(crate) taken: u64,
    /// Bytes that were read of it.
    pub(crate) bytes: u64,
    /// Entries that were met.
    pub(crate) entries: u64,
    /// Messages longer than the room, left out.
    pub(crate) too_long: u64,
    /// Messages packed with XZ, left out.
    pub(crate) packed: u64,
    /// Entries that cannot be read, and 1 for an end that was not reached.
    pub(crate) damaged: u64,
    /// True if the time was over before the file was.
    pub(crate) stopped: bool,
    /// When the first entry was written, and the last one.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

/// Opens a journal.
pub(crate) fn open(file: Box<dyn OpenFile>) -> Result<Journal, Reason> {
    Journal::open(Pages::new(file))
}

/// Calls `each` with every entry of `file` whose tag `wants`, in the order they were written.
#[cfg(test)]
pub(crate) fn of(
    file: Box<dyn OpenFile>,
    is_over: &dyn Fn() -> bool,
    wants: impl FnMut(&[u8]) -> bool,
    each: impl FnMut(Entry<'_>),
) -> Result<Told, Reason> {
    Ok(open(file)?.entries(0, is_over, wants, each))
}

/// What is known of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Known {
    Nothing,
    Tag(Box<[u8]>),
    Host(Box<[u8]>),
    Process(Box<[u8]>),
}

type MakeKnown = fn(Box<[u8]>) -> Known;

/// The names of the fields that are looked at.
const FIELDS: &[(&[u8], MakeKnown)] = &[
    (b"SYSLOG_IDENTIFIER=", Known::Tag),
    (b"_HOSTNAME=", Known::Host),
    (b"_PID=", Known::Process),
];
const MESSAGE: &[u8] = b"MESSAGE=";

/// A journal file.
pub(crate) struct Journal {
    pages: Pages,
    /// What sets it apart from every other file: its own id, and its machine's.
    id: u64,
    compact: bool,
    /// Where the objects begin.
    begin: u64,
    entries: u64,
    first_array: u64,
    known: HashMap<u64, Known>,
}

/// One object's head.
struct Object {
    at: u64,
    flags: u8,
    size: u64,
}

impl Journal {
    fn open(mut pages: Pages) -> Result<Self, Reason> {
        let head: [u8; 208] = pages.array(0).ok_or(Reason::Malformed)?;
        if !head.starts_with(SIGNATURE) {
            return Err(Reason::Malformed);
        }
        let flags = u32_at(&head, 12);
        if flags & !KNOWN_FLAGS != 0 {
            return Err(Reason::Unsupported);
        }
        Ok(Self {
            pages,
            id: sum(head.get(24..56).unwrap_or_default()),
            compact: flags & COMPACT != 0,
            begin: u64_at(&head, 88).max(208),
            entries: u64_at(&head, 152),
            first_array: u64_at(&head, 176),
            known: HashMap::new(),
        })
    }

    /// What sets this file apart from every other one, by whatever name it goes.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// What sets the entry apart that has so many before it; `None` if there is none.
    pub(crate) fn entry_sum(&mut self, before: u64) -> Option<u64> {
        let (mut array, mut left) = (self.first_array, before);
        if before >= self.entries {
            return None;
        }
        loop {
            let object = self.object(array, ENTRY_ARRAY)?;
            let items = self.items(&object);
            if left < items {
                let at = self.offset(array + OBJECT_HEADER + 8 + left * self.width())?;
                self.object(at, ENTRY)?;
                let head: [u8; 64] = self.pages.array(at)?;
                return Some(sum(&head));
            }
            left -= items;
            let next = self.u64(array + OBJECT_HEADER)?;
            array = Some(next).filter(|next| *next > array)?;
        }
    }

    /// How wide an entry of an array is.
    fn width(&self) -> u64 {
        if self.compact { 4 } else { 8 }
    }

    /// How many there is room for in one.
    fn items(&self, array: &Object) -> u64 {
        array.size.saturating_sub(OBJECT_HEADER + 8) / self.width()
    }

    /// Calls `each` with every entry whose tag `wants`, in the order they were written, but for the first `skipped`.
    pub(crate) fn entries(
        &mut self,
        skipped: u64,
        is_over: &dyn Fn() -> bool,
        wants: impl FnMut(&[u8]) -> bool,
        each: impl FnMut(Entry<'_>),
    ) -> Told {
        let mut told = self.entries_after(skipped, is_over, wants, each);
        told.bytes = self.pages.read;
        told.taken = skipped.min(self.entries).saturating_add(told.entries);
        told
    }

    fn entries_after(
        &mut self,
        skipped: u64,
        is_over: &dyn Fn() -> bool,
        mut wants: impl FnMut(&[u8]) -> bool,
        mut each: impl FnMut(Entry<'_>),
    ) -> Told {
        let mut told = Told::default();
        let mut skipped = skipped.min(self.entries);
        let (mut array, mut left) = (self.first_array, self.entries);
        while array != 0 && left > 0 {
            let Some(object) = self.object(array, ENTRY_ARRAY) else {
                told.damaged += 1;
                return told;
            };
            let next = self.u64(array + OBJECT_HEADER).unwrap_or_default();
            let width = self.width();
            let items = self.items(&object);
            let first = skipped.min(items);
            skipped -= first;
            for item in first..items.min(left) {
                if told.entries.is_multiple_of(ENTRIES_A_TURN) && is_over() {
                    told.stopped = true;
                    return told;
                }
                let Some(at) = self
                    .offset(array + OBJECT_HEADER + 8 + item * width)
                    .filter(|at| *at != 0)
                else {
                    told.damaged += 1;
                    return told;
                };
                told.entries += 1;
                if self.entry(at, &mut told, &mut wants, &mut each).is_none() {
                    told.damaged += 1;
                }
            }
            left -= items.min(left);
            if next != 0 && next <= array {
                told.damaged += 1;
                return told;
            }
            array = next;
        }
        // The head counts an entry after it is linked, and was read first: in a file that is still written nothing it
        // counts is missing either.
        told.damaged += u64::from(left > 0);
        told
    }

    /// Reads one entry; `None` if it cannot be.
    fn entry(
        &mut self,
        at: u64,
        told: &mut Told,
        wants: &mut impl FnMut(&[u8]) -> bool,
        each: &mut impl FnMut(Entry<'_>),
    ) -> Option<()> {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let object = self.object(at, ENTRY)?;
        let written = i64::try_from(self.u64(at + 24)? / 1_000).ok()?;
        let when = Timestamp::from_millis(written);
        let (first, last) = told.span.unwrap_or((when, when));
        told.span = Some((first.min(when), last.max(when)));
        let width = if self.compact { 4 } else { 16 };
        let items = object.size.checked_sub(64)? / width;
        let (mut host, mut tag, mut process) = (None, None, None);
        let mut messages: [u64; 4] = [0; 4];
        let mut count = 0;
        for item in 0..items.min(ITEMS_MAX) {
            let field = self.offset(at + 64 + item * width)?;
            if !self.known.contains_key(&field) {
                match self.look(field)? {
                    Some(known) => {
                        self.known.insert(field, known);
                    }
                    None => {
                        // A message, or something packed that may be one.
                        if let Some(slot) = messages.get_mut(count) {
                            *slot = field;
                            count += 1;
                        }
                        continue;
                    }
                }
            }
            match self.known.get(&field)? {
                Known::Tag(_) => tag = Some(field),
                Known::Host(_) => host = Some(field),
                Known::Process(_) => process = Some(field),
                Known::Nothing => {}
            }
        }
        if !wants(self.value(tag)) {
            return Some(());
        }
        for field in messages.into_iter().take(count) {
            match self.message(field) {
                Ok(Some(message)) => each(Entry {
                    at: when,
                    host: self.value(host),
                    tag: self.value(tag),
                    process: self.value(process),
                    message: message.get(MESSAGE.len()..).unwrap_or_default(),
                }),
                Ok(None) => {}
                Err(Reason::TooLarge) => told.too_long += 1,
                Err(Reason::Unsupported) => told.packed += 1,
                Err(_) => return None,
            }
        }
        Some(())
    }

    fn value(&self, field: Option<u64>) -> &[u8] {
        match field.and_then(|field| self.known.get(&field)) {
            Some(Known::Tag(value) | Known::Host(value) | Known::Process(value)) => value,
            _ => b"",
        }
    }

    /// What a field is; nothing inside for one that must be read whole. `None` outside if there is none.
    fn look(&mut self, at: u64) -> Option<Option<Known>> {
        let object = self.object(at, DATA)?;
        let length = self.payload(&object)?;
        if object.flags != 0 {
            return Some(None);
        }
        let mut head = [0; NAME_MAX];
        let head = head.get_mut(..length.min(NAME_MAX))?;
        self.pages.fill(self.payload_at(&object), head)?;
        if head.starts_with(MESSAGE) {
            return Some(None);
        }
        let known = FIELDS.iter().find_map(|(name, kind)| {
            let value = head.strip_prefix(*name)?;
            Some(kind(value.into()))
        });
        Some(Some(
            known
                .filter(|_| length <= NAME_MAX)
                .unwrap_or(Known::Nothing),
        ))
    }

    /// The message a field holds, with its name; `None` if it is another field that was packed.
    fn message(&mut self, at: u64) -> Result<Option<Vec<u8>>, Reason> {
        let object = self.object(at, DATA).ok_or(Reason::Malformed)?;
        let length = self.payload(&object).ok_or(Reason::Malformed)?;
        if length > MESSAGE_MAX {
            return Err(Reason::TooLarge);
        }
        let mut raw = vec![0; length];
        let from = self.payload_at(&object);
        self.pages.fill(from, &mut raw).ok_or(Reason::Malformed)?;
        let text = match object.flags & 7 {
            0 => raw,
            2 => lz4::unpack(&raw, MESSAGE_MAX)?,
            4 => zstd_text(&raw)?,
            _ => return Err(Reason::Unsupported),
        };
        Ok(text.starts_with(MESSAGE).then_some(text))
    }

    fn payload_at(&self, object: &Object) -> u64 {
        object.at + if self.compact { 72 } else { 64 }
    }

    fn payload(&self, object: &Object) -> Option<usize> {
        let head = self.payload_at(object) - object.at;
        usize::try_from(object.size.checked_sub(head)?).ok()
    }

    /// The object at `at`, if it is one of that kind and lies within the file.
    fn object(&mut self, at: u64, kind: u8) -> Option<Object> {
        if at < self.begin || !at.is_multiple_of(8) {
            return None;
        }
        let head: [u8; 16] = self.pages.array(at)?;
        let [found, flags, ..] = head;
        let size = u64_at(&head, 8);
        let fits = at
            .checked_add(size)
            .is_some_and(|end| end <= self.pages.end);
        (found == kind && size >= OBJECT_HEADER && fits).then_some(Object { at, flags, size })
    }

    fn u64(&mut self, at: u64) -> Option<u64> {
        self.pages.array(at).map(u64::from_le_bytes)
    }

    /// An offset in an array, of 32 or 64 bits.
    fn offset(&mut self, at: u64) -> Option<u64> {
        match self.compact {
            true => self
                .pages
                .array(at)
                .map(|bytes| u64::from(u32::from_le_bytes(bytes))),
            false => self.u64(at),
        }
    }
}

fn zstd_text(raw: &[u8]) -> Result<Vec<u8>, Reason> {
    let mut decoder = zstd::stream::read::Decoder::new(raw).map_err(|_| Reason::Malformed)?;
    decoder.window_log_max(23).map_err(|_| Reason::Malformed)?;
    let mut text = Vec::new();
    let most = MESSAGE_MAX as u64 + 1;
    decoder
        .take(most)
        .read_to_end(&mut text)
        .map_err(|_| Reason::Malformed)?;
    match text.len() > MESSAGE_MAX {
        true => Err(Reason::TooLarge),
        false => Ok(text),
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes
        .get(at..at + 8)
        .and_then(|eight| eight.try_into().ok());
    eight.map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
