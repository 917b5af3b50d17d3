//! Clusters of hosts: what they have, what is asked of them, and what is left without the largest host.

use groma_model::inventory::Entity;
use groma_model::virtualization::{Cluster, Numbers, Platforms};

use crate::WorkbookError;
use crate::book::{Book, Table, col, id};
use crate::cell::{Cell, gib, mark, text};
use crate::index::Index;

const CLUSTERS: Table<15> = Table {
    name: "clusters",
    about: "Hosts that carry guests together, and the room that is left when the largest of them is away",
    none: "No platform of virtualization told of a cluster.",
    columns: [
        col("Name"),
        col("Platform"),
        col("Hosts"),
        col("Hosts that carry now"),
        col("Running guests"),
        col("Processors of running guests"),
        col("Memory (GiB)"),
        col("Memory used (GiB)"),
        col("Memory of running guests (GiB)"),
        col("Largest host"),
        col("Memory without it (GiB)"),
        col("Spare without it (GiB)"),
        col("Missing without it (GiB)"),
        col("Starts guests of a failed host"),
        id("Id"),
    ],
};

pub(super) fn clusters(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let platforms = Platforms::of(&index.inventory.entities);
    let numbers = Numbers::of(&index.inventory.measurements);
    let all = index.inventory.entities.iter();
    let mut all: Vec<(&Entity, &Cluster)> = all
        .filter_map(|entity| Some((entity, entity.attributes.cluster.as_deref()?)))
        .collect();
    all.sort_by_key(|(entity, one)| (&entity.name, &one.platform, &one.key, &entity.id));
    book.table(&CLUSTERS, all, |(entity, cluster)| {
        let room = platforms.headroom((entity, cluster), &numbers);
        let size = |bytes: Option<u64>| bytes.map_or(Cell::Empty, gib);
        [
            text(&entity.name),
            cluster.platform.kind.title().into(),
            room.hosts.into(),
            room.carrying.into(),
            room.load.running.into(),
            room.load.processors.into(),
            size(room.memory),
            size(room.used),
            gib(room.load.memory),
            room.largest.map(|(_, host)| host.name.to_string()).into(),
            size(room.without_largest()),
            size(room.spare()),
            size(room.lacking()),
            mark(cluster.restarts_guests == Some(true)),
            text(&entity.id),
        ]
    })
}
