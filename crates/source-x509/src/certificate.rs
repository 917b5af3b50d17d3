//! DER bytes of one certificate → [`Certificate`]. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::fact::Certificate;
use groma_model::foreign::hex;
use groma_model::{HostName, Peer, Timestamp};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::key::PublicHalf;
use crate::text::distinguished_name;

/// Names and status hosts of one certificate beyond this number are left out.
const NAMES_MAX: usize = 4_096;

/// A certificate, and the public half of its key for comparing with private keys.
#[derive(Clone)]
pub(crate) struct Parsed {
    pub(crate) certificate: Certificate,
    pub(crate) public_half: PublicHalf,
}

/// The certificate in `der`, of a store that is no file; `None` if it is none. What stands behind it is ignored.
pub fn certificate(der: &[u8]) -> Option<Certificate> {
    parse(der).map(|parsed| parsed.certificate)
}

/// Reads one certificate from the front of `der`; what stands behind it is ignored, as in OpenSSL's
/// `TRUSTED CERTIFICATE`. `None` if it is not one.
pub(crate) fn parse(der: &[u8]) -> Option<Parsed> {
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    let key = x509.public_key();
    let (key_algorithm, key_bits) = key_kind(key);
    let certificate = Certificate {
        sha256: hex(&Sha256::digest(x509.as_raw())),
        sha1: Some(hex(&Sha1::digest(x509.as_raw()))),
        spki_sha256: hex(&Sha256::digest(key.raw)),
        subject: distinguished_name(x509.subject()),
        issuer: distinguished_name(x509.issuer()),
        serial: serial(x509.raw_serial()),
        names: names(&x509),
        not_before: Timestamp::from_seconds(x509.validity().not_before.timestamp()),
        not_after: Timestamp::from_seconds(x509.validity().not_after.timestamp()),
        key_algorithm,
        key_bits,
        signature_algorithm: signature(&x509.signature_algorithm.algorithm.to_id_string()),
        authority: x509.is_ca(),
        self_signed: is_self_signed(&x509),
        status_hosts: status_hosts(&x509),
    };
    Some(Parsed {
        certificate,
        public_half: PublicHalf::of(&key.subject_public_key.data),
    })
}

/// Lower-case hex without the sign octet that DER may put in front.
fn serial(raw: &[u8]) -> String {
    match raw {
        [0, rest @ ..] if !rest.is_empty() => hex(rest),
        _ => hex(raw),
    }
}

fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> (String, u32) {
    let oid = key.algorithm.algorithm.to_id_string();
    let parsed = key.parsed().ok();
    let bits = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (word, size) = match (oid.as_str(), parsed) {
        ("1.3.101.112", _) => ("ed25519", 256),
        ("1.3.101.113", _) => ("ed448", 456),
        ("1.2.840.113549.1.1.10", _) => ("rsa-pss", pss_bits(key)),
        (_, Some(PublicKey::RSA(rsa))) => ("rsa", bits(rsa.key_size())),
        (_, Some(PublicKey::EC(point))) => (
            "ecdsa",
            curve_bits(key).unwrap_or_else(|| bits(point.key_size())),
        ),
        (_, Some(PublicKey::DSA(_))) => ("dsa", 0),
        _ => return (oid, 0),
    };
    (word.to_owned(), size)
}

/// Size of the field of a named curve; a point alone says it only to the next octet.
fn curve_bits(key: &SubjectPublicKeyInfo<'_>) -> Option<u32> {
    let curve = key
        .algorithm
        .parameters
        .as_ref()?
        .as_oid()
        .ok()?
        .to_id_string();
    Some(match curve.as_str() {
        "1.2.840.10045.3.1.1" => 192,
        "1.3.132.0.33" => 224,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7" => 256,
        "1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11" => 384,
        "1.3.36.3.3.2.8.1.1.13" => 512,
        "1.3.132.0.35" => 521,
        _ => return None,
    })
}

fn pss_bits(key: &SubjectPublicKeyInfo<'_>) -> u32 {
    use crate::der;
    let modulus = der::expect(&key.subject_public_key.data, der::SEQUENCE)
        .and_then(|(public, _)| der::expect(public.content, der::INTEGER))
        .map(|(modulus, _)| modulus.content.iter().skip_while(|&&b| b == 0).count());
    modulus
        .and_then(|octets| u32::try_from(octets * 8).ok())
        .unwrap_or(0)
}

