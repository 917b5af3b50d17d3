//! The graph to findings: what to mind before the move.
#![forbid(unsafe_code)]
