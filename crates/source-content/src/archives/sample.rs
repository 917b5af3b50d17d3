//! A key that copies of a file share: its size, its first bytes and blocks spread over it.

use groma_source::{DiskError, OpenFile};
use sha2::{Digest, Sha256};

use crate::reading::piece;

const BLOCK: usize = 4096;
const BLOCKS: u64 = 8;

/// 48 bits of a digest, which a floating number holds exactly; and how many bytes were read.
pub(crate) fn key(file: &dyn OpenFile) -> Result<(u64, usize), DiskError> {
    let bytes = file.metadata().bytes;
    let mut digest = Sha256::new();
    digest.update(bytes.to_le_bytes());
    let mut read = 0;
    for number in 0..=BLOCKS {
        let at = bytes.saturating_sub(u64::try_from(BLOCK).unwrap_or(0)) / BLOCKS * number;
        let block = piece(file, at, BLOCK)?;
        read += block.len();
        digest.update(&block);
    }
    let key = digest
        .finalize()
        .iter()
        .take(6)
        .fold(0, |key, byte| key << 8 | u64::from(*byte));
    Ok((key, read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::Disk;
    use groma_source::testing::FakeDisk;
    use std::path::Path;

    #[test]
    fn copies_share_a_key_and_another_end_does_not() {
        let one: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut other = one.clone();
        *other.last_mut().unwrap() ^= 1;
        let disk = FakeDisk::new()
            .file("/a", one.clone())
            .file("/b", one)
            .file("/c", other)
            .file("/d", "");
        let key = |path: &str| key(disk.open(Path::new(path)).unwrap().as_ref()).unwrap().0;
        assert_eq!(key("/a"), key("/b"));
        assert_ne!(key("/a"), key("/c"));
        assert_ne!(key("/a"), key("/d"));
    }
}
