//! Mail in one file, message after message (mbox(5), RFC 4155), in all its dialects.
//!
//! A line `From …` begins a message only at the top of the file or behind an empty line, and only if the next
//! line is a header field: a letter that begins with "From here on" is no archive, and a line like it inside a
//! message is no second message, whether a writer put a `>` before it (mboxo, mboxrd) or gave each message its
//! length (mboxcl).

use groma_source::{DiskError, OpenFile};

/// Bytes of one line that are looked at; the rest of it is passed over.
const LINE_SEEN: usize = 512;
const CHUNK: usize = 256 << 10;

/// Fields of which a mailbox's first message has at least two.
const FIELDS: &[&[u8]] = &[
    b"from:",
    b"date:",
    b"to:",
    b"subject:",
    b"received:",
    b"message-id:",
    b"return-path:",
    b"delivered-to:",
    b"x-mozilla-status:",
    b"status:",
    b"x-uid:",
    b"mime-version:",
    b"x-imap:",
];

/// True if `start`, the first bytes of a file, begins a mailbox.
pub(crate) fn begins(start: &[u8]) -> bool {
    let mut lines = start.split(|b| *b == b'\n').map(trimmed);
    if !lines.next().is_some_and(is_separator) {
        return false;
    }
    let header: Vec<&[u8]> = lines.take_while(|line| !line.is_empty()).collect();
    let known = |line: &&&[u8]| {
        let start = line.get(..20.min(line.len())).unwrap_or_default();
        FIELDS
            .iter()
            .any(|f| start.to_ascii_lowercase().starts_with(f))
    };
    header.first().is_some_and(|line| is_field(line)) && header.iter().filter(known).count() >= 2
}

/// True if the first message carries its length (mboxcl).
pub(crate) fn carries_length(start: &[u8]) -> bool {
    let header = start.split(|b| *b == b'\n').map(trimmed);
    header
        .skip(1)
        .take_while(|line| !line.is_empty())
        .any(|line| length(line).is_some())
}

/// How many messages were counted, and in how many bytes of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counted {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// True if that was all of it.
    pub(crate) whole: bool,
}

/// Counts the messages in the first `limit` bytes of `file`.
pub(crate) fn count(file: &dyn OpenFile, limit: u64) -> Result<Counted, DiskError> {
    let mut lines = Lines::new(file, limit);
    let mut messages = 0;
    let mut state = State::Between;
    let mut body: Option<u64> = None;
    while let Some(line) = lines.next()? {
        let line = trimmed(line);
        state = match state {
            State::Maybe if is_field(line) => {
                messages += 1;
                body = length(line);
                State::Header
            }
            State::Header if line.is_empty() => {
                // A body whose length is said is passed over where the next message really begins there.
                match body.take() {
                    Some(length) if lines.leap(length)? => State::Between,
                    _ => State::Between,
                }
            }
            State::Header => {
                body = body.or_else(|| length(line));
                State::Header
            }
            State::Between if is_separator(line) => State::Maybe,
            _ if line.is_empty() => State::Between,
            _ => State::Body,
        };
    }
    Ok(Counted {
        messages,
        bytes: lines.told,
        whole: lines.ended,
    })
}

#[derive(Clone, Copy)]
enum State {
    /// At the top, or behind an empty line.
    Between,
    /// Behind a line that may begin a message.
    Maybe,
    Header,
    Body,
}

/// `From ADDRESS DATE`, where the date has a year and a time of day; programs of Mozilla write `From ` or `From -`.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return line == b"From";
    };
    let clock = |w: &[u8]| {
        w.len() >= 4
            && w.iter().filter(|b| **b == b':').count() >= 1
            && w.iter().all(|b| b.is_ascii_digit() || *b == b':')
    };
    let year = |w: &[u8]| w.len() == 4 && w.iter().all(u8::is_ascii_digit);
    let words = || rest.split(u8::is_ascii_whitespace);
    rest.is_empty() || rest == b"-" || (words().any(clock) && words().any(year))
}

/// `Name: …`, with a name of printable letters (RFC 5322 §2.2).
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    let printable = name.iter().all(|b| (33..=126).contains(b));
    !name.is_empty() && name.len() < line.len() && name.len() <= 76 && printable
}

fn length(line: &[u8]) -> Option<u64> {
    let (name, value) = line.split_at_checked(15)?;
    name.eq_ignore_ascii_case(b"content-length:")
        .then(|| crate::text::number(value.trim_ascii()))?
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Lines of a file, each cut to what is looked at, read in chunks.
struct Lines<'a> {
    file: &'a dyn OpenFile,
    limit: u64,
    /// Where the chunk in hand begins.
    at: u64,
    chunk: Vec<u8>,
    /// How much of the chunk is told.
    used: usize,
    line: Vec<u8>,
    told: u64,
    ended: bool,
}

impl<'a> Lines<'a> {
    fn new(file: &'a dyn OpenFile, limit: u64) -> Self {
        Self {
            file,
            limit,
            at: 0,
            chunk: Vec::new(),
            used: 0,
            line: Vec::new(),
            told: 0,
            ended: false,
        }
    }

