//! `mail-record-names-host`, `mail-views-differ`, `spf-fault`, `mail-reverse-fault`, `dkim-key-missing`, `mail-signed-on-host`

#![allow(clippy::unwrap_used, reason = "tests")]

use groma_model::fact::{MailPurpose, MailRoute, RouteRule, RouteTarget};
use groma_model::inventory::{Inventory, MailRecordEntry, Severity};
use groma_model::route::MailRouteEntry;
use groma_model::{HostName, Witness};

use crate::build::*;
use crate::{found, only};

fn record(purpose: MailPurpose, asked: &str, values: &[&str]) -> MailRecordEntry {
    MailRecordEntry {
        domain: HostName::parse("corp.example").unwrap(),
        purpose,
        asked: HostName::parse(asked).unwrap(),
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        ttl_seconds: None,
        lookups: None,
        faults: Vec::new(),
        machines: Vec::new(),
        seen_from: vec![id("app1")],
        evidence: vec![groma_model::EvidenceId::of(&[
            "mail",
            asked,
            &values.join(" "),
        ])],
    }
}

fn with(records: Vec<MailRecordEntry>) -> Inventory {
    let mut outside = entity("external", "mx.provider.example");
    outside.addresses = vec!["198.51.100.7".parse().unwrap()];
    let machines = vec![host("app1"), host("gate1"), host("mail1"), outside];
    let mut inventory = inventory(machines, Vec::new());
    inventory.mail_records = records;
    inventory
}

fn exchanger(machine: &str, ttl_seconds: u32) -> MailRecordEntry {
    MailRecordEntry {
        machines: vec![id(machine)],
        ttl_seconds: Some(ttl_seconds),
        ..record(
            MailPurpose::Exchanger,
            "corp.example",
            &["10 mail1.corp.example"],
        )
    }
}

fn spf(lookups: u32, faults: &[&str]) -> MailRecordEntry {
    MailRecordEntry {
        lookups: Some(lookups),
        faults: faults.iter().map(|f| (*f).to_owned()).collect(),
        ..record(MailPurpose::Spf, "corp.example", &["v=spf1 mx -all"])
    }
}

fn from(machine: &str, values: &[&str]) -> MailRecordEntry {
    MailRecordEntry {
        seen_from: vec![id(machine)],
        ..record(MailPurpose::Exchanger, "corp.example", values)
    }
}

pub(crate) mod names_host {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with(vec![exchanger("mail1", 86_400)])
    }

    pub(crate) fn negative() -> Inventory {
        with(vec![exchanger("mx.provider.example", 86_400)])
    }

    #[test]
    fn it_says_for_how_long_others_remember() {
        let finding = only("mail-record-names-host", &positive());
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(
            finding.risk,
            "1 record about the mail of corp.example names mail1: whoever sends there goes on asking for it after it has moved."
        );
        assert_eq!(
            finding.indicator,
            "MX at corp.example (remembered for 1 day)"
        );
        let short = only(
            "mail-record-names-host",
            &with(vec![exchanger("mail1", 300)]),
        );
        assert_eq!(short.severity, Severity::Medium);
        assert!(
            short.impact.starts_with("Until the records are changed"),
            "{}",
            short.impact
        );
    }
}

pub(crate) mod service_names_host {
    use super::*;

    fn service(purpose: MailPurpose, asked: &str, values: &[&str]) -> MailRecordEntry {
        MailRecordEntry {
            machines: vec![id("mail1")],
            ttl_seconds: Some(3_600),
            ..record(purpose, asked, values)
        }
    }

    fn kerberos(values: &[&str]) -> MailRecordEntry {
        let asked = "_kerberos._tcp.corp.example";
        service(MailPurpose::DirectoryService, asked, values)
    }

    pub(crate) fn positive() -> Inventory {
        with(vec![kerberos(&["0 100 88 mail1.corp.example"])])
    }

