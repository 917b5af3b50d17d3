//! What the sheets are made from, looked up once and put in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestRow, GuestSort, Hypervisor, Platform, PlatformKind, Power,
};

use super::row::Row;
use crate::cell::Cell;

/// A thing of a platform, by the platform and its key there.
pub(super) type At<'a> = (&'a Platform, &'a str);

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
    hosts_at: HashMap<At<'a>, &'a Hypervisor>,
    clusters_at: HashMap<At<'a>, &'a Cluster>,
    stores_at: HashMap<At<'a>, &'a Datastore>,
    on_hosts: HashMap<At<'a>, Load>,
    on_stores: HashMap<At<'a>, Load>,
    rules: HashMap<At<'a>, Vec<&'a str>>,
    numbers: HashMap<(&'a str, &'a str), f64>,
}

/// The guests of a host, or with a disk on a datastore. Templates are none.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    pub(super) guests: u64,
    pub(super) running: u64,
    /// Of those that run.
    pub(super) processors: u64,
    /// Of those that run.
    pub(super) memory: u64,
}

impl Load {
    fn add(&mut self, guest: &Guest) {
        self.guests += 1;
        if guest.power == Some(Power::On) {
            self.running += 1;
            self.processors += u64::from(guest.processors.unwrap_or_default());
            let memory = guest.memory_bytes.unwrap_or_default();
            self.memory = self.memory.saturating_add(memory);
        }
    }
}

impl<'a> Estate<'a> {
    /// Reads `inventory` once.
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let all = || inventory.entities.iter();
        let mut hosts: Vec<_> = all()
            .filter_map(|e| Some((e, e.attributes.hypervisor.as_deref()?)))
            .collect();
        hosts.sort_by_key(|(e, host)| (&host.platform, &host.name, &host.key, &e.id));
        let mut clusters: Vec<_> = all()
            .filter_map(|e| e.attributes.cluster.as_deref())
            .collect();
        clusters.sort_by_key(|cluster| (&cluster.platform, &cluster.name, &cluster.key));
        let mut datastores: Vec<_> = all()
            .filter_map(|e| Some((e, e.attributes.datastore.as_deref()?)))
            .collect();
        datastores.sort_by_key(|(e, store)| (&store.platform, &store.name, &store.key, &e.id));
        let guests = guests(inventory);
        Self {
            hosts_at: by(hosts.iter().map(|(_, h)| ((&h.platform, &*h.key), *h))),
            clusters_at: by(clusters.iter().map(|c| ((&c.platform, &*c.key), *c))),
            stores_at: by(datastores.iter().map(|(_, d)| ((&d.platform, &*d.key), *d))),
            on_hosts: loads(&guests, |guest| guest.host.as_deref().into_iter().collect()),
            on_stores: loads(&guests, stores),
            rules: rules(&clusters),
            numbers: numbers(inventory),
            guests,
            hosts,
            clusters,
            datastores,
        }
    }

    /// The newest number of an entity.
    pub(super) fn number(&self, entity: &Entity, metric: &str) -> Option<f64> {
        let found = self.numbers.get(&(entity.id.as_str(), metric)).copied();
        found.filter(|value| value.is_finite() && *value >= 0.0)
    }

    /// The newest number of bytes of an entity.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite and not below nought; what is larger than any disk is cut"
    )]
    pub(super) fn bytes(&self, entity: &Entity, metric: &str) -> Option<u64> {
        self.number(entity, metric).map(|value| value as u64)
    }

    /// The host with this key.
    pub(super) fn host(
        &self,
        platform: &'a Platform,
        key: Option<&'a str>,
    ) -> Option<&'a Hypervisor> {
        self.hosts_at.get(&(platform, key?)).copied()
    }

    /// The name of the cluster of a host.
    pub(super) fn cluster(&self, host: &'a Hypervisor) -> Cell {
        let key = host.cluster.as_deref();
        let found = key.and_then(|key| self.clusters_at.get(&(&host.platform, key)));
        found.map(|cluster| cluster.name.to_string()).into()
    }

    /// The name of the datastore with this key; the key where the platform told of no such one.
    pub(super) fn datastore(&self, platform: &'a Platform, key: &'a str) -> String {
        let found = self.stores_at.get(&(platform, key));
        found.map_or_else(|| key.to_owned(), |store| store.name.to_string())
    }

    /// The guests on a host.
    pub(super) fn on_host(&self, host: &'a Hypervisor) -> Load {
        let at = (&host.platform, host.key.as_str());
        self.on_hosts.get(&at).copied().unwrap_or_default()
    }

    /// The guests with a disk on a datastore.
    pub(super) fn on_store(&self, store: &'a Datastore) -> Load {
        let at = (&store.platform, store.key.as_str());
        self.on_stores.get(&at).copied().unwrap_or_default()
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

/// The columns of a platform. vSphere's own id is a UUID and stands where RVTools has it.
pub(super) fn of_platform(platform: &Platform) -> Row {
    let row = Row::default().with("VI SDK Server", platform.id.as_str());
    match platform.kind {
        PlatformKind::Vsphere => row.with("VI SDK UUID", platform.id.as_str()),
        _ => row,
    }
}

fn guests(inventory: &Inventory) -> Vec<Told<'_>> {
    let rows: HashMap<&str, &GuestRow> =
        by(inventory.guests.iter().map(|r| (r.entity.as_str(), r)));
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

/// Keys of the datastores a guest has disks on, each once.
fn stores(guest: &Guest) -> Vec<&str> {
    let disks = guest.disks.iter();
    let keys: BTreeSet<&str> = disks.filter_map(|disk| disk.datastore.as_deref()).collect();
    keys.into_iter().collect()
}

fn loads<'a>(
    guests: &[Told<'a>],
    keys: impl Fn(&'a Guest) -> Vec<&'a str>,
) -> HashMap<At<'a>, Load> {
    let mut loads: HashMap<At<'a>, Load> = HashMap::new();
    let real = guests.iter().map(|told| told.guest);
    for guest in real.filter(|guest| guest.sort != GuestSort::Template) {
        for key in keys(guest) {
            loads.entry((&guest.platform, key)).or_default().add(guest);
        }
    }
    loads
}

fn rules<'a>(clusters: &[&'a Cluster]) -> HashMap<At<'a>, Vec<&'a str>> {
    let mut rules: HashMap<At<'a>, Vec<&'a str>> = HashMap::new();
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

/// The newest value of each number; of two of one moment the larger, whatever the order they came in.
fn numbers(inventory: &Inventory) -> HashMap<(&str, &str), f64> {
    let mut newest: BTreeMap<(&str, &str), (groma_model::Timestamp, f64)> = BTreeMap::new();
    let told = ["vm_disk_used_bytes", "datastore_free_bytes"];
    let wanted = |metric: &str| metric.starts_with("hypervisor_") || told.contains(&metric);
    for number in inventory.measurements.iter().filter(|m| wanted(&m.metric)) {
        let at = (number.entity.as_str(), number.metric.as_str());
        let one = newest.entry(at).or_insert((number.at, number.value));
        let newer = one.0.cmp(&number.at).then(one.1.total_cmp(&number.value));
        if newer.is_lt() {
            *one = (number.at, number.value);
        }
    }
    newest
        .into_iter()
        .map(|(at, (_, value))| (at, value))
        .collect()
}

fn by<K: std::hash::Hash + Eq, V>(all: impl Iterator<Item = (K, V)>) -> HashMap<K, V> {
    all.collect()
}
