//! Reading, oldest first, one frame at a time.

use std::io;

use super::Spool;
use super::open::identify;
use super::write::Item;
use crate::error::SpoolError;
use crate::layout::{FRAME_HEADER, FrameHeader, Kind};
use crate::loss::{Loss, RECORD_BYTES_MAX};
use crate::numbers::Number;
use crate::scan::{Broken, Check, Piece, Reader, read_full, to_usize};
use crate::watermark::Place;

/// How often reading at one place may fail before it is called lost: a disk that coughs is not a damaged one.
const PATIENCE: u32 = 3;

/// Records remembered as handed out.
const SEEN_MAX: usize = 1024;

/// One frame, read and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The epoch it was appended with; for a record of a loss, one of the spool's own.
    pub epoch: u64,
    /// The sequence within the epoch.
    pub sequence: u64,
    /// What it carries.
    pub body: Body,
    end: Place,
}

/// What a frame carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// What was appended.
    Payload(Vec<u8>),
    /// Something that was lost, to be told to the collector like anything else.
    Loss(Loss),
    /// A frame of a newer program, as it came.
    Unknown {
        /// Its kind.
        kind: u32,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// Frames from the oldest on; ends at the newest, or behind an error.
pub struct Frames<'a> {
    spool: &'a mut Spool,
    at: Place,
    ended: bool,
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.spool.read_from(self.at).transpose();
        match &next {
            Some(Ok(frame)) => self.at = frame.end,
            _ => self.ended = true,
        }
        next
    }
}

impl Spool {
    /// The oldest frame that is not freed.
    ///
    /// An error is the disk's; ask again later. Where it refuses three times in a row the piece is given up as a loss.
    pub fn oldest(&mut self) -> Result<Option<Frame>, SpoolError> {
        self.read_from(self.start)
    }

    /// The frame behind `frame`, for whoever sends several before the first is acknowledged.
    pub fn after(&mut self, frame: &Frame) -> Result<Option<Frame>, SpoolError> {
        self.read_from(frame.end)
    }

