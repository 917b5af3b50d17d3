//! Machines and guests, and what belongs to each: file systems, interfaces, jobs.

use groma_model::inventory::{Attributes, Entity};

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, gib, ids, lines, list, mark, maybe, text, yes};
use crate::index::{Index, is_host};

const HOSTS: Table<36> = Table {
    name: "hosts",
    about: "Machines and guests, one line each",
    none: "No machine was found.",
    columns: [
        col("Name"),
        col("Kind"),
        col("Addresses"),
        col("Operating system"),
        col("Layer"),
        col("Site"),
        col("System"),
        col("Owner"),
        col("Criticality"),
        col("Agent"),
        col("In your list"),
        col("Needed by (things)"),
        col("Needs (things)"),
        col("Hidden dependencies"),
        col("Open findings"),
        col("Listeners"),
        col("Processors"),
        col("Memory (GiB)"),
        col("Disks (GiB)"),
        col("Virtualization"),
        col("Maker"),
        col("Model"),
        col("Serial"),
        col("Kernel"),
        col("Architecture"),
        col("Time zone"),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        col("All names"),
        col("MAC addresses"),
        col("Packages"),
        col("Containers"),
        col("Accounts that can log in"),
        wide("Why it is one machine", 40),
        id("Id"),
        id("Evidence"),
    ],
};

/// Entities that are machines, by name.
fn machines<'a>(index: &Index<'a>) -> Vec<&'a Entity> {
    let hosts = index.inventory.entities.iter().filter(|e| is_host(e));
    sorted(hosts, |e| (&e.name, &e.id))
}

pub(super) fn hosts(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    book.table(&HOSTS, machines(index), |e| host(e, index))
}

fn host(e: &Entity, index: &Index<'_>) -> [Cell; 36] {
    let about = &e.attributes;
    let system = about.operating_system.as_ref();
    let hardware = about.hardware.as_ref();
    let figures = index.figures(&e.id);
    let containers = about.containers.iter();
    let containers = containers.filter_map(|container| container.name.as_ref());
    let log_in = about.accounts.iter().filter(|account| account.can_log_in);
    [
        text(&e.name),
        text(&e.kind),
        list(&e.addresses),
        system.map_or(Cell::Empty, operating_system),
        text(&e.layer),
        text(index.site(&e.site)),
        e.system.as_deref().map(|id| index.subject(id)).into(),
        maybe(&e.owner),
        maybe(&e.criticality),
        yes(e.has_agent),
        declared(e, index),
        count(figures.needed_by),
        count(figures.needs),
        count(figures.hidden),
        count(figures.findings),
        count(figures.listeners),
        hardware.map(|h| h.processors).filter(|n| *n > 0).into(),
        hardware
            .map(|h| h.memory_bytes)
            .filter(|bytes| *bytes > 0)
            .map_or(Cell::Empty, gib),
        disks(about),
        system.and_then(|s| s.virtualization.as_deref()).into(),
        hardware.and_then(|h| h.vendor.as_deref()).into(),
        hardware.and_then(|h| h.product.as_deref()).into(),
        serial(about),
        system.map(|s| s.kernel.as_str()).into(),
        system.map(|s| s.architecture.as_str()).into(),
        system.and_then(|s| s.time_zone.as_deref()).into(),
        e.first_seen.into(),
        e.last_seen.into(),
        list(&e.names),
        list(macs(about)),
        number(about.packages.len()),
        list(containers),
        list(log_in.map(|account| account.name.lossy())),
        lines(&e.merged_because),
        text(&e.id),
        ids(&e.evidence),
    ]
}

fn operating_system(system: &groma_model::fact::OperatingSystem) -> Cell {
    let parts = [&system.id, &system.version];
    let said: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    match system.pretty_name.as_str() {
        "" if said.is_empty() => text(&system.family),
        "" => text(said.join(" ")),
        name => text(name),
    }
}

/// Whether a list names it; nothing where nobody imported one.
fn declared(e: &Entity, index: &Index<'_>) -> Cell {
    match index.inventory.compared_with_list {
        true => yes(e.declared),
        false => Cell::Empty,
    }
}

