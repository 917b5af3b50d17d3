//! Entries of a journal as `journalctl` prints them for other programs: the export format and JSON, one object a line
//! (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>).
//!
//! Six fields are looked at, and nothing longer than [`MESSAGE_MAX`] is held; what is longer is passed over, however long it
//! says it is. An entry counts where it ends: what is cut off before that is left out, and told.

use std::io::{self, BufRead};

use groma_model::{Reason, Timestamp};

mod json;

/// Longest message that is read, as of a journal file.
pub(super) const MESSAGE_MAX: usize = 256 << 10;
/// Longest line of JSON: a message of bytes is written as numbers, and other fields stand beside it.
const LINE_MAX: usize = 2 << 20;
/// Longest name of a field (systemd.journal-fields(7)).
const NAME_MAX: usize = 64;
/// Fields of one entry; further ones are passed over.
const FIELDS_MAX: usize = 1_024;
/// How much of a file shows what it is.
pub(super) const HEAD: usize = 4 << 10;

/// How entries are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Export,
    Json,
}

impl Form {
    /// What a file is that begins so.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        // journalctl prints what it made up itself first, beginning with the cursor.
        if head.starts_with(b"__CURSOR=") || head.starts_with(b"__REALTIME_TIMESTAMP=") {
            return Some(Self::Export);
        }
        // In no order: one of those that every entry has stands near the begin.
        let names: [&[u8]; 5] = [
            b"\"__CURSOR\"",
            b"\"__REALTIME_TIMESTAMP\"",
            b"\"__MONOTONIC_TIMESTAMP\"",
            b"\"_BOOT_ID\"",
            b"\"_MACHINE_ID\"",
        ];
        let is_object = json::object(head).starts_with(b"{");
        let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
        (is_object && names.into_iter().any(has)).then_some(Self::Json)
    }
}

/// One entry, as far as it is looked at.
#[derive(Default, Debug)]
pub(super) struct Entry {
    pub(super) at: Option<Timestamp>,
    /// What sets it apart from every other one.
    pub(super) cursor: Option<Vec<u8>>,
    pub(super) host: Option<Vec<u8>>,
    pub(super) tag: Option<Vec<u8>>,
    pub(super) process: Option<Vec<u8>>,
    pub(super) message: Option<Vec<u8>>,
    /// True if its message is longer than may be, or than journalctl printed.
    pub(super) too_long: bool,
    fields: usize,
}

impl Entry {
    /// Where the value of a field goes; the first of several counts. `None` for one that is not looked at.
    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Vec<u8>>> {
        let place = match name {
            b"__CURSOR" => &mut self.cursor,
            b"_HOSTNAME" => &mut self.host,
            b"SYSLOG_IDENTIFIER" => &mut self.tag,
            b"_PID" => &mut self.process,
            b"MESSAGE" => &mut self.message,
            _ => return None,
        };
        place.is_none().then_some(place)
    }

    fn put(&mut self, name: &[u8], value: &[u8]) {
        if name == b"__REALTIME_TIMESTAMP" {
            self.at = self.at.or_else(|| microseconds(value));
        } else if let Some(place) = self.place(name) {
            *place = Some(value.to_owned());
        }
    }
}

/// Microseconds since 1970.
fn microseconds(text: &[u8]) -> Option<Timestamp> {
    let micros: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let millis = i64::try_from(micros / 1_000).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Told {
    /// Entries that were met whole.
    pub(super) entries: u64,
    /// Entries whose message is not there or longer than may be.
    pub(super) too_long: u64,
    /// Entries, or lines, that are none.
    pub(super) damaged: u64,
    /// True if the last entry has no end.
    pub(super) cut: bool,
    /// True if the time was over before the file was.
    pub(super) stopped: bool,
    /// Bytes that were read.
    pub(super) bytes: u64,
}

/// After so many entries the clock of the look is asked.
const ENTRIES_A_TURN: u64 = 1_024;
/// And after so many bytes.
const BYTES_A_TURN: u64 = 4 << 20;

/// Calls `each` with every whole entry of `from`, until it says no, `is_over`, or `most` bytes were read. An error is one of reading,
/// or a place from which on nothing can be told apart: what came before was told.
pub(super) fn entries(
    form: Form,
    from: &mut dyn BufRead,
    most: u64,
    is_over: &dyn Fn() -> bool,
    each: &mut dyn FnMut(Entry) -> bool,
) -> (Told, Option<Reason>) {
    let mut reading = Reading {
        from,
        most,
        told: Told::default(),
        line: Vec::new(),
        is_over,
        asked_at: 0,
    };
    let mut broken = None;
    loop {
        let told = &mut reading.told;
        if told.entries.is_multiple_of(ENTRIES_A_TURN) && is_over() {
            told.stopped = true;
            break;
        }
        let next = match form {
            Form::Export => reading.exported(),
            Form::Json => reading.object(),
        };
        match next {
            Ok(Some(entry)) => {
                reading.told.entries += 1;
                reading.told.too_long += u64::from(entry.too_long);
                if !each(entry) {
                    break;
                }
            }
            Ok(None) => break,
            Err(_) if reading.told.stopped => break,
            Err(reason) => {
                broken = Some(reason);
                break;
            }
        }
    }
    (reading.told, broken)
}

struct Reading<'r> {
    from: &'r mut dyn BufRead,
    most: u64,
    told: Told,
    line: Vec<u8>,
    is_over: &'r dyn Fn() -> bool,
    /// So many bytes had been read when the clock was asked last.
    asked_at: u64,
}

/// How a line ended.
#[derive(PartialEq, Eq)]
enum End {
    /// At the end of the file, and nothing stood there.
    Nothing,
    /// At a line break.
    Whole,
    /// There was more of it than is kept.
    Long,
    /// At the end of the file, without a line break.
    Cut,
}

