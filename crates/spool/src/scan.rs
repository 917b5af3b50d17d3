//! Reading a segment whatever it holds: whole frames, and the pieces between them that are none.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use crate::disk::SpoolDisk;
use crate::layout::{FRAME_HEADER, FRAME_MAGIC, FrameHeader, Kind};
use crate::loss::{Loss, Reason};
use crate::numbers::Number;

/// Bytes read at once at most. A reader begins with one sector and reads more with every step, since most want one header.
const WINDOW: usize = 64 << 10;

/// Bytes given up where the disk refuses to read.
const SECTOR: usize = 4 << 10;

/// What comes next in a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Frame { offset: u64, header: FrameHeader },
    Broken(Broken),
}

/// Bytes that are no whole frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Broken {
    pub(crate) range: Range<u64>,
    /// Kind and number, if it is a single frame whose header is whole.
    pub(crate) known: Option<(Kind, Number)>,
    /// Whether the disk refused to read there.
    pub(crate) unreadable: bool,
}

impl Broken {
    /// What to tell of it.
    pub(crate) fn loss(&self, segment: u64) -> Loss {
        let reason = if self.unreadable {
            Reason::Unreadable
        } else {
            Reason::Damaged
        };
        let mut loss = Loss::within(reason, segment, self.range.clone());
        loss.frames = self.known.map(|(kind, _)| u64::from(kind != Kind::Loss));
        if let Some((Kind::Payload, number)) = self.known {
            loss.numbers.push(number);
        }
        loss
    }
}

/// How closely to look at a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Check {
    /// Its header alone: for whoever only counts.
    Header,
    /// Its payload too.
    Payload,
}

/// One segment, read through a window of 64 KiB: memory does not grow with what a stranger wrote.
pub(crate) struct Reader<'a> {
    disk: &'a mut dyn SpoolDisk,
    file: &'a str,
    segment: u64,
    end: u64,
    start: u64,
    window: Vec<u8>,
    /// Bytes to read next time.
    stride: usize,
    /// Sectors the disk refused, and what it said last.
    refused: BTreeSet<u64>,
    refusal: Option<io::Error>,
    /// Bytes summed in vain; see [`Self::given_up`].
    wasted: u64,
}

impl<'a> Reader<'a> {
    /// A reader of the first `end` bytes of `file`, whose frames belong to the segment numbered `segment`.
    pub(crate) fn new(disk: &'a mut dyn SpoolDisk, file: &'a str, segment: u64, end: u64) -> Self {
        Self {
            disk,
            file,
            segment,
            end,
            start: 0,
            window: Vec::new(),
            stride: SECTOR,
            refused: BTreeSet::new(),
            refusal: None,
            wasted: 0,
        }
    }

    /// The bytes from `at` on: as many as asked where the window can hold them, fewer at the end.
    pub(crate) fn bytes(&mut self, at: u64, wanted: usize) -> &[u8] {
        let wanted = wanted
            .min(WINDOW - SECTOR)
            .min(to_usize(self.end.saturating_sub(at)));
        let held = self.start..self.start + self.window.len() as u64;
        if at < held.start || at + wanted as u64 > held.end {
            self.fill(at - at % SECTOR as u64, at + wanted as u64);
        }
        let from = to_usize(at.saturating_sub(self.start)).min(self.window.len());
        let rest = self.window.get(from..).unwrap_or_default();
        rest.get(..wanted).unwrap_or(rest)
    }

    /// What the window holds from `at` on: a header's length at least, but at the end.
    fn ahead(&mut self, at: u64) -> &[u8] {
        self.bytes(at, FRAME_HEADER);
        let from = to_usize(at.saturating_sub(self.start));
        self.window.get(from..).unwrap_or_default()
    }

    fn fill(&mut self, start: u64, needed: u64) {
        let needed = to_usize(needed - start).next_multiple_of(SECTOR);
        let wanted = needed
            .max(self.stride)
            .min(to_usize(self.end.saturating_sub(start)));
        self.stride = (self.stride * 2).min(WINDOW);
        self.start = start;
        self.window = vec![0; wanted];
        if read_full(self.disk, self.file, start, &mut self.window).is_ok() {
            return;
        }
        self.window.fill(0);
        for (index, sector) in self.window.chunks_mut(SECTOR).enumerate() {
            let at = start + (index * SECTOR) as u64;
            if let Err(error) = read_full(self.disk, self.file, at, sector) {
                sector.fill(0);
                self.refused.insert(at);
                self.refusal = Some(error);
            }
        }
    }

