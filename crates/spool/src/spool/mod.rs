//! The spool itself: what it holds in memory, and what it tells of itself.

mod free;
mod judge;
mod open;
mod read;
mod room;
mod told;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::disk::SpoolDisk;
use crate::layout::{FRAME_HEADER, SEGMENT_HEADER};
use crate::limits::Limits;
use crate::loss::{Loss, Reason};
use crate::numbers::Number;
use crate::watermark::Place;

pub use read::{Body, Frame, Frames};

/// Frames on disk, in the order they were appended, until somebody frees them.
///
/// It holds no payload in memory, but a few words per segment. One process at a time may use a directory; see
/// [`LocalDir`](crate::LocalDir).
pub struct Spool {
    disk: Box<dyn SpoolDisk>,
    limits: Limits,
    segments: BTreeMap<u64, Segment>,
    /// The segment that is open for appending.
    writer: Option<u64>,
    /// The number of the next segment. None is used twice, also after a failure.
    next: u64,
    /// The first number of this process.
    own_first: u64,
    /// Everything before it is freed.
    start: Place,
    /// The frame that ends at `start`.
    last_freed: Option<Number>,
    /// Whether the file of the watermark says what `start` says.
    settled: bool,
    /// Records of losses that were handed out, and may be on their way: they keep their numbers.
    seen: BTreeSet<Number>,
    /// Losses that are not on the disk yet. What shows them is still there, so a crash forgets none.
    pending: Vec<Loss>,
    /// Files of ours that are worth nothing and could not be removed yet.
    litter: Vec<String>,
    /// The one damaged segment that is kept for a person, and its bytes.
    aside: Option<(String, u64)>,
    /// Where records of losses take their epoch from.
    identity: Option<u64>,
    newest: Option<Number>,
    /// How often in a row the disk refused to read at a place.
    refusals: (Place, u32),
    losses: BTreeMap<Reason, LossCount>,
}

/// What is known of a segment without reading it.
#[derive(Debug)]
struct Segment {
    /// Its file; called otherwise than its number only where somebody renamed it.
    file: String,
    /// Where its first frame may stand.
    begin: u64,
    /// Where reading ends.
    end: u64,
    /// Bytes on the disk, those behind `end` too.
    length: u64,
    /// Payload frames that are not freed.
    frames: u64,
    /// Payload frames that ever were in it.
    frames_total: u64,
    /// Pieces that are known, told and skipped.
    lost: Vec<Range<u64>>,
    /// Whether the disk has told its length and header; else it is asked again when the segment's turn comes.
    known: bool,
    /// Whether a person might want to look at it.
    damaged: bool,
}

impl Segment {
    /// The end of the lost piece that `at` lies in.
    fn lost_end(&self, at: u64) -> Option<u64> {
        self.lost.iter().find(|r| r.contains(&at)).map(|r| r.end)
    }
}

/// How often something was lost for one reason since the spool was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LossCount {
    /// Losses.
    pub losses: u64,
    /// Frames of those losses where it is known.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a spool says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Bytes of all segments on the disk, with a damaged one that is kept aside.
    pub bytes: u64,
    /// Segments on the disk.
    pub segments: u64,
    /// Payload frames that are not freed.
    pub frames: u64,
    /// The oldest of them.
    pub oldest: Option<Number>,
    /// The newest frame that was ever appended, as far as the disk still tells.
    pub newest: Option<Number>,
    /// Losses found or made since the spool was opened, by reason.
    pub losses: BTreeMap<Reason, LossCount>,
    /// Losses whose record could not be written yet; they are, at the next append that works.
    pub losses_unwritten: u64,
}

impl Spool {
    /// What the spool holds. Reads one header from the disk.
    pub fn status(&mut self) -> Status {
        Status {
            bytes: self.bytes(),
            segments: self.segments.len() as u64,
            frames: self.segments.values().map(|s| s.frames).sum(),
            oldest: self.oldest_number(),
            newest: self.newest,
            losses: self.losses.clone(),
            losses_unwritten: self.pending.len() as u64,
        }
    }

    /// The limits it keeps, within what the format can say.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    fn bytes(&self) -> u64 {
        let aside = self.aside.as_ref().map_or(0, |(_, bytes)| *bytes);
        self.segments.values().map(|s| s.length).sum::<u64>() + aside
    }

    fn count(&mut self, loss: &Loss) {
        let count = self.losses.entry(loss.reason).or_default();
        count.losses += 1;
        count.frames = count.frames.saturating_add(loss.frames.unwrap_or(0));
        count.bytes = count.bytes.saturating_add(loss.bytes);
    }

    /// Where reading a segment begins: behind what is freed.
    fn begin_of(&self, number: u64) -> u64 {
        let begin = self.segments.get(&number).map_or(0, |s| s.begin);
        match number.cmp(&self.start.segment) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => begin.max(self.start.offset),
            std::cmp::Ordering::Greater => begin,
        }
    }

    /// Whether nothing in a segment waits for anybody any more.
    fn is_freed(&self, number: u64) -> bool {
        self.segments
            .get(&number)
            .is_none_or(|s| self.begin_of(number) >= s.end.max(1))
    }

    /// Removes a segment's file; a damaged one is kept aside instead.
    fn discard(&mut self, number: u64) -> std::io::Result<()> {
        let Some(segment) = self.segments.get(&number) else {
            return Ok(());
        };
        let (file, length, damaged) = (segment.file.clone(), segment.length, segment.damaged);
        if damaged {
            self.set_aside(&file, length)?;
        } else {
            self.remove(&file)?;
        }
        self.segments.remove(&number);
        Ok(())
    }

    /// Removes a file that may be gone already.
    fn remove(&mut self, file: &str) -> std::io::Result<()> {
        match self.disk.unlink(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what could not be removed before.
    fn tidy(&mut self) {
        for file in std::mem::take(&mut self.litter) {
            if self.remove(&file).is_err() {
                self.litter.push(file);
            }
        }
    }
}

/// Bytes a frame needs at most: its own, and a new segment's header.
fn frame_needs(payload: usize) -> u64 {
    (FRAME_HEADER + SEGMENT_HEADER + payload) as u64
}
