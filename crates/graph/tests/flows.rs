//! Connections watched as they happened, beside samples of sockets: one edge, counted once.

mod common;

use common::*;
use groma_model::fact::{Connection, Direction, NameSource, Program};
use groma_model::inventory::ReachedBy;
use groma_model::{Evidence, Fact, HostName, Hours, Lasted, Port, Seen, Timestamp, Transport};

const NOW: i64 = 1_795_165_200;

fn call(direction: Direction, remote: &str, program: Program) -> Connection {
    Connection {
        direction,
        local: ip("10.0.0.99"),
        remote: ip(remote),
        service_port: Port(5432),
        transport: Transport::Tcp,
        program,
        asked: None,
        unasked: false,
    }
}

fn watched(count: u64, bytes: u64, longest_ms: u32) -> Seen {
    let at = Timestamp::from_seconds(NOW);
    Seen {
        hours: Hours::of(at),
        bytes: Some(bytes),
        lasted: Some(Lasted::once(longest_ms)),
        ..Seen::between(at, at, count)
    }
}

/// The same, said by the source that watches.
fn flow(told: &mut Told, host: &str, connection: Connection, seen: Seen) {
    told.say_seen(host, "host.flows", Fact::Connection(connection), seen.count);
    let last: &mut Evidence = told.0.last_mut().expect("it was just said");
    last.seen = seen;
}

fn app_and_database() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("db1", "10.0.0.2");
    told.listens(
        "db1",
        5432,
        unit("/usr/sbin/postgres", "postgresql.service"),
    );
    told.listens("app1", 8080, app());
    told
}

fn app() -> Program {
    unit("/usr/bin/python3", "app.service")
}

#[test]
fn both_sources_and_both_ends_make_one_edge_and_count_once() {
    let mut told = app_and_database();
    told.calls("app1", "10.0.0.2", 5432, app());
    flow(
        &mut told,
        "app1",
        call(Direction::Outgoing, "10.0.0.2", app()),
        watched(300, 9000, 5),
    );
    flow(
        &mut told,
        "db1",
        call(
            Direction::Incoming,
            "10.0.0.1",
            unit("/usr/sbin/postgres", "postgresql.service"),
        ),
        watched(300, 9000, 5),
    );
    let edge = told.only_edge();
    assert_eq!((edge.count, edge.details.bytes), (300, Some(9000)));
    assert_eq!(edge.details.lasted, Some(Lasted::once(5)));
    assert_eq!(edge.details.hours.len(), 1);
    assert_eq!(edge.evidence.len(), 3);
}

#[test]
fn a_call_of_nobody_knows_whom_is_no_edge_beside_one_that_is_known() {
    let mut told = app_and_database();
    flow(
        &mut told,
        "app1",
        call(Direction::Outgoing, "10.0.0.2", app()),
        watched(10, 100, 5),
    );
    let nobody = call(Direction::Outgoing, "10.0.0.2", Program::default());
    flow(&mut told, "app1", nobody.clone(), watched(90, 900, 5));
    let edge = told.only_edge();
    assert_eq!((edge.count, edge.details.bytes), (10, Some(100)));
    let mut alone = app_and_database();
    flow(&mut alone, "app1", nobody, watched(90, 900, 5));
    assert_eq!(alone.only_edge().count, 90);
}

#[test]
fn the_name_that_was_asked_for_tells_how_it_is_reached() {
    let mut told = app_and_database();
    told.name(
        "app1",
        NameSource::Dns,
        "old-db.corp.example",
        &["db1.corp.example"],
        &["10.0.0.2"],
    );
    told.name(
        "app1",
        NameSource::Dns,
        "db1.corp.example",
        &[],
        &["10.0.0.2"],
    );
    let by_name = Connection {
        asked: HostName::parse("old-db.corp.example"),
        ..call(Direction::Outgoing, "10.0.0.2", app())
    };
    flow(&mut told, "app1", by_name, watched(1, 1, 5));
    let edge = told.only_edge();
    assert_eq!(edge.reached_as.as_deref(), Some("old-db.corp.example"));
    assert_eq!(edge.reached_by, Some(ReachedBy::Alias));
    assert!(edge.hidden_because.contains(&"alias".to_owned()));
}

