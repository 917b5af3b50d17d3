//! What logs tell of uses: the only witness of a client that calls once a month, a further one of every other.

mod common;

use common::*;
use groma_model::fact::{Direction, Interface, LoggedSearch, LoggedUse, REMOTE_LOGONS};
use groma_model::name::Protection;
use groma_model::{Evidence, Fact, Hours, Port, Seen, Timestamp, Transport, Witness};

const NOW: i64 = 1_795_165_200;

fn used(direction: Direction, peer: &str) -> LoggedUse {
    LoggedUse {
        direction,
        kind: "ldap-bind".into(),
        peer: ip(peer),
        name: None,
        port: Some(Port(389)),
        transport: Transport::Tcp,
        product: "OpenLDAP".into(),
        account: Some("cn=svc-app,dc=corp,dc=example".into()),
        mechanism: Some("simple".into()),
        program: None,
        share: None,
        protection: None,
        log: "/var/log/slapd.log".into(),
    }
}

fn log(told: &mut Told, host: &str, used: LoggedUse) {
    told.say_seen(host, "log.services", Fact::LoggedUse(used), 4);
    let last: &mut Evidence = told.0.last_mut().expect("it was just said");
    let at = Timestamp::from_seconds(NOW - 30 * 86_400);
    last.seen = Seen {
        hours: Hours::of(at),
        ..Seen::between(at, at, 4)
    };
}

fn app_and_directory() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("ldap1", "10.0.0.2");
    told.listens("ldap1", 389, unit("/usr/sbin/slapd", "slapd.service"));
    told
}

#[test]
fn what_was_used_of_a_file_server_is_its_share() {
    let mut told = Told::default();
    told.host("files1", "10.0.0.1");
    told.host("pc1", "10.0.0.2");
    for share in ["plans", "accounts"] {
        let used = LoggedUse {
            share: Some(share.into()),
            ..used(Direction::Incoming, "10.0.0.2")
        };
        told.say("files1", "log.services", Fact::LoggedUse(used));
    }
    let graph = told.graph();
    let shares: Vec<_> = graph
        .ledger
        .iter()
        .map(|row| row.service.as_deref())
        .collect();
    assert_eq!(shares, [Some("accounts"), Some("plans")]);
}

#[test]
fn a_client_only_the_log_knows_is_a_hidden_need() {
    let mut told = app_and_directory();
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::History]);
    assert!(
        edge.hidden_because.iter().any(|why| why == "log-only"),
        "{:?}",
        edge.hidden_because
    );
    assert_eq!((edge.kind.as_str(), edge.count), ("ldap-bind", 4));
    assert!(format!("{edge:?}").contains("svc-app"));
}

#[test]
fn a_need_that_was_seen_alive_gains_a_witness_and_no_second_edge() {
    let mut told = app_and_directory();
    told.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/python3", "app.service"),
    );
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::History]);
    assert_eq!(edge.first_seen, Timestamp::from_seconds(NOW - 30 * 86_400));
}

#[test]
fn what_a_machine_asks_of_itself_is_nobodys_need() {
    let mut told = app_and_directory();
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.2"));
    assert_eq!(told.edges(), [""; 0]);
}

#[test]
fn a_log_tells_whom_its_own_machine_called() {
    let mut told = app_and_directory();
    log(&mut told, "app1", used(Direction::Outgoing, "10.0.0.2"));
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::History]);
}

#[test]
fn rows_of_one_place_are_added_up_and_told_only_of_who_is_meant_alone() {
    let clear = || LoggedUse {
        protection: Some(Protection::None),
        account: Some("cn=svc-old,dc=corp,dc=example".into()),
        ..used(Direction::Incoming, "10.0.0.1")
    };
    let mut one = app_and_directory();
    one.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/python3", "app.service"),
    );
    log(&mut one, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    log(&mut one, "ldap1", clear());
    let edge = one.only_edge();
    assert_eq!(
        (edge.count, edge.details.protection),
        (8, Some(Protection::None))
    );
    let mut two = app_and_directory();
    two.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/python3", "app.service"),
    );
    two.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/perl", "report.service"),
    );
    log(&mut two, "ldap1", clear());
    for edge in two.graph().dependencies {
        assert_eq!(
            edge.details.protection, None,
            "nobody knows which of the two it was"
        );
        assert!(edge.witnesses.contains(&Witness::History));
        assert!(!format!("{edge:?}").contains("svc-old"));
    }
}

