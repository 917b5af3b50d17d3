//! Connections one by one → facts, each said once with how often, when, how long and how much.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use groma_model::fact::{Connection, Direction, Program};
use groma_model::{
    Fact, HostName, Hours, Lasted, Observation, Port, Scope, Seen, Timestamp, Transport,
};

use crate::sample::{ProgramId, Sampler};

/// A connection without its volatile parts. Names and networks are told by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    /// Which network: its place in the list of networks.
    pub(crate) network: usize,
    /// Who called.
    pub(crate) direction: Direction,
    /// The address here.
    pub(crate) local: IpAddr,
    /// The address there.
    pub(crate) remote: IpAddr,
    /// The port of the side that was called.
    pub(crate) service_port: Port,
    /// Transport.
    pub(crate) transport: Transport,
    /// Who it was here.
    pub(crate) program: Option<ProgramId>,
    /// The name that was asked for: a number of [`Labels`].
    pub(crate) asked: Option<usize>,
    /// True if no name was.
    pub(crate) unasked: bool,
}

/// One connection, or what is known of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flow {
    /// When it began, or was first met.
    pub(crate) from: Timestamp,
    /// When it ended, or was last met.
    pub(crate) to: Timestamp,
    /// Bytes in both directions.
    pub(crate) bytes: Option<u64>,
    /// True if `from` and `to` are begin and end.
    pub(crate) whole: bool,
}

impl Flow {
    fn seen(self) -> Seen {
        let last = self.to.max(self.from);
        let length = u32::try_from(last.since(self.from).as_millis()).unwrap_or(u32::MAX);
        Seen {
            hours: hours(self.from, last),
            bytes: self.bytes,
            lasted: self.whole.then(|| Lasted::once(length)),
            ..Seen::between(self.from, last, 1)
        }
    }
}

/// Every hour from the one of `from` to the one of `to`; a week is all of them.
fn hours(from: Timestamp, to: Timestamp) -> Hours {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    let mut hours = Hours::of(from);
    let mut at = from;
    for _ in 0..168 {
        at = at.plus(HOUR);
        if at >= to {
            break;
        }
        hours.insert(at);
    }
    hours.insert(to);
    hours
}

/// Texts by number.
#[derive(Debug)]
pub(crate) struct Labels<T> {
    all: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for Labels<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Eq + Hash + Clone> Labels<T> {
    /// The number of `text`.
    pub(crate) fn number(&mut self, text: &T) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.all.push(text.clone());
        self.numbers.insert(text.clone(), self.all.len() - 1);
        self.all.len() - 1
    }

    /// The text of this number.
    pub(crate) fn text(&self, number: usize) -> Option<&T> {
        self.all.get(number)
    }
}

/// All connections of a look.
#[derive(Debug)]
pub(crate) struct Tally {
    facts_max: usize,
    seen: HashMap<Key, Seen>,
    /// Names that were asked for.
    pub(crate) names: Labels<HostName>,
    /// Connections counted.
    pub(crate) connections: u64,
    /// Of them, those whose program nobody knew.
    pub(crate) nameless: u64,
    /// Connections left out, because there were too many different ones.
    pub(crate) left_out: u64,
}

impl Tally {
    /// An empty one, for this many different connections.
    pub(crate) fn new(facts_max: usize) -> Self {
        Self {
            facts_max,
            seen: HashMap::new(),
            names: Labels::default(),
            connections: 0,
            nameless: 0,
            left_out: 0,
        }
    }

    /// Counts a connection.
    pub(crate) fn count(&mut self, key: Key, flow: Flow) {
        self.add(key, flow.seen());
    }

    /// Counts what was seen of connections that are alike.
    pub(crate) fn add(&mut self, key: Key, seen: Seen) {
        self.connections = self.connections.saturating_add(seen.count);
        if key.program.is_none() {
            self.nameless = self.nameless.saturating_add(seen.count);
        }
        if let Some(known) = self.seen.get_mut(&key) {
            *known = known.joined(seen);
        } else if self.seen.len() < self.facts_max {
            self.seen.insert(key, seen);
        } else {
            self.left_out = self.left_out.saturating_add(seen.count);
        }
    }

