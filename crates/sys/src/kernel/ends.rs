//! Ends of TCP connections: the destroy groups of the kernel's socket diagnostics (`sock_diag(7)`).

use std::io;
use std::os::fd::OwnedFd;

use groma_source::{Arrival, Events};
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

/// `SKNLGRP_INET_TCP_DESTROY` (1) and `SKNLGRP_INET6_TCP_DESTROY` (3), as a mask of groups.
const TCP_GROUPS: u32 = 1 << 0 | 1 << 2;
/// Room for some ten thousand ends between two readings.
const QUEUE_BYTES: usize = 8 << 20;
/// Largest message: a socket with its counters and all that may come with them.
const MESSAGE_BYTES: usize = 16 << 10;

/// A queue of ends.
pub(super) struct TcpEnds {
    socket: OwnedFd,
    lost: u64,
}

impl TcpEnds {
    /// Opens it in the network of the calling thread. The kernel tells ends to everybody; only a large queue needs
    /// `CAP_NET_ADMIN`.
    pub(super) fn open() -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(netlink::SOCK_DIAG),
        )?;
        super::make_room(&socket, QUEUE_BYTES);
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, TCP_GROUPS))?;
        Ok(Self { socket, lost: 0 })
    }
}

impl Events for TcpEnds {
    fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Arrival>> {
        buffer.clear();
        buffer.reserve(MESSAGE_BYTES);
        let into = rustix::buffer::spare_capacity(buffer);
        match rustix::net::recv(&self.socket, into, RecvFlags::empty()) {
            Ok(_) => Ok(Some(Arrival::default())),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => {
                self.lost += u64::from(error == rustix::io::Errno::NOBUFS);
                Err(error.into())
            }
        }
    }

    fn lost(&mut self) -> u64 {
        self.lost
    }
}
