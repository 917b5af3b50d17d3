//! What stands beside the waves: shared services, rings and systems that were divided, what stays, and what a reader
//! must know first.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Inventory, Strength};
use groma_model::watched::asked_about;

use super::calendar::{self, Calendar};
use super::machines::{Machines, name, owner};
use super::needs::{Need, is_by_hand, served};
use super::schedule::Ground;
use super::shape::{CutRing, DividedSystem, OutBecause, SharedService, StaysOut};
use super::sharing::Sharing;
use super::shown::{count, shown};
use super::tell::serves;

/// Names that are told.
const NAMES: usize = 10;

/// Shared services by name, each with its two entries.
pub(super) fn shared(
    ground: &Ground<'_, '_>,
    calendar: &Calendar,
    sharing: &Sharing,
    directories: &BTreeSet<usize>,
) -> Vec<SharedService> {
    let machines = ground.machines;
    let served = served(ground.needs, machines.nodes.len());
    let mut users: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut by_hand: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for need in ground
        .needs
        .iter()
        .filter(|n| calendar.is_folded(n, directories))
    {
        users
            .entry(need.provider)
            .or_default()
            .insert(need.consumer);
        // Who stays where it is never gets new settings by moving.
        if is_by_hand(need.dependency) || !machines.moves(need.consumer) {
            by_hand
                .entry(need.provider)
                .or_default()
                .insert(need.consumer);
        }
    }
    let retired_in = calendar.retire.map(calendar::name).unwrap_or_default();
    let mut all: Vec<SharedService> = sharing
        .because
        .iter()
        .filter_map(|(at, because)| {
            let node = machines.nodes.get(*at)?;
            let by_hand = by_hand.remove(at).unwrap_or_default();
            Some(SharedService {
                entity: node.entity.id.clone(),
                name: name(node.entity).to_owned(),
                serves: serves(served.get(*at)),
                consumers: users.get(at).map_or(0, BTreeSet::len),
                built_in: calendar::name(0),
                retired_in: retired_in.clone(),
                why: why(because, &retired_in),
                by_hand_total: by_hand.len(),
                by_hand: names(machines, by_hand),
            })
        })
        .collect();
    all.sort_by(|a, b| (b.consumers, &a.name, &a.entity).cmp(&(a.consumers, &b.name, &b.entity)));
    all
}

fn why(because: &str, retired_in: &str) -> Vec<String> {
    vec![
        because.to_owned(),
        "first, in w0: build a new one in the new place, fed from the old, and see that it answers"
            .to_owned(),
        format!("last, in {retired_in}: the old one goes when nobody asks it any more"),
    ]
}

fn names(machines: &Machines<'_>, nodes: BTreeSet<usize>) -> Vec<String> {
    let mut names: Vec<String> = nodes.iter().map(|n| machines.name(*n).to_owned()).collect();
    names.sort();
    names.truncate(NAMES);
    names
}

/// Rings that lie in several waves.
pub(super) fn cut_rings(ground: &Ground<'_, '_>, calendar: &Calendar) -> Vec<CutRing> {
    let mut ring_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut cut = Vec::new();
    for ring in &ground.groups.rings {
        let waves: BTreeSet<u32> = ring.iter().filter_map(|n| calendar.order(*n)).collect();
        if waves.len() < 2 {
            continue;
        }
        ring_of.extend(ring.iter().map(|n| (*n, cut.len())));
        cut.push(CutRing {
            machines: ring.len(),
            names: names(ground.machines, ring.iter().copied().collect()),
            waves: waves.into_iter().map(calendar::name).collect(),
            cut_at: Vec::new(),
        });
    }
    for need in ground.needs {
        let (a, b) = (ring_of.get(&need.consumer), ring_of.get(&need.provider));
        let apart = calendar.order(need.consumer) != calendar.order(need.provider);
        let inside = a.is_some() && a == b && apart;
        if need.dependency.strength == Strength::Blocking
            && let Some(ring) = a.filter(|_| inside).and_then(|at| cut.get_mut(*at))
        {
            ring.cut_at.push(need.dependency.id.clone());
        }
    }
    cut
}

