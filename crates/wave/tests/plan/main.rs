//! Plans of estates that were drawn by hand, where the right answer is known.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod build;
mod estates;
mod pilot;
mod said;
mod sinks;
mod sound;
