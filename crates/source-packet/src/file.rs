//! Frames out of a capture file: pcap (`draft-ietf-opsawg-pcap`) and pcapng (`draft-ietf-opsawg-pcapng`), in either byte
//! order, read from begin to end in pieces. A frame is as long as it was captured; what is longer than any frame is a
//! broken file, and ends the reading, not what was read.

use std::io::Read;

use groma_model::{Reason, Timestamp};

/// Longest frame that is taken up: what tcpdump captures at most.
pub const FRAME_BYTES_MAX: usize = 256 << 10;
/// Longest block of pcapng that is taken up; a frame and its options.
const BLOCK_BYTES_MAX: u32 = 1 << 20;
/// Interfaces of one section of pcapng.
const INTERFACES_MAX: usize = 4096;

/// One captured frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'f> {
    /// When it was captured.
    pub at: Timestamp,
    /// What its first bytes are: a link type of <https://www.tcpdump.org/linktypes.html>.
    pub link: u32,
    /// Bytes it had on the wire.
    pub wire_bytes: u32,
    /// What of them was captured.
    pub bytes: &'f [u8],
}

/// True for the first bytes of a capture file.
pub fn is_capture(head: &[u8]) -> bool {
    matches!(
        head,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, ..]
    )
}

/// Reads a capture to its end and hands over each frame. `Ok(true)` if `take` said stop before the end.
///
/// # Errors
/// `Unsupported` for what is no capture, `Malformed` where it breaks off or contradicts itself, or why it cannot be read.
/// What was handed over before stands.
pub fn read(file: &mut dyn Read, take: &mut dyn FnMut(Frame<'_>) -> bool) -> Result<bool, Reason> {
    let mut source = Bytes { file };
    let magic: [u8; 4] = source.exactly()?;
    match magic {
        [0x0a, 0x0d, 0x0d, 0x0a] => Blocks::default().read(&mut source, take),
        _ => read_classic(magic, &mut source, take),
    }
}

/// Byte order of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    fn word(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn word_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.word(bytes.get(at..at + 4)?.try_into().ok()?))
    }

    fn half_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        let half: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(half),
            Self::Big => u16::from_be_bytes(half),
        })
    }
}

struct Bytes<'r> {
    file: &'r mut dyn Read,
}

impl Bytes<'_> {
    /// Fills `into`; false at the end of the file, before its first byte.
    fn fill(&mut self, into: &mut [u8]) -> Result<bool, Reason> {
        let mut got = 0;
        while let Some(rest) = into.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest) {
                Ok(0) if got == 0 => return Ok(false),
                Ok(0) => return Err(Reason::Malformed),
                Ok(more) => got += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Reason::of_io(&error)),
            }
        }
        Ok(true)
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let mut bytes = [0; N];
        match self.fill(&mut bytes)? {
            true => Ok(bytes),
            false => Err(Reason::Malformed),
        }
    }
}

