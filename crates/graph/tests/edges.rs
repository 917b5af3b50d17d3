//! One edge per need: what joins, what stays apart, and why something is hidden.

mod common;

use common::*;
use groma_model::fact::{
    Component, ComponentClass, Direction, FileSystem, NameSource, Program, Reference, RemoteStorage,
};
use groma_model::inventory::{Basis, ReachedBy};
use groma_model::name::Protection;
use groma_model::{Fact, Peer, Witness};

fn app_and_database() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1")
        .host("db1", "10.0.0.2")
        .listens(
            "db1",
            5432,
            unit(
                "/usr/lib/postgresql/15/bin/postgres",
                "postgresql@15-main.service",
            ),
        );
    told
}

#[test]
fn a_connection_and_the_line_that_causes_it_are_one_edge_with_two_witnesses() {
    let mut told = app_and_database();
    let app = Program {
        working_directory: Some("/opt/app".into()),
        ..unit("/usr/bin/python3", "app.service")
    };
    told.calls("app1", "10.0.0.2", 5432, app);
    told.name("app1", NameSource::Dns, "db1", &[], &["10.0.0.2"]);
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "db1", 5432, "sql"),
    );
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
    assert_eq!(
        edge.consumer.component,
        Component {
            class: ComponentClass::Unit,
            name: "app.service".into()
        }
    );
    assert_eq!(
        (edge.kind.as_str(), edge.basis, edge.hidden),
        ("sql", Basis::Observed, false)
    );
    assert_eq!(edge.reached_by, Some(ReachedBy::Name));
    assert_eq!(edge.details.written_in, ["/opt/app/.env:3"]);
    assert_eq!(
        edge.provider.component.unwrap().name,
        "postgresql@15-main.service".into()
    );
}

#[test]
fn a_line_and_a_connection_nothing_relates_are_two_needs() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/opt/shop/bin/shopd", "shop.service"),
    );
    let written = |file| reference("common-sql", file, "10.0.0.2", 5432, "sql");
    let mut strange = told.clone();
    strange.writes("app1", written("/etc/billing/database.ini"));
    assert_eq!(strange.edges().len(), 2, "{:?}", strange.edges());
    // A name in the paths of both ties them.
    told.writes("app1", written("/etc/shop/database.ini"));
    assert_eq!(
        told.only_edge().witnesses,
        [Witness::Live, Witness::Written]
    );
}

#[test]
fn the_providers_own_view_is_evidence_of_the_same_edge() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    let alone = told.only_edge();
    told.is_called(
        "db1",
        "10.0.0.1",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    );
    let both = told.only_edge();
    assert_eq!(alone.id, both.id);
    assert_eq!(both.evidence.len(), alone.evidence.len() + 1);
}

#[test]
fn a_caller_without_an_agent_is_a_hidden_edge_of_a_whole_device() {
    let mut told = app_and_database();
    told.is_called(
        "db1",
        "10.0.0.77",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    );
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.class, ComponentClass::Device);
    assert_eq!(edge.hidden_because, ["device-without-agent"]);
}

#[test]
fn a_service_that_talks_to_itself_needs_nobody() {
    let mut told = app_and_database();
    told.calls(
        "db1",
        "127.0.0.1",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    );
    assert_eq!(told.edges(), Vec::<String>::new());
}

#[test]
fn a_need_of_the_machine_itself_is_an_edge_but_not_hidden() {
    let mut told = app_and_database();
    told.calls(
        "db1",
        "127.0.0.1",
        5432,
        unit("/usr/bin/python3", "report.service"),
    );
    let edge = told.only_edge();
    assert!(edge.details.local && !edge.hidden);
}

#[test]
fn two_units_that_call_one_database_are_two_needs() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "worker.service"),
    );
    assert_eq!(
        told.edges(),
        [
            "app1 app.service -> db1:5432 sql",
            "app1 worker.service -> db1:5432 sql"
        ]
    );
}

#[test]
fn a_file_of_one_unit_does_not_join_the_connection_of_another() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    let mut written = reference(
        "unit-environment",
        "/etc/systemd/system/nightly.service",
        "10.0.0.2",
        5432,
        "sql",
    );
    written.component = Component {
        class: ComponentClass::Unit,
        name: "nightly.service".into(),
    };
    told.writes("app1", written);
    assert_eq!(
        told.edges(),
        [
            "app1 app.service -> db1:5432 sql",
            "app1 nightly.service -> db1:5432 sql"
        ]
    );
}

