//! Samples → facts, each said once however often it was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use groma_model::fact::{Connection, Direction, Listener, Program};
use groma_model::{Fact, Observation, Port, Scope, Seen, Timestamp, Transport};

use crate::classify::{Listeners, Role, must_last, role};
use crate::sample::{Owner, Place, ProgramId, Sample, Sampler};
use crate::socket::{EphemeralPorts, Socket};

/// What is counted: a fact without the volatile parts. The order is the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Subject {
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
struct Key {
    namespace: usize,
    transport: Transport,
    subject: Subject,
    program: Option<ProgramId>,
}

struct Times {
    seen: Seen,
    newest_sample: u64,
}

/// How well one namespace and transport was seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Quality {
    /// True if some table was not read whole.
    pub table_cut: bool,
    /// Ports of listeners whose program we may not know.
    pub hidden_ports: BTreeSet<Port>,
}

/// The facts of a look, growing sample by sample.
pub(crate) struct Tally {
    ephemeral: EphemeralPorts,
    /// Whether the timer of a connection that is over tells when it ended.
    ends_known: bool,
    observations_max: usize,
    namespaces: Vec<String>,
    listeners: Vec<Listeners>,
    times: HashMap<Key, Times>,
    /// Both ends of our own connections, by address and port; kept, because they outlive us in `TIME_WAIT`.
    ours: HashSet<(IpAddr, Port, IpAddr, Port)>,
    samples: u64,
    /// How well each place was seen, over all samples.
    pub quality: BTreeMap<(String, Transport), Quality>,
    /// Most sockets of one sample whose program we may not know.
    pub hidden: u64,
    /// Most listeners of one sample that no process holds.
    pub unheld_listeners: u64,
    /// True if there were more facts than allowed.
    pub cut: bool,
}

impl Tally {
    /// An empty tally.
    pub(crate) fn new(ephemeral: EphemeralPorts, observations_max: u64) -> Self {
        Self {
            ephemeral,
            ends_known: true,
            observations_max: usize::try_from(observations_max).unwrap_or(usize::MAX),
            namespaces: Vec::new(),
            listeners: Vec::new(),
            times: HashMap::new(),
            ours: HashSet::new(),
            samples: 0,
            quality: BTreeMap::new(),
            hidden: 0,
            unheld_listeners: 0,
            cut: false,
        }
    }

    /// Whether the kernel keeps a connection that is over for the minute its timer is reckoned by.
    pub(crate) fn with_ends(mut self, known: bool) -> Self {
        self.ends_known = known;
        self
    }

    /// Counts one sample, taken at `now`.
    pub(crate) fn add(&mut self, sample: &Sample, sampler: &mut Sampler, now: Timestamp) {
        self.samples += 1;
        let (mut hidden, mut unheld) = (0, 0);
        for place in &sample.places {
            self.learn_ours(place, sampler);
            let namespace = self.namespace(&place.namespace);
            let ephemeral = self.ephemeral;
            if let Some(listeners) = self.listeners.get_mut(namespace) {
                listeners.learn(&place.rows.sockets, ephemeral);
            }
            let mut hidden_ports = BTreeSet::new();
            for socket in &place.rows.sockets {
                let Some((key, owner)) = self.key(namespace, socket, sampler) else {
                    continue;
                };
                hidden += u64::from(owner == Owner::Hidden);
                if let Subject::Listener { port, .. } = key.subject {
                    unheld += u64::from(owner == Owner::Nobody && !sample.cut);
                    hidden_ports.extend((owner == Owner::Hidden).then_some(port));
                }
                self.count(key, self.used_at(socket, now));
            }
            let quality = self
                .quality
                .entry((place.namespace.clone(), place.transport))
                .or_default();
            quality.table_cut |= place.missing.is_some() || !place.rows.is_complete();
            quality.hidden_ports.append(&mut hidden_ports);
        }
        self.hidden = self.hidden.max(hidden);
        self.unheld_listeners = self.unheld_listeners.max(unheld);
    }

