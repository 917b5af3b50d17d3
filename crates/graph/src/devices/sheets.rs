//! Filled sheets: of each device the one that was read last, and only where its row is still about the device at that address.
//!
//! Each sheet is a list that stands beside the others, so that the next one, of other devices, takes nothing back. A corrected one
//! would stand beside the first for ever, and both would be told.

use std::collections::{BTreeMap, BTreeSet};
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

/// By what a device is found again.
#[derive(Default)]
struct Marks {
    macs: BTreeSet<String>,
    serials: BTreeSet<String>,
}

/// Takes the rows of other devices and those of older sheets out of what was said, with their needs.
pub(crate) fn settle(gathered: &mut Gathered, estate: &Estate) {
    let left_out = leave_out(gathered, estate);
    let last = last_read(gathered, estate);
    let is_last = |id: &EntityId, list: &AgentId, current| {
        let read = last.get(id);
        read.is_none_or(|read| (&read.list, read.current) == (list, current))
    };
    gathered.device_says.retain(|raw| {
        let id = row_of(raw, estate);
        id.is_none_or(|id| is_last(id, &raw.vantage, raw.current))
    });
    gathered.stated.retain(|raw| {
        let need = &raw.fact;
        let (NeedReason::Panel, Peer::Address(device)) = (need.reason, &need.consumer) else {
            return true;
        };
        let id = entity(estate, &raw.site, &raw.vantage, *device);
        let row = (raw.vantage.clone(), raw.current, need.dn.to_string());
        id.is_none_or(|id| is_last(id, &raw.vantage, raw.current)) && !left_out.contains(&row)
    });
    // What an older sheet said of a device that is gone is no news once a later one was filled in.
    gathered.rows_of_others.retain(|raw| {
        let later = row_of(raw, estate).and_then(|id| last.get(id));
        raw.current && later.is_none_or(|read| read.last <= raw.seen.last)
    });
}

/// Puts the rows that are about another device than the one at their address aside: their lists, whether they hold, and which
/// rows they are.
fn leave_out(gathered: &mut Gathered, estate: &Estate) -> BTreeSet<(AgentId, bool, String)> {
    let marks = marks(gathered, estate);
    let mut left_out = BTreeSet::new();
    for raw in std::mem::take(&mut gathered.device_says) {
        let known = row_of(&raw, estate).and_then(|id| marks.get(id));
        if known.is_some_and(|marks| is_of_another(&raw.fact, marks)) {
            let row = raw.fact.proof.first().cloned();
            left_out.insert((raw.vantage.clone(), raw.current, row.unwrap_or_default()));
            gathered.rows_of_others.push(raw);
        } else {
            gathered.device_says.push(raw);
        }
    }
    left_out
}

fn is_row(raw: &Raw<DeviceSays>) -> bool {
    raw.fact.by == DeviceWitness::Panel
}

/// The device a row of a sheet has the address of; `None` for what is no row.
fn row_of<'e>(raw: &Raw<DeviceSays>, estate: &'e Estate) -> Option<&'e EntityId> {
    let place = || entity(estate, &raw.site, &raw.vantage, raw.fact.address);
    is_row(raw).then(place).flatten()
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
    for raw in &gathered.device_says {
        let Some(id) = row_of(raw, estate) else {
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

/// What is known of the devices that rows have the address of, by anybody but sheets.
fn marks(gathered: &Gathered, estate: &Estate) -> BTreeMap<EntityId, Marks> {
    let of_entity = |id: &EntityId| {
        let entity = estate.entities.get(id);
        let macs = entity.map(|entity| entity.attributes.macs.iter().cloned());
        Marks {
            macs: macs.into_iter().flatten().collect(),
            serials: BTreeSet::new(),
        }
    };
    let rows = gathered.device_says.iter();
    let mut marks: BTreeMap<EntityId, Marks> = rows
        .filter_map(|raw| row_of(raw, estate))
        .map(|id| (id.clone(), of_entity(id)))
        .collect();
    let own = gathered.device_says.iter();
    for raw in own.filter(|raw| raw.current && !is_row(raw)) {
        let id = entity(estate, &raw.site, &raw.vantage, raw.fact.address);
        if let Some(marks) = id.and_then(|id| marks.get_mut(id)) {
            marks.macs.extend(raw.fact.macs.iter().cloned());
            marks.serials.extend(raw.fact.serial.as_deref().map(plain));
        }
    }
    marks
}

/// True if a row is about another device than the one with these marks. One mark that fits outweighs one that does not: a
/// device has several MAC addresses, and a spreadsheet may have spoilt the serial number.
fn is_of_another(row: &DeviceSays, marks: &Marks) -> bool {
    let mac = (!row.macs.is_empty() && !marks.macs.is_empty())
        .then(|| row.macs.iter().any(|mac| marks.macs.contains(mac)));
    let serial = row.serial.as_deref().map(plain);
    let serial = serial.filter(|serial| !is_rounded(serial) && !marks.serials.is_empty());
    let serial = serial.map(|serial| marks.serials.contains(&serial));
    let told = [mac, serial];
    told.contains(&Some(false)) && !told.contains(&Some(true))
}

/// A serial number without what a spreadsheet takes from it: zeros before it, and case.
fn plain(serial: &str) -> String {
    let kept: String = serial.chars().filter(|c| !c.is_whitespace()).collect();
    kept.trim_start_matches('0').to_lowercase()
}

/// `1.23457e+16`: what a spreadsheet leaves of a long number.
fn is_rounded(serial: &str) -> bool {
    let parts = serial.split_once("e+");
    parts.is_some_and(|(number, power)| {
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
        !power.is_empty() && digits(number) && digits(power)
    })
}

/// Why a row is left out, in one line.
pub(super) fn why(row: &DeviceSays) -> String {
    let which = row.proof.first().map_or("a row of a sheet", String::as_str);
    format!(
        "left out: {which} is about another device, by its MAC address or serial number ({})",
        DeviceWitness::Panel.words()
    )
}
