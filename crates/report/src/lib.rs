//! Inventories, findings and changes as documents people can hold.
#![forbid(unsafe_code)]
