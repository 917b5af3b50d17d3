//! A session that accepts every certificate and writes it down.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Certificates of one chain that are kept.
const CHAIN_MAX: usize = 32;

/// What the other side presents of itself.
#[derive(Clone, Debug)]
pub struct Presented(Arc<Mutex<Vec<Vec<u8>>>>);

impl Presented {
    /// The DER bytes of the chain, leaf first; empty as long as none came. What was taken is not given again.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A session of TLS 1.2 or 1.3 with `name`, and where its chain will stand. For an address no server name is sent
/// (RFC 6066 §3). Nothing is resumed and no certificate of ours shown.
///
/// # Errors
/// `name` cannot be said in TLS.
pub fn session(name: ServerName<'static>) -> Result<(ClientConnection, Presented), rustls::Error> {
    let presented = Presented(Arc::default());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut schemes = provider
        .signature_verification_algorithms
        .supported_schemes();
    schemes.extend([
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::ECDSA_SHA1_Legacy,
        SignatureScheme::ECDSA_NISTP521_SHA512,
    ]);
    let onlooker = Onlooker {
        presented: presented.clone(),
        schemes,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(onlooker))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok((ClientConnection::new(Arc::new(config), name)?, presented))
}

/// Private to this module on purpose: nothing that carries data may ever be verified by it.
#[derive(Debug)]
struct Onlooker {
    presented: Presented,
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf)
            .chain(others)
            .take(CHAIN_MAX)
            .map(|der| der.to_vec())
            .collect();
        let mut kept = self
            .presented
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
