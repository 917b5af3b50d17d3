//! `certificate-expires-soon`

use groma_model::fact::CertificatePlace;
use groma_model::inventory::{CertificatePlaceEntry, Entity, Inventory, Severity};
use groma_model::{EvidenceState, Port};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "certificate-expires-soon";
const LAN: [u8; 4] = [10, 0, 0, 5];

fn presented(days: i64) -> Inventory {
    with_certificates(vec![presented_at(
        certificate("mail.corp.example", days),
        "mail1",
        LAN,
        465,
    )])
}

fn with_certificates(certificates: Vec<Entity>) -> Inventory {
    let mut entities = vec![host("mail1"), host("app1")];
    entities.extend(certificates);
    inventory(
        entities,
        vec![depends("app1", "smtp-submission", "mail1", 465)],
    )
}

pub(crate) fn positive() -> Inventory {
    presented(20)
}

pub(crate) fn negative() -> Inventory {
    presented(91)
}

#[test]
fn the_nearer_the_end_the_graver() {
    let severity = |days| only(CHECK, &presented(days)).severity;
    assert_eq!(severity(3), Severity::Critical);
    assert_eq!(severity(30), Severity::High);
    assert_eq!(severity(90), Severity::Medium);
    assert_eq!(severity(-1), Severity::High);
}

#[test]
fn expired_has_its_own_words() {
    let finding = only(CHECK, &presented(-10));
    assert!(
        finding.risk.contains("has expired and is still in use"),
        "{}",
        finding.risk
    );
    assert!(
        finding
            .indicator
            .contains("expired on 2026-11-10 (10 days ago)"),
        "{}",
        finding.indicator
    );
}

#[test]
fn it_says_where_until_when_who_uses_it_and_by_when_to_act() {
    let finding = only(CHECK, &presented(20));
    assert_eq!(
        finding.indicator,
        "presented at mail1:465, valid until 2026-12-10 (in 20 days); 1 machine connects through it"
    );
    assert_eq!(
        finding.impact,
        "app1 can no longer connect, without anybody having changed anything."
    );
    assert_eq!(
        finding.control_date.map(|d| d.day()),
        Some("2026-11-26".to_owned())
    );
}

#[test]
fn authorities_in_files_and_the_upper_part_of_a_chain_are_silent() {
    let authority = altered(
        in_file(
            certificate("house authority", 5),
            "mail1",
            "/etc/ssl/ca.pem",
            true,
        ),
        |c| c.authority = true,
    );
    let anchor = in_file(
        certificate("root", 5),
        "mail1",
        "/etc/ssl/certs/root.pem",
        false,
    );
    let mut intermediate = certificate("middle", 5);
    let place = CertificatePlace::Endpoint {
        address: LAN.into(),
        port: Port(465),
        protocol: "tls".into(),
        position: 1,
    };
    intermediate.attributes.places.push(CertificatePlaceEntry {
        host: id("mail1"),
        place,
        key_present: false,
        key: None,
        trust: None,
        last_seen: None,
        state: EvidenceState::Current,
    });
    assert!(
        found(
            CHECK,
            &with_certificates(vec![authority, anchor, intermediate])
        )
        .is_empty()
    );
}

#[test]
fn one_certificate_at_two_listeners_is_one_finding() {
    let twice = presented_at(
        presented_at(certificate("mail.corp.example", 20), "mail1", LAN, 465),
        "mail1",
        LAN,
        993,
    );
    assert!(
        only(CHECK, &with_certificates(vec![twice]))
            .indicator
            .starts_with("presented at mail1:465 and mail1:993,")
    );
}

#[test]
fn who_is_set_up_to_use_it_is_said_with_its_file_and_port() {
    let certificate = presented_at(certificate("mail.corp.example", 20), "mail1", LAN, 465);
    let used = used_by(certificate, "mail1", "postfix.service", &[465]);
    let finding = only(CHECK, &with_certificates(vec![used]));
    assert!(
        finding
            .indicator
            .contains("; used by postfix.service on mail1 through /etc/ssl/tls.pem, port 465"),
        "{}",
        finding.indicator
    );
}

#[test]
fn an_old_copy_that_a_service_is_still_set_up_to_load_speaks() {
    let old = in_file(
        certificate("mail.corp.example", 20),
        "mail1",
        "/etc/ssl/tls.pem",
        true,
    );
    let new = presented_at(certificate("mail.corp.example", 300), "mail1", LAN, 465);
    let loaded = used_by(old, "mail1", "dovecot.service", &[]);
    assert_eq!(found(CHECK, &with_certificates(vec![loaded, new])).len(), 1);
}

#[test]
fn the_old_copy_of_a_renewed_certificate_is_silent() {
    let old = in_file(
        certificate("mail.corp.example", 20),
        "mail1",
        "/etc/mail/archive/1.pem",
        true,
    );
    assert_eq!(
        only(CHECK, &with_certificates(vec![old.clone()])).severity,
        Severity::Medium,
        "alone it speaks"
    );
    let new = presented_at(certificate("mail.corp.example", 300), "mail1", LAN, 465);
    assert!(found(CHECK, &with_certificates(vec![old, new])).is_empty());
}

#[test]
fn what_only_the_machine_itself_can_reach_is_less_grave() {
    let local = presented_at(certificate("localhost", 20), "mail1", [127, 0, 0, 1], 8443);
    let mut inventory = with_certificates(vec![local]);
    assert_eq!(only(CHECK, &inventory).severity, Severity::Medium);
    inventory
        .listeners
        .push(listener("mail1", 8443, "web.service"));
    assert_eq!(
        only(CHECK, &inventory).severity,
        Severity::High,
        "the listener is bound to every address"
    );
}

/// The certificate that `mail1:465` presented five days ago, and what stands there now.
fn not_confirmed(listens: bool, renewed: bool) -> Inventory {
    let old = presented_at(certificate("mail.corp.example", 20), "mail1", LAN, 465);
    let mut certificates = vec![not_seen_since(old, 5)];
    if renewed {
        let new = certificate("mail.corp.example", 300);
        certificates.push(presented_at(new, "mail1", LAN, 465));
    }
    let mut estate = with_certificates(certificates);
    for entity in &mut estate.entities {
        entity.has_agent = entity.kind == "host";
    }
    if listens {
        estate
            .listeners
            .push(listener("mail1", 465, "postfix.service"));
    }
    estate
}

#[test]
fn what_a_port_presented_once_is_judged_with_its_date_while_nobody_could_ask_again() {
    let finding = only(CHECK, &not_confirmed(true, false));
    assert!(
        finding
            .indicator
            .contains("mail1:465 (last seen 2026-11-15)"),
        "{}",
        finding.indicator
    );
    // Twins: another one was met there since, or nothing listens there any more.
    assert!(found(CHECK, &not_confirmed(true, true)).is_empty());
    assert!(found(CHECK, &not_confirmed(false, false)).is_empty());
}
