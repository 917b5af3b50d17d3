//! Clients of a directory that no log tells have rows too, and none has two.

mod common;

use common::*;
use groma_model::fact::{
    Component, ComponentClass, Direction, DirectoryNeed, LoggedUse, NameSource, NeedReason,
    Program, Reference, ReportedUse,
};
use groma_model::inventory::ReachedBy;
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::name::Protection;
use groma_model::{Fact, Peer, Port, Transport, Witness};

const READER: &str = "cn=reader,ou=services,dc=corp,dc=example";

fn app_and_directory() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("ldap1", "10.0.0.2");
    told.name(
        "app1",
        NameSource::Dns,
        "ldap.corp.example",
        &[],
        &["10.0.0.2"],
    );
    told
}

/// What the settings of sssd say: account, password, base and how the way is protected.
fn sssd(account: Option<&str>, protection: Option<Protection>) -> Reference {
    Reference {
        component: Component {
            class: ComponentClass::Unit,
            name: "sssd.service".into(),
        },
        account: account.map(Into::into),
        has_secret: account.is_some(),
        resource: Some("uid=anna,ou=people,dc=corp,dc=example".into()),
        protection,
        ..reference(
            "sssd-ldap",
            "/etc/sssd/sssd.conf",
            "ldap.corp.example",
            389,
            "ldap-bind",
        )
    }
}

fn log(account: Option<&str>, mechanism: Option<&str>) -> Fact {
    Fact::LoggedUse(LoggedUse {
        product: "OpenLDAP".into(),
        direction: Direction::Incoming,
        kind: "ldap-bind".into(),
        peer: ip("10.0.0.1"),
        name: None,
        port: Some(Port(389)),
        transport: Transport::Tcp,
        account: account.map(Into::into),
        mechanism: mechanism.map(Into::into),
        program: None,
        share: None,
        protection: Some(Protection::None),
        log: "/var/log/slapd.log".into(),
    })
}

fn connected(account: Option<&str>, protection: Option<Protection>) -> Fact {
    Fact::DirectoryNeed(DirectoryNeed {
        consumer: Peer::Address(ip("10.0.0.1")),
        provider: Peer::Address(ip("10.0.0.2")),
        port: Some(Port(389)),
        transport: Transport::Tcp,
        kind: "ldap-bind".into(),
        reason: NeedReason::Connection,
        account: account.map(Into::into),
        resource: None,
        protection,
        dn: "cn=Connection 1,cn=Connections,cn=Monitor".into(),
        attribute: "monitorConnectionAuthzDN".into(),
    })
}

fn rows(told: &Told) -> Vec<LedgerEntry> {
    let rows = told.graph().ledger;
    assert!(rows.iter().all(|row| !row.evidence.is_empty()), "{rows:#?}");
    rows
}

