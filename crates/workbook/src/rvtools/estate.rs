//! What the sheets are made from, looked up once and put in order.

use std::collections::HashMap;

use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestRow, Hypervisor, Platform, PlatformKind,
};

use super::row::Row;
use crate::cell::Cell;
use crate::platforms::{Numbers, Platforms};

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
    pub(super) clusters: Vec<&'a Cluster>,
    pub(super) datastores: Vec<(&'a Entity, &'a Datastore)>,
    pub(super) platforms: Platforms<'a>,
    pub(super) numbers: Numbers<'a>,
    rules: HashMap<(&'a Platform, &'a str), Vec<&'a str>>,
}

impl<'a> Estate<'a> {
    /// Reads `inventory` once.
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let all = || inventory.entities.iter();
        let hosts = all().filter_map(|e| Some((e, e.attributes.hypervisor.as_deref()?)));
        let mut hosts: Vec<_> = hosts.collect();
        hosts.sort_by_key(|(e, host)| (&host.platform, &host.name, &host.key, &e.id));
        let clusters = all().filter_map(|e| e.attributes.cluster.as_deref());
        let mut clusters: Vec<_> = clusters.collect();
        clusters.sort_by_key(|cluster| (&cluster.platform, &cluster.name, &cluster.key));
        let stores = all().filter_map(|e| Some((e, e.attributes.datastore.as_deref()?)));
        let mut datastores: Vec<_> = stores.collect();
        datastores.sort_by_key(|(e, store)| (&store.platform, &store.name, &store.key, &e.id));
        Self {
            rules: rules(&clusters),
            guests: guests(inventory),
            platforms: Platforms::of(inventory),
            numbers: Numbers::of_inventory(inventory),
            hosts,
            clusters,
            datastores,
        }
    }

    /// The host with this key.
    pub(super) fn host(
        &self,
        platform: &'a Platform,
        key: Option<&'a str>,
    ) -> Option<&'a Hypervisor> {
        self.platforms.host(platform, key)
    }

    /// The name of the cluster of a host.
    pub(super) fn cluster(&self, host: &'a Hypervisor) -> Cell {
        let found = self.platforms.cluster(host);
        found.map(|cluster| cluster.name.to_string()).into()
    }

    /// Names of the rules that speak of a guest.
    pub(super) fn rules(&self, guest: &'a Guest) -> &[&'a str] {
        let at = (&guest.platform, guest.key.as_str());
        self.rules.get(&at).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What each row of a host ends and begins with.
pub(super) fn of_host<'a>(estate: &Estate<'a>, host: &'a Hypervisor) -> Row {
    of_platform(&host.platform)
        .with("Host", host.name.to_string())
        .with("Cluster", estate.cluster(host))
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

fn rules<'a>(clusters: &[&'a Cluster]) -> HashMap<(&'a Platform, &'a str), Vec<&'a str>> {
    let mut rules: HashMap<_, Vec<&'a str>> = HashMap::new();
    for cluster in clusters {
        for rule in cluster.rules.iter().filter(|rule| rule.enabled) {
            for guest in &rule.guests {
                let at = (&cluster.platform, guest.as_str());
                rules.entry(at).or_default().push(&rule.name);
            }
        }
    }
    for names in rules.values_mut() {
        names.sort_unstable();
    }
    rules
}
