//! A lab of four machines, small enough to hold in the head: what the judge's own tests are about.

use std::net::IpAddr;

use groma_model::inventory::Inventory;

use super::place::{Places, Roster};
use super::truth::LabTruth;

/// oldmail, app1, ns1 and a copier.
pub(crate) fn places() -> Places {
    let roster: Roster = toml::from_str(
        "domains = ['kontor.example', 'ad.kontor.example']\n[aliases]\nsmtp = 'oldmail'\n[gone]\nnas-alt = '10.61.1.98'\n",
    )
    .unwrap();
    let mut places = Places::new(&roster);
    for (host, text) in [
        (
            "oldmail",
            "address='10.61.1.21'\naddress6='fd61:1::21'\nslice=true\nnames=['relay-2009']",
        ),
        ("app1", "address='10.61.1.31'\nslice=true\nagent=true"),
        ("ns1", "address='10.61.1.5/24'"),
        ("copier1", "address='10.61.1.201'\nagent=false"),
    ] {
        places.add_host(host, &toml::from_str(text).unwrap());
    }
    places
}

/// Five dependencies, three of them hidden, and a decoy.
pub(crate) fn truth() -> LabTruth {
    let text = "
        [[dependency]]
        why = 'scans go out by address'
        consumer = 'copier1'
        provider = 'oldmail'
        port = 25
        kind = 'smtp-relay'
        known_by = ['network', 'history']
        hidden = ['device-without-agent', 'address-literal']
        where = 'oldmail:/var/log/mail.log.2.gz'

        [[dependency]]
        why = 'the orders'
        consumer = 'app1'
        component = 'unit:erp.service'
        provider = 'ns1'
        port = 5433
        kind = 'sql'
        known_by = ['live', 'written']
        hidden = []
        where = 'app1:/etc/erp/erp.env'

        [[dependency]]
        why = 'the resolver'
        consumers = ['app1', 'copier1']
        provider = 'ns1'
        port = 53
        transport = 'udp'
        kind = 'dns'
        known_by = ['live']
        hidden = ['rare']
        where = 'wire'

        [[dependency]]
        why = 'packages'
        consumer = 'app1'
        provider = 'deb.debian.org'
        port = 443
        kind = 'package-mirror'
        known_by = ['written']
        hidden = []

        [[onward]]
        why = 'orders by mail, through the old relay'
        consumer = 'app1'
        through = 'ns1'
        provider = 'oldmail'
        port = 2525
        kind = 'smtp-relay'
        where = 'ns1:/etc/haproxy/haproxy.cfg'

        [[decoy]]
        why = 'commented out in 2019'
        consumer = 'app1'
        provider = '10.61.1.99'
        where = 'app1:/etc/postfix/main.cf:12'
    ";
    LabTruth::parse(text, &places()).unwrap()
}

/// One end of a dependency as an inventory has it: kind of entity, name, address.
pub(crate) type EndOf = (&'static str, &'static str, Option<&'static str>);

/// A dependency to put into an inventory.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) consumer: EndOf,
    pub(crate) provider: EndOf,
    pub(crate) port: Option<u16>,
    pub(crate) transport: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) component: &'static str,
    pub(crate) hidden: bool,
    /// What it goes through.
    pub(crate) through: Option<EndOf>,
}

pub(crate) const APP1: EndOf = ("host", "app1.kontor.example", Some("10.61.1.31"));
pub(crate) const NS1: EndOf = ("host", "ns1", Some("10.61.1.5"));
pub(crate) const OLDMAIL: EndOf = ("host", "oldmail.kontor.example", Some("10.61.1.21"));
pub(crate) const COPIER: EndOf = ("device", "10.61.1.201", Some("10.61.1.201"));
pub(crate) const MIRROR: EndOf = ("external", "deb.debian.org", None);

/// `consumer` needs `provider`, everything else by habit.
pub(crate) fn edge(consumer: EndOf, provider: EndOf, port: u16, kind: &'static str) -> Edge {
    Edge {
        consumer,
        provider,
        port: Some(port),
        transport: if kind == "dns" { "udp" } else { "tcp" },
        kind,
        component: "erp.service",
        hidden: false,
        through: None,
    }
}

/// An inventory of these dependencies, made the way a stranger would read it: from its JSON.
pub(crate) fn inventory(edges: &[Edge]) -> Inventory {
    let mut entities: Vec<serde_json::Value> = Vec::new();
    let mut id_of = |end: EndOf| -> String {
        let id = format!("{}-{}", end.0, end.1);
        if !entities.iter().any(|e| e["id"] == id.as_str()) {
            entities.push(entity(&id, end));
        }
        id
    };
    let dependencies: Vec<serde_json::Value> = edges
        .iter()
        .enumerate()
        .map(|(at, e)| {
            let through = e.through.map(|end| (id_of(end), end.1));
            let mut edge = dependency(at, e, &id_of(e.consumer), &id_of(e.provider));
            if let Some((entity, name)) = through {
                edge["basis"] = "inferred".into();
                edge["details"] = serde_json::json!({"through": [{
                    "entity": entity, "name": name, "port": 25, "mode": "tcp-proxy",
                    "component": {"class": "unit", "name": "relay.service"},
                }]});
            }
            edge
        })
        .collect();
    entities.sort_by_key(|e| e["id"].as_str().unwrap().to_owned());
    let empty = serde_json::json!([]);
    let now = "2026-11-20T12:00:00Z";
    serde_json::from_value(serde_json::json!({
        "schema": "groma.inventory/1", "generated_at": now, "snapshot": null,
        "window": {"from": now, "to": now}, "data_level": "standard", "compared_with_list": false,
        "coverage": empty, "layers": empty, "sites": empty, "links": empty, "systems": empty,
        "entities": entities, "listeners": empty, "dependencies": dependencies,
        "volumes": empty, "rights": empty, "backups": empty, "measurements": empty, "waves": empty,
        "findings": empty, "estimate": null, "questions": empty, "evidence": empty,
    }))
    .unwrap()
}

fn addresses(end: EndOf) -> Vec<IpAddr> {
    end.2.into_iter().map(|a| a.parse().unwrap()).collect()
}

fn entity(id: &str, end: EndOf) -> serde_json::Value {
    let now = "2026-11-20T12:00:00Z";
    serde_json::json!({
        "id": id, "kind": end.0, "name": end.1, "names": [end.1], "addresses": addresses(end),
        "layer": "os", "site": "site", "system": null, "owner": null, "criticality": null,
        "first_seen": now, "last_seen": now, "has_agent": true, "declared": false,
        "attributes": {}, "merged_because": [], "evidence": [],
    })
}

fn dependency(at: usize, e: &Edge, consumer: &str, provider: &str) -> serde_json::Value {
    let now = "2026-11-20T12:00:00Z";
    serde_json::json!({
        "id": format!("d{at}"), "kind": e.kind,
        "consumer": {"entity": consumer, "name": e.consumer.1, "addresses": addresses(e.consumer),
                     "component": {"class": "unit", "name": e.component}},
        "provider": {"entity": provider, "name": e.provider.1, "addresses": addresses(e.provider),
                     "port": e.port, "transport": e.transport, "component": null},
        "layer": "os", "strength": "unknown", "shared_service": false,
        "witnesses": ["live"], "basis": "observed", "hidden": e.hidden, "hidden_because": [],
        "reached_by": null, "reached_as": null, "first_seen": now, "last_seen": now,
        "current": true, "count": 1, "rhythm": null, "next_due": null, "details": {},
        "verdict": null, "evidence": [],
    })
}
