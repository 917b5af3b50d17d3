//! A conversation with the server: over TLS with one that is known, or in clear text within this machine.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
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
    reached_at(world, addresses(world, peer, port, timeout)?, timeout)
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

/// How many answers' time a name may take: several resolvers may have to be asked.
const NAME: u32 = 3;

/// Where `peer` is.
///
/// # Errors
/// Nobody knows an address of its name, or nobody may be asked.
pub(crate) fn addresses(
    world: &World,
    peer: &Peer,
    port: u16,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, Cause> {
    let at = |address| SocketAddr::new(address, port);
    match peer {
        Peer::Address(address) => Ok(vec![at(*address)]),
        Peer::Name(name) => match world.network.addresses(name, timeout.saturating_mul(NAME)) {
            Ok(found) => Ok(found.into_iter().map(at).collect()),
            Err(none) => Err(Cause::new(none.what, none.reason, none.remedy)),
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use groma_model::HostName;
    use groma_source::testing::{FakeDisk, world};
    use groma_source::{Network, NoAddress};

    use super::*;

    /// Knows where one platform is.
    struct Book;

    impl Network for Book {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            false
        }
        fn addresses(&self, name: &HostName, _: Duration) -> Result<Vec<IpAddr>, NoAddress> {
            match name.as_str() {
                "vcenter.corp.example" => Ok(vec![[10, 0, 0, 9].into(), [0xfd00_u16; 8].into()]),
                _ => Err(NoAddress::nobody_asked(name)),
            }
        }
    }

    fn found(peer: &str) -> Result<Vec<String>, Cause> {
        let world = World {
            network: Arc::new(Book),
            ..world(FakeDisk::new())
        };
        let peer = Peer::parse(peer).unwrap();
        let found = addresses(&world, &peer, 443, Duration::from_secs(1))?;
        Ok(found.iter().map(SocketAddr::to_string).collect())
    }

    #[test]
    fn a_platform_is_called_at_the_addresses_of_its_name_or_at_the_one_that_is_written() {
        let both = found("vcenter.corp.example").unwrap();
        assert_eq!(both[0], "10.0.0.9:443");
        assert!(both[1].starts_with("[fd00:"), "{both:?}");
        assert_eq!(found("192.0.2.7").unwrap(), ["192.0.2.7:443"]);
    }

    #[test]
    fn why_a_name_has_no_address_is_told_as_it_was_said() {
        let cause = found("esx1.corp.example").unwrap_err();
        assert!(cause.what.starts_with("esx1.corp.example: "), "{cause:?}");
        assert_eq!(cause.remedy, "write its address");
        assert_eq!(cause.reason, Reason::Unsupported);
    }
}
