//! What breaks when something goes, and who needs each other in a circle.

#[path = "../../check/tests/checks/build.rs"]
#[allow(
    dead_code,
    reason = "one builder of small inventories serves the tests of several stages"
)]
mod build;

use std::collections::BTreeSet;

use groma_fuzz::Chance;
use groma_graph::impact::{Effect, Impact, cycles, impact, text};
use groma_model::EvidenceId;
use groma_model::inventory::{Dependency, EvidenceEntry, Inventory, Strength};
use groma_model::{SourceName, Witness};
use proptest::prelude::*;

use build::*;

fn estate(dependencies: Vec<Dependency>) -> Inventory {
    let ends = dependencies
        .iter()
        .flat_map(|d| [d.consumer.name.clone(), d.provider.name.clone()]);
    let names: BTreeSet<String> = ends.collect();
    inventory(names.iter().map(|n| host(n)).collect(), dependencies)
}

fn strength(dependency: Dependency, strength: Strength) -> Dependency {
    with(dependency, |d| d.strength = strength)
}

fn effects(impact: &Impact) -> Vec<(&str, Effect, usize)> {
    impact
        .affected
        .iter()
        .map(|a| (a.name.as_str(), a.effect, a.path.len()))
        .collect()
}

#[test]
fn a_chain_of_blocking_needs_stops_all_the_way() {
    let inventory = estate(vec![
        depends("web", "http", "app", 80),
        depends("app", "sql", "db", 5432),
        depends("x", "sql", "y", 1),
    ]);
    let impact = impact(&inventory, &id("db"));
    assert_eq!(
        effects(&impact),
        [("app", Effect::Stops, 1), ("web", Effect::Stops, 2)]
    );
    let web = &impact.affected[1];
    assert!(!web.direct);
    assert_eq!(web.evidence.len(), 2, "each need on the way is cited");
    assert_eq!(
        (web.path[0].provider.as_str(), web.path[1].provider.as_str()),
        ("app", "db")
    );
}

#[test]
fn a_need_that_only_slows_down_makes_everything_behind_it_limp() {
    let inventory = estate(vec![
        strength(depends("app", "monitoring", "db", 1), Strength::Degrading),
        depends("web", "http", "app", 80),
        strength(depends("batch", "http", "db", 80), Strength::Unknown),
        depends("report", "sql", "batch", 1),
    ]);
    let impact = impact(&inventory, &id("db"));
    assert_eq!(
        effects(&impact),
        [
            ("batch", Effect::Unknown, 1),
            ("report", Effect::Unknown, 2),
            ("app", Effect::Limps, 1),
            ("web", Effect::Limps, 2)
        ]
    );
}

#[test]
fn the_worst_way_counts_even_if_it_is_longer() {
    let inventory = estate(vec![
        strength(depends("web", "monitoring", "db", 1), Strength::Degrading),
        depends("web", "http", "app", 80),
        depends("app", "sql", "db", 5432),
    ]);
    assert_eq!(
        effects(&impact(&inventory, &id("db"))),
        [("app", Effect::Stops, 1), ("web", Effect::Stops, 2)]
    );
}

#[test]
fn a_circle_ends_where_it_began() {
    let inventory = estate(vec![
        depends("a", "sql", "b", 1),
        depends("b", "sql", "c", 1),
        depends("c", "sql", "a", 1),
    ]);
    assert_eq!(
        effects(&impact(&inventory, &id("a"))),
        [("c", Effect::Stops, 1), ("b", Effect::Stops, 2)]
    );
}

#[test]
fn a_second_resolver_makes_it_limp_and_a_shared_service_is_marked() {
    let dns = |provider: &str| {
        with(depends("app", "dns", provider, 53), |d| {
            d.shared_service = true
        })
    };
    let one = impact(&estate(vec![dns("ns1")]), &id("ns1"));
    assert_eq!(effects(&one), [("app", Effect::Stops, 1)]);
    assert!(one.affected[0].shared_service);
    let two = impact(&estate(vec![dns("ns1"), dns("ns2")]), &id("ns1"));
    assert_eq!(effects(&two), [("app", Effect::Limps, 1)]);
    assert!(two.affected[0].path[0].second_provider);
}

