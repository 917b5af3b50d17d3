//! Filled sheets: of each device the one that was read last.
//!
//! Each sheet is a list that stands beside the others, so that the next one, of other devices, takes nothing back. A corrected one
//! would stand beside the first for ever, and both would be told.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::device::{DeviceSays, DeviceWitness};
use groma_model::fact::NeedReason;
use groma_model::{AgentId, EntityId, Estate, Peer, SiteId, Timestamp};

use crate::gather::{Gathered, Raw};

/// When a list said something of a device, and which.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    current: bool,
    last: Timestamp,
    list: AgentId,
}

/// Takes the rows of older sheets out of what was said, with their needs.
pub(crate) fn settle(gathered: &mut Gathered, estate: &Estate) {
    let last = last_read(gathered, estate);
    if last.is_empty() {
        return;
    }
    let is_last = |id: &EntityId, list: &AgentId, current| {
        let read = last.get(id);
        read.is_none_or(|read| (&read.list, read.current) == (list, current))
    };
    gathered.device_says.retain(|raw| {
        let place = is_row(raw).then(|| entity(estate, &raw.site, &raw.vantage, raw.fact.address));
        place
            .flatten()
            .is_none_or(|id| is_last(id, &raw.vantage, raw.current))
    });
    gathered.stated.retain(|raw| {
        let Peer::Address(device) = raw.fact.consumer else {
            return true;
        };
        if raw.fact.reason != NeedReason::Panel {
            return true;
        }
        let id = entity(estate, &raw.site, &raw.vantage, device);
        id.is_none_or(|id| is_last(id, &raw.vantage, raw.current))
    });
}

fn is_row(raw: &Raw<DeviceSays>) -> bool {
    raw.fact.by == DeviceWitness::Panel
}

pub(super) fn entity<'e>(
    estate: &'e Estate,
    site: &SiteId,
    vantage: &AgentId,
    address: IpAddr,
) -> Option<&'e EntityId> {
    let meaning = estate.locate(site, vantage, &Peer::Address(address))?;
    let found = estate.entities.get_key_value(&meaning.entity);
    found.map(|(id, _)| id)
}

/// Which list spoke last of each device: those that hold before those that were replaced.
fn last_read(gathered: &Gathered, estate: &Estate) -> BTreeMap<EntityId, Read> {
    let mut last: BTreeMap<EntityId, Read> = BTreeMap::new();
    for raw in gathered.device_says.iter().filter(|raw| is_row(raw)) {
        let Some(id) = entity(estate, &raw.site, &raw.vantage, raw.fact.address) else {
            continue;
        };
        let read = Read {
            current: raw.current,
            last: raw.seen.last,
            list: raw.vantage.clone(),
        };
        match last.get_mut(id) {
            Some(known) if *known >= read => {}
            Some(known) => *known = read,
            None => {
                last.insert(id.clone(), read);
            }
        }
    }
    last
}
