//! Whom an agent believes, within the handshake.

use std::sync::Arc;

use groma_model::foreign::hex;
use groma_wire::talk::COLLECTOR;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::identity::Identity;
use crate::link::LinkError;

/// Whom to believe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The collector whose authority's public key has this SHA-256.
    Pin([u8; 32]),
    /// Whoever one of these authorities has made a collector (PEM).
    Authorities(String),
}

/// The settings of a connection, with our certificate if we have one.
pub(crate) fn settings(
    trust: &Trust,
    identity: Option<&Identity>,
) -> Result<Arc<ClientConfig>, LinkError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Pin(pin) => Arc::new(Pinned {
            pin: *pin,
            provider: provider.clone(),
        }),
        Trust::Authorities(pem) => Arc::new(Known(verifier_of(&authorities(pem)?, &provider)?)),
    };
    let settings = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(LinkError::tls)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut settings = match identity {
        None => settings.with_no_client_auth(),
        Some(identity) => {
            let own = |_| LinkError::Identity("its certificate or key is damaged".to_owned());
            let chain =
                CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(own)?;
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(own)?;
            settings
                .with_client_auth_cert(vec![chain], key)
                .map_err(LinkError::tls)?
        }
    };
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    settings.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(settings))
}

/// The name we ask for, whatever address the collector has.
pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from(COLLECTOR).expect("the name of the collector is one")
}

/// What the authorities in this text are called by: SHA-256 over each one's public key, in hex.
pub(crate) fn pins(pem: &str) -> Vec<String> {
    let all = authorities(pem).unwrap_or_default();
    let pins = all.iter().filter_map(spki_digest);
    pins.map(|digest| hex(&digest)).collect()
}

fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let damaged = || LinkError::Identity("the authorities it believes are damaged".to_owned());
    read.ok().filter(|all| !all.is_empty()).ok_or_else(damaged)
}

fn verifier_of(
    roots: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, LinkError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(LinkError::tls)?;
    }
    let built =
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    built.map_err(|error| LinkError::Identity(error.to_string()))
}

/// Believes the authority with this pin, if the collector shows it, or a bridge to it.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let pinned = chain
            .iter()
            .find(|shown| spki_digest(shown) == Some(self.pin));
        let Some(root) = pinned else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let roots = [root.clone().into_owned()];
        let verifier = verifier_of(&roots, &self.provider)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        Known(verifier).verify_server_cert(certificate, chain, name, stapled, now)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Believes the authorities it has, at any hour.
#[derive(Debug)]
struct Known(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let at = within_its_life(certificate, now).unwrap_or(now);
        self.0
            .verify_server_cert(certificate, chain, name, stapled, at)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn spki_digest(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Sha256::digest(parsed.public_key().raw).into())
}

/// The moment of a certificate's life that is nearest to `now`: this machine's clock may be wrong by years.
fn within_its_life(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<UnixTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let second = |moment: i64| u64::try_from(moment).ok();
    let life = parsed.validity();
    let (from, to) = (
        second(life.not_before.timestamp())?,
        second(life.not_after.timestamp())?,
    );
    let at = now.as_secs().max(from).min(to.max(from));
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        at,
    )))
}
