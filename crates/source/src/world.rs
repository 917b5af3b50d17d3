//! Everything a source may touch outside itself, handed in.

use std::sync::Arc;

use crate::{Clock, Disk, Network};

/// Random bytes, good enough for ids and tokens.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Clock, disk, network and randomness of one program run, or made-up ones in a test.
#[derive(Clone)]
pub struct World {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Files.
    pub disk: Arc<dyn Disk>,
    /// Other machines.
    pub network: Arc<dyn Network>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
}
