//! What a person must do: the same thing on forty machines is one line.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::{DependencyId, EntityId, EvidenceId};

use super::case::Case;
use crate::outcome::{Because, EVIDENCE_MAX, ToDo};

/// Machines that a line names before it counts the rest.
const NAMES_MAX: usize = 3;

/// One thing to do on one machine.
pub(crate) struct Task {
    because: Because,
    /// The same words on two machines are one line.
    action: String,
    /// Where: named in front of the words. None where the words say all.
    on: Option<String>,
    /// Whose owner is to do it; of the wave where it is none.
    entity: Option<EntityId>,
    dependency: Option<DependencyId>,
    evidence: Vec<EvidenceId>,
}

/// Everything there is to do.
#[derive(Default)]
pub(crate) struct Tasks(Vec<Task>);

impl Task {
    pub(crate) fn of(because: Because, action: impl Into<String>) -> Self {
        Self {
            because,
            action: action.into(),
            on: None,
            entity: None,
            dependency: None,
            evidence: Vec::new(),
        }
    }

    /// It is to be done on this machine, by its owner.
    pub(crate) fn on(mut self, name: &str, entity: &EntityId) -> Self {
        self.on = Some(name.to_owned());
        self.for_owner_of(entity)
    }

    pub(crate) fn for_owner_of(mut self, entity: &EntityId) -> Self {
        self.entity = Some(entity.clone());
        self
    }

    pub(crate) fn about(mut self, dependency: Option<&DependencyId>) -> Self {
        self.dependency = dependency.cloned();
        self
    }

    pub(crate) fn citing(mut self, evidence: &[EvidenceId]) -> Self {
        self.evidence = evidence.to_vec();
        self
    }
}

impl Tasks {
    pub(crate) fn add(&mut self, task: Task) {
        self.0.push(task);
    }

    /// One line per owner, reason and thing to do.
    pub(crate) fn into_lines(self, case: &Case<'_>) -> Vec<ToDo> {
        let mut groups: BTreeMap<_, Vec<Task>> = BTreeMap::new();
        for task in self.0 {
            let owner = case.owner(task.entity.as_ref());
            // Who owns nothing stands last.
            let key = (owner.is_none(), owner, task.because, task.action.clone());
            groups.entry(key).or_default().push(task);
        }
        let lines = groups.into_iter();
        lines
            .map(|((_, owner, because, action), tasks)| line(owner, because, &action, tasks))
            .collect()
    }
}

fn line(owner: Option<String>, because: Because, action: &str, tasks: Vec<Task>) -> ToDo {
    let names: BTreeSet<&str> = tasks.iter().filter_map(|t| t.on.as_deref()).collect();
    let says = match where_of(&names) {
        Some(place) => format!("{place}: {action}"),
        None => action.to_owned(),
    };
    let count = names.len().max(1);
    let dependency = tasks.iter().filter_map(|t| t.dependency.clone()).min();
    let evidence: BTreeSet<EvidenceId> = tasks.into_iter().flat_map(|t| t.evidence).collect();
    ToDo {
        owner,
        says,
        because,
        count,
        dependency,
        evidence: evidence.into_iter().take(EVIDENCE_MAX).collect(),
    }
}

/// `app1`, or `40 machines (app1, app2, app3 and 37 more)`.
fn where_of(names: &BTreeSet<&str>) -> Option<String> {
    let first: Vec<&str> = names.iter().take(NAMES_MAX).copied().collect();
    match (names.len(), first.as_slice()) {
        (0, _) => None,
        (1, [only]) => Some((*only).to_owned()),
        (number, _) if number > NAMES_MAX => Some(format!(
            "{number} machines ({} and {} more)",
            first.join(", "),
            number - NAMES_MAX
        )),
        (number, _) => Some(format!("{number} machines ({})", first.join(", "))),
    }
}
