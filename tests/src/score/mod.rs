//! The judge of the lab: what is true there against what was found, by name.
//!
//! In go the truth (`tests/lab/expected*.toml`), the hosts it speaks about, the inventory document of groma and
//! what peers found in the same minutes. Out comes the scoreboard: found, missed, invented, decoys, doubled; by
//! kind and by witness; for all and for the hidden ones. The rules stand in [`RULES`] and at the head of every
//! scoreboard, because a figure without its rules is an opinion.
//!
//! Nothing here looks at how groma works: it reads the published document alone.

mod baseline;
mod command;
mod finding;
mod judge;
mod leak;
mod ledger;
mod page;
mod place;
mod table;
mod truth;

#[cfg(test)]
mod examples;

pub use baseline::Baseline;
pub use command::run;
pub use finding::{End, Finding, PeerReport, Row, entities_amiss, of_inventory, of_peer};
pub use judge::{Generosity, Invented, Score, Verdict, judge};
pub use leak::canaries;
pub use ledger::{Ledger, Told, Use};
pub use page::RULES;
use page::markdown;
pub use place::{Place, Places, Roster};
pub use table::{Share, Table, Tally, WitnessRow};
pub use truth::{Decoy, Entry, LabTruth, Onward};

/// Why an input could not be used, as one sentence that names it.
#[derive(Debug)]
pub struct Unreadable(String);

impl Unreadable {
    /// From a file and what is wrong with it.
    pub fn new(file: &std::path::Path, why: impl std::fmt::Display) -> Self {
        Self(format!("{}: {why}", file.display()))
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

/// The text of a file, or which file could not be read.
fn text_of(file: &std::path::Path) -> Result<String, Unreadable> {
    std::fs::read_to_string(file).map_err(|e| Unreadable::new(file, e))
}
