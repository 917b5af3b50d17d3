//! Look-ups over one inventory, made once per report.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use groma_model::evidence::Witness;
use groma_model::inventory::{
    ABOUT_WAVE, Dependency, Entity, EvidenceEntry, Finding, Inventory, Question, VerdictWord,
};
use groma_model::{DependencyId, EntityId, EvidenceId};
use rayon::prelude::*;

use crate::plan::Plan;
use crate::rank::{self, Ranked};
use crate::visible::visible;

/// Positions by id. Built by hash, so an inventory whose lists are not sorted still reads right.
pub(crate) struct Index<'a> {
    pub(crate) inventory: &'a Inventory,
    entities: HashMap<&'a EntityId, usize>,
    evidence: HashMap<&'a EvidenceId, usize>,
    /// The ends of each dependency of the inventory, as positions of entities.
    ends: Vec<[Option<usize>; 2]>,
    /// Positions of the other entities that need the entity at each position, sorted.
    consumers: Vec<Vec<usize>>,
    /// Position of the consumer. Findings ask half a million times: the ids lie in the table itself.
    consumer_of_dependency: HashMap<DependencyId, usize>,
    /// Positions in the lists of the inventory, in the order of their rank.
    risks: OnceLock<Vec<(usize, usize)>>,
    hidden: OnceLock<Vec<usize>>,
    plan: OnceLock<Plan>,
}

