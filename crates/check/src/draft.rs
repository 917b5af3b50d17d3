//! A finding as a check writes it, before it gets its id and its place in the table.

use std::collections::BTreeSet;

use groma_model::inventory::{
    Dependency, Entity, Finding, FindingOrigin, FindingState, Likelihood, Severity,
};
use groma_model::{EvidenceId, FindingId, Timestamp};

use crate::View;

/// Evidence ids one finding carries at most; the subjects lead to the rest.
const EVIDENCE_MAX: usize = 50;

/// What a check says, in the fields of the risk table.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it is about, as lasting ids: the finding's id is the hash of the check and these.
    pub about: Vec<String>,
    /// How grave.
    pub severity: Severity,
    /// Layer of the subject.
    pub layer: String,
    /// What may happen, in words for a director.
    pub risk: String,
    /// What shows it, with names, dates and numbers.
    pub indicator: String,
    /// What it would do to the business.
    pub impact: String,
    /// How likely.
    pub likelihood: Likelihood,
    /// What can be done, first things first.
    pub mitigations: Vec<&'static str>,
    /// Who acts, where somebody is known.
    pub owner: Option<String>,
    /// By when, where it follows from a date.
    pub control_date: Option<Timestamp>,
    /// Ids of the entities and dependencies it lists.
    pub subjects: Subjects,
    /// The facts behind it, the first of them by id.
    pub evidence: BTreeSet<EvidenceId>,
}

/// Ids of what a finding lists, in any order and any number of times: forty thousand are put in order once.
#[derive(Clone, Debug, Default)]
pub struct Subjects(Vec<String>);

impl Subjects {
    /// One more.
    pub fn insert(&mut self, id: String) {
        self.0.push(id);
    }

    /// Each once, in order.
    fn into_sorted(mut self) -> Vec<String> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

impl Extend<String> for Subjects {
    fn extend<I: IntoIterator<Item = String>>(&mut self, ids: I) {
        self.0.extend(ids);
    }
}

impl Draft {
    /// A draft about the things with these lasting ids, with nothing said yet.
    pub fn about(ids: &[&str]) -> Self {
        Self {
            about: ids.iter().map(|id| (*id).to_owned()).collect(),
            severity: Severity::Low,
            layer: "application".to_owned(),
            risk: String::new(),
            indicator: String::new(),
            impact: String::new(),
            likelihood: Likelihood::Medium,
            mitigations: Vec::new(),
            owner: None,
            control_date: None,
            subjects: Subjects::default(),
            evidence: BTreeSet::new(),
        }
    }

    /// Points at an entity, and takes over its owner where nobody acts yet.
    pub fn points_at(&mut self, entity: &Entity) {
        self.subjects.insert(entity.id.as_str().to_owned());
        if self.owner.is_none() {
            self.owner.clone_from(&entity.owner);
        }
    }

    /// Cites a dependency: as a subject, and with its evidence.
    pub fn cites(&mut self, dependency: &Dependency) {
        self.subjects.insert(dependency.id.as_str().to_owned());
        self.cites_evidence(&dependency.evidence);
    }

    /// Cites facts; only the first fifty by id are kept, so that forty thousand cost no more.
    pub fn cites_evidence(&mut self, evidence: &[EvidenceId]) {
        for id in evidence {
            let full = self.evidence.len() >= EVIDENCE_MAX;
            if full && self.evidence.last().is_some_and(|last| last <= id) {
                continue;
            }
            if self.evidence.insert(id.clone()) && full {
                self.evidence.pop_last();
            }
        }
    }

    /// The finding this draft becomes under the name of its check.
    pub(crate) fn finding(self, check: &str, view: &View<'_>) -> Finding {
        let about = self.about.iter().map(String::as_str);
        let key: Vec<&str> = std::iter::once(check).chain(about).collect();
        let subjects = self.subjects.into_sorted();
        let owner = self.owner.or_else(|| view.owner_of(&subjects));
        Finding {
            id: FindingId::of(&key),
            check: check.to_owned(),
            origin: FindingOrigin::Generated,
            state: FindingState::Open,
            severity: self.severity,
            layer: self.layer,
            risk: self.risk,
            indicator: self.indicator,
            impact: self.impact,
            likelihood: self.likelihood,
            mitigations: self.mitigations.into_iter().map(str::to_owned).collect(),
            owner,
            control_date: self.control_date,
            subjects,
            evidence: self.evidence.into_iter().take(EVIDENCE_MAX).collect(),
            verdict: None,
            first_seen: None,
            last_seen: None,
            closed_on: None,
            state_because: None,
            rests_on: Vec::new(),
        }
    }
}
