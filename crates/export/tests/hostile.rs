//! All formats against names by somebody who means harm: the output is read back, and the names are still themselves.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{FORMATS, empty, hostile, hostile_names, office, shown, shuffled};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// Every text of the elements called `name` whose attributes satisfy `wanted`; panics on what is no XML.
fn texts(xml: &str, name: &str, wanted: impl Fn(&BTreeMap<String, String>) -> bool) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut found, mut open) = (Vec::new(), None::<String>);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) if tag.name().as_ref() == name => {
                let pairs = tag.attributes().map(|pair| {
                    let pair = pair.unwrap();
                    let value = pair
                        .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                        .unwrap()
                        .into_owned();
                    (pair.key.as_ref().to_owned(), value)
                });
                open = wanted(&pairs.collect()).then(String::new);
            }
            Event::Text(text) => {
                if let Some(open) = &mut open {
                    open.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let resolved = quick_xml::escape::resolve_predefined_entity(&reference).unwrap();
                if let Some(open) = &mut open {
                    open.push_str(resolved);
                }
            }
            Event::End(tag) if tag.name().as_ref() == name => found.extend(open.take()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn wanted() -> (Vec<String>, BTreeSet<String>) {
    let names = hostile_names();
    assert_eq!(names.len(), common::HOSTILE);
    let shown = names.iter().map(|name| shown(name)).collect();
    (names, shown)
}

#[test]
fn no_output_holds_a_character_that_hides() {
    let (names, _) = wanted();
    let hostile = hostile(&names);
    for (format, write) in FORMATS {
        let hides =
            |c: &char| *c != '\n' && (c.is_control() || shown(&c.to_string()) != c.to_string());
        assert_eq!(write(&hostile).chars().find(hides), None, "{format}");
    }
}

#[test]
fn graphml_gives_every_name_back() {
    let (names, mut wanted) = wanted();
    let xml = groma_export::graphml(&hostile(&names));
    let found: BTreeSet<String> = texts(&xml, "data", |a| a["key"] == "n_name")
        .into_iter()
        .collect();
    // What is only blanks goes by its id.
    assert!(wanted.remove(" ") && found.iter().any(|name| name.starts_with("ent-")));
    assert_eq!(
        wanted.difference(&found).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let kinds: BTreeSet<String> = texts(&xml, "data", |a| a["key"] == "e_kind")
        .into_iter()
        .collect();
    assert!(wanted.is_subset(&kinds));
}

fn strings<'v>(value: &'v Value, into: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => {
            into.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(map) => map.values().for_each(|item| strings(item, into)),
        _ => {}
    }
}

#[test]
fn json_gives_every_name_back() {
    let hostile = hostile(&hostile_names());
    let plain = |name: &str| shown(name).trim().to_lowercase();
    let mut many: BTreeMap<String, usize> = BTreeMap::new();
    for entity in &hostile.entities {
        *many.entry(plain(&entity.name)).or_default() += 1;
    }
    for (format, write, longest) in [
        (
            "prometheus",
            groma_export::prometheus_sd as common::Writer,
            usize::MAX,
        ),
        ("netbox", groma_export::netbox, 64),
        ("glpi", groma_export::glpi, usize::MAX),
    ] {
        let value: Value = serde_json::from_str(&write(&hostile)).unwrap();
        let mut found = BTreeSet::new();
        strings(&value, &mut found);
        let mut told = 0;
        for entity in hostile
            .entities
            .iter()
            .filter(|entity| entity.kind != "service")
        {
            let name = shown(&entity.name);
            // NetBox takes so many characters and tells nobody apart by case or blanks.
            let is_kept = name.chars().count() <= longest && many[&plain(&entity.name)] == 1;
            if is_kept && !name.trim().is_empty() {
                told += 1;
                assert!(
                    found.contains(name.as_str()) || found.contains(name.trim()),
                    "{format}: {name}"
                );
            }
        }
        assert!(told > 180, "{format}: {told}");
    }
}

#[test]
fn yaml_gives_every_name_back() {
    let (names, _) = wanted();
    let hostile = hostile(&names);
    let read: Value = serde_saphyr::from_str(&groma_export::ansible(&hostile)).unwrap();
    let hosts = read["all"]["hosts"].as_object().unwrap();
    let found: BTreeSet<&str> = hosts
        .values()
        .map(|host| host["groma_name"].as_str().unwrap())
        .collect();
    let machines = hostile
        .entities
        .iter()
        .filter(|e| ["host", "vm", "hypervisor"].contains(&e.kind.as_str()));
    let machines: Vec<_> = machines.collect();
    assert_eq!(hosts.len(), machines.len());
    for machine in machines
        .iter()
        .filter(|machine| !machine.name.trim().is_empty())
    {
        assert!(
            found.contains(shown(&machine.name).as_str()),
            "{:?}",
            machine.name
        );
    }
    for (key, host) in hosts {
        assert!(
            key.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
            "{key}"
        );
        assert!(host["groma_owner"].is_string() && host["groma_needs"].is_array());
    }
    for (group, content) in read["all"]["children"].as_object().unwrap() {
        assert!(
            group.starts_with(|c: char| c.is_ascii_lowercase()),
            "{group}"
        );
        assert!(
            group
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{group}"
        );
        for key in content["hosts"].as_object().unwrap().keys() {
            assert!(hosts.contains_key(key), "{group} names {key}");
        }
    }
}

#[test]
fn no_text_for_ansible_is_ever_computed() {
    let (names, _) = wanted();
    let text = groma_export::ansible(&hostile(&names));
    let braces: Vec<&str> = text
        .lines()
        .filter(|line| line.replace("{}", "").contains('{'))
        .collect();
    assert!(braces.len() > 10);
    for line in braces {
        assert!(line.contains(" !unsafe \""), "{line}");
    }
}

#[test]
fn every_line_of_mermaid_and_dot_is_of_a_shape_we_know() {
    let (names, _) = wanted();
    for many in [20, names.len()] {
        let mermaid = groma_export::mermaid(&hostile(&names[..many]));
        for line in mermaid.lines() {
            let line = line.trim();
            let plain: String = line.split('"').step_by(2).collect();
            let is_known = plain.starts_with("%% ") && line == plain
                || plain
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || " []|-.>,:".contains(c));
            assert!(is_known, "{line}");
            assert!(line.matches('"').count() <= 2, "{line}");
            assert!(
                !line.contains(':') || line.starts_with("linkStyle "),
                "{line}"
            );
        }
        assert!(mermaid.encode_utf16().count() <= 50_000);
    }
    for line in groma_export::dot(&hostile(&names)).lines() {
        let mut outside = String::new();
        let (mut inside, mut escaped) = (false, false);
        for c in line.chars() {
            match (inside, escaped, c) {
                (true, true, _) => escaped = false,
                (true, false, '\\') => escaped = true,
                (_, _, '"') => inside = !inside,
                (true, ..) => {}
                (false, ..) => outside.push(c),
            }
        }
        assert!(!inside, "{line}");
        assert!(
            outside
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " _{}[]=,;->".contains(c)),
            "{line}"
        );
    }
}

