//! Machines and devices: which of them are virtual, what they are made of, whose they are.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::device_verdict::{DeviceEntry, DeviceWord};
use groma_model::inventory::Entity;

use super::catalogue::Catalogue;
use crate::object::Object;
use crate::view::{View, called, is_machine, word};
use crate::visible::visible;

/// Longest name of a device and a virtual machine.
const NAME: usize = 64;

/// Longest serial number.
const SERIAL: usize = 50;

/// Longest description.
pub(super) const DESCRIPTION: usize = 200;

/// What stands where nobody told the maker or the model; NetBox wants both.
const UNKNOWN: &str = "Unknown";

/// One machine or device.
pub(super) struct Who<'i> {
    pub(super) entity: &'i Entity,
    pub(super) is_virtual: bool,
    device: Option<&'i DeviceEntry>,
    /// The one it runs on.
    runs_on: Option<&'i EntityId>,
}

/// Everything that becomes a device or a virtual machine, and the lists they draw on.
pub(super) struct Estate<'i> {
    all: BTreeMap<&'i str, Who<'i>>,
    pub(super) tenants: Catalogue,
    pub(super) sites: Catalogue,
    pub(super) manufacturers: Catalogue,
    pub(super) roles: Catalogue,
    pub(super) platforms: Catalogue,
    pub(super) cluster_types: Catalogue,
    clusters: Catalogue,
    /// By maker.
    types: BTreeMap<String, Catalogue>,
    /// By site, and true for what is virtual.
    names: BTreeMap<(&'i str, bool), Catalogue>,
    /// The kind of each cluster, by the hypervisor it is of.
    cluster_kinds: BTreeMap<&'i str, String>,
}

impl<'i> Estate<'i> {
    pub(super) fn of(view: &View<'i>) -> Self {
        let all = everybody(view);
        let same = |names: BTreeSet<String>| {
            Catalogue::of(names.into_iter().map(|n| (n.clone(), n)).collect())
        };
        let gather =
            |of: fn(&Who<'i>) -> Option<String>| same(all.values().filter_map(of).collect());
        let mut types: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut names: BTreeMap<(&str, bool), BTreeMap<String, String>> = BTreeMap::new();
        for who in all.values() {
            if !who.is_virtual {
                types
                    .entry(who.maker())
                    .or_default()
                    .insert(who.model(), who.model());
            }
            let name = called(&who.entity.name, &who.entity.id);
            let place = (who.entity.site.as_str(), who.is_virtual);
            names
                .entry(place)
                .or_default()
                .insert(who.entity.id.as_str().to_owned(), name);
        }
        let sites = all.values().map(|who| {
            (
                who.entity.site.as_str().to_owned(),
                view.site(who.entity).to_owned(),
            )
        });
        let told = view
            .inventory
            .sites
            .iter()
            .map(|site| (site.id.as_str().to_owned(), site.name.clone()));
        let (hypervisors, cluster_kinds) = hypervisors(view, &all);
        Self {
            tenants: gather(|who| who.owner().map(str::to_owned)),
            sites: Catalogue::of(sites.chain(told).collect()),
            manufacturers: gather(|who| (!who.is_virtual).then(|| who.maker())),
            roles: gather(|who| Some(who.role())),
            platforms: gather(Who::platform),
            cluster_types: same(cluster_kinds.values().cloned().collect()),
            clusters: Catalogue::of(hypervisors),
            types: types
                .into_iter()
                .map(|(maker, models)| (maker, Catalogue::of(models)))
                .collect(),
            names: names
                .into_iter()
                .map(|(place, called)| (place, Catalogue::within(NAME, called)))
                .collect(),
            cluster_kinds,
            all,
        }
    }

    pub(super) fn who(&self, id: &EntityId) -> Option<&Who<'i>> {
        self.who_by(id.as_str())
    }

