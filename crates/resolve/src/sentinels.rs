//! Machines that stand sentinel at the address of another one that is gone.
//!
//! The address lies on their interface and means the other one all the same: what was said of it before stays with it, and what
//! knocks there is told of it. A hardware address that answers for it now is the sentinel's, and describes nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::sentinel::{KnockEntry, PostEntry};
use groma_model::{AgentId, Estate, SiteId};

use crate::gather::{Gathered, Seat};

/// Knocks that mean no service one entity keeps: the last ones.
const KNOCKS_MAX: usize = 500;

/// What one agent of a machine says of its posts holds for all agents of it.
pub(crate) fn settle(members: &[(AgentId, Option<String>)], gathered: &mut Gathered) {
    let seats = || members.iter().map(|(agent, _)| agent);
    let mut posts: BTreeMap<(SiteId, IpAddr), PostEntry> = BTreeMap::new();
    let mut macs = BTreeSet::new();
    for seat in seats().filter_map(|agent| gathered.seats.get(agent)) {
        let own = seat.posts.iter();
        posts.extend(own.map(|(at, entry)| ((seat.site.clone(), *at), entry.clone())));
        macs.extend(macs_of(seat));
    }
    if posts.is_empty() {
        return;
    }
    for agent in seats() {
        if let Some(seat) = gathered.seats.get_mut(agent) {
            for ((_, at), entry) in &posts {
                seat.take_post(*at, entry.clone());
            }
        }
    }
    let is_ours = |at: &(SiteId, IpAddr), mac: &str| posts.contains_key(at) && macs.contains(mac);
    gathered.neighbours.retain(|at, (_, mac)| !is_ours(at, mac));
    gathered.sightings.retain(|met| {
        let at = met.sighting.address.map(|at| (met.site.clone(), at));
        let mac = met.sighting.mac.as_deref().unwrap_or_default();
        !at.is_some_and(|at| is_ours(&at, mac))
    });
}

fn macs_of(seat: &Seat) -> impl Iterator<Item = String> + '_ {
    let links = seat.attributes.interfaces.iter();
    links.filter_map(|link| link.mac.clone())
}

/// Tells of each machine that is gone who asked it for an echo, and who tried many of its ports.
pub(crate) fn describe(gathered: &Gathered, estate: &mut Estate) {
    for knocked in &gathered.knocks {
        let at = |address: IpAddr| {
            let key = (knocked.site.clone(), address.to_canonical());
            estate.addresses.get(&key).cloned()
        };
        let (Some(gone), Some(sentinel)) = (
            at(knocked.knock.at),
            estate.vantages.get(&knocked.vantage).cloned(),
        ) else {
            continue;
        };
        let entry = KnockEntry {
            knock: knocked.knock.clone(),
            consumer: at(knocked.knock.by),
            sentinel,
            first_seen: knocked.seen.first,
            last_seen: knocked.seen.last,
            count: knocked.seen.count,
            evidence: knocked.evidence.clone(),
        };
        // Nobody knocks at a machine by standing there for it.
        if entry.consumer.as_ref() == Some(&gone) || gone == entry.sentinel {
            continue;
        }
        if let Some(entity) = estate.entities.get_mut(&gone) {
            entity.evidence.push(knocked.evidence.clone());
            entity.attributes.knocks.push(entry);
        }
    }
    for entity in estate.entities.values_mut() {
        let knocks = &mut entity.attributes.knocks;
        knocks.sort_by(|a, b| {
            let newest = |entry: &KnockEntry| std::cmp::Reverse(entry.last_seen);
            (newest(a), a).cmp(&(newest(b), b))
        });
        knocks.dedup();
        knocks.truncate(KNOCKS_MAX);
    }
}
