//! What is asked of people.

use groma_check::questions;
use groma_model::inventory::System;

use crate::build::*;

fn system(name: &str, members: &[&str]) -> System {
    System {
        id: format!("sys-{name}"),
        name: name.to_owned(),
        functions: vec!["mail".to_owned()],
        members: members.iter().map(|m| id(m)).collect(),
        product: None,
        version: None,
        owner: None,
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: None,
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    }
}

#[test]
fn one_question_per_system_whatever_is_blank() {
    let mut inventory = inventory(vec![host("mail1"), host("mail2")], Vec::new());
    inventory
        .systems
        .push(system("company mail", &["mail1", "mail2"]));
    let asked = questions(&inventory);
    assert_eq!(asked.len(), 1, "{asked:#?}");
    let text = "company mail (mail): who owns it, how critical is it, how long may it be down, who is on call for it, who are its key users, does it stay, move, or is it replaced or retired?";
    assert!(
        asked
            .iter()
            .all(|q| q.question == text && q.about == "sys-company mail" && q.to.is_none()),
        "{asked:#?}"
    );
}

#[test]
fn the_owner_is_asked_for_the_rest_and_a_full_sheet_is_not_asked_at_all() {
    let mut inventory = inventory(Vec::new(), Vec::new());
    let mut owned = system("mail", &[]);
    owned.owner = Some("Jo".to_owned());
    owned.on_call = Some("  ".to_owned());
    let mut full = system("files", &[]);
    let word = || Some("yes".to_owned());
    (
        full.owner,
        full.on_call,
        full.criticality,
        full.allowed_downtime,
        full.key_users,
        full.disposition,
    ) = (
        word(),
        word(),
        word(),
        word(),
        word(),
        Some(groma_model::inventory::Disposition::Stay),
    );
    inventory.systems.extend([owned, full]);
    let asked = questions(&inventory);
    assert_eq!(asked.len(), 1);
    assert!(
        asked.iter().all(|q| q.to.as_deref() == Some("Jo")
            && q.question.contains("on call")
            && !q.question.contains("owns")),
        "{asked:#?}"
    );
}

#[test]
fn an_address_nobody_named_is_asked_for_with_its_users() {
    let needs = ["app1", "app2", "app3"].map(|n| depends(n, "other", "10.0.0.9", 8443));
    let mut hosts: Vec<_> = ["app1", "app2", "app3"].map(host).into();
    hosts
        .iter_mut()
        .for_each(|h| h.owner = Some("Jo".to_owned()));
    hosts.push(entity("external", "10.0.0.9"));
    let asked = questions(&inventory(hosts, needs.into()));
    assert_eq!(asked.len(), 1);
    assert!(
        asked
            .iter()
            .all(|q| q.question == "What is 10.0.0.9:8443? 3 hosts use it: app1, app2 and app3."),
        "{asked:#?}"
    );
}

#[test]
fn a_named_or_public_provider_is_no_riddle() {
    let mut app = host("app1");
    app.owner = Some("Jo".to_owned());
    let entities = vec![
        app,
        entity("external", "203.0.113.7"),
        entity("host", "db1"),
    ];
    let needs = vec![
        depends("app1", "other", "203.0.113.7", 443),
        depends("app1", "sql", "db1", 5432),
    ];
    assert!(questions(&inventory(entities, needs)).is_empty());
}

#[test]
fn a_system_container_is_a_machine_somebody_owns_and_a_template_is_none() {
    let asked = |kind: &str| {
        let mut one = host("cell");
        one.kind = kind.to_owned();
        questions(&inventory(vec![one], Vec::new())).len()
    };
    assert_eq!([asked("host"), asked("container"), asked("vm")], [1, 1, 1]);
    assert_eq!([asked("vm-template"), asked("service")], [0, 0]);
}

