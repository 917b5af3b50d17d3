//! Samples → facts, each said once however often it was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use groma_model::fact::{Direction, Program};
use groma_model::{Port, Reason, Seen, Timestamp, Transport};

use super::kinds::{Held, Listeners, Socket};
use super::programs::{KERNEL, Surroundings};
use super::shared;
use crate::{Machine, Process, Rows, SocketRow};

/// Facts of one look.
const FACTS_MAX: usize = 100_000;

/// What is counted: a fact without the volatile parts. The order is the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Subject {
    Listener {
        address: IpAddr,
        port: Port,
    },
    Connection {
        direction: Direction,
        local: IpAddr,
        remote: IpAddr,
        service_port: Port,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub(super) transport: Transport,
    pub(super) subject: Subject,
    pub(super) program: Held,
}

pub(super) struct Times {
    pub(super) seen: Seen,
    pub(super) newest_sample: u64,
}

/// Who holds a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    /// A program, and whether its path was refused.
    Program(usize, bool),
    /// The kernel: the port says which part of it.
    Kernel,
    /// We ourselves.
    Ourselves,
    /// Nobody any more (`TIME_WAIT`), or a process that ended.
    Nobody,
    /// Somebody whom we may not look at.
    Hidden,
}

/// Both ends of a connection.
type Ends = (IpAddr, Port, IpAddr, Port);

/// The sockets of a look, growing sample by sample: hand in the tables as often as you like, then ask what they said.
///
/// It keeps nothing but facts and counts, so a watch of a day costs no more than what there was to see.
pub struct Sockets {
    pub(super) around: Surroundings,
    pub(super) ourselves: BTreeSet<u32>,
    pub(super) programs: Vec<Program>,
    pub(super) ids: HashMap<Program, usize>,
    pub(super) listeners: Listeners,
    pub(super) times: HashMap<Key, Times>,
    pub(super) ours: HashSet<Ends>,
    pub(super) samples: u64,
    pub(super) hidden: u64,
    pub(super) hidden_ports: BTreeSet<(Transport, Port)>,
    /// Processes of which nobody says which service a socket belongs to.
    pub(super) shared: BTreeSet<String>,
    pub(super) missing: BTreeMap<&'static str, Reason>,
    pub(super) cut: bool,
}

impl Sockets {
    /// Nothing yet; what the machine says of its services and ports is read once, here.
    pub fn of(machine: &Machine<'_>) -> Self {
        Self {
            around: Surroundings::of(machine),
            ourselves: BTreeSet::new(),
            programs: Vec::new(),
            ids: HashMap::new(),
            listeners: Listeners::default(),
            times: HashMap::new(),
            ours: HashSet::new(),
            samples: 0,
            hidden: 0,
            hidden_ports: BTreeSet::new(),
            shared: BTreeSet::new(),
            missing: BTreeMap::new(),
            cut: false,
        }
    }

    /// Leaves out the sockets of a process, and the other ends of its connections: the agent's own.
    #[must_use]
    pub fn without(mut self, process: u32) -> Self {
        self.ourselves.insert(process);
        self
    }

    /// Counts one sample, taken at `now`; of the tables it needs sockets, processes, users, names and adapters.
    pub fn sample(&mut self, rows: &Rows, now: Timestamp) {
        self.samples += 1;
        for table in ["sockets", "processes"] {
            if let Some(reason) = rows.missing(table) {
                self.missing.insert(table, reason.clone());
            }
        }
        if rows.sockets.is_empty() {
            // No Windows runs without one: nobody asked.
            self.missing.entry("sockets").or_insert(Reason::NotPresent);
        }
        let mut sample = Sample::of(rows);
        let sockets: Vec<(Socket, &SocketRow)> = rows
            .sockets
            .iter()
            .filter_map(|row| Some((Socket::of(row)?, row)))
            .collect();
        for (socket, row) in &sockets {
            self.learn(socket, row, &mut sample);
        }
        let mut hidden = 0;
        for (socket, row) in &sockets {
            let owner = self.owner(row, &mut sample);
            let Some(key) = self.key(socket, owner, &sample) else {
                continue;
            };
            if matches!(owner, Owner::Hidden | Owner::Program(_, true)) {
                hidden += 1;
                if let Subject::Listener { port, .. } = key.subject {
                    self.hidden_ports.insert((key.transport, port));
                }
            }
            self.count(key, now);
        }
        self.hidden = self.hidden.max(hidden);
    }

