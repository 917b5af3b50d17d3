//! UDP: services that are called by datagrams, and answers of name servers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use groma_model::fact::Direction;
use groma_model::{Port, Seen, Transport};
use groma_source::Arrival;

use crate::classify::{Role, role};
use crate::sample::{Place, ProgramId};
use crate::socket::Phase;

use super::datagram::Datagram;
use super::dns;
use super::filter::service_ports;
use super::room::holder;
use super::tally::Key;
use super::trace::Ends;
use super::watch::Watch;

/// Peers that are remembered until the next count.
const PEERS_MAX: usize = 20_000;
/// Datagrams of one turn beyond which only some are looked at: about ten thousand a second.
const TURN_MAX: usize = 500;
/// One in so many, then.
const ONE_OF: u32 = 16;
const DNS: Port = Port(53);

/// Who sent datagrams to whom.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    ports: Vec<u16>,
    seen: HashMap<(usize, Direction, Ends), Sent>,
    /// UDP sockets with a peer that were counted.
    connected: std::collections::HashSet<(usize, Ends)>,
    forwards: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    seen: Seen,
    program: Option<ProgramId>,
    ours: bool,
    asked: Option<usize>,
}

impl Watch<'_> {
    /// Takes up a packet of `room`.
    pub(crate) fn arrived(&mut self, room: usize, arrival: Arrival, packet: &[u8]) {
        let Some(datagram) = Datagram::read(arrival.protocol, packet) else {
            return;
        };
        let now = self.kernel.moment();
        if datagram.source_port == DNS {
            if !arrival.outgoing {
                self.heard(room, datagram.content, now);
            }
            return;
        }
        let to = datagram.destination;
        if to.is_multicast() || to.is_unspecified() || is_broadcast(to) {
            return;
        }
        self.sent(room, arrival.outgoing, &datagram, now);
    }

    /// An answer of a name server.
    fn heard(&mut self, room: usize, message: &[u8], now: u64) {
        let Some(room) = self.rooms.get_mut(room) else {
            return;
        };
        for address in dns::mentioned(message) {
            room.names.heard_of(address);
        }
        if let Some(answer) = dns::read_answer(message) {
            room.names.learn(&answer, now);
        }
    }

    fn sent(&mut self, room: usize, outgoing: bool, datagram: &Datagram<'_>, now: u64) {
        let ends = Ends {
            local: if outgoing {
                datagram.source
            } else {
                datagram.destination
            },
            local_port: if outgoing {
                datagram.source_port
            } else {
                datagram.destination_port
            },
            remote: if outgoing {
                datagram.destination
            } else {
                datagram.source
            },
            remote_port: if outgoing {
                datagram.destination_port
            } else {
                datagram.source_port
            },
        };
        let direction = if outgoing {
            Direction::Outgoing
        } else {
            Direction::Incoming
        };
        // Both ports are the service's (NTP, syslog): who spoke first has called.
        let other = match direction {
            Direction::Outgoing => Direction::Incoming,
            Direction::Incoming => Direction::Outgoing,
        };
        let answers = ends.local_port == ends.remote_port
            && self.datagrams.seen.contains_key(&(room, other, ends));
        if answers {
            return;
        }
        let at = self.when(now);
        let one_of = self.rooms.get(room).map_or(1, |room| room.one_of.max(1));
        let seen = Seen {
            hours: groma_model::Hours::of(at),
            ..Seen::between(at, at, u64::from(one_of))
        };
        let key = (room, direction, self.without_call_port(direction, ends));
        if let Some(known) = self.datagrams.seen.get_mut(&key) {
            known.seen = known.seen.joined(seen);
            return;
        }
        if self.datagrams.seen.len() >= PEERS_MAX {
            self.count_datagrams();
        }
        let asked = self.name_of(room, direction, &ends, now);
        let (program, ours) = self.holder_of(room, direction, &ends);
        self.wants_sample |= program.is_none() && !ours && ends.remote_port != DNS;
        self.datagrams.seen.insert(
            key,
            Sent {
                seen,
                program,
                ours,
                asked,
            },
        );
    }

    /// Callers take a new port for each question; who serves needs to know only the address they come from.
    fn without_call_port(&self, direction: Direction, ends: Ends) -> Ends {
        let service = |port: Port| self.datagrams.ports.binary_search(&port.0).is_ok();
        match direction {
            Direction::Incoming if !service(ends.remote_port) => Ends {
                remote_port: Port(0),
                ..ends
            },
            _ => ends,
        }
    }

    fn name_of(
        &mut self,
        room: usize,
        direction: Direction,
        ends: &Ends,
        now: u64,
    ) -> Option<usize> {
        if direction == Direction::Incoming {
            return None;
        }
        let name = self.rooms.get(room)?.names.asked(ends.remote, now)?.clone();
        Some(self.tally.names.number(&name))
    }

    fn holder_of(
        &self,
        room: usize,
        direction: Direction,
        ends: &Ends,
    ) -> (Option<ProgramId>, bool) {
        let held = self.rooms.get(room).and_then(|room| match direction {
            Direction::Outgoing => room.sending(Transport::Udp, ends.local, ends.local_port),
            Direction::Incoming => room.serving(Transport::Udp, ends.local, ends.local_port),
        });
        held.map_or((None, false), |holder| (holder.program, holder.ours))
    }

    /// Learns from the UDP sockets of a sample: who holds the ports that were heard, and who has a peer of its own.
    pub(crate) fn met_udp(&mut self, number: usize, place: &Place) {
        if self.datagrams.ports.is_empty() {
            self.datagrams.ports = service_ports();
        }
        let mut seen = std::mem::take(&mut self.datagrams.seen);
        for ((room, direction, ends), sent) in &mut seen {
            if *room == number && sent.program.is_none() && !sent.ours {
                (sent.program, sent.ours) = self.holder_of(number, *direction, ends);
            }
        }
        self.datagrams.seen = seen;
        for socket in &place.rows.sockets {
            if socket.phase == Phase::Connected {
                self.met_connected(number, socket);
            }
        }
    }

    fn met_connected(&mut self, room: usize, socket: &crate::socket::Socket) {
        let ends = Ends {
            local: socket.local,
            local_port: socket.local_port,
            remote: socket.remote,
            remote_port: socket.remote_port,
        };
        let held = holder(socket, &mut self.sampler);
        // A connected socket names who sends from its port.
        for direction in [Direction::Outgoing, Direction::Incoming] {
            if let Some(sent) = self.datagrams.seen.get_mut(&(room, direction, ends)) {
                (sent.program, sent.ours) = (sent.program.or(held.program), held.ours);
                return;
            }
        }
        let full = self.datagrams.connected.len() >= PEERS_MAX;
        if held.ours || full || !self.datagrams.connected.insert((room, ends)) {
            return;
        }
        let Some(network) = self.rooms.get(room) else {
            return;
        };
        if let Some(Role::Connection {
            direction,
            service_port,
        }) = role(socket, &network.listeners, self.ephemeral)
        {
            let now = self.window.now();
            let key = Key {
                network: room,
                direction,
                local: ends.local,
                remote: ends.remote,
                service_port,
                transport: Transport::Udp,
                program: held.program,
                asked: None,
                unasked: false,
            };
            let flow = super::tally::Flow {
                from: now,
                to: now,
                bytes: None,
                whole: false,
            };
            self.tally.count(key, flow);
        }
    }

    /// Counts what was sent since the last count.
    pub(crate) fn count_datagrams(&mut self) {
        let mut seen: Vec<_> = std::mem::take(&mut self.datagrams.seen)
            .into_iter()
            .collect();
        seen.sort_by_key(|(key, _)| *key);
        for ((room, direction, ends), sent) in seen {
            let (service_port, nobody_here) = match direction {
                Direction::Outgoing => (ends.remote_port, sent.program.is_none()),
                Direction::Incoming => (ends.local_port, self.is_no_service(room, &ends)),
            };
            // A router passes on what others send, from its own address if it hides theirs; and of another network
            // nobody tells which addresses are its own.
            let passed_on = nobody_here && (room != 0 || self.forwards());
            let knocked = direction == Direction::Incoming && nobody_here;
            if sent.ours || passed_on || knocked || !self.is_here(room, ends.local) {
                continue;
            }
            let key = Key {
                network: room,
                direction,
                local: ends.local,
                remote: ends.remote,
                service_port,
                transport: Transport::Udp,
                program: sent.program,
                asked: sent.asked,
                unasked: false,
            };
            self.tally.add(key, sent.seen);
        }
    }

    /// True if nobody was seen to serve at this port: whoever knocked was not let in.
    fn is_no_service(&self, room: usize, ends: &Ends) -> bool {
        self.rooms.get(room).is_none_or(|room| {
            room.listeners
                .reached(Transport::Udp, ends.local, ends.local_port)
                .is_none()
        })
    }

    fn is_here(&self, room: usize, address: IpAddr) -> bool {
        room != 0 || self.world.network.is_local(address)
    }

    fn forwards(&mut self) -> bool {
        let world = self.world;
        *self.datagrams.forwards.get_or_insert_with(|| {
            let file = Path::new("/proc/sys/net/ipv4/ip_forward");
            let on = world
                .disk
                .read(file, 16)
                .map(|file| file.bytes.starts_with(b"1"));
            on.unwrap_or(false)
        })
    }

    /// Looks at fewer datagrams where there are too many.
    pub(crate) fn spare(&mut self, room: usize, taken: usize) {
        let Some(network_here) = self.rooms.get_mut(room) else {
            return;
        };
        if taken < TURN_MAX || network_here.one_of > 1 {
            return;
        }
        self.counts.datagrams_sampled = true;
        let file = network_here.file.clone();
        network_here.sample_packets(ONE_OF, file.as_ref(), self.kernel);
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}