#[test]
fn a_thousand_machines_do_not_make_a_thousand_questions() {
    let hosts = (0..1000).map(|n| host(&format!("h{n:04}"))).collect();
    let asked = questions(&inventory(hosts, Vec::new()));
    assert_eq!(asked.len(), 41);
    assert!(
        asked.iter().any(|q| q
            .question
            .starts_with("Who owns 960 further machines: h0040, ")),
        "{asked:#?}"
    );
}

#[test]
fn what_a_relay_hands_on_to_is_asked_once_per_door_and_a_spare_is_no_question() {
    let leads = |consumer: &str, onward: &[&str]| {
        let mut need = depends(consumer, "http", "web1", 80);
        need.details.onward = onward.iter().map(|line| (*line).to_owned()).collect();
        need
    };
    let open = "one of: app1:8001 (under a condition)";
    let spare = "one of: app1:8002 (a backup)";
    let hosts = || {
        ["pc1", "pc2", "web1"]
            .map(|name| {
                let mut host = host(name);
                host.owner = Some("Jo".to_owned());
                host
            })
            .to_vec()
    };
    let needs = vec![leads("pc1", &[open, spare]), leads("pc2", &[open])];
    let asked = questions(&inventory(hosts(), needs));
    let asked: Vec<_> = asked.iter().map(|q| q.question.as_str()).collect();
    assert_eq!(
        asked,
        [
            "web1:80: which of these do pc1 and pc2 reach through it: app1:8001 (under a condition)? No file and no connection tells."
        ]
    );
    let spares = vec![leads("pc1", &[spare])];
    assert!(questions(&inventory(hosts(), spares)).is_empty());
}

#[test]
fn who_watches_is_asked_once_for_all_and_only_where_somebody_looked() {
    use groma_model::fact::WatchPurpose;
    use groma_model::inventory::{CoverageEntry, Watching};
    let looked = |host: &str| CoverageEntry {
        source: groma_model::SourceName::new("host.watching"),
        // As the source itself closes it.
        scope: groma_model::Scope::new("watching", "/").to_string(),
        ..backups_seen(host)
    };
    let mut inventory = inventory(
        vec![host("db1"), host("mon1"), host("web1"), host("web2")],
        Vec::new(),
    );
    inventory.coverage = ["db1", "web1", "web2"].map(looked).to_vec();
    let row = |of: &str, purpose, by: Option<&str>| Watching {
        entity: id(of),
        purpose,
        by: by.map(id),
        name: by.unwrap_or("*").to_owned(),
        products: vec!["node exporter".to_owned()],
        witnesses: Vec::new(),
        evidence: Vec::new(),
    };
    inventory.watching = vec![
        row("db1", WatchPurpose::WatchedBy, Some("mon1")),
        row("db1", WatchPurpose::LogsTo, Some("mon1")),
        row("web1", WatchPurpose::WatchedBy, None),
        row("web2", WatchPurpose::LogsTo, Some("mon1")),
    ];
    let asked: Vec<String> = questions(&inventory)
        .into_iter()
        .map(|q| q.question)
        .collect();
    let of = |word: &str| {
        asked
            .iter()
            .filter(|q| q.contains(word))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("notices"),
        [
            "Who notices when web1 and web2 fail? Nothing found there, and no list of a watcher, names anybody, though node exporter would answer whoever asks."
        ]
    );
    assert_eq!(
        of("The logs of"),
        [
            "The logs of web1 stay there as far as their settings say: who needs them after the move, and for how long must they be kept?"
        ]
    );
    inventory.coverage.clear();
    let silent = questions(&inventory);
    assert!(
        !silent.iter().any(|q| q.question.contains("notices")),
        "{silent:#?}"
    );
}

