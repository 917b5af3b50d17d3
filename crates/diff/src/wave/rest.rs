//! What changed outside the members, moves and exclusions of the wave.
//!
//! What carries a date of before the window is of no wave: the plain diff tells it, and here it is only counted.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::EvidenceEntry;
use groma_model::{DependencyId, EntityId, EvidenceId};

use super::case::Case;
use super::to_do::{Task, Tasks};
use crate::attributes;
use crate::change::{Area, Change, Changes, Class};
use crate::outcome::{Because, WaveLine, WaveOutcome};
use crate::retold::is_whole;

/// Changes that are not told one by one, because they show a difference between two looks and none of the estate:
/// how many, by machine.
#[derive(Default)]
pub(crate) struct Untold {
    /// Known before, and not seen again.
    pub(crate) not_seen: BTreeMap<EntityId, usize>,
    /// Seen now by a way of looking that was not used before.
    pub(crate) newly_looked: BTreeMap<EntityId, usize>,
    /// Needs that are new, and that nobody used since before the window.
    pub(crate) of_before: BTreeMap<EntityId, usize>,
}

/// Tells what nobody planned. `spoken_of` are the dependencies that were already told.
pub(crate) fn judge(
    case: &Case<'_>,
    changes: &Changes,
    spoken_of: &BTreeSet<DependencyId>,
    outcome: &mut WaveOutcome,
    tasks: &mut Tasks,
) -> Untold {
    let planned = planned(case);
    let mut rest = Rest {
        case,
        facts: Facts::of(case),
        untold: Untold::default(),
        outcome,
        tasks,
    };
    let mut told = spoken_of.clone();
    for change in &changes.changes {
        let dependency = DependencyId::new(change.id.as_str());
        if spoken_of.contains(&dependency) || is_planned(case, &planned, change, &dependency) {
            continue;
        }
        if rest.tell(change, &dependency) {
            told.insert(dependency);
        }
    }
    // A job is told by its need; where that is the wave's own, the job is not.
    let is_told = |c: &Change| told.contains(&DependencyId::new(c.id.as_str()));
    for job in attributes::jobs_left(&case.pair, &changes.changes, is_told) {
        let nobody = DependencyId::new(job.id.as_str());
        if !is_planned(case, &planned, &job, &nobody) {
            rest.tell(&job, &nobody);
        }
    }
    rest.untold
}

/// What is told of the changes, and what is only counted.
struct Rest<'r, 'a> {
    case: &'r Case<'a>,
    facts: Facts<'a>,
    untold: Untold,
    outcome: &'r mut WaveOutcome,
    tasks: &'r mut Tasks,
}

impl Rest<'_, '_> {
    /// Tells a change, or counts it; true if it is told.
    fn tell(&mut self, change: &Change, dependency: &DependencyId) -> bool {
        let (case, untold) = (self.case, &mut self.untold);
        if case.wave.exclusions.contains(&change.on) {
            return false;
        }
        // A platform moves its guests about by itself.
        if is_carried(case, dependency) {
            return false;
        }
        let at = place(case, change, dependency);
        if is_of_before(case, change, dependency) {
            // A client may come again; a machine that made a certificate for itself is no client.
            if let Some(at) = at.filter(|_| change.area == Area::Dependency) {
                *untold.of_before.entry(at).or_default() += 1;
            }
            return false;
        }
        match (change.class, at) {
            (Class::NotSeen, _) if is_passing(case, dependency) => {}
            (Class::NotSeen, Some(at)) => *untold.not_seen.entry(at).or_default() += 1,
            (Class::Added | Class::Changed, Some(at))
                if self.facts.only_newly_looked(case, change, &at) =>
            {
                *untold.newly_looked.entry(at).or_default() += 1;
            }
            (_, at) => {
                tell(change, dependency.clone(), at, self.outcome, self.tasks);
                return true;
            }
        }
        false
    }
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

/// True if the wave's file names who takes part in the change. A need that moved takes part where it is now: whoever leaves
/// a member for a place nobody named was not planned.
fn is_planned(
    case: &Case<'_>,
    planned: &BTreeSet<EntityId>,
    change: &Change,
    dependency: &DependencyId,
) -> bool {
    let moved = case.pair.after.dependencies.get(dependency);
    match moved.filter(|_| change.class == Class::Moved) {
        Some(need) => [&need.consumer.entity, &need.provider.entity]
            .iter()
            .any(|id| planned.contains(*id)),
        None => change.entities.iter().any(|e| planned.contains(e)),
    }
}

/// True if a new thing is dated between the earlier look and the window: a need nobody used since, a certificate that its
/// machine made for itself.
fn is_of_before(case: &Case<'_>, change: &Change, dependency: &DependencyId) -> bool {
    if change.class != Class::Added {
        return false;
    }
    if let Some(need) = case.pair.after.dependencies.get(dependency) {
        return case.is_of_before(need);
    }
    let entity = case
        .pair
        .after
        .entities
        .get(&EntityId::new(change.id.as_str()));
    let (Some(entity), Some(window)) = (entity, case.wave.window) else {
        return false;
    };
    // Whoever is given a certificate may be given an old one; one made for oneself is as old as it says.
    let made = entity.attributes.certificate.as_ref();
    let made = made.filter(|c| c.self_signed).map(|c| c.not_before);
    let looked = entity
        .attributes
        .places
        .iter()
        .map(|p| case.looks.before(&p.host));
    let looked: Option<Vec<_>> = looked.collect();
    made.zip(looked).is_some_and(|(made, looked)| {
        made < window.from && !looked.is_empty() && looked.iter().all(|look| made > *look)
    })
}

/// A connection seen once, of which nobody could tell who made it or for what: nobody can wait for it to come again.
fn is_passing(case: &Case<'_>, dependency: &DependencyId) -> bool {
    let need = case.pair.after.dependencies.get(dependency);
    need.is_some_and(|d| {
        let is_once = d.count <= 1 && d.rhythm.is_none() && d.next_due.is_none();
        is_once && d.kind == "other" && is_whole(d) && d.details.written_in.is_empty()
    })
}

fn is_carried(case: &Case<'_>, dependency: &DependencyId) -> bool {
    let sides = [&case.pair.after, &case.pair.before];
    let mut needs = sides
        .iter()
        .filter_map(|side| side.dependencies.get(dependency));
    needs.any(|need| need.is_carried())
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
