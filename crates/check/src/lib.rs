//! The graph to findings: what to mind before the move.
//!
//! A *check* is one question asked of the whole inventory, and each of its answers is one [`Finding`]: a
//! row of the risk table, in words a director reads. Checks are pure functions of the inventory and a
//! moment; they look at nothing else and know nothing of each other. What they agree on:
//!
//! - **One finding per thing a person must do.** Forty hosts that reach one server by address are one
//!   finding about that server, with a count, not forty.
//! - **Silence where we do not know.** A check that needs complete coverage asks for it; a dependency that
//!   a person judged wrong does not exist for any check.
//! - **An id that lasts.** It is the hash of the check and of what the finding is *about* (the server, the
//!   certificate), not of everything it lists, so a verdict survives the forty-first host.
//! - **No names are cleaned here.** Whoever prints a finding escapes for its own sink.
//!
//! A new check is one file in `checks/`, one line in [`all`], one test file with a positive and a
//! negative twin, and one heading in `docs/reference/checks.md`; a test insists on all four.
#![forbid(unsafe_code)]

mod checks;
mod draft;
mod index;
mod questions;
mod register;
mod sole;
mod view;
mod waves;
mod waves_ask;
mod wording;

use groma_model::Timestamp;
use groma_model::inventory::{Finding, Inventory};
use rayon::prelude::*;

pub use checks::{
    all, moves_together, moves_together_in, nobody_seen_in, proves_silence, quiet_machines,
};
pub use draft::{Draft, Subjects};
pub use questions::{questions, questions_in, with_findings};
pub use register::{register, register_to_read};
pub use view::View;

/// One question asked of the whole inventory.
pub trait Check: Sync {
    /// Its permanent name: written into findings, and its heading in `docs/reference/checks.md`.
    fn name(&self) -> &'static str;

    /// What it has to say about `view`. Order does not matter.
    fn look(&self, view: &View<'_>) -> Vec<Draft>;
}

/// What all checks say about `inventory` at the moment `now`: gravest first, then by id.
pub fn check(inventory: &Inventory, now: Timestamp) -> Vec<Finding> {
    check_in(&View::new(inventory, now))
}

/// The same, in an estate that is already indexed.
pub fn check_in(view: &View<'_>) -> Vec<Finding> {
    said_by(all(), view)
}

/// What these checks say: gravest first, then by id.
pub(crate) fn said_by(checks: &[&'static dyn Check], view: &View<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = checks
        .par_iter()
        .with_max_len(1)
        .flat_map_iter(|check| {
            check
                .look(view)
                .into_iter()
                .map(|draft| draft.finding(check.name(), view))
        })
        .collect();
    findings.sort_by(|a, b| (a.severity, &a.id).cmp(&(b.severity, &b.id)));
    findings.dedup_by(|a, b| a.id == b.id);
    findings
}