/// Systems of several machines that lie in several waves.
pub(super) fn divided(ground: &Ground<'_, '_>, calendar: &Calendar) -> Vec<DividedSystem> {
    let mut systems: BTreeMap<&str, (&str, Vec<usize>)> = BTreeMap::new();
    for (at, node) in ground.machines.nodes.iter().enumerate() {
        if let (Some(system), Some(_)) = (node.system, calendar.order(at)) {
            let entry = systems.entry(&system.id);
            entry.or_insert((&system.name, Vec::new())).1.push(at);
        }
    }
    let divided = |(id, (name, nodes)): (&str, (&str, Vec<usize>))| {
        let waves: BTreeSet<u32> = nodes.iter().filter_map(|n| calendar.order(*n)).collect();
        (waves.len() > 1).then(|| DividedSystem {
            id: id.to_owned(),
            name: name.to_owned(),
            waves: waves.into_iter().map(calendar::name).collect(),
            because: divided_because(ground, calendar, &nodes),
        })
    };
    systems.into_iter().filter_map(divided).collect()
}

fn divided_because(ground: &Ground<'_, '_>, calendar: &Calendar, nodes: &[usize]) -> String {
    let most = ground.options.hosts_max.max(1);
    let of = |n: &usize| ground.machines.nodes.get(*n);
    let sites: BTreeSet<&str> = nodes
        .iter()
        .filter_map(of)
        .map(|n| n.entity.site.as_str())
        .collect();
    let shared = nodes.iter().filter(|n| calendar.is_shared(**n)).count();
    if shared > 0 {
        return format!(
            "{} of it: nearly everybody needs it",
            count(
                shared,
                "machine is a shared service",
                "machines are shared services"
            )
        );
    }
    if ground.options.sites_apart && sites.len() > 1 {
        return format!("it stands in {} sites, and sites move apart", sites.len());
    }
    if nodes.len() > most {
        return format!("it has {} machines, and a wave holds {most}", nodes.len());
    }
    "what else must move with parts of it left no room for the whole".to_owned()
}

/// What moves with no wave, by name. Somebody outside is named only where a move changes something for them.
pub(super) fn stays_out(ground: &Ground<'_, '_>) -> Vec<StaysOut> {
    let machines = ground.machines;
    let mut needed_by: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut needs: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for need in ground.needs {
        needed_by
            .entry(need.provider)
            .or_default()
            .insert(need.consumer);
        needs
            .entry(need.consumer)
            .or_default()
            .insert(need.provider);
    }
    let number = |map: &BTreeMap<usize, BTreeSet<usize>>, at| map.get(&at).map_or(0, BTreeSet::len);
    let mut out: Vec<StaysOut> = machines
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| {
            let because = node.out?;
            let (needed_by, needs) = (number(&needed_by, at), number(&needs, at));
            let strangers = matches!(because, OutBecause::Outside | OutBecause::NoMachine);
            (!strangers || needed_by + needs > 0).then(|| StaysOut {
                entity: node.entity.id.clone(),
                name: name(node.entity).to_owned(),
                kind: node.entity.kind.clone(),
                because,
                needed_by,
                needs,
                question: question(name(node.entity), because, needed_by),
            })
        })
        .collect();
    out.sort_by(|a, b| (a.because, &a.name, &a.entity).cmp(&(b.because, &b.name, &b.entity)));
    out
}

fn question(name: &str, because: OutBecause, needed_by: usize) -> String {
    match because {
        OutBecause::DeclaredOnly => format!("Is {name} still there, and does it move?"),
        OutBecause::NoMachine => format!("On which machine does {name} lie?"),
        OutBecause::Retired if needed_by > 0 => format!(
            "{} still {} {name}: what do they use when it is gone?",
            count(needed_by, "machine", "machines"),
            if needed_by == 1 { "needs" } else { "need" }
        ),
        _ => String::new(),
    }
}

