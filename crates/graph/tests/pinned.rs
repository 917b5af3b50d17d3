//! Needs that hang on one certificate, and the hosts a certificate asks.

mod common;

use common::*;
use groma_model::fact::*;
use groma_model::inventory::Inventory;
use groma_model::{Fact, Peer, Port, Timestamp};

const SHA1: &str = "aabbccddeeff00112233445566778899aabbccdd";

fn certificate(place: CertificatePlace) -> Fact {
    Fact::Certificate(CertificateSighting {
        certificate: Certificate {
            sha256: "01".repeat(32),
            sha1: Some(SHA1.to_owned()),
            spki_sha256: "02".repeat(32),
            subject: "CN=mail.corp.example".to_owned(),
            issuer: "CN=House Authority".to_owned(),
            serial: "01".to_owned(),
            names: vec!["mail.corp.example".to_owned()],
            not_before: Timestamp::from_seconds(1_790_000_000),
            not_after: Timestamp::from_seconds(1_820_000_000),
            key_algorithm: "rsa".to_owned(),
            key_bits: 2048,
            signature_algorithm: "sha256WithRSAEncryption".to_owned(),
            authority: false,
            self_signed: false,
            status_hosts: Peer::parse("ocsp.corp.example").into_iter().collect(),
        },
        place,
        key_present: false,
        key: None,
        trust: None,
    })
}

fn presented() -> Fact {
    certificate(CertificatePlace::Endpoint {
        address: ip("10.0.0.2"),
        port: Port(587),
        protocol: "smtp".to_owned(),
        position: 0,
    })
}

fn office() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.say("mail1", "certificates.endpoints", presented());
    told.writes(
        "app1",
        reference("msmtp", "/etc/msmtprc", "10.0.0.2", 587, "smtp-submission"),
    );
    told
}

fn pin(file: &str, line: u32, digest: &str, of: &str) -> Fact {
    Fact::Pin(Pin {
        file: file.into(),
        line,
        key: "tls_fingerprint".to_owned(),
        algorithm: if digest.len() == 40 { "sha1" } else { "sha256" }.to_owned(),
        digest: digest.to_owned(),
        of: of.to_owned(),
    })
}

/// Whether the need of mail is hidden because of a pin, and the certificates the pins mean.
fn judged(told: &Told) -> (bool, usize) {
    let (graph, entities) = told.graph_and_entities();
    let now = Timestamp::from_seconds(1_795_165_200);
    let mut inventory = Inventory {
        dependencies: graph.dependencies,
        entities,
        ..empty(now)
    };
    groma_graph::pinned::mark(&mut inventory);
    let mail = inventory
        .dependencies
        .iter()
        .find(|d| d.kind == "smtp-submission");
    let mail = mail.expect("it was told");
    let meant = inventory.entities.iter().flat_map(|e| &e.attributes.pins);
    let pinned = mail
        .hidden_because
        .iter()
        .any(|r| r == "pinned-certificate");
    assert!(!pinned || mail.hidden);
    (pinned, meant.map(|entry| entry.certificates.len()).sum())
}

#[test]
fn a_hash_of_what_the_provider_presents_pins_the_need_of_it() {
    assert_eq!(judged(&office()), (false, 0));
    for (digest, of) in [
        (SHA1.to_owned(), "either"),
        ("01".repeat(32), "either"),
        ("02".repeat(32), "key"),
    ] {
        let mut told = office();
        told.say(
            "app1",
            "certificates.pins",
            pin("/etc/elsewhere.conf", 900, &digest, of),
        );
        assert_eq!(judged(&told), (true, 1), "{digest}");
    }
}

#[test]
fn a_hash_beside_the_line_pins_it_also_where_nobody_saw_the_certificate() {
    let mut told = office();
    told.say(
        "app1",
        "certificates.pins",
        pin("/etc/msmtprc", 5, &"77".repeat(32), "either"),
    );
    assert_eq!(judged(&told), (true, 0));
    let mut far = office();
    far.say(
        "app1",
        "certificates.pins",
        pin("/etc/msmtprc", 300, &"77".repeat(32), "either"),
    );
    assert_eq!(judged(&far), (false, 0));
    let mut other = office();
    other.say(
        "mail1",
        "certificates.pins",
        pin("/etc/msmtprc", 5, &"77".repeat(32), "either"),
    );
    assert_eq!(judged(&other), (false, 0), "a file of another host");
}

#[test]
fn a_hash_belongs_to_the_machine_that_is_named_nearest() {
    let mut told = office();
    told.host("relay1", "10.0.0.3");
    let mut nearer = reference("msmtp", "/etc/msmtprc", "10.0.0.3", 25, "smtp");
    nearer.line = 11;
    told.writes("app1", nearer);
    told.say(
        "app1",
        "certificates.pins",
        pin("/etc/msmtprc", 12, &"77".repeat(32), "either"),
    );
    assert_eq!(judged(&told), (false, 0));
}

#[test]
fn a_copy_without_a_key_pins_as_a_hash_does() {
    let mut told = office();
    let copy = CertificatePlace::File {
        path: "/etc/ssl/certs/mail-copy.pem".into(),
        position: 0,
    };
    told.say("app1", "certificates.files", certificate(copy));
    assert_eq!(judged(&told), (true, 0));
}

#[test]
fn who_says_whether_a_certificate_holds_is_needed() {
    let graph = office().graph();
    let status: Vec<_> = graph
        .dependencies
        .iter()
        .filter(|d| d.kind == "certificate-status")
        .collect();
    assert_eq!(
        status.len(),
        1,
        "{:?}",
        graph.dependencies.iter().map(short).collect::<Vec<_>>()
    );
    assert_eq!(status[0].provider.name, "ocsp.corp.example");
    assert_eq!(status[0].reached_as.as_deref(), Some("ocsp.corp.example"));
    // One that is only kept in a file asks nobody.
    let mut told = Told::default();
    told.host("app1", "10.0.0.1");
    let place = CertificatePlace::File {
        path: "/etc/ssl/certs/x.pem".into(),
        position: 0,
    };
    told.say("app1", "certificates.files", certificate(place));
    assert!(told.graph().dependencies.is_empty());
}
