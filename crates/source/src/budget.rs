//! How much a look may take from the machine it runs on.

use serde::{Deserialize, Serialize};

/// Upper bounds. A source that reaches one says so with a gap and stops that part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// Largest file that is read at all, in bytes.
    pub file_bytes_max: u64,
    /// All bytes one source may read from disk.
    pub total_bytes_max: u64,
    /// Directory entries one source may visit.
    pub entries_max: u64,
    /// Sockets one source may take up in one sample.
    pub sockets_max: u64,
    /// Packets (or connection attempts) per second to one host.
    pub packets_per_host_per_second: u32,
    /// The same to all hosts together.
    pub packets_per_second: u32,
    /// How long one network conversation may take, in milliseconds.
    pub network_timeout_ms: u64,
    /// Observations one source may make.
    pub observations_max: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            file_bytes_max: 4 << 20,
            total_bytes_max: 8 << 30,
            entries_max: 2_000_000,
            sockets_max: 1_000_000,
            packets_per_host_per_second: 10,
            packets_per_second: 200,
            network_timeout_ms: 3_000,
            observations_max: 200_000,
        }
    }
}
