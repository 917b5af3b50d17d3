//! What is known of the lines of a text that was read: where a fact stands at the end of one, and under which key.
//!
//! A line that says again what a line of the batch before said has the same fact at its end, byte for byte, since what changes stands before it.
//! Whoever puts the text together out of the lines of the former one knows that without looking; whoever reads it then need neither weigh, parse nor
//! digest that end again.

use std::ops::Range;

use groma_model::Timestamp;
use groma_model::batch::FactKey;

use crate::against::digest_of;

/// What stands before a fact that is the last thing a line says.
const BEFORE: &[u8] = b",\"saw\":";
/// What stands behind it.
const BEHIND: &[u8] = b"}";

/// That a line ends in `,"saw":`, a fact and `}`; or nothing at all, which is what most kinds of lines have.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Mark {
    /// The key of the fact's text.
    key: FactKey,
    /// Bytes of that end; 0 where nothing is known.
    tail: u16,
    /// Commas and opening brackets in the fact, outside of strings.
    values: u16,
}

impl Mark {
    /// The mark of a line whose fact stands at `saw`; nothing for a line of another form, for a fact that is long, and for one with a moment
    /// in it: that is looked for in each text.
    pub(crate) fn of(line: &[u8], saw: &Range<usize>, key: FactKey, values: u64) -> Option<Self> {
        let fact = line.get(saw.clone())?;
        let head = line.get(..saw.start)?;
        let fits = head.ends_with(BEFORE) && line.get(saw.end..)? == BEHIND && !has_moment(fact);
        let tail = BEFORE.len() + fact.len() + BEHIND.len();
        let (tail, values) = (u16::try_from(tail).ok()?, u16::try_from(values).ok()?);
        fits.then_some(Self { key, tail, values })
    }

    /// The key of the fact, if anything is known.
    pub fn key(&self) -> Option<&FactKey> {
        (self.tail > 0).then_some(&self.key)
    }

    pub(crate) fn values(&self) -> u64 {
        u64::from(self.values)
    }

    /// Where the end that is known begins in such a line; its length if nothing is known.
    pub(crate) fn begins(&self, line: &[u8]) -> Option<usize> {
        line.len().checked_sub(usize::from(self.tail))
    }

    /// Where the fact stands in such a line.
    pub(crate) fn fact<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let tail = line.get(self.begins(line)?..)?;
        tail.strip_prefix(BEFORE)?.strip_suffix(BEHIND)
    }
}

/// True if any string could be a moment. More are taken for one than are.
fn has_moment(fact: &[u8]) -> bool {
    let quotes = fact.iter().enumerate().filter(|(_, byte)| **byte == b'"');
    let mut before = None;
    quotes.into_iter().any(|(at, _)| {
        let begin = before.replace(at + 1);
        let content = begin.and_then(|begin| fact.get(begin..at));
        content.is_some_and(|content| Timestamp::exactly(content).is_some())
    })
}

/// How long each line of a text is, and what is known of it.
pub(crate) type Lines = Vec<(u32, Mark)>;

/// A text that was put together, and what is known of its lines.
#[derive(Debug)]
pub struct Told {
    text: Vec<u8>,
    digest: [u8; 16],
    lines: Lines,
}

impl Told {
    /// `lines` are the first lines of the text: how long each is, the line feed not counted, and what is known of it.
    pub(crate) fn new(text: Vec<u8>, digest: [u8; 16], lines: Lines) -> Self {
        Self {
            text,
            digest,
            lines,
        }
    }

    /// A text of whose lines nothing is known.
    pub fn of(text: Vec<u8>) -> Self {
        Self {
            digest: digest_of(&text),
            text,
            lines: Vec::new(),
        }
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The text alone.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// The first bytes of its SHA-256.
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }

    /// The length of a line, and what is known of it.
    pub(crate) fn line(&self, index: u64) -> Option<(usize, &Mark)> {
        let (length, mark) = self.lines.get(usize::try_from(index).ok()?)?;
        Some((usize::try_from(*length).ok()?, mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fact_at_the_very_end_and_without_a_moment_is_marked() {
        let mark = |line: &str| {
            let begin = line.find("\"saw\":").unwrap() + 6;
            let end = begin + line.get(begin..).unwrap().find('}').unwrap() + 1;
            Mark::of(line.as_bytes(), &(begin..end), [7; 16], 2)
        };
        let line = r#"{"seen":{},"saw":{"a":[1,2]}}"#;
        let marked = mark(line).unwrap();
        assert_eq!(marked.fact(line.as_bytes()), Some(&br#"{"a":[1,2]}"#[..]));
        assert_eq!(marked.key(), Some(&[7; 16]));
        assert_eq!(Mark::default().key(), None);
        for none in [
            r#"{"seen":{},"saw":{"a":1} }"#,
            r#"{"seen":{}, "saw":{"a":1},"n":1}"#,
            r#"{"saw":{"a":1}}"#,
            r#"{"seen":{},"saw":{"a":"2026-11-22T06:54:14.12Z"}}"#,
            r#"{"seen":{},"saw":{"a\"":"2026-11-22T06:54:14Z"}}"#,
        ] {
            assert_eq!(mark(none), None, "{none}");
        }
        let long = format!(r#"{{"seen":{{}},"saw":{{"a":"{}"}}}}"#, "b".repeat(70_000));
        assert_eq!(mark(&long), None);
    }
}
