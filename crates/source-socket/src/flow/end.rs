//! Ends of TCP connections as the kernel broadcasts them: messages → who spoke with whom and how much, pure.
//!
//! The message is that of a socket dump (`struct inet_diag_msg`) with `struct tcp_info` behind it. It names
//! neither program nor inode: the socket has lost both by then.

use netlink_packet_core::{
    NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NetlinkBuffer, NlasIterator, Parseable,
};
use netlink_packet_sock_diag::inet::InetResponseHeader;

use groma_model::Port;

use super::trace::Ends;

/// Bytes of `struct inet_diag_msg`; attributes follow.
const RESPONSE_BYTES: usize = 72;
/// `INET_DIAG_INFO`: a `struct tcp_info`, as long as this kernel makes it.
const ATTRIBUTE_INFO: u16 = 2;
/// Messages in one datagram; the kernel sends one.
const MESSAGES_MAX: usize = 1024;
/// Places in `struct tcp_info` (`include/uapi/linux/tcp.h`).
const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;
const BYTES_SENT: usize = 200;
const BYTES_RETRANS: usize = 208;

/// A connection that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Between whom.
    pub ends: Ends,
    /// Number no other socket of this boot had; 0 if the kernel never gave it one.
    pub cookie: u64,
    /// Bytes carried in both directions; `None` where this kernel does not tell. The FIN counts as a byte in the
    /// kernel's own figure, and is taken off again.
    pub bytes: Option<u64>,
    /// True if the other side ever answered: a call that was refused ends as well.
    pub answered: bool,
}

/// Reads the messages of one datagram; the second number counts what was not understood.
pub fn read_ends(datagram: &[u8]) -> (Vec<End>, u64) {
    let (mut ends, mut malformed) = (Vec::new(), 0);
    let mut rest = datagram;
    for _ in 0..MESSAGES_MAX {
        if rest.is_empty() {
            break;
        }
        let Ok(message) = NetlinkBuffer::new_checked(rest) else {
            malformed += 1;
            break;
        };
        match message.message_type() {
            NLMSG_NOOP | NLMSG_DONE | NLMSG_ERROR => {}
            _ => match read_end(message.payload()) {
                Some(end) => ends.push(end),
                None => malformed += 1,
            },
        }
        let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
        rest = rest
            .get(length.saturating_add(3) & !3..)
            .unwrap_or_default();
    }
    (ends, malformed)
}

fn read_end(payload: &[u8]) -> Option<End> {
    let header = InetResponseHeader::parse(payload).ok()?;
    let attributes = payload.get(RESPONSE_BYTES..).unwrap_or_default();
    let info = NlasIterator::new(attributes)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind() == ATTRIBUTE_INFO);
    let info: &[u8] = info.as_ref().map_or(&[], |attribute| attribute.value());
    let id = &header.socket_id;
    let (acked, received) = (counter(info, BYTES_ACKED), counter(info, BYTES_RECEIVED));
    Some(End {
        ends: Ends {
            local: id.source_address.to_canonical(),
            local_port: Port(id.source_port),
            remote: id.destination_address.to_canonical(),
            remote_port: Port(id.destination_port),
        },
        cookie: u64::from_ne_bytes(id.cookie),
        bytes: sent(info)
            .zip(received)
            .map(|(sent, received)| sent.saturating_add(received.saturating_sub(1))),
        answered: acked.is_none_or(|acked| acked > 0) || received.is_some_and(|bytes| bytes > 0),
    })
}

/// What was sent and not sent again; before Linux 4.19 what was acknowledged.
fn sent(info: &[u8]) -> Option<u64> {
    let exact = counter(info, BYTES_SENT).zip(counter(info, BYTES_RETRANS));
    match exact {
        Some((sent, again)) => Some(sent.saturating_sub(again)),
        None => counter(info, BYTES_ACKED),
    }
}

fn counter(info: &[u8], at: usize) -> Option<u64> {
    let bytes = info.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_ne_bytes(bytes))
}