    fn was_refused(&self, range: &Range<u64>) -> bool {
        self.refused
            .iter()
            .any(|at| *at < range.end && at + SECTOR as u64 > range.start)
    }

    /// What the disk said when it last refused to read.
    pub(crate) fn into_refusal(self) -> Option<io::Error> {
        self.refusal
    }

    /// What begins at `offset`; `None` at the end of the segment.
    pub(crate) fn next(&mut self, offset: u64, check: Check) -> Option<Piece> {
        if offset >= self.end {
            return None;
        }
        let Some(header) = self.header(offset) else {
            let end = self.resync(offset + 1);
            return Some(self.broken(offset..end, None));
        };
        let end = offset + header.total();
        if end <= self.end && (check == Check::Header || self.payload_holds(offset, &header)) {
            return Some(Piece::Frame { offset, header });
        }
        let trusted = end <= self.end && (end == self.end || self.header(end).is_some());
        let end = if trusted {
            end
        } else {
            self.resync(offset + FRAME_HEADER as u64)
        };
        Some(self.broken(offset..end, Some((header.kind, header.number))))
    }

    fn broken(&self, range: Range<u64>, known: Option<(Kind, Number)>) -> Piece {
        let unreadable = self.was_refused(&range);
        Piece::Broken(Broken {
            range,
            known,
            unreadable,
        })
    }

    fn header(&mut self, offset: u64) -> Option<FrameHeader> {
        let segment = self.segment;
        FrameHeader::decode(segment, self.bytes(offset, FRAME_HEADER))
    }

    fn payload_holds(&mut self, offset: u64, header: &FrameHeader) -> bool {
        let mut sum = header.seed(self.segment);
        let mut at = offset + FRAME_HEADER as u64;
        let end = offset + header.total();
        while at < end {
            let piece = self.bytes(at, to_usize(end - at));
            if piece.is_empty() {
                return false;
            }
            sum = crc32c::crc32c_append(sum, piece);
            at += piece.len() as u64;
        }
        if sum != header.sum {
            self.wasted += header.total();
        }
        sum == header.sum
    }

    /// The bytes of a frame that was checked, for one small enough to be held.
    pub(crate) fn payload(&mut self, offset: u64, header: &FrameHeader) -> Option<Vec<u8>> {
        let length = to_usize(u64::from(header.length));
        let bytes = self.bytes(offset + FRAME_HEADER as u64, length);
        (bytes.len() == length).then(|| bytes.to_vec())
    }

    /// The number of the frame that ends at `end`, walking by headers from `at` on.
    pub(crate) fn ending_at(&mut self, mut at: u64, end: u64) -> Option<Number> {
        while at < end {
            match self.next(at, Check::Header)? {
                Piece::Frame { offset, header } => {
                    at = offset + header.total();
                    if at == end {
                        return Some(header.number);
                    }
                }
                Piece::Broken(broken) => at = broken.range.end,
            }
        }
        None
    }

    /// Whether so much was summed in vain that the rest is given up: headers that overlap on purpose would otherwise cost hours.
    fn given_up(&self) -> bool {
        self.wasted > self.end.saturating_mul(8).saturating_add(1 << 20)
    }

    /// Where the next whole header stands, from `at` on; the end if there is none.
    fn resync(&mut self, mut at: u64) -> u64 {
        while at < self.end && !self.given_up() {
            let piece = self.ahead(at);
            if piece.len() < FRAME_HEADER {
                break;
            }
            let found = piece
                .windows(FRAME_MAGIC.len())
                .position(|w| w == FRAME_MAGIC);
            match found {
                Some(skip) => {
                    at += skip as u64;
                    if self.header(at).is_some() {
                        return at;
                    }
                    at += 1;
                }
                None => at += (piece.len() + 1 - FRAME_MAGIC.len()) as u64,
            }
        }
        self.end
    }
}

/// Fills `buffer`; zeros stand for what lies beyond the end of the file.
pub(crate) fn read_full(
    disk: &mut dyn SpoolDisk,
    file: &str,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|r| !r.is_empty()) {
        match disk.read_at(file, offset + done as u64, rest)? {
            0 => {
                rest.fill(0);
                break;
            }
            more => done += more,
        }
    }
    Ok(())
}

pub(crate) fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
