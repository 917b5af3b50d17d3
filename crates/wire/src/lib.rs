//! Batches between agent and collector: versioned, bounded, bytes in and bytes out.
#![forbid(unsafe_code)]
