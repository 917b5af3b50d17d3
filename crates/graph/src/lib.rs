//! Entities to dependencies: who needs whom, and how we know.
#![forbid(unsafe_code)]
