//! Says whether a certificate is the one that was named, or signed by whom was named.

use std::sync::{Arc, Mutex, PoisonError};

use groma_model::foreign::hex;
use groma_model::id::sha256;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{Distrust, Trust};

/// Judges one certificate after the other, and remembers the last.
#[derive(Debug)]
pub(crate) struct Judge {
    provider: CryptoProvider,
    pinned: Option<[u8; 32]>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    met: Mutex<Option<String>>,
}

impl Judge {
    pub(crate) fn new(trust: &Trust) -> Result<Self, Distrust> {
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

    /// The fingerprint of the certificate that was shown last, in hex.
    pub(crate) fn met(&self) -> Option<String> {
        self.met
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn verifier(
    authorities: &[CertificateDer<'static>],
    provider: &CryptoProvider,
) -> Result<Arc<WebPkiServerVerifier>, Distrust> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let provider = Arc::new(provider.clone());
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    built.map_err(|error| Distrust::unnamed(format!("ca: {error}")))
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
        let print = sha256(leaf);
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
