//! Who stands behind an address that means another machine on every link (`fe80::/10`).
//!
//! Every router may be `fe80::1`. Whom a vantage meets there its neighbour table tells: the MAC address is that of a
//! machine with an agent, or of one seen from outside. Where the table says nothing, it is somebody of that vantage alone.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::{AgentId, EntityId, Estate, Seen, SiteId};

use crate::gather::Gathered;
use crate::ledger::{Ledger, key};
use crate::outside::{see, stranger};

/// An address of a link, and who mentions it.
pub(crate) struct Mention<'a> {
    pub(crate) vantage: &'a AgentId,
    pub(crate) site: &'a SiteId,
    pub(crate) address: IpAddr,
    pub(crate) seen: Seen,
}

/// The machines with an agent by MAC address; nobody where several have it.
pub(crate) struct Links {
    machines: BTreeMap<(SiteId, String), Option<EntityId>>,
}

impl Links {
    pub(crate) fn new(gathered: &Gathered) -> Self {
        let mut machines = BTreeMap::new();
        for seat in gathered.seats.values() {
            let links = seat.attributes.interfaces.iter();
            for mac in links.filter_map(|link| link.mac.as_ref()) {
                let at = (seat.site.clone(), mac.clone());
                let only = machines.entry(at).or_insert_with(|| seat.entity.clone());
                if *only != seat.entity {
                    *only = None;
                }
            }
        }
        Self { machines }
    }

    /// The entity a vantage means, made if nobody knows it.
    pub(crate) fn place(
        &self,
        mention: &Mention<'_>,
        gathered: &Gathered,
        ledger: &mut Ledger<'_>,
        estate: &mut Estate,
    ) -> EntityId {
        let Mention {
            vantage,
            site,
            address,
            seen,
        } = mention;
        let at = ((*vantage).clone(), *address);
        let mac = gathered.on_link.get(&at).map(|(_, mac)| mac);
        let machine = mac.and_then(|mac| {
            let at = ((*site).clone(), mac.clone());
            self.machines.get(&at)?.clone()
        });
        let id = machine.unwrap_or_else(|| {
            ledger.claim_outside(match mac {
                Some(mac) => key(site, "link", mac),
                None => key(site, "link", &format!("{address} of {vantage}")),
            })
        });
        let entities = estate.entities.entry(id.clone());
        let entity = entities
            .or_insert_with(|| stranger(id.clone(), site, "host", address.to_string(), *seen));
        if !entity.has_agent {
            entity.addresses.push(*address);
            entity.attributes.macs.extend(mac.cloned());
            entity.attributes.macs.sort();
            entity.attributes.macs.dedup();
        }
        see(estate, &id, *seen);
        estate.on_link.insert(at, id.clone());
        id
    }
}
