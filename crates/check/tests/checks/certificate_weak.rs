//! `certificate-weak`

use groma_model::fact::Certificate;
use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "certificate-weak";

fn with_weakness(change: impl FnOnce(&mut Certificate)) -> Inventory {
    let certificate = altered(certificate("mail.corp.example", 300), change);
    inventory(
        vec![
            host("mail1"),
            presented_at(certificate, "mail1", [10, 0, 0, 5], 465),
        ],
        Vec::new(),
    )
}

pub(crate) fn positive() -> Inventory {
    with_weakness(|c| c.key_bits = 1024)
}

pub(crate) fn negative() -> Inventory {
    with_weakness(|_| {})
}

#[test]
fn each_weakness_is_named() {
    assert_eq!(
        only(CHECK, &positive()).indicator,
        "RSA key of 1024 bits; presented at mail1:465"
    );
    let sha1 = with_weakness(|c| c.signature_algorithm = "sha1WithRSAEncryption".into());
    assert!(only(CHECK, &sha1).indicator.starts_with("SHA-1 signature"));
    let long = only(CHECK, &with_weakness(|c| c.not_before = in_days(-3600)));
    assert!(
        long.indicator.starts_with("valid for 10 years"),
        "{}",
        long.indicator
    );
    assert_eq!(long.severity, Severity::Low);
}

#[test]
fn two_weaknesses_of_one_certificate_are_one_finding() {
    let both = with_weakness(|c| {
        c.key_bits = 1024;
        c.signature_algorithm = "md5WithRSAEncryption".into();
    });
    assert_eq!(
        only(CHECK, &both).indicator,
        "RSA key of 1024 bits, MD5 signature; presented at mail1:465"
    );
}

#[test]
fn the_signature_of_a_self_signed_certificate_and_ten_years_sharp_are_silent() {
    let own = with_weakness(|c| {
        c.self_signed = true;
        c.signature_algorithm = "sha1WithRSAEncryption".into();
    });
    assert!(found(CHECK, &own).is_empty());
    assert!(
        found(
            CHECK,
            &with_weakness(|c| c.not_before = in_days(300 - 3650))
        )
        .is_empty()
    );
}

#[test]
fn an_elliptic_key_is_not_measured_like_an_rsa_key() {
    let elliptic = with_weakness(|c| {
        c.key_algorithm = "ecdsa".into();
        c.key_bits = 256;
    });
    assert!(found(CHECK, &elliptic).is_empty());
    let edwards = with_weakness(|c| {
        c.key_algorithm = "ed25519".into();
        c.key_bits = 256;
    });
    assert!(found(CHECK, &edwards).is_empty());
}
