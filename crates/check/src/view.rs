//! The inventory as checks look at it: indexed once, without what a person judged wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

pub(crate) use groma_model::outside::{is_outside, is_public};

use groma_model::fact::{DirectoryEntry, DirectoryObject};
use groma_model::inventory::{
    Backup, Basis, CoverageEntry, Dependency, Entity, Inventory, ListenerEntry, MeasurementEntry,
    Severity, System, VerdictWord, Volume, Watching, WaveEntry,
};
use groma_model::{CoverageState, EntityId, Port, Timestamp, Transport, Witness};

use crate::index::{Index, Work};

/// An inventory at a moment, with the questions every check asks of it.
///
/// A check walks through whole lists only here, never for each of its findings: what it needs of one entity is indexed. A test
/// counts what is handed out and fails where the count grows faster than the estate.
pub struct View<'a> {
    pub(crate) inventory: &'a Inventory,
    /// The moment it is judged at.
    pub now: Timestamp,
    entities: HashMap<&'a EntityId, &'a Entity>,
    dependencies: Vec<&'a Dependency>,
    /// Of each consumer, also what a person judged wrong and what was concluded.
    consumed: Index<'a, Dependency>,
    provided: Index<'a, Dependency>,
    listeners: Index<'a, ListenerEntry>,
    /// Listeners by the certificate they present.
    presenting: Index<'a, ListenerEntry>,
    coverage: Index<'a, CoverageEntry>,
    volumes: Index<'a, Volume>,
    measurements: Index<'a, MeasurementEntry>,
    backups: Index<'a, Backup>,
    systems: BTreeMap<&'a str, &'a System>,
    systems_of: Index<'a, System>,
    watched_hosts: usize,
    /// For how long; asked for by every need that was never seen alive.
    watched: Duration,
    pub(crate) work: Work,
}

/// Every object of a class that directories tell, with the thing it is written on.
pub(crate) fn told<'a>(
    view: &View<'a>,
    classes: &'a [&'a str],
) -> impl Iterator<Item = (&'a Entity, &'a DirectoryEntry)> {
    let on = |entity: &'a Entity| {
        let entries = entity.attributes.directory_objects.iter();
        entries.map(move |entry| (entity, entry))
    };
    let of = |(_, entry): &(_, &DirectoryEntry)| classes.contains(&entry.object.class.as_str());
    view.entities().flat_map(on).filter(of)
}

/// The values of an attribute of an object; none where it says nothing of it.
pub(crate) fn values<'a>(object: &'a DirectoryObject, attribute: &str) -> &'a [String] {
    object.attributes.get(attribute).map_or(&[], Vec::as_slice)
}

/// What directories say about `entity`.
pub(crate) fn directory_objects(entity: &Entity) -> impl Iterator<Item = &DirectoryObject> {
    let entries = entity.attributes.directory_objects.iter();
    entries.map(|entry| &entry.object)
}

/// True for an edge that follows from two others, over what stands between.
fn is_concluded(d: &Dependency) -> bool {
    d.basis == Basis::Inferred && !d.details.through.is_empty()
}

fn is_wrong(d: &Dependency) -> bool {
    let verdict = d.verdict.as_ref();
    verdict.is_some_and(|v| v.verdict == VerdictWord::Wrong)
}

fn counts(d: &Dependency) -> bool {
    !is_wrong(d) && !is_concluded(d)
}

