//! Connections this machine opens.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use groma_source::{Network, Stream};

/// The network as this machine sees it.
#[derive(Debug)]
pub struct LocalNetwork {
    offline: bool,
}

impl LocalNetwork {
    /// A network; `offline` leaves only this machine itself.
    pub fn new(offline: bool) -> Self {
        Self { offline }
    }
}

impl Network for LocalNetwork {
    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect_timeout(&to, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Box::new(stream))
    }

    fn is_offline(&self) -> bool {
        self.offline
    }

    /// An address is ours if a socket can be bound to it; no packet is sent.
    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
    }
}