#[test]
fn a_log_that_does_not_say_the_port_means_the_one_that_is_called() {
    let mut told = app_and_directory();
    told.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/python3", "app.service"),
    );
    let used = LoggedUse {
        port: None,
        ..used(Direction::Incoming, "10.0.0.1")
    };
    log(&mut told, "ldap1", used.clone());
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::History]);
    assert!(format!("{edge:?}").contains("svc-app"));

    let mut alone = app_and_directory();
    log(&mut alone, "ldap1", used);
    assert_eq!(alone.only_edge().witnesses, [Witness::History]);
}

#[test]
fn of_two_ports_the_log_means_the_one_that_is_called_and_makes_no_third_need() {
    let mut told = app_and_directory();
    told.calls(
        "app1",
        "10.0.0.2",
        636,
        unit("/usr/bin/python3", "app.service"),
    );
    told.writes(
        "app1",
        reference("nslcd", "/etc/nslcd.conf", "10.0.0.2", 389, "ldap"),
    );
    let used = LoggedUse {
        port: None,
        ..used(Direction::Incoming, "10.0.0.1")
    };
    log(&mut told, "ldap1", used);
    let graph = told.graph();
    let by_log: Vec<_> = graph
        .dependencies
        .iter()
        .filter(|d| d.witnesses.contains(&Witness::History))
        .map(|d| d.provider.port)
        .collect();
    assert_eq!(graph.dependencies.len(), 2, "{:?}", graph.dependencies);
    assert_eq!(by_log, [Some(Port(636))], "{:?}", graph.dependencies);
}

#[test]
fn what_both_ends_and_two_logs_tell_is_counted_once() {
    let mut told = app_and_directory();
    let incoming = used(Direction::Incoming, "10.0.0.1");
    log(&mut told, "ldap1", incoming.clone());
    let journal = LoggedUse {
        log: "/var/log/journal".into(),
        ..incoming.clone()
    };
    log(&mut told, "ldap1", journal);
    log(&mut told, "app1", used(Direction::Outgoing, "10.0.0.2"));
    assert_eq!(told.only_edge().count, 4);
    let another = LoggedUse {
        account: Some("cn=svc-night,dc=corp,dc=example".into()),
        ..incoming
    };
    log(&mut told, "ldap1", another);
    assert_eq!(told.only_edge().count, 8);
}

#[test]
fn the_ledger_has_one_row_for_each_way_of_using_a_service() {
    let mut told = app_and_directory();
    told.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/bin/python3", "app.service"),
    );
    let bind = used(Direction::Incoming, "10.0.0.1");
    log(&mut told, "ldap1", bind.clone());
    let journal = LoggedUse {
        log: "/var/log/journal".into(),
        ..bind.clone()
    };
    log(&mut told, "ldap1", journal);
    let clear = LoggedUse {
        account: Some("".into()),
        protection: Some(Protection::None),
        ..bind
    };
    log(&mut told, "ldap1", clear);
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.2"));
    let ledger = told.graph().ledger;
    let says: Vec<_> = ledger
        .iter()
        .map(|row| {
            (
                row.account.as_deref().unwrap_or("-"),
                row.protection,
                row.count,
                row.logs.len(),
            )
        })
        .collect();
    assert_eq!(
        says,
        [
            ("", Some(Protection::None), 4, 1),
            ("cn=svc-app,dc=corp,dc=example", None, 4, 2),
        ],
        "two logs are one row, and nobody logs on to himself"
    );
    let row = &ledger[1];
    assert_eq!(row.class, groma_model::ledger::ConsumerClass::Application);
    assert_eq!(row.witnesses, [Witness::Live, Witness::History]);
    assert!(
        row.programs.iter().any(|p| p.contains("app.service")),
        "{:?}",
        row.programs
    );
    assert_eq!(
        row.evidence.len(),
        3,
        "two logs and the call; nobody's bind is another row's"
    );
}

