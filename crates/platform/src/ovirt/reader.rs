//! Answers in, facts out.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{AffinityRule, Cluster, Guest, Platform, PlatformKind};
use groma_model::{Fact, Foreign};
use serde_json::Value;

use super::answer::{Page, Unread, at, id, link, word};
use super::host::Host;
use super::machine::Draft;
use super::network::Networks;
use super::rules::rules;
use super::storage::Store;
use super::{List, Question};
use crate::Read;
use crate::json::{flag, items, small, text, whole};
use crate::shared::mark_shared;

/// Most things of one list.
const THINGS_MAX: usize = 200_000;

/// Takes answers of one engine, and makes facts of them.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Its name where it tells no id.
    called: String,
    instance: Option<String>,
    version: Option<(u32, u32)>,
    /// How many machines and hosts there are, as the engine counts them.
    machines_told: Option<u64>,
    hosts_told: Option<u64>,
    /// Data centers, and whether their storage is that of one host.
    centers: BTreeMap<String, bool>,
    clusters: BTreeMap<String, Drawn>,
    stores: BTreeMap<String, Store>,
    networks: Networks,
    hosts: BTreeMap<String, Host>,
    machines: BTreeMap<String, Draft>,
    templates: BTreeMap<String, Draft>,
    /// What was left out.
    cut: BTreeSet<String>,
}

/// A cluster as its entry tells it.
#[derive(Clone, Debug, Default)]
struct Drawn {
    name: String,
    center: Option<String>,
    bios: Option<String>,
    rules: Vec<AffinityRule>,
    labelled: BTreeSet<String>,
}

impl Reader {
    /// A reader that knows nothing yet but how the machine of the engine is called.
    pub fn new(called: &str) -> Self {
        Self {
            called: called.to_owned(),
            ..Self::default()
        }
    }

    /// Takes the whole `answer` to `question`.
    ///
    /// # Errors
    /// It is no answer of an engine. What was read before stays.
    pub fn answer(&mut self, question: &Question, answer: &[u8]) -> Result<Page, Unread> {
        let read: Result<Value, _> = serde_json::from_slice(answer);
        let read = read.map_err(|error| Unread::NotJson { line: error.line() })?;
        let other = |what| Unread::SomethingElse { what };
        match question {
            Question::Api => self.api(&read).ok_or_else(|| other("greeting")),
            Question::Page(list, _) | Question::Whole(list) => {
                // A list without anything in it is an object without anything in it.
                read.as_object().ok_or_else(|| other(list.name()))?;
                let empty = read.as_object().is_some_and(serde_json::Map::is_empty);
                let entries = read.get(list.one()).unwrap_or(&Value::Null);
                match empty || !entries.is_null() {
                    true => Ok(self.list(*list, entries)),
                    false => Err(other(list.name())),
                }
            }
        }
    }

    /// Which installation this is. `None` until [`Question::Api`] was answered.
    pub fn platform(&self) -> Option<Platform> {
        let id = self.instance.clone()?;
        Some(Platform {
            kind: PlatformKind::Ovirt,
            id,
        })
    }

    /// True for an engine that puts nothing into a list but links: before version 4.2.
    pub fn is_old(&self) -> bool {
        self.version.is_some_and(|version| version < (4, 2))
    }

    /// True where a machine may have a trusted platform module and did not tell: [`List::MachineDevices`] tells.
    pub fn needs_devices(&self) -> bool {
        let bios = self.bios();
        let mut machines = self.machines.values();
        machines.any(|machine| machine.may_have_tpm(&bios))
    }

