//! What was lost, in words that reach the collector: kept as frames of their own kind.

use std::fmt;
use std::ops::Range;

use crate::numbers::{Number, Run, Runs};

/// Why something is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The end of the newest segment is no whole frame. Normal after a crash: it was being written, and nobody can tell any
    /// more whether the append had returned.
    TornTail,
    /// Bytes that were durable once are not what was written.
    Damaged,
    /// The disk refused to give these bytes.
    Unreadable,
    /// A segment is gone that the one behind it names.
    Missing,
    /// A whole segment of a format that this program does not know.
    Version,
    /// A second file that says it is a segment which is there already; what only this one holds is not read.
    Duplicate,
    /// The oldest frames gave way to newer ones, because the spool may not grow.
    DroppedForRoom,
    /// Records of several losses made into one, because they alone would have filled the spool.
    Several,
    /// A word of a newer program.
    Unknown(u8),
}

impl Reason {
    fn code(self) -> u8 {
        match self {
            Self::TornTail => 1,
            Self::Damaged => 2,
            Self::Unreadable => 3,
            Self::Missing => 4,
            Self::Version => 5,
            Self::Duplicate => 6,
            Self::DroppedForRoom => 7,
            Self::Several => 8,
            Self::Unknown(code) => code,
        }
    }

    fn of(code: u8) -> Self {
        match code {
            1 => Self::TornTail,
            2 => Self::Damaged,
            3 => Self::Unreadable,
            4 => Self::Missing,
            5 => Self::Version,
            6 => Self::Duplicate,
            7 => Self::DroppedForRoom,
            8 => Self::Several,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TornTail => "torn tail",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
            Self::Missing => "missing segment",
            Self::Version => "format of another version",
            Self::Duplicate => "duplicate segment",
            Self::DroppedForRoom => "dropped for room",
            Self::Several => "several losses",
            Self::Unknown(_) => "a reason of a newer program",
        })
    }
}

/// One loss: where, how much, why, and whose, as far as it can be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Why.
    pub reason: Reason,
    /// The first segment concerned.
    pub segment_first: u64,
    /// The last segment concerned; the same one but for missing and dropped ones.
    pub segment_last: u64,
    /// Where in the file of the last segment, in bytes. It may hold intact frames too, where [`Self::bytes`] is less.
    pub range: Range<u64>,
    /// How many bytes.
    pub bytes: u64,
    /// How many frames of payload; `None` if nobody can tell.
    pub frames: Option<u64>,
    /// Numbers of lost frames that are certain: dropped ones, and those whose header is whole.
    pub numbers: Runs,
    /// The last intact frame before it: what is lost came later than this one.
    pub before: Option<Number>,
    /// The first intact frame behind it.
    pub after: Option<Number>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: segment {}", self.reason, self.segment_first)?;
        if self.segment_first != self.segment_last {
            write!(f, " to {}", self.segment_last)?;
        }
        write!(f, ", bytes {} to {}", self.range.start, self.range.end)?;
        match self.frames {
            Some(frames) => write!(f, ", {} bytes, {frames} frames", self.bytes),
            None => write!(f, ", {} bytes, frames not known", self.bytes),
        }
    }
}

/// The version of the record below.
const RECORD: u8 = 1;

/// Bytes of the longest record of a loss.
pub(crate) const RECORD_BYTES_MAX: usize = 96 + Runs::MAX * 24;

impl Loss {
    /// A loss within one segment.
    pub(crate) fn within(reason: Reason, segment: u64, range: Range<u64>) -> Self {
        Self {
            reason,
            segment_first: segment,
            segment_last: segment,
            bytes: range.end.saturating_sub(range.start),
            range,
            frames: None,
            numbers: Runs::default(),
            before: None,
            after: None,
        }
    }

    /// Adds what another loss tells.
    pub(crate) fn fold(&mut self, other: &Self) {
        if self.reason != other.reason {
            self.reason = Reason::Several;
        }
        match other.segment_last.cmp(&self.segment_last) {
            std::cmp::Ordering::Greater => self.range = other.range.clone(),
            std::cmp::Ordering::Equal => self.span(&other.range),
            std::cmp::Ordering::Less => {}
        }
        self.segment_first = self.segment_first.min(other.segment_first);
        self.segment_last = self.segment_last.max(other.segment_last);
        self.add(other);
    }