    pub(super) fn who_by(&self, id: &str) -> Option<&Who<'i>> {
        self.all.get(id)
    }

    pub(super) fn everybody(&self) -> impl Iterator<Item = &Who<'i>> + '_ {
        self.all.values()
    }

    pub(super) fn device_types(&self) -> Vec<Object> {
        let of = |(maker, models): (&String, &Catalogue)| -> Vec<Object> {
            let made =
                |named: Object| named.maybe("manufacturer", self.manufacturers.by_slug(maker));
            models.types().map(made).collect()
        };
        self.types.iter().flat_map(of).collect()
    }

    pub(super) fn clusters(&self) -> Vec<Object> {
        let of = |(hypervisor, kind): (&&str, &String)| {
            let named = self.clusters.named(hypervisor)?;
            let object = Object::default()
                .text("name", &named.name)
                .with("status", "active");
            Some(object.maybe("type", self.cluster_types.by_slug(kind)))
        };
        self.cluster_kinds.iter().filter_map(of).collect()
    }

    fn cluster(&self, hypervisor: Option<&EntityId>) -> Option<Object> {
        let named = self.clusters.named(hypervisor?.as_str())?;
        Some(Object::default().text("name", &named.name))
    }

    pub(super) fn devices(&self) -> Vec<Object> {
        let devices = self.everybody().filter(|who| !who.is_virtual);
        let of = |who: &Who<'i>| {
            let models = self.types.get(&who.maker());
            let model = models.and_then(|models| models.by_slug(&who.model()));
            let maker = self.manufacturers.by_slug(&who.maker());
            let of_type = model.unwrap_or_default().maybe("manufacturer", maker);
            self.common(who)
                .with("device_type", of_type)
                .maybe("cluster", self.cluster(Some(&who.entity.id)))
        };
        devices.map(of).collect()
    }

    pub(super) fn virtual_machines(&self) -> Vec<Object> {
        let virtual_ones = self.everybody().filter(|who| who.is_virtual);
        let of = |who: &Who<'i>| {
            let hardware = who.entity.attributes.hardware.as_ref();
            let host = who.runs_on.and_then(|id| self.who(id));
            // NetBox takes a device of the same site alone.
            let host = host.filter(|host| !host.is_virtual && host.entity.site == who.entity.site);
            self.common(who)
                .maybe("cluster", self.cluster(who.runs_on))
                .maybe("device", host.map(|host| host.reference(self)))
                .maybe(
                    "vcpus",
                    hardware
                        .map(|h| h.processors)
                        .filter(|n| (1..10_000).contains(n)),
                )
                .maybe(
                    "memory",
                    hardware
                        .map(|h| h.memory_bytes >> 20)
                        .filter(|n| (1..=i32::MAX as u64).contains(n)),
                )
        };
        virtual_ones.map(of).collect()
    }

    fn common(&self, who: &Who<'i>) -> Object {
        let entity = who.entity;
        let platform = who
            .platform()
            .and_then(|name| self.platforms.by_slug(&name));
        who.reference(self)
            .maybe("role", self.roles.by_slug(&who.role()))
            .with("status", "active")
            .maybe(
                "tenant",
                who.owner().and_then(|owner| self.tenants.by_slug(owner)),
            )
            .maybe("platform", platform)
            .short("serial", &who.serial(), SERIAL)
            .short("description", &format!("groma {}", entity.id), DESCRIPTION)
            .text("comments", &who.comments())
    }
}

impl<'i> Who<'i> {
    /// How other objects name it: by its name and its site.
    pub(super) fn reference(&self, estate: &Estate<'i>) -> Object {
        let place = (self.entity.site.as_str(), self.is_virtual);
        let names = estate.names.get(&place);
        let named = names.and_then(|names| names.named(self.entity.id.as_str()));
        Object::default()
            .text("name", named.map_or("", |named| &named.name))
            .maybe("site", estate.sites.by_slug(self.entity.site.as_str()))
    }