#[test]
fn the_postfix_of_the_file_is_the_postfix_of_the_process() {
    let mut told = Told::default();
    told.host("web1", "10.0.0.1");
    told.calls("web1", "10.0.0.25", 25, bare("/usr/lib/postfix/sbin/smtp"));
    told.calls("web1", "10.0.0.25", 25, bare("/usr/bin/python3"));
    told.writes(
        "web1",
        reference(
            "postfix-relayhost",
            "/etc/postfix/main.cf",
            "10.0.0.25",
            25,
            "smtp-relay",
        ),
    );
    let edges = told.graph().dependencies;
    assert_eq!(edges.len(), 2);
    let postfix = edges
        .iter()
        .find(|d| d.witnesses.contains(&Witness::Written))
        .unwrap();
    assert_eq!(
        postfix.consumer.component.name,
        "/usr/lib/postfix/sbin/smtp".into()
    );
    assert_eq!(
        postfix.hidden_because,
        ["address-literal", "unauthenticated-relay"]
    );
}

#[test]
fn a_line_nobody_was_seen_using_is_config_only() {
    let mut told = app_and_database();
    told.name("app1", NameSource::Dns, "db1", &[], &["10.0.0.2"]);
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "db1", 5432, "sql"),
    );
    let edge = told.only_edge();
    assert_eq!((edge.basis, edge.count), (Basis::Declared, 0));
    assert_eq!(edge.hidden_because, ["config-only"]);
}

#[test]
fn an_alias_and_a_hosts_file_are_told_apart_from_the_own_name() {
    let mut told = app_and_database();
    told.name(
        "app1",
        NameSource::Dns,
        "sql.corp.example",
        &["db1.corp.example"],
        &["10.0.0.2"],
    );
    told.name("app1", NameSource::HostsFile, "olddb", &[], &["10.0.0.2"]);
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    let alone = told.clone();
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "sql.corp.example", 5432, "sql"),
    );
    assert_eq!(told.only_edge().hidden_because, ["alias"]);
    let mut told = alone.clone();
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "olddb", 5432, "sql"),
    );
    let edge = told.only_edge();
    assert_eq!(
        (edge.hidden_because, edge.reached_as),
        (
            vec!["hosts-file-override".to_owned()],
            Some("olddb".to_owned())
        )
    );
    let mut told = alone;
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "db1", 5432, "sql"),
    );
    assert!(!told.only_edge().hidden);
}

#[test]
fn all_programs_of_a_machine_need_its_resolver_once() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1");
    told.calls("app1", "10.0.0.53", 53, bare("/usr/bin/curl"))
        .calls(
            "app1",
            "10.0.0.53",
            53,
            unit("/usr/sbin/chronyd", "chrony.service"),
        );
    told.writes(
        "app1",
        reference(
            "resolv-nameserver",
            "/etc/resolv.conf",
            "10.0.0.53",
            53,
            "dns",
        ),
    );
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.name, "/etc/resolv.conf".into());
    assert_eq!(edge.details.programs.len(), 2);
    // A resolver can only be named by its address, and it stands in every list of host facts.
    assert!(!edge.hidden);
}

#[test]
fn a_host_key_once_met_is_no_need_but_confirms_one() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1");
    let mut met = reference(
        "ssh-known-hosts",
        "/root/.ssh/known_hosts",
        "10.0.0.9",
        22,
        "ssh",
    );
    met.weak = true;
    told.writes("app1", met);
    assert_eq!(told.edges(), Vec::<String>::new());
    told.calls("app1", "10.0.0.9", 22, bare("/usr/bin/ssh"));
    assert_eq!(
        told.only_edge().witnesses,
        [Witness::Live, Witness::Written]
    );
}