#[test]
fn wrong_and_local_needs_are_not_walked() {
    let judged = with(depends("app", "sql", "db", 5432), |d| d.verdict = wrong());
    let impact = impact(
        &estate(vec![judged, depends("db", "sql", "db", 5432)]),
        &id("db"),
    );
    assert!(impact.affected.is_empty());
    assert_eq!(impact.local, ["db.service needs database at db:5432"]);
}

#[test]
fn what_goes_with_the_machine_is_listed() {
    let mut inventory = estate(vec![depends("app", "sql", "db", 5432)]);
    inventory
        .listeners
        .push(listener("db", 5432, "postgresql.service"));
    inventory.entities.push(presented_at(
        certificate("db.corp.example", 90),
        "db",
        [10, 0, 0, 5],
        5432,
    ));
    inventory.entities.push(in_file(
        certificate("root", 90),
        "db",
        "/etc/ssl/certs/root.pem",
        false,
    ));
    let impact = impact(&inventory, &id("db"));
    assert_eq!(impact.local, ["postgresql.service listens on 5432/tcp"]);
    let subjects: Vec<&str> = impact
        .certificates
        .iter()
        .map(|c| c.subject.as_str())
        .collect();
    assert_eq!(subjects, ["CN=db.corp.example"]);
}

#[test]
fn the_page_says_who_and_why() {
    let mut inventory = estate(vec![
        depends("app", "sql", "db", 5432),
        depends("app", "ssh", "db", 22),
    ]);
    let said = inventory
        .dependencies
        .iter()
        .find(|d| d.kind == "sql")
        .map(|d| d.evidence[0].clone());
    inventory.evidence.push(EvidenceEntry {
        id: said.unwrap_or_else(|| EvidenceId::new("none")),
        source: SourceName::new("config"),
        witness: Witness::Written,
        vantage: id("app"),
        observed_at: now(),
        says: "/etc/app.conf line 1 names db".to_owned(),
    });
    let page = text(&impact(&inventory, &id("db")), &inventory);
    assert!(
        page.starts_with("If db goes: 1 stop, 0 unknown, 0 limp.\n\nstop\n  app: app needs "),
        "{page}"
    );
    assert!(
        page.contains("app needs database at db:5432 (app.service, cannot do without)"),
        "{page}"
    );
    assert!(page.contains("    also: app needs "), "{page}");
    let nobody = text(&impact(&inventory, &id("app")), &inventory);
    assert_eq!(nobody, "If app goes, nobody else is known to need it.\n");
}

#[test]
fn a_hostile_name_cannot_steer_the_terminal() {
    let evil = "app\x1b[2J\u{202e}\n";
    let inventory = estate(vec![depends(evil, "sql", "db", 5432)]);
    let page = text(&impact(&inventory, &id("db")), &inventory);
    assert!(page.contains("app\\u{1b}[2J\\u{202e}\\u{a}"), "{page}");
    assert!(
        page.chars().all(|c| c == '\n' || !c.is_control()) && !page.contains('\u{202e}'),
        "{page}"
    );
}

