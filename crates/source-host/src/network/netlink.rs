//! The four tables of rtnetlink (rtnetlink(7)), as raw bytes. The only part that needs a socket.

use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// A table larger than this is given up: a full internet routing table has its place in the budget's gaps.
const TABLE_BYTES_MAX: usize = 64 << 20;

/// Milliseconds without a word from the kernel before a dump is given up.
const PATIENCE_MS: u32 = 5_000;

/// One table of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// Interfaces.
    Links,
    /// Addresses of interfaces.
    Addresses,
    /// Routes of all tables.
    Routes,
    /// Machines on the same link.
    Neighbours,
}

/// All messages of one dump, one behind the other as the kernel sent them.
///
/// # Errors
/// What the system says when the socket cannot be had or read; `InvalidData` for a table without end.
pub(crate) fn dump(table: Table) -> io::Result<Vec<u8>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    socket.send(&request(table), 0)?;
    let mut answer = Vec::new();
    loop {
        let datagram = receive(&socket)?;
        let over = ends(&datagram);
        answer.extend_from_slice(&datagram);
        if over {
            return Ok(answer);
        }
        if answer.len() > TABLE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a table without end",
            ));
        }
    }
}

/// A dump is answered while it is asked for: the kernel never lets wait. Should it, we do not hang.
fn receive(socket: &Socket) -> io::Result<Vec<u8>> {
    for _ in 0..PATIENCE_MS {
        match socket.recv_from_full() {
            Ok((bytes, _)) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn request(table: Table) -> Vec<u8> {
    let body = match table {
        Table::Links => RouteNetlinkMessage::GetLink(Default::default()),
        Table::Addresses => RouteNetlinkMessage::GetAddress(Default::default()),
        Table::Routes => RouteNetlinkMessage::GetRoute(Default::default()),
        Table::Neighbours => RouteNetlinkMessage::GetNeighbour(Default::default()),
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_DUMP | NLM_F_REQUEST;
    header.sequence_number = 1;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(body));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// True if a datagram holds the last message of a dump, or the error that takes its place.
fn ends(datagram: &[u8]) -> bool {
    super::parse::messages(datagram)
        .any(|message| matches!(super::parse::message_kind(message), Some(2 | 3)))
}
