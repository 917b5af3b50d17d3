//! One TLS handshake, to see the chain a listener presents. It judges nothing and sends nothing.

use std::io::{self, Read, Write};

use groma_source::Conversation;
use groma_tls::{AlertDescription, Error, ServerName};

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
    let (mut session, presented) = groma_tls::session(name).map_err(|_| Failure::TooOld)?;
    let end = session.complete_io(with);
    let chain = presented.take();
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

fn failure(error: io::Error) -> Failure {
    let said = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match said {
        Some(Error::AlertReceived(alert)) => Failure::Alert(*alert),
        Some(Error::InvalidMessage(_)) => Failure::NotTls,
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
