//! What leaves the house: no name in any format, and the same map.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests only"
)]

#[path = "../../workbook/tests/rich/mod.rs"]
mod rich;
#[path = "../../report/tests/sample/mod.rs"]
mod sample;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use groma_model::inventory::Inventory;
use groma_share::{ShareKey, Shared, share};
use proptest::prelude::*;
use serde_json::Value;

fn key() -> ShareKey {
    ShareKey::new([4; 32])
}

fn shared(inventory: &Inventory) -> Shared {
    share(inventory, &key()).unwrap()
}

/// Every format there is, as text.
fn formats(inventory: &Inventory) -> Vec<(&'static str, String)> {
    let sheets = groma_report::questionnaires(inventory);
    let sheets: String = sheets
        .into_iter()
        .map(|s| s.file_stem + &s.html + &s.csv)
        .collect();
    vec![
        ("inventory", serde_json::to_string(inventory).unwrap()),
        ("html", groma_report::html(inventory)),
        ("markdown", groma_report::markdown(inventory)),
        ("json", groma_report::json(inventory)),
        ("csv", groma_report::csv(inventory)),
        ("mail-routes-csv", groma_report::mail_routes_csv(inventory)),
        ("ledger-csv", groma_report::ledger_csv(inventory)),
        ("mail-ledger-csv", groma_report::mail_ledger_csv(inventory)),
        ("devices-csv", groma_report::devices_csv(inventory)),
        ("device-sheet", groma_report::device_sheet(inventory)),
        ("risks-csv", groma_report::risks_csv(inventory)),
        ("questionnaires", sheets),
        (
            "xlsx",
            unpacked(&groma_workbook::workbook(inventory).unwrap()),
        ),
        (
            "rvtools",
            unpacked(&groma_workbook::rvtools(inventory).unwrap()),
        ),
        ("graphml", groma_export::graphml(inventory)),
        ("dot", groma_export::dot(inventory)),
        ("mermaid", groma_export::mermaid(inventory)),
        ("ansible", groma_export::ansible(inventory)),
        ("prometheus", groma_export::prometheus_sd(inventory)),
        ("netbox", groma_export::netbox(inventory)),
        ("glpi", groma_export::glpi(inventory)),
    ]
}

fn unpacked(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut out = String::new();
    for at in 0..archive.len() {
        archive
            .by_index(at)
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
    }
    out
}

/// Fields that hold names, whatever type they are of: written down again here, so that a wrong decision shows.
const NAMES: &[&str] = &[
    "name",
    "names",
    "host_name",
    "qualified_name",
    "reached_as",
    "owner",
    "by",
    "to",
    "account",
    "accounts",
    "principal",
    "mailbox",
    "other",
    "helo",
    "domain",
    "domains",
    "serial",
    "machine_id",
    "macs",
    "mac",
    "addresses",
    "address",
    "sha256",
    "spki_sha256",
    "confirmed_by",
    "key_users",
    "on_call",
    "location",
    "subject",
    "members",
    "zone",
    "nowhere",
    "snapshot",
    "ssh_host_keys",
    "host_keys",
    "dn",
    "directory_sid",
    "uuid",
    "image",
    "home",
    "target",
    "asked",
];

/// The names of a document, in lower case; those that are words of everybody's or of the program are left to the fields.
fn originals(inventory: &Inventory) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    collect("", &serde_json::to_value(inventory).unwrap(), &mut out);
    let vocabulary: BTreeSet<&str> = include_str!("../src/words.txt")
        .lines()
        .chain(include_str!("../src/common.txt").split_whitespace())
        .collect();
    let is_between = |c: char| !c.is_alphanumeric();
    // The kernel's name of an interface, a word of every workbook (`<Company>`), and a word of HTML.
    let everybodys = ["eth0", "company", "onerror"];
    out.retain(|name| !everybodys.contains(&name.as_str()));
    out.retain(|name| {
        let mut parts = name.split(is_between).filter(|part| !part.is_empty());
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let address = name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|a| !a.is_loopback() && !a.is_unspecified());
        name.len() > 2
            && (address || !parts.all(|part| vocabulary.contains(part) || is_number(part)))
    });
    out
}

