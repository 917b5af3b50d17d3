//! Hives that programs wrote, hives laid out byte by byte, and hives that are broken on purpose.

pub(crate) mod build;
mod damage;
mod logs;
mod over;
mod real;
