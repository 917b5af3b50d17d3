//! Dependencies written down: the extractor engine over configuration files and scripts.
#![forbid(unsafe_code)]