    fn learn_ours(&mut self, place: &Place, sampler: &Sampler) {
        let ours = place
            .rows
            .sockets
            .iter()
            .filter(|socket| sampler.owner(socket) == Owner::Ourselves);
        for socket in ours.filter(|socket| !socket.remote.is_unspecified()) {
            self.ours.insert((
                socket.local,
                socket.local_port,
                socket.remote,
                socket.remote_port,
            ));
            self.ours.insert((
                socket.remote,
                socket.remote_port,
                socket.local,
                socket.local_port,
            ));
        }
    }

    fn namespace(&mut self, label: &str) -> usize {
        self.namespaces
            .iter()
            .position(|known| known == label)
            .unwrap_or_else(|| {
                self.namespaces.push(label.to_owned());
                self.listeners.push(Listeners::default());
                self.namespaces.len() - 1
            })
    }

    /// What `socket` counts as, and who holds it; `None` if it says nothing about the estate.
    fn key(
        &self,
        namespace: usize,
        socket: &Socket,
        sampler: &mut Sampler,
    ) -> Option<(Key, Owner)> {
        let owner = sampler.owner(socket);
        let ours = owner == Owner::Ourselves
            || self.ours.contains(&(
                socket.local,
                socket.local_port,
                socket.remote,
                socket.remote_port,
            ));
        // What this machine said to itself, with nobody left to ask, says nothing (our own probes leave such).
        let orphan_within = owner == Owner::Nobody && socket.is_within_machine();
        if ours || orphan_within {
            return None;
        }
        let listeners = self.listeners.get(namespace)?;
        let (subject, program) = match role(socket, listeners, self.ephemeral)? {
            Role::Listener => (
                Subject::Listener {
                    address: socket.local,
                    port: socket.local_port,
                },
                holder(socket, owner, sampler),
            ),
            Role::Connection {
                direction,
                service_port,
            } => {
                let program = match direction {
                    Direction::Outgoing => holder(socket, owner, sampler),
                    Direction::Incoming => {
                        let listener = listeners
                            .reached(socket.transport, socket.local, socket.local_port)
                            .copied();
                        called_program(socket, owner, listener, sampler)?
                    }
                };
                (
                    Subject::Connection {
                        direction,
                        local: socket.local,
                        remote: socket.remote,
                        service_port,
                    },
                    program,
                )
            }
        };
        Some((
            Key {
                namespace,
                transport: socket.transport,
                subject,
                program,
            },
            owner,
        ))
    }

    /// When a connection in the table was last used: one that is over stays there for a minute, and proves nothing of now.
    fn used_at(&self, socket: &Socket, now: Timestamp) -> Timestamp {
        let ended = socket.ended_ms.filter(|_| self.ends_known);
        Timestamp::from_millis(now.millis().saturating_sub(i64::from(ended.unwrap_or(0))))
    }

    fn count(&mut self, key: Key, now: Timestamp) {
        let sample = self.samples;
        if let Some(times) = self.times.get_mut(&key) {
            // Several sockets of one connection count once in a sample, and each tells when it was used: the newest of them holds.
            let counts = u64::from(times.newest_sample != sample);
            *times = Times {
                seen: times.seen.joined(Seen::between(now, now, counts)),
                newest_sample: sample,
            };
        } else if self.times.len() < self.observations_max {
            self.times.insert(
                key,
                Times {
                    seen: Seen::once(now),
                    newest_sample: sample,
                },
            );
        } else {
            self.cut = true;
        }
    }

