//! What was found: by groma, from its inventory document, or by a peer, from its rows.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Dependency, Entity, Inventory};
use serde::{Deserialize, Serialize};

use super::place::{Place, Places};

/// One end of a finding: the host of the lab it is, or everything it is called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct End {
    /// The host, if it is one.
    pub host: Option<String>,
    /// Its names and addresses as found.
    pub called: BTreeSet<String>,
    /// What a person would call it.
    pub label: String,
}

impl End {
    /// An end of which only one name or address is known.
    pub fn named(text: &str, places: &Places) -> Self {
        let place = places.place(text);
        Self {
            host: matches!(place, Place::Host(_)).then(|| place.name().to_owned()),
            called: BTreeSet::from([text.to_owned()]),
            label: place.name().to_owned(),
        }
    }

    pub(crate) fn of_entity(entity: &Entity, places: &Places) -> Self {
        let host = hosts_of(entity, places).into_iter().next();
        let addresses = entity.addresses.iter().map(ToString::to_string);
        let names = entity.names.iter().chain([&entity.name]).cloned();
        Self {
            label: host.clone().unwrap_or_else(|| entity.name.clone()),
            called: names.chain(addresses).collect(),
            host,
        }
    }

    /// True if this is `place`.
    pub fn is(&self, place: &Place, places: &Places) -> bool {
        match (place, &self.host) {
            (Place::Host(wanted), Some(host)) => wanted == host,
            (Place::Outside(wanted), None) => {
                self.called.iter().any(|c| places.same_outside(c, wanted))
            }
            _ => false,
        }
    }
}

/// The hosts of the lab that an entity is: by its addresses, or, where none of them is known, by its names.
/// More than one means that it was wrongly merged; its own name then comes first.
fn hosts_of(entity: &Entity, places: &Places) -> Vec<String> {
    let mut hosts: BTreeSet<&str> = entity
        .addresses
        .iter()
        .filter_map(|a| places.by_address(a))
        .collect();
    if hosts.is_empty() {
        let names = entity.names.iter().chain([&entity.name]);
        hosts = names.filter_map(|n| places.host(n)).collect();
    }
    let named = places.host(&entity.name);
    let mut hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
    hosts.sort_by_key(|host| Some(host.as_str()) != named);
    hosts
}

/// A dependency that somebody says there is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Who needs.
    pub consumer: End,
    /// Who is needed.
    pub provider: End,
    /// Port.
    pub port: Option<u16>,
    /// `tcp` or `udp`.
    pub transport: Option<String>,
    /// Kind; a peer has no word for it.
    pub kind: Option<String>,
    /// The part of the consumer, `class:name`.
    pub component: Option<String>,
    /// In which ways it is known.
    pub witnesses: Vec<String>,
    /// True if it is said to be hidden.
    pub hidden: bool,
    /// What it is said to go through, nearest to the consumer first.
    pub through: Vec<End>,
}

impl Finding {
    /// The finding in one line.
    pub fn line(&self) -> String {
        let kind = self.kind.as_deref().unwrap_or("something");
        let (provider, transport) = (&self.provider.label, self.transport.as_deref());
        let needs = super::truth::needs(provider, self.port, transport, kind);
        let through: Vec<&str> = self.through.iter().map(|t| t.label.as_str()).collect();
        let through = match through.as_slice() {
            [] => String::new(),
            names => format!(" through {}", names.join(", ")),
        };
        format!("{} {needs}{through}", self.consumer.label)
    }

    /// True if one of its ends goes by this name or address.
    pub fn involves(&self, called: &str) -> bool {
        self.consumer.called.contains(called) || self.provider.called.contains(called)
    }

    /// True if its ends are different machines, or one of them is outside.
    fn is_between_machines(&self) -> bool {
        match (&self.consumer.host, &self.provider.host) {
            (Some(one), Some(other)) => one != other,
            (None, None) => self.consumer.called != self.provider.called,
            _ => !self.provider.called.iter().all(|c| is_itself(c)),
        }
    }
}

/// True for names and addresses by which a machine calls itself.
fn is_itself(name: &str) -> bool {
    let loops = |a: std::net::IpAddr| a.is_loopback() || a.is_unspecified();
    name == "localhost"
        || name.starts_with("localhost.")
        || name.parse::<std::net::IpAddr>().is_ok_and(loops)
}

/// Kinds of entities that are machines; a need of a certificate or a volume is none between machines.
const MACHINES: [&str; 6] = [
    "host",
    "device",
    "vm",
    "hypervisor",
    "container",
    "external",
];

/// The judged findings of groma: what its inventory says about different machines.
pub fn of_inventory(inventory: &Inventory, places: &Places) -> Vec<Finding> {
    let ends: BTreeMap<&str, End> = inventory
        .entities
        .iter()
        .filter(|e| MACHINES.contains(&e.kind.as_str()))
        .map(|e| (e.id.as_str(), End::of_entity(e, places)))
        .collect();
    let mut findings: Vec<Finding> = inventory
        .dependencies
        .iter()
        .filter(|d| !d.details.local)
        .filter_map(|d| finding_of(d, &ends))
        .filter(Finding::is_between_machines)
        .collect();
    findings.sort();
    findings
}

