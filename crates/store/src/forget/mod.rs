//! Forgetting: a person's or a thing's traces are erased, and that it was done is kept.
//!
//! What is added to a store stays as it was said; this is the one exception. Every text that says the name says a neutral mark instead
//! (`forgotten-7`, the number of the act), in every table; a fact of which nothing is left goes, with all that became of it. A fact that
//! says something else now has another key, so its events are moved there. Looks keep their numbers and no number is given again: what a
//! named moment shows changes only where the name stood.
//!
//! It is no filter: whoever says the name again is heard again.
//!
//! An engine does it in one transaction ([`plan`] reads, [`apply`] writes, both the same for all engines), and sweeps afterwards: what was
//! erased is no longer in its files. The act is kept before it is swept and says whether it was, so that a sweep which was interrupted is
//! done by whoever comes next.

mod apply;
mod plan;
mod rows;
mod spelling;
mod text;

use std::collections::BTreeSet;

use groma_model::{AgentId, EntityId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

pub use spelling::Spelling;

pub(crate) use apply::{acts, apply};
pub(crate) use plan::plan;
pub(crate) use rows::{Cell, Rows};

pub(crate) const ATTEMPT: &str = "forget";

/// Forgets, and remembers that it did.
pub trait Forget: Store {
    /// What would be erased, and changes nothing. Waits for whoever writes, as erasing does.
    fn traces(
        &mut self,
        whom: &Whom,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Traces, StoreError>;

    /// Erases all of it, durably, or nothing; then sweeps. `by` is who does it, and is forgotten if that is the name.
    ///
    /// # Errors
    /// [`StoreError::NotSwept`]: it is erased, and may still stand in parts of the files that nobody reads.
    fn forget(
        &mut self,
        whom: &Whom,
        by: &str,
        now: Timestamp,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Act, StoreError>;

    /// Sweeps what was erased out of the engine's files, if somebody was interrupted before it was done. True if there was anything to do.
    fn sweep(&mut self, heard: &mut dyn FnMut(Progress)) -> Result<bool, StoreError>;

    /// All that was ever erased, oldest first.
    fn acts(&self) -> Result<Vec<Act>, StoreError>;
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Rows were read in search of the name: of what kind, and how many.
    Read(&'static str, u64),
    /// What was found is erased now.
    Erasing,
    /// It is erased; the files are swept.
    Sweeping,
}

/// What kind of thing is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person, an account, a mail address.
    Person,
    /// A machine, or something else that is an entity.
    Entity,
}

impl Kind {
    /// `person` or `entity`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Entity => "entity",
        }
    }
}

/// Whom to forget: how it is named, and what is its own.
#[derive(Clone, Debug)]
pub struct Whom {
    /// What kind.
    pub kind: Kind,
    /// How it is named.
    pub spellings: Vec<Spelling>,
    /// Who looked from there: all looks of these go.
    pub vantages: BTreeSet<AgentId>,
    /// Its ids in the ledger of identities: whatever the ledger says of them goes.
    pub entities: BTreeSet<EntityId>,
    /// Ids of entities, dependencies and findings: what people said about them goes.
    pub about: BTreeSet<String>,
}

impl Whom {
    /// A person, a mail address or an account of this name.
    pub fn person(name: &str) -> Self {
        Self {
            kind: Kind::Person,
            spellings: vec![Spelling::person(name)],
            vantages: BTreeSet::new(),
            entities: BTreeSet::new(),
            about: BTreeSet::new(),
        }
    }

    /// An entity, with nothing but its id.
    pub fn entity(id: EntityId) -> Self {
        Self {
            kind: Kind::Entity,
            spellings: vec![Spelling::mark(id.as_str())],
            vantages: BTreeSet::new(),
            about: BTreeSet::from([id.to_string()]),
            entities: BTreeSet::from([id]),
        }
    }
}

/// What is found of somebody, or was erased: rows, by kind of trace.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// Facts that say a mark now.
    pub facts_changed: u64,
    /// Facts that go.
    pub facts_removed: u64,
    /// Sightings of such facts that are told otherwise.
    pub sightings_changed: u64,
    /// Sightings that go.
    pub sightings_removed: u64,
    /// Looks that go, with the coverage and gaps they told.
    pub looks_removed: u64,
    /// Sayings about coverage and gaps that say a mark now.
    pub reports_changed: u64,
    /// Series of numbers that are told under another name.
    pub numbers_changed: u64,
    /// Series of numbers that go.
    pub numbers_removed: u64,
    /// Rows of the ledger of identities that say a mark now.
    pub identities_changed: u64,
    /// Rows of the ledger of identities that go.
    pub identities_removed: u64,
    /// Words of people, also owners and answers, that say a mark now.
    pub annotations_changed: u64,
    /// Words of people that go.
    pub annotations_removed: u64,
    /// Agents of the fleet that go, or are described otherwise.
    pub agents: u64,
    /// Named moments that are called otherwise.
    pub snapshots_renamed: u64,
    /// Named moments that show less, or show marks.
    pub snapshots_affected: u64,
    /// Imported lists of which something is changed.
    pub imports: u64,
    /// Earlier acts whose doer is forgotten.
    pub acts_changed: u64,
    /// Of all these: accounts of that very name, words somebody of that name said, and those that name him as owner or the like.
    pub as_person: u64,
    /// Words that hold the name and are another one; some of those that were met. They are never kept.
    #[serde(skip)]
    pub near: Vec<String>,
}

impl Traces {
    /// True if nothing was found.
    pub fn is_empty(&self) -> bool {
        self.sum() == 0
    }

    /// All rows that change or go.
    pub fn sum(&self) -> u64 {
        [
            self.facts_changed,
            self.facts_removed,
            self.sightings_changed,
            self.sightings_removed,
            self.looks_removed,
            self.reports_changed,
            self.numbers_changed,
            self.numbers_removed,
            self.identities_changed,
            self.identities_removed,
            self.annotations_changed,
            self.annotations_removed,
            self.agents,
            self.snapshots_renamed,
            self.acts_changed,
        ]
        .iter()
        .sum()
    }
}

/// An act of forgetting, as it is kept: never the name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// Its number; the mark has it too.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// What kind of thing was forgotten.
    pub kind: Kind,
    /// How many rows.
    pub traces: Traces,
    /// True if nothing of it is left in the files of the engine.
    pub swept: bool,
}

impl Act {
    /// What stands where the name stood.
    pub fn mark(&self) -> String {
        mark(self.number)
    }
}

/// What a mark begins with.
const MARK: &str = "forgotten-";

pub(crate) fn mark(number: u64) -> String {
    format!("{MARK}{number}")
}
