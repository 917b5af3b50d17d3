//! Datastores.

use groma_model::inventory::Entity;
use groma_model::virtualization::{Datastore, DatastoreSort};

use super::estate::{Estate, of_platform};
use super::row::{Row, mib};
use crate::cell::{count, list};
use crate::platforms::host_name;

/// Rows of vDatastore.
pub(super) fn datastores<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    let all = estate.datastores.iter();
    all.map(|(entity, store)| datastore(estate, entity, store))
}

fn datastore<'a>(estate: &Estate<'a>, entity: &'a Entity, store: &'a Datastore) -> Row {
    let free = estate.numbers.bytes(&entity.id, "datastore_free_bytes");
    let capacity = store.capacity_bytes;
    let capacity =
        capacity.or_else(|| estate.numbers.bytes(&entity.id, "datastore_capacity_bytes"));
    let room = capacity.zip(free);
    let share = room
        .filter(|(all, _)| *all > 0)
        .map(|(all, free)| (100.0 * free as f64 / all as f64).round());
    let load = estate.platforms.on_store((entity, store));
    let hosts = store.hosts.iter();
    let hosts = hosts.map(|key| host_name(&estate.platforms, (&entity.site, &store.platform, key)));
    let (sort, version) = sort(store);
    of_platform(&store.platform)
        .with("Name", store.name.to_string())
        .with("Address", store.server.as_ref().map(ToString::to_string))
        .with("Type", sort)
        .with("# VMs total", load.guests)
        .with("# VMs", load.running)
        .with("Capacity MiB", mib(capacity))
        .with(
            "In Use MiB",
            mib(room.map(|(all, free)| all.saturating_sub(free))),
        )
        .with("Free MiB", mib(free))
        .with("Free %", share)
        .with("# Hosts", count(store.hosts.len()))
        .with("Hosts", list(hosts))
        .with("Major Version", version)
        .with("URL", store.path.as_ref().map(ToString::to_string))
        .with("Object ID", store.key.as_str())
}

/// The type, and the version behind the dash of `VMFS-6`. Where the platform calls it nothing, what it is made of.
fn sort(store: &Datastore) -> (&str, Option<&str>) {
    let made_of = match store.sort {
        DatastoreSort::Directory => "directory",
        DatastoreSort::Block => "block",
        DatastoreSort::FileShare => "file share",
        DatastoreSort::Fabric => "fabric",
        DatastoreSort::Spread => "spread",
        DatastoreSort::Unknown => "",
    };
    let product = store.product.as_deref().unwrap_or(made_of);
    match product.strip_prefix("VMFS-") {
        Some(version) => ("VMFS", Some(version)),
        None => (product, None),
    }
}