    fn learn(&mut self, socket: &Socket, row: &SocketRow, sample: &mut Sample<'_>) {
        let owner = self.owner(row, sample);
        if let (Owner::Ourselves, Some((remote, port))) = (owner, socket.remote) {
            let (local, local_port) = (socket.local, socket.local_port);
            self.ours.insert((local, local_port, remote, port));
            self.ours.insert((remote, port, local, local_port));
        }
        if socket.is_listener() && owner != Owner::Ourselves {
            let held = self.listening(socket, owner);
            self.listeners.learn(*socket, held);
        }
    }

    /// The program of a listener.
    fn listening(&mut self, socket: &Socket, owner: Owner) -> Held {
        match owner {
            Owner::Program(id, _) => Some(id),
            Owner::Kernel => {
                let is_tcp = socket.transport == Transport::Tcp;
                let unit = self.around.kernel.serves(socket.local_port.0);
                let program = self.around.of_kernel(unit.filter(|_| is_tcp));
                Some(self.id_of(program))
            }
            Owner::Ourselves | Owner::Nobody | Owner::Hidden => None,
        }
    }

    fn owner(&mut self, row: &SocketRow, sample: &mut Sample<'_>) -> Owner {
        match row.process {
            0 => return Owner::Nobody,
            KERNEL => return Owner::Kernel,
            id if self.ourselves.contains(&id) => return Owner::Ourselves,
            _ => {}
        }
        let process = sample.processes.get(&row.process).copied();
        let service = row.service.as_deref().filter(|service| !service.is_empty());
        let service = service.or_else(|| shared::by_port(process?, row));
        let at = (row.process, service.map(str::to_owned));
        if let Some(known) = sample.owners.get(&at) {
            return *known;
        }
        let unsaid = process.filter(|process| service.is_none() && shared::is_shared(process));
        self.shared.extend(unsaid.map(shared::candidates));
        let owner = match (process, service) {
            (Some(process), _) => {
                let program = self.around.program(process, service, sample.rows);
                Owner::Program(self.id_of(program), process.executable.is_none())
            }
            (None, Some(service)) => {
                let unit = Some(self.around.unit(service));
                let program = Program {
                    unit,
                    ..Program::default()
                };
                Owner::Program(self.id_of(program), true)
            }
            (None, None) if sample.rows.missing("processes").is_some() => Owner::Hidden,
            (None, None) => Owner::Nobody,
        };
        sample.owners.insert(at, owner);
        owner
    }

    fn id_of(&mut self, program: Program) -> usize {
        if let Some(id) = self.ids.get(&program) {
            return *id;
        }
        let id = self.programs.len();
        self.programs.push(program.clone());
        self.ids.insert(program, id);
        id
    }

    pub(super) fn program(&self, held: Held) -> Option<&Program> {
        held.and_then(|id| self.programs.get(id))
    }

    /// What a socket counts as; `None` if it says nothing about the estate.
    fn key(&mut self, socket: &Socket, owner: Owner, sample: &Sample<'_>) -> Option<Key> {
        let (local, local_port) = (socket.local, socket.local_port);
        let is_end = |(ip, port)| self.ours.contains(&(local, local_port, ip, port));
        let ours = owner == Owner::Ourselves || socket.remote.is_some_and(is_end);
        // What this machine said to itself, with nobody left to ask, says nothing.
        if ours || (owner == Owner::Nobody && socket.is_within_machine()) {
            return None;
        }
        let (subject, program) = match socket.is_listener() {
            true => self.listener(socket, owner, sample)?,
            false => self.connection(socket, owner)?,
        };
        Some(Key {
            transport: socket.transport,
            subject,
            program,
        })
    }

    fn listener(
        &mut self,
        socket: &Socket,
        owner: Owner,
        sample: &Sample<'_>,
    ) -> Option<(Subject, Held)> {
        let held = self.listening(socket, owner);
        let port = socket.local_port;
        let is_tcp = socket.transport == Transport::Tcp;
        let fleeting = is_tcp && self.around.is_fleeting(port.0, self.program(held));
        let subject = Subject::Listener {
            address: socket.local,
            port,
        };
        (!fleeting && sample.keeps(socket.local)).then_some((subject, held))
    }

