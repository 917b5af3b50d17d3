//! What speaks for a machine that nobody was seen to use.

use groma_model::fact::{Attachment, Container, Forward, Job, Unit, WatchPurpose};
use groma_model::inventory::{Disposition, Inventory, System, WaveEntry};
use groma_model::{Port, SourceName, Transport};
use serde_json::json;

use crate::build::{backup, depends, directory_object, id, listener, now, sockets, with, wrong};
use crate::nobody_seen_to_use::{CHECK, altered, machine, row, silent, used, with_need};
use crate::{found, only};

#[test]
fn a_machine_that_somebody_names_is_left_alone() {
    let mail: groma_model::inventory::MailRecordEntry = row(json!({
        "domain": "corp.example", "purpose": "exchanger", "asked": "corp.example", "values": ["10 old1.corp.example."],
        "ttl_seconds": 300, "lookups": null, "faults": [], "machines": ["ent-old1"], "seen_from": [], "evidence": [],
    }));
    let zone = |kind: &str| -> groma_model::zone::ZoneRecordEntry {
        row(json!({
            "zone": "corp.example", "owner": "pay.corp.example", "kind": kind, "values": ["old1.corp.example."],
            "ttl_seconds": null, "through": [], "machines": ["ent-old1"], "nobodys": [], "nowhere": [], "asked": null,
            "served_by": [], "kept_by": [], "files": [], "evidence": [],
        }))
    };
    let route = |e: &mut Inventory| {
        machine(e, "old1").addresses = vec!["10.0.0.7".parse().unwrap()];
        let route = row(json!({"destination": "0.0.0.0/0", "gateway": "10.0.0.7"}));
        machine(e, "app1").attributes.routes.push(route);
    };
    let rule = |e: &mut Inventory| {
        machine(e, "old1").addresses = vec!["10.0.0.7".parse().unwrap()];
        let rule = row(
            json!({"verdict": "accept", "source": true, "network": "10.0.0.7", "chain": "inet filter input"}),
        );
        machine(e, "app1").attributes.filter_rules.push(rule);
    };
    let role = |class: &str, e: &mut Inventory| {
        let mut object = directory_object(class, "OLD1", &[]);
        object.object.host = Some(groma_model::Peer::parse("old1.corp.example").unwrap());
        machine(e, "mon1").attributes.directory_objects.push(object);
    };
    let watches = |e: &mut Inventory| {
        e.watching.push(groma_model::inventory::Watching {
            entity: id("app1"),
            purpose: WatchPurpose::LogsTo,
            by: Some(id("old1")),
            name: "old1".to_owned(),
            products: vec!["rsyslog".to_owned()],
            witnesses: Vec::new(),
            evidence: Vec::new(),
        });
    };
    let keeps = |e: &mut Inventory| {
        e.backups.push(groma_model::inventory::Backup {
            by: Some(id("old1")),
            ..backup(id("app1"), &["/"])
        });
    };
    let new = |e: &mut Inventory| {
        e.waves.push(WaveEntry {
            moves: vec![groma_model::wave::Move {
                from: "app1".to_owned(),
                to: "old1".to_owned(),
                names_that_follow: Vec::new(),
            }],
            ..WaveEntry::default()
        });
    };
    silent(vec![
        ("mail is sent to it", altered(|e| e.mail_records.push(mail))),
        (
            "an alias leads to it",
            altered(|e| e.zone_records.push(zone("CNAME"))),
        ),
        (
            "a service record leads to it",
            altered(|e| e.zone_records.push(zone("SRV"))),
        ),
        ("it is the way out", altered(route)),
        ("a packet filter lets it in", altered(rule)),
        (
            "it has a role in the directory",
            altered(|e| role("domain-controller", e)),
        ),
        ("it keeps the logs of another", altered(watches)),
        ("it copies another away", altered(keeps)),
        ("it will take the place of another", altered(new)),
    ]);
    assert_eq!(
        found(CHECK, &altered(|e| e.zone_records.push(zone("A")))).len(),
        1
    );
    assert_eq!(found(CHECK, &altered(|e| role("computer", e))).len(), 1);
}