    fn owner(&self) -> Option<&'i str> {
        self.entity
            .owner
            .as_deref()
            .filter(|owner| !owner.trim().is_empty())
    }

    fn maker(&self) -> String {
        let hardware = self.entity.attributes.hardware.as_ref();
        self.told(hardware.and_then(|h| h.vendor.as_deref()), |d| &d.maker)
            .unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn model(&self) -> String {
        let hardware = self.entity.attributes.hardware.as_ref();
        self.told(hardware.and_then(|h| h.product.as_deref()), |d| &d.model)
            .unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn serial(&self) -> String {
        let identity = self.entity.attributes.identity.as_ref();
        self.told(identity.and_then(|i| i.serial.as_deref()), |d| &d.serial)
            .unwrap_or_default()
    }

    fn told(&self, own: Option<&str>, words: fn(&DeviceEntry) -> &[DeviceWord]) -> Option<String> {
        let word = self.device.and_then(|device| words(device).first());
        let told = own.or(word.map(|word| word.value.as_str()))?;
        Some(visible(told.trim())).filter(|told| !told.is_empty())
    }

    /// What it is there for, as far as anybody told: never a guess from its name.
    fn role(&self) -> String {
        let class = self
            .device
            .and_then(|device| device.class)
            .map(|class| word(&class));
        match self.entity.kind.as_str() {
            "device" => class.unwrap_or_else(|| "device".to_owned()),
            _ if self.is_virtual => "virtual-machine".to_owned(),
            kind => kind.to_owned(),
        }
    }

    fn platform(&self) -> Option<String> {
        let system = self.entity.attributes.operating_system.as_ref()?;
        let plain = format!("{} {}", system.id, system.version);
        let name = [
            system.pretty_name.as_str(),
            plain.as_str(),
            system.family.as_str(),
        ];
        name.iter()
            .map(|name| visible(name.trim()))
            .find(|name| !name.is_empty())
    }

    fn comments(&self) -> String {
        let names: BTreeSet<&str> = self.entity.names.iter().map(String::as_str).collect();
        let names: Vec<&str> = names
            .into_iter()
            .filter(|name| *name != self.entity.name)
            .collect();
        let criticality = self
            .entity
            .criticality
            .iter()
            .map(|word| format!("criticality: {word}"));
        let names = (!names.is_empty()).then(|| format!("also known as: {}", names.join(", ")));
        let lines: Vec<String> = criticality.chain(names).collect();
        lines.join("; ")
    }
}

fn everybody<'i>(view: &View<'i>) -> BTreeMap<&'i str, Who<'i>> {
    let devices: BTreeMap<&str, &DeviceEntry> = view
        .inventory
        .devices
        .iter()
        .map(|entry| (entry.entity.as_str(), entry))
        .collect();
    let hosts = runs_on(view);
    let shown = view
        .entities()
        .filter(|entity| is_machine(entity) || entity.kind == "device");
    let who = |entity: &'i Entity| {
        let runs_on = hosts.get(entity.id.as_str()).copied();
        let system = entity.attributes.operating_system.as_ref();
        let says_so = system.is_some_and(|system| system.virtualization.is_some());
        let who = Who {
            entity,
            is_virtual: entity.kind == "vm"
                || runs_on.is_some()
                || (says_so && entity.kind == "host"),
            device: devices.get(entity.id.as_str()).copied(),
            runs_on,
        };
        (entity.id.as_str(), who)
    };
    shown.map(who).collect()
}

/// Machine → the machine it runs on.
fn runs_on<'i>(view: &View<'i>) -> BTreeMap<&'i str, &'i EntityId> {
    let edges = view
        .needs
        .iter()
        .filter(|need| need.kind == "runs-on" && need.consumer.entity != need.provider.entity);
    let mut found = BTreeMap::new();
    for edge in edges {
        let ends = [&edge.consumer.entity, &edge.provider.entity].map(|id| view.entity(id));
        if let [Some(guest), Some(host)] = ends
            && is_machine(guest)
            && is_machine(host)
        {
            let kept = found.entry(guest.id.as_str()).or_insert(&host.id);
            *kept = (*kept).min(&host.id);
        }
    }
    found
}

/// Hypervisors with their names, and what kind of cluster each makes.
fn hypervisors<'i>(
    view: &View<'i>,
    all: &BTreeMap<&'i str, Who<'i>>,
) -> (BTreeMap<String, String>, BTreeMap<&'i str, String>) {
    let mut names = BTreeMap::new();
    let mut kinds: BTreeMap<&str, String> = BTreeMap::new();
    for who in all.values() {
        let Some(host) = who.runs_on.and_then(|id| view.entity(id)) else {
            continue;
        };
        names.insert(host.id.as_str().to_owned(), called(&host.name, &host.id));
        let system = who.entity.attributes.operating_system.as_ref();
        let told = system
            .and_then(|system| system.virtualization.as_deref())
            .filter(|word| !word.trim().is_empty());
        let kind = kinds.entry(host.id.as_str()).or_default();
        if let Some(told) = told
            .map(visible)
            .filter(|told| kind.is_empty() || told < kind)
        {
            *kind = told;
        }
    }
    for kind in kinds.values_mut().filter(|kind| kind.is_empty()) {
        *kind = "hypervisor".to_owned();
    }
    (names, kinds)
}