#[test]
fn a_mount_and_its_line_in_fstab_are_one_edge() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1");
    let remote = RemoteStorage {
        kind: "nfs".into(),
        peer: Peer::parse("10.0.0.8").unwrap(),
        port: None,
        resource: "/srv/data".into(),
        account: None,
    };
    let mount = FileSystem {
        mount_point: "/mnt/data".into(),
        device: "10.0.0.8:/srv/data".into(),
        kind: "nfs4".into(),
        bytes: None,
        remote: Some(remote),
    };
    told.say("app1", "host.storage", Fact::FileSystem(mount));
    told.writes(
        "app1",
        reference("fstab-nfs", "/etc/fstab", "10.0.0.8", 2049, "nfs"),
    );
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
    assert_eq!(edge.details.resources, ["/srv/data"]);
}

#[test]
fn a_mount_nobody_made_yet_and_its_line_are_one_edge_too() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1");
    let mut line = reference("fstab-nfs", "/etc/fstab", "files1", 2049, "nfs");
    line.resource = Some("/srv/data".into());
    told.writes("app1", line);
    let mount = FileSystem {
        mount_point: "/mnt/data".into(),
        device: "files1:/srv/data".into(),
        kind: "nfs4".into(),
        bytes: None,
        remote: Some(RemoteStorage {
            kind: "nfs".into(),
            peer: Peer::parse("files1").unwrap(),
            port: None,
            resource: "/srv/data".into(),
            account: None,
        }),
    };
    told.say("app1", "host.storage", Fact::FileSystem(mount));
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.name, "/mnt/data".into());
    assert_eq!(edge.details.written_in, ["/etc/fstab:3"]);
}

#[test]
fn a_call_within_one_machine_seen_from_both_sides_joins_its_line() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").listens(
        "app1",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    );
    let report = Program {
        working_directory: Some("/opt/report".into()),
        ..unit("/usr/bin/python3", "report.service")
    };
    told.calls("app1", "127.0.0.1", 5432, report);
    told.is_called(
        "app1",
        "127.0.0.1",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    );
    told.writes(
        "app1",
        reference("env-url", "/opt/report/.env", "127.0.0.1", 5432, "sql"),
    );
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Written]);
    assert_eq!(edge.consumer.component.name, "report.service".into());
    assert_eq!(edge.details.written_in, ["/opt/report/.env:3"]);
}

#[test]
fn a_clear_text_logon_is_hidden_until_it_is_protected() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").name(
        "app1",
        NameSource::Dns,
        "dc1.corp.example",
        &[],
        &["10.0.0.3"],
    );
    told.calls(
        "app1",
        "10.0.0.3",
        389,
        unit("/usr/sbin/nslcd", "nslcd.service"),
    );
    let mut written = reference(
        "nslcd-uri",
        "/etc/nslcd.conf",
        "dc1.corp.example",
        389,
        "ldap-bind",
    );
    written.protection = Some(Protection::None);
    let alone = told.clone();
    told.writes("app1", written.clone());
    assert_eq!(told.only_edge().hidden_because, ["cleartext-bind"]);
    let mut told = alone;
    written.protection = Some(Protection::Starttls);
    told.writes("app1", written);
    assert!(!told.only_edge().hidden);
}

#[test]
fn what_a_clock_starts_is_the_job_not_the_interpreter() {
    let mut told = app_and_database();
    let job = groma_model::fact::Job {
        scheduler: "cron".into(),
        name: "/etc/cron.d/report:2".into(),
        schedule: "0 3 1 * *".into(),
        rhythm: Some("monthly".into()),
        user: None,
        executable: Some("/usr/local/bin/report".into()),
        file: "/etc/cron.d/report".into(),
        ..groma_model::fact::Job::default()
    };
    told.say("app1", "host.jobs", Fact::Job(job));
    let program = Program {
        script: Some("/usr/local/bin/report".into()),
        ..unit("/usr/bin/bash", "cron.service")
    };
    told.calls("app1", "10.0.0.2", 5432, program);
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.class, ComponentClass::ScheduledJob);
    assert_eq!(edge.hidden_because, ["scheduled"]);
    assert_eq!(edge.rhythm.as_deref(), Some("monthly"));
}

#[test]
fn what_is_seen_in_one_of_many_samples_is_rare() {
    let mut told = app_and_database();
    told.listens("app1", 80, bare("/usr/sbin/nginx"));
    told.connection(
        "app1",
        Direction::Outgoing,
        "10.0.0.2",
        5432,
        bare("/usr/bin/psql"),
        1,
    );
    assert_eq!(told.only_edge().hidden_because, ["rare"]);
    let mut often = app_and_database();
    often.listens("app1", 80, bare("/usr/sbin/nginx"));
    often.connection(
        "app1",
        Direction::Outgoing,
        "10.0.0.2",
        5432,
        bare("/usr/bin/psql"),
        19,
    );
    assert!(!often.only_edge().hidden);
}