#[test]
fn a_machine_of_which_no_connection_tells_what_it_does_is_left_alone() {
    let unit = |name: &str| -> Unit {
        row(json!({"name": name, "enabled": true, "file": "/lib/systemd/system/x"}))
    };
    let udp = |e: &mut Inventory, port: u16| {
        let mut open = listener("old1", port, "game.service");
        open.transport = Transport::Udp;
        open.port = Port(port);
        e.listeners.push(open);
    };
    let attach = |e: &mut Inventory| {
        let dongle = Attachment {
            bus: "usb".to_owned(),
            role: "license-dongle".to_owned(),
            ..row(json!({"bus": "usb", "role": "license-dongle"}))
        };
        machine(e, "old1").attributes.attachments.push(dongle);
    };
    let contain = |e: &mut Inventory| {
        let container = Container {
            running: true,
            ..Container::default()
        };
        machine(e, "old1").attributes.containers.push(container);
    };
    let forward = |e: &mut Inventory| {
        let forward: Forward = row(json!({
            "mode": "http-proxy", "listens": {"endpoint": {"peer": {"address": "0.0.0.0"}, "port": 80, "transport": "tcp"}},
            "sends_to": {"endpoint": {"peer": {"address": "10.0.0.9"}, "port": 80, "transport": "tcp"}},
            "component": {"class": "unit", "name": "nginx.service"},
        }));
        machine(e, "old1").attributes.forwards.push(forward);
    };
    let collector = |e: &mut Inventory| {
        let mut open = listener("old1", 7443, "groma.service");
        open.process.executable = Some("/usr/bin/groma".into());
        e.listeners.push(open);
    };
    let asks = |e: &mut Inventory| {
        let mut asked = sockets("old1", groma_model::CoverageState::Complete);
        asked.source = SourceName::new("network.sweep");
        e.coverage.push(asked);
    };
    silent(vec![
        (
            "it stands in for another",
            altered(|e| {
                machine(e, "old1")
                    .attributes
                    .units
                    .push(unit("keepalived.service"))
            }),
        ),
        (
            "people sit at it",
            altered(|e| {
                machine(e, "old1")
                    .attributes
                    .units
                    .push(unit("display-manager.service"))
            }),
        ),
        ("UDP that nobody hears", altered(|e| udp(e, 27_015))),
        ("a licence hangs on it", altered(attach)),
        ("it runs containers", altered(contain)),
        ("it hands on for others", altered(forward)),
        ("groma itself runs there", altered(collector)),
        ("groma asks from there", altered(asks)),
        (
            "no agent",
            altered(|e| machine(e, "old1").has_agent = false),
        ),
        (
            "a device",
            altered(|e| machine(e, "old1").kind = "device".to_owned()),
        ),
        (
            "a hypervisor",
            altered(|e| machine(e, "old1").kind = "hypervisor".to_owned()),
        ),
    ]);
    assert_eq!(
        found(CHECK, &altered(|e| udp(e, 5353))).len(),
        1,
        "names on the link"
    );
    let job = |e: &mut Inventory| {
        machine(e, "old1")
            .attributes
            .jobs
            .push(Job::default().into());
        let mut idle = unit("keepalived.service");
        idle.enabled = false;
        machine(e, "old1").attributes.units.push(idle);
    };
    assert_eq!(found(CHECK, &altered(job)).len(), 1);
}

#[test]
fn where_people_have_spoken_it_is_silent() {
    let told = |change: fn(&mut System)| {
        altered(|e| {
            let mut system = System {
                id: "sys-old1".to_owned(),
                members: vec![id("old1")],
                ..System::default()
            };
            change(&mut system);
            e.systems.push(system);
        })
    };
    silent(vec![
        (
            "it is decided",
            told(|s| s.disposition = Some(Disposition::Retire)),
        ),
        (
            "somebody is its user",
            told(|s| s.key_users = Some("the night shift".to_owned())),
        ),
        (
            "somebody is named",
            told(|s| {
                s.further_consumers = vec![groma_model::inventory::FurtherConsumer {
                    name: "till7".to_owned(),
                    by: "anna".to_owned(),
                    on: now(),
                }];
            }),
        ),
    ]);
    let mut owned = told(|s| s.owner = Some("anna".to_owned()));
    machine(&mut owned, "old1").system = Some("sys-old1".to_owned());
    assert_eq!(
        only(CHECK, &owned).owner.as_deref(),
        Some("anna"),
        "she is asked"
    );
    let judged = with_need(with(used(depends("app1", "http", "old1", 443), -1), |d| {
        d.verdict = wrong()
    }));
    assert_eq!(
        found(CHECK, &judged).len(),
        1,
        "what a person judged to be none is none"
    );
}
