//! `pinned-certificate`

use groma_model::EvidenceId;
use groma_model::fact::Pin;
use groma_model::inventory::{Entity, Inventory, PinEntry, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "pinned-certificate";

pub(crate) fn pins(mut host: Entity, file: &str, of: &str, certificates: &[&Entity]) -> Entity {
    host.attributes.pins.push(PinEntry {
        pin: Pin {
            file: file.into(),
            line: 3,
            key: "tls_fingerprint".to_owned(),
            algorithm: "sha256".to_owned(),
            digest: "aa".repeat(32),
            of: of.to_owned(),
        },
        certificates: certificates.iter().map(|c| c.id.clone()).collect(),
        evidence: EvidenceId::of(&["pin", file]),
    });
    host
}

fn estate(days: i64, of: &str) -> Inventory {
    let mail = presented_at(
        certificate("mail.corp.example", days),
        "mail1",
        [10, 0, 0, 5],
        587,
    );
    let app = pins(host("app1"), "/etc/msmtprc", of, &[&mail]);
    inventory(vec![host("mail1"), app, mail], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    estate(200, "either")
}

pub(crate) fn negative() -> Inventory {
    let mail = presented_at(
        certificate("mail.corp.example", 200),
        "mail1",
        [10, 0, 0, 5],
        587,
    );
    let app = pins(host("app1"), "/etc/msmtprc", "either", &[]);
    inventory(vec![host("mail1"), app, mail], Vec::new())
}

#[test]
fn it_names_what_stops_where_it_is_written_and_when_it_is_renewed() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert!(
        finding
            .risk
            .starts_with("1 setting on app1 trusts the certificate of"),
        "{}",
        finding.risk
    );
    assert!(
        finding
            .indicator
            .contains("/etc/msmtprc:3 on app1 (tls_fingerprint)"),
        "{}",
        finding.indicator
    );
    assert!(
        finding.indicator.ends_with("presented at mail1:587"),
        "{}",
        finding.indicator
    );
    assert_eq!(finding.control_date, Some(in_days(200)));
}

#[test]
fn one_that_is_renewed_soon_is_grave_unless_only_its_key_is_pinned() {
    assert_eq!(only(CHECK, &estate(20, "either")).severity, Severity::High);
    assert_eq!(only(CHECK, &estate(20, "key")).severity, Severity::Medium);
}

#[test]
fn a_hash_nobody_knows_is_a_question_and_no_finding() {
    assert!(found(CHECK, &negative()).is_empty());
    let asked = groma_check::questions(&negative());
    let about: Vec<_> = asked
        .iter()
        .filter(|q| q.question.contains("/etc/msmtprc:3"))
        .collect();
    assert_eq!(about.len(), 1, "{asked:?}");
    let known = groma_check::questions(&positive());
    assert!(!known.iter().any(|q| q.question.contains("/etc/msmtprc:3")));
}