fn collect(field: &str, value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| collect(field, entry, out)),
        Value::Object(entries) => entries
            .iter()
            .for_each(|(name, entry)| collect(name, entry, out)),
        // A moment in a field that is called `to`.
        Value::String(text) if text.parse::<groma_model::Timestamp>().is_ok() => {}
        Value::String(text) if NAMES.contains(&field) => {
            let lower = text.to_lowercase();
            // The parts of a host name, a mail address, a path; `example` is where pseudonyms live.
            let is_between = |c: char| !(c.is_alphanumeric() || c == '-' || c == '_');
            let parts = lower.split(is_between).filter(|part| *part != "example");
            out.extend(parts.map(str::to_owned));
            out.insert(lower);
        }
        _ => {}
    }
}

/// Names of `originals` that stand in `text` as words.
fn found(text: &str, originals: &BTreeSet<String>) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = |keep: &'static str| {
        let is_between = move |c: char| !(c.is_alphanumeric() || keep.contains(c));
        lower
            .split(is_between)
            .map(|word| word.trim_end_matches('.'))
            .collect::<BTreeSet<_>>()
    };
    let mut all = words("-_");
    all.extend(words("-_.@:"));
    all.extend(words("-_."));
    let long = |name: &&String| name.contains(' ') && lower.contains(name.as_str());
    let is_there = |name: &&String| all.contains(name.as_str()) || long(name);
    originals.iter().filter(is_there).cloned().collect()
}