fn only(told: &Told) -> LedgerEntry {
    let mut rows = rows(told);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

#[test]
fn a_client_only_its_settings_tell_has_a_row_with_what_they_say() {
    let mut told = app_and_directory();
    told.writes("app1", sssd(Some(READER), Some(Protection::Starttls)));
    let row = only(&told);
    assert_eq!(row.account.as_deref(), Some(READER));
    assert_eq!(row.mechanism.as_deref(), Some("simple"));
    assert_eq!(row.protection, Some(Protection::Starttls));
    assert_eq!((row.port, row.count), (Some(Port(389)), 0));
    assert_eq!(row.class, ConsumerClass::Application);
    assert_eq!(row.programs, ["sssd.service"]);
    assert_eq!(row.witnesses, [Witness::Written]);
    assert_eq!(row.written_in, ["/etc/sssd/sssd.conf:3"]);
    assert_eq!(row.reached_by, Some(ReachedBy::Name));
    assert_eq!(row.reached_as.as_deref(), Some("ldap.corp.example"));
    assert_eq!(
        row.bases,
        ["…,ou=people,dc=corp,dc=example"],
        "no person is named"
    );
    assert!(row.logs.is_empty());
}

#[test]
fn a_client_only_its_flows_tell_has_a_row_with_what_the_port_says() {
    for (port, protection) in [(636, Some(Protection::Tls)), (389, None)] {
        let mut told = app_and_directory();
        told.calls(
            "app1",
            "10.0.0.2",
            port,
            unit("/usr/bin/python3", "crm.service"),
        );
        let row = only(&told);
        assert_eq!((row.protection, row.account.as_deref()), (protection, None));
        assert_eq!(row.mechanism, None);
        assert_eq!(row.witnesses, [Witness::Live]);
        assert!(
            row.programs.iter().any(|p| p.contains("crm.service")),
            "{row:#?}"
        );
        assert!(row.count > 0);
    }
}

#[test]
fn a_client_only_the_directory_shows_connected_has_a_row() {
    let mut told = app_and_directory();
    told.say(
        "ldap1",
        "directory.objects",
        connected(Some(READER), Some(Protection::Tls)),
    );
    let row = only(&told);
    assert_eq!(row.account.as_deref(), Some(READER));
    assert_eq!(row.protection, Some(Protection::Tls));
    assert_eq!(row.witnesses, [Witness::Network]);
}

#[test]
fn what_several_tell_of_one_account_is_one_row_with_all_witnesses() {
    let mut told = app_and_directory();
    let spelled = "CN=reader, OU=services,DC=corp,DC=example";
    told.writes("app1", sssd(Some(READER), None));
    told.calls(
        "app1",
        "10.0.0.2",
        389,
        unit("/usr/sbin/sssd", "sssd.service"),
    );
    told.say("ldap1", "log.services", log(Some(spelled), Some("simple")));
    told.say("ldap1", "directory.objects", connected(Some(READER), None));
    let row = only(&told);
    assert_eq!(
        row.account.as_deref(),
        Some(spelled),
        "as the log spells it"
    );
    assert_eq!(
        row.witnesses,
        [
            Witness::Live,
            Witness::History,
            Witness::Written,
            Witness::Network
        ]
    );
    assert_eq!(row.reached_as.as_deref(), Some("ldap.corp.example"));
    assert_eq!(row.evidence.len(), 4);
    assert_eq!(row.logs, ["/var/log/slapd.log"]);
}

#[test]
fn an_account_that_is_set_up_and_never_logged_on_is_a_row_beside_the_one_that_does() {
    let mut told = app_and_directory();
    told.writes("app1", sssd(Some(READER), None));
    let other = "cn=other,ou=services,dc=corp,dc=example";
    told.say("ldap1", "log.services", log(Some(other), Some("simple")));
    let rows = rows(&told);
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.account.as_deref(),
                row.witnesses.contains(&Witness::History),
                row.count,
            )
        })
        .collect();
    // Who the log tells is somebody else on that machine, and no part of it that is known.
    assert_eq!(told, [(Some(READER), false, 0), (Some(other), true, 3)]);
}

#[test]
fn a_log_that_tells_no_account_means_the_one_that_is_set_up() {
    let mut told = app_and_directory();
    told.writes("app1", sssd(Some(READER), None));
    told.say("ldap1", "log.services", log(None, None));
    let row = only(&told);
    assert_eq!(row.account.as_deref(), Some(READER));
    assert_eq!(row.witnesses, [Witness::History, Witness::Written]);
}

#[test]
fn nobody_is_an_account_of_its_own() {
    let mut told = app_and_directory();
    told.writes("app1", sssd(None, None));
    told.say("ldap1", "log.services", log(Some(""), Some("simple")));
    let row = only(&told);
    assert_eq!(row.account.as_deref(), Some(""));
    let mut named = app_and_directory();
    named.writes("app1", sssd(Some(READER), None));
    named.say("ldap1", "log.services", log(Some(""), Some("simple")));
    assert_eq!(rows(&named).len(), 2);
}

#[test]
fn what_is_seen_between_two_machines_joins_with_its_own_witness() {
    let used = ReportedUse {
        consumer: Peer::Address(ip("10.0.0.1")),
        provider: Peer::Address(ip("10.0.0.2")),
        kind: "ldap-bind".into(),
        port: Some(Port(389)),
        transport: Transport::Tcp,
        product: "Active Directory".into(),
        account: Some("CORP\\reader".into()),
        mechanism: Some("simple".into()),
        program: None,
        client: None,
        protection: Some(Protection::None),
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: None,
        log: "dc1.evtx".into(),
    };
    let mut told = app_and_directory();
    told.writes("app1", sssd(Some(READER), None));
    told.say("app1", "log.windows", Fact::ReportedUse(used.clone()));
    assert_eq!(only(&told).programs, ["sssd.service"]);
    // What was refused is no use, and tells nothing of what is set up.
    let mut refused = app_and_directory();
    refused.writes("app1", sssd(Some(READER), None));
    let used = ReportedUse {
        refused: true,
        ..used
    };
    refused.say("app1", "log.windows", Fact::ReportedUse(used));
    assert_eq!(rows(&refused).len(), 2);
}

#[test]
fn what_is_no_directory_and_what_a_machine_asks_of_itself_is_no_row() {
    let mut told = app_and_directory();
    told.calls("app1", "10.0.0.2", 443, bare("/usr/bin/curl"));
    told.writes(
        "app1",
        reference("env", "/opt/app/.env", "ldap.corp.example", 5432, "sql"),
    );
    told.writes(
        "ldap1",
        reference(
            "ldap-conf",
            "/etc/ldap/ldap.conf",
            "127.0.0.1",
            389,
            "ldap-bind",
        ),
    );
    assert_eq!(rows(&told), []);
}

