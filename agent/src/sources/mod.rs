//! Which sources there are on this system, and which rights each gets.

#[cfg(not(windows))]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(not(windows))]
pub(crate) use linux::{of_files, sight, watchers};
#[cfg(windows)]
pub(crate) use windows::{of_files, sight, watchers};
