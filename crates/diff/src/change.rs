//! The words of a diff: published as `groma.diff/1`. Names may be added, never removed.

use groma_model::inventory::Inventory;
use groma_model::{DependencyId, EntityId, EvidenceId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that is different between two inventories.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// Always [`crate::DIFF_SCHEMA`].
    pub schema: String,
    /// The earlier inventory.
    pub before: Side,
    /// The later one.
    pub after: Side,
    /// What is different, sorted by place, then area, then class.
    pub changes: Vec<Change>,
}

/// One of the two inventories.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// The name of the snapshot; null for the present.
    pub snapshot: Option<String>,
    /// The last moment it speaks about.
    pub at: Timestamp,
}

/// What happened to a thing.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It is elsewhere: another port, address or host.
    Moved,
    /// It is gone, and everything at its place was seen.
    Removed,
    /// It is new.
    Added,
    /// It is still there, and different.
    Changed,
    /// The newest look did not see it, and cannot say that it is gone.
    NotSeen,
}

impl Class {
    /// For a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::NotSeen => "not seen",
        }
    }

    /// The mark in front of the word.
    pub fn mark(self) -> char {
        match self {
            Self::Moved => '>',
            Self::Removed => '-',
            Self::Added => '+',
            Self::Changed => '~',
            Self::NotSeen => '?',
        }
    }
}

/// The sort of thing a change is about.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// A machine, or another thing of the estate as a whole.
    Entity,
    /// A name or an address of a machine.
    Address,
    /// An endpoint held open.
    Listener,
    /// Who needs whom.
    Dependency,
    /// A certificate.
    Certificate,
    /// The operating system.
    OperatingSystem,
    /// Hardware and firmware.
    Hardware,
    /// A file system.
    FileSystem,
    /// A unit of the service manager.
    Unit,
    /// Something a clock starts.
    Job,
    /// A container.
    Container,
    /// A local account.
    Account,
    /// Installed packages.
    Package,
}

impl Area {
    /// For a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Entity => "machine",
            Self::Address => "address",
            Self::Listener => "listener",
            Self::Dependency => "needs",
            Self::Certificate => "certificate",
            Self::OperatingSystem => "system",
            Self::Hardware => "hardware",
            Self::FileSystem => "file system",
            Self::Unit => "unit",
            Self::Job => "job",
            Self::Container => "container",
            Self::Account => "account",
            Self::Package => "packages",
        }
    }
}

/// One thing that is different.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What happened.
    pub class: Class,
    /// To what sort of thing.
    pub area: Area,
    /// The name of the machine (or other thing) it happened on.
    pub on: String,
    /// Id of the dependency or entity it is about; of the later one where it moved.
    pub id: String,
    /// The thing and what happened to it, in one line.
    pub says: String,
    /// Field by field, where there is more to say.
    pub details: Vec<Detail>,
    /// What it means for those who need it.
    pub consequences: Vec<Consequence>,
    /// What somebody has to do; null where it is good to know and no more.
    pub act: Option<String>,
    /// The entities that take part, sorted.
    pub entities: Vec<EntityId>,
    /// The facts behind it, of both sides, sorted.
    pub evidence: Vec<EvidenceId>,
}

/// A field of a thing, before and after.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// The field.
    pub what: String,
    /// Null where it was not there.
    pub before: Option<String>,
    /// Null where it is not there any more.
    pub after: Option<String>,
}

/// What a change means for a dependency that is not a line of its own for that reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Consequence {
    /// True if it came along; false if it still points at the old place.
    pub followed: bool,
    /// Who, in one line.
    pub says: String,
    /// The dependency, by its id in the later inventory.
    pub dependency: DependencyId,
}

/// Facts a change cites at most.
const EVIDENCE_MAX: usize = 20;

impl Changes {
    /// True if nothing is different.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// True if somebody has to do something about a change.
    pub fn needs_action(&self) -> bool {
        self.changes.iter().any(|c| c.act.is_some())
    }
}

impl Side {
    pub(crate) fn of(inventory: &Inventory) -> Self {
        Self {
            snapshot: inventory.snapshot.clone(),
            at: inventory.window.to,
        }
    }
}

impl Change {
    /// A change with its line and nothing else yet.
    pub(crate) fn new(
        class: Class,
        area: Area,
        on: &str,
        id: &str,
        says: impl Into<String>,
    ) -> Self {
        Self {
            class,
            area,
            on: on.to_owned(),
            id: id.to_owned(),
            says: says.into(),
            details: Vec::new(),
            consequences: Vec::new(),
            act: None,
            entities: Vec::new(),
            evidence: Vec::new(),
        }
    }

    pub(crate) fn act(mut self, act: Option<&str>) -> Self {
        self.act = act.map(str::to_owned);
        self
    }

    pub(crate) fn details(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn involves<'a>(mut self, entities: impl IntoIterator<Item = &'a EntityId>) -> Self {
        self.entities.extend(entities.into_iter().cloned());
        self.entities.sort();
        self.entities.dedup();
        self
    }

    pub(crate) fn because(mut self, evidence: &[&[EvidenceId]]) -> Self {
        self.evidence = evidence
            .iter()
            .flat_map(|ids| ids.iter().cloned())
            .collect();
        self.evidence.sort();
        self.evidence.dedup();
        self.evidence.truncate(EVIDENCE_MAX);
        self
    }

    pub(crate) fn order(&self) -> (&str, Area, Class, &str, &str) {
        (&self.on, self.area, self.class, &self.says, &self.id)
    }
}

impl Detail {
    /// The field, if it differs.
    pub(crate) fn of(what: &str, before: Option<String>, after: Option<String>) -> Option<Self> {
        (before != after).then(|| Self {
            what: what.to_owned(),
            before,
            after,
        })
    }

    /// The field, if both sides know it and it differs.
    pub(crate) fn known(what: &str, before: Option<String>, after: Option<String>) -> Option<Self> {
        if before.is_none() || after.is_none() {
            return None;
        }
        Self::of(what, before, after)
    }

    /// One detail per member that only one side has.
    pub(crate) fn members(what: &str, before: &[String], after: &[String]) -> Vec<Self> {
        let gone = before.iter().filter(|m| !after.contains(m));
        let new = after.iter().filter(|m| !before.contains(m));
        let gone = gone.map(|m| Self {
            what: what.to_owned(),
            before: Some(m.clone()),
            after: None,
        });
        let new = new.map(|m| Self {
            what: what.to_owned(),
            before: None,
            after: Some(m.clone()),
        });
        gone.chain(new).collect()
    }
}
