//! Asks the kernel for its socket tables: a thin shell around [`crate::diagnostics`] and [`crate::table`].

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use groma_model::Transport;
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::constants::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket as Netlink, SocketAddr};
use rustix::fs::{Mode, OFlags};

use crate::diagnostics::{Progress, read_datagram};
use crate::socket::Rows;
use crate::table::read_table;

/// Room for one datagram. The kernel never makes one larger than 32 KiB, unless asked with more room.
const DATAGRAM_BYTES: usize = 256 << 10;
/// Datagrams of one dump; a dump of a hundred million sockets ends here.
const DATAGRAMS_MAX: u32 = 1 << 20;
/// Largest text table that is read, in bytes: four hundred thousand rows.
const TABLE_BYTES_MAX: u64 = 64 << 20;

/// IP version of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The transports that are looked at; each has a table for each of [`FAMILIES`].
pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Udp];
/// The versions of IP.
pub(crate) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Dumps one table of this thread's network namespace over netlink.
///
/// The dump may be read at once, without waiting: the kernel writes each part while the one before is fetched.
pub(crate) fn dump(
    transport: Transport,
    family: Family,
    limit: usize,
    rows: &mut Rows,
) -> io::Result<()> {
    let sequence = 1;
    let mut netlink = Netlink::new(NETLINK_SOCK_DIAG)?;
    netlink.bind_auto()?;
    netlink.set_non_blocking(true)?;
    netlink.send_to(
        &request(transport, family, sequence),
        &SocketAddr::new(0, 0),
        0,
    )?;
    let mut buffer = Vec::with_capacity(DATAGRAM_BYTES);
    for _ in 0..DATAGRAMS_MAX {
        buffer.clear();
        let (length, from) = netlink.recv_from(&mut buffer, 0)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if from.port_number() != 0 {
            continue; // not from the kernel
        }
        match read_datagram(&buffer, transport, sequence, limit, rows) {
            Progress::More => {}
            Progress::Done => return Ok(()),
            Progress::Refused(code) => return Err(io::Error::from_raw_os_error(code)),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn request(transport: Transport, family: Family, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.sequence_number = sequence;
    let question = InetRequest {
        family: if family == Family::V4 {
            AF_INET
        } else {
            AF_INET6
        },
        protocol: if transport == Transport::Tcp {
            IPPROTO_TCP
        } else {
            IPPROTO_UDP
        },
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id: if family == Family::V4 {
            SocketId::new_v4()
        } else {
            SocketId::new_v6()
        },
    };
    let mut message = NetlinkMessage::new(
        header,
        NetlinkPayload::from(SockDiagMessage::InetRequest(question)),
    );
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Reads one text table below an opened `/proc/PID`: the one of that process's network namespace.
///
/// A table that does not exist (no IPv6) holds nothing, which is no error.
pub(crate) fn read_text(
    process: &OwnedFd,
    transport: Transport,
    family: Family,
    limit: usize,
    rows: &mut Rows,
) -> io::Result<()> {
    let path = match (transport, family) {
        (Transport::Tcp, Family::V4) => c"net/tcp",
        (Transport::Tcp, Family::V6) => c"net/tcp6",
        (Transport::Udp, Family::V4) => c"net/udp",
        (Transport::Udp, Family::V6) => c"net/udp6",
    };
    let opened = match rustix::fs::openat(
        process.as_fd(),
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Ok(opened) => opened,
        Err(rustix::io::Errno::NOENT) if family == Family::V6 => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    File::from(opened)
        .take(TABLE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) == TABLE_BYTES_MAX {
        rows.cut = true;
        bytes.truncate(bytes.iter().rposition(|b| *b == b'\n').unwrap_or(0));
    }
    read_table(&bytes, transport, limit, rows);
    Ok(())
}
