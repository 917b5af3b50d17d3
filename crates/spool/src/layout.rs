//! The bytes of a segment: its header, the headers of frames, names of files. All numbers little-endian.

use crate::numbers::Number;

/// Begins every segment. Its first byte is no text, its last ones show a transfer that changed line ends.
pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"\x89GRSPL\r\n";

/// The format this program writes and reads.
pub(crate) const VERSION: u32 = 1;

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER: usize = 60;

/// Begins every frame: what a reader looks for behind damage.
pub(crate) const FRAME_MAGIC: [u8; 4] = [0xf7, b'g', 0xfb, b'f'];

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER: usize = 36;

/// Bytes of the largest payload.
pub(crate) const FRAME_BYTES_MAX: u64 = 8 << 20;

/// Bytes of a segment beyond which nothing of ours can lie: a reader goes no further.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// Segments are numbered below this; a name beyond it is not ours.
pub(crate) const SEGMENT_NUMBER_END: u64 = 1 << 40;

/// What a segment says of itself and of the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    /// Its own number, whatever the file is called.
    pub(crate) number: u64,
    /// The segment that was the newest when this one began.
    pub(crate) previous: Option<Previous>,
    /// Segments from this number up to this one were begun by the same process and never held anything acknowledged.
    pub(crate) abandoned_first: u64,
}

/// What was known of the segment before when a new one began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Previous {
    pub(crate) number: u64,
    /// Where its last acknowledged frame ends.
    pub(crate) end: u64,
    /// Payload frames in it.
    pub(crate) frames: u64,
    /// Whether the same process wrote it: then whatever lies beyond `end` was never acknowledged.
    pub(crate) sealed: bool,
}

/// How the begin of a file reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeaderFound {
    Whole(SegmentHeader),
    /// Whole, of a version this program does not know.
    Version(u32),
    Broken,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let previous = self.previous.unwrap_or(Previous {
            number: 0,
            end: 0,
            frames: 0,
            sealed: false,
        });
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER);
        bytes.extend(SEGMENT_MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u32::from(previous.sealed).to_le_bytes());
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(previous.number.to_le_bytes());
        bytes.extend(previous.end.to_le_bytes());
        bytes.extend(previous.frames.to_le_bytes());
        bytes.extend(self.abandoned_first.to_le_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> HeaderFound {
        Self::read(bytes).unwrap_or(HeaderFound::Broken)
    }

    fn read(bytes: &[u8]) -> Option<HeaderFound> {
        let body = bytes.get(..SEGMENT_HEADER - 4)?;
        let sum = u32_at(bytes, SEGMENT_HEADER - 4)?;
        if body.get(..8)? != SEGMENT_MAGIC || crc32c::crc32c(body) != sum {
            return None;
        }
        let version = u32_at(body, 8)?;
        if version != VERSION {
            return Some(HeaderFound::Version(version));
        }
        let number = u64_at(body, 16)?;
        let previous = Previous {
            number: u64_at(body, 24)?,
            end: u64_at(body, 32)?,
            frames: u64_at(body, 40)?,
            sealed: u32_at(body, 12)? & 1 == 1,
        };
        if number == 0 || number >= SEGMENT_NUMBER_END || previous.number >= number {
            return None;
        }
        Some(HeaderFound::Whole(Self {
            number,
            previous: (previous.number != 0).then_some(previous),
            abandoned_first: u64_at(body, 48)?,
        }))
    }
}

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Payload,
    Loss,
    /// Of a newer program; kept and handed on.
    Other(u32),
}

impl Kind {
    fn code(self) -> u32 {
        match self {
            Self::Payload => 0,
            Self::Loss => 1,
            Self::Other(code) => code,
        }
    }

    fn of(code: u32) -> Self {
        match code {
            0 => Self::Payload,
            1 => Self::Loss,
            other => Self::Other(other),
        }
    }
}

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameHeader {
    pub(crate) kind: Kind,
    pub(crate) length: u32,
    pub(crate) sum: u32,
    pub(crate) number: Number,
}

impl FrameHeader {
    /// A header for `payload` in the segment numbered `segment`.
    pub(crate) fn new(segment: u64, kind: Kind, number: Number, payload: &[u8]) -> Option<Self> {
        let mut header = Self {
            kind,
            length: u32::try_from(payload.len()).ok()?,
            sum: 0,
            number,
        };
        header.sum = crc32c::crc32c_append(header.seed(segment), payload);
        Some(header)
    }