impl<'a> View<'a> {
    /// Indexes `inventory`.
    pub fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let needs = &inventory.dependencies;
        let dependencies: Vec<&Dependency> = needs.iter().filter(|d| counts(d)).collect();
        // The long lists are indexed side by side.
        let (consumed, (provided, (entities, coverage))) = rayon::join(
            || Index::of(needs.iter().map(|d| (&d.consumer.entity, d))),
            || {
                rayon::join(
                    || Index::of(dependencies.iter().map(|d| (&d.provider.entity, *d))),
                    || {
                        let coverage = inventory.coverage.iter().map(|c| (&c.vantage, c));
                        let entities = inventory.entities.iter().map(|e| (&e.id, e));
                        (entities.collect(), Index::of(coverage))
                    },
                )
            },
        );
        let listeners = &inventory.listeners;
        let presenting = listeners
            .iter()
            .filter_map(|l| Some((l.certificate.as_ref()?, l)));
        let members = |s: &'a System| s.members.iter().map(move |member| (member, s));
        let systems = &inventory.systems;
        Self {
            inventory,
            now,
            entities,
            consumed,
            provided,
            listeners: Index::of(listeners.iter().map(|l| (&l.entity, l))),
            presenting: Index::of(presenting),
            coverage,
            volumes: Index::of(inventory.volumes.iter().map(|v| (&v.entity, v))),
            measurements: Index::of(inventory.measurements.iter().map(|m| (&m.entity, m))),
            backups: Index::of(inventory.backups.iter().map(|b| (&b.entity, b))),
            systems_of: Index::of(systems.iter().flat_map(members)),
            watched: inventory.watched(),
            watched_hosts: inventory.entities.iter().filter(|e| e.has_agent).count(),
            systems: systems.iter().map(|s| (s.id.as_str(), s)).collect(),
            dependencies,
            work: Work::default(),
        }
    }

    /// One of the document's lists, from end to end: for a check once, not for each thing it looks at.
    pub fn all<T: 'a>(
        &self,
        list: impl Fn(&'a Inventory) -> &'a [T],
    ) -> impl Iterator<Item = &'a T> {
        self.work.walked(list(self.inventory).iter())
    }

    /// Everything that is in the inventory.
    pub fn entities(&self) -> impl Iterator<Item = &'a Entity> {
        self.all(|inventory| &inventory.entities)
    }

    /// Every wave with its machines.
    pub(crate) fn waves(&self) -> Vec<(&'a WaveEntry, BTreeSet<EntityId>)> {
        let waves: Vec<&WaveEntry> = self.all(|i| &i.waves).collect();
        if waves.is_empty() {
            return Vec::new();
        }
        self.entities().for_each(drop);
        let names = waves.iter().flat_map(|wave| &wave.members);
        let meant = groma_model::remembered::meant(self.inventory, names);
        let machines = |wave: &WaveEntry| {
            let sets = wave.members.iter().filter_map(|name| meant.get(name));
            sets.flatten().cloned().collect()
        };
        waves.iter().map(|wave| (*wave, machines(wave))).collect()
    }

    /// What each machine watches, or keeps the logs of, that nobody else does.
    pub(crate) fn watched_alone(&self) -> BTreeMap<&'a EntityId, Vec<&'a Watching>> {
        groma_model::outside::watched_alone(self.inventory)
    }

    /// Every dependency nobody judged wrong. What was concluded over a relay is left out: each of its parts is judged
    /// by itself, and a finding about both ends would say the same twice.
    pub fn dependencies(&self) -> impl Iterator<Item = &'a Dependency> {
        self.work.walked(self.dependencies.iter().copied())
    }

    /// Those of one consumer.
    pub(crate) fn needs_of(&self, consumer: &EntityId) -> impl Iterator<Item = &'a Dependency> {
        self.also_wrong_of(consumer).filter(|d| counts(d))
    }

    /// Those of one consumer, and what a person judged to be none.
    pub(crate) fn also_wrong_of(
        &self,
        consumer: &EntityId,
    ) -> impl Iterator<Item = &'a Dependency> {
        self.work.walked(self.consumed.at(consumer).iter().copied())
    }

    /// Those of one provider.
    pub(crate) fn needs_for(&self, provider: &EntityId) -> impl Iterator<Item = &'a Dependency> {
        self.work.walked(self.provided.at(provider).iter().copied())
    }

    /// Where listeners present a certificate.
    pub(crate) fn presenting(
        &self,
        certificate: &EntityId,
    ) -> impl Iterator<Item = &'a ListenerEntry> {
        self.work
            .walked(self.presenting.at(certificate).iter().copied())
    }

    /// How much lies at an entity.
    pub(crate) fn volumes(&self, entity: &EntityId) -> impl Iterator<Item = &'a Volume> {
        self.work.walked(self.volumes.at(entity).iter().copied())
    }

    /// The numbers of one name that were taken of an entity.
    pub(crate) fn numbers(
        &self,
        entity: &EntityId,
        metric: &str,
    ) -> impl Iterator<Item = &'a MeasurementEntry> {
        let all = self.work.walked(self.measurements.at(entity).iter());
        all.copied().filter(move |m| m.metric == metric)
    }

    /// Jobs that copy an entity, or everything of a machine.
    pub(crate) fn backups(&self, entity: &EntityId) -> impl Iterator<Item = &'a Backup> {
        self.work.walked(self.backups.at(entity).iter().copied())
    }

    /// The systems an entity is a member of.
    pub(crate) fn systems_of(&self, member: &EntityId) -> impl Iterator<Item = &'a System> {
        self.work.walked(self.systems_of.at(member).iter().copied())
    }

    /// Those of the dependencies that `keep` says, by the key it gives them.
    pub fn grouped<K: Ord + Hash>(
        &self,
        keep: impl Fn(&'a Dependency) -> Option<K>,
    ) -> BTreeMap<K, Vec<&'a Dependency>> {
        // Hashed first: there are many dependencies, and only the groups need an order.
        let mut groups: HashMap<K, Vec<&Dependency>> = HashMap::new();
        for dependency in self.dependencies() {
            if let Some(key) = keep(dependency) {
                groups.entry(key).or_default().push(dependency);
            }
        }
        groups.into_iter().collect()
    }

    /// As [`Self::grouped`] by the provider: they lie side by side already.
    pub(crate) fn by_provider(
        &self,
        keep: impl Fn(&'a Dependency) -> bool,
    ) -> BTreeMap<&'a EntityId, Vec<&'a Dependency>> {
        self.kept(&self.provided, keep)
    }

    /// As [`Self::grouped`] by the consumer.
    pub(crate) fn by_consumer(
        &self,
        keep: impl Fn(&'a Dependency) -> bool,
    ) -> BTreeMap<&'a EntityId, Vec<&'a Dependency>> {
        self.kept(&self.consumed, |d| counts(d) && keep(d))
    }

    fn kept(
        &self,
        index: &Index<'a, Dependency>,
        keep: impl Fn(&'a Dependency) -> bool,
    ) -> BTreeMap<&'a EntityId, Vec<&'a Dependency>> {
        let of_one = |(entity, rows): (&'a EntityId, &[&'a Dependency])| {
            let rows = self.work.took(rows).iter().copied();
            let kept: Vec<&Dependency> = rows.filter(|d| keep(d)).collect();
            (!kept.is_empty()).then_some((entity, kept))
        };
        index.each().filter_map(of_one).collect()
    }

    /// The listeners of a host.
    pub fn listeners(&self, host: &EntityId) -> &[&'a ListenerEntry] {
        self.work.took(self.listeners.at(host))
    }

    /// The entity with this id. Does not rely on the order of the document.
    pub fn entity(&self, id: &EntityId) -> Option<&'a Entity> {
        self.entities.get(id).copied()
    }

    /// What looks at `host` spoke for.
    pub fn coverage(&self, host: &EntityId) -> &[&'a CoverageEntry] {
        self.work.took(self.coverage.at(host))
    }

    /// How many rows were handed out so far: what checks cost, told in work and not in time.
    pub fn rows_walked(&self) -> u64 {
        self.work.rows()
    }

    /// Machines somebody looked at from inside.
    pub fn watched_hosts(&self) -> usize {
        self.watched_hosts
    }

    /// True if `source` looked at all of `scope` from inside `host`: only then is silence an answer.
    pub fn is_complete(&self, host: &EntityId, source: &str, scope: &str) -> bool {
        let mut entries = self.coverage(host).iter();
        entries.any(|entry| {
            entry.source.as_str() == source
                && entry.scope == scope
                && entry.state == CoverageState::Complete
        })
    }

    /// True if everything that listens on `port` of `host` was seen: only then is silence an answer. Asks
    /// the coverage of `socket:NAMESPACE/TRANSPORT/listen`, and the holes `…/listen/PORT` in it.
    pub fn listeners_complete(&self, host: &EntityId, transport: Transport, port: Port) -> bool {
        let mut looked = false;
        for entry in self.coverage(host) {
            let Some(path) = entry.scope.strip_prefix("socket:") else {
                continue;
            };
            let mut words = path.split('/').skip(1);
            if words.next() != Some(transport.as_str()) || words.next() != Some("listen") {
                continue;
            }
            let concerns = match (words.next(), words.next()) {
                (None, _) => {
                    looked = true;
                    true
                }
                (Some(hole), None) => hole.parse() == Ok(port.0),
                (Some(_), Some(_)) => continue,
            };
            if concerns && entry.state != CoverageState::Complete {
                return false;
            }
        }
        looked
    }

    /// The owner of the first of `subjects` that has one.
    pub(crate) fn owner_of(&self, subjects: &[String]) -> Option<String> {
        let entities = subjects
            .iter()
            .filter(|id| !id.starts_with("dep-"))
            .filter_map(|id| self.entity(&EntityId::new(id)));
        entities.filter_map(|e| self.owner(e)).next()
    }

    /// The owner of an entity, or of the system it belongs to.
    pub fn owner(&self, entity: &Entity) -> Option<String> {
        let system = || self.systems.get(entity.system.as_deref()?);
        entity
            .owner
            .clone()
            .or_else(|| system().and_then(|s| s.owner.clone()))
    }

    /// The time the inventory speaks about, in words: `30 s`, `5 hours`, `12 days`.
    pub fn watched_for(&self) -> String {
        let seconds = self.watched.as_secs();
        match seconds {
            0..=119 => format!("{seconds} s"),
            120..=7199 => format!("{} minutes", seconds / 60),
            7200..=172_799 => format!("{} hours", seconds / 3600),
            _ => format!("{} days", seconds / 86_400),
        }
    }
}

/// True if somebody wrote it down.
pub(crate) fn is_written(dependency: &Dependency) -> bool {
    dependency.witnesses.contains(&Witness::Written)
}

/// True if somebody saw it happen.
pub(crate) fn was_seen_alive(dependency: &Dependency) -> bool {
    let alive = |w: &Witness| matches!(w, Witness::Live | Witness::History | Witness::Network);
    dependency.witnesses.iter().any(alive)
}

/// The number of different consumers.
pub(crate) fn consumers(dependencies: &[&Dependency]) -> usize {
    let ids: HashSet<&EntityId> = dependencies.iter().map(|d| &d.consumer.entity).collect();
    ids.len()
}

/// True for an address that never leaves the machine or the link.
pub(crate) fn is_loopback_or_link(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local(),
    }
}

/// One step less grave.
pub(crate) fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}
