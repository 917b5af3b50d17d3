//! Which wave everything ended up in, under which number and name.

use std::collections::{BTreeMap, BTreeSet};

use super::needs::{Need, WEIGHT_THAT_BINDS};
use super::schedule::{Draft, Ground};
use super::shape::Stage;
use super::sharing::{Sharing, can_be_doubled};
use super::union::Union;

/// One wave: its number, and the nodes in it.
pub(super) struct Slot {
    pub(super) order: u32,
    pub(super) stage: Stage,
    pub(super) much: bool,
    pub(super) nodes: Vec<usize>,
    /// Groups in it that hang together by themselves.
    pub(super) pieces: usize,
}

impl Slot {
    pub(super) fn name(&self) -> String {
        name(self.order)
    }
}

/// What people call the wave of this number.
pub(super) fn name(order: u32) -> String {
    format!("w{order}")
}

/// All waves, and where each node moves.
pub(super) struct Calendar {
    pub(super) slots: Vec<Slot>,
    /// Node → number of the wave it moves in; a shared service is there from the first wave on.
    order_of: Vec<Option<u32>>,
    /// Nodes that are shared services.
    pub(super) shared: BTreeSet<usize>,
    /// Number of the wave in which the old shared services go.
    pub(super) retire: Option<u32>,
}

impl Calendar {
    /// Numbers the drafts that are not empty; shared services stand before and after them.
    pub(super) fn of(ground: &Ground<'_, '_>, drafts: Vec<Draft>, sharing: &Sharing) -> Self {
        let shared: BTreeSet<usize> = sharing.because.keys().copied().collect();
        let ends = |order, stage| Slot {
            order,
            stage,
            much: false,
            nodes: shared.iter().copied().collect(),
            pieces: shared.len(),
        };
        let mut slots = Vec::new();
        if !shared.is_empty() {
            slots.push(ends(0, Stage::Beside));
        }
        let mut order = 0;
        for draft in drafts.into_iter().filter(|d| !d.atoms.is_empty()) {
            order += 1;
            slots.push(slot(ground, &draft, order));
        }
        let mut order_of = vec![None; ground.machines.nodes.len()];
        for slot in &slots {
            for node in &slot.nodes {
                if let Some(place) = order_of.get_mut(*node) {
                    *place = Some(slot.order);
                }
            }
        }
        count_pieces(&mut slots, &order_of, ground.needs);
        let retire = (!shared.is_empty()).then_some(order + 1);
        slots.extend(retire.map(|order| ends(order, Stage::Retire)));
        Self {
            slots,
            order_of,
            shared,
            retire,
        }
    }

    pub(super) fn order(&self, node: usize) -> Option<u32> {
        self.order_of.get(node).copied().flatten()
    }

    pub(super) fn is_shared(&self, node: usize) -> bool {
        self.shared.contains(&node)
    }

    /// True if a new shared service answers this need beside the old one, so that nothing is cut.
    pub(super) fn is_folded(&self, need: &Need<'_>, directories: &BTreeSet<usize>) -> bool {
        let d = need.dependency;
        let replicated = d.kind == "smb" && directories.contains(&need.provider);
        self.is_shared(need.provider) && (d.shared_service || can_be_doubled(&d.kind) || replicated)
    }

    /// For each wave the waves that must be proven before: those that hold its providers, the pilot, and the new shared
    /// services; without those that these require themselves.
    pub(super) fn requires(&self, needs: &[Need<'_>]) -> Vec<Vec<String>> {
        let place: BTreeMap<u32, usize> = (self.slots.iter().enumerate())
            .map(|(at, slot)| (slot.order, at))
            .collect();
        let mut direct: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.slots.len()];
        let before = |s: &Slot| matches!(s.stage, Stage::Beside | Stage::Pilot);
        for (at, slot) in self.slots.iter().enumerate() {
            let earlier = self.slots.iter().enumerate().take(at);
            let all = slot.stage == Stage::Retire;
            let required = earlier.filter(|(_, s)| all || before(s)).map(|(e, _)| e);
            if let Some(set) = direct.get_mut(at) {
                set.extend(required);
            }
        }
        for need in needs.iter().filter(|n| n.weight >= WEIGHT_THAT_BINDS) {
            if let (Some(own), Some(provider)) =
                (self.order(need.consumer), self.order(need.provider))
                && provider < own
                && let (Some(own), Some(provider)) = (place.get(&own), place.get(&provider))
                && let Some(set) = direct.get_mut(*own)
            {
                set.insert(*provider);
            }
        }
        let kept = reduced(&direct);
        let named = |at: &usize| self.slots.get(*at).map(Slot::name);
        kept.iter()
            .map(|set| set.iter().filter_map(named).collect())
            .collect()
    }
}

fn slot(ground: &Ground<'_, '_>, draft: &Draft, order: u32) -> Slot {
    let atoms = draft.atoms.iter();
    let atoms = atoms.filter_map(|a| ground.groups.atoms.get(*a));
    let mut nodes: Vec<usize> = atoms.flatten().copied().collect();
    nodes.sort_unstable();
    Slot {
        order,
        stage: draft.stage,
        much: draft.much,
        nodes,
        pieces: 0,
    }
}

/// Counts in each wave the groups that have nothing to do with each other.
fn count_pieces(slots: &mut [Slot], order_of: &[Option<u32>], needs: &[Need<'_>]) {
    let mut union = Union::new(order_of.len());
    let order = |n: usize| order_of.get(n).copied().flatten();
    for need in needs {
        let own = order(need.consumer);
        if own.is_some() && own == order(need.provider) {
            union.join_within(need.consumer, need.provider, usize::MAX);
        }
    }
    for slot in slots {
        slot.pieces = union.sets(&slot.nodes).len();
    }
}

/// Each set without what another one of its members already requires, directly or over others. Every index is greater
/// than those in its set.
fn reduced(direct: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let words = direct.len().div_ceil(64);
    let mut reach: Vec<Vec<u64>> = Vec::with_capacity(direct.len());
    let mut kept = Vec::with_capacity(direct.len());
    for set in direct {
        let mut seen = vec![0_u64; words];
        let mut left = Vec::new();
        for at in set.iter().rev() {
            let (word, bit) = (at / 64, 1_u64 << (at % 64));
            if seen.get(word).is_some_and(|w| w & bit != 0) {
                continue;
            }
            left.push(*at);
            for (slot, more) in seen.iter_mut().zip(reach.get(*at).into_iter().flatten()) {
                *slot |= more;
            }
            if let Some(slot) = seen.get_mut(word) {
                *slot |= bit;
            }
        }
        left.reverse();
        reach.push(seen);
        kept.push(left);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_required_wave_requires_is_not_said_again() {
        let sets = [vec![], vec![0], vec![0, 1], vec![0, 2], vec![0]];
        let sets: Vec<BTreeSet<usize>> = sets.into_iter().map(BTreeSet::from_iter).collect();
        assert_eq!(reduced(&sets), [vec![], vec![0], vec![1], vec![2], vec![0]]);
    }
}
