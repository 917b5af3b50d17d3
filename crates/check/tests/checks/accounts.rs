//! `shared-account`, `service-account-interactive`, `anonymous-directory-bind`, `ntlm-client`

use groma_model::inventory::{Dependency, Inventory, Severity};
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::{EvidenceId, Port, Witness};

use crate::build::*;
use crate::{found, only};

/// `consumer` used `provider`, as its log tells.
fn row(
    consumer: &str,
    kind: &str,
    provider: &str,
    account: Option<&str>,
    mechanism: &str,
) -> LedgerEntry {
    LedgerEntry {
        provider: id(provider),
        kind: kind.to_owned(),
        consumer: id(consumer),
        class: ConsumerClass::Server,
        port: Some(Port(389)),
        name: None,
        account: account.map(str::to_owned),
        mechanism: Some(mechanism.to_owned()),
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
        first_seen: in_days(-9),
        last_seen: in_days(-1),
        hours: groma_model::Hours::default(),
        witnesses: vec![Witness::History],
        logs: vec!["/var/log/slapd.log".to_owned()],
        evidence: vec![EvidenceId::of(&["row", consumer, kind, provider])],
    }
}

fn estate(needs: Vec<Dependency>, rows: Vec<LedgerEntry>) -> Inventory {
    let hosts = ["app1", "app2", "app3", "app4", "dir1", "db1", "db2"].map(host);
    let mut inventory = inventory(hosts.into(), needs);
    inventory.ledger = rows;
    inventory
}

fn as_account(consumer: &str, kind: &str, provider: &str, account: &str) -> Dependency {
    with(depends(consumer, kind, provider, 389), |d| {
        d.details.accounts = vec![account.to_owned()];
    })
}

fn bind(consumer: &str, account: &str) -> Dependency {
    as_account(consumer, "ldap-bind", "dir1", account)
}

pub(crate) mod shared {
    use super::*;

    const DN: &str = "cn=svc-ldap,ou=services,dc=corp,dc=example";

    pub(crate) fn positive() -> Inventory {
        estate(
            vec![bind("app1", DN), bind("app2", "CORP\\svc-ldap")],
            vec![row("app3", "ldap-bind", "dir1", Some(DN), "simple")],
        )
    }

    pub(crate) fn negative() -> Inventory {
        // Two of one account, and one of another.
        estate(
            vec![
                bind("app1", DN),
                bind("app2", DN),
                bind("app3", "cn=svc-mail,dc=corp,dc=example"),
            ],
            Vec::new(),
        )
    }

    #[test]
    fn whoever_uses_it_is_told() {
        let finding = only("shared-account", &positive());
        assert_eq!(finding.severity, Severity::Medium);
        assert!(
            finding.risk.starts_with("3 machines log on as svc-ldap:"),
            "{}",
            finding.risk
        );
        assert_eq!(
            finding.indicator,
            "svc-ldap at dir1: used from app1, app2 and app3"
        );
    }

    #[test]
    fn an_account_that_no_settings_name_is_a_persons() {
        let rows = ["app1", "app2", "app3"].map(|from| {
            row(
                from,
                "ldap-bind",
                "dir1",
                Some("uid=anna,dc=corp"),
                "simple",
            )
        });
        assert_eq!(
            found("shared-account", &estate(Vec::new(), rows.into())),
            []
        );
    }

    #[test]
    fn accounts_of_two_databases_are_two_and_everybody_has_a_root() {
        let of = |app, db, account| as_account(app, "sql", db, account);
        let apart = vec![
            of("app1", "db1", "erp"),
            of("app2", "db1", "erp"),
            of("app3", "db2", "erp"),
        ];
        assert_eq!(found("shared-account", &estate(apart, Vec::new())), []);
        let root = vec![
            of("app1", "db1", "root"),
            of("app2", "db1", "root"),
            of("app3", "db1", "root"),
        ];
        assert_eq!(found("shared-account", &estate(root, Vec::new())), []);
    }
}

#[test]
fn an_admin_of_three_servers_is_three_accounts() {
    let of = |app, kind, server| as_account(app, kind, server, "admin");
    let needs = vec![
        of("app1", "http", "db1"),
        of("app2", "smtp-submission", "db2"),
        of("app3", "smb", "dir1"),
    ];
    let rows = vec![row(
        "app4",
        "rdp",
        "db1",
        Some("admin"),
        "remote-interactive",
    )];
    let estate = estate(needs, rows);
    assert_eq!(found("shared-account", &estate), []);
    assert_eq!(found("service-account-interactive", &estate), []);
}

