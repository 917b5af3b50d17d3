//! TCP: what happened, put together. Calls and answers, begins and ends, events and tables.

use std::net::IpAddr;

use groma_model::fact::Direction;
use groma_model::{Port, Transport};

use crate::classify::{Role, role};
use crate::sample::{Owner, Place, ProgramId, Sample};
use crate::socket::{Phase, Socket};
use crate::tier::Tier;

use super::end::End;
use super::lineage::Who;
use super::room::{Holder, holder};
use super::tally::{Flow, Key};
use super::trace::{Ends, Event, Step};
use super::watch::Watch;

/// Connections that are remembered while they last.
const OPEN_MAX: usize = 200_000;
/// Calls nobody answers are forgotten after this many ns; the kernel gives up after about two minutes.
const CALL_LASTS: u64 = 150_000_000_000;
/// How long the end of a connection may take from one queue to the other, in ns.
const END_TAKES: u64 = 1_000_000_000;
/// A connection younger than this, in ns, may be too young for a sample.
const TOO_YOUNG: u64 = 2_000_000_000;

/// A call nobody has answered yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    task: u32,
    at: u64,
    /// Which network, and whose task, where that was told.
    network: Option<u64>,
    user: Option<u32>,
}

/// A connection that is not over, or whose end has not been told yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Open {
    direction: Direction,
    /// Whose port is the service's.
    service_port: Port,
    program: Option<ProgramId>,
    room: Option<usize>,
    /// The kernel's number of the network, where it was told.
    network: Option<u64>,
    from: u64,
    /// When it was closed, as the trace says.
    closed: Option<u64>,
    /// Bytes, where the close told them.
    bytes: Option<u64>,
    /// True if it was seen to begin.
    begun: bool,
    asked: Option<usize>,
    unasked: bool,
}

impl Open {
    /// True if nobody knows in which network it is.
    pub(crate) fn is_homeless(&self) -> bool {
        self.room.is_none()
    }
}

