//! `mail-forwarded-outside`, `mail-copied-to-archive`, `mail-runs-program`, `mail-route-to-leaving`

use groma_model::fact::{MailRoute, RouteRule, RouteTarget};
use groma_model::inventory::{Disposition, Inventory, Severity, System, WaveEntry};
use groma_model::route::MailRouteEntry;
use groma_model::{HostName, Peer, Port, Witness};

use crate::build::*;
use crate::{found, only};

fn entry(rule: RouteRule, from: Option<&str>, to: RouteTarget) -> MailRouteEntry {
    let next = match &to {
        RouteTarget::Host { peer, .. } => Some(id(&peer.to_string())),
        _ => None,
    };
    MailRouteEntry {
        on: id("mail1"),
        route: MailRoute {
            rule,
            product: "Postfix".to_owned(),
            from: from.map(str::to_owned),
            to,
            file: "/etc/aliases".into(),
            key: String::new(),
            line: 7,
            entries: 1,
        },
        next,
        witnesses: vec![Witness::Written],
        evidence: vec![groma_model::EvidenceId::of(&["route", rule.as_str()])],
    }
}

fn to_domain(domain: &str) -> RouteTarget {
    RouteTarget::Domain {
        domain: HostName::parse(domain).expect("a test says it right"),
    }
}

fn to_host(name: &str) -> RouteTarget {
    RouteTarget::Host {
        peer: Peer::parse(name).expect("a test says it right"),
        port: Some(Port(25)),
    }
}

fn with(routes: Vec<MailRouteEntry>) -> Inventory {
    let mut inventory = inventory(
        vec![host("mail1"), host("gate1"), host("gate2")],
        Vec::new(),
    );
    inventory.mail_routes = routes;
    let taken = entry(RouteRule::Takes, Some("corp.example"), RouteTarget::Here);
    inventory.mail_routes.push(taken);
    inventory
}

pub(crate) mod outside {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        let mut many = entry(RouteRule::Alias, None, to_domain("example.net"));
        many.route.entries = 17;
        with(vec![many])
    }

    /// To a domain of the house, one below it, a partner by a transport, and a program.
    pub(crate) fn negative() -> Inventory {
        with(vec![
            entry(RouteRule::Alias, None, to_domain("corp.example")),
            entry(RouteRule::Sieve, None, to_domain("lists.corp.example")),
            entry(RouteRule::Transport, Some("example.net"), to_host("gate1")),
            entry(RouteRule::BlockList, None, to_domain("bl.example.net")),
        ])
    }

    #[test]
    fn it_counts_entries_and_names_the_file() {
        let finding = only("mail-forwarded-outside", &positive());
        assert_eq!(
            finding.indicator,
            "17 lead to example.net; written in /etc/aliases"
        );
        assert!(
            finding
                .risk
                .starts_with("17 aliases on mail1 send mail out"),
            "{}",
            finding.risk
        );
    }

    #[test]
    fn where_the_machine_itself_has_its_name_is_the_house() {
        let mut inventory = with(vec![entry(
            RouteRule::Alias,
            None,
            to_domain("house.example"),
        )]);
        assert_eq!(found("mail-forwarded-outside", &inventory).len(), 1);
        let machine = inventory.entities.iter_mut().find(|e| e.id == id("mail1"));
        let machine = machine.expect("it is there");
        machine.has_agent = true;
        machine.names.push("mail1.house.example".to_owned());
        assert_eq!(found("mail-forwarded-outside", &inventory), []);
    }

    #[test]
    fn a_machine_at_the_top_of_a_domain_makes_no_country_its_house() {
        let found_with = |name: &str, to: &str| {
            let mut inventory = with(vec![entry(RouteRule::Alias, None, to_domain(to))]);
            let machine = inventory.entities.iter_mut().find(|e| e.id == id("mail1"));
            let machine = machine.expect("it is there");
            machine.has_agent = true;
            machine.names.push(name.to_owned());
            found("mail-forwarded-outside", &inventory).len()
        };
        assert_eq!(found_with("house.co.uk", "elsewhere.co.uk"), 1);
        assert_eq!(found_with("house.com.br", "elsewhere.com.br"), 1);
        // Its twin: a machine below the domain.
        assert_eq!(found_with("mail1.house.co.uk", "house.co.uk"), 0);
        assert_eq!(found_with("mail1.house.co.uk", "elsewhere.co.uk"), 1);
    }

    #[test]
    fn what_users_set_up_is_a_finding_of_its_own() {
        let mut inventory = positive();
        let sieve = entry(RouteRule::Sieve, None, to_domain("example.org"));
        inventory.mail_routes.push(sieve);
        let all = found("mail-forwarded-outside", &inventory);
        assert_eq!(all.len(), 2, "{all:#?}");
        assert!(
            all.iter()
                .any(|f| f.risk.starts_with("1 rule of a user on mail1 sends"))
        );
    }
}

