//! What makes an outcome worth less than it looks.

use std::collections::{BTreeSet, HashSet};

use groma_model::EntityId;
use groma_model::inventory::{Inventory, TimeWindow, WaveEntry};

use super::case::Case;
use crate::nearest::nearest;

/// Unknown names that are looked for among all names; a file with more is the file of another estate.
const SUGGESTIONS_MAX: usize = 40;

/// The sentences, in the order in which they weigh.
pub(crate) fn warnings(case: &Case<'_>) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(strangers(case.before, case.after));
    said.extend(order(case));
    said.extend(unknown(case));
    said.extend(window(case));
    said.extend(baselines(case));
    said.extend(other_waves(case));
    said
}

/// True for documents of two stores: no id means the same in both.
pub(crate) fn are_strangers(before: &Inventory, after: &Inventory) -> bool {
    let known: HashSet<&EntityId> = before.entities.iter().map(|e| &e.id).collect();
    let shared = after.entities.iter().any(|e| known.contains(&e.id));
    !known.is_empty() && !after.entities.is_empty() && !shared
}

fn strangers(before: &Inventory, after: &Inventory) -> Option<String> {
    if are_strangers(before, after) {
        return Some(
            "the two documents have not one thing in common: they come from two stores, and nothing was compared"
                .to_owned(),
        );
    }
    let ids = |i: &Inventory| {
        i.sites
            .iter()
            .map(|s| s.id.clone())
            .collect::<BTreeSet<_>>()
    };
    let (one, other) = (ids(before), ids(after));
    let apart = !one.is_empty() && !other.is_empty() && one.is_disjoint(&other);
    apart.then(|| {
        "the two documents are of different sites: compare two snapshots of one store".to_owned()
    })
}

fn order(case: &Case<'_>) -> Vec<String> {
    let (old, new) = (case.before, case.after);
    let mut said = Vec::new();
    if new.window.to < old.window.to {
        said.push(format!(
            "the second document ends at {} UTC, before the first one ({} UTC): they are the wrong way round",
            new.window.to.minute(),
            old.window.to.minute()
        ));
    }
    if old.data_level != new.data_level {
        said.push(format!(
            "the first document was made at data level {}, the second at {}: persons have other names in it, so rights and delegates do not compare",
            old.data_level, new.data_level
        ));
    }
    said
}

/// Names of the wave file that mean nothing in either document.
fn unknown(case: &Case<'_>) -> Vec<String> {
    let wave = case.wave;
    let moves = wave.moves.iter().flat_map(|m| [&m.from, &m.to]);
    let ends = wave
        .expected
        .iter()
        .flat_map(|e| e.consumer.iter().chain([&e.provider]));
    let names: BTreeSet<&String> = wave
        .members
        .iter()
        .chain(moves)
        .chain(&wave.exclusions)
        .chain(ends)
        .collect();
    let unknown = names
        .into_iter()
        .filter(|name| case.everywhere(name).is_empty());
    let known: BTreeSet<&str> = case.old.all().chain(case.new.all()).collect();
    let say = |(number, name): (usize, &String)| {
        let like = if number < SUGGESTIONS_MAX {
            nearest(name, known.iter().copied())
        } else {
            None
        };
        match like {
            Some(like) => {
                format!("{name} of the wave file is in neither document: did you mean {like}?")
            }
            None => format!(
                "{name} of the wave file is in neither document: check the name, or look at that machine"
            ),
        }
    };
    unknown.enumerate().map(say).collect()
}