impl Reading<'_> {
    /// The next entry of the export format; `None` at the end.
    fn exported(&mut self) -> Result<Option<Entry>, Reason> {
        let mut entry = Entry::default();
        loop {
            let end = self.next_line(MESSAGE_MAX + NAME_MAX)?;
            if end == End::Nothing || end == End::Cut {
                self.told.cut |= entry.fields > 0 || end == End::Cut;
                return Ok(None);
            }
            if self.line.is_empty() {
                match entry.fields {
                    // Entries may stand further apart.
                    0 => continue,
                    _ => return Ok(Some(entry)),
                }
            }
            entry.fields += 1;
            let is_kept = entry.fields <= FIELDS_MAX;
            match memchr::memchr(b'=', &self.line) {
                Some(at) => {
                    let (name, value) = self.line.split_at(at);
                    let value = value.get(1..).unwrap_or_default();
                    match end {
                        End::Long => entry.too_long |= name == b"MESSAGE",
                        _ if is_kept && is_name(name) => entry.put(name, value),
                        _ => {}
                    }
                }
                None => {
                    let name = std::mem::take(&mut self.line);
                    if end == End::Long || !is_name(&name) {
                        return Err(Reason::Malformed);
                    }
                    if !self.binary(&name, is_kept, &mut entry)? {
                        self.told.cut = true;
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// A value that may hold anything: its length in 8 bytes, the least first, then so many bytes and a line break. False if
    /// the file ends before.
    fn binary(&mut self, name: &[u8], is_kept: bool, entry: &mut Entry) -> Result<bool, Reason> {
        let mut length = [0; 8];
        if !self.fill(&mut length)? {
            return Ok(false);
        }
        let length = u64::from_le_bytes(length);
        let place = entry.place(name).filter(|_| is_kept);
        let room = usize::try_from(length)
            .ok()
            .filter(|room| *room <= MESSAGE_MAX);
        match (place, room) {
            (Some(place), Some(room)) => {
                let mut value = vec![0; room];
                if !self.fill(&mut value)? {
                    return Ok(false);
                }
                *place = Some(value);
            }
            (place, _) => {
                entry.too_long |= place.is_some() && name == b"MESSAGE";
                if !self.skip(length)? {
                    return Ok(false);
                }
            }
        }
        let mut end = [0; 1];
        if !self.fill(&mut end)? {
            return Ok(false);
        }
        match &end {
            b"\n" => Ok(true),
            _ => Err(Reason::Malformed),
        }
    }

    /// The next object; `None` at the end. Lines that are none are passed over.
    fn object(&mut self) -> Result<Option<Entry>, Reason> {
        loop {
            match self.next_line(LINE_MAX)? {
                End::Nothing => return Ok(None),
                End::Long => self.told.too_long += 1,
                end => {
                    let object = json::object(&self.line);
                    if object.is_empty() {
                        continue;
                    }
                    match (json::entry(object), end) {
                        (Some(entry), _) => return Ok(Some(entry)),
                        (None, End::Cut) => self.told.cut = true,
                        (None, _) => self.told.damaged += 1,
                    }
                }
            }
        }
    }

    /// Reads a line, of which at most `room` bytes are kept.
    fn next_line(&mut self, room: usize) -> Result<End, Reason> {
        self.line.clear();
        let mut is_long = false;
        loop {
            let here = self.from.fill_buf().map_err(reason)?;
            if here.is_empty() {
                return Ok(match self.line.is_empty() {
                    true => End::Nothing,
                    false => End::Cut,
                });
            }
            let end = memchr::memchr(b'\n', here);
            let piece = here.get(..end.unwrap_or(here.len())).unwrap_or_default();
            let left = room.saturating_sub(self.line.len());
            is_long |= piece.len() > left;
            self.line
                .extend_from_slice(piece.get(..left.min(piece.len())).unwrap_or_default());
            let used = piece.len() + usize::from(end.is_some());
            self.from.consume(used);
            self.count(used)?;
            if end.is_some() {
                return Ok(match is_long {
                    true => End::Long,
                    false => End::Whole,
                });
            }
        }
    }

    fn fill(&mut self, room: &mut [u8]) -> Result<bool, Reason> {
        self.count(room.len())?;
        match self.from.read_exact(room) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(reason(error)),
        }
    }

    fn skip(&mut self, mut length: u64) -> Result<bool, Reason> {
        while length > 0 {
            let here = self.from.fill_buf().map_err(reason)?;
            if here.is_empty() {
                return Ok(false);
            }
            let used = usize::try_from(length)
                .unwrap_or(usize::MAX)
                .min(here.len());
            self.from.consume(used);
            self.count(used)?;
            length -= used as u64;
        }
        Ok(true)
    }

    /// A packed file may hold no more than its length makes likely.
    fn count(&mut self, bytes: usize) -> Result<(), Reason> {
        self.told.bytes = self.told.bytes.saturating_add(bytes as u64);
        // There may be no entry in all of it.
        if self.told.bytes - self.asked_at >= BYTES_A_TURN {
            self.asked_at = self.told.bytes;
            if (self.is_over)() {
                self.told.stopped = true;
                return Err(Reason::BudgetExhausted);
            }
        }
        match self.told.bytes <= self.most {
            true => Ok(()),
            false => Err(Reason::TooLarge),
        }
    }
}

fn is_name(name: &[u8]) -> bool {
    let sound = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    (1..=NAME_MAX).contains(&name.len()) && name.iter().all(sound)
}

/// What cannot be unpacked is damaged.
fn reason(_error: io::Error) -> Reason {
    Reason::Malformed
}

#[cfg(test)]
mod tests;
