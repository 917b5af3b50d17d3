//! What the mail ledger's checks say, and where they are silent.

#![allow(clippy::unwrap_used, reason = "tests")]

use groma_model::fact::{MailRefusal, RelayBy, RelayRule};
use groma_model::hours::Hours;
use groma_model::inventory::{Inventory, Severity, WaveEntry};
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::{
    MailDomainEntry, MailLedgerEntry, MailRefusalEntry, MailServerEntry, MailSide,
};
use groma_model::name::Protection;
use groma_model::{EvidenceId, Port, Witness};

use crate::build::*;
use crate::{found, only};

fn to(name: &str, internal: Option<bool>) -> MailDomainEntry {
    MailDomainEntry {
        name: name.to_owned(),
        internal,
    }
}

fn rule(by: RelayBy, entry: &str) -> RelayRule {
    RelayRule {
        by,
        entry: entry.to_owned(),
        setting: "mynetworks".to_owned(),
        file: Some("/etc/postfix/main.cf".into()),
        line: Some(13),
        port: None,
    }
}

/// `copier1` sends out of the house through `mail1`, by its address.
fn sender() -> MailLedgerEntry {
    MailLedgerEntry {
        provider: id("mail1"),
        consumer: id("copier1"),
        side: MailSide::Sends,
        kind: "smtp-relay".to_owned(),
        protocol: None,
        clients: Vec::new(),
        software: Vec::new(),
        port: Some(Port(25)),
        account: None,
        accounts: 0,
        mechanism: None,
        protection: Some(Protection::None),
        addresses: vec!["10.20.1.201".parse().unwrap()],
        product: "Postfix".to_owned(),
        class: ConsumerClass::Device,
        class_because: vec!["sends as scan".to_owned()],
        helo: Vec::new(),
        tls: Vec::new(),
        certificate: false,
        sender_domains: vec![to("corp.example", Some(true))],
        recipient_domains: vec![
            to("corp.example", Some(true)),
            to("partner.example", Some(false)),
        ],
        allowed_by: Some(rule(RelayBy::Address, "10.20.1.200/29")),
        reached_by: None,
        reached_as: None,
        programs: Vec::new(),
        messages: 7,
        bytes: Some(70_000),
        refusals: Vec::new(),
        first_seen: in_days(-30),
        last_seen: in_days(-1),
        hours: Hours::default(),
        witnesses: vec![Witness::History],
        logs: vec!["/var/log/mail.log".to_owned()],
        evidence: vec![EvidenceId::of(&["mail", "copier1"])],
    }
}

fn with_row(change: impl FnOnce(&mut MailLedgerEntry)) -> Inventory {
    let mut row = sender();
    change(&mut row);
    let mut inventory = inventory(vec![host("mail1"), entity("host", "copier1")], Vec::new());
    inventory.mail_ledger = vec![row];
    inventory
}

fn with_server(allows: Vec<RelayRule>) -> Inventory {
    let mut inventory = with_row(|_| ());
    inventory.mail_servers = vec![MailServerEntry {
        entity: id("mail1"),
        product: "Postfix".to_owned(),
        domains: vec!["corp.example".to_owned()],
        domains_complete: true,
        allows,
        own_ports: Vec::new(),
        evidence: vec![EvidenceId::of(&["server", "mail1"])],
    }];
    inventory
}

pub(crate) mod by_address {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with_row(|_| ())
    }

    /// It logs on.
    pub(crate) fn negative() -> Inventory {
        with_row(|row| row.account = Some("svc-scan".to_owned()))
    }

    #[test]
    fn it_names_the_sender_the_proof_and_the_entry() {
        let finding = only("mail-relay-by-address", &positive());
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(
            finding.risk,
            "copier1 sends mail out of the house through mail1 because of its address alone: when a sender or the server gets another address, that mail is refused."
        );
        assert_eq!(
            finding.indicator,
            "1 sender without an account: copier1 (device: sends as scan); let through by 10.20.1.200/29 of mynetworks (/etc/postfix/main.cf:13)"
        );
        assert!(!finding.evidence.is_empty());
    }

    #[test]
    fn mail_for_the_house_itself_needs_no_leave() {
        let inside = with_row(|row| row.recipient_domains.truncate(1));
        assert!(found("mail-relay-by-address", &inside).is_empty());
        let refused = with_row(|row| row.messages = 0);
        assert!(found("mail-relay-by-address", &refused).is_empty());
    }
}