#[test]
fn every_edge_has_evidence_that_says_something() {
    let mut told = app_and_database();
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    let graph = told.graph();
    for id in graph.dependencies.iter().flat_map(|d| &d.evidence) {
        let line = graph
            .evidence
            .iter()
            .find(|e| e.id == *id)
            .expect("cited evidence is in the list");
        assert!(!line.says.is_empty());
    }
}

#[test]
fn order_and_repetition_do_not_matter() {
    let mut told = app_and_database();
    told.name("app1", NameSource::Dns, "db1", &[], &["10.0.0.2"]);
    told.calls(
        "app1",
        "10.0.0.2",
        5432,
        unit("/usr/bin/python3", "app.service"),
    );
    told.calls("app1", "10.0.0.2", 5432, bare("/usr/bin/psql"));
    told.writes(
        "app1",
        reference("env-url", "/opt/app/.env", "db1", 5432, "sql"),
    );
    told.is_called("db1", "10.0.0.1", 5432, Program::default());
    let once = told.graph();
    let mut chance = groma_fuzz::Chance::new(11);
    for _ in 0..20 {
        let mut shuffled = told.clone();
        shuffled.0.extend(told.0.clone());
        for at in (1..shuffled.0.len()).rev() {
            shuffled.0.swap(at, chance.below(at + 1));
        }
        assert_eq!(shuffled.graph(), once);
    }
}

fn script(host: &str, port: u16, kind: &str) -> Reference {
    Reference {
        component: Component {
            class: ComponentClass::Unit,
            name: "fetch.service".into(),
        },
        ..reference("shell-script", "/opt/fetch/run", host, port, kind)
    }
}

#[test]
fn settings_and_the_one_program_that_names_the_same_are_one_need() {
    let mut told = app_and_database();
    told.name(
        "app1",
        NameSource::Dns,
        "db1.corp.example",
        &[],
        &["10.0.0.2"],
    );
    told.writes("app1", script("db1.corp.example", 5432, "sql"));
    told.writes(
        "app1",
        reference(
            "settings",
            "/etc/fetch.ini",
            "db1.corp.example",
            5432,
            "sql",
        ),
    );
    let edge = told.only_edge();
    assert_eq!(edge.consumer.component.name, "fetch.service".into());
    assert_eq!(
        edge.details.written_in,
        ["/etc/fetch.ini:3", "/opt/fetch/run:3"]
    );
    // By another way, or where two programs could be meant, nobody knows.
    let mut by_address = told.clone();
    by_address.writes(
        "app1",
        reference("settings", "/etc/b.ini", "10.0.0.2", 5432, "sql"),
    );
    assert_eq!(by_address.edges().len(), 2);
    let mut two = told.clone();
    let mut other = script("db1.corp.example", 5432, "sql");
    other.component.name = "other.service".into();
    two.writes("app1", other);
    assert_eq!(two.edges().len(), 3);
}

#[test]
fn settings_of_another_application_keep_their_own_need() {
    let line = |rule: &str, file: &str, user: &str, database: &str| Reference {
        account: Some(user.into()),
        resource: Some(database.into()),
        ..reference(rule, file, "10.0.0.2", 5432, "sql")
    };
    let billing = |user: &str, database: &str| Reference {
        component: Component {
            class: ComponentClass::Unit,
            name: "billing.service".into(),
        },
        ..line(
            "unit",
            "/etc/systemd/system/billing.service",
            user,
            database,
        )
    };
    let edges = |settings: Reference| {
        let mut told = app_and_database();
        told.writes("app1", billing("billing", "billing"));
        told.writes("app1", settings);
        told.edges()
    };
    // Another account and another database, even in a directory of that name; or nothing that relates the two.
    for other in [
        line("php", "/srv/shop/config.php", "shop", "shop"),
        line("php", "/srv/billing/config.php", "shop", "billing"),
        line("php", "/srv/billing/config.php", "billing", "shop"),
        line("php", "/srv/shop/config.php", "billing", "billing"),
        reference("php", "/srv/shop/config.php", "10.0.0.2", 5432, "sql"),
    ] {
        assert_eq!(edges(other.clone()).len(), 2, "{other:?}");
    }
    for own in [
        line(
            "properties",
            "/etc/billing/db.properties",
            "billing",
            "billing",
        ),
        reference(
            "environment-file",
            "/etc/default/billing",
            "10.0.0.2",
            5432,
            "sql",
        ),
        line("billing", "/etc/own.conf", "billing", "billing"),
    ] {
        assert_eq!(edges(own), ["app1 billing.service -> db1:5432 sql"]);
    }
}