#[test]
fn an_address_nobody_asked_about_is_a_literal_unless_a_file_names_it() {
    let unasked = Connection {
        unasked: true,
        ..call(Direction::Outgoing, "10.0.0.2", app())
    };
    let mut told = app_and_database();
    flow(&mut told, "app1", unasked.clone(), watched(1, 1, 5));
    let edge = told.only_edge();
    assert_eq!(edge.reached_by, Some(ReachedBy::AddressLiteral));
    assert!(edge.hidden_because.contains(&"address-literal".to_owned()));
    let mut in_file = app_and_database();
    in_file.name("app1", NameSource::HostsFile, "db1", &[], &["10.0.0.2"]);
    flow(&mut in_file, "app1", unasked, watched(1, 1, 5));
    assert_eq!(in_file.only_edge().reached_by, None);
    // Where nobody listened for answers nothing is said.
    let mut unheard = app_and_database();
    flow(
        &mut unheard,
        "app1",
        call(Direction::Outgoing, "10.0.0.2", app()),
        watched(1, 1, 5),
    );
    assert_eq!(unheard.only_edge().reached_by, None);
}

#[test]
fn short_lived_is_what_no_sample_meets_and_nothing_that_stays() {
    let reasons = |samples: u64, longest_ms| {
        let mut told = app_and_database();
        if samples > 0 {
            told.connection(
                "app1",
                Direction::Outgoing,
                "10.0.0.2",
                5432,
                app(),
                samples,
            );
        }
        flow(
            &mut told,
            "app1",
            call(Direction::Outgoing, "10.0.0.2", app()),
            watched(50, 1, longest_ms),
        );
        told.only_edge().hidden_because
    };
    let short = "short-lived".to_owned();
    assert!(reasons(0, 5).contains(&short));
    assert!(!reasons(0, 60_000).contains(&short), "it stays open");
    assert!(!reasons(20, 5).contains(&short), "every sample met one");
    assert!(
        !reasons(0, 5).contains(&"rare".to_owned()),
        "fifty calls are not rare"
    );
}

#[test]
fn two_programs_that_call_one_place_are_not_each_given_the_count_of_both() {
    let mut told = app_and_database();
    let job = || unit("/usr/bin/perl", "job.service");
    for (program, count) in [(app(), 300), (job(), 5)] {
        let mine = call(Direction::Outgoing, "10.0.0.2", program);
        flow(&mut told, "app1", mine, watched(count, 10 * count, 5));
    }
    let server = unit("/usr/sbin/postgres", "postgresql.service");
    let theirs = call(Direction::Incoming, "10.0.0.1", server);
    flow(&mut told, "db1", theirs, watched(305, 3050, 5));
    let mut counts: Vec<_> = told
        .graph()
        .dependencies
        .iter()
        .map(|d| (d.count, d.details.bytes, d.evidence.len()))
        .collect();
    counts.sort();
    assert_eq!(counts, [(5, Some(50), 2), (300, Some(3000), 2)]);
}

/// A file server with an FTP service, and a camera that takes no agent.
fn ftp_and_camera() -> Told {
    let mut told = Told::default();
    told.host("files1", "10.0.0.1");
    told.listens("files1", 21, unit("/usr/sbin/vsftpd", "vsftpd.service"));
    told
}

#[test]
fn a_data_connection_an_ftp_server_opens_is_no_need_of_the_server() {
    let server = || unit("/usr/sbin/vsftpd", "vsftpd.service");
    let mut told = ftp_and_camera();
    told.is_called("files1", "10.0.0.9", 21, server());
    told.calls("files1", "10.0.0.9", 46832, Program::default());
    told.calls("files1", "10.0.0.9", 40001, server());
    let edge = told.only_edge();
    assert_eq!(
        (edge.kind.as_str(), edge.provider.name.as_str()),
        ("ftp", "files1")
    );
    assert_eq!(edge.evidence.len(), 3);
    // A port that is somebody's, another machine, a program that is known: needs.
    for (to, port, program) in [
        ("10.0.0.9", 554, Program::default()),
        ("10.0.0.8", 46832, Program::default()),
        ("10.0.0.9", 46832, app()),
    ] {
        let mut twin = told.clone();
        twin.calls("files1", to, port, program);
        assert_eq!(twin.edges().len(), 2, "{to}:{port}");
    }
}