pub(crate) mod open_range {
    use super::*;

    pub(crate) fn positive() -> Inventory {
        with_server(vec![rule(RelayBy::Address, "0.0.0.0/0")])
    }

    pub(crate) fn negative() -> Inventory {
        with_server(vec![
            rule(RelayBy::Address, "127.0.0.0/8"),
            rule(RelayBy::Address, "10.20.1.0/24"),
            rule(RelayBy::Account, "permit_sasl_authenticated"),
        ])
    }

    #[test]
    fn the_house_is_less_than_the_world() {
        assert_eq!(
            only("mail-relay-open-range", &positive()).severity,
            Severity::Critical
        );
        for entry in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "10/8"] {
            let finding = only(
                "mail-relay-open-range",
                &with_server(vec![rule(RelayBy::Address, entry)]),
            );
            assert_eq!(finding.severity, Severity::Medium, "{entry}");
        }
        for entry in [
            "10.20.0.0/16",
            "192.168.1.0/24",
            "[::1]/128",
            "[fd20:1::]/48",
        ] {
            let inventory = with_server(vec![rule(RelayBy::Address, entry)]);
            assert!(
                found("mail-relay-open-range", &inventory).is_empty(),
                "{entry}"
            );
        }
    }
}

pub(crate) mod in_clear {
    use super::*;

    fn logs_on(mechanism: &str, protection: Option<Protection>) -> Inventory {
        with_row(|row| {
            row.account = Some("svc-old".to_owned());
            row.mechanism = Some(mechanism.to_owned());
            row.protection = protection;
        })
    }

    pub(crate) fn positive() -> Inventory {
        logs_on("LOGIN", Some(Protection::None))
    }

    pub(crate) fn negative() -> Inventory {
        logs_on("LOGIN", Some(Protection::Starttls))
    }

    #[test]
    fn an_answered_challenge_and_what_no_log_says_are_no_password_in_clear() {
        for quiet in [
            logs_on("CRAM-MD5", Some(Protection::None)),
            logs_on("PLAIN", None),
        ] {
            assert!(found("mail-logon-in-clear", &quiet).is_empty());
        }
        let finding = only("mail-logon-in-clear", &positive());
        assert!(
            finding.indicator.ends_with("LOGIN as svc-old at port 25"),
            "{}",
            finding.indicator
        );
    }

    #[test]
    fn one_need_is_told_by_one_check() {
        let mut inventory = positive();
        let open = with(depends("copier1", "smtp-relay", "mail1", 25), |d| {
            d.details.protection = Some(Protection::None);
            d.details.accounts = vec!["svc-old".to_owned()];
        });
        inventory.dependencies = vec![open];
        assert!(found("mail-logon-in-clear", &inventory).is_empty());
        assert_eq!(found("cleartext-mail-submission", &inventory).len(), 1);
    }

    #[test]
    fn reading_in_clear_is_told_beside_sending_in_clear() {
        let mut inventory = positive();
        let open = with(depends("copier1", "smtp-relay", "mail1", 25), |d| {
            d.details.protection = Some(Protection::None);
            d.details.accounts = vec!["svc-old".to_owned()];
        });
        inventory.dependencies = vec![open];
        inventory.mail_ledger.push(MailLedgerEntry {
            side: MailSide::Reads,
            kind: "imap".to_owned(),
            port: Some(Port(143)),
            mechanism: Some("PLAIN".to_owned()),
            protection: Some(Protection::None),
            ..sender()
        });
        let finding = only("mail-logon-in-clear", &inventory);
        assert!(
            finding.indicator.ends_with("PLAIN at port 143"),
            "{}",
            finding.indicator
        );
    }
}

