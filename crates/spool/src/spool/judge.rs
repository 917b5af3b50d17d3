//! What a segment holds, and what is no whole frame: a torn tail, or damage. Nothing here changes a disk.

use std::collections::BTreeMap;
use std::ops::Range;

use super::open::{Found, Worthless};
use super::told::Told;
use crate::layout::{
    FRAME_BYTES_MAX, FRAME_HEADER, Kind, Previous, SEGMENT_BYTES_MAX, SEGMENT_HEADER,
};
use crate::loss::{Loss, Reason};
use crate::numbers::Number;
use crate::scan::{Broken, Check, Piece, Reader};
use crate::watermark::Place;

/// Losses told one by one in a segment; the last one stands for all that follow.
const HOLES_MAX: usize = 32;

/// Bytes that one append writes at most. More than this cannot have been under way at a crash.
const TORN_BYTES_MAX: u64 = FRAME_BYTES_MAX + (FRAME_HEADER + SEGMENT_HEADER) as u64 + (128 << 10);

/// What one segment holds.
#[derive(Default)]
pub(super) struct Scan {
    /// Where reading ended.
    pub(super) end: u64,
    /// Payload frames above the watermark.
    pub(super) frames: u64,
    /// Payload frames.
    pub(super) frames_total: u64,
    /// Pieces to skip.
    pub(super) lost: Vec<Range<u64>>,
    /// Whether bytes are lost that were durable once.
    pub(super) damaged: bool,
    /// Whether the disk refused to read a piece. Such a piece is not judged here but when its turn comes to be read: a disk
    /// that is gone for a minute must not cost what lies on it.
    refused: bool,
    /// Whole frames of any kind.
    intact: u64,
    pub(super) first: Option<Number>,
    pub(super) last: Option<Number>,
    pub(super) holes: Vec<Loss>,
    /// The last piece, if it is none and reaches the end.
    tail: Option<Broken>,
    recorded: Vec<Recorded>,
}

/// A loss that is told already, by a frame in the spool.
pub(super) struct Recorded {
    pub(super) reason: Reason,
    pub(super) segments: Range<u64>,
    range: Range<u64>,
}

/// What follows from all scans.
pub(super) struct Judged {
    pub(super) scans: BTreeMap<u64, Scan>,
    /// What nobody was told before.
    pub(super) losses: Vec<Loss>,
    /// Files in which nothing is left.
    pub(super) worthless: BTreeMap<u64, Worthless>,
    pub(super) newest: Option<Number>,
}

/// Reads a segment from its begin to its end. What ends at `from` or before is freed and needs no judgement.
pub(super) fn scan(
    reader: &mut Reader<'_>,
    number: u64,
    found: &Found,
    from: u64,
    behind: Option<&Previous>,
) -> Scan {
    let end = found.reading_end(behind);
    let mut scan = Scan {
        end,
        ..Scan::default()
    };
    if !found.known {
        return scan;
    }
    let mut at = found.begin();
    while let Some(piece) = reader.next(at, Check::Payload) {
        match piece {
            Piece::Frame { offset, header } => {
                at = offset + header.total();
                scan.frame(header.kind, header.number, at > from, number);
                if header.kind == Kind::Loss
                    && let Some(loss) = reader
                        .payload(offset, &header)
                        .and_then(|b| Loss::decode(&b))
                {
                    scan.recorded.push(Recorded::of(&loss));
                }
            }
            Piece::Broken(broken) => {
                at = broken.range.end;
                if at > from {
                    scan.piece(broken, number);
                }
            }
        }
    }
    scan.beyond(found, number, behind);
    scan
}

impl Found {
    /// Where reading ends: what a later segment says was never acknowledged is not looked at.
    pub(super) fn reading_end(&self, behind: Option<&Previous>) -> u64 {
        let end = self.length.min(SEGMENT_BYTES_MAX);
        match behind {
            Some(previous) if previous.sealed => end.min(previous.end),
            _ => end,
        }
    }
}

impl Scan {
    fn frame(&mut self, kind: Kind, name: Number, waits: bool, segment: u64) {
        self.settle_tail(segment);
        self.intact += 1;
        if kind == Kind::Loss {
            return;
        }
        self.frames_total += 1;
        self.frames += u64::from(waits);
        self.first.get_or_insert(name);
        self.last = Some(name);
        for hole in self
            .holes
            .iter_mut()
            .rev()
            .take_while(|h| h.after.is_none())
        {
            hole.after = Some(name);
        }
    }

    fn piece(&mut self, broken: Broken, segment: u64) {
        self.settle_tail(segment);
        if broken.unreadable {
            self.refused = true;
            return;
        }
        self.tail = Some(broken);
    }

    /// The piece at the end is damage, since something follows it.
    fn settle_tail(&mut self, segment: u64) {
        if let Some(broken) = self.tail.take() {
            self.hole(&broken, segment);
        }
    }

    fn hole(&mut self, broken: &Broken, segment: u64) {
        let mut loss = broken.loss(segment);
        loss.before = self.last;
        self.damaged = true;
        let full = self.holes.len() >= HOLES_MAX;
        match self.holes.last_mut() {
            Some(last) if last.range.end == loss.range.start => last.absorb(&loss),
            Some(last) if full => last.absorb(&loss),
            _ => self.holes.push(loss),
        }
        match self.lost.last_mut() {
            Some(last) if last.end == broken.range.start => last.end = broken.range.end,
            _ => self.lost.push(broken.range.clone()),
        }
    }