#[test]
fn a_consumer_that_a_person_named_is_asked_about_until_somebody_sees_it() {
    use groma_model::inventory::FurtherConsumer;
    let mut inventory = inventory(
        vec![host("mail1"), host("till7"), host("app1")],
        vec![depends("app1", "smtp-relay", "mail1", 25)],
    );
    let mut mail = system("mail", &["mail1"]);
    mail.owner = Some("Jo".to_owned());
    for name in ["till7", "APP1", "the accounts office"] {
        mail.further_consumers.push(FurtherConsumer {
            name: name.to_owned(),
            by: "Jo".to_owned(),
            on: now(),
        });
    }
    inventory.systems.push(mail);
    let verify = |inventory: &groma_model::inventory::Inventory| -> Vec<String> {
        let asked = questions(inventory).into_iter();
        let named = asked.filter(|q| q.question.starts_with("Where does "));
        named.map(|q| q.question).collect()
    };
    assert_eq!(
        verify(&inventory),
        [
            "Where does the accounts office run, and how does it reach mail? Jo named it on 2026-11-20, and nobody saw it there.",
            "Where does till7 run, and how does it reach mail? Jo named it on 2026-11-20, and nobody saw it there.",
        ]
    );
    inventory
        .dependencies
        .push(depends("till7", "smtp-relay", "mail1", 25));
    assert_eq!(verify(&inventory).len(), 1, "till7 was seen");
}

#[test]
fn a_grave_risk_without_an_owner_or_a_date_is_a_question_and_a_light_or_a_settled_one_is_none() {
    let risk = |name: &str,
                severity: &str,
                state: &str,
                owner: Option<&str>,
                date: Option<&str>| {
        serde_json::from_value(serde_json::json!({
            "id": format!("fnd-{name}"), "check": "made-up", "origin": "generated", "state": state, "severity": severity,
            "layer": "os", "risk": format!("{name} stops."), "indicator": "i", "impact": "i", "likelihood": "medium",
            "mitigations": [], "owner": owner, "control_date": date, "subjects": [], "evidence": [], "verdict": null,
        }))
        .expect("it is a finding")
    };
    let mut inventory = inventory(Vec::new(), Vec::new());
    let date = Some("2026-12-01T00:00:00Z");
    inventory.findings = vec![
        risk("a", "high", "open", None, None),
        risk("b", "critical", "open", Some("Jo"), None),
        risk("c", "high", "open", None, date),
        risk("d", "high", "open", Some("Jo"), date),
        risk("e", "high", "closed", None, None),
        risk("f", "high", "accepted", None, None),
        risk("g", "medium", "open", None, None),
    ];
    let asked: Vec<(Option<String>, String)> = questions(&inventory)
        .into_iter()
        .map(|q| (q.to, q.question))
        .collect();
    let ask = |to: Option<&str>, text: &str| (to.map(str::to_owned), text.to_owned());
    assert_eq!(
        asked,
        [
            ask(
                None,
                "Who answers for this risk, and by when is it dealt with? a stops."
            ),
            ask(None, "Who answers for this risk? c stops."),
            ask(Some("Jo"), "By when is this risk dealt with? b stops."),
        ]
    );
}

#[test]
fn what_is_asked_of_a_machine_goes_to_whoever_owns_the_system_it_belongs_to() {
    let mut relay = host("mail1");
    relay.system = Some("sys-mail".to_owned());
    let mut owned = system("mail", &["mail1"]);
    owned.owner = Some("Jo".to_owned());
    let needs = ["app1", "app2", "app3"].map(|n| depends(n, "other", "10.0.0.9", 8443));
    let mut riddle = entity("external", "10.0.0.9");
    riddle.system = Some("sys-mail".to_owned());
    let mut inventory = inventory(vec![relay, riddle], needs.into());
    inventory.systems.push(owned);
    let asked = questions(&inventory);
    assert!(
        asked
            .iter()
            .any(|q| q.question.starts_with("What is 10.0.0.9"))
    );
    assert!(
        asked.iter().all(|q| q.to.as_deref() == Some("Jo")),
        "{asked:#?}"
    );
}