#[test]
fn the_document_can_be_read_again() {
    let inventory = estate(vec![
        depends("web", "http", "app", 80),
        depends("app", "sql", "db", 5432),
    ]);
    let made = impact(&inventory, &id("db"));
    let json = serde_json::to_string(&made).unwrap();
    assert!(
        json.starts_with(r#"{"schema":"groma.impact/1","of":"ent-db","name":"db""#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Impact>(&json).unwrap(), made);
}

#[test]
fn circles_are_found_without_shared_local_and_wrong_needs() {
    let circle = vec![
        depends("a", "sql", "b", 1),
        depends("b", "sql", "a", 1),
        depends("c", "sql", "a", 1),
    ];
    assert_eq!(cycles(&estate(circle.clone())), [[id("a"), id("b")]]);
    let broken = |change: fn(&mut Dependency)| {
        let mut dependencies = circle.clone();
        change(&mut dependencies[1]);
        cycles(&estate(dependencies))
    };
    assert!(broken(|d| d.shared_service = true).is_empty());
    assert!(broken(|d| d.details.local = true).is_empty());
    assert!(broken(|d| d.verdict = wrong()).is_empty());
}

#[test]
fn a_chain_of_fifty_thousand_overflows_no_stack() {
    let name = |n: usize| format!("h{n:05}");
    let mut dependencies: Vec<Dependency> = (0..50_000)
        .map(|n| depends(&name(n + 1), "sql", &name(n), 1))
        .collect();
    dependencies.push(depends(&name(0), "sql", &name(50_000), 1));
    let inventory = inventory(Vec::new(), dependencies);
    assert_eq!(cycles(&inventory).first().map(Vec::len), Some(50_001));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_walk_ends_and_reaches_exactly_the_consumers_behind(seed in any::<u64>()) {
        let mut chance = Chance::new(seed);
        let strengths = [Strength::Blocking, Strength::Degrading, Strength::Unknown];
        let hosts = ["a", "b", "c", "d", "e", "f", "g"];
        let edges = (0..chance.below(30)).map(|n| {
            let (from, to) = (hosts[chance.below(7)], hosts[chance.below(7)]);
            strength(depends(from, "sql", to, u16::try_from(n).unwrap_or(0)), strengths[chance.below(3)])
        });
        let inventory = estate(edges.collect());
        let impact = impact(&inventory, &id("a"));
        let found: BTreeSet<_> = impact.affected.iter().map(|a| a.entity.clone()).collect();
        prop_assert_eq!(found, behind(&inventory, "a"));
        for affected in &impact.affected {
            prop_assert_eq!(affected.path.last().map(|s| s.provider.as_str()), Some("a"));
            let all = |s: Strength| affected.path.iter().all(|step| step.strength == s);
            prop_assert_eq!(affected.effect == Effect::Stops, all(Strength::Blocking));
        }
    }
}

/// Everybody behind `name`, by the plainest way to compute it: until nothing is added.
fn behind(inventory: &Inventory, name: &str) -> BTreeSet<groma_model::EntityId> {
    let mut found = BTreeSet::from([id(name)]);
    loop {
        let more = inventory
            .dependencies
            .iter()
            .filter(|d| found.contains(&d.provider.entity))
            .map(|d| d.consumer.entity.clone());
        let grown: BTreeSet<_> = found.iter().cloned().chain(more).collect();
        if grown.len() == found.len() {
            found.remove(&id(name));
            return found;
        }
        found = grown;
    }
}

#[test]
fn places_that_name_a_thing_are_listed_and_others_are_not() {
    let mut inventory = estate(vec![]);
    let mention = |text: &str, line: u32| groma_model::inventory::Mention {
        file: "/etc/app.conf".into(),
        line,
        key: "relay".to_owned(),
        peer: groma_model::Peer::parse(text).unwrap(),
        component: groma_model::fact::Component {
            class: groma_model::fact::ComponentClass::File,
            name: "/etc/app.conf".into(),
        },
    };
    inventory.entities = vec![host("oldmail.corp.example"), host("app1")];
    inventory.entities[1].attributes.mentions = vec![
        mention("oldmail.corp.example", 3),
        mention("oldmail", 4),
        mention("newmail.corp.example", 5),
    ];
    let of = inventory.entities[0].id.clone();
    let found = impact(&inventory, &of);
    assert_eq!(
        found.mentioned_in,
        [
            "app1: /etc/app.conf:3 relay names oldmail.corp.example",
            "app1: /etc/app.conf:4 relay names oldmail"
        ]
    );
    assert!(text(&found, &inventory).contains("places that name it"));
}

#[test]
fn a_watcher_outside_the_house_leaves_nobody_unwatched_when_we_switch_off() {
    use groma_model::fact::WatchPurpose;
    use groma_model::inventory::Watching;
    let mut office = inventory(vec![host("mon1"), host("web1")], Vec::new());
    office.watching = vec![Watching {
        entity: id("web1"),
        purpose: WatchPurpose::WatchedBy,
        by: Some(id("mon1")),
        name: "mon1".to_owned(),
        products: vec!["NRPE".to_owned()],
        witnesses: Vec::new(),
        evidence: Vec::new(),
    }];
    assert_eq!(
        impact(&office, &id("mon1")).unwatched,
        ["web1 is watched by nobody else (NRPE)"]
    );
    for entity in office.entities.iter_mut().filter(|e| e.id == id("mon1")) {
        entity.kind = "external".to_owned();
        entity.has_agent = false;
        entity.addresses = vec!["198.51.100.7".parse().unwrap()];
    }
    assert_eq!(impact(&office, &id("mon1")).unwatched, [] as [String; 0]);
}
