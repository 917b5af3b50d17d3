//! Second connections of a protocol that needs two: the data connection of FTP (RFC 959 §3.2).
//!
//! In active mode it is the *server* that opens it, to a port of the client that lasts for one file; in passive mode the
//! *client*, to such a port of the server. Such a connection is no need of its own, and its port is nobody's service: it is
//! more evidence of the client's need. Where neither the programs nor the port say that it is one, it stays a need.

use std::collections::{BTreeSet, HashMap};

use groma_model::fact::{Connection, Direction, Program};
use groma_model::name::{Port, Transport};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Estate, EvidenceId, Peer};

use crate::draft::{Drafts, Place};
use crate::gather::{Gathered, Raw};
use crate::live::{Listeners, is_one_service, service};

const CONTROL: Port = Port(21);
/// Where a server's data connections come from (RFC 959 §3.2).
const DATA: Port = Port(20);
/// Ports a data connection may get: none a service is registered for by habit (RFC 6335 §6).
const DATA_PORTS_FROM: Port = Port(1024);
/// Ports systems give to whoever asks for any: what is called here by nobody knows whom is hardly a service.
const DYNAMIC_PORTS_FROM: Port = Port(32768);

/// Who talks to whose FTP server, and the data connections between them.
#[derive(Default)]
pub(crate) struct Channels {
    /// Server and client, with the client's programs that hold the control connection.
    sessions: HashMap<(EntityId, EntityId), BTreeSet<Program>>,
    data: Vec<(Place, EvidenceId)>,
}

/// How well a program fits the part it would have in a data connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    Unknown,
    No,
}

/// A connection between two machines, whoever saw it.
struct Call<'c> {
    server: &'c EntityId,
    client: &'c EntityId,
    port: Port,
    /// True if the client opened it.
    passive: bool,
    server_program: Option<&'c Program>,
    client_program: Option<&'c Program>,
}

impl Channels {
    pub(crate) fn new(gathered: &Gathered, estate: &Estate, listeners: &Listeners<'_>) -> Self {
        let mut sessions: HashMap<_, BTreeSet<_>> = HashMap::new();
        for raw in gathered.connections.iter().filter(|raw| is_control(raw)) {
            let Some(other) = far(raw, estate) else {
                continue;
            };
            let program = &raw.fact.program;
            match raw.fact.direction {
                Direction::Incoming => sessions.entry((raw.host.clone(), other)).or_default(),
                Direction::Outgoing => {
                    let known = sessions.entry((other, raw.host.clone())).or_default();
                    known.extend(Some(program).filter(|p| !p.is_unknown()).cloned());
                    known
                }
            };
        }
        sessions
            .retain(|(server, _), _| listeners.kind(server, CONTROL, Transport::Tcp).0 == "ftp");
        Self {
            sessions,
            data: Vec::new(),
        }
    }

    /// True, and kept, if `raw`, between its host and `other`, is a data connection of an FTP server and its client.
    pub(crate) fn take(
        &mut self,
        raw: &Raw<Connection>,
        other: &EntityId,
        listeners: &Listeners<'_>,
    ) -> bool {
        if self.sessions.is_empty() || raw.fact.transport != Transport::Tcp {
            return false;
        }
        let meant = [true, false]
            .map(|passive| Call::of(raw, other, passive))
            .into_iter()
            .find(|call| self.is_data(call, listeners));
        if let Some(call) = &meant {
            let place = Place {
                consumer: call.client.clone(),
                provider: call.server.clone(),
                port: Some(CONTROL),
                transport: Some(Transport::Tcp),
            };
            self.data.push((place, raw.id.clone()));
        }
        meant.is_some()
    }

