//! How much a batch may be.

/// Bounds for reading a batch. What exceeds one of them is refused, never cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes as they arrive.
    pub wire_bytes: u64,
    /// Bytes after unpacking; a fact named `again` counts with the size of its first line.
    pub expanded_bytes: u64,
    /// Unpacked bytes for one byte on the wire, once [`Self::ratio_floor`] is passed. Looks of large
    /// hosts reach 60, very regular ones 150; a bomb has thousands.
    pub ratio: u64,
    /// Unpacked bytes below which the ratio is not asked: a small batch of equal lines packs very well.
    pub ratio_floor: u64,
    /// Binary logarithm of the largest zstd window in bytes: the memory a sender can make us reserve.
    pub window_log: u32,
    /// Bytes of one line.
    pub line_bytes: usize,
    /// Nesting of one line.
    pub depth: usize,
    /// Bytes of one string, as written.
    pub string_bytes: usize,
    /// JSON values in the whole batch: two bytes of text can cost sixty of memory.
    pub values: u64,
    /// Records in the whole batch.
    pub records: u64,
}

impl Limits {
    /// For a batch that comes over the network: 4 MiB, unpacked 32 MiB, 100,000 records.
    pub fn network() -> Self {
        Self {
            wire_bytes: 4 << 20,
            expanded_bytes: 32 << 20,
            ratio: 200,
            ratio_floor: 1 << 20,
            window_log: 23,
            line_bytes: 1 << 20,
            depth: 32,
            string_bytes: 64 << 10,
            values: 4 << 20,
            records: 100_000,
        }
    }

    /// For a batch that somebody carried here as a file, or that this very process made: 256 MiB,
    /// unpacked 1 GiB, ten million records. The bounds on each line stay the same.
    pub fn local() -> Self {
        Self {
            wire_bytes: 256 << 20,
            expanded_bytes: 1 << 30,
            values: 128 << 20,
            records: 10_000_000,
            ..Self::network()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::network()
    }
}