/// The window must lie between the two moments.
fn window(case: &Case<'_>) -> Vec<String> {
    let Some(TimeWindow { from, to }) = case.wave.window else {
        return Vec::new();
    };
    let (old, new) = (case.before.window, case.after.window);
    let (begins, ends) = (from.minute(), to.minute());
    if to < from {
        return vec![format!(
            "the window ends at {ends} UTC, before it begins at {begins} UTC: check it in the wave file"
        )];
    }
    let mut said = Vec::new();
    if from >= new.to {
        said.push(format!(
            "the window begins at {begins} UTC, after the later look ({} UTC): the wave has not happened yet",
            new.to.minute()
        ));
    } else if to > new.to {
        said.push(format!(
            "the window ends at {ends} UTC, after the later look ({} UTC): the wave is still under way",
            new.to.minute()
        ));
    }
    if to <= old.from {
        said.push(format!(
            "the window ended at {ends} UTC, before the first look ({} UTC): the first document shows what had already moved; take an older snapshot",
            old.from.minute()
        ));
    } else if from < old.to {
        said.push(format!(
            "the window began at {begins} UTC, before the end of the earlier look ({} UTC): part of the move may be in it already",
            old.to.minute()
        ));
    }
    if from > case.after.generated_at && from < new.to {
        said.push(format!(
            "the window begins at {begins} UTC, after the later document was made: check the clocks"
        ));
    }
    let until = case.wave.coexistence.as_ref().and_then(|c| c.until);
    if let Some(until) = until.filter(|until| *until < from) {
        said.push(format!(
            "coexistence ends on {}, before the window begins: check the dates of the wave file",
            until.day()
        ));
    }
    said
}

fn baselines(case: &Case<'_>) -> Vec<String> {
    let snapshot = case.before.snapshot.as_deref();
    let named: BTreeSet<&str> = case
        .wave
        .criteria
        .iter()
        .filter_map(|c| c.baseline.as_deref())
        .collect();
    let others = named.into_iter().filter(|name| snapshot != Some(*name));
    let shown = snapshot.unwrap_or("a document without a name");
    others
        .map(|name| format!("the wave file names {name} as a baseline, but the first document is {shown}: the values before are of that one"))
        .collect()
}

/// Waves that are known to the store: what they say of this one.
fn other_waves(case: &Case<'_>) -> Vec<String> {
    let wave = case.wave;
    let known: Vec<&WaveEntry> = case
        .after
        .waves
        .iter()
        .filter(|w| w.name != wave.name)
        .collect();
    let mut said = Vec::new();
    if wave.requires.contains(&wave.name) {
        said.push(format!(
            "wave {} requires itself: take that out of the wave file",
            wave.name
        ));
    }
    for name in wave.requires.iter().filter(|name| **name != wave.name) {
        match known.iter().find(|w| w.name == **name) {
            Some(other) if other.order > wave.order => said.push(format!(
                "wave {name} is required, but comes later (order {}, this one {}): they wait for each other",
                other.order, wave.order
            )),
            Some(other) if other.state != "proven" => said.push(format!(
                "wave {name} is required and not proven yet: its state is {}",
                other.state
            )),
            None if !known.is_empty() => said.push(format!("wave {name} is required, and nobody knows it")),
            _ => {}
        }
    }
    for other in known {
        said.extend(beside(case, other));
    }
    said
}

fn beside(case: &Case<'_>, other: &WaveEntry) -> Vec<String> {
    let wave = case.wave;
    let mut said = Vec::new();
    let overlap = |a: TimeWindow, b: TimeWindow| a.from < b.to && b.from < a.to;
    let at_once = wave
        .window
        .zip(other.window)
        .is_some_and(|(a, b)| overlap(a, b));
    if at_once && !wave.parallel_with.contains(&other.name) {
        said.push(format!(
            "wave {} has a window at the same time and is not named in parallel_with: what changed may be its work",
            other.name
        ));
    }
    let mine: BTreeSet<_> = wave
        .members
        .iter()
        .flat_map(|n| case.everywhere(n))
        .collect();
    let shared = other
        .members
        .iter()
        .filter(|n| case.everywhere(n).iter().any(|id| mine.contains(id)));
    let shared: BTreeSet<&str> = shared.map(String::as_str).collect();
    if !shared.is_empty() {
        let names = shared.into_iter().collect::<Vec<_>>().join(", ");
        said.push(format!("{names} belongs to wave {}, too", other.name));
    }
    said
}
