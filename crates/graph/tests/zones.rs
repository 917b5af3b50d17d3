//! Records of zones lead, alias by alias, to machines that something else tells of.

mod common;

use common::*;
use groma_model::fact::{AskedName, NameSource, ZoneRecord};
use groma_model::inventory::{CoverageEntry, Inventory};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{CoverageState, Fact, HostName, Peer, SourceName};

fn record(owner: &str, kind: &str, value: &str) -> Fact {
    let named = value.rsplit(' ').next().unwrap_or(value);
    Fact::ZoneRecord(ZoneRecord {
        zone: HostName::parse("corp.example").expect("a name"),
        owner: owner.to_owned(),
        kind: kind.to_owned(),
        values: vec![value.to_owned()],
        peers: Peer::parse(named).into_iter().collect(),
        ttl_seconds: Some(3_600),
        view: None,
        is_copy: false,
        file: "/var/lib/bind/corp.zone".into(),
    })
}

/// The same with a zone and a view of its own.
fn placed(zone: &str, view: Option<&str>, record: Fact) -> Fact {
    match record {
        Fact::ZoneRecord(record) => Fact::ZoneRecord(ZoneRecord {
            zone: HostName::parse(zone).expect("a name"),
            view: view.map(str::to_owned),
            ..record
        }),
        other => other,
    }
}

fn estate(records: &[(&str, &str, &str)]) -> Told {
    let mut told = Told::default();
    told.host("ns1", "10.0.0.1").host("app1", "10.0.0.2");
    for (owner, kind, value) in records {
        told.say("ns1", "names.zones", record(owner, kind, value));
    }
    told
}

fn of<'r>(rows: &'r [ZoneRecordEntry], owner: &str) -> &'r ZoneRecordEntry {
    rows.iter().find(|row| row.owner == owner).expect("a row")
}

fn names(told: &Told, row: &ZoneRecordEntry) -> Vec<String> {
    let (_, entities) = told.graph_and_entities();
    let named = entities.iter().filter(|e| row.machines.contains(&e.id));
    named.map(|e| e.name.clone()).collect()
}

#[test]
fn an_alias_of_an_alias_leads_to_the_machine() {
    let told = estate(&[
        ("www.corp.example", "CNAME", "web.corp.example"),
        ("web.corp.example", "CNAME", "host2.corp.example"),
        ("host2.corp.example", "A", "10.0.0.2"),
        ("_http._tcp.corp.example", "SRV", "0 0 80 web.corp.example"),
    ]);
    let rows = told.graph().zone_records;
    let www = of(&rows, "www.corp.example");
    assert_eq!(names(&told, www), ["app1"]);
    assert_eq!(www.through, ["web.corp.example", "host2.corp.example"]);
    assert_eq!(names(&told, of(&rows, "_http._tcp.corp.example")), ["app1"]);
    assert!(www.nobodys.is_empty() && www.nowhere.is_empty());
}

#[test]
fn an_address_nobody_has_and_a_name_that_is_not_there_are_told_apart() {
    let told = estate(&[
        ("old.corp.example", "A", "10.0.0.99"),
        ("x.corp.example", "CNAME", "gone.corp.example"),
        ("y.corp.example", "CNAME", "shop.provider.example"),
        ("c1.corp.example", "CNAME", "c2.corp.example"),
        ("c2.corp.example", "CNAME", "c1.corp.example"),
        ("*.wild.corp.example", "A", "10.0.0.2"),
        ("z.corp.example", "CNAME", "any.wild.corp.example"),
        ("sub.corp.example", "NS", "ns.provider.example"),
        ("w.corp.example", "CNAME", "host.sub.corp.example"),
    ]);
    let rows = told.graph().zone_records;
    assert_eq!(of(&rows, "old.corp.example").nobodys.len(), 1);
    assert_eq!(of(&rows, "x.corp.example").nowhere, ["gone.corp.example"]);
    // Another's zone, a wildcard's answer and a part that somebody else answers for: nobody here knows.
    for silent in ["y.corp.example", "z.corp.example", "w.corp.example"] {
        let row = of(&rows, silent);
        assert!(
            row.nowhere.is_empty() && row.machines.is_empty(),
            "{row:#?}"
        );
    }
    assert_eq!(of(&rows, "c1.corp.example").nowhere, ["c1.corp.example"]);
}

