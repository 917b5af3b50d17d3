//! How a server is known to be the right one: pinned, or signed by a named authority. Never believed unseen.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use groma_model::Reason;
use groma_model::foreign::hex;
use groma_source::Disk;
use groma_source::access::AccessError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use crate::cause::Cause;

const FILE_BYTES_MAX: u64 = 256 << 10;

/// By what the server is known to be the right one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Nothing was named: the conversation ends after the handshake, and the fingerprint is told.
    Nothing,
    /// SHA-256 of its certificate.
    Fingerprint([u8; 32]),
    /// Authorities that sign for its name.
    Authorities(Vec<CertificateDer<'static>>),
}

/// A fingerprint as an operator writes it: `sha256:` and 64 hex digits, with or without colons.
pub fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.strip_prefix("sha256:")?.replace(':', "");
    groma_model::foreign::unhex(&digits.to_lowercase())?
        .try_into()
        .ok()
}

/// The certificates of a file in PEM.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn authorities(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let read = disk.read(path, FILE_BYTES_MAX);
    let read = read.map_err(|error| AccessError::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&read.bytes)
        .filter_map(Result::ok)
        .collect();
    match all.is_empty() {
        true => Err(AccessError::Malformed {
            path: path.to_owned(),
            why: "no certificate in PEM".to_owned(),
        }),
        false => Ok(all),
    }
}

/// What a handshake is made with: the settings, and who remembers whom it met.
pub(crate) struct Handshake {
    pub(crate) settings: Arc<ClientConfig>,
    judge: Arc<Judge>,
    trust: Trust,
}

/// Our own certificate, leaf first, and its key.
pub(crate) type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Handshake {
    /// Settings that believe `trust` alone, and show `own`.
    pub(crate) fn new(trust: &Trust, own: Option<Own>) -> Result<Self, Cause> {
        let judge = Arc::new(Judge::new(trust)?);
        let unfit = |error: Error| untrusted(&error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .dangerous()
            .with_custom_certificate_verifier(judge.clone());
        let settings = match own {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unfit)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self {
            settings: Arc::new(settings),
            judge,
            trust: trust.clone(),
        })
    }

    /// Why a handshake failed. Nothing was said within it.
    pub(crate) fn cause(&self, error: &std::io::Error) -> Cause {
        match (self.judge.met(), &self.trust) {
            (Some(print), Trust::Nothing) => Cause {
                what: format!(
                    "the access file names no certificate; the server shows sha256:{print}, and nothing was sent to it"
                ),
                reason: Reason::Locked,
                remedy: format!(
                    "compare it on the server itself, then write pin = \"sha256:{print}\", or name the authority: ca = FILE"
                ),
            },
            (Some(print), Trust::Fingerprint(pin)) if print != hex(pin) => Cause::new(
                format!(
                    "the server shows another certificate than the pinned one: sha256:{print}; nothing was sent to it"
                ),
                Reason::Refused,
                "find out why before anything else: renewed, another server behind the name, or somebody between",
            ),
            _ => untrusted(&format!("TLS: {error}; no log-on was sent")),
        }
    }
}

fn untrusted(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::Refused,
        "name the server's certificate (pin) or its authority (ca) in the access file",
    )
}

/// Says whether the certificate is the one that was named, or signed by whom was named.
#[derive(Debug)]
struct Judge {
    provider: CryptoProvider,
    pinned: Option<[u8; 32]>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    met: Mutex<Option<String>>,
}

impl Judge {
    fn new(trust: &Trust) -> Result<Self, Cause> {
        let provider = ring::default_provider();
        let (pinned, authorities) = match trust {
            Trust::Nothing => (None, None),
            Trust::Fingerprint(pin) => (Some(*pin), None),
            Trust::Authorities(all) => (None, Some(verifier(all, &provider)?)),
        };
        Ok(Self {
            provider,
            pinned,
            authorities,
            met: Mutex::default(),
        })
    }

    fn met(&self) -> Option<String> {
        self.met
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn verifier(
    authorities: &[CertificateDer<'static>],
    provider: &CryptoProvider,
) -> Result<Arc<WebPkiServerVerifier>, Cause> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let provider = Arc::new(provider.clone());
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    built.map_err(|error| untrusted(&format!("ca: {error}")))
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let print: [u8; 32] = Sha256::digest(leaf.as_ref()).into();
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(hex(&print));
        match (&self.authorities, self.pinned) {
            (Some(authorities), _) => authorities.verify_server_cert(leaf, others, name, ocsp, now),
            (None, Some(pinned)) if pinned == print => Ok(ServerCertVerified::assertion()),
            _ => Err(Error::General(
                "not the certificate that was named".to_owned(),
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