impl<'a> Index<'a> {
    /// Reads `inventory` once.
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let (evidence, (entities, needs)) = rayon::join(
            || {
                let facts = inventory.evidence.iter().enumerate();
                facts.map(|(at, e)| (&e.id, at)).collect()
            },
            || {
                let entities = inventory.entities.iter().enumerate();
                let entities = entities.map(|(at, e)| (&e.id, at)).collect();
                let needs = Needs::of(inventory, &entities);
                (entities, needs)
            },
        );
        Self {
            inventory,
            entities,
            evidence,
            ends: needs.ends,
            consumers: needs.consumers,
            consumer_of_dependency: needs.consumer_of_dependency,
            risks: OnceLock::new(),
            hidden: OnceLock::new(),
            plan: OnceLock::new(),
        }
    }

    /// Open risks by severity, then likelihood, then number of consumers; ranked once per report.
    pub(crate) fn risks(&self) -> Vec<Ranked<'a>> {
        let ranked = self.risks.get_or_init(|| rank::risks(self)).iter();
        ranked
            .filter_map(|(at, consumers)| {
                Some(Ranked {
                    finding: self.inventory.findings.get(*at)?,
                    consumers: *consumers,
                    alike: 0,
                })
            })
            .collect()
    }

    /// Hidden dependencies, the most surprising first; ranked once per report.
    pub(crate) fn hidden(&self) -> Vec<&'a Dependency> {
        let ranked = self.hidden_positions().iter();
        ranked
            .filter_map(|at| self.inventory.dependencies.get(*at))
            .collect()
    }

    /// [`Self::hidden`] as positions in the inventory.
    pub(crate) fn hidden_positions(&self) -> &[usize] {
        self.hidden.get_or_init(|| rank::hidden(self))
    }

    /// Which thing moves in which wave; worked out once per report.
    pub(crate) fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| Plan::of(self))
    }

    /// What people are asked, without what the files of waves leave open: that stands beside each field of the wave.
    pub(crate) fn questions(&self) -> impl Iterator<Item = &'a Question> {
        let all = self.inventory.questions.iter();
        all.filter(|asked| !asked.about.starts_with(ABOUT_WAVE))
    }

    /// Position of what a text names in the inventory.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.place(&EntityId::new(id))
    }

    /// Position of an entity in the inventory.
    pub(crate) fn place(&self, id: &EntityId) -> Option<usize> {
        self.entities.get(id).copied()
    }

    /// The entity with this id.
    pub(crate) fn entity(&self, id: &str) -> Option<&'a Entity> {
        self.inventory.entities.get(self.position(id)?)
    }

    /// The name of an entity for a person; its id where the inventory does not hold it.
    pub(crate) fn name(&self, id: &EntityId) -> String {
        self.entity(id.as_str())
            .map_or_else(|| visible(id.as_str()), |e| visible(&e.name))
    }

    /// Positions of the two ends of the dependency at a position of the inventory: consumer, provider.
    pub(crate) fn ends(&self, dependency: usize) -> [Option<usize>; 2] {
        self.ends.get(dependency).copied().unwrap_or_default()
    }

    /// How many other entities need the one at this position directly.
    pub(crate) fn consumers(&self, entity: usize) -> usize {
        self.consumers.get(entity).map_or(0, Vec::len)
    }

    /// How many other entities need this one directly.
    pub(crate) fn consumers_of(&self, entity: &EntityId) -> usize {
        self.place(entity).map_or(0, |at| self.consumers(at))
    }

    /// How many entities a finding touches: those that need its subjects, and the consumers of its dependencies.
    pub(crate) fn touched_by(&self, finding: &Finding) -> usize {
        let mut touched: Vec<usize> = Vec::new();
        for subject in &finding.subjects {
            match self.consumer_of_dependency.get(&DependencyId::new(subject)) {
                Some(consumer) => touched.push(*consumer),
                None => {
                    let consumers = self.position(subject).and_then(|at| self.consumers.get(at));
                    touched.extend(consumers.into_iter().flatten());
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched.len()
    }

    /// The facts with these ids, first `limit` of them, independent witnesses before more of the same.
    pub(crate) fn evidence(&self, ids: &[EvidenceId], limit: usize) -> Vec<&'a EvidenceEntry> {
        let all = ids
            .iter()
            .take(limit.saturating_mul(16))
            .filter_map(|id| self.evidence.get(id));
        let mut told: BTreeSet<Witness> = BTreeSet::new();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for fact in all.filter_map(|at| self.inventory.evidence.get(*at)) {
            if told.insert(fact.witness) {
                first.push(fact);
            } else {
                rest.push(fact);
            }
        }
        first.append(&mut rest);
        first.truncate(limit);
        first
    }
}

/// The dependencies of an inventory, by positions of entities.
struct Needs {
    ends: Vec<[Option<usize>; 2]>,
    consumers: Vec<Vec<usize>>,
    consumer_of_dependency: HashMap<DependencyId, usize>,
}

impl Needs {
    fn of(inventory: &Inventory, entities: &HashMap<&EntityId, usize>) -> Self {
        let place = |id: &EntityId| entities.get(id).copied();
        let needs = inventory.dependencies.par_iter();
        let ends: Vec<[Option<usize>; 2]> = needs
            .map(|d| [&d.consumer.entity, &d.provider.entity].map(place))
            .collect();
        let mut consumers = vec![Vec::new(); inventory.entities.len()];
        let mut consumer_of_dependency = HashMap::with_capacity(ends.len());
        let counted = inventory.dependencies.iter().zip(&ends);
        for (dependency, ends) in counted.filter(|(d, _)| !is_wrong(d)) {
            let [Some(consumer), provider] = *ends else {
                continue;
            };
            consumer_of_dependency.insert(dependency.id.clone(), consumer);
            let other = provider.filter(|provider| *provider != consumer);
            if let Some(of_provider) = other.and_then(|at| consumers.get_mut(at)) {
                of_provider.push(consumer);
            }
        }
        consumers.par_iter_mut().for_each(|list| {
            list.sort_unstable();
            list.dedup();
        });
        Self {
            ends,
            consumers,
            consumer_of_dependency,
        }
    }
}

/// True if a person said that this dependency does not exist.
pub(crate) fn is_wrong(dependency: &Dependency) -> bool {
    dependency
        .verdict
        .as_ref()
        .is_some_and(|v| v.verdict == VerdictWord::Wrong)
}