pub(crate) mod tls_outdated {
    use super::*;

    fn speaks(versions: &[&str]) -> Inventory {
        with_row(|row| row.tls = versions.iter().map(|v| (*v).to_owned()).collect())
    }

    pub(crate) fn positive() -> Inventory {
        speaks(&["TLSv1"])
    }

    pub(crate) fn negative() -> Inventory {
        speaks(&["TLSv1", "TLSv1.2"])
    }

    #[test]
    fn it_says_which_version() {
        let finding = only("mail-tls-outdated", &positive());
        assert!(
            finding.risk.contains("in no newer way than TLSv1:"),
            "{}",
            finding.risk
        );
        assert!(found("mail-tls-outdated", &speaks(&[])).is_empty());
    }
}

pub(crate) mod refused {
    use super::*;

    fn refused(why: MailRefusal, days_ago: i64, messages: u64) -> Inventory {
        with_row(|row| {
            row.messages = messages;
            row.last_seen = in_days(-5);
            row.refusals = vec![MailRefusalEntry {
                why,
                count: 12,
                last_seen: in_days(-days_ago),
            }];
        })
    }

    pub(crate) fn positive() -> Inventory {
        refused(MailRefusal::LogonFailed, 1, 0)
    }

    /// It was let in again since.
    pub(crate) fn negative() -> Inventory {
        refused(MailRefusal::LogonFailed, 9, 3)
    }

    #[test]
    fn it_says_why_and_since_when() {
        let finding = only("mail-sender-refused", &positive());
        assert_eq!(
            finding.indicator,
            "copier1 has a wrong account or password (12 times, last 2026-11-19 12:00 UTC)"
        );
        let newer = refused(MailRefusal::RelayDenied, 1, 3);
        assert_eq!(found("mail-sender-refused", &newer).len(), 1);
        for quiet in [
            refused(MailRefusal::RecipientRejected, 1, 0),
            refused(MailRefusal::RelayDenied, 40, 0),
        ] {
            assert!(found("mail-sender-refused", &quiet).is_empty());
        }
    }
}

pub(crate) mod moves {
    use super::*;

    fn wave(state: &str, member: &str) -> Inventory {
        let mut inventory = with_row(|_| ());
        inventory.waves = vec![WaveEntry {
            name: "wave 2".to_owned(),
            order: 2,
            window: None,
            members: vec![member.to_owned()],
            state: state.to_owned(),
            ..WaveEntry::default()
        }];
        inventory
    }

    pub(crate) fn positive() -> Inventory {
        wave("planned", "mail1")
    }

    pub(crate) fn negative() -> Inventory {
        wave("planned", "files1")
    }

    #[test]
    fn only_what_is_known_to_leave_counts_and_only_before_the_move() {
        let finding = only("mail-relay-moves", &positive());
        assert!(
            finding
                .indicator
                .starts_with("1 domain outside (partner.example)"),
            "{}",
            finding.indicator
        );
        assert!(found("mail-relay-moves", &wave("moved", "mail1")).is_empty());
        let mut unknown = positive();
        unknown.mail_ledger[0].recipient_domains = vec![to("partner.example", None)];
        assert!(found("mail-relay-moves", &unknown).is_empty());
    }
}

#[test]
fn a_sender_that_names_its_server_by_address_is_told_by_the_check_for_all_addresses() {
    let mut inventory = with_row(|_| ());
    let mut by_address = depends("copier1", "smtp-relay", "mail1", 25);
    by_address.reached_by = Some(groma_model::inventory::ReachedBy::AddressLiteral);
    by_address.reached_as = Some("10.20.1.20".to_owned());
    inventory.dependencies = vec![by_address];
    assert_eq!(found("address-literal", &inventory).len(), 1);
}