/// The classic format: one header, then frames.
fn read_classic(
    magic: [u8; 4],
    source: &mut Bytes<'_>,
    take: &mut dyn FnMut(Frame<'_>) -> bool,
) -> Result<bool, Reason> {
    let (order, per_second) = match u32::from_be_bytes(magic) {
        0xa1b2_c3d4 => (Order::Big, 1_000_000),
        0xd4c3_b2a1 => (Order::Little, 1_000_000),
        0xa1b2_3c4d => (Order::Big, 1_000_000_000),
        0x4d3c_b2a1 => (Order::Little, 1_000_000_000),
        _ => return Err(Reason::Unsupported),
    };
    let header: [u8; 20] = source.exactly()?;
    // The upper bits say whether frames end in a checksum, which no header of ours reaches.
    let link = order.word_at(&header, 16).unwrap_or_default() & 0x0fff_ffff;
    let mut buffer = Vec::new();
    loop {
        let mut head = [0; 16];
        if !source.fill(&mut head)? {
            return Ok(false);
        }
        let word = |at| order.word_at(&head, at).unwrap_or_default();
        let length = usize::try_from(word(8)).map_err(|_| Reason::Malformed)?;
        if length > FRAME_BYTES_MAX {
            return Err(Reason::Malformed);
        }
        buffer.resize(length, 0);
        if length > 0 && !source.fill(&mut buffer)? {
            return Err(Reason::Malformed);
        }
        let frame = Frame {
            at: moment(u64::from(word(0)), u64::from(word(4)), per_second),
            link,
            wire_bytes: word(12),
            bytes: &buffer,
        };
        if !take(frame) {
            return Ok(true);
        }
    }
}

/// Seconds and parts of a second.
fn moment(seconds: u64, parts: u64, per_second: u64) -> Timestamp {
    let millis = seconds
        .saturating_mul(1000)
        .saturating_add(parts.saturating_mul(1000) / per_second.max(1));
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// An interface of a section: what its frames begin with, and how it counts time.
#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    per_second: u64,
    /// Seconds to add to its times.
    offset: i64,
}

/// The newer format: sections of blocks.
#[derive(Default)]
struct Blocks {
    order: Order,
    interfaces: Vec<Interface>,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

impl Blocks {
    fn read(
        &mut self,
        source: &mut Bytes<'_>,
        take: &mut dyn FnMut(Frame<'_>) -> bool,
    ) -> Result<bool, Reason> {
        let mut buffer = Vec::new();
        let mut kind = SECTION;
        let mut begun = true;
        loop {
            if !begun {
                let mut head = [0; 4];
                if !source.fill(&mut head)? {
                    return Ok(false);
                }
                kind = self.order.word(head);
            }
            begun = false;
            let length: [u8; 4] = source.exactly()?;
            let mut before = 8;
            if kind == SECTION {
                self.order = match source.exactly()? {
                    [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                    [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                    _ => return Err(Reason::Malformed),
                };
                self.interfaces.clear();
                before = 12;
            }
            let length = self.order.word(length);
            if !(before + 4..=BLOCK_BYTES_MAX).contains(&length) || !length.is_multiple_of(4) {
                return Err(Reason::Malformed);
            }
            let rest = usize::try_from(length - before).map_err(|_| Reason::Malformed)?;
            buffer.resize(rest, 0);
            if !source.fill(&mut buffer)? {
                return Err(Reason::Malformed);
            }
            let body = buffer.get(..rest.saturating_sub(4)).unwrap_or_default();
            if !self.block(kind, body, take)? {
                return Ok(true);
            }
        }
    }

    /// Takes one block; false if nobody wants more. Blocks of other kinds are passed over.
    fn block(
        &mut self,
        kind: u32,
        body: &[u8],
        take: &mut dyn FnMut(Frame<'_>) -> bool,
    ) -> Result<bool, Reason> {
        match kind {
            INTERFACE => {
                if self.interfaces.len() >= INTERFACES_MAX {
                    return Err(Reason::TooLarge);
                }
                let link = self.order.half_at(body, 0).ok_or(Reason::Malformed)?;
                self.interfaces.push(Interface {
                    link: u32::from(link),
                    ..self.options(body.get(8..).unwrap_or_default())
                });
                Ok(true)
            }
            ENHANCED_PACKET => {
                let frame = self.enhanced(body).ok_or(Reason::Malformed)?;
                Ok(take(frame))
            }
            SIMPLE_PACKET => {
                // It has no time, so nothing can be said with it.
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    fn options(&self, mut rest: &[u8]) -> Interface {
        let mut out = Interface {
            link: 0,
            per_second: 1_000_000,
            offset: 0,
        };
        while let (Some(code), Some(length)) =
            (self.order.half_at(rest, 0), self.order.half_at(rest, 2))
        {
            let length = usize::from(length);
            let value = rest.get(4..4 + length).unwrap_or_default();
            match (code, value) {
                (0, _) => break,
                (9, [resolution]) => out.per_second = per_second(*resolution),
                (14, value) => {
                    let bytes: Option<[u8; 8]> = value.try_into().ok();
                    out.offset = bytes.map_or(0, |bytes| match self.order {
                        Order::Little => i64::from_le_bytes(bytes),
                        Order::Big => i64::from_be_bytes(bytes),
                    });
                }
                _ => {}
            }
            rest = rest
                .get(4 + length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        out
    }

    fn enhanced<'b>(&self, body: &'b [u8]) -> Option<Frame<'b>> {
        let word = |at| self.order.word_at(body, at);
        let interface = usize::try_from(word(0)?).ok()?;
        let interface = self.interfaces.get(interface)?;
        let ticks = u64::from(word(4)?) << 32 | u64::from(word(8)?);
        let length = usize::try_from(word(12)?).ok()?;
        let bytes = body.get(20..)?.get(..length)?;
        let (seconds, parts) = (ticks / interface.per_second, ticks % interface.per_second);
        let seconds = i64::try_from(seconds)
            .ok()?
            .saturating_add(interface.offset);
        Some(Frame {
            at: moment_wide(seconds, parts, interface.per_second),
            link: interface.link,
            wire_bytes: word(16)?,
            bytes,
        })
    }
}

/// Parts of a second: a power of ten, or of two if the highest bit is set.
fn per_second(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

fn moment_wide(seconds: i64, parts: u64, per_second: u64) -> Timestamp {
    let millis = u128::from(parts) * 1000 / u128::from(per_second.max(1));
    let millis = i64::try_from(millis).unwrap_or_default();
    Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(millis))
}
