//! Shared pieces of the end-to-end tests: the machine to look at, and skipping aloud.
//!
//! The tests run the programs `tests/run` built, by the paths in `GROMA_BIN` and `GROMA_AGENT_BIN`, inside a
//! machine with its own root, process list and network (`tests/e2e/lab/up`). It needs root and Linux namespaces;
//! without them each test says so and is counted as skipped.
#![forbid(unsafe_code)]

mod machine;
pub mod score;
mod truth;

pub use machine::{Kind, Machine, Output};
pub use truth::{Expected, Truth};

use std::io::Write as _;

/// Says why a test cannot run here, where a person and `tests/run` see it.
pub fn skip(why: &str) {
    #[expect(clippy::print_stderr, reason = "skipping aloud is the point")]
    {
        eprintln!("skipped: {why}");
    }
    let Some(file) = std::env::var_os("GROMA_SKIPPED") else {
        return;
    };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    if let Ok(mut file) = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
    {
        // Nothing is lost if this fails: the sentence stands on the terminal already.
        let _ = writeln!(file, "{test}: {why}");
    }
}
