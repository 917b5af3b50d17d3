//! The agent's append-only spool on disk: what was seen waits here until the collector has it.
//!
//! # What is promised
//!
//! * A frame whose [`Spool::append`] returned is on the disk. It comes back, in order of appending, until it is freed; after a crash,
//!   a kill or a power cut too. If it cannot come back, a [`Loss`] says so.
//! * [`Spool::open`] starts whatever lies there: damaged, cut off, zeroed, foreign, missing, doubled, of another version. Damage costs
//!   the frames it hit and no other.
//! * Every loss is a frame of its own kind, so that it reaches the collector like any other, under a number of its own and until
//!   it is freed. What was told is known by that frame, so a crash in between makes it told neither twice nor never.
//! * A disk that is full, read-only or failing costs nothing that was kept, and needs no restart when it is well again.
//! * The ceiling and the floor of [`Limits`] hold; what gives way for newer frames is told with its numbers. (The record of a drop
//!   is written before the room for it is made, so the floor may be missed by those few hundred bytes for a moment.)
//! * Memory: one payload at most, 64 KiB of window, a few words per segment. Time plays no part: there is no clock in here.
//!
//! Freed frames may come again after a failure: at least once, never out of order. The collector knows numbers it has. Whoever
//! appends draws a new epoch at every start: a frame that was damaged here may have reached the collector under its number.
//!
//! # What lies in the directory
//!
//! `NUMBER.spool` (16 hexadecimal digits, counted up and never used twice), `watermark`, `lock`, and at most one `NUMBER.spool.damaged`, put
//! aside for a person. Other names are not ours and left alone. All numbers are little-endian, all sums CRC-32C.
//!
//! | Segment header, 60 bytes | |
//! | --- | --- |
//! | 0 | `89 47 52 53 50 4c 0d 0a` |
//! | 8 | version, 4 bytes: 1 |
//! | 12 | 4 bytes; bit 0: the segment before was written by the same process |
//! | 16 | its own number, 8 bytes |
//! | 24 | number of the segment before, 0 if none; where its last kept frame ends; how many frames of payload it has: 8 bytes each |
//! | 48 | numbers from this one to its own hold nothing that was kept, 8 bytes |
//! | 56 | sum of the 56 bytes before |
//!
//! | Frame, 36 bytes and the payload | |
//! | --- | --- |
//! | 0 | `f7 67 fb 66` |
//! | 4 | length of the payload, 4 bytes, at most 8 MiB |
//! | 8 | sum of segment number, kind, epoch, sequence (8, 4, 8, 8 bytes) and payload |
//! | 12 | epoch, 8 bytes |
//! | 20 | sequence, 8 bytes |
//! | 28 | kind, 4 bytes: 0 payload, 1 record of a loss |
//! | 32 | sum of the segment's number (8 bytes) and the 32 bytes before |
//!
//! A frame has two sums, so that a length is believed only when the header is whole, and both begin with the number of the segment:
//! a frame of another segment, copied in or lying in a payload, is none.
//!
//! # The order of operations, and why
//!
//! * *Append*: write, `fdatasync`; for a new segment also `fsync` of the directory, since a synced file without a name is lost. Then it returns.
//! * *A write fails*: the segment is left as it is and never written to again; the next one says in its header where the last kept frame
//!   ended, so that what the failure left is not looked at. A new segment that failed is removed, and its number skipped.
//! * *A sync fails*: the same, and the frame is written once more into a new segment. The sync is never asked again: Linux calls pages clean
//!   that it could not write.
//! * *Start*: nothing is appended to what was found. The first append begins a new segment.
//! * *Free*: a new watermark is written and synced, renamed over the old one, the directory synced; only then are segments removed. On a full disk
//!   the watermark is written over in place: a torn watermark is harmless, a full disk on which nothing can be freed is not.
//! * *Make room*: the record of what is dropped is durable before it is dropped, together with records that lie in what is dropped. A crash in
//!   between finds the record, and finishes the work.
//! * *Damage*: read everything, make the losses durable, only then put files aside.
//!
//! The tests are the argument: `tests/crash.rs` (a disk that fails, tears and forgets), `tests/damage.rs`, `tests/kill.rs` (real processes).
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, reason = "a test knows what it holds")
)]

mod disk;
mod error;
mod layout;
mod limits;
mod loss;
mod numbers;
mod scan;
mod spool;
mod watermark;

#[cfg(any(unix, windows))]
mod local;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use disk::{Space, SpoolDisk};
pub use error::{DirectoryError, OpenError, SpoolError};
pub use limits::Limits;
#[cfg(any(unix, windows))]
pub use local::{LocalDir, SpaceOf};
pub use loss::{Loss, Reason};
pub use numbers::{Number, Run, Runs};
pub use spool::{Body, Frame, Frames, LossCount, Spool, Status};
