//! This machine: system, hardware, file systems, network, accounts, packages, units, jobs, containers.
#![forbid(unsafe_code)]
