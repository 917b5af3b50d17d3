//! Sending bytes to others, rarely and within bounds.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::Port;

/// Ports at which a byte may become a printed page, a reboot or worse. Nothing is ever sent there,
/// on any host, in any mode (docs/decisions: not one packet to a print port).
pub fn forbidden_port(port: Port) -> bool {
    matches!(port.0, 515 | 9100..=9116 | 9999)
}

/// A conversation with a timeout on each read and write.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// The only way a source talks to another machine, or to a listener of its own.
///
/// [`Network::connect`] refuses [`forbidden_port`]s, and everything that is not this machine when the
/// look is offline, before the implementation is asked.
pub trait Network: Send + Sync {
    /// Opens a TCP connection. Do not call: [`Network::connect`] checks first.
    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>>;

    /// True if nobody but this machine itself may be contacted.
    fn is_offline(&self) -> bool;

    /// True if `address` belongs to this machine.
    fn is_local(&self, address: IpAddr) -> bool;

    /// True if a packet may go there.
    fn permits(&self, to: SocketAddr) -> bool {
        !forbidden_port(Port(to.port())) && (!self.is_offline() || self.is_local(to.ip()))
    }

    /// Opens a TCP connection, if a packet may go there.
    fn connect(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        if !self.permits(to) {
            let why = format!("{to} is never contacted, or not now: a print port, or --offline");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        self.open(to, timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Eager;

    impl Network for Eager {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            Ok(Box::new(io::Cursor::new(Vec::new())))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            true
        }
    }

    #[test]
    fn no_print_port_is_ever_connected_to() {
        for port in [515, 9100, 9101, 9116, 9999] {
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            assert!(Eager.connect(to, Duration::ZERO).is_err(), "{port}");
        }
        assert!(
            Eager
                .connect(SocketAddr::from(([127, 0, 0, 1], 9117)), Duration::ZERO)
                .is_ok()
        );
    }
}
