//! What can be wrong with a wave file, in words that say what to write instead.

use groma_model::wave::NotAnExpectation;

/// A wave file could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("read {file:?} line {line}{}: {problem}", shown(.key))]
pub struct WaveError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key, with its table, as `rollback.minutes`; empty where the file as a whole is wrong.
    pub key: String,
    /// What is wrong, and the remedy.
    pub problem: Problem,
}

fn shown(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(", key {key:?}")
    }
}

/// What is wrong, and the remedy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// It is larger than any wave file.
    #[error("a wave file is at most {} KiB; is it the right file?", crate::BYTES_MAX / 1024)]
    TooLarge,
    /// It is not TOML.
    #[error("not TOML: {0}")]
    NotToml(String),
    /// A key nobody knows.
    #[error("no such key; {}", meant(.nearest, .known))]
    UnknownKey {
        /// The known key that looks most like it.
        nearest: Option<String>,
        /// All keys that may stand here.
        known: Vec<String>,
    },
    /// A key that must be there is not.
    #[error("missing; write {example}")]
    Missing {
        /// How it could look.
        example: String,
    },
    /// Another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What may stand here, with an example.
        expected: String,
        /// What stands here.
        found: String,
    },
    /// The right type with a value that cannot be.
    #[error("{problem}; {remedy}")]
    Value {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

fn meant(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

impl Problem {
    pub(crate) fn value(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Value {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// What is wrong with an expectation; a kind nobody knows gets the one that looks most like it.
    pub(crate) fn expectation(line: &str, why: &NotAnExpectation) -> Self {
        const GRAMMAR: &str = "write \"KIND to NAME[:PORT]\" or \"KIND from NAME to NAME[:PORT]\"";
        let problem = format!("{line:?} is no expectation");
        match why {
            NotAnExpectation::Grammar { .. } => Self::value(problem, GRAMMAR),
            NotAnExpectation::Port { port } => Self::value(
                problem,
                format!("{port:?} is no port: write a number from 1 to 65535"),
            ),
            NotAnExpectation::Kind { kind } => {
                let known = groma_model::registry::REGISTRY
                    .dependencies
                    .keys()
                    .map(String::as_str);
                let remedy = match crate::nearest::nearest(kind, known.clone()) {
                    Some(nearest) => {
                        format!("there is no kind {kind:?}; did you mean {nearest:?}?")
                    }
                    None => format!(
                        "there is no kind {kind:?}; the kinds are {}",
                        known.collect::<Vec<_>>().join(", ")
                    ),
                };
                Self::value(problem, remedy)
            }
        }
    }
}
