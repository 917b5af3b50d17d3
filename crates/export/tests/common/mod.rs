//! Inventories for the tests: an ordinary office, one written by somebody who means harm, and nothing at all.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "tests only")]

use groma_fuzz::Chance;
use groma_model::inventory::Inventory;
use serde_json::{Value, json};

const THEN: &str = "2026-11-20T08:00:00Z";

/// How many names somebody means harm with.
pub(crate) const HOSTILE: usize = 300;

pub(crate) type Writer = fn(&Inventory) -> String;

/// Every format there is.
pub(crate) const FORMATS: &[(&str, Writer)] = &[
    ("graphml", groma_export::graphml),
    ("dot", groma_export::dot),
    ("mermaid", groma_export::mermaid),
    ("ansible", groma_export::ansible),
    ("prometheus-sd", groma_export::prometheus_sd),
    ("netbox", groma_export::netbox),
    ("glpi", groma_export::glpi),
];

fn document() -> Value {
    json!({
        "schema": "groma.inventory/1", "generated_at": THEN, "snapshot": null,
        "window": {"from": THEN, "to": THEN}, "data_level": "standard", "compared_with_list": false,
        "coverage": [], "layers": [], "sites": [], "links": [], "systems": [], "entities": [], "listeners": [],
        "dependencies": [], "volumes": [], "rights": [], "backups": [], "measurements": [], "waves": [],
        "findings": [], "estimate": null, "questions": [], "evidence": []
    })
}

pub(crate) fn entity(id: &str, kind: &str, name: &str, addresses: &[&str]) -> Value {
    json!({
        "id": id, "kind": kind, "name": name, "names": [name], "addresses": addresses, "layer": "os",
        "site": "site-1", "system": null, "owner": null, "criticality": null, "first_seen": THEN, "last_seen": THEN,
        "has_agent": true, "declared": false, "attributes": {}, "merged_because": [], "evidence": []
    })
}

pub(crate) fn need(id: &str, kind: &str, from: (&str, &str), to: (&str, &str), port: u16) -> Value {
    json!({
        "id": id, "kind": kind,
        "consumer": {"entity": from.0, "name": from.1, "addresses": [], "component": {"class": "unit", "name": "x.service"}},
        "provider": {"entity": to.0, "name": to.1, "addresses": [], "port": port, "transport": "tcp", "component": null},
        "layer": "identity", "strength": "blocking", "shared_service": false, "witnesses": ["live"], "basis": "observed",
        "hidden": false, "hidden_because": [], "reached_by": "name", "reached_as": to.1, "first_seen": THEN,
        "last_seen": THEN, "current": true, "count": 3, "rhythm": null, "next_due": null, "details": {}, "verdict": null,
        "evidence": ["evi-1"]
    })
}

pub(crate) fn listener(
    entity: &str,
    address: &str,
    port: u16,
    transport: &str,
    service: Option<&str>,
) -> Value {
    json!({
        "entity": entity, "address": address, "port": port, "transport": transport, "process": {}, "service": service,
        "certificate": null, "evidence": []
    })
}