#[test]
fn a_zone_makes_no_machine_and_what_was_asked_stands_beside_it() {
    let mut told = estate(&[("old.corp.example", "A", "10.0.0.99")]);
    let asked = AskedName {
        name: HostName::parse("old.corp.example").expect("a name"),
        product: "BIND".to_owned(),
        log: "/var/log/named/query.log".into(),
    };
    told.say_seen("ns1", "log.services", Fact::AskedName(asked), 7);
    let (graph, entities) = told.graph_and_entities();
    assert!(!entities.iter().any(|e| e.name.contains("10.0.0.99")));
    let row = of(&graph.zone_records, "old.corp.example");
    assert_eq!(row.asked.map(|asked| asked.count), Some(7));
}

#[test]
fn what_leads_there_is_said_when_the_machine_goes() {
    let told = estate(&[
        ("www.corp.example", "CNAME", "host2.corp.example"),
        ("host2.corp.example", "A", "10.0.0.2"),
        ("ns1.corp.example", "A", "10.0.0.1"),
    ]);
    let (graph, entities) = told.graph_and_entities();
    let app1 = entities.iter().find(|e| e.name == "app1").expect("app1");
    let inventory = Inventory {
        zone_records: graph.zone_records,
        entities: entities.clone(),
        ..empty(groma_model::Timestamp::from_seconds(1_795_165_200))
    };
    let found = groma_graph::impact::impact(&inventory, &app1.id);
    assert_eq!(
        found.names,
        [
            "host2.corp.example A 10.0.0.2, remembered for 3600 s, in /var/lib/bind/corp.zone",
            "www.corp.example CNAME host2.corp.example, remembered for 3600 s, in /var/lib/bind/corp.zone",
        ]
    );
}

#[test]
fn a_zone_that_two_servers_keep_in_text_leads_nobody_in_a_circle() {
    let mut told = Told::default();
    told.host("ns1", "10.0.0.1").host("app1", "10.0.0.2");
    told.host("ns2", "10.0.0.3");
    for server in ["ns1", "ns2"] {
        for (owner, kind, value) in [
            ("a.corp.example", "CNAME", "b.corp.example"),
            ("b.corp.example", "CNAME", "c.corp.example"),
            ("c.corp.example", "A", "10.0.0.2"),
            ("d.corp.example", "CNAME", "e.corp.example"),
            ("e.corp.example", "CNAME", "d.corp.example"),
        ] {
            told.say(server, "names.zones", record(owner, kind, value));
        }
    }
    let rows = told.graph().zone_records;
    let a = of(&rows, "a.corp.example");
    assert_eq!(names(&told, a), ["app1"]);
    assert_eq!(a.nowhere, Vec::<String>::new());
    // Its twin: what is a circle stays one.
    assert_eq!(of(&rows, "d.corp.example").nowhere, ["d.corp.example"]);
}

#[test]
fn views_of_one_server_hide_nothing_of_another_one() {
    let mut told = Told::default();
    told.host("ns1", "10.0.0.1").host("app1", "10.0.0.2");
    told.host("ns2", "10.0.0.3");
    let of_ns1 = |zone, view, owner, value| placed(zone, view, record(owner, "CNAME", value));
    for fact in [
        of_ns1("b.example", Some("inside"), "x.b.example", "host.a.example"),
        of_ns1("b.example", Some("inside"), "y.b.example", "gone.a.example"),
        // Of its own views, the one does not see what the other has.
        of_ns1("b.example", Some("outside"), "z.b.example", "in.c.example"),
        of_ns1(
            "c.example",
            Some("inside"),
            "in.c.example",
            "app1.a.example",
        ),
    ] {
        told.say("ns1", "names.zones", fact);
    }
    let host = record("host.a.example", "A", "10.0.0.2");
    told.say("ns2", "names.zones", placed("a.example", None, host));
    let rows = told.graph().zone_records;
    let x = of(&rows, "x.b.example");
    assert_eq!(names(&told, x), ["app1"]);
    assert!(x.nowhere.is_empty(), "{x:#?}");
    assert_eq!(of(&rows, "y.b.example").nowhere, ["gone.a.example"]);
    let z = of(&rows, "z.b.example");
    assert!(z.nowhere.is_empty() && z.machines.is_empty(), "{z:#?}");
}

