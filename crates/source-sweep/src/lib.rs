//! Which hosts a network has, and which of their ports are open.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod cookie;
pub mod frame;
pub mod ports;
