//! Answers in, facts out.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{
    Cluster, Guest, GuestSnapshot, GuestSort, Platform, PlatformKind, Power,
};
use groma_model::{Fact, Foreign, Timestamp};
use serde_json::Value;

use super::backup::Job;
use super::container::container;
use super::disk::Place;
use super::inside::Inside;
use super::load::Load;
use super::machine::machine;
use super::node::Node;
use super::rights::unseen;
use super::rules::{Availability, in_maintenance};
use super::settings::Settings;
use super::storage::Stores;
use super::{CLUSTER_KEY, ClusterQuestion, GuestPlace, GuestQuestion, NodeQuestion, Question};
use crate::Read;
use crate::json::{flag, items, number, small, text, whole};
use crate::shared::mark_shared;
use crate::words::reachable;

/// Most entries of an answer, and guests and nodes of a platform.
const ENTRIES_MAX: usize = 200_000;
const NODES_MAX: usize = 1_000;
const SNAPSHOTS_MAX: usize = 1_000;

/// An answer that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// It is no JSON.
    #[error("line {line} of the answer is no JSON")]
    NotJson {
        /// Counted from 1.
        line: usize,
    },
    /// It is JSON of something else.
    #[error("the answer has no \"data\"")]
    NoContent,
}

/// Takes answers of one Proxmox VE, and makes facts of them.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    cluster: Option<String>,
    lone: Option<String>,
    /// Rights to see that do not reach everything.
    unseen: BTreeSet<&'static str>,
    /// What was left out for its number.
    cut: BTreeSet<String>,
    nodes: BTreeMap<String, Node>,
    guests: BTreeMap<String, Draft>,
    stores: Stores,
    jobs: Vec<Job>,
    availability: Availability,
}

/// A guest as it becomes known.
#[derive(Clone, Debug, Default)]
struct Draft {
    guest: Guest,
    settings: Option<Settings>,
    snapshots: Option<Vec<GuestSnapshot>>,
    inside: Inside,
    load: Load,
    /// What the root of a container takes: all of it, where it has no mount point. Of a machine nobody tells.
    disk_used: Option<f64>,
}

impl Reader {
    /// A reader that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the whole `answer` to `question`.
    ///
    /// # Errors
    /// It is no answer of Proxmox VE. What was read before stays.
    pub fn answer(&mut self, question: &Question, answer: &[u8]) -> Result<(), Unread> {
        let read: Result<Value, _> = serde_json::from_slice(answer);
        let read = read.map_err(|error| Unread::NotJson { line: error.line() })?;
        let content = read.get("data").ok_or(Unread::NoContent)?;
        match question {
            Question::Cluster(question) => self.cluster(*question, content),
            Question::Node(name, question) => self.node(name, *question, content),
            Question::Guest(place, question) => self.guest(place, *question, content),
        }
        Ok(())
    }

    /// Says that the helper inside a guest does not answer.
    pub fn silent(&mut self, place: &GuestPlace) {
        if let Some(draft) = self.guests.get_mut(&place.key) {
            draft.inside.answered = Some(false);
        }
    }

    /// Which installation this is: a cluster by its name, a lone node by its name and domain. `None` until
    /// [`ClusterQuestion::Status`] was answered.
    pub fn platform(&self) -> Option<Platform> {
        let whole = |name: String| match self.nodes.get(&name) {
            Some(node) => node.whole_name(&name),
            None => name,
        };
        let id = self.cluster.clone().or_else(|| self.lone().map(whole))?;
        Some(Platform {
            kind: PlatformKind::Proxmox,
            id,
        })
    }

    /// The node, where it is one alone: its domain ([`NodeQuestion::Dns`]) is a part of [`Reader::platform`].
    pub fn lone(&self) -> Option<String> {
        self.lone.clone().filter(|_| self.cluster.is_none())
    }

