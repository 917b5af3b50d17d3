//! Who talks to whom right now, and which program it is.
#![forbid(unsafe_code)]
