//! The wave file itself: names that mean something, dates that can be, an order that holds.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::wave::{Criterion, Wave};
use groma_model::wording::{agree, count};

use super::item::{Draft, Topic, names};
use super::scene::Scene;
use crate::machines::is_machine;
use crate::nearest::nearest;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = unknown_names(scene);
    drafts.extend(ambiguous(scene));
    drafts.extend(window(scene));
    drafts.extend(order(scene));
    drafts.extend(overlaps(scene));
    drafts.extend(destinations(scene));
    drafts.extend(coexistence(scene));
    drafts.extend(criteria(scene));
    drafts.extend(exclusions(scene));
    drafts
}

fn to_do(about: &[&str], says: impl Into<String>) -> Draft {
    Draft::to_do(Topic::WaveFile, about, says)
}

/// A name that nothing in the inventory has. What takes a place may not be there yet: that is a question.
fn unknown_names(scene: &Scene<'_>) -> Vec<Draft> {
    let wave = scene.wave;
    let goes = wave
        .members
        .iter()
        .chain(wave.moves.iter().map(|m| &m.from));
    let unknown = |name: &&String| scene.meant(name).is_none();
    let mut drafts: Vec<Draft> = goes
        .chain(&wave.exclusions)
        .filter(unknown)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|name| misnamed(scene, name))
        .collect();
    let comes: BTreeSet<&String> = wave.moves.iter().map(|m| &m.to).collect();
    drafts.extend(comes.into_iter().filter(unknown).map(|name| {
        let says = format!("Is {name} up? Nothing that was looked at has that name.");
        Draft::ask(Topic::WaveFile, &["target", name], says)
            .because("Until it is seen, neither its certificate nor its open ports can be checked: put an agent on it, or look at it from elsewhere.")
            .by(scene.begins())
    }));
    if wave.members.is_empty() && wave.moves.is_empty() {
        let says = "Write down what moves: the file has neither members nor moves.";
        drafts.push(to_do(&["empty"], says));
    }
    drafts
}

fn misnamed(scene: &Scene<'_>, name: &str) -> Draft {
    let known = scene.inventory.entities.iter().map(|e| e.name.as_str());
    let hint = nearest(name, known).map(|near| format!(" The nearest name is {near}."));
    to_do(
        &["unknown", name],
        format!("Correct the name {name} in the wave file: nothing in the inventory has it."),
    )
    .because(format!(
        "Names, aliases, addresses and ids were compared.{}",
        hint.unwrap_or_default()
    ))
}

/// A name that several machines have.
fn ambiguous(scene: &Scene<'_>) -> Vec<Draft> {
    let wave = scene.wave;
    let all = wave
        .members
        .iter()
        .chain(wave.moves.iter().flat_map(|m| [&m.from, &m.to]));
    let all: BTreeSet<&String> = all.collect();
    let one = |name: &String| {
        let machines: Vec<&EntityId> = scene
            .meant(name)?
            .iter()
            .filter(|id| scene.inventory.entity(id).is_some_and(is_machine))
            .collect();
        (machines.len() > 1).then(|| {
            let says = format!(
                "Say which machine {name} is: {} have that name.",
                count(machines.len(), "machine", "machines")
            );
            to_do(&["ambiguous", name], says)
                .because(format!(
                    "Write the id instead: {}.",
                    names(machines.iter().map(|id| id.as_str()))
                ))
                .on(&machines)
        })
    };
    all.into_iter().filter_map(one).collect()
}

fn window(scene: &Scene<'_>) -> Option<Draft> {
    let Some(window) = scene.window() else {
        let says = "Write the window into the wave file: without it nothing can be dated.";
        return Some(to_do(&["window"], says).who(scene.wave.owner.clone()));
    };
    if window.to <= scene.now {
        let says = "Set a new window: the one in the file is over.";
        let over = format!("It ended on {} UTC.", window.to.minute());
        return Some(to_do(&["window"], says).because(over));
    }
    None
}

/// What must be proven before, and whether that can be.
fn order(scene: &Scene<'_>) -> Vec<Draft> {
    let wave = scene.wave;
    let all: BTreeMap<&str, &Wave> = scene
        .others
        .iter()
        .map(|other| (other.name.as_str(), *other))
        .collect();
    let mut drafts = Vec::new();
    for required in &wave.requires {
        let about = ["requires", required.as_str()];
        let Some(other) = all.get(required.as_str()) else {
            let says = format!("Is wave {required} proven? This one requires it.");
            let because =
                "Its file was not given; name it beside this one and its dates are compared.";
            drafts.push(
                Draft::ask(Topic::WaveFile, &about, says)
                    .because(because)
                    .by(scene.begins()),
            );
            continue;
        };
        if requires(&all, other, &wave.name) {
            let says = format!(
                "Cut the circle: {} requires {required}, and {required} requires {}.",
                wave.name, wave.name
            );
            drafts.push(to_do(&["circle", required], says));
        } else if let (Some(mine), Some(theirs)) = (wave.window, other.window)
            && theirs.to > mine.from
        {
            let says =
                format!("Move the window behind that of wave {required}, which this one requires.");
            let because = format!(
                "{required} ends on {} UTC, this one begins on {} UTC.",
                theirs.to.minute(),
                mine.from.minute()
            );
            drafts.push(to_do(&about, says).because(because));
        } else {
            let says = format!("Is wave {required} proven? This one requires it.");
            drafts.push(
                Draft::ask(Topic::WaveFile, &about, says)
                    .who(other.owner.clone())
                    .by(scene.begins()),
            );
        }
    }
    drafts
}