    /// What should be there and is not, and what is there and cannot be ours.
    fn beyond(&mut self, found: &Found, segment: u64, behind: Option<&Previous>) {
        let expected = behind.map_or(0, |p| p.end);
        let length = found.length;
        if length > SEGMENT_BYTES_MAX && self.end == SEGMENT_BYTES_MAX {
            let range = SEGMENT_BYTES_MAX..length;
            self.piece(
                Broken {
                    range,
                    known: None,
                    unreadable: false,
                },
                segment,
            );
            self.settle_tail(segment);
        } else if length < expected {
            let range = length..expected;
            self.piece(
                Broken {
                    range,
                    known: None,
                    unreadable: false,
                },
                segment,
            );
            self.settle_tail(segment);
        }
    }

    /// The torn tail, if the last piece may be one.
    fn torn(&mut self, segment: u64) -> Option<Loss> {
        let tail = self.tail.take_if(|t| {
            t.range.end == self.end && t.range.end - t.range.start <= TORN_BYTES_MAX
        })?;
        self.lost.push(tail.range.clone());
        let mut loss = tail.loss(segment);
        loss.reason = Reason::TornTail;
        loss.before = self.last;
        Some(loss)
    }

    fn worthless(&self, found: &Found) -> Option<Worthless> {
        if self.intact > 0 || self.refused || !found.known {
            return None;
        }
        Some(if self.damaged {
            Worthless::Damaged
        } else {
            Worthless::Nothing
        })
    }
}

impl Recorded {
    fn of(loss: &Loss) -> Self {
        Self {
            reason: loss.reason,
            segments: loss.segment_first..loss.segment_last.saturating_add(1),
            range: loss.range.clone(),
        }
    }

    /// What it covers of a segment.
    pub(super) fn covers(&self, segment: u64) -> Option<Range<u64>> {
        use Reason::{Damaged, Several, TornTail, Unreadable};
        let of_bytes = matches!(self.reason, Damaged | Several | TornTail | Unreadable);
        if !of_bytes || !self.segments.contains(&segment) {
            return None;
        }
        let one = self.segments.end - self.segments.start == 1;
        Some(if one { self.range.clone() } else { 0..u64::MAX })
    }
}

/// Judges all segments together.
pub(super) fn judge(
    segments: &BTreeMap<u64, Found>,
    mut scans: BTreeMap<u64, Scan>,
    mark: Option<Place>,
    useless: &[(u64, u64, Reason)],
) -> Judged {
    let mut worthless = abandoned(segments);
    scans.retain(|number, _| !worthless.contains_key(number));
    let recorded: Vec<Recorded> = scans
        .values_mut()
        .flat_map(|s| std::mem::take(&mut s.recorded))
        .collect();
    let dropped = dropped_through(&recorded);
    for number in scans.keys().filter(|n| **n <= dropped) {
        worthless.insert(*number, Worthless::Nothing);
    }
    scans.retain(|number, _| *number > dropped);
    let torn = torn_tails(&mut scans);
    for (number, scan) in &scans {
        if let Some(why) = segments.get(number).and_then(|f| scan.worthless(f)) {
            worthless.insert(*number, why);
        }
    }
    let told = Told {
        recorded: &recorded,
        dropped,
    };
    let mut losses = told.new_losses(segments, &scans, torn, mark, useless);
    losses.extend(told.gaps(segments, &worthless, mark, useless));
    let newest = scans.values().rev().find_map(|s| s.last);
    Judged {
        scans,
        losses,
        worthless,
        newest,
    }
}

/// Segments that a later one says never held anything acknowledged.
fn abandoned(segments: &BTreeMap<u64, Found>) -> BTreeMap<u64, Worthless> {
    let mut numbers = BTreeMap::new();
    for header in segments.values().filter_map(Found::header) {
        let first = header.abandoned_first.min(header.number);
        for (number, _) in segments.range(first..header.number) {
            if header.previous.is_none_or(|p| p.number != *number) {
                numbers.insert(*number, Worthless::Nothing);
            }
        }
    }
    numbers
}

/// Segments up to this one gave way to newer frames; the record of it was durable before they went.
fn dropped_through(recorded: &[Recorded]) -> u64 {
    let drops = recorded
        .iter()
        .filter(|r| r.reason == Reason::DroppedForRoom);
    drops.map(|r| r.segments.end - 1).max().unwrap_or(0)
}

/// Only what was written last can be torn: the end of the newest segment, and the one before as long as the newest holds nothing.
fn torn_tails(scans: &mut BTreeMap<u64, Scan>) -> BTreeMap<u64, Loss> {
    let mut torn = BTreeMap::new();
    let mut newest = true;
    for (number, scan) in scans.iter_mut().rev() {
        if newest && let Some(loss) = scan.torn(*number) {
            torn.insert(*number, loss);
        }
        scan.settle_tail(*number);
        newest &= scan.intact == 0;
    }
    torn
}