    /// What the engine counts and did not show, in words; empty where it showed all it counts.
    pub fn unseen(&self) -> Vec<String> {
        let counted = [
            ("machines", self.machines_told, self.machines.len()),
            ("hosts", self.hosts_told, self.hosts.len()),
        ];
        let short = counted.into_iter().filter_map(|(what, told, seen)| {
            let told = told.filter(|told| usize::try_from(*told).is_ok_and(|told| told > seen))?;
            Some(format!("{seen} of {told} {what} were shown"))
        });
        let mut unseen: Vec<String> = short.collect();
        let linked = self
            .machines
            .values()
            .filter(|draft| !draft.is_whole)
            .count();
        if linked > 0 {
            unseen.push(format!(
                "{linked} machines came without their disks or cards"
            ));
        }
        let known = |host: &&String| !self.hosts.contains_key(*host);
        let strange: BTreeSet<&String> = self
            .machines
            .values()
            .filter_map(Draft::host)
            .filter(known)
            .collect();
        if !strange.is_empty() {
            unseen.push(format!(
                "{} hosts that machines run on were not shown",
                strange.len()
            ));
        }
        unseen
    }

    /// The facts: clusters, hosts, storage domains, guests, and their numbers. Empty where [`Reader::platform`] is.
    pub fn finish(self) -> Read {
        let mut read = Read::default();
        let Some(platform) = self.platform() else {
            return read;
        };
        let bios = self.bios();
        let made = |draft: &Draft| {
            let mut guest = draft.finished(&self.networks, &bios);
            guest.platform = platform.clone();
            guest
        };
        let drafts = self.machines.values().chain(self.templates.values());
        let mut guests: Vec<(Guest, Option<u64>)> =
            drafts.map(|draft| (made(draft), draft.disk_used)).collect();
        guests.sort_by(|a, b| a.0.key.cmp(&b.0.key));
        mark_shared(&mut guests);
        self.tell_clusters(&platform, &mut read);
        self.tell_hosts(&platform, &mut read);
        self.tell_stores(&platform, &mut read);
        for (guest, used) in guests {
            if let Some(used) = used {
                read.measured(
                    "vm_disk_used_bytes",
                    &platform.subject(&guest.key),
                    float(used),
                );
            }
            read.facts.push(Fact::Guest(Box::new(guest)));
        }
        let labelled = self.clusters.values().flat_map(|cluster| &cluster.labelled);
        let labelled = labelled.map(|name| {
            format!("affinity group {name:?} has members by label, and who they are is not asked")
        });
        read.untold.extend(labelled);
        read.untold.append(&mut self.cut.into_iter().collect());
        read
    }

    fn tell_clusters(&self, platform: &Platform, read: &mut Read) {
        for (key, cluster) in &self.clusters {
            let of_it = |draft: &&Draft| draft.cluster.as_ref() == Some(key);
            let machines = || self.machines.values().filter(of_it);
            let mut rules = cluster.rules.clone();
            rules.extend(machines().filter_map(|draft| draft.placed.clone()));
            rules.sort();
            rules.dedup();
            let watched = machines().any(|draft| {
                let guest = draft.finished(&self.networks, &BTreeMap::new());
                guest.restarted_elsewhere == Some(true)
            });
            read.facts.push(Fact::Cluster(Box::new(Cluster {
                platform: platform.clone(),
                key: key.clone(),
                name: Foreign::from(cluster.name.as_str()),
                // Of a part of the machines nobody can say that none is.
                restarts_guests: watched.then_some(true),
                spreads_guests: None,
                rules,
            })));
        }
    }

    fn tell_hosts(&self, platform: &Platform, read: &mut Read) {
        for host in self.hosts.values() {
            let mut fact = host.finished(&self.networks);
            fact.platform = platform.clone();
            let center = self.center(host);
            // Every host of a data center must reach every storage domain of it.
            let reached = self
                .stores
                .iter()
                .filter(|(_, store)| center.is_some_and(|center| store.centers.contains(center)));
            fact.datastores = reached.map(|(key, _)| key.clone()).collect();
            read.facts.push(Fact::Hypervisor(Box::new(fact)));
        }
    }

    fn center(&self, host: &Host) -> Option<&String> {
        self.clusters.get(host.cluster()?)?.center.as_ref()
    }

