//! A cheap second look: an atom that hangs more on another wave than on its own goes there, if that wave has room; and a
//! tiny wave joins another one where that costs nothing.

use std::collections::BTreeMap;

use groma_model::inventory::Strength;

use super::needs::Need;
use super::schedule::{Draft, Ground};
use super::shape::Stage;

/// How often all atoms are looked at, at most.
const ROUNDS_MAX: usize = 4;

/// Waves that are tried for one atom, those it hangs on most.
const TRIED_MAX: usize = 8;

/// A need whose consumer moves before its provider costs so many times its weight.
const OUT_OF_ORDER: u64 = 2;

/// A wave of at most one in so many of the machines that fit is tiny: nobody wants a weekend for one machine.
const TINY: usize = 5;

/// One end of a need, seen from an atom: the other atom, the weight, and whether the other one is the provider.
type Tie = (usize, u64, bool);

/// Moves atoms between waves while that makes the cut lighter. Each step does, so it ends; rounds bound it besides.
pub(super) fn improve(ground: &Ground<'_, '_>, drafts: &mut [Draft]) {
    let atoms = &ground.groups.atoms;
    let mut atom_of = vec![None; ground.machines.nodes.len()];
    for (at, atom) in atoms.iter().enumerate() {
        for node in atom {
            if let Some(slot) = atom_of.get_mut(*node) {
                *slot = Some(at);
            }
        }
    }
    let ties = ties(ground.needs, &atom_of, atoms.len());
    let mut wave_of = vec![0; atoms.len()];
    for (wave, draft) in drafts.iter().enumerate() {
        for atom in &draft.atoms {
            if let Some(slot) = wave_of.get_mut(*atom) {
                *slot = wave;
            }
        }
    }
    for _ in 0..ROUNDS_MAX {
        let mut moved = false;
        for (atom, nodes) in atoms.iter().enumerate() {
            let here = wave_of.get(atom).copied().unwrap_or_default();
            let ties = ties.get(atom).map_or(&[][..], Vec::as_slice);
            let bound = ground.options.hosts_max.max(1);
            let Some(there) = better(ties, &wave_of, drafts, here, nodes.len(), bound) else {
                continue;
            };
            shift(drafts, atom, nodes.len(), here, there);
            if let Some(slot) = wave_of.get_mut(atom) {
                *slot = there;
            }
            moved = true;
        }
        if !moved {
            break;
        }
    }
    let bound = ground.options.hosts_max.max(1);
    for here in 0..drafts.len() {
        if let Some(there) = host_of_tiny(&ties, &wave_of, drafts, here, bound) {
            merge(drafts, &mut wave_of, here, there);
        }
    }
}

/// The nearest wave that can take in a tiny one without a further cut, and with no consumer before its provider that was
/// behind it.
fn host_of_tiny(
    ties: &[Vec<Tie>],
    wave_of: &[usize],
    drafts: &[Draft],
    here: usize,
    hosts_max: usize,
) -> Option<usize> {
    let own = drafts.get(here)?;
    let is_tiny = own.size > 0 && own.size.saturating_mul(TINY) <= hosts_max;
    if !is_tiny || own.stage == Stage::Pilot {
        return None;
    }
    let mut near: Vec<usize> = (0..drafts.len())
        .filter(|at| *at != here)
        .filter(|at| {
            let draft = drafts.get(*at);
            draft.is_some_and(|d| d.size > 0 && fits(d, own, own.size, hosts_max))
        })
        .collect();
    near.sort_by_key(|at| (at.abs_diff(here), *at));
    let outside = |at: usize| -> u64 {
        let all = own.atoms.iter().filter_map(|atom| ties.get(*atom));
        let apart = all
            .flatten()
            .filter(|(other, _, _)| wave_of.get(*other) != Some(&here));
        apart
            .map(|tie| cost(std::slice::from_ref(tie), wave_of, at))
            .sum()
    };
    let now = outside(here);
    near.into_iter()
        .take(TRIED_MAX)
        .find(|at| outside(*at) <= now)
}

