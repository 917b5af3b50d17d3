//! Appending: the order of write, sync and directory sync, and what follows when one of them fails.

use std::io;

use super::{Segment, Spool, frame_needs};
use crate::error::SpoolError;
use crate::layout::{
    FRAME_HEADER, FrameHeader, Kind, Previous, SEGMENT_HEADER, SEGMENT_NUMBER_END, SegmentHeader,
    segment_name,
};
use crate::loss::Loss;
use crate::numbers::Number;
use crate::watermark::{Place, Watermark, write_all};

/// Writes up to this size are one call.
const TOGETHER: usize = 64 << 10;

/// Records of losses written at once.
const RECORDS: usize = 64;

/// A frame on its way to the disk. A record of a loss takes its number from where it comes to stand.
pub(super) struct Item<'a> {
    pub(super) kind: Kind,
    pub(super) number: Option<Number>,
    pub(super) bytes: &'a [u8],
}

/// Where it failed: behind a failed sync nobody knows what is on the disk, so the frame is written anew elsewhere.
enum Fault {
    Write(io::Error),
    Sync(io::Error),
}

impl Spool {
    /// Keeps a frame. When this returns, it is on the disk: written, synced, and so is the name of a new segment.
    ///
    /// Numbers are the caller's; draw a new epoch at every start, since a frame that was damaged here may have reached the
    /// collector under its number. After an error the frame is not kept (after a crash it may turn out that it is), older frames
    /// are untouched, and the same frame may be appended again as soon as the disk allows.
    pub fn append(&mut self, epoch: u64, sequence: u64, payload: &[u8]) -> Result<(), SpoolError> {
        let bytes = payload.len() as u64;
        if bytes > self.limits.frame_bytes_max {
            let bytes_max = self.limits.frame_bytes_max;
            return Err(SpoolError::TooLarge {
                epoch,
                sequence,
                bytes,
                bytes_max,
            });
        }
        self.tidy();
        self.make_room(frame_needs(payload.len()))?;
        let number = Number { epoch, sequence };
        self.identity.get_or_insert(epoch);
        // Records that cannot be written wait; if the disk takes nothing at all, the frame says so.
        let _ = self.flush();
        self.store(&[Item {
            kind: Kind::Payload,
            number: Some(number),
            bytes: payload,
        }])?;
        self.newest = Some(number);
        Ok(())
    }

    /// Writes the records of losses that are not on the disk yet.
    pub(super) fn flush(&mut self) -> Result<(), SpoolError> {
        while !self.pending.is_empty() {
            let many = self.pending.len().min(RECORDS);
            let records: Vec<_> = self.pending.iter().take(many).map(Loss::encode).collect();
            self.store(&records.iter().map(|r| Item::record(r)).collect::<Vec<_>>())?;
            self.pending.drain(..many);
        }
        Ok(())
    }

