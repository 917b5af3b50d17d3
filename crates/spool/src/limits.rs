//! How much a spool may take.

use crate::disk::Space;
use crate::layout::FRAME_BYTES_MAX;

/// What a spool may take of a disk, and how large its pieces are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of all files together; beyond it the oldest frames give way.
    pub bytes_max: u64,
    /// Bytes of the file system that stay free whatever happens.
    pub keep_free_bytes: u64,
    /// The same as a share of the file system, in percent; the larger of the two holds.
    pub keep_free_percent: u8,
    /// Bytes after which a new segment begins. A single larger frame has a segment of its own. At most 8 MiB.
    pub segment_bytes: u64,
    /// Bytes of the largest payload. At most 8 MiB.
    pub frame_bytes_max: u64,
}

impl Default for Limits {
    /// 64 MiB in segments of 4 MiB, frames up to 8 MiB, and never the last GiB or twentieth of a file system.
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            keep_free_bytes: 1 << 30,
            keep_free_percent: 5,
            segment_bytes: 4 << 20,
            frame_bytes_max: FRAME_BYTES_MAX,
        }
    }
}

impl Limits {
    /// The same, within what the format can say.
    pub(crate) fn bounded(self) -> Self {
        Self {
            segment_bytes: self.segment_bytes.min(FRAME_BYTES_MAX),
            frame_bytes_max: self.frame_bytes_max.min(FRAME_BYTES_MAX),
            keep_free_percent: self.keep_free_percent.min(100),
            ..self
        }
    }

    /// Bytes that must stay free on a file system of this size.
    pub(crate) fn floor(&self, space: Space) -> u64 {
        let share = space.bytes / 100 * u64::from(self.keep_free_percent);
        share.max(self.keep_free_bytes)
    }

    /// What is set apart for records of losses, so that a full spool can still say what it dropped.
    pub(crate) fn reserve(&self) -> u64 {
        (self.bytes_max / 16).min(64 << 10)
    }

    /// Bytes that frames may fill.
    pub(crate) fn for_frames(&self) -> u64 {
        self.bytes_max - self.reserve()
    }
}
