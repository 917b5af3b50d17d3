//! Guests of platforms of virtualization: what stands in the way of each, what carries them, and how much room is left.

use std::collections::HashMap;

use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    Blocker, BlockerSeverity, Datastore, Guest, GuestRow, GuestSort, Hypervisor, Load, MoveWay,
    Numbers, Platforms, Power,
};
use serde::Serialize;

use super::Rows;
use crate::human::{number, size};
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Lines one cell holds.
const LINES_MAX: usize = 4;
/// Letters of one such line.
const LETTERS: usize = 240;

/// Everything that is said of platforms; `None` where no platform told of a guest, a host or a datastore.
#[derive(Serialize)]
pub(crate) struct Virtual {
    /// How many guests, on how many hosts, and what is known of them.
    pub(crate) summary: Vec<String>,
    pub(crate) guests: Rows<VirtualRow>,
    pub(crate) hosts: Rows<CarrierRow>,
    pub(crate) stores: Rows<StoreRow>,
    pub(crate) unsure: Rows<UnsureRow>,
}

/// A guest.
#[derive(Serialize)]
pub(crate) struct VirtualRow {
    pub(crate) name: String,
    /// What it is, where it is, and whether it runs.
    pub(crate) place: Vec<String>,
    /// Processors, memory, disks.
    pub(crate) size: Vec<String>,
    pub(crate) blockers: Vec<BlockerLine>,
    /// How many more there are.
    pub(crate) more: Option<String>,
    pub(crate) ways: Vec<String>,
}

/// One thing that stands in the way.
#[derive(Serialize)]
pub(crate) struct BlockerLine {
    pub(crate) grave: bool,
    pub(crate) says: String,
    pub(crate) remedy: String,
}

/// A host with its guests.
#[derive(Serialize)]
pub(crate) struct CarrierRow {
    pub(crate) name: String,
    pub(crate) product: Vec<String>,
    pub(crate) guests: String,
    pub(crate) memory: Vec<String>,
    pub(crate) processors: Vec<String>,
}

/// A datastore.
#[derive(Serialize)]
pub(crate) struct StoreRow {
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) capacity: String,
    pub(crate) free: Option<String>,
}

/// A guest or host that may be a machine we know otherwise.
#[derive(Serialize)]
pub(crate) struct UnsureRow {
    pub(crate) name: String,
    pub(crate) because: Vec<String>,
}

type Told<'a> = (&'a Entity, &'a Guest, Option<&'a GuestRow>);

/// The section, where any platform told of anything.
pub(crate) fn section(index: &Index<'_>, words: &Catalogue, limit: usize) -> Option<Virtual> {
    let inventory = index.inventory;
    let guests = guests(inventory);
    let hosts = of_kind(inventory, |e| e.attributes.hypervisor.as_deref());
    let stores = of_kind(inventory, |e| e.attributes.datastore.as_deref());
    if guests.is_empty() && hosts.is_empty() && stores.is_empty() {
        return None;
    }
    let unsure = of_kind(inventory, |e| {
        Some(&e.attributes.not_joined).filter(|told| !told.is_empty())
    });
    let numbers = Numbers::of(&inventory.measurements);
    let platforms = Platforms::of(&inventory.entities);
    Some(Virtual {
        summary: summary(&guests, hosts.len(), unsure.len(), words),
        guests: Rows::first(&guests, limit, |told| guest(told, &platforms, words)),
        hosts: carriers(&hosts, &platforms, &numbers, words, limit),
        stores: Rows::first(&stores, limit, |one| store(one, &numbers)),
        unsure: Rows::first(&unsure, limit, |(entity, told)| UnsureRow {
            name: visible(&entity.name),
            because: told.iter().take(LINES_MAX).map(|why| line(why)).collect(),
        }),
    })
}

/// Guests, those with the gravest blockers first, then by name. Templates do not move as machines do.
fn guests(inventory: &Inventory) -> Vec<Told<'_>> {
    let rows = inventory.guests.iter();
    let rows: HashMap<&str, &GuestRow> = rows.map(|row| (row.entity.as_str(), row)).collect();
    let mut all: Vec<Told<'_>> = of_kind(inventory, |e| e.attributes.guest.as_deref())
        .into_iter()
        .filter(|(_, guest)| guest.sort != GuestSort::Template)
        .map(|(entity, guest)| (entity, guest, rows.get(entity.id.as_str()).copied()))
        .collect();
    all.sort_by_key(|(_, _, row)| {
        let (grave, all) = (graves(*row), blockers(*row).len());
        std::cmp::Reverse((grave, all))
    });
    all
}

