//! The order: a pilot of what matters least, then providers before their consumers, from the foundation to the users.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::groups::Groups;
use super::lots::{Lot, lots};
use super::machines::{Machines, Matters};
use super::needs::{Need, WEIGHT_THAT_BINDS};
use super::shape::{PlanOptions, Stage};

/// So many machines a pilot may have that others need, at most.
const PILOT_CONSUMERS_MAX: usize = 2;

/// Below so many times its size an estate needs no pilot.
const PILOT_WORTH: usize = 2;

/// A wave in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) stage: Stage,
    pub(super) site: String,
    /// True if it holds what matters much, which shares no wave with the rest.
    pub(super) much: bool,
    pub(super) atoms: Vec<usize>,
    pub(super) size: usize,
}

/// What all of scheduling reads.
pub(super) struct Ground<'p, 'a> {
    pub(super) machines: &'p Machines<'a>,
    pub(super) needs: &'p [Need<'a>],
    pub(super) groups: &'p Groups,
    pub(super) options: &'p PlanOptions,
}

/// Waves in their order.
pub(super) fn schedule(ground: &Ground<'_, '_>) -> Vec<Draft> {
    let (sets, pilot) = with_pilot(ground);
    let (lots, lot_of) = ground.lots(&sets);
    let mut order = Order::of(&lots, ground.needs, &lot_of);
    let mut waves = Waves::new(ground.options.hosts_max.max(1), lots.len());
    if !pilot.is_empty() {
        waves.open_pilot(&lots, &pilot);
        for lot in &pilot {
            order.take(*lot, &lots);
        }
    }
    while let Some(next) = order.next(&lots) {
        waves.place(next, &lots, &order);
    }
    waves.drafts
}

impl<'a> Ground<'_, 'a> {
    fn lots(&self, sets: &[Vec<usize>]) -> (Vec<Lot<'a>>, Vec<Option<usize>>) {
        let apart = self.options.sites_apart;
        lots(self.machines, self.needs, self.groups, sets, apart)
    }
}

/// The sets of atoms to be placed, and which of them are the pilot. Whole clusters are taken where some are small enough and
/// matter little enough; else single machines that nobody needs are taken out of theirs.
fn with_pilot(ground: &Ground<'_, '_>) -> (Vec<Vec<usize>>, Vec<usize>) {
    let clusters = &ground.groups.clusters;
    let machines: usize = ground.groups.atoms.iter().map(Vec::len).sum();
    let most = ground
        .options
        .pilot_max
        .min(ground.options.hosts_max.max(1));
    if most == 0 || machines < most * PILOT_WORTH {
        return (clusters.clone(), Vec::new());
    }
    let (whole, _) = ground.lots(clusters);
    let chosen = pilot(&whole, most, PILOT_CONSUMERS_MAX);
    let each: Vec<Vec<usize>> = (0..ground.groups.atoms.len()).map(|a| vec![a]).collect();
    let (single, _) = ground.lots(&each);
    let singles = pilot(&single, most, 0);
    let matters = |lots: &[Lot<'_>], chosen: &[usize]| {
        let first = chosen.first().and_then(|l| lots.get(*l));
        first.map_or(Matters::Much, |l| l.matters)
    };
    if !chosen.is_empty() && matters(&whole, &chosen) <= matters(&single, &singles) {
        return (clusters.clone(), chosen);
    }
    let chosen: BTreeSet<usize> = singles.into_iter().collect();
    let rest = clusters.iter().map(|c| {
        let left = c.iter().filter(|a| !chosen.contains(*a));
        left.copied().collect::<Vec<usize>>()
    });
    let mut sets: Vec<Vec<usize>> = chosen.iter().map(|a| vec![*a]).collect();
    let pilot = (0..sets.len()).collect();
    sets.extend(rest.filter(|c| !c.is_empty()));
    (sets, pilot)
}

