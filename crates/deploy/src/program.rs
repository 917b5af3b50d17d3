//! The agent for each kind of machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// One agent's bytes.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) sum: String,
}

impl Program {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            sum: sum(&bytes),
            bytes: bytes.into(),
        }
    }
}

/// The agent by machine, as `uname -m` calls it.
#[derive(Clone, Debug, Default)]
pub struct Programs(BTreeMap<String, Program>);

impl Programs {
    /// Adds the agent for `machine` (`x86_64`, `aarch64`).
    #[must_use]
    pub fn with(mut self, machine: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(machine.to_owned(), Program::new(bytes));
        self
    }

    /// The agent for a machine that calls itself so.
    pub(crate) fn of(&self, machine: &str) -> Option<&Program> {
        let machine = match machine {
            "arm64" => "aarch64",
            "amd64" => "x86_64",
            other => other,
        };
        self.0.get(machine)
    }

    /// The machines there is an agent for.
    pub(crate) fn machines(&self) -> String {
        let all: Vec<&str> = self.0.keys().map(String::as_str).collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(", ")
        }
    }
}

/// The SHA-256 of `bytes`, in hexadecimal.
pub(crate) fn sum(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
