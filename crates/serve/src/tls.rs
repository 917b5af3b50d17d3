//! TLS of the listeners: version 1.3 alone, certificates of this authority alone.

use std::sync::Arc;

use groma_model::{AgentId, SiteId};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use x509_parser::prelude::{GeneralName, X509Certificate};

use crate::Clock;
use crate::authority::root::signer_id;
use crate::authority::{Authority, AuthorityError, Root, agent_of, spki_digest};

/// Who stands at the other end of a connection, as its certificate says and its key proves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Caller {
    pub(crate) site: SiteId,
    pub(crate) agent: AgentId,
    /// SHA-256 over its public key, in hex.
    pub(crate) key: String,
    /// What its certificate calls the authority that made it.
    pub(crate) made_by: String,
}

impl Caller {
    /// Reads a certificate that the handshake has verified.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let (site, agent) = named(&parsed)?;
        Some(Self {
            site,
            agent,
            key: spki_digest(certificate)?,
            made_by: signer_id(&parsed),
        })
    }
}

fn named(certificate: &X509Certificate<'_>) -> Option<(SiteId, AgentId)> {
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => agent_of(uri),
            _ => None,
        })
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().millis().div_euclid(1000)).ok()?;
        let since = std::time::Duration::from_secs(seconds);
        Some(UnixTime::since_unix_epoch(since))
    }
}

/// What a listener asks of whoever calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// No certificate, or one of an authority of ours that may have lapsed.
    Nothing,
    /// A valid certificate of an authority of ours.
    Certificate,
}

/// The settings of a listener's TLS.
pub(crate) fn settings(
    authority: &Authority,
    asks: Asks,
    names: &[String],
    clock: &Clock,
) -> Result<ServerConfig, AuthorityError> {
    let failed = |why: String| AuthorityError::Crypto {
        what: "the settings of TLS",
        why,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let believed: Vec<CertificateDer<'static>> = authority
        .roots()
        .all()
        .map(|root| Root::certificate(root).clone())
        .collect();
    let verifier: Arc<dyn ClientCertVerifier> = match asks {
        Asks::Certificate => verifier(&believed, &provider)?,
        Asks::Nothing => ever_verifier(&believed, &provider)?,
    };
    let (chain, key) = authority.server(names, clock.now())?;
    let time = Arc::new(clock.clone());
    let mut settings = ServerConfig::builder_with_details(provider as Arc<CryptoProvider>, time)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| failed(e.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|e| failed(e.to_string()))?;
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A ticket would let a session go on without its certificate being looked at; and nobody sends anything twice.
    settings.send_tls13_tickets = 0;
    settings.max_early_data_size = 0;
    Ok(settings)
}

/// Believes certificates that these authorities have made for agents, within their life.
fn verifier(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, AuthorityError> {
    let failed = |why: String| AuthorityError::Crypto {
        what: "the settings of TLS",
        why,
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.clone())
            .map_err(|e| failed(e.to_string()))?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    built.build().map_err(|e| failed(e.to_string()))
}

/// The same, whether or not a certificate has lapsed.
pub(crate) fn ever_verifier(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, AuthorityError> {
    Ok(Arc::new(PerhapsLapsed(verifier(authorities, provider)?)))
}

/// As the verifier within, but no certificate is needed, and one that lapsed is still its owner's: the key proves who calls, the store says
/// whether that one is welcome.
#[derive(Debug)]
struct PerhapsLapsed(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for PerhapsLapsed {
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }
    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let at = within_its_life(certificate, now).unwrap_or(now);
        self.0.verify_client_cert(certificate, intermediates, at)
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

/// The moment of a certificate's life that is nearest to `now`.
fn within_its_life(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<UnixTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let life = parsed.validity();
    let second = |moment: i64| u64::try_from(moment).ok();
    let (from, to) = (
        second(life.not_before.timestamp())?,
        second(life.not_after.timestamp())?,
    );
    let at = now.as_secs().max(from).min(to.max(from));
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        at,
    )))
}
