//! One chunk: its head, its checksums, and its records.

use std::collections::HashMap;
use std::rc::Rc;

use super::event::{self, Event};
use super::shape::{Names, Shape};
use super::{CHUNK, Told, moment, u32_at, u64_at};

pub(super) const SIGNATURE: &[u8; 8] = b"ElfChnk\0";
const RECORD: &[u8; 4] = b"\x2a\x2a\0\0";
/// Where the records begin.
const RECORDS: usize = 512;
/// A record's own head, and its size once more at its end.
const RECORD_HEAD: usize = 24;
/// Chunk flag: it has no checksums.
const NO_CHECKSUMS: u32 = 4;

/// A chunk whose checksums are right.
pub(super) struct Chunk<'c> {
    bytes: &'c [u8],
    /// Where the records end.
    end: usize,
    /// True if that is told, and right.
    is_closed: bool,
    /// Templates that were read, by where they lie and whether they are an event's or a part's.
    shapes: HashMap<usize, Option<Rc<Shape>>>,
    names: Names,
    spent: event::Spent,
}

impl<'c> Chunk<'c> {
    /// The chunk in `bytes`; `None` if it is damaged. A `lenient` reader takes one whose checksums are of before.
    pub(super) fn open(bytes: &'c [u8], lenient: bool) -> Option<Self> {
        if !bytes.starts_with(SIGNATURE) {
            return None;
        }
        let free = usize::try_from(u32_at(bytes, 48)?).ok()?;
        let unchecked = u32_at(bytes, 120)? & NO_CHECKSUMS != 0;
        if !(lenient || unchecked) {
            if !(RECORDS..=CHUNK).contains(&free) {
                return None;
            }
            let head = checksum(&[bytes.get(..120)?, bytes.get(128..RECORDS)?]);
            let records = checksum(&[bytes.get(RECORDS..free)?]);
            if head != u32_at(bytes, 124)? || records != u32_at(bytes, 52)? {
                return None;
            }
        }
        let is_closed = !(lenient || unchecked);
        Some(Self {
            bytes,
            end: if is_closed { free } else { CHUNK },
            is_closed,
            shapes: HashMap::new(),
            names: Names::default(),
            spent: event::Spent::default(),
        })
    }

    /// Calls `each` with every event, until `is_over`.
    pub(super) fn events(
        &mut self,
        told: &mut Told,
        is_over: &dyn Fn() -> bool,
        each: &mut impl FnMut(&Event),
    ) {
        let mut at = RECORDS;
        let mut before = None;
        loop {
            // One chunk of a stranger's may be as much work as a whole log.
            if is_over() {
                told.stopped = true;
                return;
            }
            let Some((size, event)) = self.record(at) else {
                break;
            };
            let number = u64_at(self.bytes, at + 8);
            // Behind what is written right now lie records of the last round, whose templates are gone.
            if !self.is_closed
                && before.is_some()
                && number != before.map(|n: u64| n.wrapping_add(1))
            {
                break;
            }
            before = number;
            told.events += 1;
            match event {
                Some(event) => {
                    let (first, last) = told.span.unwrap_or((event.at, event.at));
                    told.span = Some((first.min(event.at), last.max(event.at)));
                    told.oldest = Some(told.oldest.unwrap_or(event.record).min(event.record));
                    each(&event);
                }
                None => told.unreadable += 1,
            }
            at += size;
        }
        // Where the chunk says how far it reaches, what is left is an event that is none.
        told.unreadable += u64::from(self.is_closed && at < self.end);
    }

    /// The size of the record at `at`, and the event in it if it can be read; `None` behind the last one.
    fn record(&mut self, at: usize) -> Option<(usize, Option<Event>)> {
        let head = self.bytes.get(at..self.end)?;
        if !head.starts_with(RECORD) {
            return None;
        }
        let size = usize::try_from(u32_at(head, 4)?).ok()?;
        let body_end = size.checked_sub(4).filter(|end| *end >= RECORD_HEAD)?;
        if u32_at(head, body_end)? != u32_at(head, 4)? {
            return None;
        }
        let mut event = || {
            let mut event = Event::new(u64_at(head, 8)?, moment(u64_at(head, 16)?));
            let mut reading = event::Reading {
                chunk: self.bytes,
                shapes: &mut self.shapes,
                names: &mut self.names,
                spent: &mut self.spent,
                leaves: 0,
                text: 0,
            };
            reading.record(at + RECORD_HEAD, at + body_end, &mut event)?;
            Some(event)
        };
        Some((size, event()))
    }
}

/// CRC-32 (RFC 1952, 8) of `parts` one behind the other.
pub(super) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut sum = flate2::Crc::new();
    parts.iter().for_each(|part| sum.update(part));
    sum.sum()
}
