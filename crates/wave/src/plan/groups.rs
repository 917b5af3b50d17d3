//! Who moves together: rings that must, systems that should, and what hangs together by strong needs.

use std::collections::BTreeMap;

use groma_model::inventory::Strength;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::machines::Machines;
use super::needs::{Need, WEIGHT_THAT_BINDS, pairs};
use super::union::Union;

/// Keeps apart what a division would make equal.
const SCALE: u64 = 1 << 30;

/// Machines grouped for moving. A node that moves with no wave is in no group.
pub(super) struct Groups {
    /// Groups nobody may divide: rings, and systems that fit. Each sorted; all by their first node.
    pub(super) atoms: Vec<Vec<usize>>,
    /// Atoms that hang together, as indices into `atoms`.
    pub(super) clusters: Vec<Vec<usize>>,
    /// Rings of blocking needs with more than one machine, also those too large for a wave.
    pub(super) rings: Vec<Vec<usize>>,
}

/// What grouping keeps to.
pub(super) struct Bounds {
    pub(super) hosts_max: usize,
    pub(super) sites_apart: bool,
}

/// Groups the nodes that `moving` lets through.
pub(super) fn groups(
    machines: &Machines<'_>,
    needs: &[Need<'_>],
    moving: &[bool],
    bounds: &Bounds,
) -> Groups {
    let is_moving = |n: usize| moving.get(n).copied().unwrap_or(false);
    let pairs = pairs(needs, is_moving);
    let consumers = consumers(&pairs);
    let rings = rings(needs, moving);
    let mut union = Union::new(machines.nodes.len());
    let site = |n: usize| machines.nodes.get(n).map(|n| &n.entity.site);
    let may_share = |a: usize, b: usize| !bounds.sites_apart || site(a) == site(b);
    for ring in &rings {
        if ring.len() <= bounds.hosts_max {
            union.join_all(ring);
        } else {
            let inside = Strongest::within(&pairs, &consumers, ring);
            inside.join(&mut union, bounds.hosts_max, may_share);
        }
    }
    for system in systems(machines, &is_moving, bounds.sites_apart) {
        let size = union.size_of_all(&system);
        if size <= bounds.hosts_max {
            union.join_all(&system);
        } else {
            let inside = Strongest::within(&pairs, &consumers, &system);
            inside.join(&mut union, bounds.hosts_max, may_share);
        }
    }
    let nodes: Vec<usize> = (0..moving.len()).filter(|n| is_moving(*n)).collect();
    let atoms = union.sets(&nodes);
    let mixed = mixed_sites(machines, &atoms, bounds.sites_apart);
    let strongest = Strongest::of(&pairs, &consumers, bounds.hosts_max);
    strongest.join(&mut union, bounds.hosts_max, |a, b| {
        may_share(a, b) && !mixed.contains(&a) && !mixed.contains(&b)
    });
    let clusters = clusters(&atoms, &mut union);
    Groups {
        atoms,
        clusters,
        rings,
    }
}

/// Circles of needs that stop what they meet: each node of one needs each other one, over others or not.
fn rings(needs: &[Need<'_>], moving: &[bool]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), (), u32>::with_capacity(moving.len(), needs.len());
    let at: Vec<NodeIndex> = moving.iter().map(|_| graph.add_node(())).collect();
    let is_moving = |n: usize| moving.get(n).copied().unwrap_or(false);
    for need in needs {
        let blocking = need.dependency.strength == Strength::Blocking;
        if let (true, Some(from), Some(to)) = (
            blocking && is_moving(need.consumer) && is_moving(need.provider),
            at.get(need.consumer),
            at.get(need.provider),
        ) {
            graph.update_edge(*from, *to, ());
        }
    }
    let mut rings: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|ring| ring.len() > 1)
        .map(|ring| {
            let mut ring: Vec<usize> = ring.into_iter().map(NodeIndex::index).collect();
            ring.sort_unstable();
            ring
        })
        .collect();
    rings.sort();
    rings
}

/// The moving machines of each system that has several, those of each site by themselves where sites stay apart.
fn systems(
    machines: &Machines<'_>,
    is_moving: &impl Fn(usize) -> bool,
    sites_apart: bool,
) -> Vec<Vec<usize>> {
    let mut systems: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, node) in machines
        .nodes
        .iter()
        .enumerate()
        .filter(|(n, _)| is_moving(*n))
    {
        if let Some(system) = node.system {
            let site = if sites_apart {
                node.entity.site.as_str()
            } else {
                ""
            };
            systems.entry((&system.id, site)).or_default().push(at);
        }
    }
    systems.into_values().filter(|s| s.len() > 1).collect()
}

