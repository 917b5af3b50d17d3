//! Guests of platforms of virtualization, what carries them, and what their disks lie on.

use groma_model::Timestamp;
use groma_model::inventory::Entity;
use groma_model::virtualization::{
    Blocker, BlockerSeverity, Datastore, Guest, GuestRow, GuestSnapshot, GuestSort, Hypervisor,
    MoveWay, Numbers, Platforms, Power,
};

use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, gib, ids, lines, list, mark, text};
use crate::index::Index;
use crate::platforms::host_name;

const GUESTS: Table<23> = Table {
    name: "virtual machines",
    about: "Guests of each platform: what stands in the way of a move, and how each would go where",
    none: "No platform of virtualization told of a guest.",
    columns: [
        col("Name"),
        col("What it is"),
        col("Platform"),
        col("Host"),
        col("Cluster"),
        col("Power"),
        col("Processors"),
        col("Memory (GiB)"),
        col("Disks"),
        col("Disks hold (GiB)"),
        col("Used (GiB)"),
        wide("Snapshots, days old", 32),
        col("Critical"),
        col("Warnings"),
        wide("What stands in the way", 60),
        wide("Ways to each platform", 44),
        col("Addresses"),
        col("Looked at from inside"),
        wide("May be another machine we know", 44),
        col("Configured system"),
        col("Site"),
        id("Id"),
        id("Evidence"),
    ],
};

type Told<'a> = (&'a Entity, &'a Guest, Option<&'a GuestRow>);

pub(super) fn guests(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let inventory = index.inventory;
    let platforms = Platforms::of(&inventory.entities);
    let numbers = Numbers::of(&inventory.measurements);
    let rows: std::collections::HashMap<&str, &GuestRow> = inventory
        .guests
        .iter()
        .map(|r| (r.entity.as_str(), r))
        .collect();
    let mut all: Vec<Told<'_>> = inventory
        .entities
        .iter()
        .filter_map(|entity| {
            let guest = entity.attributes.guest.as_deref()?;
            Some((entity, guest, rows.get(entity.id.as_str()).copied()))
        })
        .collect();
    all.sort_by_key(|(entity, guest, _)| (&entity.name, &guest.platform, &guest.key, &entity.id));
    book.table(&GUESTS, all, |told| {
        guest(told, index, &platforms, &numbers)
    })
}

fn guest(
    (entity, guest, row): Told<'_>,
    index: &Index<'_>,
    platforms: &Platforms<'_>,
    numbers: &Numbers<'_>,
) -> [Cell; 23] {
    let host = platforms.host_of((entity, guest));
    let blockers: &[Blocker] = row.map(|row| row.blockers.as_slice()).unwrap_or_default();
    let grave = |severity| count(blockers.iter().filter(|b| b.severity == severity).count());
    let now = index.inventory.generated_at;
    let ways = row.into_iter().flat_map(|row| &row.ways).map(way);
    [
        text(&entity.name),
        sort(guest.sort).into(),
        guest.platform.kind.title().into(),
        host.map(|(_, host)| host.name.to_string()).into(),
        host.and_then(|host| platforms.cluster_of(host))
            .map(|(_, cluster)| cluster.name.to_string())
            .into(),
        guest.power.map(power).into(),
        guest.processors.into(),
        guest.memory_bytes.map_or(Cell::Empty, gib),
        count(guest.disks.len()),
        guest.capacity_bytes().map_or(Cell::Empty, gib),
        numbers
            .bytes(&entity.id, "vm_disk_used_bytes")
            .map_or(Cell::Empty, gib),
        lines(guest.snapshots.iter().map(|kept| snapshot(kept, now))),
        grave(BlockerSeverity::Critical),
        grave(BlockerSeverity::Warning),
        lines(
            blockers
                .iter()
                .map(|b| format!("{}: {} {}", b.what, b.because, b.remedy)),
        ),
        lines(ways),
        list(&entity.addresses),
        mark(entity.has_agent),
        lines(&entity.attributes.not_joined),
        guest.configured_os.clone().map_or(Cell::Empty, Cell::from),
        index.site(&entity.site).into(),
        text(&entity.id),
        ids(&entity.evidence),
    ]
}

fn sort(sort: GuestSort) -> &'static str {
    match sort {
        GuestSort::Machine => "virtual machine",
        GuestSort::Container => "container",
        GuestSort::Template => "template",
    }
}

fn power(power: Power) -> &'static str {
    match power {
        Power::On => "on",
        Power::Off => "off",
        Power::Suspended => "suspended",
    }
}

fn snapshot(kept: &GuestSnapshot, now: Timestamp) -> String {
    match kept.taken_at {
        Some(at) => format!("{}, {} days", kept.name, at.days_until(now).max(0)),
        None => kept.name.to_string(),
    }
}