/// True if `from` needs the wave `name`, directly or through others.
fn requires(all: &BTreeMap<&str, &Wave>, from: &Wave, name: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(wave) = open.pop() {
        if wave.requires.iter().any(|r| r == name) {
            return true;
        }
        let next = wave.requires.iter().filter(|r| seen.insert((*r).clone()));
        open.extend(next.filter_map(|r| all.get(r.as_str())));
    }
    false
}

/// Another wave at the same time that nobody said may be.
fn overlaps(scene: &Scene<'_>) -> Vec<Draft> {
    let Some(mine) = scene.window() else {
        return Vec::new();
    };
    let wave = scene.wave;
    let beside = |other: &&&Wave| {
        wave.parallel_with.contains(&other.name) || other.parallel_with.contains(&wave.name)
    };
    let at_once = scene
        .others
        .iter()
        .filter(|other| !beside(other))
        .filter(|other| {
            other
                .window
                .is_some_and(|w| w.from < mine.to && mine.from < w.to)
        });
    at_once
        .map(|other| {
            let says = format!(
                "Waves {} and {} share hours: say parallel_with in one of them, or move one.",
                wave.name, other.name
            );
            to_do(&["overlap", &other.name], says)
        })
        .collect()
}

/// A member whom others need, and for whom nobody says where they go.
fn destinations(scene: &Scene<'_>) -> Vec<Draft> {
    let members = scene.machines().filter(|m| scene.move_of(&m.id).is_none());
    let one = |member: &groma_model::inventory::Entity| {
        let needs = scene
            .inward
            .iter()
            .filter(|d| d.provider.entity == member.id);
        let consumers: BTreeSet<&str> = needs.map(|d| d.consumer.name.as_str()).collect();
        (!consumers.is_empty()).then(|| {
            let says = format!(
                "Say what takes the place of {}, or that nothing does: no move names it.",
                member.name
            );
            let because = format!(
                "{} {} it: {}.",
                count(consumers.len(), "machine", "machines"),
                agree(consumers.len(), "needs", "need"),
                names(&consumers)
            );
            to_do(&["move", member.id.as_str()], says)
                .because(because)
                .who(scene.owner_of(&member.id))
                .on([&member.id])
        })
    };
    members.filter_map(one).collect()
}

fn coexistence(scene: &Scene<'_>) -> Option<Draft> {
    let consumers: BTreeSet<&str> = scene
        .inward
        .iter()
        .map(|d| d.consumer.name.as_str())
        .collect();
    match (&scene.wave.coexistence, scene.window()) {
        (None, _) if !consumers.is_empty() => {
            let says = "Say how old and new live side by side, and until when.";
            let because = format!(
                "{} outside the wave still {} what moves: {}.",
                count(consumers.len(), "machine", "machines"),
                agree(consumers.len(), "needs", "need"),
                names(&consumers)
            );
            Some(
                to_do(&["coexistence"], says)
                    .because(because)
                    .who(scene.wave.owner.clone()),
            )
        }
        (Some(side), Some(window)) if side.until.is_some_and(|until| until < window.to) => {
            let says = "Let old and new live side by side until after the window.";
            let until = side.until.map(|at| at.minute()).unwrap_or_default();
            Some(to_do(&["coexistence"], says).because(format!(
                "The file says until {until} UTC; the window ends on {} UTC.",
                window.to.minute()
            )))
        }
        _ => None,
    }
}

/// What is measured to call it a success.
fn criteria(scene: &Scene<'_>) -> Vec<Draft> {
    if scene.wave.criteria.is_empty() {
        let says = "What is measured to call the wave a success, and who accepts it? The file has no criterion.";
        return vec![
            Draft::ask(Topic::WaveFile, &["criteria"], says)
                .who(scene.wave.owner.clone())
                .by(scene.begins()),
        ];
    }
    let measured: BTreeSet<&str> = scene
        .inventory
        .measurements
        .iter()
        .map(|m| m.metric.as_str())
        .collect();
    let unknown = scene
        .wave
        .criteria
        .iter()
        .filter(|c| !measured.contains(c.metric.as_str()));
    unknown
        .map(|criterion| {
            let metric = &criterion.metric;
            let limits = limits(criterion);
            let near = nearest(metric, measured.iter().copied())
                .map(|near| format!(" The nearest that is taken is {near}."));
            let (says, near) = match groma_model::measured::metric(metric) {
                Some(known) => {
                    let says = format!("Who measures {metric}, before and after? No look took that number yet; it comes from {}.", known.source);
                    (says, None)
                }
                None => {
                    let says = format!("Who measures {metric}, before and after? No look takes that number.");
                    (says, near)
                }
            };
            Draft::ask(Topic::WaveFile, &["criterion", metric, &limits], says)
            .because(format!(
                "It must be {limits}.{}",
                near.unwrap_or_default()
            ))
            .who(criterion.accepted_by.clone())
            .by(scene.begins())
        })
        .collect()
}

/// What a number must keep to, for a person.
fn limits(criterion: &Criterion) -> String {
    let most = criterion.threshold.map(|most| format!("at most {most}"));
    let least = criterion.at_least.map(|least| format!("at least {least}"));
    let all: Vec<String> = most.into_iter().chain(least).collect();
    all.join(" and ")
}

fn exclusions(scene: &Scene<'_>) -> Vec<Draft> {
    let both = scene.wave.exclusions.iter().filter(|name| {
        scene
            .meant(name)
            .is_some_and(|ids| !ids.is_disjoint(&scene.leaving))
    });
    both.map(|name| {
        let says = format!("{name} is a member and an exclusion at once: its changes would be reported to nobody. Take it out of one list.");
        to_do(&["excluded", name], says)
    })
    .collect()
}
