//! Evidence to entities: one host behind five names.
#![forbid(unsafe_code)]
