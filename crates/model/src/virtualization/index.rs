//! Look-ups over what platforms tell: things by their keys, who carries how much, and the newest numbers.

use std::collections::{BTreeSet, HashMap};

use super::{AffinityRule, Cluster, Datastore, Guest, GuestSort, Hypervisor, Platform, Power};
use crate::inventory::{Entity, MeasurementEntry};
use crate::{EntityId, SiteId, Timestamp};

/// A thing of a platform: what installations are called means something within a site alone. Two sites may each have their
/// `proxmox:pve`, or a Hyper-V host of one name.
pub type At<'a> = (&'a SiteId, &'a Platform, &'a str);

/// What a platform tells of a thing, with the entity it is.
pub type Told<'a, T> = (&'a Entity, &'a T);

/// The guests on a host, or with a disk on a datastore. Templates are none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// All of them.
    pub guests: u64,
    /// Those that run.
    pub running: u64,
    /// Virtual processors of those that run.
    pub processors: u64,
    /// Memory of those that run, in bytes.
    pub memory: u64,
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

    pub(super) fn join(&mut self, other: Self) {
        self.guests += other.guests;
        self.running += other.running;
        self.processors += other.processors;
        self.memory = self.memory.saturating_add(other.memory);
    }
}

/// Things of platforms by their keys.
pub struct Platforms<'a> {
    hosts: HashMap<At<'a>, Told<'a, Hypervisor>>,
    clusters: HashMap<At<'a>, Told<'a, Cluster>>,
    stores: HashMap<At<'a>, Told<'a, Datastore>>,
    on_hosts: HashMap<At<'a>, Load>,
    on_stores: HashMap<At<'a>, Load>,
    rules: HashMap<At<'a>, Vec<&'a AffinityRule>>,
}

impl<'a> Platforms<'a> {
    /// Reads `entities` once.
    pub fn of(entities: &'a [Entity]) -> Self {
        let mut all = Self {
            hosts: HashMap::new(),
            clusters: HashMap::new(),
            stores: HashMap::new(),
            on_hosts: HashMap::new(),
            on_stores: HashMap::new(),
            rules: HashMap::new(),
        };
        for entity in entities {
            all.add(entity);
        }
        for rules in all.rules.values_mut() {
            rules.sort_unstable();
        }
        all
    }

    fn add(&mut self, entity: &'a Entity) {
        let told = &entity.attributes;
        if let Some(host) = told.hypervisor.as_deref() {
            let at = (&entity.site, &host.platform, host.key.as_str());
            self.hosts.insert(at, (entity, host));
        }
        if let Some(store) = told.datastore.as_deref() {
            let at = (&entity.site, &store.platform, store.key.as_str());
            self.stores.insert(at, (entity, store));
        }
        if let Some(cluster) = told.cluster.as_deref() {
            let at = (&entity.site, &cluster.platform, cluster.key.as_str());
            self.clusters.insert(at, (entity, cluster));
            self.bind(entity, cluster);
        }
        if let Some(guest) = told.guest.as_deref()
            && guest.sort != GuestSort::Template
        {
            self.load(entity, guest);
        }
    }

    fn bind(&mut self, entity: &'a Entity, cluster: &'a Cluster) {
        for rule in cluster.rules.iter().filter(|rule| rule.enabled) {
            for guest in &rule.guests {
                let at = (&entity.site, &cluster.platform, guest.as_str());
                self.rules.entry(at).or_default().push(rule);
            }
        }
    }

    fn load(&mut self, entity: &'a Entity, guest: &'a Guest) {
        let at = |key: &'a str| (&entity.site, &guest.platform, key);
        if let Some(host) = guest.host.as_deref() {
            self.on_hosts.entry(at(host)).or_default().add(guest);
        }
        let disks = guest.disks.iter();
        let stores: BTreeSet<&str> = disks.filter_map(|disk| disk.datastore.as_deref()).collect();
        for store in stores {
            self.on_stores.entry(at(store)).or_default().add(guest);
        }
    }

