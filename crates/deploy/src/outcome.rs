//! What became of each host.

use std::fmt;

use crate::{Claim, Host};

/// A step of the work on one host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Reaching it and seeing what is there.
    Look,
    /// Handing over the program.
    Upload,
    /// Putting program and unit where they belong.
    Place,
    /// Handing over the token.
    Enroll,
    /// Starting the agent.
    Start,
    /// Asking it how it is.
    Status,
    /// Letting go of what was there before.
    Keep,
    /// Taking the agent off.
    Remove,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "look",
            Self::Upload => "upload",
            Self::Place => "place",
            Self::Enroll => "enroll",
            Self::Start => "start",
            Self::Status => "status",
            Self::Keep => "keep",
            Self::Remove => "remove",
        })
    }
}

/// What was taken back after a failure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undone {
    /// Nothing had been changed yet.
    Untouched,
    /// All of it: the host is as it was.
    RolledBack,
    /// Not all of it; this is left.
    Left(Vec<String>),
}

/// Whether a host still has the identity of an agent that the collector may know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// It has what it had, or there was none.
    Kept,
    /// It is gone, or in a trial would be: nobody can be that agent any more.
    Gone,
    /// The host could not be asked, or did not say.
    Unknown,
}

/// What became of one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The agent is new there, enrolled and well.
    Installed,
    /// Another agent, or another unit, stood there before.
    Upgraded,
    /// Everything was as it should be.
    Unchanged,
    /// Nothing was done, because only a trial was asked for; this would be done.
    WouldInstall(Vec<String>),
    /// The agent is gone.
    Removed,
    /// Nothing was done, because only a trial was asked for; the agent would be removed.
    WouldRemove,
    /// A step failed.
    Failed {
        /// Which.
        step: Step,
        /// Why, as the far side or ssh said it, and the remedy where there is one.
        reason: String,
        /// What became of the steps before.
        undone: Undone,
    },
    /// Somebody stopped before it was its turn.
    NotBegun,
}

impl Outcome {
    /// True if somebody has to see to this host.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::NotBegun)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("installed"),
            Self::Upgraded => f.write_str("upgraded"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::WouldInstall(what) => write!(f, "would install: {}", what.join(", ")),
            Self::Removed => f.write_str("removed"),
            Self::WouldRemove => f.write_str("would remove the agent, its unit and its state"),
            Self::NotBegun => f.write_str("not begun"),
            Self::Failed {
                step,
                reason,
                undone,
            } => {
                write!(f, "failed at {step}: {reason}; ")?;
                match undone {
                    Undone::Untouched => f.write_str("nothing was changed"),
                    Undone::RolledBack => f.write_str("rolled back"),
                    Undone::Left(left) => {
                        write!(f, "rollback failed, this is left: {}", left.join(", "))
                    }
                }
            }
        }
    }
}

/// One host, what became of it, and what else is to be known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostResult {
    /// The host.
    pub host: Host,
    /// What became of it.
    pub outcome: Outcome,
    /// What else somebody should know, a sentence each.
    pub notes: Vec<String>,
    /// Whether an identity was taken from it, or taken back.
    pub identity: Identity,
    /// Of a removal: who the agent was, by its own word, if it could say.
    pub claim: Option<Claim>,
}