impl Watch<'_> {
    /// Takes up an event; everything before it has been.
    pub(crate) fn happened(&mut self, event: Event) {
        let (at, network) = (event.at, event.network);
        match event.step {
            Step::Calls { task, socket } => {
                if self.calls.len() >= OPEN_MAX {
                    self.calls
                        .retain(|_, call| call.at.saturating_add(CALL_LASTS) > at);
                }
                let call = Call {
                    task,
                    at,
                    network,
                    user: event.user,
                };
                self.calls.insert(socket, call);
            }
            Step::Answered { socket, ends } => {
                if let Some(call) = self.calls.remove(&socket) {
                    self.answered(call, ends);
                }
            }
            Step::Taken { ends } => {
                let room = self.told_room(network);
                self.begin(
                    ends,
                    Open {
                        direction: Direction::Incoming,
                        service_port: ends.local_port,
                        program: None,
                        room,
                        network,
                        from: at,
                        closed: None,
                        bytes: None,
                        begun: true,
                        asked: None,
                        unasked: false,
                    },
                );
            }
            Step::Closed {
                socket,
                ends,
                bytes,
            } => {
                self.calls.remove(&socket);
                if let Some(open) = self.open.get_mut(&ends) {
                    (open.closed, open.bytes) = (Some(at), bytes);
                    self.closing.push_back((at, ends));
                }
            }
            Step::Listens {
                task,
                address,
                port,
            } => self.listens(task, at, network, address, port),
            Step::Forked { .. } | Step::Executed { .. } => {}
        }
    }

    fn begin(&mut self, ends: Ends, open: Open) {
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&ends) {
            self.counts.skipped += 1;
            return;
        }
        if let Some(before) = self.open.insert(ends, open) {
            // A table showed it before its begin was judged: one connection, not two. Else the same ends came again
            // before the end of the first was told, and that one is over.
            let same = !before.begun && open.from <= before.from;
            if !same {
                self.count_unended(ends, before, open.from);
            }
        }
    }

    fn answered(&mut self, call: Call, ends: Ends) {
        let who = self.lineage.who(call.task, call.at);
        if let Who::Read(reading) = &who
            && reading.ours
        {
            self.ours.insert(ends);
            self.ours.insert(ends.reversed());
            return;
        }
        let (program, namespace) = self.identity.program(&who, call.user, &mut self.sampler);
        let room = self
            .told_room(call.network)
            .or_else(|| self.room_of(namespace));
        let (asked, unasked) = self.reached(room, ends.remote, call.at, &who);
        // Of one that ended only its parent's network is known, which it may have left: its end will tell.
        let is_certain = call.network.is_some() || matches!(who, Who::Read(_));
        let room = room.filter(|_| is_certain);
        self.begin(
            ends,
            Open {
                direction: Direction::Outgoing,
                service_port: ends.remote_port,
                program,
                room,
                network: call.network,
                from: call.at,
                closed: None,
                bytes: None,
                begun: true,
                asked,
                unasked,
            },
        );
    }

    /// The room of a network that was told; where nobody has been there yet, the next sample shall go.
    fn told_room(&mut self, network: Option<u64>) -> Option<usize> {
        let room = self.room_of(network);
        self.wants_sample |= network.is_some() && room.is_none();
        room
    }

    /// By which name `remote` was called; and whether surely by none.
    fn reached(
        &mut self,
        room: Option<usize>,
        remote: IpAddr,
        at: u64,
        who: &Who,
    ) -> (Option<usize>, bool) {
        let Some(room) = self.rooms.get(room.unwrap_or(0)) else {
            return (None, false);
        };
        if let Some(name) = room.names.asked(remote, at) {
            let name = name.clone();
            return (Some(self.tally.names.number(&name)), false);
        }
        let began_under_our_eyes = match who {
            Who::Read(reading) => reading.started > self.began_ticks,
            _ => false,
        };
        let hears = room
            .hears_names_since
            .is_some_and(|since| since <= self.began.0)
            && !self.answers_elsewhere;
        let unasked =
            hears && began_under_our_eyes && is_inside(remote) && !room.names.knows(remote);
        (None, unasked)
    }

    fn listens(&mut self, task: u32, at: u64, network: Option<u64>, address: IpAddr, port: Port) {
        let who = self.lineage.who(task, at);
        let ours = matches!(&who, Who::Read(reading) if reading.ours);
        let (program, namespace) = self.identity.program(&who, None, &mut self.sampler);
        let room = match network {
            Some(_) => self.told_room(network),
            None => self.room_of(namespace),
        };
        let ephemeral = self.ephemeral;
        if let Some(room) = room.and_then(|room| self.rooms.get_mut(room)) {
            room.listens(address, port, Holder { program, ours }, ephemeral);
        }
    }

    /// Takes up the end of a connection in `room`.
    pub(crate) fn ended(&mut self, room: usize, end: &End, at: u64) {
        let listened = end.ends.remote_port == Port(0);
        if listened || self.ours.contains(&end.ends) || !end.answered {
            return;
        }
        if self.owed.is_told(&end.ends, at) {
            self.counts.ends += 1;
            self.counts.ends_known += 1;
            return;
        }
        let here = |open: &Open| open.room.is_none_or(|known| known == room);
        if let Some(open) = self.open.get(&end.ends).copied().filter(here) {
            self.open.remove(&end.ends);
            self.counts.ends += u64::from(open.begun);
            self.counts.ends_known += u64::from(open.begun);
            let open = Open {
                room: Some(room),
                ..open
            };
            let bytes = end.bytes.or(open.bytes);
            self.count(end.ends, open, open.closed.unwrap_or(at), bytes);
            return;
        }
        self.counts.ends += 1;
        if let Some(open) = self.judged(room, &end.ends, Owner::Nobody, at) {
            self.count(end.ends, open, at, end.bytes);
        }
    }

    /// What a connection is of which only the ends are known: who listens tells who was called.
    fn judged(&self, room: usize, ends: &Ends, owner: Owner, at: u64) -> Option<Open> {
        let listeners = &self.rooms.get(room)?.listeners;
        let socket = Socket {
            transport: Transport::Tcp,
            phase: Phase::Connected,
            local: ends.local,
            local_port: ends.local_port,
            remote: ends.remote,
            remote_port: ends.remote_port,
            uid: 0,
            inode: 0,
            cookie: 0,
            only_v6: false,
            ended_ms: None,
        };
        let Some(Role::Connection {
            direction,
            service_port,
        }) = role(&socket, listeners, self.ephemeral)
        else {
            return None;
        };
        let program = match owner {
            Owner::Program(id) => Some(id),
            _ => None,
        };
        Some(Open {
            direction,
            service_port,
            program: program.filter(|_| direction == Direction::Outgoing),
            room: Some(room),
            network: None,
            from: at,
            closed: None,
            bytes: None,
            begun: false,
            asked: None,
            unasked: false,
        })
    }

    /// Counts a connection that is over or as far as it was seen.
    fn count(&mut self, ends: Ends, open: Open, to: u64, bytes: Option<u64>) {
        let room = match (open.room, open.network) {
            (Some(room), _) => room,
            (None, None) => self.likely_room(&ends),
            (None, told) => match self.room_of(told) {
                Some(room) => room,
                None => {
                    self.counts.elsewhere += 1;
                    return;
                }
            },
        };
        let Some(network) = self.rooms.get(room) else {
            return;
        };
        let mut program = open.program;
        if open.direction == Direction::Incoming {
            let serving = network.serving(Transport::Tcp, ends.local, ends.local_port);
            if serving.is_some_and(|holder| holder.ours) {
                return;
            }
            program = program.or(serving.and_then(|holder| holder.program));
        }
        let key = Key {
            network: room,
            direction: open.direction,
            local: ends.local,
            remote: ends.remote,
            service_port: open.service_port,
            transport: Transport::Tcp,
            program,
            asked: open.asked,
            unasked: open.unasked,
        };
        let over = open.closed.is_some() || bytes.is_some();
        let flow = Flow {
            from: self.when(open.from),
            to: self.when(to.max(open.from)),
            bytes,
            whole: open.begun && over,
        };
        self.tally.count(key, flow);
    }

    /// Counts a connection whose end was not told, and may be told yet.
    fn count_unended(&mut self, ends: Ends, open: Open, to: u64) {
        if open.begun && self.tier.tells_calls() {
            self.owed.counted(ends, to);
        }
        self.count(ends, open, to, open.bytes);
    }

    /// The only network somebody serves in at this address; ours, where several do or nobody.
    fn likely_room(&self, ends: &Ends) -> usize {
        let serves = |room: &super::room::Room| {
            room.listeners
                .reached(Transport::Tcp, ends.local, ends.local_port)
                .is_some()
        };
        let mut all = self
            .rooms
            .iter()
            .enumerate()
            .filter(|(_, room)| serves(room));
        match (all.next(), all.next()) {
            (Some((only, _)), None) => only,
            _ => 0,
        }
    }

    /// Counts what was closed long enough ago that nobody will tell its bytes any more.
    pub(crate) fn close_old(&mut self, until: u64) {
        // Only those that were closed: of connections that stay open there may be ten thousand, in every turn.
        while let Some((closed, ends)) = self.closing.front().copied() {
            if closed.saturating_add(END_TAKES) > until {
                return;
            }
            self.closing.pop_front();
            // Its end may have been told meanwhile, and the same ends used again.
            let open = self.open.get(&ends).copied();
            if let Some(open) = open.filter(|open| open.closed == Some(closed)) {
                self.open.remove(&ends);
                self.count_unended(ends, open, closed);
            }
        }
    }

    /// Counts everything that is still open, as far as it was seen.
    pub(crate) fn close_all(&mut self) {
        let now = self.kernel.moment();
        let mut all: Vec<(Ends, Open)> = std::mem::take(&mut self.open).into_iter().collect();
        all.sort_by_key(|(ends, _)| *ends);
        for (ends, open) in all {
            self.count(ends, open, open.closed.unwrap_or(now), open.bytes);
        }
    }

    /// Learns from the TCP sockets of a sample: who is connected since before we looked, and in which network.
    pub(crate) fn met_tcp(&mut self, room: usize, place: &Place, at: u64) {
        let connected = |socket: &&Socket| {
            socket.phase == Phase::Connected
                && !socket.remote.is_unspecified()
                && socket.remote_port != Port(0)
        };
        for socket in place.rows.sockets.iter().filter(connected) {
            let ends = Ends {
                local: socket.local,
                local_port: socket.local_port,
                remote: socket.remote,
                remote_port: socket.remote_port,
            };
            let Holder { program, ours } = holder(socket, &mut self.sampler);
            if ours {
                self.ours.insert(ends);
                self.ours.insert(ends.reversed());
            }
            if self.ours.contains(&ends) {
                continue;
            }
            if let Some(open) = self.open.get_mut(&ends) {
                open.room = open.room.or(Some(room));
                if open.direction == Direction::Outgoing {
                    open.program = open.program.or(program);
                }
                continue;
            }
            // What is in TIME_WAIT has been told as it ended, where ends are told.
            if socket.inode == 0 && self.tier != Tier::Polled {
                continue;
            }
            let owner = program.map_or(Owner::Nobody, Owner::Program);
            if let Some(open) = self.judged(room, &ends, owner, at) {
                self.begin(ends, open);
            }
        }
    }

    /// What was open and is in no table any more has ended without a word.
    pub(crate) fn drop_unmet(&mut self, sample: &Sample, at: u64) {
        if sample.cut || self.counts.sample_cut {
            return;
        }
        let old = |open: &Open| open.closed.is_none() && open.from.saturating_add(TOO_YOUNG) < at;
        if !self.open.values().any(old) {
            return;
        }
        let met: std::collections::HashSet<Ends> = sample
            .places
            .iter()
            .filter(|place| place.transport == Transport::Tcp)
            .flat_map(|place| &place.rows.sockets)
            .map(|socket| Ends {
                local: socket.local,
                local_port: socket.local_port,
                remote: socket.remote,
                remote_port: socket.remote_port,
            })
            .collect();
        let gone: Vec<(Ends, Open)> = self
            .open
            .iter()
            .filter(|(ends, open)| old(open) && !met.contains(ends))
            .map(|(ends, open)| (*ends, *open))
            .collect();
        for (ends, open) in gone {
            self.open.remove(&ends);
            self.count_unended(ends, open, at);
        }
    }
}

/// True for an address of a house's own networks: names of those are asked of name servers that can be listened to,
/// while names of the rest of the world may be asked over HTTPS.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}