#[test]
fn the_ledger_adds_up_the_addresses_of_a_client_and_counts_what_two_logs_tell_once() {
    let mut told = app_and_directory();
    let second_card = Interface {
        name: "eth1".into(),
        mac: Some("52:54:00:00:01:01".into()),
        kind: "physical".into(),
        up: true,
        addresses: vec!["10.1.0.1/24".into()],
    };
    told.say("app1", "host.network", Fact::Interface(second_card));
    let first = used(Direction::Incoming, "10.0.0.1");
    let second = used(Direction::Incoming, "10.1.0.1");
    for bind in [first, second] {
        let journal = LoggedUse {
            log: "/var/log/journal".into(),
            ..bind.clone()
        };
        log(&mut told, "ldap1", bind);
        log(&mut told, "ldap1", journal);
    }
    let ledger = told.graph().ledger;
    let counts: Vec<_> = ledger.iter().map(|row| row.count).collect();
    assert_eq!(counts, [8]);
}

#[test]
fn what_the_logs_of_both_ends_tell_is_one_row_with_the_name_of_the_one_and_the_account_of_the_other()
 {
    let called = |name: &str| LoggedUse {
        account: None,
        mechanism: None,
        name: groma_model::HostName::parse(name),
        ..used(Direction::Outgoing, "10.0.0.2")
    };
    let rows = |called: &[LoggedUse]| {
        let mut told = app_and_directory();
        log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
        for one in called {
            log(&mut told, "app1", one.clone());
        }
        let row =
            |row: groma_model::ledger::LedgerEntry| (row.name.is_some(), row.account, row.count);
        told.graph().ledger.into_iter().map(row).collect::<Vec<_>>()
    };
    let account = Some("cn=svc-app,dc=corp,dc=example".to_owned());
    assert_eq!(rows(&[called("ldap.corp.example")]), [(true, account, 4)]);
    let two = [
        called("ldap.corp.example"),
        called("directory.corp.example"),
    ];
    assert_eq!(
        rows(&two).len(),
        3,
        "by which name which account came, nobody knows"
    );
    let other = LoggedUse {
        protection: Some(Protection::Tls),
        ..called("ldap.corp.example")
    };
    assert_eq!(
        rows(&[other]).len(),
        1,
        "the server's log says nothing of protection"
    );
}

#[test]
fn what_the_logs_of_both_ends_tell_is_added_to_what_both_say_alike() {
    let mut told = app_and_directory();
    let as_nobody = |direction, peer| LoggedUse {
        account: None,
        ..used(direction, peer)
    };
    let unsaid = |direction, peer| LoggedUse {
        mechanism: None,
        ..used(direction, peer)
    };
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    log(&mut told, "app1", used(Direction::Outgoing, "10.0.0.2"));
    log(
        &mut told,
        "ldap1",
        as_nobody(Direction::Incoming, "10.0.0.1"),
    );
    log(&mut told, "app1", unsaid(Direction::Outgoing, "10.0.0.2"));
    let ledger = told.graph().ledger;
    let [row] = ledger.as_slice() else {
        panic!("{ledger:?}");
    };
    assert_eq!(row.evidence.len(), 4, "nothing of the row of both is lost");
}

/// The line still stands, and nobody called for a month: when the line was read is not when the service was used.
#[test]
fn a_need_says_when_it_was_last_used_and_nothing_where_nobody_saw_it() {
    let mut told = app_and_directory();
    told.writes(
        "app1",
        reference(
            "ldap-conf",
            "/etc/ldap/ldap.conf",
            "10.0.0.2",
            389,
            "ldap-bind",
        ),
    );
    assert_eq!(told.only_edge().details.last_used, None);
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    let edge = told.only_edge();
    let month_ago = Timestamp::from_seconds(NOW - 30 * 86_400);
    assert_eq!(edge.details.last_used, Some(month_ago));
    assert!(edge.last_seen > month_ago, "the line was read today");
}

fn ssh(mechanism: Option<&str>) -> LoggedUse {
    let (product, log) = match mechanism {
        Some(_) => ("OpenSSH", "/var/log/auth.log"),
        None => (REMOTE_LOGONS, "/var/log/wtmp"),
    };
    LoggedUse {
        kind: "ssh".into(),
        port: Some(Port(22)),
        product: product.into(),
        account: None,
        mechanism: mechanism.map(Into::into),
        log: log.into(),
        ..used(Direction::Incoming, "10.0.0.1")
    }
}