    /// Mail alone, and a service that somebody else keeps.
    pub(crate) fn negative() -> Inventory {
        let elsewhere = MailRecordEntry {
            machines: vec![id("mx.provider.example")],
            ..service(
                MailPurpose::CallService,
                "_sip._tls.corp.example",
                &["0 0 5061 mx.provider.example"],
            )
        };
        with(vec![exchanger("mail1", 86_400), elsewhere])
    }

    #[test]
    fn a_directory_is_no_mail() {
        let finding = only("service-record-names-host", &positive());
        assert_eq!(
            (finding.severity, finding.layer.as_str()),
            (Severity::Medium, "identity")
        );
        assert_eq!(
            finding.risk,
            "1 record by which others find services of corp.example names mail1: they go on asking it after it has moved."
        );
        assert_eq!(
            finding.indicator,
            "SRV of the directory at _kerberos._tcp.corp.example (remembered for 1 hour)"
        );
        assert_eq!(found("mail-record-names-host", &positive()), []);
    }

    #[test]
    fn one_of_two_and_the_primary_of_a_zone_weigh_less() {
        let two = kerberos(&["0 100 88 app1.corp.example", "0 100 88 mail1.corp.example"]);
        let primary = service(MailPurpose::Origin, "corp.example", &["mail1.corp.example"]);
        let finding = only(
            "service-record-names-host",
            &with(vec![two, primary.clone()]),
        );
        assert_eq!(finding.severity, Severity::Low);
        let other = MailRecordEntry {
            values: vec!["app1.corp.example".to_owned()],
            seen_from: vec![id("gate1")],
            ..primary.clone()
        };
        // Controllers each call themselves the primary.
        assert_eq!(found("mail-views-differ", &with(vec![primary, other])), []);
    }
}

pub(crate) mod too_long {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with(vec![spf(14, &[])])
    }

    pub(crate) fn negative() -> Inventory {
        with(vec![spf(10, &[])])
    }

    #[test]
    fn two_zones_with_two_faults_are_two_findings() {
        let mut outside = spf(14, &[]);
        outside.values = vec!["v=spf1 a -all".to_owned()];
        assert_eq!(
            found("spf-fault", &with(vec![spf(12, &[]), outside])).len(),
            2
        );
    }

    #[test]
    fn it_says_what_a_receiver_stumbles_over() {
        let finding = only(
            "spf-fault",
            &with(vec![spf(
                14,
                &["_spf.example.net is included and has no SPF record"],
            )]),
        );
        assert_eq!(
            finding.indicator,
            "14 terms make a receiver ask again, 10 are allowed and _spf.example.net is included and has no SPF record"
        );
    }
}

pub(crate) mod views {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with(vec![
            from("app1", &["10 mail1"]),
            from("gate1", &["10 gate1"]),
        ])
    }

    pub(crate) fn negative() -> Inventory {
        let mut both = from("app1", &["10 mail1"]);
        both.seen_from.push(id("gate1"));
        with(vec![both])
    }

    #[test]
    fn addresses_of_other_peoples_machines_differ_by_time_and_place() {
        let told = |machine: &str, address: &str, to: &str| MailRecordEntry {
            machines: vec![id(to)],
            purpose: MailPurpose::Address,
            ..from(machine, &[address])
        };
        let theirs = "mx.provider.example";
        let both = vec![
            told("app1", "198.51.100.7", theirs),
            told("gate1", "198.51.100.8", theirs),
        ];
        assert!(found("mail-views-differ", &with(both)).is_empty());
        let ours = vec![
            told("app1", "10.0.0.5", "mail1"),
            told("gate1", "198.51.100.7", theirs),
        ];
        assert_eq!(found("mail-views-differ", &with(ours)).len(), 1);
    }

    #[test]
    fn it_says_who_was_told_what() {
        let finding = only("mail-views-differ", &positive());
        assert_eq!(
            finding.indicator,
            "app1 is told 10 mail1; gate1 is told 10 gate1"
        );
        assert!(found("mail-views-differ", &negative()).is_empty());
    }
}

