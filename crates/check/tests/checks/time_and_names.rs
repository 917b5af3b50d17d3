//! `clients-without-agent`, `controller-gives-time`, `hidden-primary`, `sole-resolver`, `sole-time-source`, `stale-record`,
//! `wildcard-record`

#![allow(clippy::unwrap_used, reason = "tests")]

use groma_model::inventory::{Disposition, Inventory, ReachedBy, Severity, System};
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{CoverageState, EvidenceId, HostName, Port};

use crate::build::*;
use crate::{found, only};

/// A system of one machine that somebody said goes.
fn going(name: &str) -> System {
    System {
        id: format!("sys-{name}"),
        name: name.to_owned(),
        functions: Vec::new(),
        members: vec![id(name)],
        product: None,
        version: None,
        owner: None,
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: Some(Disposition::Retire),
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    }
}

fn asks(kind: &str, servers: &[&str], goes: &str) -> Inventory {
    let mut machines = vec![host("app1"), host("app2")];
    machines.extend(["old1", "new1"].map(host));
    let port = if kind == "ntp" { 123 } else { 53 };
    let needs = ["app1", "app2"].iter().flat_map(|consumer| {
        let each = servers.iter();
        each.map(move |server| depends(consumer, kind, server, port))
    });
    let mut inventory = inventory(machines, needs.collect());
    inventory.systems = vec![going(goes)];
    inventory
}

pub(crate) mod time {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        asks("ntp", &["old1"], "old1")
    }

    pub(crate) fn negative() -> Inventory {
        asks("ntp", &["old1", "new1"], "old1")
    }

    #[test]
    fn it_says_who_has_no_second_source() {
        let finding = only("sole-time-source", &positive());
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(
            finding.risk,
            "2 machines take the time from old1 alone, which is to go."
        );
    }

    #[test]
    fn an_address_alone_is_enough_and_a_name_is_not() {
        let mut by_address = asks("ntp", &["old1"], "new1");
        assert!(found("sole-time-source", &by_address).is_empty());
        by_address.dependencies[0].reached_by = Some(ReachedBy::AddressLiteral);
        let finding = only("sole-time-source", &by_address);
        assert_eq!(
            finding.risk,
            "1 machine takes the time from old1 alone, by its address."
        );
    }
}

pub(crate) mod resolver {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        asks("dns", &["old1"], "old1")
    }

    pub(crate) fn negative() -> Inventory {
        asks("dns", &["old1"], "new1")
    }

    #[test]
    fn two_resolvers_are_enough() {
        assert!(found("sole-resolver", &asks("dns", &["old1", "new1"], "old1")).is_empty());
        let finding = only("sole-resolver", &positive());
        assert!(
            finding
                .risk
                .starts_with("2 machines ask old1 alone for names"),
            "{}",
            finding.risk
        );
    }
}

pub(crate) mod controller {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        let mut inventory = negative();
        inventory
            .listeners
            .push(listener("old1", 389, "samba-ad-dc.service"));
        inventory
    }

    /// A KDC alone is no domain controller.
    pub(crate) fn negative() -> Inventory {
        let mut inventory = asks("ntp", &["old1"], "new1");
        inventory.listeners = vec![listener("old1", 88, "krb5-kdc.service")];
        inventory
    }
}

pub(crate) mod clients {
    use super::*;

    fn row(consumer: &str) -> LedgerEntry {
        LedgerEntry {
            provider: id("old1"),
            kind: "ntp".to_owned(),
            consumer: id(consumer),
            class: ConsumerClass::Unknown,
            port: Some(Port(123)),
            name: None,
            account: None,
            mechanism: None,
            protection: None,
            says_it_is: None,
            service: None,
            asks: None,
            bases: Vec::new(),
            searches_by: Vec::new(),
            reached_by: None,
            reached_as: None,
            written_in: Vec::new(),
            rhythm: None,
            next_due: None,
            machine_account: false,
            refused: false,
            programs: Vec::new(),
            count: 7,
            first_seen: now(),
            last_seen: now(),
            hours: groma_model::Hours::default(),
            witnesses: Vec::new(),
            logs: vec!["/run/chrony/chronyd.sock".to_owned()],
            evidence: vec![EvidenceId::of(&["ledger", consumer])],
        }
    }

    fn with(consumers: &[&str]) -> Inventory {
        let machines = vec![host("app1"), host("old1"), entity("host", "10.0.0.77")];
        let mut inventory = inventory(machines, Vec::new());
        inventory.ledger = consumers.iter().map(|c| row(c)).collect();
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        with(&["app1", "10.0.0.77"])
    }

