//! TLS as far as it tells what speaks within. Certificates are another source's.

use std::io::{self, Read, Write};
use std::net::IpAddr;

use groma_tls::hello::{self, Progress};
use groma_tls::{ClientConnection, ProtocolVersion, ServerName, StreamOwned};

/// A conversation within TLS.
pub(crate) type Within<T> = StreamOwned<ClientConnection, T>;

/// What came of a hello.
pub(crate) enum Begun<T: Read + Write> {
    /// TLS is spoken; what is said now is said within, under this version.
    Within(Box<Within<T>>, &'static str),
    /// TLS is spoken, but not with us: an alert, or nothing our library knows. What was heard proves it.
    Refused(Vec<u8>),
    /// Something else is spoken: the bytes that were heard, if any.
    Other(Vec<u8>),
    /// The conversation broke.
    Broken(io::Error),
}

/// Says hello over `talk` and waits until the handshake is done.
pub(crate) fn begin<T: Read + Write>(talk: T, address: IpAddr) -> Begun<T> {
    let session = match groma_tls::session(ServerName::from(address)) {
        Ok((session, _)) => session,
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
            Begun::Refused(heard)
        }
        Err(_) if !heard.is_empty() => Begun::Other(heard),
        Err(error) => Begun::Broken(error),
    }
}

fn word(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    }
}

/// The version a server chooses that our library would not speak with, and the bytes that say so; none if it refuses an
/// old client too. Nothing is negotiated to the end.
pub(crate) fn older(
    talk: &mut (impl Read + Write),
    random: [u8; 32],
) -> io::Result<Option<(&'static str, Vec<u8>)>> {
    talk.write_all(&hello::client_hello(random, None))?;
    talk.flush()?;
    let mut heard = Vec::new();
    let mut piece = [0; 1_024];
    let answer = loop {
        let read = talk.read(&mut piece)?;
        heard.extend_from_slice(piece.get(..read).unwrap_or_default());
        match hello::progress(&heard) {
            Progress::Done(answer) => break answer,
            Progress::More if read > 0 && heard.len() < HELLO_BYTES_MAX => {}
            _ => return Ok(None),
        }
    };
    let _ = talk.write_all(hello::GOODBYE);
    Ok(answer
        .version
        .map(|version| (hello::version_word(version), heard)))
}

/// Most that is read of a server's part of a handshake.
const HELLO_BYTES_MAX: usize = 64 << 10;

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