#[test]
fn a_bare_name_beside_a_stated_need_of_the_same_machine_is_no_second_need() {
    let bare = |host: &str| Reference {
        port: None,
        ..reference("peer", "/etc/list.yaml", host, 1, "other")
    };
    let mut told = app_and_database();
    told.writes("app1", bare("10.0.0.2"));
    assert_eq!(told.edges(), ["app1 /etc/list.yaml -> db1:? other"]);
    told.writes("app1", script("10.0.0.2", 161, "snmp"));
    let edge = told.only_edge();
    assert_eq!(edge.kind, "snmp");
    assert_eq!(
        edge.details.written_in,
        ["/etc/list.yaml:3", "/opt/fetch/run:3"]
    );
    // Another machine's need, or the same machine by another name, does not explain it.
    let mut other = app_and_database();
    other.writes("app1", bare("10.0.0.2"));
    other.name(
        "app1",
        NameSource::Dns,
        "db1.corp.example",
        &[],
        &["10.0.0.2"],
    );
    other.writes("app1", script("db1.corp.example", 161, "snmp"));
    assert_eq!(other.edges().len(), 2);
}

#[test]
fn what_a_whole_machine_shares_explains_no_bare_name() {
    let named = || Reference {
        port: None,
        ..reference(
            "environment-file",
            "/etc/default/app",
            "10.0.0.2",
            1,
            "other",
        )
    };
    let mut told = app_and_database();
    told.writes(
        "app1",
        reference("resolv-conf", "/etc/resolv.conf", "10.0.0.2", 53, "dns"),
    );
    told.writes("app1", named());
    assert_eq!(
        told.edges(),
        [
            "app1 /etc/default/app -> db1:? other",
            "app1 /etc/resolv.conf -> db1:53 dns"
        ]
    );
    // Another need beside it, of a program's own, does.
    told.writes("app1", script("10.0.0.2", 161, "snmp"));
    assert_eq!(told.edges().len(), 2);
}

#[test]
fn a_name_with_a_logon_is_no_bare_name() {
    let edges = |account: Option<&str>, has_secret: bool| {
        let mut told = app_and_database();
        told.writes("app1", script("10.0.0.2", 161, "snmp"));
        told.writes(
            "app1",
            Reference {
                port: None,
                account: account.map(Into::into),
                has_secret,
                ..reference(
                    "environment-file",
                    "/etc/default/app",
                    "10.0.0.2",
                    1,
                    "other",
                )
            },
        );
        told.graph().dependencies
    };
    let kept = edges(Some("licence"), true);
    assert!(kept.iter().any(|d| d.kind == "other"), "{kept:#?}");
    assert_eq!(edges(Some("licence"), false).len(), 2);
    assert_eq!(edges(None, true).len(), 2);
    assert_eq!(edges(None, false).len(), 1);
}

#[test]
fn a_bare_name_brings_its_rhythm_and_its_protection_to_the_need_of_its_own_part() {
    let given = |part: &str| {
        let mut told = app_and_database();
        told.writes("app1", script("10.0.0.2", 161, "snmp"));
        let mut named = Reference {
            port: None,
            protection: Some(Protection::None),
            rhythm: Some("nightly".into()),
            ..script("10.0.0.2", 161, "other")
        };
        named.component.name = part.into();
        told.writes("app1", named);
        let edge = told.only_edge();
        (edge.rhythm, edge.details.protection)
    };
    let nightly = Some("nightly".to_owned());
    assert_eq!(given("fetch.service"), (nightly, Some(Protection::None)));
    assert_eq!(given("other.service"), (None, None));
}
