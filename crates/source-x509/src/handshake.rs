//! One TLS handshake, to see the chain a listener presents. It judges nothing and sends nothing.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use groma_source::Conversation;

/// Certificates of one chain that are kept.
const CHAIN_MAX: usize = 32;
/// What is read of a server's own farewell.
const FAREWELL_BYTES_MAX: u64 = 16 << 10;

/// Why a handshake gave no chain.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What came was not TLS, or the connection was closed at our hello.
    NotTls,
    /// The server said no, in TLS.
    Alert(AlertDescription),
    /// It speaks only what our TLS library does not.
    TooOld,
    /// The conversation broke.
    Broken(io::Error),
}

/// The DER bytes of the chain a listener presents, leaf first.
///
/// For an address no server name is sent (RFC 6066 §3). `farewell` is what the protocol inside says when
/// it leaves: without it some servers log a lost connection.
pub(crate) fn chain(
    with: &mut Conversation,
    name: ServerName<'static>,
    farewell: &[u8],
) -> Result<Vec<Vec<u8>>, Failure> {
    let witness = Arc::new(Witness::new());
    let mut session = open(witness.clone(), name).map_err(|_| Failure::TooOld)?;
    let end = session.complete_io(with);
    let chain = witness.take();
    if chain.is_empty() {
        return Err(end.err().map_or(Failure::NotTls, failure));
    }
    // Whatever failed after the certificate (a client certificate was wanted) is not our question.
    let _ = session.writer().write_all(farewell);
    session.send_close_notify();
    let sent = session.write_tls(with);
    if sent.is_ok() && !farewell.is_empty() {
        // Until it closes in turn: closing first would throw its answer, and our farewell, away.
        let _ = io::copy(&mut with.take(FAREWELL_BYTES_MAX), &mut io::sink());
    }
    Ok(chain)
}

fn open(
    witness: Arc<Witness>,
    name: ServerName<'static>,
) -> Result<ClientConnection, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    ClientConnection::new(Arc::new(config), name)
}

fn failure(error: io::Error) -> Failure {
    let said = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match said {
        Some(rustls::Error::AlertReceived(alert)) => Failure::Alert(*alert),
        Some(rustls::Error::InvalidMessage(_)) => Failure::NotTls,
        Some(_) => Failure::TooOld,
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Failure::NotTls,
            _ => Failure::Broken(error),
        },
    }
}

/// Accepts every certificate and writes it down. Private to this module on purpose: nothing that
/// carries data may ever be verified by it.
#[derive(Debug)]
struct Witness {
    chain: Mutex<Vec<Vec<u8>>>,
    schemes: Vec<SignatureScheme>,
}

impl Witness {
    fn new() -> Self {
        let mut schemes = rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes();
        schemes.extend([
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::ECDSA_NISTP521_SHA512,
        ]);
        Self {
            chain: Mutex::default(),
            schemes,
        }
    }

    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerCertVerifier for Witness {
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
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
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