fn way(way: &MoveWay) -> String {
    let still = match way.downtime_minutes {
        Some([low, high]) => format!(", stands still {low:.1} to {high:.1} min"),
        None => String::new(),
    };
    let exceeds = match way.exceeds.is_empty() {
        true => String::new(),
        false => format!("; too much for it: {}", way.exceeds.join(", ")),
    };
    format!(
        "{}: {}{still}{exceeds}",
        way.target.title(),
        way.way.title()
    )
}

const HOSTS: Table<17> = Table {
    name: "hypervisors",
    about: "What carries guests: how much it has, and how much of it is taken",
    none: "No platform of virtualization told of a host.",
    columns: [
        col("Name"),
        col("Platform"),
        col("Product"),
        col("Cluster"),
        col("Guests"),
        col("Running guests"),
        col("Sockets"),
        col("Cores"),
        col("Processors of running guests"),
        col("Processor time used (%)"),
        col("Memory (GiB)"),
        col("Memory used (GiB)"),
        col("Memory of running guests (GiB)"),
        col("Maintenance"),
        col("Addresses"),
        wide("May be another machine we know", 44),
        id("Id"),
    ],
};

pub(super) fn hosts(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let platforms = Platforms::of(&index.inventory.entities);
    let numbers = Numbers::of(&index.inventory.measurements);
    let mut all: Vec<(&Entity, &Hypervisor)> = index
        .inventory
        .entities
        .iter()
        .filter_map(|entity| Some((entity, entity.attributes.hypervisor.as_deref()?)))
        .collect();
    all.sort_by_key(|(entity, host)| (&entity.name, &host.platform, &host.key, &entity.id));
    book.table(&HOSTS, all, |(entity, host)| {
        let load = platforms.on_host((entity, host));
        let used = numbers.bytes(&entity.id, "hypervisor_memory_used_bytes");
        [
            text(&entity.name),
            host.platform.kind.title().into(),
            host.product.clone().map_or(Cell::Empty, Cell::from),
            platforms
                .cluster_of((entity, host))
                .map(|(_, cluster)| cluster.name.to_string())
                .into(),
            load.guests.into(),
            load.running.into(),
            host.sockets.into(),
            host.cores.into(),
            load.processors.into(),
            numbers
                .number(&entity.id, "hypervisor_cpu_used_percent")
                .into(),
            host.memory_bytes.map_or(Cell::Empty, gib),
            used.map_or(Cell::Empty, gib),
            gib(load.memory),
            mark(host.maintenance == Some(true)),
            list(&entity.addresses),
            lines(&entity.attributes.not_joined),
            text(&entity.id),
        ]
    })
}

const DATASTORES: Table<11> = Table {
    name: "datastores",
    about: "Where disks of guests lie, and how much room is left",
    none: "No platform of virtualization told of a datastore.",
    columns: [
        col("Name"),
        col("Platform"),
        col("Made of"),
        col("Capacity (GiB)"),
        col("Free (GiB)"),
        col("Free (%)"),
        col("Guests"),
        col("Hosts"),
        col("Server"),
        col("Path"),
        id("Id"),
    ],
};

pub(super) fn datastores(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let platforms = Platforms::of(&index.inventory.entities);
    let numbers = Numbers::of(&index.inventory.measurements);
    let mut all: Vec<(&Entity, &Datastore)> = index
        .inventory
        .entities
        .iter()
        .filter_map(|entity| Some((entity, entity.attributes.datastore.as_deref()?)))
        .collect();
    all.sort_by_key(|(entity, store)| (&entity.name, &store.platform, &store.key, &entity.id));
    book.table(&DATASTORES, all, |(entity, store)| {
        let free = numbers.bytes(&entity.id, "datastore_free_bytes");
        let told = store.capacity_bytes;
        let told = told.or_else(|| numbers.bytes(&entity.id, "datastore_capacity_bytes"));
        let capacity = told.filter(|bytes| *bytes > 0);
        let share = capacity
            .zip(free)
            .map(|(all, free)| 100.0 * free as f64 / all as f64);
        let hosts = store.hosts.iter();
        let hosts = hosts.map(|key| host_name(&platforms, (&entity.site, &store.platform, key)));
        [
            text(&entity.name),
            store.platform.kind.title().into(),
            store.product.clone().map_or(Cell::Empty, Cell::from),
            told.map_or(Cell::Empty, gib),
            free.map_or(Cell::Empty, gib),
            share.into(),
            platforms.on_store((entity, store)).guests.into(),
            list(hosts),
            store.server.as_ref().map_or(Cell::Empty, text),
            store.path.as_ref().map_or(Cell::Empty, text),
            text(&entity.id),
        ]
    })
}