    pub(crate) fn negative() -> Inventory {
        with(&["app1"])
    }

    #[test]
    fn it_names_those_nobody_looked_at() {
        let finding = only("clients-without-agent", &positive());
        assert!(
            finding
                .indicator
                .starts_with("10.0.0.77; last asked 2026-11-20"),
            "{}",
            finding.indicator
        );
        assert_eq!(finding.severity, Severity::Low);
    }
}

fn record(owner: &str, kind: &str, machines: &[&str], nobodys: &[&str]) -> ZoneRecordEntry {
    ZoneRecordEntry {
        zone: HostName::parse("corp.example").unwrap(),
        owner: owner.to_owned(),
        kind: kind.to_owned(),
        values: vec!["10.0.0.99".to_owned()],
        ttl_seconds: Some(3_600),
        view: None,
        through: Vec::new(),
        machines: machines.iter().map(|m| id(m)).collect(),
        nobodys: nobodys.iter().map(|a| a.parse().unwrap()).collect(),
        nowhere: Vec::new(),
        asked: None,
        served_by: vec![id("ns1")],
        kept_by: vec![id("ns1")],
        files: vec!["/var/lib/bind/corp.zone".to_owned()],
        evidence: vec![EvidenceId::of(&["zone", owner, kind])],
    }
}

fn zone(records: Vec<ZoneRecordEntry>) -> Inventory {
    let mut server = host("ns1");
    server.addresses = vec!["10.0.0.1".parse().unwrap()];
    let mut inventory = inventory(vec![server, host("ns2"), host("app1")], Vec::new());
    inventory.zone_records = records;
    inventory
}

pub(crate) mod stale {
    use super::*;

    fn written_down(mut inventory: Inventory, days: i64, state: CoverageState) -> Inventory {
        inventory.coverage = vec![groma_model::inventory::CoverageEntry {
            source: groma_model::SourceName::new("log.services"),
            scope: "asked:bind".to_owned(),
            from: in_days(-days),
            ..sockets("ns1", state)
        }];
        inventory
    }

    /// Both begin as an id does: where many of these estates are put together, each has a zone and a server of its own.
    const ZONE: &str = "ent-corp.example";
    const SERVER: &str = "ent-ns1.corp.example";

    fn valued(record: ZoneRecordEntry, value: &str) -> ZoneRecordEntry {
        ZoneRecordEntry {
            values: vec![value.to_owned()],
            zone: HostName::parse(ZONE).unwrap(),
            ..record
        }
    }

    fn asked() -> Option<groma_model::zone::Asked> {
        Some(groma_model::zone::Asked {
            count: 1,
            first_seen: in_days(-3),
            last_seen: in_days(-3),
        })
    }

    /// The zone names ns1 as its server, and what is asked for it is not what is looked for.
    fn with_server(mut records: Vec<ZoneRecordEntry>) -> Inventory {
        for record in &mut records {
            record.zone = HostName::parse(ZONE).unwrap();
        }
        records.push(valued(record(ZONE, "NS", &["ns1"], &[]), SERVER));
        records.push(record(SERVER, "A", &["ns1"], &[]));
        zone(records)
    }

    fn old() -> Inventory {
        with_server(vec![record("old.corp.example", "A", &[], &["10.0.0.99"])])
    }

    pub(crate) fn positive() -> Inventory {
        written_down(old(), 30, CoverageState::Complete)
    }

    /// Somebody asked for it.
    pub(crate) fn negative() -> Inventory {
        let mut inventory = positive();
        inventory.zone_records[0].asked = asked();
        inventory
    }

    #[test]
    fn it_says_carefully_what_is_known() {
        let finding = only("stale-record", &positive());
        assert!(
            finding.risk.starts_with(
                "1 name of ent-corp.example leads to an address that nobody was seen to have"
            ),
            "{}",
            finding.risk
        );
        assert!(finding.indicator.contains("old.corp.example A (10.0.0.99); questions are written down from 2026-10-21 to 2026-11-20"), "{}", finding.indicator);
        assert!(finding.mitigations[0].starts_with("Ask a person"));
    }

    #[test]
    fn silence_that_nobody_could_hear_says_nothing() {
        let silent = [
            old(),
            written_down(old(), 2, CoverageState::Complete),
            written_down(old(), 30, CoverageState::Partial),
        ];
        for inventory in silent {
            assert!(found("stale-record", &inventory).is_empty());
        }
        // Nobody looked into that network.
        let far = with_server(vec![record("far.corp.example", "A", &[], &["10.9.9.99"])]);
        let far = written_down(far, 30, CoverageState::Complete);
        assert!(found("stale-record", &far).is_empty());
    }

