//! What names mean: forward and reverse look-ups, alias chains, hosts-file overrides.
#![forbid(unsafe_code)]