/// Nodes of atoms that stand in several sites: a ring across sites moves by itself.
fn mixed_sites(
    machines: &Machines<'_>,
    atoms: &[Vec<usize>],
    sites_apart: bool,
) -> std::collections::BTreeSet<usize> {
    let site = |n: &usize| machines.nodes.get(*n).map(|n| &n.entity.site);
    let mixed = |atom: &&Vec<usize>| {
        let first = atom.first().and_then(site);
        sites_apart && atom.iter().any(|n| site(n) != first)
    };
    atoms.iter().filter(mixed).flatten().copied().collect()
}

/// Atoms by the cluster they ended up in.
fn clusters(atoms: &[Vec<usize>], union: &mut Union) -> Vec<Vec<usize>> {
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, atom) in atoms.iter().enumerate() {
        let root = atom.first().map_or(usize::MAX, |n| union.root(*n));
        clusters.entry(root).or_default().push(at);
    }
    let mut clusters: Vec<Vec<usize>> = clusters.into_values().collect();
    clusters.sort();
    clusters
}

/// Pairs of nodes, those that belong together most first.
struct Strongest(Vec<(u64, usize, usize)>);

impl Strongest {
    /// All pairs that bind. What a provider gives to few binds far more than what it gives to many: it is theirs alone.
    /// And what more need than a wave holds belongs to none of them.
    fn of(
        pairs: &BTreeMap<(usize, usize), u64>,
        consumers: &BTreeMap<usize, u64>,
        hosts_max: usize,
    ) -> Self {
        let fits = |b: &usize| consumers.get(b).is_none_or(|n| *n <= hosts_max as u64);
        let binding = pairs.iter();
        let binding = binding.filter(|((_, b), weight)| **weight >= WEIGHT_THAT_BINDS && fits(b));
        Self::ranked(consumers, binding)
    }

    /// The pairs inside of `members`, weak ones too. Only pairs of these are looked at: there may be many systems.
    fn within(
        pairs: &BTreeMap<(usize, usize), u64>,
        consumers: &BTreeMap<usize, u64>,
        members: &[usize],
    ) -> Self {
        let of = |a: &usize| pairs.range((*a, 0)..=(*a, usize::MAX));
        let inside = members.iter().flat_map(of);
        let inside = inside.filter(|((_, b), _)| members.binary_search(b).is_ok());
        Self::ranked(consumers, inside)
    }

    fn ranked<'p>(
        consumers: &BTreeMap<usize, u64>,
        pairs: impl Iterator<Item = (&'p (usize, usize), &'p u64)>,
    ) -> Self {
        let mut ranked: Vec<(u64, usize, usize)> = pairs
            .map(|((a, b), weight)| {
                let shared_by = consumers.get(b).copied().unwrap_or(1).max(1);
                let score = weight.saturating_mul(SCALE) / (shared_by * shared_by);
                (score, *a, *b)
            })
            .collect();
        ranked.sort_by(|x, y| (y.0, x.1, x.2).cmp(&(x.0, y.1, y.2)));
        Self(ranked)
    }

    fn join(&self, union: &mut Union, size_max: usize, may: impl Fn(usize, usize) -> bool) {
        for (_, a, b) in &self.0 {
            if may(*a, *b) {
                union.join_within(*a, *b, size_max);
            }
        }
    }
}

/// Provider → how many need it.
fn consumers(pairs: &BTreeMap<(usize, usize), u64>) -> BTreeMap<usize, u64> {
    let mut consumers: BTreeMap<usize, u64> = BTreeMap::new();
    for (_, provider) in pairs.keys() {
        *consumers.entry(*provider).or_default() += 1;
    }
    consumers
}
