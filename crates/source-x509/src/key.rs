//! Private keys: is there one, and is its public half the one in a certificate?
//!
//! The key itself never leaves this module. What is kept is a hash of its public half, which is the
//! content of the subjectPublicKey BIT STRING (RFC 5280 §4.1.2.7).

use rustls::crypto::ring::sign::any_eddsa_type;
use rustls_pki_types::PrivatePkcs8KeyDer;
use sha2::{Digest, Sha256};

use crate::der;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A hash of the public half of a key pair. Two that are equal belong to the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PublicHalf([u8; 32]);

impl PublicHalf {
    /// Of the content of a subjectPublicKey.
    pub(crate) fn of(subject_public_key: &[u8]) -> Self {
        Self(Sha256::digest(subject_public_key).into())
    }
}

/// True for the label of any private key in PEM.
pub(crate) fn is_key_label(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// The public half of the private key in `bytes`, which stood under the PEM label `label`, or in a
/// DER file (`label` empty). `None` for an encrypted key, or of a kind whose public half is not in it.
pub(crate) fn public_half(label: &str, bytes: &[u8]) -> Option<PublicHalf> {
    match label {
        "RSA PRIVATE KEY" => pkcs1(bytes),
        "EC PRIVATE KEY" => sec1(bytes),
        "PRIVATE KEY" => pkcs8(bytes),
        "" => pkcs8(bytes)
            .or_else(|| pkcs1(bytes))
            .or_else(|| sec1(bytes)),
        _ => None,
    }
}

/// RSAPrivateKey (RFC 8017 §A.1.2): version, modulus, public exponent, then what must not be read.
fn pkcs1(bytes: &[u8]) -> Option<PublicHalf> {
    let (key, _) = der::expect(bytes, der::SEQUENCE)?;
    let (_, rest) = der::expect(key.content, der::INTEGER)?;
    let (modulus, rest) = der::expect(rest, der::INTEGER)?;
    let (exponent, _) = der::expect(rest, der::INTEGER)?;
    let public = der::sequence(&[modulus.whole, exponent.whole].concat());
    (modulus.content.len() >= 64).then(|| PublicHalf::of(&public))
}

/// ECPrivateKey (RFC 5915 §3): its public key stands in `[1]`, if it was written at all.
fn sec1(bytes: &[u8]) -> Option<PublicHalf> {
    let (key, _) = der::expect(bytes, der::SEQUENCE)?;
    let (_, rest) = der::expect(key.content, der::INTEGER)?;
    let (_, rest) = der::expect(rest, der::OCTET_STRING)?;
    let holder = der::each(rest).find(|element| element.tag == der::CONTEXT_1)?;
    let (bits, _) = der::expect(holder.content, der::BIT_STRING)?;
    let (&unused, point) = bits.content.split_first()?;
    (unused == 0).then(|| PublicHalf::of(point))
}

/// PrivateKeyInfo (RFC 5958 §2): version, algorithm, and the key of that algorithm in an OCTET STRING.
fn pkcs8(bytes: &[u8]) -> Option<PublicHalf> {
    let (info, _) = der::expect(bytes, der::SEQUENCE)?;
    let (_, rest) = der::expect(info.content, der::INTEGER)?;
    let (algorithm, rest) = der::expect(rest, der::SEQUENCE)?;
    let (oid, _) = der::expect(algorithm.content, der::OBJECT_IDENTIFIER)?;
    let (inner, _) = der::expect(rest, der::OCTET_STRING)?;
    match oid.content {
        RSA | RSA_PSS => pkcs1(inner.content),
        ELLIPTIC => sec1(inner.content),
        ED25519 => edwards(bytes),
        _ => None,
    }
}

/// An Ed25519 key holds only its seed: the public half has to be computed.
fn edwards(bytes: &[u8]) -> Option<PublicHalf> {
    let key = any_eddsa_type(&PrivatePkcs8KeyDer::from(bytes)).ok()?;
    let public = key.public_key()?;
    let (info, _) = der::expect(public.as_ref(), der::SEQUENCE)?;
    let (_, rest) = der::expect(info.content, der::SEQUENCE)?;
    let (bits, _) = der::expect(rest, der::BIT_STRING)?;
    bits.content.get(1..).map(PublicHalf::of)
}
