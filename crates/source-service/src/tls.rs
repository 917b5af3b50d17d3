//! TLS as far as it tells what speaks within. Certificates are another source's.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// A conversation within TLS.
pub(crate) type Within<T> = StreamOwned<ClientConnection, T>;

/// What came of a hello.
pub(crate) enum Begun<T: Read + Write> {
    /// TLS is spoken; what is said now is said within, under this version.
    Within(Box<Within<T>>, &'static str),
    /// TLS is spoken, but not with us: an alert, or nothing our library knows.
    Refused,
    /// Something else is spoken: the bytes that were heard, if any.
    Other(Vec<u8>),
    /// The conversation broke.
    Broken(io::Error),
}

/// Says hello over `talk` and waits until the handshake is done.
pub(crate) fn begin<T: Read + Write>(talk: T, address: IpAddr) -> Begun<T> {
    let session = match open(address) {
        Ok(session) => session,
        Err(error) => return Begun::Broken(io::Error::other(error)),
    };
    let mut stream = StreamOwned::new(session, Overheard::new(talk));
    let end = stream.conn.complete_io(&mut stream.sock);
    let heard = std::mem::take(&mut stream.sock.heard);
    match end {
        Ok(_) => {
            let version = word(stream.conn.protocol_version());
            let StreamOwned { conn, sock } = stream;
            Begun::Within(Box::new(StreamOwned::new(conn, sock.inner)), version)
        }
        Err(_) if crate::recognise::spoken(&heard) == Some(crate::recognise::Spoken::Tls) => {
            Begun::Refused
        }
        Err(_) if !heard.is_empty() => Begun::Other(heard),
        Err(error) => Begun::Broken(error),
    }
}

fn word(version: Option<rustls::ProtocolVersion>) -> &'static str {
    match version {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    }
}

fn open(address: IpAddr) -> Result<ClientConnection, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Onlooker::new()))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    ClientConnection::new(Arc::new(config), ServerName::from(address))
}

/// Keeps the first bytes that were heard, to know what spoke if it was not TLS.
struct Overheard<T> {
    inner: T,
    heard: Vec<u8>,
}

impl<T> Overheard<T> {
    const KEPT_MAX: usize = 512;

    fn new(inner: T) -> Self {
        Self {
            inner,
            heard: Vec::new(),
        }
    }
}

impl<T: Read> Read for Overheard<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let room = Self::KEPT_MAX.saturating_sub(self.heard.len()).min(read);
        self.heard
            .extend_from_slice(into.get(..room).unwrap_or_default());
        Ok(read)
    }
}

impl<T: Write> Write for Overheard<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Accepts every certificate: whoever only looks trusts nobody and sends nothing that matters. Private to this module on
/// purpose: nothing that carries data may ever be verified by it.
#[derive(Debug)]
struct Onlooker(Vec<SignatureScheme>);

impl Onlooker {
    fn new() -> Self {
        let provider = rustls::crypto::ring::default_provider();
        let mut schemes = provider
            .signature_verification_algorithms
            .supported_schemes();
        schemes.extend([
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]);
        Self(schemes)
    }
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
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
        self.0.clone()
    }
}