    /// Where the sum of the payload begins: a frame belongs to its segment, its kind and its number.
    pub(crate) fn seed(&self, segment: u64) -> u32 {
        let sum = crc32c::crc32c(&segment.to_le_bytes());
        let sum = crc32c::crc32c_append(sum, &self.kind.code().to_le_bytes());
        let sum = crc32c::crc32c_append(sum, &self.number.epoch.to_le_bytes());
        crc32c::crc32c_append(sum, &self.number.sequence.to_le_bytes())
    }

    pub(crate) fn encode(&self, segment: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FRAME_HEADER);
        bytes.extend(FRAME_MAGIC);
        bytes.extend(self.length.to_le_bytes());
        bytes.extend(self.sum.to_le_bytes());
        bytes.extend(self.number.epoch.to_le_bytes());
        bytes.extend(self.number.sequence.to_le_bytes());
        bytes.extend(self.kind.code().to_le_bytes());
        bytes.extend(header_sum(segment, &bytes).to_le_bytes());
        bytes
    }

    /// The header at the begin of `bytes`, if it is whole and belongs to this segment.
    pub(crate) fn decode(segment: u64, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..FRAME_HEADER)?;
        let (body, _) = bytes.split_at_checked(FRAME_HEADER - 4)?;
        if body.get(..4)? != FRAME_MAGIC
            || u32_at(bytes, FRAME_HEADER - 4)? != header_sum(segment, body)
        {
            return None;
        }
        let header = Self {
            length: u32_at(body, 4)?,
            sum: u32_at(body, 8)?,
            number: Number {
                epoch: u64_at(body, 12)?,
                sequence: u64_at(body, 20)?,
            },
            kind: Kind::of(u32_at(body, 28)?),
        };
        (u64::from(header.length) <= FRAME_BYTES_MAX).then_some(header)
    }

    /// Bytes of the whole frame.
    pub(crate) fn total(&self) -> u64 {
        FRAME_HEADER as u64 + u64::from(self.length)
    }
}

fn header_sum(segment: u64, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&segment.to_le_bytes()), body)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The file of a segment.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:016x}.spool")
}

/// The number in a segment's name; none if the name is not ours.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".spool")?;
    let ours = digits.len() == 16
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let number = u64::from_str_radix(digits, 16).ok()?;
    (ours && (1..SEGMENT_NUMBER_END).contains(&number)).then_some(number)
}

/// What a segment is called that was put aside for a person to look at.
pub(crate) const ASIDE: &str = ".damaged";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_as_it_went() {
        for previous in [
            None,
            Some(Previous {
                number: 6,
                end: 60,
                frames: 3,
                sealed: true,
            }),
        ] {
            let header = SegmentHeader {
                number: 7,
                previous,
                abandoned_first: 7,
            };
            let bytes = header.encode();
            assert_eq!(bytes.len(), SEGMENT_HEADER);
            assert_eq!(SegmentHeader::decode(&bytes), HeaderFound::Whole(header));
        }
    }

    #[test]
    fn a_frame_belongs_to_its_segment() {
        let number = Number {
            epoch: 1,
            sequence: 2,
        };
        let frame = FrameHeader::new(7, Kind::Payload, number, b"payload").unwrap();
        let bytes = frame.encode(7);
        assert_eq!(bytes.len(), FRAME_HEADER);
        assert_eq!(FrameHeader::decode(7, &bytes), Some(frame));
        assert_eq!(FrameHeader::decode(8, &bytes), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let number = Number {
            epoch: 1,
            sequence: 2,
        };
        let frame = FrameHeader::new(7, Kind::Loss, number, b"payload")
            .unwrap()
            .encode(7);
        let segment = SegmentHeader {
            number: 7,
            previous: None,
            abandoned_first: 7,
        }
        .encode();
        for bit in 0..frame.len() * 8 {
            let mut bytes = frame.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHeader::decode(7, &bytes), None, "bit {bit}");
        }
        for bit in 0..segment.len() * 8 {
            let mut bytes = segment.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                SegmentHeader::decode(&bytes),
                HeaderFound::Broken,
                "bit {bit}"
            );
        }
    }

    #[test]
    fn names_that_are_not_ours_are_not_taken_for_segments() {
        assert_eq!(segment_number(&segment_name(0x2a)), Some(0x2a));
        for name in [
            "0000000000000000.spool",
            "ffffffffffffffff.spool",
            "000000000000002A.spool",
            "2a.spool",
            "+00000000000002a.spool",
            "000000000000002a.spool.damaged",
            "watermark",
        ] {
            assert_eq!(segment_number(name), None, "{name}");
        }
    }
}
