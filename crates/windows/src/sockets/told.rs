//! What samples said: facts with their times, gaps, and how much was seen.

use std::collections::{BTreeMap, HashSet};

use groma_model::fact::{Connection, Listener, Program};
use groma_model::{CoverageState, Fact, Observation, Port, Reason, Scope, Seen, Transport};

use super::kinds::must_last;
use super::tally::{Key, Sockets, Subject, Times};
use crate::{Part, Said};

/// Processes of several services that are told one by one.
const SHARED_MAX: usize = 50;

impl Sockets {
    /// The facts with the times at which samples saw them, in an order that depends on nothing but themselves.
    pub fn observations(&self) -> Vec<Observation> {
        let known: HashSet<Key> = self
            .times
            .keys()
            .filter(|key| key.program.is_some())
            .map(|key| Key {
                program: None,
                ..*key
            })
            .collect();
        let none = Program::default();
        let of = |key: &Key| self.program(key.program).unwrap_or(&none);
        let worth = self
            .times
            .iter()
            .filter(|(key, times)| self.is_worth_saying(key, times, &known));
        let mut all: Vec<(&Key, &Times)> = worth.collect();
        all.sort_by(|(a, _), (b, _)| {
            let place = |key: &Key| (key.transport, key.subject);
            place(a).cmp(&place(b)).then_with(|| of(a).cmp(of(b)))
        });
        let said = all.into_iter();
        said.map(|(key, times)| observation(key, of(key).clone(), times.seen))
            .collect()
    }

    /// A connection nobody holds any more adds nothing beside one alike whose program is known; a UDP port seen in one of
    /// several samples only was a query's.
    fn is_worth_saying(&self, key: &Key, times: &Times, known: &HashSet<Key>) -> bool {
        let fleeting = match key.subject {
            Subject::Listener { port, .. } => {
                self.samples > 1 && times.seen.count == 1 && must_last(key.transport, port)
            }
            Subject::Connection { .. } => key.program.is_none() && known.contains(key),
        };
        !fleeting
    }

    /// Everything that was said, scope by scope: facts, gaps, and how much was seen. A listener that was not seen is gone
    /// if the tables were whole; of connections a sample never says that, for most of them live between samples.
    pub fn said(&self) -> Vec<Said> {
        let mut host = Part::begin("socket", "host");
        self.gaps(&mut host);
        let mut host = host.close();
        let is_whole = !self.missing.contains_key("sockets") && !self.cut && self.samples > 0;
        let state = if is_whole {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        };
        host.state = CoverageState::Partial;
        let mut said = Vec::new();
        said.extend((!host.gaps.is_empty()).then_some(host));
        let mut places: BTreeMap<(Transport, u8, Option<Port>), Said> = BTreeMap::new();
        if self.samples > 0 {
            for transport in [Transport::Tcp, Transport::Udp] {
                let listen = Scope::new("socket", &format!("host/{transport}/listen"));
                places.insert((transport, 0, None), empty(listen, state));
                let scope = connections(transport);
                places.insert((transport, 2, None), empty(scope, CoverageState::Partial));
            }
        }
        for (transport, port) in &self.hidden_ports {
            let scope = listening(*transport, *port);
            places.insert(
                (*transport, 1, Some(*port)),
                empty(scope, CoverageState::Partial),
            );
        }
        for Observation { scope, fact, .. } in self.observations() {
            let (at, state) = match &fact {
                Fact::Listener(l) => ((l.transport, 1, Some(l.port)), state),
                Fact::Connection(c) => ((c.transport, 2, None), CoverageState::Partial),
                _ => continue,
            };
            let place = places.entry(at).or_insert_with(|| empty(scope, state));
            place.facts.push(fact);
        }
        said.extend(places.into_values());
        said
    }

    fn gaps(&self, host: &mut Part) {
        for (table, what) in [
            ("sockets", "part of the tables of sockets"),
            ("processes", "the programs behind sockets"),
        ] {
            if let Some(reason) = self.missing.get(table) {
                host.missed(what, reason.clone());
            }
        }
        if self.hidden > 0 && !self.missing.contains_key("processes") {
            let what = format!("the paths of the programs behind {} sockets", self.hidden);
            host.missed(what, Reason::PermissionDenied);
        }
        if self.cut {
            host.missed("further sockets", Reason::BudgetExhausted);
        }
        for process in self.shared.iter().take(SHARED_MAX) {
            let what = format!("which of its services a socket of {process} belongs to");
            let remedy = "the agent asks the system; a document of groma-collect.ps1 cannot tell";
            host.cannot(what, Reason::NotPresent, remedy);
        }
    }
}

fn observation(key: &Key, program: Program, seen: Seen) -> Observation {
    let transport = key.transport;
    let (scope, fact) = match key.subject {
        Subject::Listener { address, port } => (
            listening(transport, port),
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
            connections(transport),
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

/// The listeners on one port: `socket:host/tcp/listen/443`.
fn listening(transport: Transport, port: Port) -> Scope {
    Scope::new("socket", &format!("host/{transport}/listen/{port}"))
}

/// All connections: `socket:host/tcp/connections`.
fn connections(transport: Transport) -> Scope {
    Scope::new("socket", &format!("host/{transport}/connections"))
}

fn empty(scope: Scope, state: CoverageState) -> Said {
    Said {
        scope,
        facts: Vec::new(),
        gaps: Vec::new(),
        state,
    }
}