    /// Adds a piece of the same segment.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.span(&other.range);
        self.add(other);
        self.after = other.after;
    }

    fn span(&mut self, range: &Range<u64>) {
        self.range = self.range.start.min(range.start)..self.range.end.max(range.end);
    }

    fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.frames = match (self.frames, other.frames) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            _ => None,
        };
        self.numbers.extend(&other.numbers);
        self.before = self.before.or(other.before);
        self.after = other.after.or(self.after);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD, self.reason.code(), self.flags(), 0];
        let mut put = |value: u64| bytes.extend(value.to_le_bytes());
        put(self.segment_first);
        put(self.segment_last);
        put(self.range.start);
        put(self.range.end);
        put(self.bytes);
        put(self.frames.unwrap_or(0));
        for number in [self.before, self.after] {
            let number = number.unwrap_or(Number {
                epoch: 0,
                sequence: 0,
            });
            put(number.epoch);
            put(number.sequence);
        }
        for run in self.numbers.runs() {
            put(run.epoch);
            put(run.first);
            put(run.last);
        }
        bytes
    }

    fn flags(&self) -> u8 {
        u8::from(self.frames.is_some())
            | u8::from(self.before.is_some()) << 1
            | u8::from(self.after.is_some()) << 2
            | u8::from(self.numbers.is_cut()) << 3
    }

    /// Reads a record; `None` if it is of another version or no record at all.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([version, reason, flags, _], rest) = bytes.split_first_chunk::<4>()?;
        if *version != RECORD || bytes.len() > RECORD_BYTES_MAX {
            return None;
        }
        let (words, odd) = rest.as_chunks::<8>();
        let mut words = words.iter().map(|w| u64::from_le_bytes(*w));
        let mut next = || words.next();
        let mut loss = Self {
            reason: Reason::of(*reason),
            segment_first: next()?,
            segment_last: next()?,
            range: next()?..next()?,
            bytes: next()?,
            frames: next().filter(|_| flags & 1 != 0),
            numbers: Runs::default(),
            before: None,
            after: None,
        };
        let before = Number {
            epoch: next()?,
            sequence: next()?,
        };
        let after = Number {
            epoch: next()?,
            sequence: next()?,
        };
        loss.before = (flags & 2 != 0).then_some(before);
        loss.after = (flags & 4 != 0).then_some(after);
        let mut runs = Vec::new();
        while let Some(epoch) = next() {
            runs.push(Run {
                epoch,
                first: next()?,
                last: next()?,
            });
        }
        loss.numbers = Runs::of(runs, flags & 8 != 0);
        odd.is_empty().then_some(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Loss {
        let mut loss = Loss::within(Reason::Damaged, 3, 52..88);
        loss.frames = Some(2);
        loss.numbers.push(Number {
            epoch: 9,
            sequence: 4,
        });
        loss.numbers.push(Number {
            epoch: 9,
            sequence: 6,
        });
        loss.after = Some(Number {
            epoch: 9,
            sequence: 7,
        });
        loss
    }

    #[test]
    fn a_loss_comes_back_as_it_went() {
        assert_eq!(Loss::decode(&sample().encode()), Some(sample()));
        let mut unknown = sample();
        unknown.reason = Reason::Unknown(200);
        unknown.frames = None;
        assert_eq!(Loss::decode(&unknown.encode()), Some(unknown));
    }

    #[test]
    fn a_cut_record_is_none() {
        let bytes = sample().encode();
        for end in 0..bytes.len() {
            if let Some(short) = Loss::decode(&bytes[..end]) {
                assert!(short.numbers.runs().len() < 2, "{end}");
            }
        }
    }

    #[test]
    fn two_losses_made_one_count_both() {
        let mut one = sample();
        let mut other = sample();
        other.reason = Reason::TornTail;
        other.segment_last = 5;
        one.fold(&other);
        assert_eq!(
            (one.reason, one.frames, one.bytes),
            (Reason::Several, Some(4), 72)
        );
        assert_eq!((one.segment_first, one.segment_last), (3, 5));
    }
}
