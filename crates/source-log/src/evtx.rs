//! Event logs of Windows, read from their files on any system: [MS-EVEN6] 2.2.12 to 2.2.16 and libyal's description of
//! the format (<https://github.com/libyal/libevtx>, documentation).
//!
//! A file is a head of 4 KiB and chunks of 64 KiB, each for itself: a chunk that is damaged costs its own events and no
//! others, and its place is told. An event is binary XML: a template, which many events of a chunk share, and the values
//! that stand in it. Each template is read once into a list of its leaves ([`shape`]); an event is then a walk over that
//! list.
//!
//! Everything is bounded by the chunk: no offset leads out of it, elements nest [`shape::DEPTH_MAX`] deep, and an event has
//! [`event::LEAVES_MAX`] leaves and parts at most, whatever its templates repeat; what all events of a chunk cost together
//! is bounded as well.

mod chunk;
mod event;
mod shape;
mod value;

use groma_model::{Reason, Timestamp};
use groma_source::OpenFile;

pub(crate) use self::event::Event;

/// What every file begins with.
pub(crate) const SIGNATURE: &[u8; 8] = b"ElfFile\0";
const HEAD: usize = 128;
const CHUNK: usize = 64 << 10;
/// Chunks that are asked for the newest event: logs of 4 GiB, the most Windows writes into one.
const CHUNKS_MAX: usize = 65_536;
/// Damaged chunks whose places are told one by one.
const PLACES_MAX: usize = 16;
/// File flags: it was not closed, its largest size is reached.
const DIRTY: u32 = 1;
const FULL: u32 = 2;

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Told {
    /// Bytes that were read.
    pub(crate) bytes: u64,
    /// Events that were met.
    pub(crate) events: u64,
    /// Events that cannot be read.
    pub(crate) unreadable: u64,
    /// Chunks that are damaged.
    pub(crate) damaged: u64,
    /// Where the first ones lie, in bytes from the begin.
    pub(crate) places: Vec<u64>,
    /// Bytes behind the last whole chunk.
    pub(crate) cut: u64,
    /// True if the time was over before the file was.
    pub(crate) stopped: bool,
    /// True if the log is as large as it may be.
    pub(crate) full: bool,
    /// The least number of an event in it: above one, older ones were overwritten or cleared.
    pub(crate) oldest: Option<u64>,
    /// When the first event was written, and the last one.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

/// Calls `each` with every event of `file`, chunk by chunk, in the order they lie there.
///
/// `is_over` is asked before each chunk and each event. Fails with [`Reason::Malformed`] where the file is none of this kind.
pub(crate) fn of(
    file: &dyn OpenFile,
    is_over: &dyn Fn() -> bool,
    mut each: impl FnMut(&Event),
) -> Result<Told, Reason> {
    let mut head = [0; HEAD];
    if fill(file, 0, &mut head)? < HEAD || !head.starts_with(SIGNATURE) {
        return Err(Reason::Malformed);
    }
    let flags = u32_at(&head, 120).unwrap_or_default();
    let begin = u64::from(u16_at(&head, 40).unwrap_or_default()).max(HEAD as u64);
    let size = file.metadata().bytes;
    let mut told = Told {
        full: flags & FULL != 0,
        ..Told::default()
    };
    let written = match flags & DIRTY {
        0 => None,
        _ => newest(file, begin, size)?,
    };
    let mut bytes = vec![0; CHUNK];
    // How many chunks the head counts is passed over: it has 16 bits, and is behind in a file that was not closed.
    for at in (begin..size).step_by(CHUNK) {
        if is_over() {
            told.stopped = true;
            break;
        }
        let got = fill(file, at, &mut bytes)?;
        told.bytes += got as u64;
        if got < CHUNK {
            told.cut = got as u64;
            break;
        }
        if bytes.iter().all(|byte| *byte == 0) {
            continue;
        }
        let lenient = written == Some(at);
        match chunk::Chunk::open(&bytes, lenient) {
            Some(mut chunk) => chunk.events(&mut told, is_over, &mut each),
            None => {
                told.damaged += 1;
                if told.places.len() < PLACES_MAX {
                    told.places.push(at);
                }
            }
        }
        if told.stopped {
            break;
        }
    }
    Ok(told)
}

/// Where the chunk begins that has the newest event: in a log that is open it is written right now, and its checksums are
/// those of before. A log that is full begins again at its first chunk, so it may be any.
fn newest(file: &dyn OpenFile, begin: u64, size: u64) -> Result<Option<u64>, Reason> {
    let mut best = None;
    let mut head = [0; 24];
    for at in (begin..size).step_by(CHUNK).take(CHUNKS_MAX) {
        if fill(file, at, &mut head)? == head.len() && head.starts_with(chunk::SIGNATURE) {
            best = best.max(u64_at(&head, 16).map(|last| (last, at)));
        }
    }
    Ok(best.map(|(_, at)| at))
}

/// Fills `into` from `at`; how much there was.
fn fill(file: &dyn OpenFile, at: u64, into: &mut [u8]) -> Result<usize, Reason> {
    let mut have = 0;
    while let Some(rest) = into.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match file.read_at(at + have as u64, rest) {
            Ok(0) => break,
            Ok(got) => have += got,
            Err(error) => return Err(error.reason),
        }
    }
    Ok(have)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// 100 nanoseconds since 1601 ([MS-DTYP] 2.3.3) as a time; nothing before 1970, and nothing nobody can mean.
fn moment(filetime: u64) -> Option<Timestamp> {
    const EPOCH_MS: u64 = 11_644_473_600_000;
    let millis = (filetime / 10_000).checked_sub(EPOCH_MS)?;
    let millis = i64::try_from(millis).ok()?;
    (millis < 1 << 43).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