#[test]
fn accounts_of_two_domains_are_two() {
    let of = |app, account| as_account(app, "smb", "db1", account);
    let needs = vec![
        of("app1", "CORP\\svc-backup"),
        of("app2", "CORP\\svc-backup"),
        of("app3", "OTHER\\svc-backup"),
    ];
    assert_eq!(found("shared-account", &estate(needs, Vec::new())), []);
}

#[test]
fn accounts_of_two_directories_that_begin_alike_are_two() {
    let risks = |accounts: [&str; 4]| {
        let apps = ["app1", "app2", "app3", "app4"].into_iter();
        let needs = apps.zip(accounts);
        let needs = needs.map(|(app, account)| as_account(app, "smb", "db1", account));
        found("shared-account", &estate(needs.collect(), Vec::new()))
    };
    let realms = [
        "svc-backup@AD.ONE.EXAMPLE",
        "svc-backup@AD.ONE.EXAMPLE",
        "svc-backup@AD.TWO.EXAMPLE",
        "AD\\svc-backup",
    ];
    assert_eq!(risks(realms), []);
    let names = [
        "cn=svc-backup,dc=ad,dc=one,dc=example",
        "cn=svc-backup,dc=ad,dc=one,dc=example",
        "cn=svc-backup,dc=ad,dc=two,dc=example",
        "cn=svc-backup,dc=ad,dc=two,dc=example",
    ];
    assert_eq!(risks(names), []);
    // Its twin: one directory, in each way to write it.
    let one = [
        "svc-backup@AD.ONE.EXAMPLE",
        "cn=svc-backup,dc=ad,dc=one,dc=example",
        "AD\\svc-backup",
        "AD.ONE.EXAMPLE\\svc-backup",
    ];
    assert_eq!(risks(one).len(), 1);
}

pub(crate) mod interactive {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        estate(
            vec![bind("app1", "CORP\\svc-erp")],
            vec![row(
                "app2",
                "rdp",
                "db1",
                Some("svc-erp"),
                "remote-interactive",
            )],
        )
    }

    pub(crate) fn negative() -> Inventory {
        // The program itself, over the network; a person at a desktop; a key of a nightly copy.
        estate(
            vec![bind("app1", "CORP\\svc-erp")],
            vec![
                row("app1", "smb", "db1", Some("svc-erp"), "network"),
                row("app2", "rdp", "db1", Some("anna"), "remote-interactive"),
                row("app3", "ssh", "db1", Some("svc-erp"), "publickey"),
            ],
        )
    }

    #[test]
    fn it_says_where_from_and_when() {
        let finding = only("service-account-interactive", &positive());
        assert_eq!(
            finding.indicator,
            "7 logons to db1 from app2, last 2026-11-19; a program uses it towards dir1"
        );
    }
}

pub(crate) mod anonymous {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        estate(
            Vec::new(),
            vec![row("app1", "ldap-bind", "dir1", Some(""), "simple")],
        )
    }

    pub(crate) fn negative() -> Inventory {
        // One that says who it is afterwards, one whose account the log does not tell, and another service.
        estate(
            Vec::new(),
            vec![
                row("app1", "ldap-bind", "dir1", Some(""), "simple"),
                row("app1", "ldap-bind", "dir1", Some("cn=a"), "simple"),
                row("app2", "ldap-bind", "dir1", None, "simple"),
                row("app3", "ftp", "dir1", Some(""), "anonymous"),
            ],
        )
    }

    #[test]
    fn it_counts_binds_and_machines() {
        let finding = only("anonymous-directory-bind", &positive());
        assert_eq!(finding.indicator, "7 binds as nobody, from app1");
    }
}

pub(crate) mod ntlm {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        estate(
            Vec::new(),
            vec![row("app1", "smb", "dir1", Some("scan1"), "NTLMv2")],
        )
    }

    pub(crate) fn negative() -> Inventory {
        estate(
            Vec::new(),
            vec![
                row("app1", "smb", "dir1", Some("scan1"), "krb5"),
                row("app2", "ldap-bind", "dir1", Some("svc"), "GSSAPI"),
            ],
        )
    }

    #[test]
    fn its_first_version_is_graver() {
        let finding = only("ntlm-client", &positive());
        assert_eq!(
            (finding.severity, finding.indicator.as_str()),
            (Severity::Medium, "NTLMv2 from app1; as scan1")
        );
        let old = estate(Vec::new(), vec![row("app1", "smb", "dir1", None, "NTLMv1")]);
        assert_eq!(only("ntlm-client", &old).severity, Severity::High);
    }
}
