//! What is put into waves as one piece: clusters with what decides about their place in the order.

use std::collections::BTreeSet;

use groma_model::inventory::{Entity, Strength};
use groma_model::registry::REGISTRY;

use super::groups::Groups;
use super::machines::{Machines, Matters};
use super::needs::Need;
use super::shape::Stage;

/// Rank of the highest layer that others stand on: identity.
const FOUNDATION: u32 = 5;
const DATABASE: u32 = 6;
const APPLICATION: u32 = 8;

/// One piece.
#[derive(Clone, Debug)]
pub(super) struct Lot<'a> {
    pub(super) atoms: Vec<usize>,
    /// Machines.
    pub(super) size: usize,
    /// Where it stands; two lots with different words never share a wave.
    pub(super) site: String,
    /// What its most important machine matters.
    pub(super) matters: Matters,
    pub(super) stage: Stage,
    /// Machines outside that lose something without it.
    pub(super) consumers: BTreeSet<usize>,
    /// What it costs to have it apart from everything else.
    pub(super) weight_outside: u64,
    /// Machines no agent looked at.
    pub(super) unlooked: usize,
    /// True if nothing of it needs anybody else.
    pub(super) needs_nobody: bool,
    /// Name of its first machine.
    pub(super) name: &'a str,
}

/// The lots of these sets of atoms, and the lot of each node.
pub(super) fn lots<'a>(
    machines: &Machines<'a>,
    needs: &[Need<'a>],
    groups: &Groups,
    sets: &[Vec<usize>],
    sites_apart: bool,
) -> (Vec<Lot<'a>>, Vec<Option<usize>>) {
    let mut lot_of = vec![None; machines.nodes.len()];
    let mut lots = Vec::with_capacity(sets.len());
    for (at, atoms) in sets.iter().enumerate() {
        let members = atoms.iter().filter_map(|a| groups.atoms.get(*a)).flatten();
        let members: BTreeSet<usize> = members.copied().collect();
        for member in &members {
            if let Some(slot) = lot_of.get_mut(*member) {
                *slot = Some(at);
            }
        }
        lots.push(lot(machines, atoms, &members, sites_apart));
    }
    let mut provides: Vec<Provides> = lots.iter().map(|_| Provides::default()).collect();
    for need in needs {
        look_at(need, &lot_of, &mut lots, &mut provides);
    }
    for (lot, provides) in lots.iter_mut().zip(provides) {
        lot.stage = provides.stage(lot.stage);
    }
    (lots, lot_of)
}

fn lot<'a>(
    machines: &Machines<'a>,
    atoms: &[usize],
    members: &BTreeSet<usize>,
    sites_apart: bool,
) -> Lot<'a> {
    let nodes: Vec<_> = members
        .iter()
        .filter_map(|n| machines.nodes.get(*n))
        .collect();
    let sites: BTreeSet<&str> = nodes.iter().map(|n| n.entity.site.as_str()).collect();
    let sites: Vec<&str> = sites.into_iter().collect();
    let all_users = nodes.iter().all(|n| is_users(n.entity));
    let first = members.first().copied();
    Lot {
        atoms: atoms.to_vec(),
        size: members.len(),
        site: if sites_apart {
            sites.join("\n")
        } else {
            String::new()
        },
        matters: nodes
            .iter()
            .map(|n| n.matters)
            .max()
            .unwrap_or(Matters::NobodySays),
        stage: if all_users {
            Stage::Users
        } else {
            Stage::Applications
        },
        consumers: BTreeSet::new(),
        weight_outside: 0,
        unlooked: nodes.iter().filter(|n| !n.entity.has_agent).count(),
        needs_nobody: true,
        name: first.map_or("", |n| machines.name(n)),
    }
}

fn look_at(
    need: &Need<'_>,
    lot_of: &[Option<usize>],
    lots: &mut [Lot<'_>],
    provides: &mut [Provides],
) {
    let of = |node: usize| lot_of.get(node).copied().flatten();
    let (from, to) = (of(need.consumer), of(need.provider));
    if from == to {
        return;
    }
    if let Some(provides) = from.and_then(|l| provides.get_mut(l)) {
        provides.needs += 1;
        provides.watches += usize::from(is_watching(need));
    }
    if let Some(lot) = from.and_then(|l| lots.get_mut(l)) {
        lot.needs_nobody = false;
        if to.is_some() {
            lot.weight_outside += need.weight;
        }
    }
    let Some(at) = to else { return };
    if let Some(lot) = lots.get_mut(at) {
        lot.weight_outside += need.weight;
        if need.dependency.strength != Strength::Degrading {
            lot.consumers.insert(need.consumer);
        }
    }
    if let Some(provides) = provides.get_mut(at) {
        provides.look_at(need);
    }
}

/// What a lot gives to others decides its stage: a whole application that only serves people is an application, whatever
/// databases are in it.
#[derive(Clone, Default)]
struct Provides {
    /// The lowest layer of what others stop without.
    rank: Option<u32>,
    needs: usize,
    /// Needs that only watch or copy others.
    watches: usize,
}

impl Provides {
    fn look_at(&mut self, need: &Need<'_>) {
        // Somebody who logs in from afar, or watches, makes no foundation.
        if need.dependency.strength == Strength::Blocking {
            let rank = REGISTRY.rank(&REGISTRY.kind(&need.dependency.kind).layer);
            self.rank = Some(self.rank.map_or(rank, |r| r.min(rank)));
        }
    }

    fn stage(&self, otherwise: Stage) -> Stage {
        match self.rank {
            Some(rank) if rank <= FOUNDATION => Stage::Foundation,
            Some(DATABASE) => Stage::Databases,
            Some(rank) if rank <= APPLICATION => Stage::Applications,
            Some(_) => Stage::Users,
            // Who watches or copies the others follows them.
            None if self.watches * 2 > self.needs => Stage::Users,
            None => otherwise,
        }
    }
}

fn is_watching(need: &Need<'_>) -> bool {
    let layer = REGISTRY.kind(&need.dependency.kind).layer.as_str();
    matches!(layer, "monitoring" | "backup") && !need.dependency.shared_service
}

/// True for machines people sit at.
fn is_users(entity: &Entity) -> bool {
    let os = entity.attributes.operating_system.as_ref();
    let is_desktop = os.is_some_and(|os| {
        let name = os.pretty_name.to_lowercase();
        let windows = os.family == "windows" || name.contains("windows");
        let desktop = ["10", "11", "8", "8.1", "7", "xp", "vista"];
        windows
            && !name.contains("server")
            && name.split_whitespace().any(|word| desktop.contains(&word))
    });
    matches!(entity.layer.as_str(), "endpoint" | "backup" | "monitoring")
        || entity.kind == "device"
        || is_desktop
}