/// The lots that matter least and that few need, as many as fit: of one importance and one site.
fn pilot(lots: &[Lot<'_>], most: usize, consumers_max: usize) -> Vec<usize> {
    let fits = |lot: &Lot<'_>| {
        lot.size <= most
            && lot.matters < Matters::Much
            && lot.consumers.len() <= consumers_max
            && lot.stage > Stage::Foundation
    };
    let mut ranked: Vec<(usize, &Lot<'_>)> =
        lots.iter().enumerate().filter(|(_, l)| fits(l)).collect();
    // What needs nobody proves little, and what no agent looked at cannot be compared afterwards.
    ranked.sort_by_key(|(at, l)| {
        (
            (l.matters, l.consumers.len(), l.weight_outside),
            (l.unlooked, l.needs_nobody, Reverse(l.size), l.name, *at),
        )
    });
    let Some((_, first)) = ranked.first() else {
        return Vec::new();
    };
    let (matters, site) = (first.matters, first.site.clone());
    let mut room = most;
    let mut chosen = Vec::new();
    for (at, lot) in ranked {
        if lot.matters == matters && lot.site == site && lot.size <= room {
            room -= lot.size;
            chosen.push(at);
        }
    }
    chosen
}

/// Where a lot stands in the queue: whoever waits for nobody, then whoever waits for least beyond what others wait of it;
/// then from the foundation up, then what matters least.
type Place = (bool, i128, Stage, Matters, usize);

/// Lots waiting for their providers.
struct Order {
    waits: Vec<u64>,
    /// What others that are not placed wait of it.
    awaited: Vec<u64>,
    waiting: BTreeSet<Place>,
    /// Provider → consumers with the weight of all their needs.
    consumers: Vec<BTreeMap<usize, u64>>,
    providers: Vec<BTreeMap<usize, u64>>,
    /// Lot → its place by site and name, so that nothing depends on ids alone.
    rank: Vec<usize>,
    by_rank: Vec<usize>,
}

impl Order {
    fn of(lots: &[Lot<'_>], needs: &[Need<'_>], lot_of: &[Option<usize>]) -> Self {
        let mut by_rank: Vec<usize> = (0..lots.len()).collect();
        by_rank.sort_by_key(|l| lots.get(*l).map(|lot| (lot.site.as_str(), lot.name, *l)));
        let mut rank = vec![0; lots.len()];
        for (place, lot) in by_rank.iter().enumerate() {
            if let Some(slot) = rank.get_mut(*lot) {
                *slot = place;
            }
        }
        let mut order = Self {
            waits: vec![0; lots.len()],
            awaited: vec![0; lots.len()],
            waiting: BTreeSet::new(),
            consumers: vec![BTreeMap::new(); lots.len()],
            providers: vec![BTreeMap::new(); lots.len()],
            rank,
            by_rank,
        };
        let of = |n: usize| lot_of.get(n).copied().flatten();
        for need in needs {
            if let (Some(from), Some(to)) = (of(need.consumer), of(need.provider))
                && from != to
            {
                order.add(from, to, need.weight);
            }
        }
        order.waiting = (0..lots.len()).map(|l| order.place(l, lots)).collect();
        order
    }

    fn add(&mut self, from: usize, to: usize, weight: u64) {
        for (sum, lot) in [(&mut self.waits, from), (&mut self.awaited, to)] {
            if let Some(sum) = sum.get_mut(lot) {
                *sum += weight;
            }
        }
        for (map, key) in [
            (self.consumers.get_mut(to), from),
            (self.providers.get_mut(from), to),
        ] {
            if let Some(map) = map {
                *map.entry(key).or_default() += weight;
            }
        }
    }

    fn place(&self, lot: usize, lots: &[Lot<'_>]) -> Place {
        let waits = self.waits.get(lot).copied().unwrap_or_default();
        let awaited = self.awaited.get(lot).copied().unwrap_or_default();
        let free = waits == 0;
        let beyond = if free {
            0
        } else {
            i128::from(waits) - i128::from(awaited)
        };
        let rank = self.rank.get(lot).copied().unwrap_or_default();
        let stage = lots.get(lot).map_or(Stage::Applications, |l| l.stage);
        let matters = lots.get(lot).map_or(Matters::NobodySays, |l| l.matters);
        (!free, beyond, stage, matters, rank)
    }

    /// The next lot; who needs it waits for it no longer.
    fn next(&mut self, lots: &[Lot<'_>]) -> Option<usize> {
        let (_, _, _, _, rank) = self.waiting.first().copied()?;
        let lot = self.by_rank.get(rank).copied()?;
        self.take(lot, lots);
        Some(lot)
    }

    fn take(&mut self, lot: usize, lots: &[Lot<'_>]) {
        let place = self.place(lot, lots);
        self.waiting.remove(&place);
        for (consumer, weight) in self.consumers.get(lot).cloned().unwrap_or_default() {
            self.change(
                consumer,
                lots,
                |order| order.waits.get_mut(consumer),
                weight,
            );
        }
        for (provider, weight) in self.providers.get(lot).cloned().unwrap_or_default() {
            self.change(
                provider,
                lots,
                |order| order.awaited.get_mut(provider),
                weight,
            );
        }
    }

    /// Takes `weight` off one sum of a lot that still waits, which changes its place.
    fn change(
        &mut self,
        lot: usize,
        lots: &[Lot<'_>],
        sum: impl Fn(&mut Self) -> Option<&mut u64>,
        weight: u64,
    ) {
        let before = self.place(lot, lots);
        if self.waiting.remove(&before) {
            if let Some(sum) = sum(self) {
                *sum = sum.saturating_sub(weight);
            }
            let after = self.place(lot, lots);
            self.waiting.insert(after);
        }
    }
}

/// Waves that are being filled.
struct Waves {
    hosts_max: usize,
    drafts: Vec<Draft>,
    wave_of: Vec<Option<usize>>,
    /// Waves with room, by what may share them.
    open: BTreeMap<(Stage, String, bool), BTreeSet<usize>>,
}

impl Waves {
    fn new(hosts_max: usize, lots: usize) -> Self {
        Self {
            hosts_max,
            drafts: Vec::new(),
            wave_of: vec![None; lots],
            open: BTreeMap::new(),
        }
    }

    fn open_pilot(&mut self, lots: &[Lot<'_>], pilot: &[usize]) {
        let chosen = || pilot.iter().filter_map(|l| lots.get(*l));
        self.drafts.push(Draft {
            stage: Stage::Pilot,
            site: chosen().next().map_or(String::new(), |l| l.site.clone()),
            much: false,
            atoms: chosen().flat_map(|l| l.atoms.clone()).collect(),
            size: chosen().map(|l| l.size).sum(),
        });
        for lot in pilot {
            self.note(*lot, 0);
        }
    }

    fn note(&mut self, lot: usize, wave: usize) {
        if let Some(slot) = self.wave_of.get_mut(lot) {
            *slot = Some(wave);
        }
    }

    /// Puts a lot into the first wave that has room and in which, or before which, its providers move.
    fn place(&mut self, at: usize, lots: &[Lot<'_>], order: &Order) {
        let Some(lot) = lots.get(at) else { return };
        let providers = order.providers.get(at).into_iter().flatten();
        let after = providers
            .filter(|(_, weight)| **weight >= WEIGHT_THAT_BINDS)
            .filter_map(|(p, _)| self.wave_of.get(*p).copied().flatten())
            .max()
            .unwrap_or(0);
        let key = (lot.stage, lot.site.clone(), lot.matters == Matters::Much);
        let room = |wave: &usize| {
            let size = self.drafts.get(*wave).map_or(usize::MAX, |d| d.size);
            size.saturating_add(lot.size) <= self.hosts_max
        };
        let open = self.open.get(&key);
        let found = open.and_then(|open| open.range(after..).copied().find(room));
        let wave = found.unwrap_or_else(|| self.open_one(&key));
        if let Some(draft) = self.drafts.get_mut(wave) {
            draft.atoms.extend(&lot.atoms);
            draft.size += lot.size;
            if draft.size >= self.hosts_max
                && let Some(open) = self.open.get_mut(&key)
            {
                open.remove(&wave);
            }
        }
        self.note(at, wave);
    }

    fn open_one(&mut self, key: &(Stage, String, bool)) -> usize {
        let wave = self.drafts.len();
        self.drafts.push(Draft {
            stage: key.0,
            site: key.1.clone(),
            much: key.2,
            atoms: Vec::new(),
            size: 0,
        });
        self.open.entry(key.clone()).or_default().insert(wave);
        wave
    }
}
