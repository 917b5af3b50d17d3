//! Answers of the kernel's socket diagnostics (`sock_diag(7)`): datagrams → sockets, pure.
//!
//! A dump is a run of datagrams; each holds whole netlink messages, every one rounded up to four bytes
//! (RFC 3549 §2.2), and the last message says *done*. The sender is the kernel, but the parser trusts no
//! length it reads.

use netlink_packet_core::{
    NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NetlinkBuffer, NlasIterator, Parseable,
};
use netlink_packet_sock_diag::SOCK_DIAG_BY_FAMILY;
use netlink_packet_sock_diag::inet::{InetResponseHeader, Timer};

use groma_model::{Port, Transport};

use crate::socket::{Phase, Rows, Socket, ended_ms};

/// Bytes of `struct inet_diag_msg`; attributes follow.
const RESPONSE_BYTES: usize = 72;
/// Where `idiag_expires` stands in it: milliseconds until the timer of the socket.
const EXPIRES_AT: usize = 52;
/// `INET_DIAG_SKV6ONLY`, one byte, said of listeners on IPv6.
const ATTRIBUTE_ONLY_V6: u16 = 11;
/// `NLM_F_DUMP_INTR`: the table changed so much that rows may be missing.
const FLAG_INTERRUPTED: u16 = 0x10;

/// How a dump goes on after a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More datagrams follow.
    More,
    /// The dump is complete.
    Done,
    /// The kernel ended it with this error number.
    Refused(i32),
}

/// Reads the messages of one datagram into `rows`, at most `limit` of them in all.
///
/// Messages with another sequence number answer an older question and are passed over.
pub fn read_datagram(
    bytes: &[u8],
    transport: Transport,
    sequence: u32,
    limit: usize,
    rows: &mut Rows,
) -> Progress {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Ok(message) = NetlinkBuffer::new_checked(rest) else {
            rows.misread(1);
            return Progress::More;
        };
        if message.sequence_number() == sequence {
            if message.flags() & FLAG_INTERRUPTED != 0 {
                rows.misread(1);
            }
            match message.message_type() {
                NLMSG_NOOP => {}
                NLMSG_DONE => return ending(message.payload(), Progress::Done),
                NLMSG_ERROR => return ending(message.payload(), Progress::Refused(0)),
                SOCK_DIAG_BY_FAMILY => match read_socket(message.payload(), transport) {
                    Some(socket) => rows.push(socket, limit),
                    None => rows.misread(1),
                },
                _ => rows.misread(1),
            }
        }
        let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
        rest = rest
            .get(length.saturating_add(3) & !3..)
            .unwrap_or_default();
    }
    Progress::More
}

/// `done` and `error` carry a negative error number in their first four bytes; 0 or nothing means success.
fn ending(payload: &[u8], otherwise: Progress) -> Progress {
    let code = payload
        .first_chunk::<4>()
        .map_or(0, |b| i32::from_ne_bytes(*b));
    if code < 0 {
        Progress::Refused(code.saturating_neg())
    } else {
        otherwise
    }
}

fn read_socket(payload: &[u8], transport: Transport) -> Option<Socket> {
    let header = InetResponseHeader::parse(payload).ok()?;
    let phase = Phase::of(transport, header.state);
    let only_v6 =
        phase == Phase::Listening && is_only_v6(payload.get(RESPONSE_BYTES..).unwrap_or_default());
    Some(Socket {
        transport,
        phase,
        local: header.socket_id.source_address.to_canonical(),
        local_port: Port(header.socket_id.source_port),
        remote: header.socket_id.destination_address.to_canonical(),
        remote_port: Port(header.socket_id.destination_port),
        uid: header.uid,
        inode: header.inode,
        cookie: u64::from_ne_bytes(header.socket_id.cookie),
        only_v6,
        ended_ms: ended_ms(transport, header.state, left_ms(&header, payload)),
    })
}

/// What the timer of `TIME_WAIT` has left; the parsed header does not tell it.
fn left_ms(header: &InetResponseHeader, payload: &[u8]) -> Option<u32> {
    let bytes = payload.get(EXPIRES_AT..)?.first_chunk::<4>()?;
    matches!(header.timer, Some(Timer::TimeWait)).then(|| u32::from_ne_bytes(*bytes))
}

fn is_only_v6(attributes: &[u8]) -> bool {
    NlasIterator::new(attributes)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind() == ATTRIBUTE_ONLY_V6)
        .is_some_and(|attribute| attribute.value().first().is_some_and(|b| *b != 0))
}
