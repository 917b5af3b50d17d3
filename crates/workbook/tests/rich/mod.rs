//! The office of the report's tests, with at least one row in every table.

use groma_model::inventory::Inventory;
use serde_json::{Value, json};

const WEEK: &str = "000000000000000000000000000000000000000100";
const AT: &str = "2026-11-19T08:30:00Z";
const HOST: &str = "ent-mail1";

/// Every table of a workbook has a row of it.
pub(crate) fn estate() -> Inventory {
    let mut document = serde_json::to_value(crate::sample::office()).unwrap();
    for (part, rows) in [
        ("volumes", volumes()),
        ("rights", rights()),
        ("mailbox_ties", ties()),
        ("backups", backups()),
        ("watching", watching()),
        ("mail_records", records()),
        ("mail_routes", routes()),
        ("mail_servers", servers()),
        ("mail_ledger", mail_ledger()),
        ("ledger", ledger()),
        ("zone_records", zones()),
        ("relying_parties", relying_parties()),
        ("measurements", measurements()),
        ("waves", waves()),
    ] {
        document[part] = rows;
    }
    let hosts = document["entities"].as_array_mut().unwrap();
    let host = hosts.iter_mut().find(|e| e["id"] == HOST).unwrap();
    host["attributes"]["file_systems"] = json!([{
        "mount_point": "/srv", "device": "filer:/vol1", "kind": "nfs4", "bytes": 1_u64 << 40,
        "remote": {"kind": "nfs", "peer": {"name": "filer.corp.example"}, "resource": "/vol1"}
    }]);
    host["attributes"]["interfaces"] = json!([{
        "name": "eth0", "mac": "52:54:00:00:00:01", "kind": "physical", "up": true,
        "addresses": ["10.1.0.11/24"]
    }]);
    serde_json::from_value(document).unwrap()
}

fn volumes() -> Value {
    json!([
        {"entity": HOST, "subject": "/small", "bytes": 3_u64 << 30, "items": 10, "growth_per_day": null,
         "measured_at": AT, "transfer_hours": null},
        {"entity": HOST, "subject": "/srv/mail", "bytes": 5_u64 << 40, "items": 7_000_000, "growth_per_day": 1e9,
         "measured_at": AT, "transfer_hours": [12.5, 40.0], "catch_up_hours": [0.1, 0.5]}
    ])
}

fn rights() -> Value {
    json!([{"on": HOST, "principal": "CORP\\auditors", "right": "read", "written_as": "nt-acl",
        "path": "finance/2026", "orphan": true, "evidence": ["evi-1"]}])
}

fn ties() -> Value {
    json!([{"mailbox": "boss@corp.example", "names": ["Boss"], "other": "pa@corp.example",
        "ways": ["full-access", "send-as"], "rights": ["Editor"], "lists": [HOST], "evidence": []}])
}

fn backups() -> Value {
    json!([{"entity": HOST, "by": null, "rhythm": "daily", "last_success": AT, "job": "borg nightly",
        "target": "ssh://vault.example/./r", "covers": ["/etc", "/srv"], "evidence": []}])
}

fn watching() -> Value {
    json!([{"entity": HOST, "purpose": "watched-by", "by": null, "name": "10.0.0.0/8",
        "products": ["NRPE"], "witnesses": ["written"], "evidence": []}])
}

fn records() -> Value {
    json!([
        {"domain": "corp.example", "purpose": "spf", "asked": "corp.example", "values": ["v=spf1 mx -all"],
         "ttl_seconds": 3600, "lookups": 1, "faults": [], "machines": [HOST], "seen_from": [HOST], "evidence": []},
        {"domain": "corp.example", "purpose": "dmarc", "asked": "_dmarc.corp.example", "values": [],
         "ttl_seconds": null, "lookups": null, "faults": [], "machines": [], "seen_from": [HOST], "evidence": []}
    ])
}

fn routes() -> Value {
    json!([{"on": HOST, "rule": "alias", "product": "Postfix", "to": {"domain": {"domain": "example.net"}},
        "file": "/etc/aliases", "key": "alias_maps", "line": 7, "entries": 17, "next": null,
        "witnesses": ["written"], "evidence": []}])
}

fn servers() -> Value {
    json!([{"entity": HOST, "product": "Postfix", "domains": ["corp.example"], "domains_complete": true,
        "allows": [{"by": "address", "entry": "10.20.0.0/16", "setting": "mynetworks",
                    "file": "/etc/postfix/main.cf", "line": 12}],
        "evidence": []}])
}

fn mail_ledger() -> Value {
    json!([{"provider": HOST, "consumer": "ent-app1", "side": "sends", "kind": "smtp-relay", "port": 25,
        "accounts": 0, "protection": "none", "addresses": ["10.1.0.20"], "product": "Postfix",
        "class": "application", "class_because": ["a program calls"], "helo": ["app1"], "tls": [],
        "sender_domains": [{"name": "corp.example", "internal": true}],
        "recipient_domains": [{"name": "", "internal": null}, {"name": "*", "internal": false}],
        "reached_by": "name", "reached_as": "relay.corp.example", "programs": ["app.service"],
        "messages": 1234, "bytes": 99, "refusals": [{"why": "relay-denied", "count": 2, "last_seen": AT}],
        "first_seen": AT, "last_seen": AT, "hours": WEEK, "witnesses": ["history"], "logs": ["log.services"],
        "evidence": []}])
}

fn ledger() -> Value {
    json!([{"provider": "ent-dir1", "kind": "ldap-bind", "consumer": "ent-app1", "class": "application",
        "port": 389, "account": "", "mechanism": "simple", "protection": "none", "programs": ["app.service"],
        "count": 77, "first_seen": AT, "last_seen": AT, "hours": WEEK, "witnesses": ["history"],
        "logs": ["log.services"], "evidence": []}])
}

fn zones() -> Value {
    json!([{"zone": "corp.example", "owner": "old-mail.corp.example", "kind": "CNAME",
        "values": ["mail1.corp.example"], "ttl_seconds": 300, "through": [], "machines": [HOST],
        "nobodys": ["10.9.9.9"], "nowhere": [], "asked": {"count": 5, "first_seen": AT, "last_seen": AT},
        "served_by": ["ent-dir1"], "kept_by": ["ent-dir1"], "files": ["/etc/bind/db.corp"], "evidence": []}])
}

fn relying_parties() -> Value {
    json!([{"provider": "ent-dir1", "product": "Keycloak", "name": "wiki", "identifier": "https://wiki.corp.example/",
        "way": "saml", "places": ["wiki.corp.example"], "consumers": ["ent-app1"], "told_by": ["ent-dir1"],
        "evidence": []}])
}

fn measurements() -> Value {
    json!([{"entity": HOST, "metric": "latency_ms_p95", "subject": "dns", "value": 1.5, "at": AT}])
}

fn waves() -> Value {
    json!([{"name": "w1", "order": 1, "window": {"from": AT, "to": AT}, "members": ["mail1", "app1"], "state": "planned"}])
}