pub(crate) mod archive {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with(vec![entry(
            RouteRule::Archive,
            None,
            to_domain("archive.example"),
        )])
    }

    pub(crate) fn negative() -> Inventory {
        with(vec![entry(RouteRule::Delivery, None, to_host("gate1"))])
    }

    #[test]
    fn a_copy_of_everything_is_graver() {
        assert_eq!(
            only("mail-copied-to-archive", &positive()).severity,
            Severity::High
        );
        let of_some = entry(
            RouteRule::Archive,
            Some("corp.example"),
            to_domain("archive.example"),
        );
        let some = only("mail-copied-to-archive", &with(vec![of_some]));
        assert_eq!(some.severity, Severity::Medium);
        assert_eq!(
            some.indicator,
            "mail for corp.example to archive.example (/etc/aliases:7)"
        );
    }
}

pub(crate) mod program {
    use super::*;

    fn runs(path: &str) -> Inventory {
        with(vec![entry(
            RouteRule::Alias,
            None,
            RouteTarget::Program { path: path.into() },
        )])
    }

    pub(crate) fn positive() -> Inventory {
        runs("/opt/tickets/in")
    }

    pub(crate) fn negative() -> Inventory {
        runs("/usr/bin/procmail")
    }

    #[test]
    fn it_names_the_program_and_the_line() {
        assert_eq!(
            only("mail-runs-program", &positive()).indicator,
            "/opt/tickets/in (/etc/aliases:7)"
        );
    }
}

pub(crate) mod leaving {
    use super::*;

    fn relay(disposition: Disposition) -> Inventory {
        let mut inventory = with(vec![entry(
            RouteRule::Transport,
            Some("partner.example"),
            to_host("gate1"),
        )]);
        inventory.systems.push(System {
            id: "sys-gate".to_owned(),
            name: "gate".to_owned(),
            functions: Vec::new(),
            members: vec![id("gate1")],
            product: None,
            version: None,
            owner: None,
            key_users: None,
            on_call: None,
            criticality: None,
            allowed_downtime: None,
            disposition: Some(disposition),
            confirmed_by: None,
            confirmed_on: None,
            ..System::default()
        });
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        relay(Disposition::Retire)
    }

    pub(crate) fn negative() -> Inventory {
        relay(Disposition::Stay)
    }

    #[test]
    fn a_wave_says_it_as_well() {
        let mut inventory = negative();
        inventory.waves.push(WaveEntry {
            name: "w1".to_owned(),
            order: 1,
            window: None,
            members: vec!["gate1".to_owned()],
            state: "planned".to_owned(),
            ..WaveEntry::default()
        });
        let finding = only("mail-route-to-leaving", &inventory);
        assert!(
            finding.risk.contains("gate1, which moves with wave w1"),
            "{}",
            finding.risk
        );
        assert_eq!(
            finding.indicator,
            "Postfix on mail1: transport to gate1:25 (/etc/aliases:7)"
        );
    }
}
