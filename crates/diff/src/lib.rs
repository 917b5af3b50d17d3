//! Two snapshots to changes.
#![forbid(unsafe_code)]
