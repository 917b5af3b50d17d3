//! One socket as the kernel lists it, whichever way it was asked.

use std::net::IpAddr;

use groma_model::{Port, Transport};

/// What a socket is doing, as far as an inventory cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// TCP `LISTEN`.
    Listening,
    /// Both ends know of each other, or did until a moment ago: `ESTABLISHED`, `FIN_WAIT1`, `FIN_WAIT2`,
    /// `TIME_WAIT`, `CLOSE_WAIT`, `LAST_ACK`, `CLOSING`; for UDP a socket that was given a peer.
    Connected,
    /// UDP without a peer: a service, or a client that names its peer in each datagram.
    Unconnected,
    /// `SYN_SENT`, `SYN_RECV`: somebody knocked and nobody has answered yet. Not a connection, and with a
    /// forged sender it never was one.
    Attempt,
    /// `CLOSE` and whatever a newer kernel adds: nothing to be learnt.
    Idle,
}

impl Phase {
    /// The phase behind a state number of the kernel (`include/net/tcp_states.h`; UDP borrows 1 and 7).
    pub fn of(transport: Transport, state: u8) -> Self {
        match (transport, state) {
            (Transport::Tcp, 10) => Self::Listening,
            (Transport::Tcp, 1 | 4 | 5 | 6 | 8 | 9 | 11) | (Transport::Udp, 1) => Self::Connected,
            (Transport::Tcp, 2 | 3 | 12) => Self::Attempt,
            (Transport::Udp, 7) => Self::Unconnected,
            _ => Self::Idle,
        }
    }
}

/// One row of a socket table. Addresses are canonical: an IPv4 address mapped into IPv6 is IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Socket {
    /// Transport.
    pub transport: Transport,
    /// What it is doing.
    pub phase: Phase,
    /// Local address.
    pub local: IpAddr,
    /// Local port, host byte order.
    pub local_port: Port,
    /// Remote address; unspecified without a peer.
    pub remote: IpAddr,
    /// Remote port, host byte order; 0 without a peer.
    pub remote_port: Port,
    /// Who made it. Means nothing when `inode` is 0.
    pub uid: u32,
    /// Number that `/proc/PID/fd` shows as `socket:[…]`; 0 once no program holds it (`TIME_WAIT`, for one).
    pub inode: u32,
    /// Number no other socket of this boot had (`SO_COOKIE`); 0 where the table does not tell.
    pub cookie: u64,
    /// True if a socket on `::` refuses IPv4 (`IPV6_V6ONLY`); false where the table does not tell.
    pub only_v6: bool,
    /// Of one in `TIME_WAIT`: how long ago the connection ended, in milliseconds; `None` where the table does not tell.
    pub ended_ms: Option<u32>,
}

/// State number of `TIME_WAIT`.
const TIME_WAIT: u8 = 6;
/// The kernel keeps an ended connection for so long (`TCP_TIMEWAIT_LEN`: no setting changes it).
const TIME_WAIT_MS: u32 = 60_000;

/// How long ago a connection in `state` ended, when its timer has `left_ms` to go. A kernel that keeps them for longer than
/// ours does not tell.
pub(crate) fn ended_ms(transport: Transport, state: u8, left_ms: Option<u32>) -> Option<u32> {
    let is_over = transport == Transport::Tcp && state == TIME_WAIT;
    left_ms
        .filter(|_| is_over)
        .and_then(|left| TIME_WAIT_MS.checked_sub(left))
}

impl Socket {
    /// True if both ends are this very machine, by their addresses alone.
    pub fn is_within_machine(&self) -> bool {
        self.remote.is_loopback() || (self.remote == self.local && !self.remote.is_unspecified())
    }

    /// True if a call to `address` reaches this listener.
    pub fn serves(&self, address: IpAddr) -> bool {
        match self.local {
            IpAddr::V6(any) if any.is_unspecified() => address.is_ipv6() || !self.only_v6,
            IpAddr::V4(any) if any.is_unspecified() => address.is_ipv4(),
            exact => exact == address,
        }
    }
}

/// Rows of one or more tables, with what could not be read of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rows {
    /// What was read.
    pub sockets: Vec<Socket>,
    /// Rows that could not be understood.
    pub malformed: u64,
    /// True if rows were left out because there were more than allowed.
    pub cut: bool,
}

impl Rows {
    /// Takes up `socket` unless `limit` rows are there already.
    pub(crate) fn push(&mut self, socket: Socket, limit: usize) {
        if self.sockets.len() < limit {
            self.sockets.push(socket);
        } else {
            self.cut = true;
        }
    }

    /// Counts rows nobody could understand.
    pub(crate) fn misread(&mut self, rows: u64) {
        self.malformed = self.malformed.saturating_add(rows);
    }

    #[cfg(target_os = "linux")]
    /// Where the rows end now, to come back to.
    pub(crate) fn mark(&self) -> (usize, u64, bool) {
        (self.sockets.len(), self.malformed, self.cut)
    }

    #[cfg(target_os = "linux")]
    /// Forgets everything since `mark`.
    pub(crate) fn rewind(&mut self, mark: (usize, u64, bool)) {
        self.sockets.truncate(mark.0);
        (self.malformed, self.cut) = (mark.1, mark.2);
    }

    /// True if every row was taken up and understood.
    pub fn is_complete(&self) -> bool {
        !self.cut && self.malformed == 0
    }
}

/// The ports a caller gets when it does not ask for one (`net.ipv4.ip_local_port_range`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EphemeralPorts {
    low: u16,
    high: u16,
}

impl Default for EphemeralPorts {
    fn default() -> Self {
        Self {
            low: 32_768,
            high: 60_999,
        }
    }
}

impl EphemeralPorts {
    /// Parses `32768\t60999`, as the kernel writes it; anything else is `None`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split_ascii_whitespace().map(str::parse::<u16>);
        let (low, high) = (words.next()?.ok()?, words.next()?.ok()?);
        (low <= high).then_some(Self { low, high })
    }

    /// True if the kernel may have picked this port by itself.
    pub fn contains(self, port: Port) -> bool {
        (self.low..=self.high).contains(&port.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_read_as_the_kernel_writes_it() {
        let range = EphemeralPorts::parse(b"1024\t65535\n").unwrap();
        assert!(
            range.contains(Port(1024))
                && range.contains(Port(65535))
                && !range.contains(Port(1023))
        );
        for bad in [&b""[..], b"1", b"9 1", b"1 70000", b"\xff 1"] {
            assert_eq!(EphemeralPorts::parse(bad), None);
        }
    }

    #[test]
    fn an_attempt_is_not_a_connection() {
        for state in [2, 3, 12] {
            assert_eq!(Phase::of(Transport::Tcp, state), Phase::Attempt);
        }
        for state in [1, 4, 5, 6, 8, 9, 11] {
            assert_eq!(Phase::of(Transport::Tcp, state), Phase::Connected);
        }
        for state in [0, 7, 13, 255] {
            assert_eq!(Phase::of(Transport::Tcp, state), Phase::Idle);
        }
        assert_eq!(Phase::of(Transport::Udp, 7), Phase::Unconnected);
    }
}
