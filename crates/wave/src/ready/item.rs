//! One line of a checklist, and the checklist: published as `groma.wave-check/1`. Names may be added, never removed.

use std::collections::BTreeSet;

use groma_model::EvidenceId;
use groma_model::Timestamp;
use groma_model::id::digest;
use groma_model::inventory::{TimeWindow, VerdictWord};
use groma_model::store::{Annotation, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scene::Scene;

/// The schema word of [`Checklist`].
pub const CHECKLIST_SCHEMA: &str = "groma.wave-check/1";

/// What an item is about. The order is the order in which they are printed.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The wave file itself: names, dates, order.
    WaveFile,
    /// Owners, criticality, allowed downtime.
    People,
    /// Whether enough was seen to judge.
    Observation,
    /// Records of the domain name system: how long they are remembered, which must change.
    Names,
    /// Who will not follow a changed record.
    Followers,
    /// Certificates: dates, names, pins.
    Certificates,
    /// What must be let through between machines.
    Ports,
    /// Accounts, service principals, delegations.
    Accounts,
    /// Archives and other data that must be carried over, and how long that takes.
    Archives,
    /// Virtual machines: what stands in the way of their move, and how they would go.
    Guests,
    /// What hangs on a machine and does not move with it.
    Machines,
    /// Backups, and the way back.
    Backup,
    /// What runs within the window.
    Schedule,
    /// Other open findings about these machines.
    Risks,
}

impl Topic {
    /// What a reader calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::WaveFile => "The wave file",
            Self::People => "People to ask",
            Self::Observation => "Was enough seen?",
            Self::Names => "Names and records",
            Self::Followers => "Clients that will not follow a record",
            Self::Certificates => "Certificates",
            Self::Ports => "Ports to open",
            Self::Accounts => "Accounts and delegations",
            Self::Archives => "Archives and data",
            Self::Guests => "Virtual machines",
            Self::Machines => "What hangs on the machines",
            Self::Backup => "Backups and the way back",
            Self::Schedule => "What runs within the window",
            Self::Risks => "Other open risks of these machines",
        }
    }
}

/// Where an item stands.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// Somebody must do it.
    Do,
    /// Somebody must answer it.
    Ask,
    /// It is as it must be.
    Done,
}

/// One thing to do, to ask, or that is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// `item-`, a hash of the wave, the topic and what it is about, and a short hash of what it says. The first is the same in
    /// every check of the wave; the second is another one as soon as the item lists something else, so that a word of a
    /// person closes what that person saw and nothing more.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// Where it stands.
    pub state: ItemState,
    /// By when; null where any time before the window will do.
    pub by: Option<Timestamp>,
    /// True if that moment is past and it is not done.
    pub overdue: bool,
    /// Who acts or answers, where an owner is known.
    pub who: Option<String>,
    /// What to do, or the question, in one sentence.
    pub says: String,
    /// What shows it: names, dates, files.
    pub because: String,
    /// Ids of the entities and dependencies it is about, sorted.
    pub subjects: Vec<String>,
    /// The facts behind it, sorted.
    pub evidence: Vec<EvidenceId>,
    /// What a person said of it: who, on which day, and why; also where it says something else since, and is open again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// Everything that must be so before a wave begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checklist {
    /// Always [`CHECKLIST_SCHEMA`].
    pub schema: String,
    /// The wave.
    pub wave: String,
    /// Its window, where it has one.
    pub window: Option<TimeWindow>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The moment of the inventory it was made from.
    pub at: Timestamp,
    /// The name of that moment, if it is a snapshot.
    pub snapshot: Option<String>,
    /// The machines that move, by name.
    pub machines: Vec<String>,
    /// True if nothing is left to do and nothing to ask.
    pub ready: bool,
    /// Items by topic; within one those with the earliest date first.
    pub items: Vec<Item>,
}

impl Checklist {
    pub(super) fn of(
        scene: &Scene<'_>,
        drafts: impl Iterator<Item = Draft>,
        said: &[Annotation],
    ) -> Self {
        let mut items: Vec<Item> = drafts.map(|draft| draft.item(scene)).collect();
        items.iter_mut().for_each(|item| item.hear(said));
        items.sort_by(|a, b| order(a).cmp(&order(b)));
        items.dedup();
        Self {
            schema: CHECKLIST_SCHEMA.to_owned(),
            wave: scene.wave.name.clone(),
            window: scene.wave.window,
            owner: scene.wave.owner.clone(),
            at: scene.now,
            snapshot: scene.inventory.snapshot.clone(),
            machines: scene.machine_names(),
            ready: items.iter().all(|item| item.state == ItemState::Done),
            items,
        }
    }

    /// How many items stand like this.
    pub fn count(&self, state: ItemState) -> usize {
        self.items.iter().filter(|i| i.state == state).count()
    }
}