/// A number of what was counted; nothing where nothing of it was told, which is not nought.
fn number(counted: usize) -> Cell {
    match counted {
        0 => Cell::Empty,
        counted => count(counted),
    }
}

fn disks(about: &Attributes) -> Cell {
    let own = about.hardware.iter().flat_map(|h| &h.disks);
    let own: u64 = own.fold(0, |sum, disk| sum.saturating_add(disk.bytes));
    let outside = about.disks.iter();
    let outside: u64 = outside.fold(0, |sum, disk| sum.saturating_add(disk.bytes));
    match own.max(outside) {
        0 => Cell::Empty,
        bytes => gib(bytes),
    }
}

fn serial(about: &Attributes) -> Cell {
    let own = about.identity.as_ref().and_then(|i| i.serial.as_deref());
    own.into()
}

fn macs(about: &Attributes) -> Vec<&str> {
    let own = about.identity.iter().flat_map(|identity| &identity.macs);
    let mut macs: Vec<&str> = own.chain(&about.macs).map(String::as_str).collect();
    macs.sort_unstable();
    macs.dedup();
    macs
}

const FILE_SYSTEMS: Table<8> = Table {
    name: "file systems",
    about: "What is mounted on which host, and from where",
    none: "No file system was told.",
    columns: [
        col("Host"),
        col("Mounted at"),
        col("Device"),
        col("Type"),
        col("Size (GiB)"),
        col("Lies on"),
        col("Share or export"),
        id("Id of the host"),
    ],
};

pub(super) fn file_systems(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = machines(index).into_iter().flat_map(|e| {
        let mounts = sorted(&e.attributes.file_systems, |m| (&m.mount_point, &m.device));
        mounts.into_iter().map(move |mount| (e, mount))
    });
    book.table(&FILE_SYSTEMS, rows, |(e, mount)| {
        let remote = mount.remote.as_ref();
        [
            text(&e.name),
            text(&mount.mount_point),
            text(&mount.device),
            text(&mount.kind),
            mount.bytes.map_or(Cell::Empty, gib),
            remote.map(|r| r.peer.to_string()).into(),
            remote.map(|r| r.resource.to_string()).into(),
            text(&e.id),
        ]
    })
}

const INTERFACES: Table<5> = Table {
    name: "interfaces",
    about: "Network interfaces of hosts with their addresses",
    none: "No interface was told.",
    columns: [
        col("Host"),
        col("Interface"),
        col("Addresses"),
        col("MAC address"),
        id("Id of the host"),
    ],
};

pub(super) fn interfaces(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = machines(index).into_iter().flat_map(|e| {
        let interfaces = sorted(&e.attributes.interfaces, |i| (&i.name, &i.mac));
        interfaces.into_iter().map(move |interface| (e, interface))
    });
    book.table(&INTERFACES, rows, |(e, interface)| {
        [
            text(&e.name),
            text(&interface.name),
            list(&interface.addresses),
            maybe(&interface.mac),
            text(&e.id),
        ]
    })
}

const JOBS: Table<12> = Table {
    name: "jobs",
    about: "What a clock starts on which host, and when it runs next",
    none: "No scheduled job was found.",
    columns: [
        col("Host"),
        col("Job"),
        col("Scheduler"),
        col("Schedule"),
        col("Rhythm"),
        col("Next run (UTC)"),
        col("Only about then"),
        col("Runs as"),
        col("Starts"),
        col("Written in"),
        col("Time zone"),
        id("Id of the host"),
    ],
};

pub(super) fn jobs(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = machines(index).into_iter().flat_map(|e| {
        let jobs = sorted(&e.attributes.jobs, |j| {
            (&j.job.name, &j.job.file, &j.job.schedule)
        });
        jobs.into_iter().map(move |job| (e, job))
    });
    book.table(&JOBS, rows, |(e, entry)| {
        let job = &entry.job;
        [
            text(&e.name),
            text(&job.name),
            text(&job.scheduler),
            text(&job.schedule),
            maybe(&job.rhythm),
            entry.next_runs.first().copied().into(),
            mark(entry.next_runs_approximate),
            maybe(&job.user),
            maybe(&job.executable.as_ref().or(job.starts.as_ref())),
            text(&job.file),
            maybe(&job.time_zone),
            text(&e.id),
        ]
    })
}
