//! The agent's append-only spool on disk: what was seen waits here until the collector has it.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod disk;
mod error;
mod layout;
mod limits;
mod loss;
mod numbers;
mod scan;
mod spool;
mod watermark;

#[cfg(unix)]
mod local;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use disk::{Space, SpoolDisk};
pub use error::{DirectoryError, OpenError, SpoolError};
pub use limits::Limits;
#[cfg(unix)]
pub use local::{LocalDir, SpaceOf};
pub use loss::{Loss, Reason};
pub use numbers::{Number, Run, Runs};
pub use spool::{Body, Frame, Frames, LossCount, Spool, Status};