    fn connection(&mut self, socket: &Socket, owner: Owner) -> Option<(Subject, Held)> {
        if self.is_a_pair(socket) {
            return None;
        }
        let (direction, remote, service_port) = socket.direction(&self.listeners)?;
        let held = match (direction, owner) {
            (Direction::Incoming, _) => self.called(socket, owner),
            (Direction::Outgoing, Owner::Kernel) => {
                let unit = self.around.kernel.calls(service_port.0);
                let program = self.around.of_kernel(unit);
                Some(self.id_of(program))
            }
            (Direction::Outgoing, _) => self.listening(socket, owner),
        };
        let subject = Subject::Connection {
            direction,
            local: socket.local,
            remote,
            service_port,
        };
        Some((subject, held))
    }

    /// True for the two ends by which a program talks to itself, as many do where Windows has no pipe for it: both ports
    /// are given out, and nobody listens there any more. The same for calls of remote procedures within the machine.
    fn is_a_pair(&self, socket: &Socket) -> bool {
        let Some((remote, remote_port)) = socket.remote.filter(|_| socket.is_within_machine())
        else {
            return false;
        };
        let ends = [(socket.local, socket.local_port), (remote, remote_port)];
        let mut listened = ends
            .iter()
            .filter_map(|(ip, port)| self.listeners.reached(socket.transport, *ip, *port));
        ends.iter()
            .all(|(_, port)| self.around.is_given_out(port.0))
            && listened.all(|(listener, held)| {
                let program = self.program(*held);
                self.around.is_fleeting(listener.local_port.0, program)
            })
    }

    /// The program that was called: the listener's, unless another executable took the connection over.
    fn called(&mut self, socket: &Socket, owner: Owner) -> Held {
        let (transport, port) = (socket.transport, socket.local_port);
        let reached = self
            .listeners
            .reached(transport, socket.local, port)
            .copied();
        let holder = self.listening(socket, owner);
        let Some((_, service)) = reached else {
            return holder;
        };
        let executable = |held: Held| self.program(held).map(|program| &program.executable);
        let same = service.is_some() && executable(service) == executable(holder);
        if holder.is_none() || same {
            service
        } else {
            holder
        }
    }

    fn count(&mut self, key: Key, now: Timestamp) {
        let sample = self.samples;
        if let Some(times) = self.times.get_mut(&key) {
            // Several sockets of one connection count once in a sample.
            let counts = u64::from(times.newest_sample != sample);
            times.seen = times.seen.joined(Seen::between(now, now, counts));
            times.newest_sample = sample;
        } else if self.times.len() < FACTS_MAX {
            let seen = Seen::once(now);
            let newest_sample = sample;
            self.times.insert(
                key,
                Times {
                    seen,
                    newest_sample,
                },
            );
        } else {
            self.cut = true;
        }
    }
}

/// What holds for one sample only: process numbers mean something else in the next.
struct Sample<'a> {
    rows: &'a Rows,
    processes: HashMap<u32, &'a Process>,
    owners: HashMap<(u32, Option<String>), Owner>,
    /// Addresses that adapters keep; empty where adapters are not known.
    addresses: HashSet<IpAddr>,
}

impl<'a> Sample<'a> {
    fn of(rows: &'a Rows) -> Self {
        let written = rows.adapters.iter().flat_map(|adapter| &adapter.addresses);
        let address = |text: &String| text.split('/').next()?.parse::<IpAddr>().ok();
        Self {
            rows,
            processes: rows
                .processes
                .iter()
                .map(|process| (process.id, process))
                .collect(),
            owners: HashMap::new(),
            addresses: written.filter_map(address).collect(),
        }
    }

    /// False for an address of IPv6 that is gone in a day.
    fn keeps(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V6(ip) if !ip.is_unspecified() && !ip.is_loopback() => {
                let known = self.addresses.iter().any(IpAddr::is_ipv6);
                !known || ip.is_unicast_link_local() || self.addresses.contains(&address)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
