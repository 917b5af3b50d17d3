//! How a kept moment lies in its file.

use std::io::{Read, Seek, SeekFrom};

use groma_model::inventory::Inventory;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Kept, KeptError};

/// How the file begins.
pub(super) const MAGIC: &[u8; 16] = b"groma-kept/1\0\0\0\0";
/// A text that is longer has a chunk of its own.
pub(super) const CHUNK_BYTES: usize = 128 << 10;

const HEAD_BYTES_MAX: u64 = 64 << 20;
const ROWS_MAX: u64 = 1 << 26;
const CHUNK_BYTES_MAX: usize = 1 << 30;
/// Bytes of a row in the file.
const WIDTH: usize = 60;

/// What stands before the rows.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) key: String,
    /// The inventory without its lists.
    pub(super) bare: Inventory,
    pub(super) entities: u64,
    pub(super) listeners: u64,
    pub(super) dependencies: u64,
    /// Packed and unpacked length of each chunk.
    pub(super) chunks: Vec<(u64, u64)>,
}

/// One entity, all listeners of one entity, or one dependency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    /// Of the id; of the entity's, where it is listeners.
    pub(super) id: u128,
    /// Of all that a diff looks at.
    pub(super) digest: u128,
    pub(super) chunk: u32,
    /// Where its text begins in the unpacked chunk, and how long it is.
    pub(super) from: u32,
    pub(super) length: u32,
    /// Of dependencies: the short mark of the consumer, and of the provider.
    pub(super) ends: [u64; 2],
}

/// The mark of an id.
pub(super) fn mark(id: &str) -> u128 {
    hash(id.as_bytes())
}

/// The short mark of an id: an entity that shares it by chance is fetched in vain, and no harm is done.
pub(super) fn short(id: &str) -> u64 {
    shorter(mark(id))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is asked for"
)]
pub(super) fn shorter(mark: u128) -> u64 {
    mark as u64
}

pub(super) fn hash(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .take(16)
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Row {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.id.to_le_bytes());
        to.extend(self.digest.to_le_bytes());
        for number in [self.chunk, self.from, self.length] {
            to.extend(number.to_le_bytes());
        }
        for end in self.ends {
            to.extend(end.to_le_bytes());
        }
    }

    fn read(bytes: &[u8; WIDTH]) -> Self {
        let number = |from: usize, length: usize| {
            let part = bytes.iter().skip(from).take(length).rev();
            part.fold(0_u128, |number, byte| number << 8 | u128::from(*byte))
        };
        let small = |from| u32::try_from(number(from, 4)).unwrap_or_default();
        let end = |from| u64::try_from(number(from, 8)).unwrap_or_default();
        Self {
            id: number(0, 16),
            digest: number(16, 16),
            chunk: small(32),
            from: small(36),
            length: small(40),
            ends: [end(44), end(52)],
        }
    }
}

pub(super) fn open<R: Read + Seek>(mut file: R) -> Result<Kept<R>, KeptError> {
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 16];
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(KeptError::Damaged("it does not begin as one"));
    }
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > HEAD_BYTES_MAX {
        return Err(KeptError::Damaged("its head is too long"));
    }
    let mut head = Vec::new();
    (&mut file).take(length).read_to_end(&mut head)?;
    let head: Head = serde_json::from_slice(&head)
        .map_err(|_| KeptError::Damaged("its head is no head of this version"))?;
    let entities = rows(&mut file, head.entities)?;
    let listeners = rows(&mut file, head.listeners)?;
    let dependencies = rows(&mut file, head.dependencies)?;
    Ok(Kept {
        file,
        head,
        entities,
        listeners,
        dependencies,
    })
}

fn rows(file: &mut impl Read, number: u64) -> Result<Vec<Row>, KeptError> {
    if number > ROWS_MAX {
        return Err(KeptError::Damaged("it has too many rows"));
    }
    let mut rows = Vec::new();
    let mut file = std::io::BufReader::with_capacity(WIDTH << 10, file.take(number * WIDTH as u64));
    let mut bytes = [0; WIDTH];
    for _ in 0..number {
        file.read_exact(&mut bytes)?;
        rows.push(Row::read(&bytes));
    }
    let sorted = rows.is_sorted_by(|a, b| a.id < b.id);
    sorted
        .then_some(rows)
        .ok_or(KeptError::Damaged("its rows are out of order"))
}

impl<R: Read + Seek> Kept<R> {
    /// Hands each of `rows` its text; each chunk is unpacked once.
    pub(super) fn texts(
        &mut self,
        mut rows: Vec<Row>,
        mut each: impl FnMut(&[u8]) -> Result<(), KeptError>,
    ) -> Result<(), KeptError> {
        rows.sort_by_key(|row| (row.chunk, row.from));
        let places = self.places()?;
        let mut unpacked: (Option<u32>, Vec<u8>) = (None, Vec::new());
        for row in rows {
            if unpacked.0 != Some(row.chunk) {
                unpacked = (Some(row.chunk), self.chunk(row.chunk, &places)?);
            }
            let (from, length) = (row.from as usize, row.length as usize);
            let text = unpacked.1.get(from..from.saturating_add(length));
            each(text.ok_or(KeptError::Damaged("a row lies outside its chunk"))?)?;
        }
        Ok(())
    }

    /// Where each chunk begins, from the end of the file backwards: what stands before has its own length.
    fn places(&mut self) -> Result<Vec<u64>, KeptError> {
        let end = self.file.seek(SeekFrom::End(0))?;
        let lengths = self.head.chunks.iter().map(|(packed, _)| *packed);
        let all: u64 = lengths.clone().fold(0, u64::saturating_add);
        let begin = end.checked_sub(all);
        let mut at = begin.ok_or(KeptError::Damaged("it is cut off"))?;
        let places = lengths.map(|packed| {
            let place = at;
            at += packed;
            place
        });
        Ok(places.collect())
    }

    fn chunk(&mut self, number: u32, places: &[u64]) -> Result<Vec<u8>, KeptError> {
        let lost = KeptError::Damaged("a row lies in a chunk that is not there");
        let number = number as usize;
        let (Some(&(packed, length)), Some(&place)) =
            (self.head.chunks.get(number), places.get(number))
        else {
            return Err(lost);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > CHUNK_BYTES_MAX {
            return Err(KeptError::Damaged("a chunk is too long"));
        }
        self.file.seek(SeekFrom::Start(place))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(packed).read_to_end(&mut bytes)?;
        Ok(zstd::bulk::decompress(&bytes, length)?)
    }
}
