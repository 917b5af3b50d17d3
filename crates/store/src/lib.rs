//! Evidence kept: append-only facts, the identity ledger, named snapshots.
#![forbid(unsafe_code)]
