//! The way to the server: TCP or a local socket, STARTTLS, TLS with a certificate that was named, and the guard.
//!
//! The LDAP library sits at one end of a pair of sockets within this process. What stands at the other end hands
//! messages on, judged one by one ([`crate::guard`]), and counts: a server that answers one question with more than
//! a few megabytes is not listened to any longer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::{Peer, Reason};
use groma_source::World;
use groma_trust::{Handshake, server_name};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::access::{Directory, Way};
use crate::cause::Cause;
use crate::guard::{self, Arrived};

/// Bytes a server may send for one question.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Bytes read at a time.
const READ_BYTES: usize = 64 << 10;

/// How many answers' time its name may take: several resolvers may have to be asked.
const NAME: u32 = 3;

/// STARTTLS as a whole message (RFC 4511 §4.14.1), with number 1.
const STARTTLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Both directions of a conversation.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What was noticed while messages were handed on.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    /// Entries left out because of their shape.
    pub(crate) faulty: u64,
    /// Why the conversation ended, if it did.
    pub(crate) ended: Option<Cause>,
}

/// A way to the server, and our own end of it where it has an address.
pub(crate) type Opened = (Box<dyn Duplex>, Option<SocketAddr>);

/// Shared between the one that hands on and the one that asks.
pub(crate) type Notes = Arc<Mutex<Noticed>>;

/// Opens the way, with TLS where it is asked for.
pub(crate) async fn open(
    directory: &Directory,
    world: &World,
    timeout: Duration,
) -> Result<Opened, Cause> {
    let found = addresses(directory, world, timeout.saturating_mul(NAME))?;
    let opened = tokio::time::timeout(timeout, reached(directory, world, &found)).await;
    let mut stream = match opened.map_err(|_| silent("nobody answered in time"))?? {
        Reached::Local(stream) => return Ok((stream, None)),
        Reached::Tcp(stream) => stream,
    };
    let own = stream.local_addr().ok();
    let secured = async {
        match directory.way {
            Way::Open | Way::Local(_) => Ok(Box::new(stream) as Box<dyn Duplex>),
            Way::StartTls => {
                start_tls(&mut stream).await?;
                shake_hands(directory, stream).await
            }
            Way::Tls => shake_hands(directory, stream).await,
        }
    };
    let secured = tokio::time::timeout(timeout.saturating_mul(3), secured).await;
    let secured = secured
        .map_err(|_| silent("it was reached, and the TLS handshake did not end in time"))??;
    Ok((secured, own))
}

fn silent(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::TimedOut,
        "check the address and what stands between",
    )
}

enum Reached {
    Tcp(TcpStream),
    /// Where there are sockets in the file system.
    #[cfg_attr(not(unix), expect(dead_code, reason = "none is ever opened there"))]
    Local(Box<dyn Duplex>),
}

async fn reached(
    directory: &Directory,
    world: &World,
    found: &[SocketAddr],
) -> Result<Reached, Cause> {
    if let Way::Local(path) = &directory.way {
        return local(path).await;
    }
    let mut last = Cause::new(
        "its name has no address",
        Reason::NotPresent,
        "check the url",
    );
    for address in found.iter().copied() {
        if !world.network.permits(address) {
            last = Cause::new(
                format!("{address} may not be contacted"),
                Reason::Forbidden,
                "look again without --offline",
            );
            continue;
        }
        match connected(address).await {
            Ok(stream) => return Ok(Reached::Tcp(stream)),
            Err(error) => last = refused(address, &error),
        }
    }
    Err(last)
}

#[cfg(unix)]
async fn local(path: &std::path::Path) -> Result<Reached, Cause> {
    let connected = tokio::net::UnixStream::connect(path).await;
    let stream = connected.map_err(|error| {
        Cause::new(
            format!("{}: {error}", path.display()),
            Reason::of_io(&error),
            "",
        )
    })?;
    Ok(Reached::Local(Box::new(stream)))
}

#[cfg(not(unix))]
async fn local(_: &std::path::Path) -> Result<Reached, Cause> {
    Err(Cause::new(
        "ldapi needs Unix sockets",
        Reason::Unsupported,
        "use ldaps://",
    ))
}

/// A connection to an address: what takes names as well would ask the C library for them.
async fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.connect(address).await
}