pub(crate) fn made(value: Value) -> Inventory {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn empty() -> Inventory {
    made(document())
}

fn put(document: &mut Value, list: &str, rows: Vec<Value>) {
    document[list] = Value::from(rows);
}

/// A hypervisor with a guest, a directory server, a copier, a certificate; one need hidden, one not seen, one wrong.
pub(crate) fn office() -> Inventory {
    let mut mail = entity(
        "ent-mail",
        "host",
        "mail1",
        &["172.17.0.1", "10.0.0.5", "127.0.0.1", "fe80::5"],
    );
    mail["names"] = json!(["mail1", "mail1.corp.example"]);
    mail["owner"] = json!("Mail team");
    mail["criticality"] = json!("high");
    mail["system"] = json!("sys-mail");
    mail["attributes"] = json!({
        "operating_system": {"family": "linux", "id": "debian", "version": "12", "pretty_name": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0-18-amd64", "architecture": "x86_64", "virtualization": "kvm"},
        "hardware": {"vendor": "QEMU", "product": "Standard PC", "firmware": "SeaBIOS 1.16", "firmware_date": "04/01/2014",
            "processor": "EPYC", "processors": 4, "memory_bytes": 8589934592_u64, "disks": [{"name": "vda", "bytes": 42949672960_u64}]},
        "identity": {"host_name": "mail1", "smbios_uuid": "4201f1c9-0b2e-4d5a-9c1d-1f2e3d4c5b6a", "serial": "VM-1"},
        "interfaces": [
            {"name": "eth0", "mac": "02:00:00:00:00:01", "kind": "physical", "up": true, "addresses": ["10.0.0.5/24", "fe80::5/64"]},
            {"name": "docker0", "mac": "02:42:00:00:00:01", "kind": "bridge", "up": true, "addresses": ["172.17.0.1/16"]},
            {"name": "lo", "kind": "loopback", "up": true, "addresses": ["127.0.0.1/8"]}],
        "routes": [{"destination": "0.0.0.0/0", "gateway": "10.0.0.1", "interface": "eth0"}],
        "file_systems": [{"mount_point": "/", "device": "/dev/vda1", "kind": "ext4", "bytes": 42949672960_u64}],
        "packages": {"postfix": "3.7.11", "dovecot-core": "2.3.19"}
    });
    let mut directory = entity("ent-dc", "host", "dc1", &["10.0.0.6", "2001:db8::6"]);
    directory["names"] = json!(["dc1", "dc1.corp.example"]);
    directory["layer"] = json!("identity");
    let mut lone = entity("ent-six", "host", "six", &["2001:db8::7"]);
    lone["layer"] = json!("application");
    let mut iron = entity("ent-hv", "hypervisor", "hv1", &["10.0.0.2"]);
    iron["layer"] = json!("virtualization");
    iron["attributes"] = json!({"hardware": {"vendor": "Dell Inc.", "product": "PowerEdge R640", "processors": 32, "memory_bytes": 0},
        "identity": {"host_name": "hv1", "serial": "ABC1234"}});
    let mut copier = entity("ent-copier", "device", "copier-2", &["10.0.1.20"]);
    copier["layer"] = json!("endpoint");
    copier["has_agent"] = json!(false);
    copier["attributes"] = json!({"macs": ["02:00:00:00:00:02"]});
    let certificate = entity("ent-cert", "certificate", "CN=mail1", &[]);
    let mut hidden = need(
        "dep-2",
        "smtp-relay",
        ("ent-copier", "copier-2"),
        ("ent-mail", "mail1"),
        25,
    );
    hidden["hidden"] = json!(true);
    hidden["hidden_because"] = json!(["address-literal", "device-without-agent"]);
    hidden["reached_by"] = json!("address-literal");
    hidden["current"] = json!(false);
    let mut wrong = need(
        "dep-3",
        "sql",
        ("ent-mail", "mail1"),
        ("ent-dc", "dc1"),
        5432,
    );
    wrong["verdict"] = json!({"verdict": "wrong", "by": "anna", "because": "an old file"});
    let mut guest = need(
        "dep-4",
        "runs-on",
        ("ent-mail", "mail1"),
        ("ent-hv", "hv1"),
        0,
    );
    guest["provider"]["port"] = Value::Null;
    guest["provider"]["transport"] = Value::Null;
    guest["verdict"] = json!({"verdict": "confirmed", "by": "anna", "because": "seen"});
    let mut office = document();
    put(
        &mut office,
        "layers",
        vec![
            json!({"name": "virtualization", "rank": 2}),
            json!({"name": "os", "rank": 3}),
            json!({"name": "identity", "rank": 5}),
            json!({"name": "application", "rank": 8}),
            json!({"name": "endpoint", "rank": 11}),
        ],
    );
    put(
        &mut office,
        "sites",
        vec![json!({"id": "site-1", "name": "Dublin (East)", "networks": []})],
    );
    put(
        &mut office,
        "systems",
        vec![
            json!({"id": "sys-mail", "name": "company mail", "functions": [], "members": ["ent-mail"],
        "product": null, "version": null, "owner": null, "key_users": null, "on_call": null, "criticality": null,
        "allowed_downtime": null, "disposition": null, "confirmed_by": null, "confirmed_on": null}),
        ],
    );
    put(
        &mut office,
        "entities",
        vec![mail, directory, lone, iron, copier, certificate],
    );
    put(
        &mut office,
        "dependencies",
        vec![
            need(
                "dep-1",
                "ldap-bind",
                ("ent-mail", "mail1"),
                ("ent-dc", "dc1"),
                389,
            ),
            hidden,
            wrong,
            guest,
            need(
                "dep-5",
                "http",
                ("ent-mail", "mail1"),
                ("ent-gone", "api.partner.example"),
                443,
            ),
        ],
    );
    put(
        &mut office,
        "listeners",
        vec![
            listener("ent-mail", "0.0.0.0", 25, "tcp", Some("smtp-relay")),
            listener("ent-mail", "::", 25, "tcp", Some("smtp-relay")),
            listener("ent-mail", "127.0.0.1", 3306, "tcp", Some("sql")),
            listener("ent-mail", "::1", 3307, "tcp", None),
            listener("ent-mail", "::ffff:127.0.0.1", 3308, "tcp", None),
            listener("ent-mail", "0.0.0.0", 123, "udp", Some("ntp")),
            listener("ent-mail", "0.0.0.0", 9100, "tcp", Some("http")),
            listener("ent-six", "::", 443, "tcp", Some("http")),
            listener("ent-six", "::", 50000, "tcp", None),
            listener("ent-six", "0.0.0.0", 8080, "tcp", None),
            listener("ent-copier", "10.0.1.20", 9100, "tcp", Some("print")),
            listener("ent-copier", "10.0.1.20", 515, "tcp", None),
            listener("ent-copier", "10.0.1.20", 9999, "tcp", None),
            listener("ent-copier", "10.0.1.20", 631, "tcp", Some("print")),
            listener("ent-cert", "10.0.9.9", 9116, "tcp", None),
        ],
    );
    put(
        &mut office,
        "waves",
        vec![
            json!({"name": "w1", "order": 1, "window": null, "members": ["MAIL1.corp.example", "10.0.0.6"], "state": "planned"}),
            json!({"name": "w 2", "order": 2, "window": null, "members": ["company mail"], "state": "planned"}),
        ],
    );
    put(
        &mut office,
        "devices",
        vec![json!({"entity": "ent-copier", "class": "multifunction",
        "maker": [{"value": "Ricoh", "by": ["snmp"], "evidence": []}], "model": [{"value": "MP C3003", "by": ["snmp"], "evidence": []}],
        "serial": [{"value": "E1", "by": ["snmp"], "evidence": []}], "deeds": [], "evidence": []})],
    );
    made(office)
}

/// Pieces of which names are made that some tool would read as its own.
const PIECES: &[&str] = &[
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\"",
    "'",
    "`",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{2028}",
    "{{ 7*7 }}",
    "{% raw %}",
    "${x}",
    "$(id)",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#0;",
    "#34;",
    "%%{init: {}}%%",
    "end",
    "subgraph",
    "style x:#a;",
    "click",
    "!unsafe",
    "- ",
    ": ",
    " #",
    "[1:9]",
    "*a",
    "&a",
    "---",
    "...",
    "~",
    "null",
    "true",
    "@x",
    "|",
    ">",
    "?",
    "مكتب",
    "שרת",
    "почта",
    "会計",
    "Ü",
    "e\u{301}",
    "💾",
    "\u{10ffff}",
    "\u{fdd0}",
    "\\N",
    "\\l",
    "a",
    "0",
    " ",
    "../..",
    "http://x/?a=b&c",
    "\u{e000}",
    "\u{d7ff}",
];

/// Names somebody means harm with: each piece alone, then mixtures, no two alike.
pub(crate) fn hostile_names() -> Vec<String> {
    let mut chance = Chance::new(7);
    let mut names: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    while names.len() < HOSTILE {
        let many = 1 + chance.below(5);
        let pieces = (0..many).map(|_| PIECES[chance.below(PIECES.len())]);
        let mut name: String = pieces.collect();
        if chance.below(20) == 0 {
            name = name.repeat(40);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// An estate in which every text a format prints is one of `names`.
pub(crate) fn hostile(names: &[String]) -> Inventory {
    let kinds = ["host", "vm", "hypervisor", "device", "service"];
    let mut hostile = document();
    let mut entities = Vec::new();
    let mut needs = Vec::new();
    let mut listeners = Vec::new();
    let mut devices = Vec::new();
    let mut sites = Vec::new();
    let mut systems = Vec::new();
    let mut waves = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let other = &names[(number + 1) % names.len()];
        let id = format!("ent-{number:04}");
        let mut one = entity(
            &id,
            kinds[number % kinds.len()],
            name,
            &[&format!("10.{}.{}.5", number / 200, number % 200)],
        );
        for text in ["owner", "criticality", "layer"] {
            one[text] = json!(name);
        }
        one["names"] = json!([name, other]);
        one["site"] = json!(format!("site-{}", number % 7));
        one["system"] = json!(format!("sys-{}", number % 11));
        one["attributes"] = json!({
            "operating_system": {"family": name, "id": name, "version": name, "pretty_name": name, "kernel": name, "architecture": name,
                "virtualization": if number % 2 == 0 { Value::Null } else { json!(name) }},
            "hardware": {"vendor": name, "product": name, "firmware": name, "firmware_date": name, "processor": name, "processors": 1,
                "memory_bytes": 1, "disks": [{"name": name, "model": name, "bytes": 1}]},
            "identity": {"host_name": name, "smbios_uuid": name, "serial": name},
            "interfaces": [{"name": name, "mac": name, "kind": name, "up": true, "addresses": [name, "10.9.9.9/24"]}],
            "file_systems": [{"mount_point": name, "device": name, "kind": name}],
            "packages": {name.clone(): name}, "macs": [name]
        });
        entities.push(one);
        let next = (number + 1) % names.len();
        let mut edge = need(
            &format!("dep-{number:04}"),
            name,
            (&id, name),
            (&format!("ent-{next:04}"), &names[next]),
            443,
        );
        edge["reached_as"] = json!(name);
        edge["hidden"] = json!(true);
        edge["hidden_because"] = json!([name]);
        needs.push(edge);
        if number % 3 == 0 {
            needs.push(need(
                &format!("dep-r{number:04}"),
                "runs-on",
                (&id, name),
                (&format!("ent-{next:04}"), &names[next]),
                1,
            ));
        }
        listeners.push(listener(&id, "0.0.0.0", 443, "tcp", Some(name)));
        devices.push(json!({"entity": id, "class": null, "maker": [{"value": name, "by": [], "evidence": []}],
            "model": [{"value": name, "by": [], "evidence": []}], "location": [{"value": name, "by": [], "evidence": []}], "deeds": [], "evidence": []}));
        waves.push(
            json!({"name": name, "order": 1, "window": null, "members": [id], "state": "planned"}),
        );
        if number < 7 {
            sites.push(json!({"id": format!("site-{number}"), "name": name, "networks": [name]}));
        }
        if number < 11 {
            systems.push(json!({"id": format!("sys-{number}"), "name": names[names.len() - 1 - number], "functions": [], "members": [],
                "product": null, "version": null, "owner": null, "key_users": null, "on_call": null, "criticality": null,
                "allowed_downtime": null, "disposition": null, "confirmed_by": null, "confirmed_on": null}));
        }
    }
    for (list, rows) in [
        ("entities", entities),
        ("dependencies", needs),
        ("listeners", listeners),
        ("devices", devices),
        ("sites", sites),
        ("systems", systems),
        ("waves", waves),
    ] {
        put(&mut hostile, list, rows);
    }
    made(hostile)
}

/// The same inventory with its lists in another order.
pub(crate) fn shuffled(inventory: &Inventory, seed: u64) -> Inventory {
    let mut chance = Chance::new(seed);
    let mut other = inventory.clone();
    fn mix<T>(chance: &mut Chance, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, chance.below(at + 1));
        }
    }
    mix(&mut chance, &mut other.entities);
    mix(&mut chance, &mut other.dependencies);
    mix(&mut chance, &mut other.listeners);
    mix(&mut chance, &mut other.sites);
    mix(&mut chance, &mut other.systems);
    mix(&mut chance, &mut other.waves);
    mix(&mut chance, &mut other.layers);
    mix(&mut chance, &mut other.devices);
    for entity in &mut other.entities {
        mix(&mut chance, &mut entity.addresses);
        mix(&mut chance, &mut entity.names);
        mix(&mut chance, &mut entity.attributes.interfaces);
    }
    for wave in &mut other.waves {
        mix(&mut chance, &mut wave.members);
    }
    other
}

/// What a name looks like once nothing in it hides: the rule of this crate, written down a second time.
pub(crate) fn shown(name: &str) -> String {
    let one = |c: char| match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap().to_string(),
        0x7f => "␡".to_owned(),
        code @ (0x80..=0x9f | 0x200b..=0x200f | 0x2028..=0x202e | 0xfeff | 0xfdd0..=0xfdef) => {
            format!("[U+{code:04X}]")
        }
        code if code & 0xfffe == 0xfffe => format!("[U+{code:04X}]"),
        _ => c.to_string(),
    };
    name.chars().map(one).collect()
}