    /// The facts, in an order that depends on nothing but themselves.
    ///
    /// `is_guess` tells programs of which only the start is known.
    pub(crate) fn observations(
        &self,
        networks: &[String],
        sampler: &Sampler,
        is_guess: impl Fn(ProgramId) -> bool,
    ) -> Vec<Observation> {
        let mut said: Vec<(String, Observation)> = self
            .folded(sampler, is_guess)
            .into_iter()
            .filter_map(|(key, seen)| {
                let network = networks.get(key.network)?;
                let observation = self.observation(&key, network, seen, sampler);
                let order = serde_order(&observation);
                Some((order, observation))
            })
            .collect();
        said.sort_by(|(a, _), (b, _)| a.cmp(b));
        said.into_iter()
            .map(|(_, observation)| observation)
            .collect()
    }

    /// What little is known of a program that had ended joins one alike of which all is known: the same
    /// executable. A call of nobody knows whom stays what it is.
    fn folded(&self, sampler: &Sampler, is_guess: impl Fn(ProgramId) -> bool) -> Vec<(Key, Seen)> {
        let none = Program::default();
        let of = |key: &Key| key.program.map_or(&none, |id| sampler.program(id));
        let is_weak = |key: &Key| of(key).user.is_none() || key.program.is_some_and(&is_guess);
        let bare = |key: &Key| Key {
            program: None,
            asked: None,
            unasked: false,
            ..*key
        };
        let mut full: HashMap<Key, Vec<(Key, Seen)>> = HashMap::new();
        let mut weak = Vec::new();
        for (key, seen) in &self.seen {
            if is_weak(key) {
                weak.push((*key, *seen));
            } else {
                full.entry(bare(key)).or_default().push((*key, *seen));
            }
        }
        // The same home whatever the order of the table.
        for rows in full.values_mut() {
            rows.sort_by(|(a, _), (b, _)| {
                (of(a), a.asked, a.unasked).cmp(&(of(b), b.asked, b.unasked))
            });
        }
        for (key, seen) in weak {
            let rows = full.entry(bare(&key)).or_default();
            let known = of(&key);
            let fits = |other: &Key| {
                let of_other = of(other);
                !is_weak(other)
                    && (known.executable.is_none() || known.executable == of_other.executable)
                    && (known.user.is_none() || known.user == of_other.user)
            };
            let home = rows
                .iter()
                .position(|(other, _)| fits(other) && other.asked == key.asked)
                .or_else(|| rows.iter().position(|(other, _)| fits(other)));
            match home.and_then(|at| rows.get_mut(at)) {
                Some((_, known)) => *known = known.joined(seen),
                None => rows.push((key, seen)),
            }
        }
        full.into_values().flatten().collect()
    }

    fn observation(&self, key: &Key, network: &str, seen: Seen, sampler: &Sampler) -> Observation {
        let asked = key.asked.and_then(|number| self.names.text(number));
        Observation {
            scope: scope(network, key.transport),
            fact: Fact::Connection(Connection {
                direction: key.direction,
                local: key.local,
                remote: key.remote,
                service_port: key.service_port,
                transport: key.transport,
                program: key
                    .program
                    .map(|id| sampler.program(id).clone())
                    .unwrap_or_default(),
                asked: asked.cloned(),
                unasked: key.unasked,
            }),
            seen,
        }
    }
}

fn serde_order(observation: &Observation) -> String {
    let Fact::Connection(connection) = &observation.fact else {
        return String::new();
    };
    format!("{}\0{connection:?}", observation.scope)
}

/// The connections of one network: `flow:host/tcp`.
pub(crate) fn scope(network: &str, transport: Transport) -> Scope {
    Scope::new("flow", &format!("{network}/{transport}"))
}
