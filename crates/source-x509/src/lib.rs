//! Certificates in files and at local listeners.
#![forbid(unsafe_code)]
