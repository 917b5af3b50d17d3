//! Declared knowledge from files: inventory CSV, RVTools workbooks.
#![forbid(unsafe_code)]