#[test]
fn a_call_of_nobody_knows_whom_to_an_ftp_client_is_a_need_unless_the_port_was_given_for_once() {
    let mut told = ftp_and_camera();
    told.is_called("files1", "10.0.0.9", 21, Program::default());
    told.calls("files1", "10.0.0.9", 7788, Program::default());
    assert_eq!(told.edges().len(), 2);
    let mut data = ftp_and_camera();
    data.is_called("files1", "10.0.0.9", 21, Program::default());
    data.calls("files1", "10.0.0.9", 32768, Program::default());
    assert_eq!(data.only_edge().kind, "ftp");
}

fn lftp() -> Program {
    bare("/usr/bin/lftp")
}

/// A client whose files a server without an agent holds.
fn ftp_client() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.2");
    told.calls("app1", "10.0.0.1", 21, lftp());
    told
}

#[test]
fn a_data_connection_an_ftp_client_opens_is_no_need_of_its_own() {
    let mut told = ftp_client();
    told.calls("app1", "10.0.0.1", 40001, lftp());
    told.calls("app1", "10.0.0.1", 40007, Program::default());
    told.calls("app1", "10.0.0.1", 10007, lftp());
    told.calls("app1", "10.0.0.1", 20, Program::default());
    let edge = told.only_edge();
    assert_eq!((edge.kind.as_str(), edge.evidence.len()), ("ftp", 5));
    // Another program, a port that is somebody's, one that nobody was given for once, another machine: needs.
    for (to, port, program) in [
        ("10.0.0.1", 40001, app()),
        ("10.0.0.1", 5432, lftp()),
        ("10.0.0.1", 10007, Program::default()),
        ("10.0.0.8", 40001, lftp()),
    ] {
        let mut twin = ftp_client();
        twin.calls("app1", to, port, program);
        assert_eq!(twin.edges().len(), 2, "{to}:{port}");
    }
}

#[test]
fn the_servers_own_view_of_a_data_connection_is_evidence_of_the_clients_need() {
    let server = || unit("/usr/sbin/vsftpd", "vsftpd.service");
    let mut told = ftp_and_camera();
    told.is_called("files1", "10.0.0.9", 21, server());
    told.listens("files1", 10090, server());
    told.is_called("files1", "10.0.0.9", 10090, server());
    told.is_called("files1", "10.0.0.9", 40001, Program::default());
    let edge = told.only_edge();
    assert_eq!((edge.kind.as_str(), edge.evidence.len()), ("ftp", 3));
    // A client with an agent sees what the server opens to it.
    let mut active = ftp_client();
    active.connection("app1", Direction::Incoming, "10.0.0.1", 40002, lftp(), 1);
    assert_eq!(active.only_edge().evidence.len(), 2);
}

#[test]
fn another_service_of_an_ftp_server_is_a_need_of_its_own() {
    let postgres = || unit("/usr/sbin/postgres", "postgresql.service");
    let shop = || unit("/opt/shop/bin/shop", "shop.service");
    for (program, port) in [
        (postgres(), 40001),
        (shop(), 40001),
        (Program::default(), 8123),
    ] {
        let mut told = ftp_and_camera();
        told.host("app1", "10.0.0.2");
        told.calls("app1", "10.0.0.1", 21, lftp());
        told.listens("files1", port, program.clone());
        told.calls("app1", "10.0.0.1", port, lftp());
        told.is_called("files1", "10.0.0.2", port, program.clone());
        assert_eq!(told.edges().len(), 2, "{program:?}");
    }
}

