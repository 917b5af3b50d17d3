//! Wave files: what moves together, and what was promised.
#![forbid(unsafe_code)]