#[test]
fn rows_know_the_rhythm_of_the_job_that_does_it() {
    let mut told = app_and_directory();
    let mut job = sssd(Some(READER), None);
    job.component = Component {
        class: ComponentClass::ScheduledJob,
        name: "/etc/cron.d/export:1".into(),
    };
    job.rhythm = Some("monthly".into());
    told.writes("app1", job);
    told.say("ldap1", "log.services", log(Some(READER), Some("simple")));
    let row = only(&told);
    assert_eq!(row.rhythm.as_deref(), Some("monthly"));
    assert_eq!(row.programs, ["/etc/cron.d/export:1"]);
}

#[test]
fn the_order_in_which_it_arrives_changes_no_row() {
    let mut told = app_and_directory();
    told.writes("app1", sssd(Some(READER), None));
    told.calls("app1", "10.0.0.2", 389, Program::default());
    told.calls(
        "app1",
        "10.0.0.2",
        636,
        unit("/usr/bin/python3", "crm.service"),
    );
    told.say("ldap1", "log.services", log(Some(READER), Some("simple")));
    told.say("ldap1", "log.services", log(None, None));
    told.say("ldap1", "directory.objects", connected(Some(""), None));
    told.say("ldap1", "directory.objects", connected(Some(READER), None));
    let once = told.graph().ledger;
    for turn in 1..told.0.len() {
        let mut turned = told.clone();
        turned.0.rotate_left(turn);
        if turn % 2 == 0 {
            turned.0.reverse();
        }
        assert_eq!(turned.graph().ledger, once);
    }
}

#[test]
fn spellings_of_one_account_that_do_not_stand_side_by_side_are_one_row() {
    let mut told = app_and_directory();
    for account in ["CN=svc-erp,DC=x", "CORP\\app", "svc-erp@corp"] {
        told.writes("app1", sssd(Some(account), None));
    }
    let rows = rows(&told);
    let accounts: Vec<_> = rows.iter().map(|row| row.account.as_deref()).collect();
    assert_eq!(accounts, [Some("CN=svc-erp,DC=x"), Some("CORP\\app")]);
}

#[test]
fn who_is_connected_as_nobody_is_who_logs_on_as_nobody() {
    let mut told = app_and_directory();
    told.say("ldap1", "log.services", log(None, None));
    told.say("ldap1", "directory.objects", connected(Some(""), None));
    let row = only(&told);
    assert_eq!(row.witnesses, [Witness::History, Witness::Network]);
    // Somebody is not nobody.
    told.say("ldap1", "directory.objects", connected(Some(READER), None));
    assert_eq!(rows(&told).len(), 2);
}

#[test]
fn a_connection_without_an_account_is_evidence_of_all_it_may_mean() {
    let mut told = app_and_directory();
    let other = "cn=other,ou=services,dc=corp,dc=example";
    for account in [READER, other] {
        told.say("ldap1", "log.services", log(Some(account), Some("simple")));
    }
    told.say("ldap1", "directory.objects", connected(None, None));
    let rows = rows(&told);
    assert_eq!(rows.len(), 2, "{rows:#?}");
    for row in rows {
        assert_eq!(row.witnesses, [Witness::History, Witness::Network]);
        assert_eq!(row.evidence.len(), 2);
    }
}

#[test]
fn a_client_whose_settings_name_a_mechanism_logs_on_by_it() {
    let mut told = app_and_directory();
    let gssapi = || Reference {
        mechanism: Some("GSSAPI".into()),
        has_secret: false,
        ..sssd(Some("host/app1.corp.example@CORP.EXAMPLE"), None)
    };
    told.writes("app1", gssapi());
    let row = only(&told);
    assert_eq!(row.mechanism.as_deref(), Some("GSSAPI"));
    assert_eq!(row.count, 0);
    // A log that knows the account and no mechanism has the one of the settings; one that knows another believes itself.
    let account = Some("uid=host/app1.corp.example,cn=gssapi,cn=auth");
    for (logged, want) in [(None, "GSSAPI"), (Some("SIMPLE"), "SIMPLE")] {
        let mut told = app_and_directory();
        told.writes("app1", gssapi());
        told.say_seen("ldap1", "log.services", log(account, logged), 3);
        let row = only(&told);
        assert_eq!(row.mechanism.as_deref(), Some(want));
    }
    // Another account's mechanism is nobody's to guess.
    let mut told = app_and_directory();
    told.writes("app1", gssapi());
    told.say_seen(
        "ldap1",
        "log.services",
        log(Some("cn=other,dc=corp"), None),
        3,
    );
    let rows = rows(&told);
    let other = rows
        .iter()
        .find(|row| row.account.as_deref() == Some("cn=other,dc=corp"));
    assert_eq!(other.unwrap().mechanism, None);
}
