//! Exit codes: a contract scripts rely on.

use std::fmt;

/// There is something to act on (`diff`, `wave check`, `certify` only).
pub(crate) const ACT: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// An input could not be read.
pub(crate) const INPUT: u8 = 3;
/// Somebody who was asked something typed Ctrl-C: what a shell calls a program that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;
/// Refused, for the safety of others.
pub(crate) const UNSAFE: u8 = 5;
/// We were wrong.
pub(crate) const BUG: u8 = 70;

/// Marks an error as wrong usage: what was typed cannot be meant.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// Marks an error as disbelief: whoever wrote an input is not who it says, or is not listened to.
#[derive(Debug)]
pub(crate) struct NotBelieved(pub(crate) String);

impl fmt::Display for NotBelieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotBelieved {}

/// Marks an error as a refusal for the sake of agents that would be lost.
#[derive(Debug)]
pub(crate) struct TooSoon(pub(crate) String);

impl fmt::Display for TooSoon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooSoon {}

/// Marks an error as a refusal to write over what people made.
#[derive(Debug)]
pub(crate) struct NotReplaced(pub(crate) String);

impl fmt::Display for NotReplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotReplaced {}

/// The code of an error's family.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.chain().any(|cause| cause.is::<WrongUsage>()) {
        USAGE
    } else if error.is::<groma_agent::Interrupted>() {
        INTERRUPTED
    } else if error.is::<groma_agent::NotSafe>()
        || error
            .chain()
            .any(|c| c.is::<NotBelieved>() || c.is::<TooSoon>() || c.is::<NotReplaced>())
    {
        UNSAFE
    } else {
        INPUT
    }
}