fn nothing_leaves(inventory: &Inventory) {
    let originals = originals(inventory);
    assert!(originals.len() > 5, "the document has names: {originals:?}");
    let before = formats(inventory)
        .into_iter()
        .map(|(_, text)| found(&text, &originals).len());
    assert!(before.max() > Some(5), "the names are found where they are");
    let out = shared(inventory).inventory;
    let mut leaks = BTreeMap::new();
    for (format, text) in formats(&out) {
        let found = found(&text, &originals);
        if !found.is_empty() {
            leaks.insert(format, found);
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn no_name_leaves_the_office_in_any_format() {
    nothing_leaves(&sample::office());
    nothing_leaves(&sample::single());
}

#[test]
fn no_name_leaves_where_every_table_has_a_row() {
    nothing_leaves(&rich::estate());
}

#[test]
fn no_name_of_a_device_leaves() {
    nothing_leaves(&sample::devices());
}

#[test]
fn no_name_leaves_an_estate_on_its_way() {
    nothing_leaves(&sample::moving());
}

#[test]
fn no_name_leaves_a_large_estate() {
    nothing_leaves(&sample::large(120, 600));
}

#[test]
fn names_that_are_words_too_go_from_their_fields_and_from_what_is_said_of_them() {
    let mut inventory = sample::single();
    let host = &mut inventory.entities[0];
    host.name = "backup".to_owned();
    host.names = vec!["backup".to_owned(), "backup.mail.example".to_owned()];
    let out = shared(&inventory).inventory;
    assert!(out.entities.iter().all(|e| {
        e.names
            .iter()
            .all(|n| !n.contains("backup") && !n.contains("mail"))
    }));
}

/// What a stranger draws: everything but names.
fn shape_of(inventory: &Inventory) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    let mut add = |what: String| *out.entry(what).or_default() += 1;
    inventory.entities.iter().for_each(|e| {
        add(format!(
            "entity {} {} {} {} {:?} {:?}",
            e.kind,
            e.layer,
            e.names.len(),
            e.addresses.len(),
            e.first_seen,
            e.last_seen
        ));
    });
    inventory.dependencies.iter().for_each(|d| {
        add(format!(
            "need {} {} {:?} {:?} {} {:?} {:?} {} {:?}",
            d.kind,
            d.layer,
            d.provider.port,
            d.provider.transport,
            d.hidden,
            d.basis,
            d.strength,
            d.count,
            d.next_due
        ));
    });
    inventory.findings.iter().for_each(|f| {
        add(format!(
            "finding {:?} {:?} {} {}",
            f.severity,
            f.likelihood,
            f.subjects.len(),
            f.mitigations.len()
        ))
    });
    inventory
        .listeners
        .iter()
        .for_each(|l| add(format!("listener {:?} {:?}", l.port, l.transport)));
    inventory
        .volumes
        .iter()
        .for_each(|v| add(format!("volume {} {:?}", v.bytes, v.items)));
    inventory
        .certificates()
        .for_each(|c| add(format!("certificate {:?} {}", c.not_after, c.key_bits)));
    add(format!(
        "rows {} {} {} {} {}",
        inventory.rights.len(),
        inventory.evidence.len(),
        inventory.questions.len(),
        inventory.ledger.len(),
        inventory.mail_ledger.len()
    ));
    out
}

trait Certificates {
    fn certificates(&self) -> impl Iterator<Item = &groma_model::fact::Certificate>;
}

impl Certificates for Inventory {
    fn certificates(&self) -> impl Iterator<Item = &groma_model::fact::Certificate> {
        self.entities
            .iter()
            .filter_map(|e| e.attributes.certificate.as_ref())
    }
}

#[test]
fn the_map_is_the_same() {
    let mut estate = sample::large(60, 300);
    // One machine at a time tells which id became which.
    let mut ids = BTreeMap::new();
    let mut one = estate.clone();
    one.dependencies.clear();
    one.evidence.clear();
    one.findings.clear();
    one.listeners.clear();
    for entity in &estate.entities {
        one.entities = vec![entity.clone()];
        ids.insert(
            entity.id.clone(),
            shared(&one).inventory.entities[0].id.clone(),
        );
    }
    assert_eq!(ids.values().collect::<BTreeSet<_>>().len(), ids.len());
    estate
        .dependencies
        .retain(|d| ids.contains_key(&d.consumer.entity) && ids.contains_key(&d.provider.entity));
    let out = shared(&estate).inventory;
    let arrows = |inventory: &Inventory, map: &dyn Fn(&groma_model::EntityId) -> String| {
        let mut all: Vec<_> = inventory
            .dependencies
            .iter()
            .map(|d| {
                (
                    map(&d.consumer.entity),
                    map(&d.provider.entity),
                    d.kind.clone(),
                    d.provider.port,
                )
            })
            .collect();
        all.sort();
        all
    };
    assert!(!out.dependencies.is_empty());
    assert_eq!(
        arrows(&estate, &|id| ids[id].to_string()),
        arrows(&out, &ToString::to_string)
    );
    for estate in [estate, sample::office(), sample::devices(), rich::estate()] {
        // Kinds made up by the fixture's attacker are words of nobody's.
        let foreign = |what: &String| {
            what.contains("word-") || sample::HOSTILE.iter().any(|h| what.contains(h.trim()))
        };
        let keep = |mut shape: BTreeMap<String, usize>| {
            shape.retain(|what, _| !foreign(what) && what.is_ascii());
            shape
        };
        assert_eq!(
            keep(shape_of(&estate)),
            keep(shape_of(&shared(&estate).inventory))
        );
    }
}

#[test]
fn every_reference_still_leads_somewhere() {
    let (before, out) = (rich::estate(), shared(&rich::estate()).inventory);
    let resolved = |i: &Inventory| {
        let ends = i
            .dependencies
            .iter()
            .flat_map(|d| [&d.consumer.entity, &d.provider.entity]);
        let entities = ends.filter(|id| i.entity(id).is_some()).count();
        let facts = i
            .dependencies
            .iter()
            .flat_map(|d| &d.evidence)
            .filter(|id| i.evidence_entry(id).is_some())
            .count();
        (entities, facts)
    };
    assert_eq!(resolved(&before), resolved(&out));
    assert!(resolved(&out).0 > 0 && resolved(&out).1 > 0);
}

#[test]
fn a_name_is_the_same_in_every_snapshot_and_order() {
    let before = sample::office();
    let mut after = before.clone();
    after.snapshot = Some("after".to_owned());
    after.entities.truncate(after.entities.len() / 2);
    let (one, two) = (shared(&before), shared(&after));
    for (pseudonym, original) in &two.names {
        if let Some(same) = one.names.get(pseudonym) {
            assert_eq!(same.name.to_lowercase(), original.name.to_lowercase());
        }
    }
    let name = |shared: &Shared, wanted: &str| {
        let mut all = shared
            .names
            .iter()
            .filter(|(_, o)| o.name == wanted && o.kind == "host");
        all.next().map(|(pseudonym, _)| pseudonym.clone())
    };
    let host = after
        .entities
        .iter()
        .find(|e| e.kind == "host" && e.name.contains('.'))
        .unwrap();
    assert_eq!(name(&one, &host.name), name(&two, &host.name));
    assert!(name(&one, &host.name).is_some());
    let mut turned = before.clone();
    turned.dependencies.reverse();
    turned.evidence.reverse();
    turned.entities.reverse();
    turned.listeners.reverse();
    let bytes = |i: &Inventory| serde_json::to_string(i).unwrap();
    assert!(bytes(&shared(&turned).inventory) == bytes(&one.inventory));
}

#[test]
fn another_key_gives_other_names() {
    let office = sample::office();
    let (one, two) = (
        shared(&office),
        share(&office, &ShareKey::new([5; 32])).unwrap(),
    );
    let names = |shared: &Shared| {
        shared
            .inventory
            .entities
            .iter()
            .map(|e| e.name.clone())
            .collect::<BTreeSet<_>>()
    };
    assert!(names(&one).is_disjoint(&names(&two)));
    let ids = |shared: &Shared| {
        shared
            .inventory
            .evidence
            .iter()
            .map(|e| e.id.to_string())
            .collect::<BTreeSet<_>>()
    };
    assert!(ids(&one).is_disjoint(&ids(&two)));
}

#[test]
fn no_hostile_letter_survives() {
    let out = shared(&sample::office()).inventory;
    let text = serde_json::to_string(&out).unwrap();
    for hostile in [
        "\\u0000", "\\u001b", "\u{202e}", "\u{200b}", "<script", "=cmd", "\"=", "\"@", "\"+",
    ] {
        assert!(!text.contains(hostile), "{hostile:?}");
    }
}

#[test]
fn the_document_says_that_it_is_shared() {
    let out = shared(&rich::estate()).inventory;
    for (format, text) in formats(&out) {
        let no_room = [
            "csv",
            "prometheus",
            "netbox",
            "glpi",
            "questionnaires",
            "device-sheet",
            "rvtools",
        ];
        if !no_room.iter().any(|f| format.contains(f)) {
            assert!(text.contains("pseudonyms"), "{format}");
        }
    }
    for (format, text) in formats(&rich::estate()) {
        assert!(!text.contains("pseudonyms"), "{format}");
    }
}

#[test]
fn the_owners_table_leads_back() {
    let office = sample::office();
    let out = shared(&office);
    for entity in out
        .inventory
        .entities
        .iter()
        .filter(|e| e.kind == "host" && e.name.starts_with("host-"))
    {
        let original = &out.names[&entity.name].name;
        assert!(
            office
                .entities
                .iter()
                .any(|e| e.name.to_lowercase() == *original.to_lowercase()),
            "{original}"
        );
    }
    let table = groma_share::table(&out.names);
    assert!(table.starts_with("pseudonym,kind,name\r\n"));
    assert!(!table.contains("\n=") && !table.contains(",=") && !table.contains('\0'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_name_of_any_form_is_gone(
        name in "[a-z]{2}[0-9]{2}[a-z]{3,9}[0-9]", person in "[A-Z]qx[a-z]{4,9} [A-Z]vz[a-z]{4,9}", octets in any::<[u8; 3]>(),
        template in prop::sample::select(vec![
            "{} listens on {ip} port 25/tcp", "{}.corp.example:443 is not {}", "account {}@corp.example can log in", "uid={},dc=x",
            "/home/{}/.ssh/known_hosts:3 names {ip}", "\\\\{}\\share", "CORP\\{}", "https://{}.example/x?{}", "({}), \"{}\"; <{}>",
            "told by {who}: ask {who}'s team", "{}=1|{}", "x{}x.{}", "SPN HTTP/{}", "{ip}-{ip}", "[{ip}]:25", "{ip}/24",
        ]),
    ) {
        let ip = format!("10.{}.{}.{}", octets[0], octets[1], octets[2]);
        let text = template.replace("{}", &name).replace("{ip}", &ip).replace("{who}", &person);
        let mut inventory = sample::single();
        inventory.entities[0].name = name.clone();
        inventory.entities[0].owner = Some(person.clone());
        inventory.evidence[0].says = text.clone();
        inventory.questions.push(groma_model::inventory::Question { to: None, about: "x".into(), question: text.clone() });
        inventory.entities[0].attributes.declared.insert(text.clone(), text);
        let out = serde_json::to_string(&shared(&inventory).inventory).unwrap().to_lowercase();
        for gone in [name, person.to_lowercase(), ip] {
            prop_assert!(!out.contains(&gone), "{} in {}", gone, out.split(&gone).next().map(|t| &t[t.len().saturating_sub(80)..]).unwrap_or_default());
        }
        for part in person.split(' ') {
            prop_assert!(!out.contains(&part.to_lowercase()));
        }
    }
}