    fn is_data(&self, call: &Call<'_>, listeners: &Listeners<'_>) -> bool {
        let session = (call.server.clone(), call.client.clone());
        let Some(clients) = self.sessions.get(&session) else {
            return false;
        };
        if call.passive && call.port == DATA {
            return true;
        }
        if !may_be_data(call, listeners) {
            return false;
        }
        let listening = listeners.at(call.callee(), call.port, Transport::Tcp);
        if !call.passive && !listening.is_empty() {
            return false;
        }
        let held = listening.iter().map(|raw| &raw.fact.program);
        let served = held.filter(|_| call.passive).chain(call.server_program);
        let server = served.map(|program| serves(call.server, program, listeners));
        let client = call
            .client_program
            .map_or(Fits::Unknown, |p| calls(clients, p));
        match (all(server), client) {
            (Fits::No, _) => false,
            (Fits::Yes, _) => true,
            (Fits::Unknown, Fits::No) => false,
            (Fits::Unknown, Fits::Yes) if listening.is_empty() => true,
            (Fits::Unknown, _) => call.port >= DYNAMIC_PORTS_FROM,
        }
    }

    /// Makes what was kept evidence of the clients' needs.
    pub(crate) fn cite(self, drafts: &mut Drafts) {
        for (place, id) in self.data {
            for draft in drafts.places.get_mut(&place).into_iter().flatten() {
                draft.evidence.insert(id.clone());
            }
        }
    }
}

impl<'c> Call<'c> {
    fn of(raw: &'c Raw<Connection>, other: &'c EntityId, passive: bool) -> Self {
        let calls_out = raw.fact.direction == Direction::Outgoing;
        let is_client = passive == calls_out;
        let (server, client) = if is_client {
            (other, &raw.host)
        } else {
            (&raw.host, other)
        };
        let program = Some(&raw.fact.program);
        Self {
            server,
            client,
            port: raw.fact.service_port,
            passive,
            server_program: program.filter(|_| !is_client),
            client_program: program.filter(|_| is_client),
        }
    }

    fn callee(&self) -> &EntityId {
        if self.passive {
            self.server
        } else {
            self.client
        }
    }
}

fn is_control(raw: &Raw<Connection>) -> bool {
    raw.fact.service_port == CONTROL && raw.fact.transport == Transport::Tcp
}

/// True for a port that is nobody's: neither by habit nor by the program that is known to serve there.
fn may_be_data(call: &Call<'_>, listeners: &Listeners<'_>) -> bool {
    let habit = REGISTRY.kind_by_port(call.port, Transport::Tcp);
    let (spoken, _) = listeners.kind(call.callee(), call.port, Transport::Tcp);
    call.port >= DATA_PORTS_FROM
        && habit.is_none()
        && matches!(spoken.as_str(), "other" | "ftp")
        && call.server != call.client
}

/// Whether a program of the server is the one that serves FTP there.
fn serves(server: &EntityId, program: &Program, listeners: &Listeners<'_>) -> Fits {
    let control = listeners.at(server, CONTROL, Transport::Tcp);
    match service(program) {
        _ if program.is_unknown() => Fits::Unknown,
        Some(service) if service.kind == "ftp" => Fits::Yes,
        _ if is_one_service(program, control) => Fits::Yes,
        _ => Fits::No,
    }
}

/// Whether a program of the client is one that holds a control connection, which lasts as long as its data connections.
fn calls(clients: &BTreeSet<Program>, program: &Program) -> Fits {
    match clients.contains(program) {
        true => Fits::Yes,
        false if program.is_unknown() => Fits::Unknown,
        false => Fits::No,
    }
}

/// One that does not fit decides, else one that does.
fn all(fits: impl Iterator<Item = Fits>) -> Fits {
    fits.fold(Fits::Unknown, |so_far, next| match (so_far, next) {
        (Fits::No, _) | (_, Fits::No) => Fits::No,
        (Fits::Yes, _) | (_, Fits::Yes) => Fits::Yes,
        _ => Fits::Unknown,
    })
}

fn far(raw: &Raw<Connection>, estate: &Estate) -> Option<EntityId> {
    let peer = Peer::Address(raw.fact.remote);
    Some(estate.locate(&raw.site, &raw.vantage, &peer)?.entity)
}
