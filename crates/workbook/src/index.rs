//! Look-ups over one inventory, made once. By hash: a list that is not sorted still reads right.

use std::collections::{HashMap, HashSet};

use groma_model::EntityId;
use groma_model::inventory::{
    Dependency, Entity, EvidenceEntry, Finding, FindingState, Inventory, VerdictWord,
};
use groma_model::registry::REGISTRY;
use groma_model::{EvidenceId, SiteId};

/// Facts told in one cell.
const FACTS: usize = 4;

/// Look-ups over one inventory.
pub(crate) struct Index<'a> {
    pub(crate) inventory: &'a Inventory,
    entities: HashMap<&'a str, &'a Entity>,
    evidence: HashMap<&'a str, &'a EvidenceEntry>,
    systems: HashMap<&'a str, &'a str>,
    sites: HashMap<&'a str, &'a str>,
    figures: HashMap<&'a str, Figures>,
}

/// What is counted for one entity.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Other entities that need it.
    pub(crate) needed_by: usize,
    /// Other entities it needs.
    pub(crate) needs: usize,
    /// Hidden dependencies that begin or end at it.
    pub(crate) hidden: usize,
    /// Endpoints it holds open.
    pub(crate) listeners: usize,
    /// Open findings about it.
    pub(crate) findings: usize,
}

impl<'a> Index<'a> {
    /// Reads `inventory` once.
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        Self {
            inventory,
            entities: by(&inventory.entities, |e| (e.id.as_str(), e)),
            evidence: by(&inventory.evidence, |e| (e.id.as_str(), e)),
            systems: by(&inventory.systems, |s| (s.id.as_str(), s.name.as_str())),
            sites: by(&inventory.sites, |s| (s.id.as_str(), s.name.as_str())),
            figures: figures(inventory),
        }
    }

    /// The entity with this id.
    pub(crate) fn entity(&self, id: &str) -> Option<&'a Entity> {
        self.entities.get(id).copied()
    }

    /// Its name; its id where the inventory does not hold it.
    pub(crate) fn name<'b>(&self, id: &'b EntityId) -> &'b str
    where
        'a: 'b,
    {
        self.entity(id.as_str())
            .map_or(id.as_str(), |e| e.name.as_str())
    }

    /// Names of many.
    pub(crate) fn names<'b>(&self, ids: &'b [EntityId]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        ids.iter().map(|id| self.name(id)).collect()
    }

    /// The name of a thing by any id: of an entity, a system; else the id.
    pub(crate) fn subject<'b>(&self, id: &'b str) -> &'b str
    where
        'a: 'b,
    {
        let entity = self.entity(id).map(|e| e.name.as_str());
        entity.or_else(|| self.system(id)).unwrap_or(id)
    }

    /// The name of a system.
    pub(crate) fn system(&self, id: &str) -> Option<&'a str> {
        self.systems.get(id).copied()
    }

    /// The name of a site; its id where nobody named it.
    pub(crate) fn site<'b>(&self, id: &'b SiteId) -> &'b str
    where
        'a: 'b,
    {
        self.sites.get(id.as_str()).copied().unwrap_or(id.as_str())
    }

    /// Who answers for an entity.
    pub(crate) fn owner(&self, id: &EntityId) -> Option<&'a str> {
        self.entity(id.as_str())?.owner.as_deref()
    }

    /// What is counted for an entity.
    pub(crate) fn figures(&self, id: &EntityId) -> Figures {
        self.figures.get(id.as_str()).copied().unwrap_or_default()
    }

    /// The first of the facts with these ids, as sentences.
    pub(crate) fn says(&self, ids: &[EvidenceId]) -> Vec<String> {
        let known = ids.iter().filter_map(|id| self.evidence.get(id.as_str()));
        let mut said: Vec<String> = known.take(FACTS).map(|e| e.says.clone()).collect();
        let more = ids.len().saturating_sub(said.len());
        if more > 0 && !said.is_empty() {
            said.push(format!("… and {more} more"));
        }
        said
    }

    /// Dependencies a standard inventory does not show, and nobody judged wrong.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &'a Dependency> {
        let all = self.inventory.dependencies.iter();
        all.filter(|d| d.hidden && !is_wrong(d))
    }

    /// Findings that still ask for somebody, the gravest first.
    pub(crate) fn open(&self) -> Vec<&'a Finding> {
        let mut open: Vec<&Finding> = self.inventory.findings.iter().filter(is_open).collect();
        open.sort_by_key(|finding| gravity(finding));
        open
    }
}

/// What a finding is sorted by: the gravest first.
pub(crate) fn gravity(finding: &Finding) -> impl Ord + use<'_> {
    (
        finding.state as u8,
        finding.severity,
        std::cmp::Reverse(finding.likelihood),
        &finding.risk,
        &finding.id,
    )
}

/// True if a person said that this dependency does not exist.
pub(crate) fn is_wrong(dependency: &Dependency) -> bool {
    let verdict = dependency.verdict.as_ref();
    verdict.is_some_and(|v| v.verdict == VerdictWord::Wrong)
}

/// True for what still asks for somebody: open, and not judged away.
pub(crate) fn is_open(finding: &&Finding) -> bool {
    let verdict = finding.verdict.as_ref();
    finding.state == FindingState::Open
        && verdict.is_none_or(|v| v.verdict == VerdictWord::Confirmed)
}

/// True for machines and guests.
pub(crate) fn is_host(entity: &Entity) -> bool {
    REGISTRY.is_machine(&entity.kind) && entity.kind != "device"
}

fn by<'a, T, V>(all: &'a [T], pair: impl Fn(&'a T) -> (&'a str, V)) -> HashMap<&'a str, V> {
    all.iter().map(pair).collect()
}

fn figures(inventory: &Inventory) -> HashMap<&str, Figures> {
    let mut figures: HashMap<&str, Figures> = HashMap::new();
    let mut pairs: HashSet<(&str, &str)> = HashSet::new();
    for d in inventory.dependencies.iter().filter(|d| !is_wrong(d)) {
        let (consumer, provider) = (d.consumer.entity.as_str(), d.provider.entity.as_str());
        if consumer != provider && pairs.insert((consumer, provider)) {
            figures.entry(consumer).or_default().needs += 1;
            figures.entry(provider).or_default().needed_by += 1;
        }
        if d.hidden {
            figures.entry(consumer).or_default().hidden += 1;
            if consumer != provider {
                figures.entry(provider).or_default().hidden += 1;
            }
        }
    }
    for listener in &inventory.listeners {
        figures
            .entry(listener.entity.as_str())
            .or_default()
            .listeners += 1;
    }
    for finding in inventory.findings.iter().filter(is_open) {
        for subject in &finding.subjects {
            figures.entry(subject).or_default().findings += 1;
        }
    }
    figures
}
