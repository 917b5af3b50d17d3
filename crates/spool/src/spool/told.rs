//! What nobody was told yet, of all that is not there.

use std::collections::BTreeMap;

use super::judge::{Recorded, Scan};
use super::open::{Found, Worthless};
use crate::layout::SEGMENT_HEADER;
use crate::loss::{Loss, Reason};
use crate::watermark::Place;

/// The losses that records in the spool tell already.
pub(super) struct Told<'a> {
    pub(super) recorded: &'a [Recorded],
    pub(super) dropped: u64,
}

impl Told<'_> {
    pub(super) fn new_losses(
        &self,
        segments: &BTreeMap<u64, Found>,
        scans: &BTreeMap<u64, Scan>,
        mut torn: BTreeMap<u64, Loss>,
        mark: Option<Place>,
        useless: &[(u64, u64, Reason)],
    ) -> Vec<Loss> {
        let mut losses: Vec<Loss> = Vec::new();
        let mut last = None;
        for (number, scan) in scans {
            let from = losses.len();
            losses.extend(self.missing_before(*number, segments, mark, useless));
            losses.extend(scan.holes.iter().filter_map(|l| self.untold(l)));
            losses.extend(torn.remove(number).and_then(|l| self.untold(&l)));
            for loss in losses.iter_mut().skip(from) {
                loss.before = loss.before.or(last);
            }
            if let Some(first) = scan.first {
                let open = losses
                    .iter_mut()
                    .filter(|l| l.segment_last < *number || l.reason == Reason::Missing);
                open.filter(|l| l.after.is_none())
                    .for_each(|l| l.after = Some(first));
            }
            last = scan.last.or(last);
        }
        losses.extend(useless.iter().filter_map(|u| self.useless(*u)));
        losses
    }

    /// What of a loss no record covers.
    fn untold(&self, loss: &Loss) -> Option<Loss> {
        let mut rest = loss.range.clone();
        let mut known: Vec<_> = self
            .recorded
            .iter()
            .filter_map(|r| r.covers(loss.segment_last))
            .collect();
        known.sort_unstable_by_key(|r| r.start);
        for range in &known {
            if range.start <= rest.start {
                rest.start = rest.start.max(range.end);
            }
        }
        for range in known.iter().rev() {
            if range.end >= rest.end {
                rest.end = rest.end.min(range.start);
            }
        }
        let empty = loss.range.is_empty() && !known.is_empty();
        if rest.start >= rest.end && (empty || !loss.range.is_empty()) {
            return None;
        }
        let mut untold = loss.clone();
        untold.bytes = loss.bytes.min(rest.end - rest.start);
        untold.range = rest;
        Some(untold)
    }

    /// The segment before this one, if it should be there and is not.
    fn missing_before(
        &self,
        number: u64,
        segments: &BTreeMap<u64, Found>,
        mark: Option<Place>,
        useless: &[(u64, u64, Reason)],
    ) -> Option<Loss> {
        let previous = segments.get(&number)?.previous()?;
        let gone = previous.number;
        let older = segments.range(..gone).next_back().map(|(n, _)| *n);
        let start = match mark {
            Some(place) => place,
            // Without a watermark nobody knows what was freed; only a hole in the middle shows.
            None => Place {
                segment: older?,
                offset: 0,
            },
        };
        let freed = Place {
            segment: gone,
            offset: previous.end,
        } <= start;
        let there = segments.contains_key(&gone)
            || useless
                .iter()
                .any(|(n, _, why)| *n == gone && *why != Reason::Duplicate);
        let told = self
            .recorded
            .iter()
            .any(|r| r.segments.contains(&gone) && r.reason != Reason::Duplicate);
        let nothing = previous.end <= SEGMENT_HEADER as u64;
        if freed || there || told || nothing || gone <= self.dropped {
            return None;
        }
        let partly = if start.segment == gone {
            start.offset
        } else {
            0
        };
        let mut loss = Loss::within(
            Reason::Missing,
            gone,
            partly.max(SEGMENT_HEADER as u64)..previous.end,
        );
        loss.segment_first = [older.map_or(0, |n| n + 1), start.segment, self.dropped + 1]
            .into_iter()
            .fold(1, u64::max)
            .min(gone);
        let exact = loss.segment_first == gone && partly == 0;
        loss.frames = exact.then_some(previous.frames);
        Some(loss)
    }

    /// Numbers that nobody has, before segments whose header cannot say which one was there. It may be that none ever was.
    pub(super) fn gaps(
        &self,
        segments: &BTreeMap<u64, Found>,
        worthless: &BTreeMap<u64, Worthless>,
        mark: Option<Place>,
        useless: &[(u64, u64, Reason)],
    ) -> Vec<Loss> {
        let others = useless
            .iter()
            .filter(|u| u.2 != Reason::Duplicate)
            .map(|u| (u.0, false));
        let present: BTreeMap<u64, bool> = segments
            .iter()
            .map(|(n, f)| {
                let nothing = worthless.get(n) == Some(&Worthless::Nothing);
                (*n, f.header().is_some() || !f.known || nothing)
            })
            .chain(others)
            .collect();
        let start = mark.map(|m| m.segment + u64::from(m.offset > 0));
        let mut expected = start.map(|s| s.max(self.dropped + 1));
        let mut losses = Vec::new();
        for (number, says) in present {
            if let Some(first) = expected.filter(|e| !says && *e < number) {
                let told = self
                    .recorded
                    .iter()
                    .any(|r| r.segments.contains(&(number - 1)));
                let mut loss = Loss::within(Reason::Missing, number - 1, 0..0);
                loss.segment_first = first;
                losses.extend((!told).then_some(loss));
            }
            expected = Some(expected.unwrap_or(0).max(number + 1));
        }
        losses
    }

    fn useless(&self, (number, length, reason): (u64, u64, Reason)) -> Option<Loss> {
        let told = |r: &Recorded| r.reason == reason && r.segments.contains(&number);
        if self.recorded.iter().any(told) {
            return None;
        }
        Some(Loss::within(reason, number, 0..length))
    }
}
