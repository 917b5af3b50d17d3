//! What the sheets are made from, looked up once and put in order.

use std::collections::HashMap;

use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestRow, Hypervisor, Numbers, Platform, PlatformKind, Platforms,
};

use super::row::Row;
use crate::cell::Cell;

/// A guest with the machine it is.
pub(super) struct Told<'a> {
    pub(super) entity: &'a Entity,
    pub(super) guest: &'a Guest,
    /// What stands in the way of its move.
    pub(super) row: Option<&'a GuestRow>,
}

/// What platforms tell, sorted by platform and name.
pub(super) struct Estate<'a> {
    pub(super) guests: Vec<Told<'a>>,
    pub(super) hosts: Vec<(&'a Entity, &'a Hypervisor)>,
    pub(super) clusters: Vec<(&'a Entity, &'a Cluster)>,
    pub(super) datastores: Vec<(&'a Entity, &'a Datastore)>,
    pub(super) platforms: Platforms<'a>,
    pub(super) numbers: Numbers<'a>,
}

impl<'a> Estate<'a> {
    /// Reads `inventory` once.
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let all = || inventory.entities.iter();
        let hosts = all().filter_map(|e| Some((e, e.attributes.hypervisor.as_deref()?)));
        let mut hosts: Vec<_> = hosts.collect();
        hosts.sort_by_key(|(e, host)| (&host.platform, &host.name, &host.key, &e.id));
        let clusters = all().filter_map(|e| Some((e, e.attributes.cluster.as_deref()?)));
        let mut clusters: Vec<_> = clusters.collect();
        clusters.sort_by_key(|(e, one)| (&one.platform, &one.name, &one.key, &e.id));
        let stores = all().filter_map(|e| Some((e, e.attributes.datastore.as_deref()?)));
        let mut datastores: Vec<_> = stores.collect();
        datastores.sort_by_key(|(e, store)| (&store.platform, &store.name, &store.key, &e.id));
        Self {
            guests: guests(inventory),
            platforms: Platforms::of(&inventory.entities),
            numbers: Numbers::of(&inventory.measurements),
            hosts,
            clusters,
            datastores,
        }
    }

    /// The name of the cluster of a host.
    pub(super) fn cluster(&self, host: (&Entity, &Hypervisor)) -> Cell {
        let found = self.platforms.cluster_of(host);
        found.map(|(_, cluster)| cluster.name.to_string()).into()
    }
}

/// What each row of a host ends and begins with.
pub(super) fn of_host(estate: &Estate<'_>, (entity, host): (&Entity, &Hypervisor)) -> Row {
    of_platform(&host.platform)
        .with("Host", host.name.to_string())
        .with("Cluster", estate.cluster((entity, host)))
}

/// The columns of a platform. A vCenter's own id is a UUID and stands where RVTools has it too; a lone ESXi may go by its name.
pub(super) fn of_platform(platform: &Platform) -> Row {
    let row = Row::default().with("VI SDK Server", platform.id.as_str());
    match platform.kind {
        PlatformKind::Vsphere if is_uuid(&platform.id) => {
            row.with("VI SDK UUID", platform.id.as_str())
        }
        _ => row,
    }
}

fn is_uuid(id: &str) -> bool {
    let groups = id.split('-').map(|group| {
        let hex = group.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then_some(group.len())
    });
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

fn guests(inventory: &Inventory) -> Vec<Told<'_>> {
    let rows = inventory.guests.iter();
    let rows: HashMap<&str, &GuestRow> = rows.map(|row| (row.entity.as_str(), row)).collect();
    let mut guests: Vec<Told<'_>> = inventory
        .entities
        .iter()
        .filter_map(|entity| {
            let guest = entity.attributes.guest.as_deref()?;
            let row = rows.get(entity.id.as_str()).copied();
            Some(Told { entity, guest, row })
        })
        .collect();
    guests.sort_by_key(|t| (&t.guest.platform, &t.guest.name, &t.guest.key, &t.entity.id));
    guests
}