    /// Rights to see (`VM.Audit`) that who asks does not have everywhere, sorted: what was read is a part. Empty until
    /// [`ClusterQuestion::Rights`] was answered.
    pub fn unseen(&self) -> Vec<&'static str> {
        self.unseen.iter().copied().collect()
    }

    /// The nodes, by name, and whether the cluster reaches them.
    pub fn nodes(&self) -> Vec<(String, bool)> {
        let nodes = self.nodes.iter();
        nodes
            .map(|(name, node)| (name.clone(), node.is_online != Some(false)))
            .collect()
    }

    /// The guests, by key.
    pub fn guests(&self) -> Vec<GuestPlace> {
        let places = self.guests.iter();
        places
            .filter_map(|(key, draft)| {
                Some(GuestPlace {
                    key: key.clone(),
                    node: draft.guest.host.clone()?,
                })
            })
            .collect()
    }

    /// What else is worth asking about a guest whose settings were read: of its load and its inside only while it runs, and
    /// of its helper only where settings say there is one.
    pub fn further(&self, place: &GuestPlace) -> Vec<Question> {
        use GuestQuestion::{
            AgentHostName, AgentInterfaces, AgentSystem, Interfaces, Load, Snapshots,
        };
        let Some(draft) = self.guests.get(&place.key) else {
            return Vec::new();
        };
        let mut questions = vec![Snapshots];
        let runs = draft.guest.power == Some(Power::On) && draft.guest.sort != GuestSort::Template;
        if runs {
            questions.push(Load);
        }
        match place.key.starts_with("lxc/") {
            true if runs => questions.push(Interfaces),
            false if runs && draft.has_agent() => {
                questions.extend([AgentInterfaces, AgentSystem, AgentHostName]);
            }
            _ => {}
        }
        let about = |question| Question::Guest(place.clone(), question);
        questions.into_iter().map(about).collect()
    }

    /// The facts: cluster, nodes, storages, guests, backup jobs, and their numbers. Empty where [`Reader::platform`] is. A guest
    /// without an answer to [`GuestQuestion::Config`] is left out: whoever asked tells why there was none.
    pub fn finish(mut self) -> Read {
        let mut read = Read::default();
        let Some(platform) = self.platform() else {
            return read;
        };
        if let Some(name) = &self.cluster {
            read.facts.push(Fact::Cluster(Box::new(Cluster {
                platform: platform.clone(),
                key: CLUSTER_KEY.to_owned(),
                name: Foreign::from(name.as_str()),
                restarts_guests: self.availability.is_used(),
                spreads_guests: None,
                rules: self.availability.sorted(),
            })));
        }
        for (name, node) in &self.nodes {
            let stores = self.stores.of_node(name);
            node.tell(name, &platform, self.cluster.is_some(), &mut read, stores);
        }
        self.stores.tell(&platform, &mut read);
        self.tell_guests(&platform, &mut read);
        self.cut.extend(self.stores.cut());
        let cut = self.cut.into_iter();
        read.untold
            .extend(cut.map(|what| format!("{what}: the rest is left out")));
        read
    }

    /// Tells the guests whose settings were read. Of another one (its node is off) the list of the cluster knows a name and a
    /// number: told as a fact, that would stand in the place of all that was known of it before.
    fn tell_guests(&mut self, platform: &Platform, read: &mut Read) {
        let availability = &self.availability;
        let stores = &self.stores;
        let known = self
            .guests
            .values()
            .filter(|draft| draft.settings.is_some());
        let mut guests: Vec<(Guest, &Draft)> = known
            .map(|draft| {
                let mut guest = draft.guest(stores);
                guest.platform = platform.clone();
                guest.restarted_elsewhere = availability.watches(&guest.key);
                (guest, draft)
            })
            .collect();
        mark_shared(&mut guests);
        for (guest, draft) in &guests {
            let subject = platform.subject(&guest.key);
            draft.load.tell(&subject, read);
            if let Some(used) = draft.disk_used.filter(|_| guest.disks.len() < 2) {
                read.measured("vm_disk_used_bytes", &subject, used);
            }
            for job in &self.jobs {
                job.tell(guest, draft.settings.as_ref(), stores, read);
            }
        }
        let facts = guests
            .into_iter()
            .map(|(guest, _)| Fact::Guest(Box::new(guest)));
        read.facts.extend(facts);
    }

    fn cluster(&mut self, question: ClusterQuestion, content: &Value) {
        self.counts(content, "entries of an answer");
        let entries = || items(content, ENTRIES_MAX);
        match question {
            // The version of each node is told by itself.
            ClusterQuestion::Version => {}
            ClusterQuestion::Status => self.status(content),
            ClusterQuestion::Rights => self.unseen = unseen(content),
            ClusterQuestion::Resources => entries().for_each(|entry| self.resource(entry)),
            ClusterQuestion::Storages => entries().for_each(|entry| self.stores.configured(entry)),
            ClusterQuestion::Backups => {
                self.jobs = entries().filter_map(Job::of).collect();
            }
            ClusterQuestion::Watched => self.availability.resources(content),
            ClusterQuestion::Groups => self.availability.groups(content),
            ClusterQuestion::Rules => self.availability.rules(content),
            ClusterQuestion::Keepers => {
                for name in in_maintenance(content) {
                    if let Some(node) = self.nodes.get_mut(&name) {
                        node.in_maintenance = true;
                    }
                }
            }
        }
    }

    fn counts(&mut self, content: &Value, what: &str) {
        if content
            .as_array()
            .is_some_and(|all| all.len() > ENTRIES_MAX)
        {
            self.cut.insert(format!("more than {ENTRIES_MAX} {what}"));
        }
    }

    fn status(&mut self, content: &Value) {
        let mut names = Vec::new();
        for entry in items(content, ENTRIES_MAX) {
            match text(entry, "type").as_deref() {
                Some("cluster") => self.cluster = text(entry, "name"),
                Some("node") => {
                    let Some((name, node)) = self.known_node(text(entry, "name")) else {
                        continue;
                    };
                    node.is_online = flag(entry, "online");
                    node.address = text(entry, "ip").and_then(|ip| reachable(&ip));
                    names.push(name);
                }
                _ => {}
            }
        }
        // One node without a cluster; two of them always have one.
        if let [one] = names.as_slice() {
            self.lone = Some(one.clone());
        }
    }

    /// The node `name`, if it may be one: its name becomes part of a path.
    fn known_node(&mut self, name: Option<String>) -> Option<(String, &mut Node)> {
        let name = name.filter(|name| is_plain(name))?;
        let room = self.nodes.len() < NODES_MAX || self.nodes.contains_key(&name);
        if !room {
            self.cut.insert(format!("more than {NODES_MAX} nodes"));
        }
        let node = room.then(|| self.nodes.entry(name.clone()).or_default())?;
        Some((name, node))
    }

    fn resource(&mut self, entry: &Value) {
        match text(entry, "type").as_deref() {
            Some("node") => {
                if let Some((_, node)) = self.known_node(text(entry, "node")) {
                    node.listed(entry);
                }
            }
            Some("storage") => self.stores.sized(entry, None),
            Some(kind @ ("qemu" | "lxc")) => self.listed(kind, entry),
            _ => {}
        }
    }

    fn listed(&mut self, kind: &str, entry: &Value) {
        let (Some(number), Some(node)) = (small(entry, "vmid"), text(entry, "node")) else {
            return;
        };
        let key = format!("{kind}/{number}");
        if !is_plain(&node) {
            return;
        }
        if self.guests.len() >= ENTRIES_MAX && !self.guests.contains_key(&key) {
            self.cut.insert(format!("more than {ENTRIES_MAX} guests"));
            return;
        }
        let name = text(entry, "name").unwrap_or_else(|| key.clone());
        let sort = match (flag(entry, "template"), kind) {
            (Some(true), _) => GuestSort::Template,
            (_, "lxc") => GuestSort::Container,
            _ => GuestSort::Machine,
        };
        let draft = self.guests.entry(key.clone()).or_default();
        draft.guest = Guest {
            key,
            name: Foreign::from(name),
            sort,
            power: power(entry).filter(|_| sort != GuestSort::Template),
            host: Some(node),
            folder: text(entry, "pool").map(Foreign::from),
            processors: small(entry, "maxcpu"),
            memory_bytes: whole(entry, "maxmem"),
            ..Guest::default()
        };
        draft.disk_used = number_above_zero(entry, "disk").filter(|_| kind == "lxc");
    }

    fn node(&mut self, name: &str, question: NodeQuestion, content: &Value) {
        self.counts(content, "entries of an answer");
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        match question {
            NodeQuestion::Status => node.state(content),
            NodeQuestion::Network => node.network(content),
            NodeQuestion::Dns => node.names(content),
            NodeQuestion::Storage => {
                for entry in items(content, ENTRIES_MAX) {
                    self.stores.sized(entry, Some(name));
                }
            }
        }
    }

    fn guest(&mut self, place: &GuestPlace, question: GuestQuestion, content: &Value) {
        let Some(draft) = self.guests.get_mut(&place.key) else {
            return;
        };
        if matches!(
            question,
            GuestQuestion::AgentInterfaces
                | GuestQuestion::AgentSystem
                | GuestQuestion::AgentHostName
        ) {
            draft.inside.answered = Some(true);
        }
        match question {
            GuestQuestion::Config => draft.configured(Settings::of_answer(content)),
            GuestQuestion::Snapshots => draft.snapshots = Some(snapshots(content)),
            GuestQuestion::Load => draft.load = Load::of(content),
            GuestQuestion::AgentInterfaces | GuestQuestion::Interfaces => {
                draft.inside.interfaces(content)
            }
            GuestQuestion::AgentSystem => draft.inside.system(content),
            GuestQuestion::AgentHostName => draft.inside.host_name(content),
        }
    }
}