/// Where the server is; nowhere, where its door is a socket of this machine. Nobody else talks on this thread meanwhile.
fn addresses(
    directory: &Directory,
    world: &World,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, Cause> {
    let at = |address| SocketAddr::new(address, directory.port.0);
    match (&directory.way, &directory.peer) {
        (Way::Local(_), _) => Ok(Vec::new()),
        (_, Peer::Address(address)) => Ok(vec![at(*address)]),
        (_, Peer::Name(name)) => match world.network.addresses(name, timeout) {
            Ok(found) => Ok(found.into_iter().map(at).collect()),
            Err(none) => Err(Cause::new(none.what, none.reason, none.remedy)),
        },
    }
}

fn refused(address: SocketAddr, error: &io::Error) -> Cause {
    Cause::new(
        format!("{address}: {error}"),
        Reason::of_io(error),
        "check the address and what stands between",
    )
}

/// Asks for TLS on the open port. Not a byte may follow the answer: it would have been sent in clear text by anybody.
async fn start_tls(stream: &mut TcpStream) -> Result<(), Cause> {
    let broken = |why: &str| {
        Cause::new(
            format!("STARTTLS failed: {why}"),
            Reason::NotThisService,
            "use ldaps:// if the server offers it",
        )
    };
    let lost = |error: io::Error| broken(&error.to_string());
    stream.write_all(STARTTLS).await.map_err(lost)?;
    let mut bytes = Vec::new();
    loop {
        match guard::judge(&bytes) {
            Arrived::Part => {}
            Arrived::Message(length) if length == bytes.len() => break,
            Arrived::Broken(why) => return Err(broken(why)),
            _ => return Err(broken("the answer is not one")),
        }
        if stream.read_buf(&mut bytes).await.map_err(lost)? == 0 {
            return Err(broken("the server closed the connection"));
        }
    }
    match guard::result_code(&bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(broken(&format!("the server said result {code}"))),
        None => Err(broken("the answer is not one")),
    }
}

async fn shake_hands(directory: &Directory, stream: TcpStream) -> Result<Box<dyn Duplex>, Cause> {
    let handshake = Handshake::new(&directory.trust, None)?;
    let name = server_name(&directory.peer)?;
    match TlsConnector::from(handshake.settings())
        .connect(name, stream)
        .await
    {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(handshake.cause(&error).into()),
    }
}

/// Hands messages on until one side closes, or the server says something that cannot be trusted.
pub(crate) async fn hand_on(mut server: Box<dyn Duplex>, mut library: impl Duplex, notes: Notes) {
    let mut question = vec![0; READ_BYTES];
    let mut arrived = Vec::new();
    let mut answered: u64 = 0;
    let ended = loop {
        tokio::select! {
            asked = library.read(&mut question) => match asked {
                Ok(0) | Err(_) => break None,
                Ok(length) => {
                    answered = 0;
                    let bytes = question.get(..length).unwrap_or_default();
                    if server.write_all(bytes).await.is_err() || server.flush().await.is_err() {
                        break Some(lost("the server closed the connection"));
                    }
                }
            },
            read = server.read_buf(&mut arrived) => match read {
                Ok(0) => break Some(lost("the server closed the connection")),
                Err(error) => break Some(lost(&format!("the connection broke: {error}"))),
                Ok(length) => {
                    answered = answered.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                    if answered > ANSWER_BYTES_MAX {
                        break Some(Cause::new("one answer is larger than 16 MiB", Reason::TooLarge, ""));
                    }
                    let (sound, fault) = sorted(&mut arrived, &notes);
                    if library.write_all(&sound).await.is_err() {
                        break None;
                    }
                    if fault.is_some() {
                        break fault;
                    }
                }
            },
        }
    };
    if let Some(cause) = ended {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.ended.get_or_insert(cause);
    }
}

fn lost(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::Vanished,
        "see what the server's own log says, then look again",
    )
}

/// Takes all whole messages out of `arrived`: those that may be handed on, and why nothing more may.
fn sorted(arrived: &mut Vec<u8>, notes: &Notes) -> (Vec<u8>, Option<Cause>) {
    let mut sound = Vec::new();
    let mut at = 0;
    let fault = loop {
        let rest = arrived.get(at..).unwrap_or_default();
        match guard::judge(rest) {
            Arrived::Part => break None,
            Arrived::Message(length) => {
                sound.extend_from_slice(rest.get(..length).unwrap_or_default());
                at += length;
            }
            Arrived::Faulty(length) => {
                notes.lock().unwrap_or_else(PoisonError::into_inner).faulty += 1;
                at += length;
            }
            Arrived::Unasked(length) => at += length,
            Arrived::Goodbye(text) => {
                break Some(lost(&format!("the server ended the conversation: {text}")));
            }
            Arrived::Broken(why) => {
                break Some(Cause::new(
                    why,
                    Reason::Malformed,
                    "is that an LDAP server?",
                ));
            }
        }
    };
    arrived.drain(..at);
    (sound, fault)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use groma_model::HostName;
    use groma_source::testing::{FakeDisk, world};
    use groma_source::{Network, NoAddress, Stream};

    use super::*;

    /// Knows where one directory is, and lets nobody call it.
    struct Book;

    impl Network for Book {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
        fn is_offline(&self) -> bool {
            true
        }
        fn is_local(&self, _: IpAddr) -> bool {
            false
        }
        fn addresses(&self, name: &HostName, _: Duration) -> Result<Vec<IpAddr>, NoAddress> {
            match name.as_str() {
                "dc1.corp.example" => Ok(vec![[10, 0, 0, 9].into(), [0xfd00_u16; 8].into()]),
                _ => Err(NoAddress::nobody_asked(name)),
            }
        }
    }

    fn opened(peer: &str) -> Result<(), Cause> {
        let directory = Directory {
            peer: Peer::parse(peer).unwrap(),
            port: groma_model::Port(636),
            way: Way::Tls,
            logon: crate::access::Logon::Anonymous,
            trust: groma_trust::Trust::Nothing,
            base: None,
        };
        let world = World {
            network: Arc::new(Book),
            ..world(FakeDisk::new())
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let opened = open(&directory, &world, Duration::from_secs(1));
        runtime.block_on(opened).map(drop)
    }

    #[test]
    fn a_directory_is_called_at_the_addresses_of_its_name() {
        let cause = opened("dc1.corp.example").unwrap_err();
        assert_eq!(cause.reason, Reason::Forbidden);
        assert!(cause.what.contains("[fd00:"), "the last of both: {cause:?}");
    }

    #[test]
    fn why_a_name_has_no_address_is_told_as_it_was_said() {
        let cause = opened("dc2.corp.example").unwrap_err();
        assert!(cause.what.starts_with("dc2.corp.example: "), "{cause:?}");
        assert_eq!(cause.remedy, "write its address");
    }

    #[test]
    fn an_address_is_asked_of_nobody() {
        let cause = opened("192.0.2.7").unwrap_err();
        assert!(cause.what.contains("192.0.2.7:636"), "{cause:?}");
    }
}