    /// Puts frames on the disk, all of them or none.
    pub(super) fn store(&mut self, items: &[Item<'_>]) -> Result<(), SpoolError> {
        let bytes: u64 = items
            .iter()
            .map(|i| (FRAME_HEADER + i.bytes.len()) as u64)
            .sum();
        let end = self
            .writer
            .and_then(|n| self.segments.get(&n))
            .map_or(0, |s| s.end);
        if end + bytes > self.limits.segment_bytes {
            self.roll();
        }
        let stored = match self.store_once(items) {
            // Never sync that file again: the kernel may have forgotten what it could not write.
            Err(Fault::Sync(_)) => self.store_once(items),
            other => other,
        };
        stored.map_err(|fault| {
            let (doing, source) = match fault {
                Fault::Write(source) => ("write a segment", source),
                Fault::Sync(source) => ("sync a segment", source),
            };
            let file = segment_name(self.next.saturating_sub(1));
            SpoolError::Disk {
                doing,
                file,
                source,
            }
        })
    }

    /// Closes the segment that is written to; the next frame begins a new one.
    pub(super) fn roll(&mut self) {
        if let Some(number) = self.writer.take()
            && let Some(segment) = self.segments.get(&number)
        {
            self.disk.close(&segment.file);
        }
    }

    fn store_once(&mut self, items: &[Item<'_>]) -> Result<(), Fault> {
        let fresh = self.writer.is_none();
        let (number, header) = match self.writer {
            Some(number) => (number, Vec::new()),
            None => self.begin().map_err(Fault::Write)?,
        };
        match self.put(number, header, items) {
            Ok(end) => {
                self.keep(number, end, items);
                Ok(())
            }
            Err(fault) => {
                self.abandon(number, fresh);
                Err(fault)
            }
        }
    }

    /// Makes the file of the next segment, and the header that belongs at its begin.
    fn begin(&mut self) -> io::Result<(u64, Vec<u8>)> {
        let previous = self
            .segments
            .last_key_value()
            .map(|(number, segment)| Previous {
                number: *number,
                end: segment.end,
                frames: segment.frames_total,
                sealed: *number >= self.own_first,
            });
        let number = self.create()?;
        let abandoned_first = previous.map_or(0, |p| p.number + 1).max(self.own_first);
        let header = SegmentHeader {
            number,
            previous,
            abandoned_first,
        };
        self.segments.insert(
            number,
            Segment {
                file: segment_name(number),
                begin: SEGMENT_HEADER as u64,
                end: 0,
                length: 0,
                frames: 0,
                frames_total: 0,
                lost: Vec::new(),
                known: true,
                damaged: false,
            },
        );
        self.writer = Some(number);
        Ok((number, header.encode()))
    }

    fn create(&mut self) -> io::Result<u64> {
        loop {
            let number = self.next;
            if number >= SEGMENT_NUMBER_END {
                return Err(io::Error::other("the numbers of segments are used up"));
            }
            self.next += 1;
            self.mark_begin(number);
            let file = segment_name(number);
            match self.disk.create_new(&file) {
                Ok(()) => return Ok(number),
                // Something that is no segment has its name.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    self.litter.push(file);
                    return Err(error);
                }
            }
        }
    }

    /// Says where the spool begins, before it does: then a first segment that goes missing is missed.
    fn mark_begin(&mut self, number: u64) {
        if self.settled {
            return;
        }
        if self.start == Place::default() {
            self.start.segment = number;
        }
        let mark = Watermark {
            place: self.start,
            last: self.last_freed,
        };
        self.settled = mark.write(self.disk.as_mut()).is_ok();
    }

    /// Writes and syncs; returns where the last frame ends.
    fn put(&mut self, number: u64, header: Vec<u8>, items: &[Item<'_>]) -> Result<u64, Fault> {
        let fresh = !header.is_empty();
        let identity = self.record_epoch(items);
        let file = segment_name(number);
        let mut end = self.segments.get(&number).map_or(0, |s| s.end) + header.len() as u64;
        let mut waiting = header;
        for item in items {
            let name = item.number.unwrap_or(Number {
                epoch: identity,
                sequence: number << 24 | end,
            });
            let frame = FrameHeader::new(number, item.kind, name, item.bytes)
                .expect("a payload was measured before it came here");
            waiting.extend(frame.encode(number));
            end += frame.total();
            if waiting.len() + item.bytes.len() > TOGETHER {
                write_all(self.disk.as_mut(), &file, &waiting).map_err(Fault::Write)?;
                waiting.clear();
                write_all(self.disk.as_mut(), &file, item.bytes).map_err(Fault::Write)?;
            } else {
                waiting.extend(item.bytes);
            }
        }
        write_all(self.disk.as_mut(), &file, &waiting).map_err(Fault::Write)?;
        self.disk.sync_data(&file).map_err(Fault::Sync)?;
        if fresh {
            self.disk.sync_dir().map_err(Fault::Sync)?;
        }
        Ok(end)
    }

    /// The epoch of records: one of their own, so that they never meet numbers of the caller's, and another one for
    /// every spool, since it comes from an epoch that was drawn at random.
    fn record_epoch(&self, items: &[Item<'_>]) -> u64 {
        let seed = self.identity.unwrap_or_else(|| {
            let bytes = items.first().map_or(&[][..], |i| i.bytes);
            u64::from(crc32c::crc32c(bytes))
        });
        mix(seed)
    }

    fn keep(&mut self, number: u64, end: u64, items: &[Item<'_>]) {
        let payloads = items.iter().filter(|i| i.kind == Kind::Payload).count() as u64;
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.end = end;
            segment.length = end;
            segment.frames += payloads;
            segment.frames_total += payloads;
        }
    }

    /// Turns away from a segment behind a failure. What the failure left there is never looked at again: the next segment says
    /// where this one ends, and which numbers before it hold nothing.
    fn abandon(&mut self, number: u64, fresh: bool) {
        self.roll();
        let file = segment_name(number);
        if fresh {
            self.segments.remove(&number);
            if self.remove(&file).is_err() {
                self.litter.push(file);
            }
        } else if let Ok(length) = self.disk.length(&file)
            && let Some(segment) = self.segments.get_mut(&number)
        {
            segment.length = length.max(segment.end);
        }
    }
}

impl<'a> Item<'a> {
    pub(super) fn record(bytes: &'a [u8]) -> Self {
        Self {
            kind: Kind::Loss,
            number: None,
            bytes,
        }
    }
}

/// Spreads a number over all 64 bits (the finaliser of SplitMix64).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