impl Item {
    /// What people said of it. The newest verdict counts: `wrong` takes back what was said before.
    fn hear(&mut self, said: &[Annotation]) {
        let stem = self
            .id
            .rsplit_once('-')
            .map_or("", |(stem, _)| stem)
            .to_owned();
        let about = |a: &&Annotation| a.about.rsplit_once('-').is_some_and(|(s, _)| s == stem);
        let verdicts = said.iter().filter(about).filter_map(|a| match &a.word {
            Word::Verdict { verdict, because } => Some((a, *verdict, because)),
            _ => None,
        });
        let Some((annotation, verdict, because)) = verdicts.max_by_key(|(a, ..)| a.at) else {
            return;
        };
        let (by, day) = (&annotation.by, annotation.at.day());
        if verdict == VerdictWord::Wrong || self.state == ItemState::Done {
            return;
        }
        if annotation.about != self.id {
            self.closed = Some(format!(
                "closed by {by} on {day} ({because}), and changed since"
            ));
            return;
        }
        self.state = ItemState::Done;
        self.overdue = false;
        self.closed = Some(format!("closed by {by} on {day}: {because}"));
    }
}

fn order(item: &Item) -> (Topic, ItemState, bool, Option<Timestamp>, &str, &str) {
    let dated = item.by.is_none();
    (item.topic, item.state, dated, item.by, &item.says, &item.id)
}

/// Names an item lists before it says "and N more": who works through it needs each of them.
const NAMES_MAX: usize = 500;

/// `a`, `a and b`, `a, b and c`: all of them, each once.
pub(super) fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let all: BTreeSet<String> = names.into_iter().map(|n| n.as_ref().to_owned()).collect();
    let more = all.len().saturating_sub(NAMES_MAX);
    let mut said: Vec<String> = all.into_iter().take(NAMES_MAX).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    match said.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// An item on its way.
pub(super) struct Draft {
    topic: Topic,
    state: ItemState,
    /// What it is about, for its id.
    about: Vec<String>,
    by: Option<Timestamp>,
    who: Option<String>,
    says: String,
    because: String,
    subjects: BTreeSet<String>,
    evidence: BTreeSet<EvidenceId>,
}

impl Draft {
    fn new(topic: Topic, state: ItemState, about: &[&str], says: String) -> Self {
        Self {
            topic,
            state,
            about: about.iter().map(|part| (*part).to_owned()).collect(),
            by: None,
            who: None,
            says,
            because: String::new(),
            subjects: BTreeSet::new(),
            evidence: BTreeSet::new(),
        }
    }

    /// Something to do. `about` names it for ever, within its topic.
    pub(super) fn to_do(topic: Topic, about: &[&str], says: impl Into<String>) -> Self {
        Self::new(topic, ItemState::Do, about, says.into())
    }

    /// A question.
    pub(super) fn ask(topic: Topic, about: &[&str], says: impl Into<String>) -> Self {
        Self::new(topic, ItemState::Ask, about, says.into())
    }

    /// What is as it must be.
    pub(super) fn done(topic: Topic, about: &[&str], says: impl Into<String>) -> Self {
        Self::new(topic, ItemState::Done, about, says.into())
    }

    pub(super) fn because(mut self, because: impl Into<String>) -> Self {
        self.because = because.into();
        self
    }

    pub(super) fn by(mut self, by: impl Into<Option<Timestamp>>) -> Self {
        self.by = by.into();
        self
    }

    pub(super) fn who(mut self, who: Option<String>) -> Self {
        self.who = who;
        self
    }

    pub(super) fn on<S: ToString>(mut self, subjects: impl IntoIterator<Item = S>) -> Self {
        self.subjects
            .extend(subjects.into_iter().map(|id| id.to_string()));
        self
    }

    pub(super) fn cites<'e>(mut self, evidence: impl IntoIterator<Item = &'e EvidenceId>) -> Self {
        self.evidence.extend(evidence.into_iter().cloned());
        self
    }

    fn item(self, scene: &Scene<'_>) -> Item {
        let topic = self.topic.title();
        let mut parts = vec![scene.wave.name.as_str(), topic];
        parts.extend(self.about.iter().map(String::as_str));
        let open = self.state != ItemState::Done;
        let subjects: Vec<String> = self.subjects.into_iter().collect();
        let mut content = vec![self.says.as_str()];
        content.extend(subjects.iter().map(String::as_str));
        let says = digest(&content);
        Item {
            id: format!("item-{}-{}", digest(&parts), says.get(..8).unwrap_or(&says)),
            topic: self.topic,
            state: self.state,
            by: self.by.filter(|_| open),
            overdue: open && self.by.is_some_and(|by| by < scene.now),
            who: self.who,
            says: self.says,
            because: self.because,
            subjects,
            evidence: self.evidence.into_iter().collect(),
            closed: None,
        }
    }
}
