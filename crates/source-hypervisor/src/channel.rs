//! A conversation with the server: over TLS with one that is known, or in clear text within this machine.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use groma_model::{Peer, Reason};
use groma_source::{Clock, Stream, World};
use groma_trust::{Handshake, server_name};
use rustls::{ClientConnection, StreamOwned};

use crate::cause::Cause;

/// Connects to `peer` and shakes hands; nothing is said before the server is known.
///
/// # Errors
/// It has no address, may not be contacted, does not answer, or is not known.
pub(crate) fn secured(
    world: &World,
    peer: &Peer,
    port: u16,
    handshake: &Handshake,
    timeout: Duration,
) -> Result<Box<dyn Stream>, Cause> {
    let stream = reached(world, peer, port, timeout)?;
    let name = server_name(peer)?;
    let connection = ClientConnection::new(handshake.settings(), name);
    let connection = connection
        .map_err(|error| Cause::new(format!("TLS: {error}"), Reason::Refused, "check the url"))?;
    let mut stream = StreamOwned::new(connection, stream);
    let StreamOwned { conn, sock } = &mut stream;
    let clock = world.clock.as_ref();
    let mut hurried = Hurried {
        inner: sock,
        clock,
        ends: clock
            .monotonic()
            .saturating_add(timeout.saturating_mul(HANDSHAKE)),
    };
    while conn.is_handshaking() {
        conn.complete_io(&mut hurried)
            .map_err(|error| handshake.cause(&error))?;
    }
    Ok(Box::new(stream))
}

/// How many answers' time a handshake may take as a whole.
const HANDSHAKE: u32 = 4;

/// A conversation that ends in time, though every byte of it comes just before its own time is over: nobody is known yet.
struct Hurried<'a> {
    inner: &'a mut Box<dyn Stream>,
    clock: &'a dyn Clock,
    ends: Duration,
}

impl Hurried<'_> {
    fn in_time(&self) -> io::Result<()> {
        match self.clock.monotonic() < self.ends {
            true => Ok(()),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Hurried<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.in_time()?;
        self.inner.read(into)
    }
}

impl Write for Hurried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Connects to `peer`, address by address.
///
/// # Errors
/// It has no address, may not be contacted, or does not answer.
pub(crate) fn reached(
    world: &World,
    peer: &Peer,
    port: u16,
    timeout: Duration,
) -> Result<Box<dyn Stream>, Cause> {
    reached_at(world, addresses(world, peer, port)?, timeout)
}

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// There is none, none may be contacted, or none answers.
pub(crate) fn reached_at(
    world: &World,
    addresses: Vec<SocketAddr>,
    timeout: Duration,
) -> Result<Box<dyn Stream>, Cause> {
    let mut last = nowhere();
    for address in addresses {
        match world.network.connect(address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) if !world.network.permits(address) => {
                last = Cause::new(
                    error.to_string(),
                    Reason::Forbidden,
                    "look again without --offline, and check the port",
                );
            }
            Err(error) => {
                last = Cause::new(
                    format!("{address}: {error}"),
                    Reason::of_io(&error),
                    "check the address and what stands between",
                );
            }
        }
    }
    Err(last)
}

/// A name is looked up by the system, as every other program here does; not at all when nobody may be contacted.
pub(crate) fn addresses(world: &World, peer: &Peer, port: u16) -> Result<Vec<SocketAddr>, Cause> {
    match peer {
        Peer::Address(address) => Ok(vec![SocketAddr::new(*address, port)]),
        Peer::Name(name) if world.network.is_offline() && !name.is_loopback() => Err(Cause::new(
            "nobody may be contacted now",
            Reason::Forbidden,
            "look again without --offline",
        )),
        Peer::Name(name) => match (name.as_str(), port).to_socket_addrs() {
            Ok(found) => Ok(found.collect()),
            Err(_) => Err(nowhere()),
        },
    }
}

fn nowhere() -> Cause {
    Cause::new(
        "its name has no address",
        Reason::NotPresent,
        "check the url",
    )
}

/// True for an error that means no more than that the time for one answer is over.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}