    /// The facts, in an order that depends on nothing but themselves.
    pub(crate) fn observations(&self, sampler: &Sampler) -> Vec<Observation> {
        let known: HashSet<Key> = self
            .times
            .keys()
            .filter(|key| key.program.is_some())
            .map(|key| Key {
                program: None,
                ..*key
            })
            .collect();
        let mut keys: Vec<(&Key, &Times)> = self
            .times
            .iter()
            .filter(|(key, times)| self.is_worth_saying(key, times, &known))
            .collect();
        let none = Program::default();
        let of = |key: &Key| key.program.map_or(&none, |id| sampler.program(id));
        let label = |key: &Key| {
            self.namespaces
                .get(key.namespace)
                .map_or("", String::as_str)
        };
        keys.sort_by(|(a, _), (b, _)| {
            let place = |key: &Key| {
                (
                    label(key) != "host",
                    label(key).to_owned(),
                    key.transport,
                    key.subject,
                )
            };
            place(a).cmp(&place(b)).then_with(|| of(a).cmp(of(b)))
        });
        keys.into_iter()
            .map(|(key, times)| observation(key, label(key), of(key).clone(), times.seen))
            .collect()
    }

    /// A connection nobody holds any more adds nothing beside one alike whose program is known; a UDP port seen
    /// in one of several samples only was a query's.
    fn is_worth_saying(&self, key: &Key, times: &Times, known: &HashSet<Key>) -> bool {
        let fleeting = match key.subject {
            Subject::Listener { port, .. } => {
                self.samples > 1 && times.seen.count == 1 && must_last(key.transport, port)
            }
            Subject::Connection { .. } => key.program.is_none() && known.contains(key),
        };
        !fleeting
    }
}

fn holder(socket: &Socket, owner: Owner, sampler: &mut Sampler) -> Option<ProgramId> {
    match owner {
        Owner::Program(id) => Some(id),
        Owner::Hidden => Some(sampler.hidden_program(socket)),
        Owner::Nobody | Owner::Ourselves => None,
    }
}

/// The program that was called: the listener's, unless another executable took the connection over (inetd).
///
/// A worker often runs as another account, and a login's process in a group made up for it; the service they
/// belong to is what a migration moves, and it is the same at the next look. `None` if we ourselves were called.
#[expect(
    clippy::option_option,
    reason = "outer: is there anything to say; inner: is the program known"
)]
fn called_program(
    socket: &Socket,
    owner: Owner,
    listener: Option<Socket>,
    sampler: &mut Sampler,
) -> Option<Option<ProgramId>> {
    let Some(listener) = listener else {
        return Some(holder(socket, owner, sampler));
    };
    let service = match sampler.owner(&listener) {
        Owner::Ourselves => return None,
        listening => holder(&listener, listening, sampler),
    };
    let Owner::Program(worker) = owner else {
        return Some(service);
    };
    let same = service
        .is_some_and(|id| sampler.program(id).executable == sampler.program(worker).executable);
    Some(if same { service } else { Some(worker) })
}

fn observation(key: &Key, namespace: &str, program: Program, seen: Seen) -> Observation {
    let transport = key.transport;
    let (scope, fact) = match key.subject {
        Subject::Listener { address, port } => (
            port_scope(namespace, transport, port),
            Fact::Listener(Listener {
                address,
                port,
                transport,
                program,
            }),
        ),
        Subject::Connection {
            direction,
            local,
            remote,
            service_port,
        } => (
            connections_scope(namespace, transport),
            Fact::Connection(Connection {
                direction,
                local,
                remote,
                service_port,
                transport,
                program,
                asked: None,
                unasked: false,
            }),
        ),
    };
    Observation { scope, fact, seen }
}

/// All listeners of a place: `socket:host/tcp/listen`.
pub(crate) fn listeners_scope(namespace: &str, transport: Transport) -> Scope {
    Scope::new("socket", &format!("{namespace}/{transport}/listen"))
}

/// The listeners on one port: `socket:host/tcp/listen/443`. One whose program is hidden makes a hole of this size.
pub(crate) fn port_scope(namespace: &str, transport: Transport, port: Port) -> Scope {
    Scope::new("socket", &format!("{namespace}/{transport}/listen/{port}"))
}

/// All connections of a place: `socket:host/tcp/connections`.
pub(crate) fn connections_scope(namespace: &str, transport: Transport) -> Scope {
    Scope::new("socket", &format!("{namespace}/{transport}/connections"))
}

#[cfg(test)]
mod tests;