pub(crate) mod name_certificate {
    use super::*;

    fn presented(days: i64, name: &str) -> Inventory {
        let mut inventory = with(vec![exchanger("mail1", 300)]);
        inventory.entities.push(presented_at(
            certificate(name, days),
            "mail1",
            [10, 0, 0, 5],
            25,
        ));
        inventory.entities.sort_by(|a, b| a.id.cmp(&b.id));
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        presented(40, "mail1.corp.example")
    }

    pub(crate) fn negative() -> Inventory {
        presented(40, "intranet.corp.example")
    }

    #[test]
    fn a_star_stands_for_one_label_and_what_lasts_is_nothing_to_mind() {
        let finding = only("mail-name-certificate", &positive());
        assert_eq!(
            finding.risk,
            "The certificate of mail1.corp.example, where mail goes, ends in 40 days."
        );
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(
            only("mail-name-certificate", &presented(10, "*.corp.example")).severity,
            Severity::High
        );
        assert_eq!(
            found("mail-name-certificate", &presented(10, "*.example")),
            []
        );
        assert_eq!(
            found(
                "mail-name-certificate",
                &presented(61, "mail1.corp.example")
            ),
            []
        );
    }
}

pub(crate) mod ttl {
    use super::*;
    use groma_model::inventory::{TimeWindow, WaveEntry};

    fn wave(inventory: Inventory, member: &str) -> Inventory {
        let window = TimeWindow {
            from: in_days(14),
            to: in_days(15),
        };
        let wave = WaveEntry {
            name: "w1".to_owned(),
            order: 1,
            window: Some(window),
            members: vec![member.to_owned()],
            state: "planned".to_owned(),
            ..WaveEntry::default()
        };
        Inventory {
            waves: vec![wave],
            ..inventory
        }
    }

    pub(crate) fn positive() -> Inventory {
        wave(with(vec![exchanger("mail1", 86_400)]), "ent-mail1")
    }

    /// A record that is short already, and one that names a machine which stays.
    pub(crate) fn negative() -> Inventory {
        let stays = exchanger("gate1", 86_400);
        wave(with(vec![exchanger("mail1", 300), stays]), "mail1")
    }

    #[test]
    fn the_date_is_the_begin_of_the_wave_less_what_others_remember() {
        let finding = only("ttl-too-long", &positive());
        assert_eq!(finding.control_date, Some(in_days(13)));
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(
            finding.indicator,
            "MX at corp.example is remembered for 1 day: lower it before 2026-12-03 12:00 UTC (in 13 days)"
        );
        let late = only(
            "ttl-too-long",
            &wave(with(vec![exchanger("mail1", 30 * 86_400)]), "mail1"),
        );
        assert_eq!(late.severity, Severity::High);
        assert!(late.impact.starts_with("It is too late"), "{}", late.impact);
    }
}

pub(crate) mod reverse {
    use super::*;

    fn pointer(machine: &str, from: &str, names: &[&str], fault: Option<&str>) -> MailRecordEntry {
        MailRecordEntry {
            machines: vec![id(machine)],
            seen_from: vec![id(from)],
            faults: fault.into_iter().map(str::to_owned).collect(),
            ttl_seconds: Some(86_400),
            ..record(MailPurpose::Reverse, "9.100.51.198.in-addr.arpa", names)
        }
    }

    pub(crate) fn positive() -> Inventory {
        with(vec![pointer(
            "mail1",
            "app1",
            &[],
            Some("198.51.100.9 has no name"),
        )])
    }

    /// The zone inside knows no name of it, the one outside does.
    pub(crate) fn negative() -> Inventory {
        let fault = Some("198.51.100.9 has no name");
        with(vec![
            pointer("mail1", "app1", &[], fault),
            pointer("mail1", "gate1", &["mail1.corp.example"], None),
        ])
    }