impl Draft {
    fn has_agent(&self) -> bool {
        self.settings.as_ref().is_some_and(has_agent)
    }

    fn configured(&mut self, settings: Settings) {
        // Its memory lies on a disk, and it goes on from there.
        if settings.value("lock") == Some("suspended") {
            self.guest.power = Some(Power::Suspended);
        }
        if settings.flag("template") == Some(true) {
            (self.guest.sort, self.guest.power) = (GuestSort::Template, None);
        }
        self.settings = Some(settings);
    }

    fn guest(&self, stores: &Stores) -> Guest {
        let mut guest = self.guest.clone();
        if let Some(settings) = &self.settings {
            let node = guest.host.clone();
            let place = Place {
                stores,
                node: node.as_deref(),
            };
            told(&mut guest, settings, &place);
        }
        guest.snapshots = self.snapshots.clone().unwrap_or_default();
        self.inside.tell(&mut guest);
        guest
    }
}

/// What settings tell of a guest whose key says what it is.
pub(super) fn told(guest: &mut Guest, settings: &Settings, place: &Place<'_>) {
    match guest.key.starts_with("lxc/") {
        true => container(guest, settings, place),
        false => machine(guest, settings, place),
    }
    guest.starts_with_host = Some(settings.flag("onboot") == Some(true));
}

