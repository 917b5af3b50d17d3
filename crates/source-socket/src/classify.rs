//! Sockets → who serves and who calls, pure.
//!
//! The kernel does not say who opened a connection. A connection whose local port somebody on this machine
//! listens on was opened from outside; every other one was opened here.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::fact::Direction;
use groma_model::registry::REGISTRY;
use groma_model::{Port, Transport};

use crate::socket::{EphemeralPorts, Phase, Socket};

/// What one socket says about the estate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// It waits for calls.
    Listener,
    /// It is one end of a connection.
    Connection {
        /// Who called.
        direction: Direction,
        /// The port of the side that was called.
        service_port: Port,
    },
}

/// The listeners of one network namespace, to tell callers from called.
#[derive(Debug, Default)]
pub struct Listeners {
    by_port: HashMap<(Transport, Port), Vec<Socket>>,
}

impl Listeners {
    /// Takes up every listener among `sockets`; what was taken up before stays.
    pub fn learn(&mut self, sockets: &[Socket], ephemeral: EphemeralPorts) {
        for socket in sockets
            .iter()
            .filter(|socket| is_listener(socket, ephemeral))
        {
            let here = self
                .by_port
                .entry((socket.transport, socket.local_port))
                .or_default();
            // The newest socket on an address stands for it: its program is the one that answers now.
            here.retain(|known| known.local != socket.local);
            here.push(*socket);
        }
    }

    /// The listener a call to this address and port reaches: the one on exactly this address before the one on all.
    pub fn reached(&self, transport: Transport, address: IpAddr, port: Port) -> Option<&Socket> {
        let here = self.by_port.get(&(transport, port))?;
        here.iter()
            .find(|s| s.local == address)
            .or_else(|| here.iter().find(|s| s.serves(address)))
    }
}

/// What `socket` says, if it says anything.
pub fn role(socket: &Socket, listeners: &Listeners, ephemeral: EphemeralPorts) -> Option<Role> {
    match socket.phase {
        Phase::Listening | Phase::Unconnected => {
            is_listener(socket, ephemeral).then_some(Role::Listener)
        }
        Phase::Connected if socket.remote.is_unspecified() || socket.remote_port == Port(0) => None,
        Phase::Connected => Some(connection(socket, listeners, ephemeral)),
        Phase::Attempt | Phase::Idle => None,
    }
}

fn connection(socket: &Socket, listeners: &Listeners, ephemeral: EphemeralPorts) -> Role {
    let called = listeners
        .reached(socket.transport, socket.local, socket.local_port)
        .is_some()
        || was_called(socket, ephemeral);
    match called {
        true => Role::Connection {
            direction: Direction::Incoming,
            service_port: socket.local_port,
        },
        false => Role::Connection {
            direction: Direction::Outgoing,
            service_port: socket.remote_port,
        },
    }
}

/// Sign of a service that stopped listening while its connections live on: a port known for a service on this
/// side, and one the other side was given by its kernel.
fn was_called(socket: &Socket, ephemeral: EphemeralPorts) -> bool {
    let known = |port| REGISTRY.kind_by_port(port, socket.transport).is_some();
    !ephemeral.contains(socket.local_port)
        && ephemeral.contains(socket.remote_port)
        && known(socket.local_port)
        && !known(socket.remote_port)
}

/// True if the socket waits for calls. For UDP the kernel knows no such state, so this is a judgement.
pub fn is_listener(socket: &Socket, ephemeral: EphemeralPorts) -> bool {
    match socket.phase {
        Phase::Listening => socket.local_port != Port(0),
        Phase::Unconnected => is_udp_service(socket.local_port, ephemeral),
        _ => false,
    }
}

/// A UDP port is a service if it is known as one, or if nobody would get it by chance.
///
/// Ports 68 and 546 belong to the *clients* of DHCP (RFC 2131 §4.1, RFC 8415 §7.2).
fn is_udp_service(port: Port, ephemeral: EphemeralPorts) -> bool {
    match port.0 {
        0 | 68 | 546 => false,
        1..=1023 => true,
        _ => REGISTRY.kind_by_port(port, Transport::Udp).is_some() || !ephemeral.contains(port),
    }
}

/// True for a UDP listener that only time can tell from a resolver's query socket: such programs pick any port
/// above 1023 by themselves, and give it up within seconds.
pub fn must_last(transport: Transport, port: Port) -> bool {
    transport == Transport::Udp && port.0 > 1023 && REGISTRY.kind_by_port(port, transport).is_none()
}