#[test]
fn the_order_of_the_lists_does_not_matter() {
    let hostile = hostile(&hostile_names());
    for (format, write) in FORMATS {
        for seed in 1..4 {
            assert_eq!(
                write(&shuffled(&office(), seed)),
                write(&office()),
                "{format} {seed}"
            );
            assert!(
                write(&shuffled(&hostile, seed)) == write(&hostile),
                "{format} {seed}"
            );
        }
    }
}

#[test]
fn an_empty_inventory_is_an_empty_document() {
    let none = empty();
    assert!(texts(&groma_export::graphml(&none), "node", |_| true).is_empty());
    assert!(groma_export::dot(&none).ends_with("}\n"));
    assert_eq!(
        groma_export::mermaid(&none),
        "%% 0 things, 0 needs\nflowchart BT\n"
    );
    assert_eq!(
        groma_export::ansible(&none),
        "all:\n  hosts: {}\n  children: {}\n"
    );
    assert_eq!(groma_export::prometheus_sd(&none), "[]\n");
    assert_eq!(groma_export::glpi(&none), "[]\n");
    let netbox: Value = serde_json::from_str(&groma_export::netbox(&none)).unwrap();
    assert!(
        netbox
            .as_object()
            .unwrap()
            .values()
            .all(|list| list.as_array().unwrap().is_empty())
    );
}
