//! What one socket says about the estate, pure.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::fact::Direction;
use groma_model::registry::REGISTRY;
use groma_model::{Port, Transport};

use crate::SocketRow;

/// Ports the system gives out by itself since Windows Vista (RFC 6335 §6; Microsoft Learn, "default dynamic port range").
/// Another range that somebody set (`netsh int ipv4 set dynamicport`) stands in a table of the network stack that no key shows;
/// one that `MaxUserPort` makes is read by `programs`.
pub(super) const GIVEN_OUT: std::ops::RangeInclusive<u16> = 49_152..=65_535;

/// What a socket is doing, as far as an inventory cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// It waits for calls.
    Listening,
    /// Both ends know of each other, or did until a moment ago.
    Connected,
    /// UDP, whose table tells no peer.
    Unconnected,
    /// Nothing to be learnt.
    Idle,
}

/// One socket, parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Socket {
    pub(super) transport: Transport,
    pub(super) phase: Phase,
    pub(super) local: IpAddr,
    pub(super) local_port: Port,
    pub(super) remote: Option<(IpAddr, Port)>,
}

impl Socket {
    /// Of a row; `None` for a transport of tomorrow.
    pub(super) fn of(row: &SocketRow) -> Option<Self> {
        let transport = match row.transport.as_str() {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        let local = row.local.to_canonical();
        let remote = row
            .remote
            .map(|ip| (ip.to_canonical(), Port(row.remote_port)));
        Some(Self {
            transport,
            phase: phase(transport, &row.state),
            local,
            local_port: Port(row.local_port),
            remote: remote.filter(|(ip, port)| !ip.is_unspecified() && *port != Port(0)),
        })
    }

    /// True if it waits for calls. For UDP the system knows no such state, so this is a judgement; ports 68 and 546 belong
    /// to the clients of DHCP (RFC 2131 §4.1, RFC 8415 §7.2).
    pub(super) fn is_listener(&self) -> bool {
        match self.phase {
            Phase::Listening => self.local_port != Port(0),
            Phase::Unconnected => match self.local_port.0 {
                0 | 68 | 546 => false,
                1..=1023 => true,
                port => is_known(Port(port), Transport::Udp) || !GIVEN_OUT.contains(&port),
            },
            _ => false,
        }
    }

    /// True if both ends are this very machine, by their addresses alone.
    pub(super) fn is_within_machine(&self) -> bool {
        let to = |(remote, _): (IpAddr, Port)| remote.is_loopback() || remote == self.local;
        self.remote.is_some_and(to)
    }

    /// True if a call to `address` reaches this listener. One that takes both families stands in the tables of both.
    fn serves(&self, address: IpAddr) -> bool {
        match self.local.is_unspecified() {
            true => self.local.is_ipv4() == address.is_ipv4(),
            false => self.local == address,
        }
    }

    /// Who called whom, and at which port; `None` for what is no connection.
    pub(super) fn direction(&self, listeners: &Listeners) -> Option<(Direction, IpAddr, Port)> {
        let (remote, remote_port) = self.remote.filter(|_| self.phase == Phase::Connected)?;
        let reached = listeners.reached(self.transport, self.local, self.local_port);
        let was_called = reached.is_some() || self.was_called(remote_port);
        Some(match was_called {
            true => (Direction::Incoming, remote, self.local_port),
            false => (Direction::Outgoing, remote, remote_port),
        })
    }

    /// Sign of a service that stopped listening while its connections live on.
    fn was_called(&self, remote_port: Port) -> bool {
        // Whatever the other machine runs: Linux gives out ports from here on, Windows from later on.
        const CALLERS_FROM: Port = Port(32_768);
        let known = |port| is_known(port, self.transport);
        !GIVEN_OUT.contains(&self.local_port.0)
            && remote_port >= CALLERS_FROM
            && known(self.local_port)
            && !known(remote_port)
    }
}

fn is_known(port: Port, transport: Transport) -> bool {
    REGISTRY.kind_by_port(port, transport).is_some()
}

/// True for a UDP listener that only time can tell from a resolver's query socket.
pub(super) fn must_last(transport: Transport, port: Port) -> bool {
    transport == Transport::Udp && port.0 > 1023 && !is_known(port, transport)
}

/// The phase behind a word: of groma, of `Get-NetTCPConnection` (`TimeWait`), of `netstat` in English (`CLOSE_WAIT`).
fn phase(transport: Transport, word: &str) -> Phase {
    if transport == Transport::Udp {
        return Phase::Unconnected;
    }
    let letters = word.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "listen" | "listening" => Phase::Listening,
        "established" | "finwait1" | "finwait2" | "closewait" | "closing" | "lastack"
        | "timewait" => Phase::Connected,
        _ => Phase::Idle,
    }
}

/// The listeners of the machine, to tell callers from called.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    by_port: HashMap<(Transport, Port), Vec<(Socket, Held)>>,
}

/// Who holds a socket: a number of a program, or nobody.
pub(super) type Held = Option<usize>;

impl Listeners {
    /// Takes up a listener; the newest on an address stands for it: its program is the one that answers now.
    pub(super) fn learn(&mut self, socket: Socket, held: Held) {
        let at = (socket.transport, socket.local_port);
        let here = self.by_port.entry(at).or_default();
        here.retain(|(known, _)| known.local != socket.local);
        here.push((socket, held));
    }

    /// The listener a call to this address and port reaches: the one on exactly this address before the one on all.
    pub(super) fn reached(
        &self,
        transport: Transport,
        address: IpAddr,
        port: Port,
    ) -> Option<&(Socket, Held)> {
        let here = self.by_port.get(&(transport, port))?;
        let exact = here.iter().find(|(socket, _)| socket.local == address);
        exact.or_else(|| here.iter().find(|(socket, _)| socket.serves(address)))
    }
}