fn signature(oid: &str) -> String {
    match oid {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.10040.4.3" => "dsaWithSHA1",
        "1.2.840.10045.4.1" => "ecdsaWithSHA1",
        "1.2.840.10045.4.3.1" => "ecdsaWithSHA224",
        "1.2.840.10045.4.3.2" => "ecdsaWithSHA256",
        "1.2.840.10045.4.3.3" => "ecdsaWithSHA384",
        "1.2.840.10045.4.3.4" => "ecdsaWithSHA512",
        "1.3.101.112" => "ed25519",
        "1.3.101.113" => "ed448",
        other => other,
    }
    .to_owned()
}

fn extensions<'a, 'b>(
    x509: &'b X509Certificate<'a>,
) -> impl Iterator<Item = &'b ParsedExtension<'a>> {
    x509.extensions()
        .iter()
        .map(|extension| extension.parsed_extension())
}

fn names(x509: &X509Certificate<'_>) -> Vec<String> {
    let all: BTreeSet<String> = extensions(x509)
        .filter_map(|extension| match extension {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(text) | GeneralName::RFC822Name(text) => Some((*text).to_owned()),
            GeneralName::IPAddress(octets) => address(octets).map(|a| a.to_string()),
            _ => None,
        })
        .take(NAMES_MAX)
        .collect();
    all.into_iter().collect()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// Equal subject and issuer are not enough: a renewed authority may sign its own next key.
fn is_self_signed(x509: &X509Certificate<'_>) -> bool {
    let mut own = None;
    let mut signer = None;
    for extension in extensions(x509) {
        match extension {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                signer = id.key_identifier.as_ref().map(|id| id.0)
            }
            _ => {}
        }
    }
    let same_key = own.is_none() || signer.is_none() || own == signer;
    same_key && x509.subject().as_raw() == x509.issuer().as_raw()
}

/// Hosts in the URLs of CRL distribution points and authority information access.
fn status_hosts(x509: &X509Certificate<'_>) -> Vec<Peer> {
    let all: BTreeSet<Peer> = extensions(x509)
        .flat_map(locations)
        .filter_map(host_of)
        .take(NAMES_MAX)
        .collect();
    all.into_iter().collect()
}

fn locations<'a>(extension: &'a ParsedExtension<'_>) -> Vec<&'a str> {
    let uri = |name: &'a GeneralName<'_>| match name {
        GeneralName::URI(text) => Some(*text),
        _ => None,
    };
    match extension {
        ParsedExtension::AuthorityInfoAccess(access) => access
            .iter()
            .filter_map(|a| uri(&a.access_location))
            .collect(),
        ParsedExtension::CRLDistributionPoints(points) => points
            .iter()
            .filter_map(|point| match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => Some(names),
                _ => None,
            })
            .flatten()
            .filter_map(uri)
            .collect(),
        _ => Vec::new(),
    }
}

/// The host of a URL with an authority; `ldap:///CN=…` and `file:` have none.
fn host_of(url: &str) -> Option<Peer> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    if let Some(literal) = host.strip_prefix('[') {
        return literal.split(']').next()?.parse().ok().map(Peer::Address);
    }
    let host = host.split(':').next()?;
    host.parse()
        .ok()
        .map(Peer::Address)
        .or_else(|| HostName::parse(host).map(Peer::Name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_out_of_urls_that_have_one() {
        let host = |url| host_of(url).map(|p| p.to_string());
        assert_eq!(
            host("http://crl.corp.example/root.crl").as_deref(),
            Some("crl.corp.example")
        );
        assert_eq!(
            host("http://10.0.0.5:8080/ocsp").as_deref(),
            Some("10.0.0.5")
        );
        assert_eq!(host("ldap://[fd00::5]/CN=x").as_deref(), Some("fd00::5"));
        assert_eq!(
            host("ldap:///CN=CA,DC=corp?certificateRevocationList"),
            None
        );
        assert_eq!(host("file:\\\\ca1\\CertEnroll\\x.crl"), None);
    }

    #[test]
    fn a_serial_loses_its_sign_octet_only() {
        assert_eq!(
            (serial(&[0, 0x9a, 1]), serial(&[0]), serial(&[1, 0])),
            ("9a01".into(), "00".into(), "0100".into())
        );
    }
}