    /// The host a guest is on, where its platform told of that host.
    pub fn host_of(&self, (entity, guest): Told<'_, Guest>) -> Option<Told<'a, Hypervisor>> {
        let key = guest.host.as_deref()?;
        self.host((&entity.site, &guest.platform, key))
    }

    /// The host with this key.
    pub fn host(&self, at: At<'_>) -> Option<Told<'a, Hypervisor>> {
        self.hosts.get(&at).copied()
    }

    /// The hosts of a platform, in no order.
    pub(super) fn hosts_at(
        &self,
        at: (&SiteId, &Platform),
    ) -> impl Iterator<Item = Told<'a, Hypervisor>> {
        let hosts = self.hosts.iter();
        hosts
            .filter(move |((site, platform, _), _)| (*site, *platform) == at)
            .map(|(_, told)| *told)
    }

    /// The cluster of a host.
    pub fn cluster_of(&self, (entity, host): Told<'_, Hypervisor>) -> Option<Told<'a, Cluster>> {
        let key = host.cluster.as_deref()?;
        let at = (&entity.site, &host.platform, key);
        self.clusters.get(&at).copied()
    }

    /// The datastore with this key.
    pub fn store(&self, at: At<'_>) -> Option<Told<'a, Datastore>> {
        self.stores.get(&at).copied()
    }

    /// The guests on a host.
    pub fn on_host(&self, (entity, host): Told<'_, Hypervisor>) -> Load {
        let at = (&entity.site, &host.platform, host.key.as_str());
        self.on_hosts.get(&at).copied().unwrap_or_default()
    }

    /// The guests with a disk on a datastore.
    pub fn on_store(&self, (entity, store): Told<'_, Datastore>) -> Load {
        let at = (&entity.site, &store.platform, store.key.as_str());
        self.on_stores.get(&at).copied().unwrap_or_default()
    }

    /// The rules in force that speak of a guest, sorted.
    pub fn rules<'b>(&'b self, (entity, guest): Told<'b, Guest>) -> &'b [&'b AffinityRule] {
        let at = (&entity.site, &guest.platform, guest.key.as_str());
        self.rules.get(&at).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The newest numbers of guests, hosts and datastores: the metrics of the [module](crate::virtualization).
pub struct Numbers<'a>(HashMap<(&'a str, &'a str), (Timestamp, f64)>);

impl<'a> Numbers<'a> {
    /// Reads `measurements` once. Of two numbers of one moment the larger counts, whatever the order they came in.
    pub fn of(measurements: &'a [MeasurementEntry]) -> Self {
        let wanted = |metric: &str| {
            ["vm_", "datastore_", "hypervisor_"]
                .iter()
                .any(|start| metric.starts_with(start))
        };
        let mut newest: HashMap<_, (Timestamp, f64)> = HashMap::new();
        for number in measurements.iter().filter(|m| wanted(&m.metric)) {
            let at = (number.entity.as_str(), number.metric.as_str());
            let one = newest.entry(at).or_insert((number.at, number.value));
            let newer = one.0.cmp(&number.at).then(one.1.total_cmp(&number.value));
            if newer.is_lt() {
                *one = (number.at, number.value);
            }
        }
        Self(newest)
    }

    /// The number of an entity; `None` where it makes no sense.
    pub fn number(&self, entity: &EntityId, metric: &str) -> Option<f64> {
        let (_, value) = self.0.get(&(entity.as_str(), metric))?;
        Some(*value).filter(|value| value.is_finite() && *value >= 0.0)
    }

    /// The number of bytes of an entity.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite and not below nought; what is larger than any disk is cut"
    )]
    pub fn bytes(&self, entity: &EntityId, metric: &str) -> Option<u64> {
        self.number(entity, metric).map(|value| value as u64)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests only")]
mod tests {
    use super::*;
    use crate::inventory::Attributes;
    use crate::virtualization::{AffinitySort, GuestDisk, PlatformKind};

    fn platform() -> Platform {
        Platform {
            kind: PlatformKind::HyperV,
            id: "hv1".into(),
        }
    }

    fn entity(site: &str, name: &str, attributes: Attributes) -> Entity {
        Entity {
            id: EntityId::new(format!("ent-{site}-{name}")),
            kind: "vm".into(),
            name: name.into(),
            names: vec![],
            addresses: vec![],
            layer: "virtualization".into(),
            site: SiteId::new(site),
            system: None,
            owner: None,
            criticality: None,
            first_seen: Timestamp::from_seconds(0),
            last_seen: Timestamp::from_seconds(0),
            has_agent: false,
            declared: false,
            attributes,
            merged_because: vec![],
            evidence: vec![],
        }
    }

    /// A host, a cluster with a rule, a datastore and a guest that runs, all by the same keys at each site.
    fn site(site: &str) -> [Entity; 4] {
        let host = Hypervisor {
            platform: platform(),
            key: "hv1".into(),
            cluster: Some("c1".into()),
            ..Hypervisor::default()
        };
        let cluster = Cluster {
            platform: platform(),
            key: "c1".into(),
            rules: vec![AffinityRule {
                name: format!("rule of {site}"),
                sort: AffinitySort::OnHosts,
                enabled: true,
                guests: vec!["vm-1".into()],
                ..AffinityRule::default()
            }],
            ..Cluster::default()
        };
        let store = Datastore {
            platform: platform(),
            key: "d1".into(),
            ..Datastore::default()
        };
        let disk = |bytes| GuestDisk {
            datastore: Some("d1".into()),
            capacity_bytes: Some(bytes),
            ..GuestDisk::default()
        };
        let guest = Guest {
            platform: platform(),
            key: "vm-1".into(),
            host: Some("hv1".into()),
            power: Some(Power::On),
            processors: Some(2),
            disks: vec![disk(3), disk(4)],
            ..Guest::default()
        };
        let told = Attributes::default;
        [
            entity(
                site,
                "host",
                Attributes {
                    hypervisor: Some(Box::new(host)),
                    ..told()
                },
            ),
            entity(
                site,
                "cluster",
                Attributes {
                    cluster: Some(Box::new(cluster)),
                    ..told()
                },
            ),
            entity(
                site,
                "store",
                Attributes {
                    datastore: Some(Box::new(store)),
                    ..told()
                },
            ),
            entity(
                site,
                "guest",
                Attributes {
                    guest: Some(Box::new(guest)),
                    ..told()
                },
            ),
        ]
    }

    #[test]
    fn a_platform_of_one_name_at_two_sites_is_two() {
        let all = [site("lyon"), site("minsk")].concat();
        let platforms = Platforms::of(&all);
        for (at, place) in [(0, "lyon"), (4, "minsk")] {
            let [host, cluster, store, guest] = all.get(at..at + 4).unwrap() else {
                panic!("four of each site")
            };
            let told = (guest, guest.attributes.guest.as_deref().unwrap());
            let (on, hypervisor) = platforms.host_of(told).unwrap();
            assert_eq!(on.id, host.id);
            assert_eq!(
                platforms.cluster_of((on, hypervisor)).unwrap().0.id,
                cluster.id
            );
            assert_eq!(platforms.on_host((on, hypervisor)).guests, 1);
            let kept = store.attributes.datastore.as_deref().unwrap();
            let load = platforms.on_store((store, kept));
            assert_eq!(
                (load.guests, load.processors),
                (1, 2),
                "two disks, one guest"
            );
            let rules: Vec<_> = platforms
                .rules(told)
                .iter()
                .map(|r| r.name.clone())
                .collect();
            assert_eq!(rules, [format!("rule of {place}")]);
        }
    }

    #[test]
    fn a_host_that_nobody_told_of_and_a_template_are_no_load() {
        let mut all = site("lyon").to_vec();
        let guest = all[3].attributes.guest.as_mut().unwrap();
        guest.sort = GuestSort::Template;
        let platforms = Platforms::of(&all);
        let host = all[0].attributes.hypervisor.as_deref().unwrap();
        assert_eq!(platforms.on_host((&all[0], host)), Load::default());
        let elsewhere = SiteId::new("turin");
        assert!(
            platforms
                .host((&elsewhere, &host.platform, "hv1"))
                .is_none()
        );
    }

    #[test]
    fn of_two_numbers_of_one_moment_the_larger_counts_in_any_order() {
        let number = |seconds, value| MeasurementEntry {
            entity: EntityId::new("ent-1"),
            metric: "vm_disk_used_bytes".into(),
            subject: String::new(),
            value,
            at: Timestamp::from_seconds(seconds),
        };
        let mut all = vec![number(5, 9.0), number(7, 3.0), number(7, 4.0)];
        for _ in 0..2 {
            let numbers = Numbers::of(&all);
            let of = |metric| numbers.bytes(&EntityId::new("ent-1"), metric);
            assert_eq!(of("vm_disk_used_bytes"), Some(4));
            assert_eq!(of("datastore_free_bytes"), None);
            all.reverse();
        }
    }
}