#[test]
fn a_logon_that_two_witnesses_tell_is_one_row_with_both() {
    let mut told = app_and_directory();
    log(&mut told, "ldap1", ssh(None));
    let record = told.graph().ledger;
    assert_eq!((record.len(), record[0].count), (1, 4), "alone it is a row");
    log(&mut told, "ldap1", ssh(Some("publickey")));
    let graph = told.graph();
    let [row] = graph.ledger.as_slice() else {
        panic!("{:?}", graph.ledger);
    };
    assert_eq!(row.logs, ["/var/log/auth.log", "/var/log/wtmp"]);
    assert_eq!((row.evidence.len(), row.count), (2, 4));
    assert_eq!(row.mechanism.as_deref(), Some("publickey"));
    told.only_edge();
}

#[test]
fn of_several_ways_in_the_nearest_in_time_gains_the_witness_and_no_uses() {
    let mut told = app_and_directory();
    log(&mut told, "ldap1", ssh(Some("publickey")));
    log(&mut told, "ldap1", ssh(Some("password")));
    let earlier = Timestamp::from_seconds(NOW - 60 * 86_400);
    let last = told.0.last_mut().unwrap();
    last.seen = Seen::between(earlier, earlier, 3);
    log(&mut told, "ldap1", ssh(None));
    let told: Vec<_> = (told.graph().ledger.into_iter())
        .map(|row| (row.mechanism.unwrap(), row.count, row.logs.len()))
        .collect();
    let want = [
        ("password".to_owned(), 3, 1),
        ("publickey".to_owned(), 4, 2),
    ];
    assert_eq!(told, want);
}

/// Another service of the same client, and another client of the same service, are other rows.
#[test]
fn a_record_joins_no_row_of_another_service_or_client() {
    let mut told = app_and_directory();
    told.host("pc1", "10.0.0.3");
    let telnet = LoggedUse {
        kind: "telnet".into(),
        port: Some(Port(23)),
        ..ssh(None)
    };
    let other = LoggedUse {
        peer: ip("10.0.0.3"),
        ..ssh(Some("publickey"))
    };
    for used in [telnet, other, ssh(None)] {
        log(&mut told, "ldap1", used);
    }
    let ledger = told.graph().ledger;
    assert_eq!(ledger.len(), 3, "{ledger:?}");
    assert!(ledger.iter().all(|row| row.evidence.len() == 1));
}

/// The one log says the port, the other does not: it means where the first was seen to call, in whatever order they are read.
#[test]
fn a_log_without_the_port_means_where_another_was_seen_to_call() {
    let mut told = app_and_directory();
    for port in [389, 636] {
        let rule = format!("env-{port}");
        told.writes(
            "app1",
            reference(&rule, "/opt/app/.env", "10.0.0.2", port, "ldap-bind"),
        );
    }
    for port in [Some(Port(636)), None] {
        let row = LoggedUse {
            port,
            ..used(Direction::Incoming, "10.0.0.1")
        };
        log(&mut told, "ldap1", row);
    }
    let once = told.graph();
    let seen = |port: u16| {
        let mut needs = once.dependencies.iter();
        let need = needs.find(|need| need.provider.port == Some(Port(port)));
        need.expect("it is written").witnesses.clone()
    };
    assert_eq!(
        seen(389),
        [Witness::Written],
        "nobody was seen to call there"
    );
    assert_eq!(seen(636), [Witness::History, Witness::Written]);
    for _ in 0..16 {
        assert_eq!(told.graph().dependencies, once.dependencies);
    }
}

/// Two places that differ in nothing but the transport.
#[test]
fn of_two_transports_one_is_always_meant() {
    let mut told = app_and_directory();
    for transport in [Transport::Tcp, Transport::Udp] {
        let written = groma_model::fact::Reference {
            transport,
            ..reference(
                transport.as_str(),
                "/etc/rsyslog.conf",
                "10.0.0.2",
                514,
                "syslog",
            )
        };
        told.writes("app1", written);
    }
    let row = LoggedUse {
        kind: "syslog".into(),
        port: None,
        ..used(Direction::Incoming, "10.0.0.1")
    };
    log(&mut told, "ldap1", row);
    for _ in 0..16 {
        let graph = told.graph();
        let mut meant = graph.dependencies.iter();
        let meant = meant.find(|need| need.witnesses.contains(&Witness::History));
        let meant = meant.and_then(|need| need.provider.transport);
        assert_eq!(meant, Some(Transport::Tcp));
    }
}

