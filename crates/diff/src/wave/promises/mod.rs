//! What the wave file promises, held against what is there now.

mod expected;
mod names;
mod needs;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::inventory::Dependency;
use groma_model::registry::REGISTRY;
use groma_model::{DependencyId, EntityId};

use super::case::Case;
use super::to_do::{Task, Tasks};
use super::turning::Turning;
use crate::dependencies::component;
use crate::outcome::{Because, WaveLine, WaveOutcome};

/// Sorts every promise into its list. Returns the dependencies that a promise spoke about.
pub(crate) fn judge(
    case: &Case<'_>,
    turning: &Turning<'_>,
    outcome: &mut WaveOutcome,
    tasks: &mut Tasks,
) -> BTreeSet<DependencyId> {
    let mut judge = Judge {
        case,
        turning,
        doubts: BTreeSet::new(),
        outcome,
        tasks,
        alike: ByConsumer::new(),
        needing: needing(case),
        serving: serving(case),
        spoken_of: BTreeSet::new(),
    };
    judge.alike = alike(case, &judge.needing);
    for meant in &case.moves {
        judge.needs_of(meant);
    }
    for meant in &case.moves {
        judge.names_of(meant);
    }
    for promise in &case.wave.expected {
        judge.expectation(promise);
    }
    judge.spoken_of.retain(|id| !judge.doubts.contains(id));
    judge.spoken_of
}

/// Needs by one of their ends, and by kind where the consumer is meant.
type ByConsumer<'a> = HashMap<(&'a EntityId, &'a str), Vec<&'a Dependency>>;
type ByProvider<'a> = BTreeMap<&'a EntityId, Vec<&'a Dependency>>;

struct Judge<'j, 'a> {
    case: &'j Case<'a>,
    turning: &'j Turning<'a>,
    /// Needs that are told in place of a promise.
    doubts: BTreeSet<DependencyId>,
    outcome: &'j mut WaveOutcome,
    tasks: &'j mut Tasks,
    /// The later needs of those who need a machine of a move, by consumer and kind.
    alike: ByConsumer<'a>,
    /// The earlier needs of what goes.
    needing: ByProvider<'a>,
    /// The later needs of those who must serve by an expectation.
    serving: ByProvider<'a>,
    /// Dependencies a promise already spoke about.
    spoken_of: BTreeSet<DependencyId>,
}

fn needing<'a>(case: &Case<'a>) -> ByProvider<'a> {
    let goes: BTreeSet<&EntityId> = case.moves.iter().flat_map(|m| &m.from).collect();
    let mut needing = ByProvider::new();
    for d in case.pair.before.dependencies.values() {
        if goes.contains(&d.provider.entity) {
            needing.entry(&d.provider.entity).or_default().push(d);
        }
    }
    needing
}

fn serving<'a>(case: &Case<'a>) -> ByProvider<'a> {
    let names = case.wave.expected.iter().map(|e| &e.provider);
    let meant: HashSet<EntityId> = names.flat_map(|name| case.new.meant(name)).collect();
    let mut serving = ByProvider::new();
    if meant.is_empty() {
        return serving;
    }
    for d in case.pair.after.dependencies.values() {
        if meant.contains(&d.provider.entity) {
            serving.entry(&d.provider.entity).or_default().push(d);
        }
    }
    serving
}

/// Only of those who needed what goes, and of the places such a one moved to itself.
fn alike<'a>(case: &Case<'a>, needing: &ByProvider<'a>) -> ByConsumer<'a> {
    let moved_to = case.moves.iter().flat_map(|m| &m.to);
    let needers = needing.values().flatten().map(|d| &d.consumer.entity);
    let wanted: HashSet<&EntityId> = needers.chain(moved_to).collect();
    let mut alike = ByConsumer::new();
    for d in case.pair.after.dependencies.values() {
        if wanted.contains(&d.consumer.entity) {
            let key = (&d.consumer.entity, d.kind.as_str());
            alike.entry(key).or_default().push(d);
        }
    }
    alike
}

/// `app1 (app1.service) for mail relay`.
fn said(d: &Dependency) -> String {
    format!("{} ({}) for {}", d.consumer.name, component(d), title(d))
}

fn title(d: &Dependency) -> &'static str {
    &REGISTRY.kind(&d.kind).title
}

/// Something to do at the consumer of a need.
fn task(because: Because, d: &Dependency, action: String) -> Task {
    Task::of(because, action)
        .on(&d.consumer.name, &d.consumer.entity)
        .about(Some(&d.id))
        .citing(&d.evidence)
}

/// A line about a promise of the file that no dependency stands for.
fn plainly(says: String) -> WaveLine {
    WaveLine::only(says)
}
