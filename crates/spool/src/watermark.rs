//! How far the collector has it: a small file, replaced as a whole.

use std::io;

use crate::disk::SpoolDisk;
use crate::numbers::Number;
use crate::scan::read_full;

/// The file.
pub(crate) const FILE: &str = "watermark";

/// The file while it is being written.
pub(crate) const FILE_NEW: &str = "watermark.new";

const MAGIC: [u8; 8] = *b"\x89GRWMK\r\n";
const BYTES: usize = 48;

/// A place between two frames.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Everything before `place` is freed; `last` is the frame that ends there, none as long as nothing was freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Watermark {
    pub(crate) place: Place,
    pub(crate) last: Option<Number>,
}

impl Watermark {
    fn encode(&self) -> Vec<u8> {
        let last = self.last.unwrap_or(Number {
            epoch: 0,
            sequence: 0,
        });
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(MAGIC);
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(u16::from(self.last.is_some()).to_le_bytes());
        bytes.extend(self.place.segment.to_le_bytes());
        bytes.extend(self.place.offset.to_le_bytes());
        bytes.extend(last.epoch.to_le_bytes());
        bytes.extend(last.sequence.to_le_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(BYTES - 4)?;
        let ([a, b, c, d], []) = sum.split_first_chunk::<4>()? else {
            return None;
        };
        let whole = crc32c::crc32c(body) == u32::from_le_bytes([*a, *b, *c, *d]);
        let version = body.get(8..10)? == 1_u16.to_le_bytes();
        if !whole || !version || body.get(..8)? != MAGIC {
            return None;
        }
        let word = |at: usize| Some(u64::from_le_bytes(*body.get(at..)?.first_chunk()?));
        let last = Number {
            epoch: word(28)?,
            sequence: word(36)?,
        };
        Some(Self {
            place: Place {
                segment: word(12)?,
                offset: word(20)?,
            },
            last: (body.get(10) == Some(&1)).then_some(last),
        })
    }

    /// Reads the file. Missing or damaged is normal: then frames are sent again, which is harmless.
    pub(crate) fn read(disk: &mut dyn SpoolDisk) -> Option<Self> {
        if disk.length(FILE).ok()? != BYTES as u64 {
            return None;
        }
        let mut bytes = [0; BYTES];
        read_full(disk, FILE, 0, &mut bytes).ok()?;
        Self::decode(&bytes)
    }

    /// Replaces the file: a new one, its bytes on the disk, the name, the directory on the disk.
    ///
    /// Where no new file can be made, because the disk is full, the old one is written over: a crash may tear it then, and a
    /// damaged watermark is harmless, while a full disk on which nothing can be freed stays full.
    pub(crate) fn write(&self, disk: &mut dyn SpoolDisk) -> io::Result<()> {
        let Err(error) = self.replace(disk) else {
            return Ok(());
        };
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        if full && disk.overwrite(FILE, &self.encode()).is_ok() {
            return Ok(());
        }
        Err(error)
    }

    fn replace(&self, disk: &mut dyn SpoolDisk) -> io::Result<()> {
        let written = self.prepare(disk);
        disk.close(FILE_NEW);
        written?;
        disk.rename(FILE_NEW, FILE)?;
        disk.sync_dir()
    }

    fn prepare(&self, disk: &mut dyn SpoolDisk) -> io::Result<()> {
        // Left behind by a crash or by a failure; a file whose sync failed is never used again.
        if let Err(error) = disk.unlink(FILE_NEW)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        disk.create_new(FILE_NEW)?;
        write_all(disk, FILE_NEW, &self.encode())?;
        disk.sync_data(FILE_NEW)
    }
}

/// Appends all of `bytes`.
pub(crate) fn write_all(disk: &mut dyn SpoolDisk, file: &str, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.append(file, bytes)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            taken => bytes = bytes.get(taken..).unwrap_or_default(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_comes_back_as_it_went_and_every_flipped_bit_is_seen() {
        let mark = Watermark {
            place: Place {
                segment: 3,
                offset: 99,
            },
            last: Some(Number {
                epoch: u64::MAX,
                sequence: 7,
            }),
        };
        let bytes = mark.encode();
        assert_eq!(bytes.len(), BYTES);
        assert_eq!(Watermark::decode(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Watermark::decode(&bytes), None, "bit {bit}");
        }
    }
}
