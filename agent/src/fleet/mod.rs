//! The agent as one of a fleet: it enrols, looks on a schedule, keeps what it saw until the collector has it, and explains itself.
//!
//! Two threads do the work: one looks and appends to the spool, one ships. What the collector asks for is a [`Policy`] of few words; what is
//! done is that policy within the bounds of this machine ([`bounds`]) and of its ceiling file. There is no word for running, fetching or updating
//! anything.
//!
//! [`Policy`]: groma_model::fleet::Policy

mod batches;
mod bounds;
mod carrying;
mod enrolling;
mod former;
mod home;
mod host;
mod looking;
mod running;
#[cfg(windows)]
mod serving;
mod shipping;
mod speaking;
mod status;
mod travelling;

pub(crate) use carrying::{CarryArgs, carry};
pub(crate) use enrolling::{EnrollArgs, enroll};
pub(crate) use running::{RunArgs, run};
#[cfg(windows)]
pub(crate) use serving::serve;
pub(crate) use speaking::Speaker;
pub(crate) use status::{NotWell, status};