/// Entities of which `told` has something to say, by name.
fn of_kind<'a, T>(
    inventory: &'a Inventory,
    told: impl Fn(&'a Entity) -> Option<&'a T>,
) -> Vec<(&'a Entity, &'a T)> {
    let all = inventory.entities.iter();
    let mut all: Vec<_> = all.filter_map(|e| Some((e, told(e)?))).collect();
    all.sort_by_key(|(entity, _)| (&entity.name, &entity.id));
    all
}

fn blockers(row: Option<&GuestRow>) -> &[Blocker] {
    row.map(|row| row.blockers.as_slice()).unwrap_or_default()
}

fn graves(row: Option<&GuestRow>) -> usize {
    let all = blockers(row).iter();
    all.filter(|b| b.severity == BlockerSeverity::Critical)
        .count()
}

fn summary(guests: &[Told<'_>], hosts: usize, unsure: usize, words: &Catalogue) -> Vec<String> {
    let grave = guests.iter().filter(|(_, _, row)| graves(*row) > 0).count();
    let inside = guests
        .iter()
        .filter(|(entity, _, _)| entity.has_agent)
        .count();
    let on = words.count(words.host, hosts);
    let mut said = vec![
        fill(
            words.plural(words.guests_on, guests.len() as u64),
            &[&number(guests.len()), &on],
        ),
        words.count(words.guests_grave, grave),
        words.count(words.guests_inside, inside),
    ];
    if unsure > 0 {
        said.push(words.count(words.guests_unsure_line, unsure));
    }
    said
}

fn guest(
    (entity, guest, row): &Told<'_>,
    platforms: &Platforms<'_>,
    words: &Catalogue,
) -> VirtualRow {
    let blockers = blockers(*row);
    let more = blockers.len().saturating_sub(LINES_MAX);
    let first = blockers.iter().take(LINES_MAX);
    VirtualRow {
        name: cut(&visible(&entity.name), LETTERS),
        place: place(entity, guest, platforms, words),
        size: sizes(guest, *row, words),
        blockers: first
            .map(|blocker| BlockerLine {
                grave: blocker.severity == BlockerSeverity::Critical,
                says: line(&format!("{}: {}", blocker.what, blocker.because)),
                remedy: line(&blocker.remedy),
            })
            .collect(),
        more: (more > 0).then(|| words.count(words.more, more)),
        ways: row
            .iter()
            .flat_map(|row| &row.ways)
            .map(|way| self::way(way, words))
            .collect(),
    }
}

fn place(
    entity: &Entity,
    guest: &Guest,
    platforms: &Platforms<'_>,
    words: &Catalogue,
) -> Vec<String> {
    let host = platforms.host_of((entity, guest));
    let host = host.map(|(_, host)| fill(words.guests_at, &[&line(&host.name.lossy())]));
    let power = guest.power.map(|power| match power {
        Power::On => words.guests_runs,
        Power::Off => words.guests_off,
        Power::Suspended => words.guests_suspended,
    });
    let container = guest.sort == GuestSort::Container;
    let said = [
        host,
        Some(guest.platform.kind.title().to_owned()),
        container.then(|| words.guests_container.to_owned()),
        power.map(str::to_owned),
        entity.has_agent.then(|| words.guests_agent.to_owned()),
    ];
    said.into_iter().flatten().collect()
}

fn sizes(guest: &Guest, row: Option<&GuestRow>, words: &Catalogue) -> Vec<String> {
    let disks = row.and_then(|row| Some((row.bytes?, row.bytes_measured)));
    let disks = disks.map(|(bytes, measured)| match measured {
        true => fill(words.guests_used, &[&size(bytes)]),
        false => fill(words.guests_at_most, &[&size(bytes)]),
    });
    let processors = guest.processors.map(|n| n as usize);
    let kept = Some(guest.snapshots.len()).filter(|kept| *kept > 0);
    let said = [
        processors.map(|n| words.count(words.guests_processors, n)),
        guest
            .memory_bytes
            .map(|bytes| fill(words.guests_memory, &[&size(bytes)])),
        disks,
        kept.map(|kept| words.count(words.guests_snapshots, kept)),
    ];
    said.into_iter().flatten().collect()
}

fn way(way: &MoveWay, words: &Catalogue) -> String {
    let (to, how) = (way.target.title(), way.way.title());
    let still = way.downtime_minutes.and_then(minutes);
    let said = match still {
        Some(still) => fill(words.guests_way_still, &[to, how, &still]),
        None => fill(words.guests_way, &[to, how]),
    };
    if way.exceeds.is_empty() {
        return said;
    }
    let exceeds = fill(words.guests_exceeds, &[&way.exceeds.join(", ")]);
    line(&format!("{said}; {exceeds}"))
}

/// From so many minutes to so many, without more digits than they deserve.
fn minutes([low, high]: [f64; 2]) -> Option<String> {
    if !low.is_finite() || !high.is_finite() {
        return None;
    }
    if high < 1.0 {
        return Some("<1".to_owned());
    }
    let (low, high) = (format!("{low:.0}"), format!("{high:.0}"));
    Some(if low == high {
        low
    } else {
        format!("{low}–{high}")
    })
}

fn carriers(
    hosts: &[(&Entity, &Hypervisor)],
    platforms: &Platforms<'_>,
    numbers: &Numbers<'_>,
    words: &Catalogue,
    limit: usize,
) -> Rows<CarrierRow> {
    Rows::first(hosts, limit, |(entity, host)| {
        let load = platforms.on_host((entity, host));
        let title = host.platform.kind.title();
        let product = host.product.as_deref().map(line);
        let maintenance =
            (host.maintenance == Some(true)).then(|| words.guests_maintenance.to_owned());
        let product = [
            Some(product.unwrap_or_else(|| title.to_owned())),
            maintenance,
        ];
        let (all, running) = (many(load.guests), many(load.running));
        CarrierRow {
            name: visible(&entity.name),
            product: product.into_iter().flatten().collect(),
            guests: fill(words.guests_running, &[&all, &running]),
            memory: memory(entity, host, load, numbers, words),
            processors: processors(entity, host, load, numbers, words),
        }
    })
}

fn memory(
    entity: &Entity,
    host: &Hypervisor,
    load: Load,
    numbers: &Numbers<'_>,
    words: &Catalogue,
) -> Vec<String> {
    let mut said: Vec<String> = host.memory_bytes.map(size).into_iter().collect();
    let used = numbers.bytes(&entity.id, "hypervisor_memory_used_bytes");
    if let Some((all, used)) = host.memory_bytes.zip(used) {
        said.push(fill(words.guests_free, &[&size(all.saturating_sub(used))]));
    }
    if load.memory > 0 {
        said.push(fill(words.guests_given, &[&size(load.memory)]));
    }
    said
}

fn processors(
    entity: &Entity,
    host: &Hypervisor,
    load: Load,
    numbers: &Numbers<'_>,
    words: &Catalogue,
) -> Vec<String> {
    let cores = host
        .cores
        .map(|cores| words.count(words.guests_cores, cores as usize));
    let mut said: Vec<String> = cores.into_iter().collect();
    if let Some(used) = numbers.number(&entity.id, "hypervisor_cpu_used_percent") {
        said.push(fill(words.guests_busy, &[&format!("{used:.0}")]));
    }
    if load.processors > 0 {
        said.push(fill(words.guests_given, &[&many(load.processors)]));
    }
    said
}

fn store((entity, store): &(&Entity, &Datastore), numbers: &Numbers<'_>) -> StoreRow {
    let free = numbers.bytes(&entity.id, "datastore_free_bytes");
    // Where others write to the same disks it is a number that moves.
    let capacity = store.capacity_bytes;
    let capacity = capacity.or_else(|| numbers.bytes(&entity.id, "datastore_capacity_bytes"));
    let share = capacity.filter(|all| *all > 0).zip(free);
    let share = share.map(|(all, free)| format!(" ({:.0} %)", 100.0 * free as f64 / all as f64));
    let title = store.platform.kind.title();
    StoreRow {
        name: visible(&entity.name),
        product: store
            .product
            .as_deref()
            .map_or_else(|| title.to_owned(), line),
        capacity: capacity.map(size).unwrap_or_default(),
        free: free.map(|free| format!("{}{}", size(free), share.unwrap_or_default())),
    }
}

fn many(of: u64) -> String {
    number(usize::try_from(of).unwrap_or(usize::MAX))
}

fn line(text: &str) -> String {
    cut(&visible(text), LETTERS)
}
