//! Roots: what the certificates of authorities say, without any key.

use std::fs;
use std::io;
use std::path::Path;

use groma_model::Timestamp;
use groma_model::foreign::hex;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{ParsedExtension, X509Certificate};

use super::private::{Names, read_text};
use super::{AuthorityError, files};

/// The certificate of one authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    pem: String,
    certificate: CertificateDer<'static>,
    digest: [u8; 32],
    /// What certificates name the key by that signed them.
    key_id: String,
    until: Timestamp,
}

/// How far the replacing of an authority has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// There is one, and nothing is under way.
    Alone,
    /// The next one is there and is announced; the present one signs.
    Prepared,
    /// The next one has become the present one, and signs; the former one is believed still.
    Switched,
}

/// Every root of one fleet at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roots {
    /// The one that signs.
    pub present: Root,
    /// The one that will sign.
    pub next: Option<Root>,
    /// The one that signed before.
    pub former: Option<Root>,
}

impl Root {
    /// The root in this file, if it is there.
    pub(crate) fn in_file(path: &Path) -> Result<Option<Self>, AuthorityError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::of(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(files("read", path)(error)),
        }
    }

    fn of(pem: &str, path: &Path) -> Result<Self, AuthorityError> {
        let damaged = |why: String| AuthorityError::Damaged {
            path: path.to_owned(),
            why,
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| damaged(format!("{error:?}")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            pem: pem.to_owned(),
            digest: Sha256::digest(parsed.public_key().raw).into(),
            key_id: key_id(&parsed),
            until: Timestamp::from_millis(
                parsed.validity().not_after.timestamp().saturating_mul(1000),
            ),
            certificate: certificate.clone(),
        })
    }

    /// SHA-256 over its public key (SubjectPublicKeyInfo).
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The same in hex: what agents say they believe, and what tokens carry.
    pub fn pin(&self) -> String {
        hex(&self.digest)
    }

    /// When it ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

impl Roots {
    /// The roots in a directory whose key is the one with this digest. A switch that was interrupted between its two renames is seen as done:
    /// which of them signs is said by the key.
    pub(crate) fn around(names: &Names, key: &[u8; 32]) -> Result<Self, AuthorityError> {
        let in_authority = Root::of(&read_text(&names.certificate)?, &names.certificate)?;
        let in_next = Root::in_file(&names.next)?;
        let others = |root: &Root| root.digest != *key;
        let is_present = |root: &&Root| root.digest == *key;
        let present = [Some(&in_authority), in_next.as_ref()]
            .into_iter()
            .flatten()
            .find(is_present);
        let present = present.cloned().ok_or_else(|| AuthorityError::Damaged {
            path: names.certificate.clone(),
            why: "it does not belong to authority.key".to_owned(),
        })?;
        let former = Root::in_file(&names.former)?.filter(others);
        Ok(Self {
            present,
            next: in_next.filter(others),
            former,
        })
    }

    /// How far the replacing has come.
    pub fn phase(&self) -> Phase {
        match (&self.former, &self.next) {
            (Some(_), _) => Phase::Switched,
            (None, Some(_)) => Phase::Prepared,
            (None, None) => Phase::Alone,
        }
    }

    /// All that are believed, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &Root> {
        std::iter::once(&self.present)
            .chain(&self.next)
            .chain(&self.former)
    }

    /// Their certificates, one after the other (PEM): whom an agent may believe.
    pub fn pem(&self) -> String {
        let lines = |root: &Root| root.pem.trim_end().to_owned() + "\n";
        self.all().map(lines).collect()
    }

    /// True if whoever says that it believes these believes as we do.
    pub fn are(&self, believed: &[String]) -> bool {
        let ours: Vec<String> = self.all().map(Root::pin).collect();
        ours.len() == believed.len() && ours.iter().all(|pin| believed.contains(pin))
    }

    /// The one that signed a certificate which the handshake has verified and which names its signer's key so.
    pub(crate) fn signer(&self, key_id: &str) -> Option<&Root> {
        self.all().find(|root| root.key_id == key_id)
    }
}

/// The certificates of all authorities in `directory` that are believed, for whoever only judges; no key is read, and none is made.
///
/// # Errors
/// One cannot be read, or is none.
pub(crate) fn certificates_in(
    directory: &Path,
) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let names = Names::of(directory);
    let mut found: Vec<CertificateDer<'static>> = Vec::new();
    for path in [&names.certificate, &names.next, &names.former] {
        found.extend(Root::in_file(path)?.map(|root| root.certificate));
    }
    Ok(found)
}

/// The bridge to this root. Without it, whoever knows the former authority alone would be lost.
pub(crate) fn bridge_in(
    names: &Names,
    to: &Root,
) -> Result<CertificateDer<'static>, AuthorityError> {
    let bridge = Root::of(&read_text(&names.bridge)?, &names.bridge)?;
    match bridge.digest == to.digest {
        true => Ok(bridge.certificate),
        false => Err(AuthorityError::Damaged {
            path: names.bridge.clone(),
            why: "it does not lead to the authority that signs".to_owned(),
        }),
    }
}

/// What an authority is named by in the certificates it makes (RFC 5280 §4.2.1.2), in hex.
fn key_id(certificate: &X509Certificate<'_>) -> String {
    let mut extensions = certificate.extensions().iter();
    let found = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(hex(id.0)),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Which key a certificate says it was signed by (RFC 5280 §4.2.1.1), in hex.
pub(crate) fn signer_id(certificate: &X509Certificate<'_>) -> String {
    let mut extensions = certificate.extensions().iter();
    let found = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| hex(id.0))
        }
        _ => None,
    });
    found.unwrap_or_default()
}
