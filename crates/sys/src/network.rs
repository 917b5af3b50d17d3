//! Connections this machine opens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixDatagram;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

#[cfg(target_os = "linux")]
use groma_source::Dialler;
use groma_source::{Datagrams, LocalDoor, Network, Stream};

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
        Ok(Box::new(with_timeouts(stream, timeout)?))
    }

    #[cfg(target_os = "linux")]
    fn open_dialler(&self, timeout: Duration) -> io::Result<Box<dyn Dialler>> {
        Ok(Box::new(crate::dialling::Table::new(timeout)?))
    }

    fn is_offline(&self) -> bool {
        self.offline
    }

    /// An address is ours if a socket can be bound to it; no packet is sent.
    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
    }

    fn open_datagrams(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        let own: IpAddr = match to.ip() {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(SocketAddr::new(own, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(timeout))?;
        socket.set_write_timeout(Some(timeout))?;
        Ok(Box::new(Connected(socket)))
    }

    #[cfg(unix)]
    fn connect_socket(&self, path: &Path, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Box::new(stream))
    }

    fn open_local(&self, door: &LocalDoor, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        match door {
            LocalDoor::Loopback(to) => {
                let own: IpAddr = match to.ip() {
                    IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                };
                let socket = UdpSocket::bind(SocketAddr::new(own, 0))?;
                socket.connect(to)?;
                socket.set_read_timeout(Some(timeout))?;
                socket.set_write_timeout(Some(timeout))?;
                Ok(Box::new(Connected(socket)))
            }
            #[cfg(target_os = "linux")]
            LocalDoor::Socket(path) => {
                let socket = unnamed()?;
                socket.connect(path)?;
                socket.set_read_timeout(Some(timeout))?;
                socket.set_write_timeout(Some(timeout))?;
                Ok(Box::new(Connected(socket)))
            }
            #[cfg(not(target_os = "linux"))]
            LocalDoor::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// A connection of which each read and write ends in time. What is written leaves at once: questions are small, and the
/// kernel would hold the second back until the first is acknowledged.
pub(crate) fn with_timeouts(stream: TcpStream, timeout: Duration) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    Ok(stream)
}

/// Letters of the name of a socket, without the zero that says it is no file.
#[cfg(target_os = "linux")]
const NAME_LENGTH: usize = 107;

/// A socket that a service can answer to, without a file of ours on somebody else's machine: its name is all zeros,
/// in the kernel alone. A daemon written in C that takes the sender's path for text and answers to it (chronyd) answers
/// to exactly that name.
#[cfg(target_os = "linux")]
fn unnamed() -> io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt;
    let name = std::os::unix::net::SocketAddr::from_abstract_name([0; NAME_LENGTH])?;
    UnixDatagram::bind_addr(&name)
}

/// A connected socket: it hears nobody but the one it calls.
struct Connected<T>(T);

impl Datagrams for Connected<UdpSocket> {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram).map(|_| ())
    }
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.recv(into)
    }
}

#[cfg(target_os = "linux")]
impl Datagrams for Connected<UnixDatagram> {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram).map(|_| ())
    }
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.recv(into)
    }
}