    #[test]
    fn it_says_which_address_and_is_no_record_that_delays_a_move() {
        let finding = only("mail-reverse-fault", &positive());
        assert_eq!(
            finding.risk,
            "1 address that sends mail of corp.example has no name that leads back: many receivers refuse mail from there."
        );
        assert_eq!(finding.indicator, "198.51.100.9 has no name");
        assert_eq!(found("mail-record-names-host", &positive()), []);
    }
}

/// `mail1` signs mail of the domain with a selector.
fn signing(inventory: Inventory) -> Inventory {
    let route = MailRoute {
        rule: RouteRule::Signing,
        product: "OpenDKIM".to_owned(),
        from: Some("corp.example".to_owned()),
        to: RouteTarget::Selector {
            name: "sel2024".to_owned(),
        },
        file: "/etc/opendkim.conf".into(),
        key: "Selector".to_owned(),
        line: 3,
        entries: 1,
    };
    let mail_routes = vec![MailRouteEntry {
        on: id("mail1"),
        route,
        next: None,
        witnesses: vec![Witness::Written],
        evidence: vec![groma_model::EvidenceId::of(&["signing"])],
    }];
    Inventory {
        mail_routes,
        ..inventory
    }
}

pub(crate) mod key {
    use super::*;

    fn key(from: &str, values: &[&str]) -> MailRecordEntry {
        MailRecordEntry {
            seen_from: vec![id(from)],
            ..record(MailPurpose::Dkim, "sel2024._domainkey.corp.example", values)
        }
    }

    pub(crate) fn positive() -> Inventory {
        signing(with(vec![key("mail1", &[])]))
    }

    /// Inside there is no key, outside there is: who takes mail stands outside.
    pub(crate) fn negative() -> Inventory {
        let good = key("app1", &["v=DKIM1; p=MIGf"]);
        signing(with(vec![key("mail1", &[]), good]))
    }

    #[test]
    fn a_withdrawn_key_is_as_bad_as_none_and_nobody_is_blamed_for_what_was_not_asked() {
        assert_eq!(
            only("dkim-key-missing", &positive()).indicator,
            "nobody is told a key at sel2024._domainkey.corp.example; /etc/opendkim.conf:3"
        );
        let mut withdrawn = key("mail1", &["v=DKIM1; p="]);
        withdrawn.faults = vec!["the key is withdrawn: p= is empty".to_owned()];
        let finding = only("dkim-key-missing", &signing(with(vec![withdrawn.clone()])));
        assert!(finding.risk.contains("is withdrawn"), "{}", finding.risk);
        assert_eq!(found("dkim-key-missing", &signing(with(Vec::new()))), []);
        // An old key that nobody signs with is withdrawn on purpose.
        assert_eq!(found("dkim-key-missing", &with(vec![withdrawn])), []);
    }
}

pub(crate) mod signed {
    use super::*;

    fn dmarc(policy: &str) -> MailRecordEntry {
        let value = format!("v=DMARC1; p={policy}; rua=mailto:d@corp.example");
        record(MailPurpose::Dmarc, "_dmarc.corp.example", &[&value])
    }

    pub(crate) fn positive() -> Inventory {
        signing(with(vec![dmarc("reject")]))
    }

    /// Another rule of the same machine.
    pub(crate) fn negative() -> Inventory {
        let mut inventory = positive();
        for entry in &mut inventory.mail_routes {
            entry.route.rule = RouteRule::Filter;
        }
        inventory
    }

    #[test]
    fn what_the_domain_asks_of_receivers_makes_it_grave() {
        let finding = only("mail-signed-on-host", &positive());
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(
            finding.indicator,
            "OpenDKIM: selector sel2024 for corp.example (/etc/opendkim.conf:3)"
        );
        for policy in ["none", "no;sp=reject"] {
            let finding = only("mail-signed-on-host", &signing(with(vec![dmarc(policy)])));
            assert_eq!(finding.severity, Severity::Medium, "{policy}");
        }
    }
}