    fn tell_stores(&self, platform: &Platform, read: &mut Read) {
        for (key, store) in &self.stores {
            let subject = platform.subject(key);
            if let Some(free) = store.free {
                read.measured("datastore_free_bytes", &subject, float(free));
            }
            let mut fact = store.fact.clone();
            if let (Some(moving), false) = (fact.capacity_bytes, store.is_steady) {
                read.measured("datastore_capacity_bytes", &subject, float(moving));
                fact.capacity_bytes = None;
            }
            let hosts = self.hosts.iter().filter(|(_, host)| {
                self.center(host)
                    .is_some_and(|center| store.centers.contains(center))
            });
            fact.hosts = hosts.map(|(key, _)| key.clone()).collect();
            let is_local = |center: &String| self.centers.get(center) == Some(&true);
            fact.shared = Some(!store.is_local && !store.centers.iter().any(is_local));
            fact.platform = platform.clone();
            read.facts.push(Fact::Datastore(Box::new(fact)));
        }
    }

    /// What the clusters start their machines by.
    fn bios(&self) -> BTreeMap<String, String> {
        let told = self.clusters.iter();
        told.filter_map(|(key, cluster)| Some((key.clone(), cluster.bios.clone()?)))
            .collect()
    }

    fn api(&mut self, answer: &Value) -> Option<Page> {
        let product = answer.get("product_info")?;
        product.is_object().then_some(())?;
        self.instance = Some(text(product, "instance_id").unwrap_or_else(|| self.called.clone()));
        let version = at(product, "version");
        self.version = small(version, "major").zip(small(version, "minor"));
        let summary = at(answer, "summary");
        self.machines_told = whole(at(summary, "vms"), "total");
        self.hosts_told = whole(at(summary, "hosts"), "total");
        Some(Page::default())
    }

    fn list(&mut self, list: List, entries: &Value) -> Page {
        let mut page = Page::default();
        for entry in items(entries, THINGS_MAX) {
            page.things += 1;
            page.new += usize::from(self.entry(list, entry) == Some(true));
        }
        page
    }

    /// `Some(true)` for a thing that was not known.
    fn entry(&mut self, list: List, entry: &Value) -> Option<bool> {
        let key = id(entry)?;
        match list {
            List::DataCenters => {
                let is_local = flag(entry, "local") == Some(true);
                Some(self.centers.insert(key, is_local).is_none())
            }
            List::Clusters => {
                let (rules, labelled) = rules(entry);
                let drawn = Drawn {
                    name: text(entry, "name").unwrap_or_else(|| key.clone()),
                    center: link(entry, "data_center"),
                    bios: word(entry, "bios_type"),
                    rules,
                    labelled,
                };
                Some(self.clusters.insert(key, drawn).is_none())
            }
            List::Stores => match Store::of(entry) {
                Some(store) => Some(self.stores.insert(key, store).is_none()),
                None => Some(true),
            },
            List::Networks => self.networks.network(entry),
            List::Profiles => self.networks.profile(entry),
            List::Hosts => Some(keep(&mut self.hosts, &mut self.cut, key, Host::of(entry)?)),
            List::Templates => match Draft::template(entry) {
                Some(draft) => Some(keep(&mut self.templates, &mut self.cut, key, draft)),
                None => Some(true),
            },
            List::Machines | List::PlainMachines => Some(keep(
                &mut self.machines,
                &mut self.cut,
                key,
                Draft::machine(entry)?,
            )),
            List::MachineDevices => {
                let known = self.machines.get_mut(&key);
                // A page is new as long as it tells of a machine that was not told of this way.
                Some(known.is_some_and(|draft| draft.devices(entry)))
            }
        }
    }
}

/// Keeps `what` as long as there is room. True for one that was not known.
fn keep<T>(
    all: &mut BTreeMap<String, T>,
    cut: &mut BTreeSet<String>,
    key: String,
    what: T,
) -> bool {
    if all.len() >= THINGS_MAX && !all.contains_key(&key) {
        cut.insert(format!(
            "more than {THINGS_MAX} of a kind: the rest is left out"
        ));
        return false;
    }
    all.insert(key, what).is_none()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes, to a ten-thousandth of a percent"
)]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