    /// All frames that are not freed, in order of appending, one in memory at a time.
    pub fn frames(&mut self) -> Frames<'_> {
        Frames {
            at: self.start,
            spool: self,
            ended: false,
        }
    }

    fn read_from(&mut self, from: Place) -> Result<Option<Frame>, SpoolError> {
        let from = from.max(self.start);
        let mut at = from.offset;
        let numbers: Vec<u64> = self
            .segments
            .range(from.segment..)
            .map(|(n, _)| *n)
            .collect();
        for number in numbers {
            if number != from.segment {
                at = 0;
            }
            if let Some(frame) = self.read_segment(number, at)? {
                self.remember(&frame);
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn remember(&mut self, frame: &Frame) {
        if matches!(frame.body, Body::Loss(_)) {
            if self.seen.len() >= SEEN_MAX {
                self.seen.pop_first();
            }
            self.seen.insert(Number {
                epoch: frame.epoch,
                sequence: frame.sequence,
            });
        }
    }

    fn read_segment(&mut self, number: u64, from: u64) -> Result<Option<Frame>, SpoolError> {
        self.acquaint(number)?;
        let mut at = from.max(self.begin_of(number));
        while let Some(header) = self.walk(number, &mut at)? {
            let offset = at - header.total();
            let place = Place {
                segment: number,
                offset,
            };
            if let Some(bytes) = self.payload(number, offset, &header) {
                self.refusals = (place, 0);
                let end = Place {
                    segment: number,
                    offset: at,
                };
                return Ok(Some(Frame::new(&header, bytes, end)));
            }
            at = offset;
            match self.look(number, offset, Check::Payload) {
                // It came whole the second time; so the disk coughed, and the next round reads it.
                (Some(Piece::Frame { .. }) | None, _) => self.be_patient(place, None)?,
                (Some(Piece::Broken(broken)), refusal) => {
                    self.lose(number, &broken, refusal)?;
                    at = broken.range.end;
                }
            }
        }
        Ok(None)
    }

    /// Asks the disk again for a segment that it would tell nothing of when the spool was opened.
    pub(super) fn acquaint(&mut self, number: u64) -> Result<(), SpoolError> {
        let Some(segment) = self.segments.get_mut(&number).filter(|s| !s.known) else {
            return Ok(());
        };
        match identify(self.disk.as_mut(), segment.file.clone(), number) {
            Some(found) if found.known => {
                segment.begin = found.begin();
                segment.end = found.reading_end(None);
                segment.length = found.length;
                segment.known = true;
                Ok(())
            }
            _ => {
                let broken = Broken {
                    range: 0..0,
                    known: None,
                    unreadable: true,
                };
                self.lose(number, &broken, None)
            }
        }
    }

    fn look(&mut self, number: u64, at: u64, check: Check) -> (Option<Piece>, Option<io::Error>) {
        let Some(segment) = self.segments.get(&number) else {
            return (None, None);
        };
        let mut reader = Reader::new(self.disk.as_mut(), &segment.file, number, segment.end);
        let piece = reader.next(at, check);
        (piece, reader.into_refusal())
    }

    /// The payload, if the disk gives it and it is what was written.
    fn payload(&mut self, number: u64, offset: u64, header: &FrameHeader) -> Option<Vec<u8>> {
        let segment = self.segments.get(&number)?;
        let mut bytes = vec![0; to_usize(u64::from(header.length))];
        let at = offset + FRAME_HEADER as u64;
        read_full(self.disk.as_mut(), &segment.file, at, &mut bytes).ok()?;
        let whole = crc32c::crc32c_append(header.seed(number), &bytes) == header.sum;
        whole.then_some(bytes)
    }

    /// An error as long as patience lasts.
    fn be_patient(&mut self, place: Place, refusal: Option<io::Error>) -> Result<(), SpoolError> {
        let (at, times) = self.refusals;
        let times = if at == place { times + 1 } else { 1 };
        self.refusals = (place, times);
        if times >= PATIENCE {
            return Ok(());
        }
        let file = self.segments.get(&place.segment).map(|s| s.file.clone());
        Err(SpoolError::Disk {
            doing: "read a frame from",
            file: file.unwrap_or_default(),
            source: refusal.unwrap_or_else(|| io::ErrorKind::InvalidData.into()),
        })
    }

    /// Tells a loss that came to light while reading. What the disk only refuses to read is given up when it has refused three
    /// times and still takes the record of it.
    fn lose(
        &mut self,
        number: u64,
        broken: &Broken,
        refusal: Option<io::Error>,
    ) -> Result<(), SpoolError> {
        let loss = broken.loss(number);
        if broken.unreadable {
            let offset = broken.range.start;
            self.be_patient(
                Place {
                    segment: number,
                    offset,
                },
                refusal,
            )?;
            self.store(&[Item::record(&loss.encode())])?;
        } else {
            self.pending.push(loss.clone());
            let _ = self.flush();
        }
        self.count(&loss);
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.lost.push(broken.range.clone());
            segment.known = true;
            segment.damaged = true;
            if !broken.unreadable {
                segment.frames = segment.frames.saturating_sub(loss.frames.unwrap_or(0));
            }
        }
        Ok(())
    }

    /// The number of the oldest payload frame, from its header alone.
    pub(super) fn oldest_number(&mut self) -> Option<Number> {
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        for number in numbers {
            self.acquaint(number).ok()?;
            let mut at = self.begin_of(number);
            while let Some(header) = self.walk(number, &mut at).ok()? {
                if header.kind == Kind::Payload {
                    return Some(header.number);
                }
            }
        }
        None
    }

    /// The next frame with a whole header, and `at` behind it; pieces that are none are told and skipped.
    pub(super) fn walk(
        &mut self,
        number: u64,
        at: &mut u64,
    ) -> Result<Option<FrameHeader>, SpoolError> {
        loop {
            let Some(segment) = self.segments.get(&number) else {
                return Ok(None);
            };
            if let Some(end) = segment.lost_end(*at) {
                *at = end;
                continue;
            }
            match self.look(number, *at, Check::Header) {
                (None, _) => return Ok(None),
                (Some(Piece::Frame { offset, header }), _) => {
                    *at = offset + header.total();
                    return Ok(Some(header));
                }
                (Some(Piece::Broken(broken)), refusal) => {
                    self.lose(number, &broken, refusal)?;
                    *at = broken.range.end;
                }
            }
        }
    }

    /// The record of a loss that ends at `end`; none if it is no record any more.
    pub(super) fn record(
        &mut self,
        number: u64,
        end: u64,
        header: &FrameHeader,
    ) -> Result<Option<Loss>, SpoolError> {
        let offset = end.saturating_sub(header.total());
        if header.kind != Kind::Loss || header.length as usize > RECORD_BYTES_MAX {
            return Ok(None);
        }
        if let Some(bytes) = self.payload(number, offset, header) {
            return Ok(Loss::decode(&bytes));
        }
        if let (
            Some(Piece::Broken(Broken {
                unreadable: false, ..
            })),
            _,
        ) = self.look(number, offset, Check::Payload)
        {
            return Ok(None);
        }
        self.be_patient(
            Place {
                segment: number,
                offset,
            },
            None,
        )?;
        Ok(None)
    }
}

impl Frame {
    fn new(header: &FrameHeader, bytes: Vec<u8>, end: Place) -> Self {
        let body = match header.kind {
            Kind::Payload => Body::Payload(bytes),
            Kind::Loss => match Loss::decode(&bytes) {
                Some(loss) => Body::Loss(loss),
                None => Body::Unknown { kind: 1, bytes },
            },
            Kind::Other(kind) => Body::Unknown { kind, bytes },
        };
        Self {
            epoch: header.number.epoch,
            sequence: header.number.sequence,
            body,
            end,
        }
    }
}