fn search(account: Option<&str>, base: &str, by: &[&str]) -> Fact {
    Fact::LoggedSearch(LoggedSearch {
        kind: "ldap-bind".into(),
        peer: ip("10.0.0.1"),
        port: Some(Port(389)),
        product: "OpenLDAP".into(),
        account: account.map(Into::into),
        base: base.into(),
        by: by.iter().map(|name| (*name).into()).collect(),
        log: "/var/log/slapd.log".into(),
    })
}

#[test]
fn what_an_account_searches_stands_in_its_row_and_in_no_other() {
    let mut told = app_and_directory();
    log(&mut told, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    let other = LoggedUse {
        account: Some("cn=svc-other,dc=corp,dc=example".into()),
        ..used(Direction::Incoming, "10.0.0.1")
    };
    log(&mut told, "ldap1", other);
    let app = Some("cn=svc-app,dc=corp,dc=example");
    for fact in [
        search(app, "ou=people,dc=corp,dc=example", &["objectClass", "uid"]),
        search(app, "ou=groups,dc=corp,dc=example", &["cn", "objectClass"]),
        search(None, "ou=nobodys,dc=corp,dc=example", &["mail"]),
    ] {
        told.say_seen("ldap1", "log.services", fact, 9);
    }
    let rows = told.graph().ledger;
    let of = |account: &str| {
        let row = rows.iter().find(|row| {
            let own = row.account.as_deref();
            own.is_some_and(|own| own.contains(account))
        });
        row.unwrap()
    };
    assert_eq!(rows.len(), 2, "a search alone is no row: {rows:#?}");
    let row = of("svc-app");
    assert_eq!(
        row.bases,
        [
            "ou=groups,dc=corp,dc=example",
            "ou=people,dc=corp,dc=example"
        ]
    );
    assert_eq!(row.searches_by, ["cn", "objectClass", "uid"]);
    assert_eq!(row.evidence.len(), 3);
    assert_eq!(row.count, 4, "a search is no logon");
    let other = of("svc-other");
    assert!(other.bases.is_empty() && other.searches_by.is_empty());
}

/// The log's accounts were once given to the one caller that happened to be seen, whatever its own settings say.
#[test]
fn an_account_that_is_not_the_seen_callers_is_not_given_to_it() {
    let app = || unit("/usr/bin/python3", "app.service");
    let old = || LoggedUse {
        protection: Some(Protection::None),
        account: Some("cn=svc-old,dc=corp,dc=example".into()),
        ..used(Direction::Incoming, "10.0.0.1")
    };
    let seen = || {
        let mut told = app_and_directory();
        told.calls("app1", "10.0.0.2", 389, app());
        told
    };
    // Its settings say who it is: a monthly job beside it is somebody else.
    let mut named = seen();
    let settings = || groma_model::fact::Reference {
        component: groma_model::fact::Component {
            class: groma_model::fact::ComponentClass::Unit,
            name: "app.service".into(),
        },
        account: Some("CN=svc-app, DC=corp,DC=example".into()),
        ..reference("app-ldap", "/etc/app.conf", "10.0.0.2", 389, "ldap-bind")
    };
    named.writes("app1", settings());
    log(&mut named, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    log(&mut named, "ldap1", old());
    let edge = named.only_edge();
    assert_eq!(edge.details.accounts, ["CN=svc-app, DC=corp,DC=example"]);
    assert_eq!((edge.count, edge.details.protection), (4, None));
    assert!(edge.witnesses.contains(&Witness::History));
    // The log knows somebody else alone: it is no witness of what the settings say.
    let mut other = seen();
    other.writes("app1", settings());
    log(&mut other, "ldap1", old());
    let edge = other.only_edge();
    assert!(!edge.witnesses.contains(&Witness::History), "{edge:?}");
    assert_eq!(
        other.graph().ledger.len(),
        2,
        "whose account it is, the ledger tells"
    );
    // Nothing says who it is: of two nobody knows which, one it can only be.
    let mut either = seen();
    log(&mut either, "ldap1", used(Direction::Incoming, "10.0.0.1"));
    log(&mut either, "ldap1", old());
    let edge = either.only_edge();
    assert!(edge.details.accounts.is_empty(), "{edge:?}");
    assert_eq!(either.graph().ledger.len(), 2, "both rows are there");
    let mut alone = seen();
    log(&mut alone, "ldap1", old());
    let edge = alone.only_edge();
    assert_eq!(edge.details.accounts, ["cn=svc-old,dc=corp,dc=example"]);
    assert_eq!(edge.details.protection, Some(Protection::None));
}
