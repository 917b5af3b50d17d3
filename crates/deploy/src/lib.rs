//! Putting the agent on many machines over the system's own ssh, and taking it off again.
//!
//! Whoever runs an estate has a way to its machines already: keys in an agent, jump hosts, names in `~/.ssh/config`. So
//! this starts `ssh` as it is installed, asks it for nothing interactive, and gives it one short command that never
//! changes: `sh -c 'eval "$(dd …)"'`. What is to be done comes after it on standard input, and so does what is handed
//! over (the program, the unit, the token): nothing of it stands in a list of processes or in a log of sudo.
//!
//! On each host one session for each step: look, upload, place, enroll, start, ask how it is, let go of what was
//! there before. Whatever fails, what was done on that host is undone ([`Outcome::Failed`] says whether all of it was). A second
//! run finds nothing to do. An unknown host key is a failure with its remedy, never accepted.
//!
//! What a far side says is a stranger's bytes: bounded, without control characters, and only ever shown or compared.
//!
//! This is the operator's command and the only place where groma starts a program that is not groma
//! (docs/decisions/0064); nothing here runs on an agent's machine but the scripts in `far/`.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod claim;
mod clean;
mod far;
mod hosts;
mod look;
mod one_line;
mod outcome;
mod plan;
mod program;
mod run;
mod ssh;
mod steps;
mod token;

pub use claim::Claim;
pub use far::quoted;
pub use hosts::{Host, HostsError, hosts};
pub use one_line::{InstallScript, InstallScriptError, install_script};
pub use outcome::{HostResult, Identity, Outcome, Step, Undone};
pub use plan::{Plan, PlanError};
pub use program::{Program, Programs};
pub use run::{Event, remove, run};
pub use ssh::Ssh;
pub use token::Token;
