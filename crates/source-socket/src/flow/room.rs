//! One network of this machine: what is listened to in it, who serves there, which names were asked for.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::{Port, Transport};
use groma_source::{Events, KernelEvents, NetworkRoom};

use crate::classify::Listeners;
use crate::sample::{Owner, Place, ProgramId, Sampler};
use crate::socket::{EphemeralPorts, Phase, Socket};

use super::filter::{filter, service_ports};
use super::names::Names;

/// Sockets without a peer that are remembered by their port.
const HOLDERS_MAX: usize = 50_000;

/// Who holds a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Holder {
    /// The program, where it is known.
    pub(crate) program: Option<ProgramId>,
    /// True if it is we ourselves.
    pub(crate) ours: bool,
}

/// A network.
pub(crate) struct Room {
    /// What scopes call it.
    pub(crate) label: String,
    /// The kernel's number of it; `None` for the one this program lives in.
    pub(crate) number: Option<u64>,
    /// The file that stands for it; `None` as well for our own.
    pub(crate) file: Option<NetworkRoom>,
    /// Ends of TCP connections, where they may be had.
    pub(crate) ends: Option<Box<dyn Events>>,
    /// Datagrams, where they may be had.
    pub(crate) packets: Option<Box<dyn Events>>,
    /// Since when answers of name servers are seen, ns on the monotonic clock.
    pub(crate) hears_names_since: Option<u64>,
    /// Names that were asked for.
    pub(crate) names: Names,
    /// Who waits for calls.
    pub(crate) listeners: Listeners,
    /// Of datagrams, only one in so many is looked at.
    pub(crate) one_of: u32,
    holders: HashMap<(Transport, IpAddr, Port), Holder>,
}

impl Room {
    /// Opens the queues of a network.
    pub(crate) fn open(
        label: &str,
        room: Option<&NetworkRoom>,
        with_ends: bool,
        kernel: &dyn KernelEvents,
    ) -> Self {
        let ends = with_ends.then(|| kernel.tcp_ends(room).ok()).flatten();
        let packets = kernel.packets(room, &filter(&service_ports(), 1)).ok();
        Self {
            label: label.to_owned(),
            number: room.map(|room| room.number),
            file: room.cloned(),
            ends,
            hears_names_since: packets.is_some().then(|| kernel.moment()),
            packets,
            names: Names::default(),
            listeners: Listeners::default(),
            one_of: 1,
            holders: HashMap::new(),
        }
    }

    /// Lets go of what keeps the network alive.
    pub(crate) fn leave(&mut self) {
        (self.ends, self.packets) = (None, None);
    }

    /// Looks at one datagram in `one_of` from now on; answers of name servers stay whole.
    pub(crate) fn sample_packets(
        &mut self,
        one_of: u32,
        room: Option<&NetworkRoom>,
        kernel: &dyn KernelEvents,
    ) {
        if let Ok(packets) = kernel.packets(room, &filter(&service_ports(), one_of)) {
            self.packets = Some(packets);
            self.one_of = one_of;
        }
    }

    /// Learns who holds the ports of a sample.
    pub(crate) fn learn(
        &mut self,
        place: &Place,
        ephemeral: EphemeralPorts,
        sampler: &mut Sampler,
    ) {
        self.listeners.learn(&place.rows.sockets, ephemeral);
        if self.holders.len() > HOLDERS_MAX {
            self.holders.clear();
        }
        for socket in &place.rows.sockets {
            if matches!(socket.phase, Phase::Listening | Phase::Unconnected) {
                let holder = holder(socket, sampler);
                self.holders
                    .insert((socket.transport, socket.local, socket.local_port), holder);
            }
        }
    }

    /// Learns that somebody began to listen.
    pub(crate) fn listens(
        &mut self,
        address: IpAddr,
        port: Port,
        holder: Holder,
        ephemeral: EphemeralPorts,
    ) {
        let socket = Socket {
            transport: Transport::Tcp,
            phase: Phase::Listening,
            local: address,
            local_port: port,
            remote: IpAddr::from([0; 4]),
            remote_port: Port(0),
            uid: 0,
            inode: 0,
            cookie: 0,
            only_v6: false,
            ended_ms: None,
        };
        self.listeners.learn(&[socket], ephemeral);
        self.holders.insert((Transport::Tcp, address, port), holder);
    }

    /// Who answers calls to this address and port.
    pub(crate) fn serving(
        &self,
        transport: Transport,
        address: IpAddr,
        port: Port,
    ) -> Option<Holder> {
        let socket = self.listeners.reached(transport, address, port)?;
        self.holders
            .get(&(transport, socket.local, socket.local_port))
            .copied()
    }

    /// Who sends from this address and port without a peer of its own.
    pub(crate) fn sending(
        &self,
        transport: Transport,
        address: IpAddr,
        port: Port,
    ) -> Option<Holder> {
        let any: [IpAddr; 2] = [IpAddr::from([0; 4]), IpAddr::from([0; 16])];
        std::iter::once(address)
            .chain(any)
            .find_map(|local| self.holders.get(&(transport, local, port)))
            .copied()
    }
}

/// Who holds `socket`, as of the newest sample.
pub(crate) fn holder(socket: &Socket, sampler: &mut Sampler) -> Holder {
    match sampler.owner(socket) {
        Owner::Program(program) => Holder {
            program: Some(program),
            ours: false,
        },
        Owner::Ourselves => Holder {
            program: None,
            ours: true,
        },
        Owner::Hidden => Holder {
            program: Some(sampler.hidden_program(socket)),
            ours: false,
        },
        Owner::Nobody => Holder {
            program: None,
            ours: false,
        },
    }
}
