//! Whose an address is, where several hosts were seen with it.
//!
//! Several hosts that hold an address at a time share it: a service address (VRRP, a cluster), and it means none of them.
//! An address that moves is the newer holder's. That it moved can be told where the older one was looked at for the last
//! time before, and either had nothing else on its link (a service address stands beside one of the machine's own) or the
//! newer one was looked at earlier and did not have it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::{EntityId, Estate, SiteId, Timestamp};

use crate::addresses;
use crate::gather::{Gathered, Seat};
use crate::ledger::{Ledger, address_key};

/// Says which host each address means.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    let mut holders: BTreeMap<(SiteId, IpAddr), BTreeMap<EntityId, Holder>> = BTreeMap::new();
    for seat in gathered.seats.values() {
        let Some(id) = &seat.entity else { continue };
        for address in addresses::public(seat) {
            let Some(holder) = Holder::of(seat, address) else {
                continue;
            };
            let known = holders.entry((seat.site.clone(), address)).or_default();
            let joined = known.get(id).map_or(holder, |other| holder.joined(*other));
            known.insert(id.clone(), joined);
        }
    }
    for ((site, address), holders) in holders {
        if let Some(host) = whose(&holders) {
            absorb(&site, &address, host, ledger, estate);
            estate.addresses.insert((site, address), host.clone());
        }
    }
}

/// How a host was seen with an address.
#[derive(Clone, Copy)]
struct Holder {
    first: Timestamp,
    /// The end of the last look that says so.
    last: Timestamp,
    /// It has no other address of the family on that link, and the address has a network.
    only_one: bool,
    /// It was looked at before, and did not have the address then.
    came_later: bool,
}

impl Holder {
    fn of(seat: &Seat, address: IpAddr) -> Option<Self> {
        let held = seat.held.get(&address)?;
        let last = match held.current {
            true => held.last.max(seat.looked_until.unwrap_or(held.last)),
            false => held.last,
        };
        Some(Self {
            first: held.first,
            last,
            only_one: addresses::is_only_one(seat, address),
            came_later: seat.held.values().any(|other| other.first < held.first),
        })
    }

    /// Two agents that look at one host.
    fn joined(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            only_one: self.only_one && other.only_one,
            came_later: self.came_later && other.came_later,
        }
    }

    fn yields_to(&self, newer: &Self) -> bool {
        self.last < newer.first && (self.only_one || newer.came_later)
    }
}

/// The only holder, or the one all others yield to.
fn whose(holders: &BTreeMap<EntityId, Holder>) -> Option<&EntityId> {
    let (newest, held) = holders.iter().max_by_key(|(_, holder)| holder.first)?;
    let mut others = holders.iter().filter(|(id, _)| *id != newest);
    others
        .all(|(_, other)| other.yields_to(held))
        .then_some(newest)
}

/// Takes over what was known from outside about an address, before an agent looked.
fn absorb(
    site: &SiteId,
    address: &IpAddr,
    host: &EntityId,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) {
    let key = address_key(site, address);
    if let Some(before) = ledger.entity(&key)
        && before != *host
        && !ledger.is_agent(&before)
        && !ledger.is_told(&before)
    {
        let because = format!("{address} was known from outside before an agent looked at it");
        ledger.merge(before, host, &because);
        if let Some(entity) = estate.entities.get_mut(host) {
            entity.merged_because.push(because);
        }
    }
    ledger.bind(key, host);
}