    fn next(&mut self) -> Result<Option<&[u8]>, DiskError> {
        self.line.clear();
        let mut any = false;
        loop {
            if self.used >= self.chunk.len() && !self.fill()? {
                return Ok(any.then_some(self.line.as_slice()));
            }
            any = true;
            let rest = self.chunk.get(self.used..).unwrap_or_default();
            let end = rest.iter().position(|b| *b == b'\n');
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = LINE_SEEN.saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
            let step = part.len() + usize::from(end.is_some());
            self.used += step;
            self.told = self
                .told
                .saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
            if end.is_some() {
                return Ok(Some(self.line.as_slice()));
            }
        }
    }

    fn position(&self) -> u64 {
        self.at
            .saturating_add(u64::try_from(self.used).unwrap_or(u64::MAX))
    }

    fn fill(&mut self) -> Result<bool, DiskError> {
        let from = self.position();
        if self.told >= self.limit {
            return Ok(false);
        }
        self.chunk.resize(CHUNK, 0);
        let many = self.file.read_at(from, &mut self.chunk)?;
        self.chunk.truncate(many);
        (self.at, self.used) = (from, 0);
        self.ended = many == 0;
        Ok(many > 0)
    }

    /// Goes `length` bytes on if a message or the end of the file stands there, behind at most two line ends.
    fn leap(&mut self, length: u64) -> Result<bool, DiskError> {
        let from = self.position();
        let Some(to) = from
            .checked_add(length)
            .filter(|to| *to <= self.file.metadata().bytes)
        else {
            return Ok(false);
        };
        let mut ahead = [0; 16];
        let many = self.file.read_at(to, &mut ahead)?;
        let ahead = ahead.get(..many).unwrap_or_default();
        let ends = ahead
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        let rest = ahead.get(ends..).unwrap_or_default();
        if ends > 4 || !(rest.is_empty() || rest.starts_with(b"From ")) {
            return Ok(false);
        }
        let step = usize::try_from(length).unwrap_or(usize::MAX);
        match self
            .used
            .checked_add(step)
            .filter(|used| *used <= self.chunk.len())
        {
            Some(used) => self.used = used,
            None => (self.at, self.used, self.chunk) = (to, 0, Vec::new()),
        }
        self.told = self.told.saturating_add(length);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::Disk;
    use groma_source::testing::FakeDisk;
    use std::path::Path;

    const TWO: &str = "From anna@corp.example Fri Nov 20 09:00:00 2026\nFrom: anna@corp.example\nSubject: one\n\n\
        >From here on quoted\nFrom here on it is text\n\nFrom next week on, too\n\n\
        From boris Fri Nov 20 09:01:00 2026\nReturn-Path: <boris@corp.example>\nSubject: two\n\nbody\n\n";

    fn counted(text: &[u8], limit: u64) -> Counted {
        let disk = FakeDisk::new().file("/m", text);
        count(disk.open(Path::new("/m")).unwrap().as_ref(), limit).unwrap()
    }

    #[test]
    fn a_mailbox_is_known_by_the_fields_behind_its_first_line() {
        assert!(begins(TWO.as_bytes()));
        assert!(begins(
            b"From - Fri Nov 20 09:00:00 2026\r\nX-Mozilla-Status: 0001\r\nFrom: a@b\r\n\r\n"
        ));
        assert!(!begins(
            b"From here on, everything is different.\n\nThat is all.\n"
        ));
        assert!(!begins(
            b"From anna Fri Nov 20 09:00:00 2026\nto the whole team: hello\n"
        ));
        assert!(!begins(b"From: anna\nTo: boris\n\n"));
    }

    #[test]
    fn text_that_begins_with_from_is_no_message() {
        let counted = counted(TWO.as_bytes(), u64::MAX);
        assert_eq!((counted.messages, counted.whole), (2, true));
        assert_eq!(counted.bytes, TWO.len() as u64);
    }

    #[test]
    fn a_message_that_carries_its_length_may_hold_another_one() {
        let inner = "From x Fri Nov 20 09:00:00 2026\nFrom: x\nSubject: inner\n\nnot counted\n\n";
        let outer = format!(
            "From a Fri Nov 20 09:00:00 2026\nFrom: a\nContent-Length: {}\n\n\n{inner}\nFrom b Fri Nov 20 09:00:00 2026\nFrom: b\n\nend\n",
            inner.len() + 1
        );
        assert!(carries_length(outer.as_bytes()));
        assert_eq!(counted(outer.as_bytes(), u64::MAX).messages, 2);
        // A length that leads nowhere is not believed.
        let lie = outer.replace("Content-Length: ", "Content-Length: 9");
        assert_eq!(counted(lie.as_bytes(), u64::MAX).messages, 3);
    }

    #[test]
    fn a_limit_ends_the_count_and_says_so() {
        let many = TWO.repeat(5000);
        let part = counted(many.as_bytes(), 300_000);
        assert!(
            !part.whole && part.messages > 1000 && part.messages < 10_000,
            "{part:?}"
        );
        assert_eq!(counted(many.as_bytes(), u64::MAX).messages, 10_000);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        groma_fuzz::hammer(2000, &[TWO.as_bytes()], |bytes| {
            begins(bytes);
            assert!(counted(bytes, u64::MAX).bytes >= 1 || bytes.is_empty());
        });
    }
}