#[test]
fn a_zone_that_was_read_in_part_lacks_no_name() {
    let told = estate(&[
        ("x.corp.example", "CNAME", "by-dhcp.corp.example"),
        ("c1.corp.example", "CNAME", "c2.corp.example"),
        ("c2.corp.example", "CNAME", "c1.corp.example"),
    ]);
    let nowhere = |scope: &str, state: CoverageState| {
        let (graph, entities) = told.graph_and_entities();
        let now = groma_model::Timestamp::from_seconds(1_795_165_200);
        let mut inventory = Inventory {
            zone_records: graph.zone_records,
            coverage: vec![CoverageEntry {
                source: SourceName::new("names.zones"),
                vantage: entities.first().expect("a machine").id.clone(),
                scope: scope.to_owned(),
                state,
                gaps: Vec::new(),
                from: now,
                to: now,
                how: None,
            }],
            ..empty(now)
        };
        groma_graph::nowhere::mark(&mut inventory);
        let rows = inventory.zone_records;
        let of = |owner| of(&rows, owner).nowhere.clone();
        // A circle is one whatever else the zone holds.
        assert_eq!(of("c1.corp.example"), ["c1.corp.example"]);
        of("x.corp.example")
    };
    use CoverageState::{Complete, Partial};
    assert_eq!(nowhere("zone:corp.example", Complete).len(), 1);
    assert_eq!(nowhere("zone:other.example", Partial).len(), 1);
    assert!(nowhere("zone:corp.example", Partial).is_empty());
    assert!(nowhere("zone:corp.example/inside", Partial).is_empty());
}

#[test]
fn mail_to_the_machine_of_the_domains_own_name_goes_in_no_circle() {
    let told = estate(&[
        ("corp.example", "MX", "10 corp.example"),
        ("corp.example", "A", "10.0.0.2"),
        ("self.corp.example", "CNAME", "self.corp.example"),
    ]);
    let rows = told.graph().zone_records;
    let mail = rows.iter().find(|row| row.kind == "MX").expect("a row");
    assert_eq!(names(&told, mail), ["app1"]);
    assert!(mail.nowhere.is_empty(), "{mail:#?}");
    // Its twin: an alias of itself is one.
    let alias = of(&rows, "self.corp.example");
    assert_eq!(alias.nowhere, ["self.corp.example"]);
}

#[test]
fn an_alias_of_a_name_without_an_address_does_not_lead_nowhere() {
    let told = estate(&[
        (
            "s1._domainkey.shop.corp.example",
            "CNAME",
            "s1._domainkey.mail.corp.example",
        ),
        (
            "_acme-challenge.www.corp.example",
            "CNAME",
            "www.acme.corp.example",
        ),
        ("mailonly.corp.example", "MX", "10 app1.corp.example"),
        ("app1.corp.example", "A", "10.0.0.2"),
        ("m.corp.example", "CNAME", "mailonly.corp.example"),
        ("top.corp.example", "CNAME", "corp.example"),
        ("old.corp.example", "DNAME", "new.corp.example"),
        ("gone.corp.example", "CNAME", "not-there.corp.example"),
        ("_ldap._tcp.corp.example", "SRV", "0 0 389 no.corp.example"),
        ("no-mail.corp.example", "MX", "10 mailonly.corp.example"),
    ]);
    let rows = told.graph().zone_records;
    for healthy in [
        "s1._domainkey.shop.corp.example",
        "_acme-challenge.www.corp.example",
        "m.corp.example",
        "top.corp.example",
        "old.corp.example",
    ] {
        let row = of(&rows, healthy);
        assert!(row.nowhere.is_empty(), "{row:#?}");
    }
    // Their twins: a name that is not there, and services whose machine needs an address.
    for (dangling, at) in [
        ("gone.corp.example", "not-there.corp.example"),
        ("_ldap._tcp.corp.example", "no.corp.example"),
        ("no-mail.corp.example", "mailonly.corp.example"),
    ] {
        assert_eq!(of(&rows, dangling).nowhere, [at]);
    }
}

#[test]
fn a_name_that_a_file_still_says_makes_a_dangling_alias_no_machine() {
    let mut told = estate(&[
        ("app.corp.example", "CNAME", "old-app.corp.example"),
        ("real.corp.example", "CNAME", "by-hand.corp.example"),
        ("shop.corp.example", "CNAME", "shop.provider.example"),
    ]);
    for (peer, file) in [
        ("old-app.corp.example", "/etc/app.conf"),
        ("by-hand.corp.example", "/etc/app.conf"),
        ("shop.provider.example", "/etc/app.conf"),
    ] {
        told.writes("app1", reference("postgresql", file, peer, 5432, "sql"));
    }
    let by_hand = ["10.0.0.50"];
    told.name(
        "app1",
        NameSource::Dns,
        "by-hand.corp.example",
        &[],
        &by_hand,
    );
    let rows = told.graph().zone_records;
    let app = of(&rows, "app.corp.example");
    assert_eq!(app.nowhere, ["old-app.corp.example"]);
    assert!(app.machines.is_empty(), "{app:#?}");
    // Its twins: a name somebody knows an address of, and one of a zone that is another's.
    for leads in ["real.corp.example", "shop.corp.example"] {
        let row = of(&rows, leads);
        assert!(
            row.nowhere.is_empty() && row.machines.len() == 1,
            "{row:#?}"
        );
    }
}