/// `agent: 1`, `agent: enabled=1,fstrim_cloned_disks=1`.
fn has_agent(settings: &Settings) -> bool {
    let properties = super::property::Properties::of(settings.value("agent").unwrap_or_default());
    properties.first_or("enabled").and_then(crate::json::yes) == Some(true)
}

fn power(entry: &Value) -> Option<Power> {
    match (
        text(entry, "status")?.as_str(),
        text(entry, "lock").as_deref(),
    ) {
        (_, Some("suspended")) | ("paused" | "suspended" | "prelaunch", _) => {
            Some(Power::Suspended)
        }
        ("running", _) => Some(Power::On),
        ("stopped", _) => Some(Power::Off),
        _ => None,
    }
}

fn snapshots(content: &Value) -> Vec<GuestSnapshot> {
    let mut settings = Settings::default();
    let mut goes_on_from = None;
    for entry in items(content, SNAPSHOTS_MAX) {
        match text(entry, "name") {
            // The state of now stands in the list too, and names what it came from.
            Some(name) if name == "current" => goes_on_from = text(entry, "parent"),
            Some(name) => settings.snapshots.push(GuestSnapshot {
                name: Foreign::from(name),
                taken_at: whole(entry, "snaptime")
                    .and_then(|at| i64::try_from(at).ok())
                    .map(Timestamp::from_seconds),
                with_memory: flag(entry, "vmstate") == Some(true),
                current: false,
            }),
            None => {}
        }
    }
    settings.settle(goes_on_from.as_deref());
    settings.snapshots
}

fn number_above_zero(entry: &Value, key: &str) -> Option<f64> {
    number(entry, key).filter(|number| *number > 0.0)
}

/// True for a name that may stand in a path.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    name.len() <= 253
        && name.bytes().all(plain)
        && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}
