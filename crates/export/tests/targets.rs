//! What Prometheus is told to watch, and what never.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeSet;

use common::{hostile, hostile_names, office};
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn prometheus_probes_listeners_others_reach_and_never_a_printer() {
    let groups = parsed(&groma_export::prometheus_sd(&office()));
    let of = |probe: &str| -> BTreeSet<String> {
        let groups = groups
            .as_array()
            .unwrap()
            .iter()
            .filter(|group| group["labels"]["groma_probe"] == probe);
        groups
            .map(|group| group["targets"][0].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        of("tcp"),
        ["10.0.0.5:25", "10.0.1.20:631", "[2001:db8::7]:443"]
            .map(String::from)
            .into()
    );
    assert_eq!(
        of("icmp"),
        ["10.0.0.2", "10.0.0.5", "10.0.0.6", "2001:db8::7"]
            .map(String::from)
            .into()
    );
    let mail = groups
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["targets"][0] == "10.0.0.5:25")
        .unwrap();
    assert_eq!(
        mail["labels"],
        json!({"groma_id": "ent-mail", "groma_name": "mail1", "groma_kind": "host", "groma_probe": "tcp", "site": "Dublin (East)", "layer": "os",
            "system": "company mail", "service": "smtp-relay", "owner": "Mail team", "criticality": "high"})
    );
}

#[test]
fn no_target_anywhere_is_at_a_port_of_printing() {
    let mut office = office();
    let first = office.listeners[0].clone();
    for port in (0..1000).chain(9000..10_100) {
        let mut listener = first.clone();
        listener.port = groma_model::Port(port);
        office.listeners.push(listener);
    }
    let text = groma_export::prometheus_sd(&office);
    for port in [515, 9999].into_iter().chain(9100..=9116) {
        assert!(!text.contains(&format!(":{port}\"")), "{port}");
    }
    assert!(text.contains(":9099\"") && text.contains(":9117\""));
}

#[test]
fn every_label_is_a_name_prometheus_takes() {
    for estate in [office(), hostile(&hostile_names())] {
        for group in parsed(&groma_export::prometheus_sd(&estate))
            .as_array()
            .unwrap()
        {
            for (label, value) in group["labels"].as_object().unwrap() {
                assert!(
                    label.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                        && !label.starts_with("__"),
                    "{label}"
                );
                assert!(value.as_str().is_some_and(|value| !value.is_empty()));
            }
        }
    }
}