fn merge(drafts: &mut [Draft], wave_of: &mut [usize], here: usize, there: usize) {
    let Some(from) = drafts.get_mut(here) else {
        return;
    };
    let (atoms, size) = (std::mem::take(&mut from.atoms), from.size);
    from.size = 0;
    for atom in &atoms {
        if let Some(slot) = wave_of.get_mut(*atom) {
            *slot = there;
        }
    }
    if let Some(into) = drafts.get_mut(there) {
        into.atoms.extend(atoms);
        into.size += size;
    }
}

fn ties(needs: &[Need<'_>], atom_of: &[Option<usize>], atoms: usize) -> Vec<Vec<Tie>> {
    let mut summed: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let of = |n: usize| atom_of.get(n).copied().flatten();
    // What only limps pulls nobody: who watches everything would gather whom it watches.
    let pulls = |n: &&Need<'_>| n.dependency.strength != Strength::Degrading;
    for need in needs.iter().filter(pulls) {
        if let (Some(from), Some(to)) = (of(need.consumer), of(need.provider))
            && from != to
        {
            *summed.entry((from, to)).or_default() += need.weight;
        }
    }
    let mut ties = vec![Vec::new(); atoms];
    for ((from, to), weight) in summed {
        if let Some(list) = ties.get_mut(from) {
            list.push((to, weight, true));
        }
        if let Some(list) = ties.get_mut(to) {
            list.push((from, weight, false));
        }
    }
    ties
}

/// The wave in which an atom costs less than in its own.
fn better(
    ties: &[Tie],
    wave_of: &[usize],
    drafts: &[Draft],
    here: usize,
    size: usize,
    hosts_max: usize,
) -> Option<usize> {
    let own = drafts.get(here).filter(|d| d.stage != Stage::Pilot)?;
    let mut hangs_on: BTreeMap<usize, u64> = BTreeMap::new();
    for (other, weight, _) in ties {
        let wave = wave_of.get(*other).copied().unwrap_or_default();
        *hangs_on.entry(wave).or_default() += weight;
    }
    let at_home = hangs_on.get(&here).copied().unwrap_or_default();
    let mut tried: Vec<(u64, usize)> = hangs_on
        .into_iter()
        .filter(|(wave, weight)| *wave != here && *weight >= at_home)
        .map(|(wave, weight)| (weight, wave))
        .filter(|(_, wave)| {
            drafts
                .get(*wave)
                .is_some_and(|d| fits(d, own, size, hosts_max))
        })
        .collect();
    tried.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    let now = cost(ties, wave_of, here);
    let tried = tried.into_iter().take(TRIED_MAX);
    tried
        .map(|(_, wave)| (cost(ties, wave_of, wave), wave))
        .filter(|(cost, _)| *cost < now)
        .min()
        .map(|(_, wave)| wave)
}

fn fits(there: &Draft, here: &Draft, size: usize, hosts_max: usize) -> bool {
    there.stage != Stage::Pilot
        && there.site == here.site
        && there.much == here.much
        && there.size.saturating_add(size) <= hosts_max
}

fn cost(ties: &[Tie], wave_of: &[usize], wave: usize) -> u64 {
    let one = |(other, weight, is_provider): &Tie| {
        let there = wave_of.get(*other).copied().unwrap_or_default();
        let (provider, consumer) = if *is_provider {
            (there, wave)
        } else {
            (wave, there)
        };
        match provider.cmp(&consumer) {
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Less => *weight,
            std::cmp::Ordering::Greater => *weight * OUT_OF_ORDER,
        }
    };
    ties.iter().map(one).sum()
}

fn shift(drafts: &mut [Draft], atom: usize, size: usize, from: usize, to: usize) {
    if let Some(draft) = drafts.get_mut(from) {
        draft.atoms.retain(|a| *a != atom);
        draft.size -= size;
    }
    if let Some(draft) = drafts.get_mut(to) {
        draft.atoms.push(atom);
        draft.size += size;
    }
}
