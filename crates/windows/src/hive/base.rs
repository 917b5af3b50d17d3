//! The first block of a hive and of its logs.

use super::bytes::{long, place, word};

/// Bytes of the base block; what stands behind it is counted from its end.
pub(super) const LENGTH: usize = 4096;

/// Bytes of a base block that carry meaning; a log keeps only these.
const SECTOR: usize = 512;

/// A base block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Base {
    /// Number of the last write that began.
    pub(super) began: u32,
    /// Number of the last write that ended.
    pub(super) ended: u32,
    /// When it was last written, as a FILETIME. Windows 8.1 and later leave it as it is.
    pub(super) written: u64,
    /// Version of the format.
    pub(super) version: (u32, u32),
    /// 0 is a hive; 1 and 2 are logs of the old format, 6 of the new.
    pub(super) kind: u32,
    /// Where the root key stands.
    pub(super) root: u32,
    /// Bytes of all bins together.
    pub(super) bins: u32,
    /// Bytes of a sector of the disk, divided by 512.
    pub(super) sectors: u32,
    /// Whether the checksum is right.
    pub(super) is_whole: bool,
}

impl Base {
    /// Reads a base block; `None` where there is none.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SECTOR)?;
        if !bytes.starts_with(b"regf") {
            return None;
        }
        Some(Self {
            began: word(bytes, 4)?,
            ended: word(bytes, 8)?,
            written: long(bytes, 12)?,
            version: (word(bytes, 20)?, word(bytes, 24)?),
            kind: word(bytes, 28)?,
            root: word(bytes, 36)?,
            bins: word(bytes, 40)?,
            sectors: word(bytes, 44)?,
            is_whole: checksum(bytes) == word(bytes, 508),
        })
    }

    /// Whether every write that began has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.is_whole && self.began == self.ended
    }

    /// Bytes of a sector; strange numbers count as the usual one.
    pub(super) fn sector(&self) -> usize {
        match self.sectors {
            1..=8 => SECTOR * place(self.sectors),
            _ => SECTOR,
        }
    }
}

/// All words before it, one xor the other; 0 and -1 are avoided.
pub(super) fn checksum(sector: &[u8]) -> Option<u32> {
    let words = sector.get(..508)?.chunks_exact(4);
    let sum = words.fold(0, |sum, four| sum ^ word(four, 0).unwrap_or(0));
    Some(match sum {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    })
}
