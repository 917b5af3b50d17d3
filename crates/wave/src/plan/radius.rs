//! Who breaks while a wave moves: everybody outside of it who needs a member, or needs somebody who does.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::Strength;

use super::calendar::Calendar;
use super::machines::Machines;
use super::needs::Need;
use super::shape::{BlastRadius, Stage};

/// Waves that are followed at once: one bit each.
const AT_ONCE: usize = 64;

/// Names that are told.
const NAMES: usize = 10;

/// Kinds of which a client keeps a list and turns to the next entry.
const IN_LISTS: &[&str] = &[
    "dns",
    "ntp",
    "ldap-bind",
    "kerberos",
    "radius",
    "dhcp",
    "http-proxy",
];

/// The radius of each wave of `calendar`, in its order.
pub(super) fn radii(
    machines: &Machines<'_>,
    needs: &[Need<'_>],
    calendar: &Calendar,
) -> Vec<BlastRadius> {
    let consumers = consumers(machines, needs);
    let mut radii = Vec::with_capacity(calendar.slots.len());
    for slots in calendar.slots.chunks(AT_ONCE) {
        let mut members = vec![0_u64; consumers.len()];
        for (bit, slot) in slots.iter().enumerate() {
            // What is built beside breaks nobody.
            let nodes = (slot.stage != Stage::Beside).then_some(&slot.nodes);
            for node in nodes.into_iter().flatten() {
                if let Some(mask) = members.get_mut(*node) {
                    *mask |= 1 << bit;
                }
            }
        }
        let direct = one_step(&consumers, &members);
        let all = closure(&consumers, &members);
        radii.extend((0..slots.len()).map(|bit| radius(machines, &members, &direct, &all, bit)));
    }
    radii
}

/// Node → who stops or may stop without it.
fn consumers(machines: &Machines<'_>, needs: &[Need<'_>]) -> Vec<Vec<usize>> {
    let mut lists: BTreeMap<(usize, &str), BTreeSet<usize>> = BTreeMap::new();
    let kinds = |need: &Need<'_>| IN_LISTS.contains(&need.dependency.kind.as_str());
    for need in needs.iter().filter(|n| kinds(n)) {
        let list = lists.entry((need.consumer, need.dependency.kind.as_str()));
        list.or_default().insert(need.provider);
    }
    let has_second = |need: &Need<'_>| {
        let list = lists.get(&(need.consumer, need.dependency.kind.as_str()));
        list.is_some_and(|providers| providers.len() > 1)
    };
    let mut consumers = vec![Vec::new(); machines.nodes.len()];
    for need in needs {
        let d = need.dependency;
        let limps =
            d.strength == Strength::Degrading || d.details.one_of_several || has_second(need);
        if let (false, Some(list)) = (limps, consumers.get_mut(need.provider)) {
            list.push(need.consumer);
        }
    }
    for list in &mut consumers {
        list.sort_unstable();
        list.dedup();
    }
    consumers
}

fn one_step(consumers: &[Vec<usize>], members: &[u64]) -> Vec<u64> {
    let mut reached = vec![0; members.len()];
    for (node, list) in consumers.iter().enumerate() {
        let mask = members.get(node).copied().unwrap_or_default();
        for consumer in list {
            if let Some(slot) = reached.get_mut(*consumer) {
                *slot |= mask;
            }
        }
    }
    reached
}

/// Everybody reached, all waves at once: a node is looked at again only when a further wave reaches it.
fn closure(consumers: &[Vec<usize>], members: &[u64]) -> Vec<u64> {
    let mut reached = members.to_vec();
    let mut fresh = members.to_vec();
    let mut waiting: Vec<usize> = (0..members.len())
        .filter(|n| members.get(*n).is_some_and(|m| *m != 0))
        .collect();
    while !waiting.is_empty() {
        let mut next = Vec::new();
        for node in waiting {
            let mask = fresh.get_mut(node).map(std::mem::take).unwrap_or_default();
            for consumer in consumers.get(node).into_iter().flatten() {
                let Some(known) = reached.get_mut(*consumer) else {
                    continue;
                };
                let new = mask & !*known;
                *known |= new;
                if let Some(slot) = fresh.get_mut(*consumer).filter(|_| new != 0) {
                    if *slot == 0 {
                        next.push(*consumer);
                    }
                    *slot |= new;
                }
            }
        }
        waiting = next;
    }
    reached
}

fn radius(
    machines: &Machines<'_>,
    members: &[u64],
    direct: &[u64],
    all: &[u64],
    bit: usize,
) -> BlastRadius {
    let has = |masks: &[u64], n: usize| masks.get(n).is_some_and(|m| m >> bit & 1 == 1);
    let outside = (0..members.len()).filter(|n| has(all, *n) && !has(members, *n));
    let (near, far): (Vec<usize>, Vec<usize>) = outside.partition(|n| has(direct, *n));
    let first = |nodes: &[usize]| -> Vec<String> {
        let mut names: Vec<&str> = nodes.iter().map(|n| machines.name(*n)).collect();
        // Thousands may be reached by each of hundreds of waves: only the first ten are put in order.
        if names.len() > NAMES {
            names.select_nth_unstable(NAMES);
            names.truncate(NAMES);
        }
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect()
    };
    let names = first(&near).into_iter().chain(first(&far));
    BlastRadius {
        direct: near.len(),
        through_others: far.len(),
        names: names.take(NAMES).collect(),
    }
}
