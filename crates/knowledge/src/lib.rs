//! What the world looks like, as data: extractor rules, ports, products, ends of life.
#![forbid(unsafe_code)]
