//! The fleet: real agents, a real collector, everything on loopback; what is said of it is judged by curl, the store's own file and what stands
//! in the export, never by a count of the collector.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod carrying;
mod cluster;
mod database;
mod deploying;
mod enrolling;
mod keeping;
mod scene;
mod strangers;
mod witness;