/// What a reader must know first.
pub(super) fn notes(
    inventory: &Inventory,
    ground: &Ground<'_, '_>,
    calendar: &Calendar,
    sharing: &Sharing,
    rings: &[CutRing],
) -> Vec<String> {
    let machines = ground.machines;
    let moving: Vec<usize> = (0..machines.nodes.len())
        .filter(|n| machines.moves(*n))
        .collect();
    if moving.is_empty() {
        return vec![empty(machines)];
    }
    let mut notes = Vec::new();
    if ground.needs.is_empty() {
        notes.push("No dependency between machines is known, so the order rests on criticality and names alone: look longer before believing it.".to_owned());
    }
    let node = |n: &usize| machines.nodes.get(*n);
    let of = |number: usize, says: &str| format!("{number} of {} machines {says}", moving.len());
    let unlooked = moving
        .iter()
        .filter_map(node)
        .filter(|n| !n.entity.has_agent)
        .count();
    if unlooked > 0 {
        notes.push(of(
            unlooked,
            "have no agent: what they need is known from outside only.",
        ));
    }
    let nobody = moving.iter().filter_map(node);
    let nobody = nobody
        .filter(|n| owner(n.entity, n.system).is_none())
        .count();
    if nobody > 0 {
        notes.push(of(nobody, "have no owner: each is a question of its wave."));
    }
    notes.extend(may_stay_behind(inventory, machines));
    for ring in rings {
        notes.push(format!(
            "{} machines need each other in a circle and a wave holds {}: the circle was cut at {}, the weakest there were. Raise the limit, or bridge them.",
            ring.machines,
            ground.options.hosts_max.max(1),
            count(ring.cut_at.len(), "dependency", "dependencies"),
        ));
    }
    for (node, users) in &sharing.tied {
        notes.push(format!(
            "{} gives {} what every machine needs, and keeps what cannot stand in two places: build that service anew beside it before it moves.",
            shown(machines.name(*node)),
            count(*users, "machine", "machines"),
        ));
    }
    notes.extend(unseen(ground.needs, calendar));
    notes
}

/// Machines that move here, and that nobody was seen to use: to be asked about before the waves are settled.
fn may_stay_behind(inventory: &Inventory, machines: &Machines<'_>) -> Option<String> {
    let asked: BTreeSet<&EntityId> = asked_about(inventory).map(|(one, _)| &one.id).collect();
    let nodes = (0..machines.nodes.len()).filter(|n| machines.moves(*n));
    let is_asked = |n: &usize| {
        let node = machines.nodes.get(*n);
        node.is_some_and(|node| asked.contains(&node.entity.id))
    };
    let mut names: Vec<String> = nodes
        .filter(is_asked)
        .map(|n| shown(machines.name(n)).to_string())
        .collect();
    names.sort();
    let total = names.len();
    names.truncate(NAMES);
    (total > 0).then(|| {
        let more = if total > NAMES { " and more" } else { "" };
        format!(
            "Nobody was seen to use {} for weeks ({}{more}): ask {} whether it has to be moved at all, before the waves are settled.",
            count(total, "machine", "machines"),
            names.join(", "),
            if total == 1 { "its owner" } else { "the owner of each" },
        )
    })
}

fn empty(machines: &Machines<'_>) -> String {
    match machines.nodes.len() {
        0 => {
            "The inventory holds no machine: look first (groma survey, or agents), then plan again."
                .to_owned()
        }
        n => format!(
            "No machine moves: {} known, and each stays out for the reason that stands with it.",
            count(n, "thing is", "things are")
        ),
    }
}

fn unseen(needs: &[Need<'_>], calendar: &Calendar) -> Option<String> {
    let counted = |n: &&Need<'_>| {
        !n.dependency.current
            && (calendar.order(n.consumer).is_some() || calendar.order(n.provider).is_some())
    };
    let unseen = needs.iter().filter(counted).count();
    (unseen > 0).then(|| {
        format!(
            "{} by the newest look and planned for all the same.",
            count(
                unseen,
                "dependency was not seen",
                "dependencies were not seen"
            )
        )
    })
}
