//! What changed outside the members, moves and exclusions of the wave.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::EvidenceEntry;
use groma_model::{DependencyId, EntityId, EvidenceId};

use super::case::Case;
use super::to_do::{Task, Tasks};
use crate::change::{Area, Change, Changes, Class};
use crate::outcome::{Because, WaveLine, WaveOutcome};

/// Changes that are not told one by one, because they show a difference between two looks and none of the estate:
/// how many, by machine.
#[derive(Default)]
pub(crate) struct Untold {
    /// Known before, and not seen again.
    pub(crate) not_seen: BTreeMap<EntityId, usize>,
    /// Seen now by a way of looking that was not used before.
    pub(crate) newly_looked: BTreeMap<EntityId, usize>,
}

/// Tells what nobody planned. `spoken_of` are the dependencies that a promise already speaks about.
pub(crate) fn judge(
    case: &Case<'_>,
    changes: &Changes,
    spoken_of: &BTreeSet<DependencyId>,
    outcome: &mut WaveOutcome,
    tasks: &mut Tasks,
) -> Untold {
    let planned = planned(case);
    let facts = Facts::of(case);
    let excluded: BTreeSet<&str> = case.wave.exclusions.iter().map(String::as_str).collect();
    let mut untold = Untold::default();
    for change in &changes.changes {
        let is_planned = change.entities.iter().any(|e| planned.contains(e));
        let dependency = DependencyId::new(change.id.as_str());
        if is_planned || spoken_of.contains(&dependency) || excluded.contains(change.on.as_str()) {
            continue;
        }
        let at = place(case, change, &dependency);
        match (change.class, at) {
            (Class::NotSeen, Some(at)) => *untold.not_seen.entry(at).or_default() += 1,
            (Class::Added | Class::Changed, Some(at))
                if facts.only_newly_looked(case, change, &at) =>
            {
                *untold.newly_looked.entry(at).or_default() += 1;
            }
            (_, at) => tell(change, dependency, at, outcome, tasks),
        }
    }
    untold
}

/// The entities whose changes are the wave's own: what its file names, and what lies on that.
fn planned(case: &Case<'_>) -> BTreeSet<EntityId> {
    let moves = case.wave.moves.iter().flat_map(|m| [&m.from, &m.to]);
    let names = case.wave.members.iter().chain(moves);
    let names = names.chain(&case.wave.exclusions);
    let named: BTreeSet<EntityId> = names.flat_map(|name| case.everywhere(name)).collect();
    let both = case.before.entities.iter().chain(&case.after.entities);
    let lies_there = both.filter(|e| {
        e.attributes
            .lies_on
            .as_ref()
            .is_some_and(|on| named.contains(on))
    });
    let lying: Vec<EntityId> = lies_there.map(|e| e.id.clone()).collect();
    named.into_iter().chain(lying).collect()
}

/// The machine a change happened on: the consumer of a need where it has an agent, else its provider.
fn place(case: &Case<'_>, change: &Change, dependency: &DependencyId) -> Option<EntityId> {
    let sides = [&case.pair.after, &case.pair.before];
    let need = sides.iter().find_map(|s| s.dependencies.get(dependency));
    if let Some(need) = need {
        let teller = case.teller(need).unwrap_or(&need.consumer.entity);
        return Some(teller.clone());
    }
    let named = |id: &&EntityId| case.pair.name(id) == change.on;
    let entities = &change.entities;
    entities.iter().find(named).or(entities.first()).cloned()
}

fn tell(
    change: &Change,
    dependency: DependencyId,
    at: Option<EntityId>,
    outcome: &mut WaveOutcome,
    tasks: &mut Tasks,
) {
    let what = format!(
        "{} {}, {}",
        change.area.word(),
        change.class.word(),
        change.says
    );
    let is_need = change.id.starts_with("dep-");
    let dependency = is_need.then_some(dependency);
    let act = change
        .act
        .as_deref()
        .unwrap_or("find out who did this, and whether it was meant");
    let mut task = Task::of(Because::Unexpected, format!("{what}: {act}"))
        .about(dependency.as_ref())
        .citing(&change.evidence);
    if let Some(at) = at {
        task = task.on(&change.on, &at);
    }
    tasks.add(task);
    outcome.unexpected.push(WaveLine {
        dependency,
        evidence: change.evidence.clone(),
        ..WaveLine::only(format!("{}: {what}", change.on))
    });
}

/// The later facts, by id.
struct Facts<'a>(BTreeMap<&'a EvidenceId, &'a EvidenceEntry>);

impl<'a> Facts<'a> {
    fn of(case: &Case<'a>) -> Self {
        Self(case.after.evidence.iter().map(|e| (&e.id, e)).collect())
    }

    /// True if every fact behind a new line was told by a way of looking that was not used before: then it is the look
    /// that is new. A machine that nobody looked at before is one, too.
    fn only_newly_looked(&self, case: &Case<'_>, change: &Change, at: &EntityId) -> bool {
        if change.area == Area::Entity && change.class == Class::Changed {
            let watched =
                |side: &crate::pair::Index<'_>| side.entities.get(at).is_some_and(|e| e.has_agent);
            return watched(&case.pair.after) && !watched(&case.pair.before);
        }
        let told: Option<Vec<_>> = change.evidence.iter().map(|id| self.0.get(id)).collect();
        let is_new = |e: &&&EvidenceEntry| case.looks.is_new_way(&e.vantage, &e.source);
        change.class == Class::Added
            && told.is_some_and(|told| !told.is_empty() && told.iter().all(is_new))
    }
}
