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

    #[cfg(windows)]
    fn name_servers(&self) -> Option<(Vec<IpAddr>, Vec<groma_model::HostName>)> {
        Some(crate::windows::name_servers())
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
        let stream = connected(path, timeout)?;
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

/// A connection to a socket, in time. A daemon that hangs takes nobody out of its queue, and where that is full the kernel
/// would let the next caller wait for ever; on Linux the limit of a write is that of this wait too.
#[cfg(target_os = "linux")]
fn connected(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
    let own = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_timeout(&own, sockopt::Timeout::Send, Some(timeout))?;
    let to = SocketAddrUnix::new(path)?;
    match rustix::net::connect(&own, &to) {
        Ok(()) => Ok(UnixStream::from(own)),
        Err(rustix::io::Errno::AGAIN) => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere a full queue refuses at once.
#[cfg(all(unix, not(target_os = "linux")))]
fn connected(path: &Path, _timeout: Duration) -> io::Result<UnixStream> {
    UnixStream::connect(path)
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_whose_queue_is_full_is_left_in_time() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        // A queue of one place, which nobody empties.
        rustix::net::listen(&listener, 0).unwrap();
        let network = LocalNetwork::new(false);
        let short = Duration::from_millis(20);
        let mut held = Vec::new();
        let refused = (0..8).find_map(|_| match network.connect_socket(&path, short) {
            Ok(stream) => {
                held.push(stream);
                None
            }
            Err(error) => Some(error.kind()),
        });
        assert!(!held.is_empty());
        assert_eq!(refused, Some(io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_socket_that_is_not_there_is_told_as_such() {
        let at = tempfile::tempdir().unwrap();
        let network = LocalNetwork::new(false);
        let answer = network.connect_socket(&at.path().join("none"), Duration::from_secs(1));
        assert_eq!(
            answer.err().map(|e| e.kind()),
            Some(io::ErrorKind::NotFound)
        );
    }
}
