//! Which authority a certificate stands on, where several have one name.

mod common;

use common::{Told, ip};
use groma_model::fact::*;
use groma_model::*;

fn file(path: &str, position: u32) -> CertificatePlace {
    CertificatePlace::File {
        path: path.into(),
        position,
    }
}

fn presented(address: &str, position: u32) -> CertificatePlace {
    CertificatePlace::Endpoint {
        address: ip(address),
        port: Port(6443),
        protocol: "tls".to_owned(),
        position,
    }
}

/// A certificate met at a place; `number` is its print, `key` that of its key.
fn met(number: u8, key: u8, subject: &str, issuer: &str, place: CertificatePlace) -> Fact {
    Fact::Certificate(CertificateSighting {
        certificate: Certificate {
            sha256: format!("{number:02x}").repeat(32),
            sha1: None,
            spki_sha256: format!("{key:02x}").repeat(32),
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            serial: format!("{number:02x}"),
            names: Vec::new(),
            not_before: Timestamp::from_seconds(1_790_000_000),
            not_after: Timestamp::from_seconds(1_820_000_000 + i64::from(number)),
            key_algorithm: "rsa".to_owned(),
            key_bits: 2048,
            signature_algorithm: "sha256WithRSAEncryption".to_owned(),
            authority: subject == "CN=kubernetes",
            self_signed: subject == issuer,
            status_hosts: Vec::new(),
        },
        place,
        key_present: false,
        key: None,
        trust: None,
    })
}

fn authority(number: u8, key: u8, place: CertificatePlace) -> Fact {
    met(number, key, "CN=kubernetes", "CN=kubernetes", place)
}

fn leaf(number: u8, place: CertificatePlace) -> Fact {
    met(number, number, "CN=apiserver", "CN=kubernetes", place)
}

/// Two clusters, each with an authority of its own and one name.
fn clusters() -> Told {
    let mut told = Told::default();
    told.host("node1", "10.0.0.1").host("node2", "10.0.0.2");
    for (node, number) in [("node1", 1), ("node2", 2)] {
        let place = file("/etc/kubernetes/pki/ca.crt", 0);
        told.say(node, "certificates.files", authority(number, number, place));
    }
    told
}

/// The print of the authority each certificate is issued by, leaf by leaf.
fn issuers(told: &Told) -> Vec<String> {
    let (graph, entities) = told.graph_and_entities();
    let edges = graph.dependencies.iter();
    let issued = edges.filter(|d| d.kind == "certificate-issued-by");
    let prints = issued.map(|d| {
        let authority = entities.iter().find(|e| e.id == d.provider.entity);
        let certificate = authority.and_then(|e| e.attributes.certificate.as_ref());
        certificate.map(|c| c.serial.clone()).unwrap_or_default()
    });
    prints.collect()
}

#[test]
fn of_two_authorities_of_one_name_the_one_on_the_leafs_host_issued_it() {
    for (node, number) in [("node1", "01"), ("node2", "02")] {
        let mut told = clusters();
        let place = file("/etc/kubernetes/pki/apiserver.crt", 0);
        told.say(node, "certificates.files", leaf(9, place));
        assert_eq!(issuers(&told), [number]);
    }
}

#[test]
fn of_two_on_the_host_the_one_in_the_chain_issued_it() {
    let mut told = clusters();
    told.say(
        "node1",
        "certificates.files",
        authority(2, 2, file("/root/other-ca.crt", 0)),
    )
    .say(
        "node1",
        "certificates.endpoints",
        leaf(9, presented("10.0.0.1", 0)),
    )
    .say(
        "node1",
        "certificates.endpoints",
        authority(2, 2, presented("10.0.0.1", 1)),
    );
    assert_eq!(issuers(&told), ["02"]);
}

#[test]
fn nobody_is_named_where_several_authorities_might_have_issued_it() {
    let mut told = clusters();
    told.host("web1", "10.0.0.3");
    told.say(
        "web1",
        "certificates.files",
        leaf(9, file("/etc/ssl/web.crt", 0)),
    );
    assert!(issuers(&told).is_empty(), "neither was met there");
    for number in [1, 2] {
        let place = file("/etc/ssl/certs/ca-certificates.crt", u32::from(number));
        told.say(
            "web1",
            "certificates.files",
            authority(number, number, place),
        );
    }
    assert!(issuers(&told).is_empty(), "both are trusted there");
}

#[test]
fn one_authority_renewed_with_its_key_is_one_and_an_only_one_needs_no_place() {
    let mut told = Told::default();
    told.host("node1", "10.0.0.1").host("web1", "10.0.0.3");
    told.say(
        "node1",
        "certificates.files",
        authority(1, 7, file("/pki/old.crt", 0)),
    )
    .say(
        "web1",
        "certificates.files",
        leaf(9, file("/etc/ssl/web.crt", 0)),
    );
    assert_eq!(issuers(&told), ["01"]);
    told.say(
        "node1",
        "certificates.files",
        authority(3, 7, file("/pki/new.crt", 0)),
    );
    assert_eq!(issuers(&told), ["03"], "the newest");
}
