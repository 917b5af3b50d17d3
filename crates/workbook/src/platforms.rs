//! Look-ups over what platforms of virtualization tell: things by their keys, who carries how much, and the newest numbers.

use std::collections::{BTreeSet, HashMap};

use groma_model::Timestamp;
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestSort, Hypervisor, Platform, Power,
};

/// A thing of a platform, by the platform and its key there.
type At<'a> = (&'a Platform, &'a str);

/// The guests of a host, or with a disk on a datastore. Templates are none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) guests: u64,
    pub(crate) running: u64,
    /// Of those that run.
    pub(crate) processors: u64,
    /// Bytes of those that run.
    pub(crate) memory: u64,
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

/// Things of platforms by their keys.
pub(crate) struct Platforms<'a> {
    hosts: HashMap<At<'a>, &'a Hypervisor>,
    clusters: HashMap<At<'a>, &'a Cluster>,
    stores: HashMap<At<'a>, &'a Datastore>,
    on_hosts: HashMap<At<'a>, Load>,
    on_stores: HashMap<At<'a>, Load>,
}

impl<'a> Platforms<'a> {
    /// Reads `inventory` once.
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let all = || inventory.entities.iter().map(|entity| &entity.attributes);
        let hosts = all().filter_map(|a| a.hypervisor.as_deref());
        let clusters = all().filter_map(|a| a.cluster.as_deref());
        let stores = all().filter_map(|a| a.datastore.as_deref());
        let guests = || all().filter_map(|a| a.guest.as_deref());
        Self {
            hosts: hosts.map(|h| ((&h.platform, &*h.key), h)).collect(),
            clusters: clusters.map(|c| ((&c.platform, &*c.key), c)).collect(),
            stores: stores.map(|d| ((&d.platform, &*d.key), d)).collect(),
            on_hosts: loads(guests(), |guest| {
                guest.host.as_deref().into_iter().collect()
            }),
            on_stores: loads(guests(), on),
        }
    }

    /// The host with this key.
    pub(crate) fn host(
        &self,
        platform: &'a Platform,
        key: Option<&'a str>,
    ) -> Option<&'a Hypervisor> {
        self.hosts.get(&(platform, key?)).copied()
    }

    /// Its name; the key where the platform told of no such host.
    pub(crate) fn host_name(&self, platform: &'a Platform, key: &'a str) -> String {
        self.host(platform, Some(key))
            .map_or_else(|| key.to_owned(), |host| host.name.to_string())
    }

    /// The cluster of a host.
    pub(crate) fn cluster(&self, host: &'a Hypervisor) -> Option<&'a Cluster> {
        let key = host.cluster.as_deref()?;
        self.clusters.get(&(&host.platform, key)).copied()
    }

    /// The name of a datastore; the key where the platform told of no such one.
    pub(crate) fn store_name(&self, platform: &'a Platform, key: &'a str) -> String {
        self.stores
            .get(&(platform, key))
            .map_or_else(|| key.to_owned(), |store| store.name.to_string())
    }

    /// The guests on a host.
    pub(crate) fn on_host(&self, host: &'a Hypervisor) -> Load {
        let at = (&host.platform, host.key.as_str());
        self.on_hosts.get(&at).copied().unwrap_or_default()
    }

    /// The guests with a disk on a datastore.
    pub(crate) fn on_store(&self, store: &'a Datastore) -> Load {
        let at = (&store.platform, store.key.as_str());
        self.on_stores.get(&at).copied().unwrap_or_default()
    }
}

/// Keys of the datastores a guest has disks on, each once.
fn on(guest: &Guest) -> Vec<&str> {
    let disks = guest.disks.iter();
    let keys: BTreeSet<&str> = disks.filter_map(|disk| disk.datastore.as_deref()).collect();
    keys.into_iter().collect()
}

fn loads<'a>(
    guests: impl Iterator<Item = &'a Guest>,
    keys: impl Fn(&'a Guest) -> Vec<&'a str>,
) -> HashMap<At<'a>, Load> {
    let mut loads: HashMap<At<'a>, Load> = HashMap::new();
    for guest in guests.filter(|guest| guest.sort != GuestSort::Template) {
        for key in keys(guest) {
            loads.entry((&guest.platform, key)).or_default().add(guest);
        }
    }
    loads
}

/// The newest numbers of guests, hosts and datastores.
pub(crate) struct Numbers<'a>(HashMap<(&'a str, &'a str), (Timestamp, f64)>);

impl<'a> Numbers<'a> {
    /// Reads `inventory` once. Of two numbers of one moment the larger counts, whatever the order they came in.
    pub(crate) fn of_inventory(inventory: &'a Inventory) -> Self {
        let told = [
            "vm_disk_used_bytes",
            "datastore_free_bytes",
            "datastore_capacity_bytes",
        ];
        let wanted = |metric: &str| metric.starts_with("hypervisor_") || told.contains(&metric);
        let mut newest: HashMap<_, (Timestamp, f64)> = HashMap::new();
        for number in inventory.measurements.iter().filter(|m| wanted(&m.metric)) {
            let at = (number.entity.as_str(), number.metric.as_str());
            let one = newest.entry(at).or_insert((number.at, number.value));
            let newer = one.0.cmp(&number.at).then(one.1.total_cmp(&number.value));
            if newer.is_lt() {
                *one = (number.at, number.value);
            }
        }
        Self(newest)
    }

    /// The number of an entity.
    pub(crate) fn of(&self, entity: &'a Entity, metric: &'a str) -> Option<f64> {
        let (_, value) = self.0.get(&(entity.id.as_str(), metric))?;
        Some(*value).filter(|value| value.is_finite() && *value >= 0.0)
    }

    /// The number of bytes of an entity.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite and not below nought; what is larger than any disk is cut"
    )]
    pub(crate) fn bytes(&self, entity: &'a Entity, metric: &'a str) -> Option<u64> {
        self.of(entity, metric).map(|value| value as u64)
    }
}
