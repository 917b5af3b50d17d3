//! Who needs whom across machines, and what it costs to live apart.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Dependency, Inventory, ReachedBy, Strength, VerdictWord};
use groma_model::registry::REGISTRY;
use rayon::prelude::*;

use super::machines::Machines;
use super::shape::OutBecause;

/// A dependency between two nodes.
pub(super) struct Need<'a> {
    pub(super) dependency: &'a Dependency,
    pub(super) consumer: usize,
    pub(super) provider: usize,
    /// What it costs when the two live apart.
    pub(super) weight: u64,
}

/// Below this weight two machines may live apart without anybody putting them together.
pub(super) const WEIGHT_THAT_BINDS: u64 = 40;

/// All needs between two different nodes, by the ids of their dependencies.
pub(super) fn needs<'a>(inventory: &'a Inventory, machines: &Machines<'a>) -> Vec<Need<'a>> {
    let mut by_id: Vec<&Dependency> = inventory.dependencies.iter().collect();
    by_id.sort_by(|a, b| a.id.cmp(&b.id));
    // Of two with one id, the last one counts.
    by_id.dedup_by(|later, kept| {
        let same = later.id == kept.id;
        if same {
            *kept = *later;
        }
        same
    });
    by_id
        .into_par_iter()
        .filter(|d| !is_wrong(d) && !d.details.local)
        .filter_map(|dependency| {
            let consumer = machines.node(&dependency.consumer.entity)?;
            let provider = machines.node(&dependency.provider.entity)?;
            let need = Need {
                dependency,
                consumer,
                provider,
                weight: weight(dependency),
            };
            (consumer != provider && matters(machines, &need)).then_some(need)
        })
        .collect()
}

pub(super) fn is_wrong(d: &Dependency) -> bool {
    let verdict = d.verdict.as_ref();
    verdict.is_some_and(|v| v.verdict == VerdictWord::Wrong)
}

/// True if it matters to a move: one end moves, and neither a guest's own hypervisor nor somebody outside whom
/// everybody reaches from everywhere is the other one.
fn matters(machines: &Machines<'_>, need: &Need<'_>) -> bool {
    let out = |node: usize| machines.nodes.get(node).and_then(|n| n.out);
    let (consumer, provider) = (out(need.consumer), out(need.provider));
    let d = need.dependency;
    match (consumer, provider) {
        (Some(_), Some(_)) => false,
        (_, Some(OutBecause::Hypervisor | OutBecause::NoMachine)) if d.is_carried() => false,
        (_, Some(OutBecause::Hypervisor)) => d.kind != "runs-on",
        (_, Some(OutBecause::Outside)) => d.strength == Strength::Blocking && !d.shared_service,
        _ => true,
    }
}

/// What it costs to have the two ends in different places for a while. What stops weighs more than what limps; storage
/// and databases suffer from every millisecond between; and what a name server can redirect is cheaper than what
/// somebody has to change on the machine.
fn weight(d: &Dependency) -> u64 {
    let base = match d.strength {
        Strength::Blocking => 100,
        Strength::Unknown => 40,
        Strength::Degrading => 15,
    };
    let layer = REGISTRY.kind(&d.kind).layer.as_str();
    let near = if matches!(layer, "storage" | "database") {
        2
    } else {
        1
    };
    let by_hand = if is_by_hand(d) { 5 } else { 4 };
    let apart = base * near * by_hand / 4;
    let halves = u32::from(!d.current) + u32::from(d.details.one_of_several);
    (apart >> halves).max(1)
}

/// True if the consumer finds its provider by something no name server can redirect.
pub(super) fn is_by_hand(d: &Dependency) -> bool {
    let literal = d.hidden_because.iter().any(|w| w == "address-literal");
    literal
        || matches!(
            d.reached_by,
            Some(ReachedBy::AddressLiteral | ReachedBy::HostsFile | ReachedBy::Broadcast)
        )
}

/// The needs of each pair of nodes taken together, between those nodes `kept` lets through.
pub(super) fn pairs(
    needs: &[Need<'_>],
    kept: impl Fn(usize) -> bool,
) -> BTreeMap<(usize, usize), u64> {
    let mut pairs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for need in needs {
        if kept(need.consumer) && kept(need.provider) {
            *pairs.entry((need.consumer, need.provider)).or_default() += need.weight;
        }
    }
    pairs
}

/// What each node does for others: kind → who has that need of it.
pub(super) fn served<'a>(
    needs: &[Need<'a>],
    nodes: usize,
) -> Vec<BTreeMap<&'a str, BTreeSet<usize>>> {
    let mut served = vec![BTreeMap::new(); nodes];
    for need in needs {
        if let Some(kinds) = served.get_mut(need.provider) {
            let consumers: &mut BTreeSet<usize> =
                kinds.entry(need.dependency.kind.as_str()).or_default();
            consumers.insert(need.consumer);
        }
    }
    served
}