fn finding_of(d: &Dependency, ends: &BTreeMap<&str, End>) -> Option<Finding> {
    let class = serde_json::to_value(d.consumer.component.class).ok()?;
    let name = d.consumer.component.name.lossy();
    Some(Finding {
        consumer: ends.get(d.consumer.entity.as_str())?.clone(),
        provider: ends.get(d.provider.entity.as_str())?.clone(),
        port: d.provider.port.map(|p| p.0),
        transport: d.provider.transport.map(|t| t.as_str().to_owned()),
        kind: Some(d.kind.clone()),
        component: Some(format!("{}:{name}", class.as_str().unwrap_or_default())),
        witnesses: d.witnesses.iter().map(|w| w.as_str().to_owned()).collect(),
        hidden: d.hidden,
        through: d
            .details
            .through
            .iter()
            .filter_map(|t| ends.get(t.entity.as_str()).cloned())
            .collect(),
    })
}

/// Machines of the lab that the inventory holds more than once, and entities that are several of them at once.
pub fn entities_amiss(inventory: &Inventory, places: &Places) -> (Vec<String>, Vec<String>) {
    let mut of_host: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut merged = Vec::new();
    for entity in &inventory.entities {
        if !MACHINES.contains(&entity.kind.as_str()) {
            continue;
        }
        let hosts = hosts_of(entity, places);
        if hosts.len() > 1 {
            merged.push(format!("{} is {}", entity.name, hosts.join(" and ")));
        }
        if let Some(host) = hosts.into_iter().next() {
            of_host.entry(host).or_default().push(&entity.name);
        }
    }
    let twice = of_host
        .into_iter()
        .filter(|(_, names)| names.len() > 1)
        .map(|(host, names)| format!("{host} is there as {}", names.join(", ")))
        .collect();
    (twice, merged)
}

/// What a peer found, in the one form every peer is brought into.
#[derive(Clone, Deserialize, Serialize, Debug)]
pub struct PeerReport {
    /// What it is called.
    pub peer: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Wall time in seconds.
    #[serde(default)]
    pub seconds: f64,
    /// False: it could not run.
    pub available: bool,
    /// Why it could not run.
    pub why_not: Option<String>,
    /// What it says, one dependency each.
    #[serde(default)]
    pub rows: Vec<Row>,
    /// Secrets of the lab it printed.
    #[serde(default)]
    pub leaks: usize,
    /// What a reader should know about how it was run.
    #[serde(default)]
    pub note: Option<String>,
}

/// One dependency a peer found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, Debug)]
pub struct Row {
    /// Address or name of who needs.
    pub consumer: String,
    /// Address or name of who is needed.
    pub provider: String,
    /// Port.
    pub port: Option<u16>,
    /// `tcp` or `udp`; none where it does not say.
    pub transport: Option<String>,
    /// True if it says names where there are names, not addresses alone.
    #[serde(default)]
    pub names: bool,
}

/// The judged findings of a peer; the same said twice is one.
pub fn of_peer(report: &PeerReport, places: &Places) -> Vec<Finding> {
    let mut findings: Vec<Finding> = report
        .rows
        .iter()
        .map(|row| finding_of_row(row, places))
        .filter(Finding::is_between_machines)
        .collect();
    let key = |f: &Finding| {
        let end = |e: &End| (e.host.clone(), e.label.clone());
        (
            end(&f.consumer),
            end(&f.provider),
            f.port,
            f.transport.clone(),
        )
    };
    findings.sort_by_key(key);
    findings.dedup_by_key(|f| key(f));
    findings
}

fn finding_of_row(row: &Row, places: &Places) -> Finding {
    Finding {
        consumer: End::named(&row.consumer, places),
        provider: End::named(&row.provider, places),
        port: row.port,
        transport: row.transport.clone(),
        kind: None,
        component: None,
        witnesses: Vec::new(),
        hidden: false,
        through: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{APP1, NS1, edge, inventory, places};
    use super::*;

    #[test]
    fn what_stays_within_one_machine_is_not_judged() {
        let itself = ("host", "app1", Some("10.61.1.31"));
        let certificate = ("certificate", "CN=app1", None);
        let edges = [
            edge(APP1, itself, 25, "smtp-relay"),
            edge(APP1, certificate, 443, "certificate-used"),
            edge(
                APP1,
                ("external", "localhost", Some("127.0.0.1")),
                25,
                "smtp-relay",
            ),
        ];
        assert_eq!(of_inventory(&inventory(&edges), &places()), []);
        let between = [edge(APP1, NS1, 53, "dns")];
        assert_eq!(of_inventory(&inventory(&between), &places()).len(), 1);
    }

    #[test]
    fn a_machine_that_is_there_twice_is_named_and_so_is_one_that_is_two() {
        let twice = ("external", "erp", Some("10.61.1.31"));
        let edges = [edge(APP1, NS1, 53, "dns"), edge(twice, NS1, 53, "dns")];
        let mut inventory = inventory(&edges);
        let (doubled, merged) = entities_amiss(&inventory, &places());
        assert_eq!(doubled, ["app1 is there as erp, app1.kontor.example"]);
        assert!(merged.is_empty());
        inventory.entities[0]
            .addresses
            .push("10.61.1.21".parse().unwrap());
        let (_, merged) = entities_amiss(&inventory, &places());
        assert_eq!(merged, ["erp is app1 and oldmail"]);
    }

    #[test]
    fn a_peer_that_says_the_same_twice_said_it_once() {
        let row = |consumer: &str| Row {
            consumer: consumer.into(),
            provider: "ns1".into(),
            port: Some(53),
            transport: Some("udp".into()),
            names: false,
        };
        let report = PeerReport {
            peer: "sampling".into(),
            version: String::new(),
            seconds: 1.0,
            available: true,
            why_not: None,
            rows: vec![row("app1"), row("10.61.1.31"), row("ns1")],
            leaks: 0,
            note: None,
        };
        assert_eq!(of_peer(&report, &places()).len(), 1);
    }
}