    #[test]
    fn a_second_name_server_nobody_hears_keeps_the_check_silent() {
        let second = |machines: &[&str], nobodys: &[&str]| {
            let mut inventory = positive();
            let server = &mut inventory.zone_records[1];
            server.values.push("ns2.corp.example".to_owned());
            let ns2 = record("ns2.corp.example", "A", machines, nobodys);
            inventory.zone_records.push(ns2);
            inventory
        };
        // Its file was not read (raw form), or its machine is nobody anybody knows.
        assert!(found("stale-record", &second(&["ns2"], &[])).is_empty());
        assert!(found("stale-record", &second(&[], &["10.0.0.53"])).is_empty());
        let mut elsewhere = positive();
        elsewhere.zone_records[1].values = vec!["ns.provider.example".to_owned()];
        assert!(found("stale-record", &elsewhere).is_empty());
        // A zone whose NS records were not read has servers nobody knows.
        let mut unnamed = positive();
        unnamed.zone_records.remove(1);
        assert!(found("stale-record", &unnamed).is_empty());
        // Its twin: a second name of the same server.
        let mut same = second(&["ns1"], &[]);
        assert_eq!(found("stale-record", &same).len(), 1);
        // And a server that no zone gives an address is known by its own name.
        same.zone_records.truncate(2);
        for entity in same.entities.iter_mut().filter(|e| e.id == id("ns1")) {
            let names = [SERVER, "ns2.corp.example"];
            entity.names.extend(names.map(str::to_owned));
        }
        assert_eq!(found("stale-record", &same).len(), 1);
    }

    #[test]
    fn the_log_of_a_resolver_beside_it_is_no_log_of_the_server_of_the_zone() {
        let mut inventory = positive();
        for coverage in &mut inventory.coverage {
            coverage.scope = "asked:unbound".to_owned();
        }
        assert_eq!(found("stale-record", &inventory), []);
    }

    #[test]
    fn what_an_answer_to_another_name_gives_was_asked_for() {
        let beside = |owner: &str, kind: &str, value: &str, is_asked: bool| {
            let mut inventory = positive();
            let mut other = valued(record(owner, kind, &[], &["10.0.0.99"]), value);
            other.through = vec!["old.corp.example".to_owned()];
            other.asked = asked().filter(|_| is_asked);
            inventory.zone_records.push(other);
            found("stale-record", &inventory)
        };
        let target = "old.corp.example";
        assert!(beside("www.corp.example", "CNAME", target, true).is_empty());
        assert!(beside("corp.example", "MX", "10 old.corp.example", true).is_empty());
        assert!(beside("*.apps.corp.example", "CNAME", target, false).is_empty());
        assert!(beside("tree.corp.example", "DNAME", "corp.example", false).is_empty());
        // Its twin: an alias nobody asked for either.
        let told = beside("www.corp.example", "CNAME", target, false);
        assert!(told[0].risk.starts_with("2 names"), "{}", told[0].risk);
    }
}

pub(crate) mod wildcard {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        zone(vec![record("*.corp.example", "A", &["app1"], &[])])
    }

    pub(crate) fn negative() -> Inventory {
        zone(vec![
            record("app1.corp.example", "A", &["app1"], &[]),
            record("*.corp.example", "MX", &["app1"], &[]),
        ])
    }

    #[test]
    fn a_wildcard_of_the_whole_zone_is_graver() {
        assert_eq!(
            only("wildcard-record", &positive()).severity,
            Severity::Medium
        );
        let part = zone(vec![record("*.apps.corp.example", "A", &["app1"], &[])]);
        assert_eq!(only("wildcard-record", &part).severity, Severity::Low);
    }
}

pub(crate) mod primary {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        zone(vec![record("corp.example", "NS", &["ns2"], &[])])
    }

    pub(crate) fn negative() -> Inventory {
        zone(vec![record("corp.example", "NS", &["ns1", "ns2"], &[])])
    }

    #[test]
    fn it_says_who_copies_from_there() {
        let finding = only("hidden-primary", &positive());
        assert!(
            finding.risk.starts_with(
                "ns1 is where 1 zone is kept, and no record of theirs names it: ns2 copy"
            ),
            "{}",
            finding.risk
        );
    }

    #[test]
    fn a_copy_and_a_delegation_are_no_primary() {
        let mut copy = positive();
        copy.zone_records[0].kept_by.clear();
        assert!(found("hidden-primary", &copy).is_empty());
        let below = zone(vec![record("sub.corp.example", "NS", &["ns2"], &[])]);
        assert!(found("hidden-primary", &below).is_empty());
    }
}