#[test]
fn a_call_that_got_its_own_port_is_not_what_the_program_is_known_for() {
    let controller = || unit("/usr/sbin/samba", "samba-ad-dc.service");
    let kind_at = |ports: &[u16], port: u16| {
        let mut told = Told::default();
        told.host("files1", "10.0.0.1").host("dc1", "10.0.0.2");
        for port in ports {
            told.listens("dc1", *port, controller());
        }
        told.calls(
            "files1",
            "10.0.0.2",
            port,
            unit("/usr/sbin/winbindd", "winbind.service"),
        );
        told.only_edge().kind
    };
    assert_eq!(kind_at(&[135, 389, 49152], 49152), "other");
    assert_eq!(kind_at(&[135, 389, 3268], 389), "ldap-bind");
    // Where nobody hands out ports, the program speaks what it always speaks.
    assert_eq!(kind_at(&[389, 49152], 49152), "ldap-bind");
}

#[test]
fn a_service_of_its_own_beside_an_endpoint_mapper_is_what_it_is_known_for() {
    let kind_of = |mapper: Program, port: u16, program: Program| {
        let mut told = Told::default();
        told.host("app1", "10.0.0.1").host("dc1", "10.0.0.2");
        told.listens("dc1", 135, mapper)
            .listens("dc1", port, program);
        told.calls("app1", "10.0.0.2", port, app());
        told.only_edge().kind
    };
    let samba = || unit("/usr/sbin/samba", "samba-ad-dc.service");
    let postgres = unit("/usr/sbin/postgres", "postgresql.service");
    assert_eq!(kind_of(samba(), 55432, postgres), "sql");
    let named = bare("C:\\Program Files\\Microsoft SQL Server\\sqlservr.exe");
    let windows = bare("C:\\Windows\\System32\\svchost.exe");
    assert_eq!(kind_of(windows.clone(), 49731, named), "sql");
    // The mapper's own, and whom nobody knows.
    assert_eq!(kind_of(samba(), 49153, samba()), "other");
    assert_eq!(kind_of(samba(), 49153, Program::default()), "other");
    assert_eq!(kind_of(windows.clone(), 49664, windows), "other");
}

/// What one machine's agent sees of a client and a server that stand in network namespaces of that machine.
fn rooms_of_one_machine(told: &mut Told) {
    let scope = |name: &str| groma_model::Scope::new("socket", name);
    let end = |direction, local: &str, remote: &str, program: Program| Connection {
        local: ip(local),
        ..call(direction, remote, program)
    };
    let sender = bare("/usr/bin/swaks");
    let server = unit("/usr/sbin/smtpd", "mail.service");
    let there = [
        (
            "netns-1",
            end(Direction::Outgoing, "10.9.0.5", "10.9.0.1", sender.clone()),
        ),
        (
            "netns-2",
            end(Direction::Incoming, "10.9.0.1", "10.9.0.5", server),
        ),
        // And back: the server hands something on to what stands in the other room.
        (
            "netns-2",
            end(
                Direction::Outgoing,
                "10.9.0.1",
                "10.9.0.5",
                bare("/usr/bin/fetch"),
            ),
        ),
        (
            "netns-1",
            end(Direction::Incoming, "10.9.0.5", "10.9.0.1", sender),
        ),
    ];
    for (room, connection) in there {
        told.say_in(
            scope(room),
            "box1",
            "host.sockets",
            Fact::Connection(connection),
            3,
        );
    }
}

#[test]
fn rooms_of_one_machine_that_call_each_other_are_one_machine_and_no_circle() {
    let mut told = Told::default();
    told.host("box1", "10.0.0.1");
    rooms_of_one_machine(&mut told);
    let needs = told.graph().dependencies;
    assert!(!needs.is_empty());
    assert!(needs.iter().all(|d| d.details.local), "{needs:#?}");
    // A room with an agent of its own is a machine of its own.
    told.host("room1", "10.9.0.5");
    let needs = told.graph().dependencies;
    assert!(needs.iter().any(|d| !d.details.local), "{needs:#?}");
}
