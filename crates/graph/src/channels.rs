//! Second connections of a protocol that needs two: the data connection of FTP (RFC 959 §3.2).
//!
//! In active mode it is the *server* that opens it, to a port of the client that lasts for one file. Such a connection is no need of
//! the server, and its port is nobody's service: it is more evidence of the client's need.

use std::collections::HashSet;

use groma_model::fact::{Connection, Direction};
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, Estate, EvidenceId, Peer};

use crate::draft::{Drafts, Place};
use crate::gather::{Gathered, Raw};
use crate::live::{Listeners, service};

const CONTROL: Port = Port(21);
/// Ports a client may take for a data connection: none a service is registered for by habit (RFC 6335 §6).
const CLIENT_PORTS_FROM: Port = Port(1024);

/// Who talks to whose FTP server, and the connections those servers opened back.
#[derive(Default)]
pub(crate) struct Channels {
    /// Server and client.
    sessions: HashSet<(EntityId, EntityId)>,
    back: Vec<(Place, EvidenceId)>,
}

impl Channels {
    pub(crate) fn new(gathered: &Gathered, estate: &Estate, listeners: &Listeners<'_>) -> Self {
        let sessions = gathered
            .connections
            .iter()
            .filter(|raw| raw.fact.service_port == CONTROL && raw.fact.transport == Transport::Tcp)
            .filter_map(|raw| {
                let other = far(raw, estate)?;
                Some(match raw.fact.direction {
                    Direction::Incoming => (raw.host.clone(), other),
                    Direction::Outgoing => (other, raw.host.clone()),
                })
            })
            .filter(|(server, _)| listeners.kind(server, CONTROL, Transport::Tcp).0 == "ftp")
            .collect();
        Self {
            sessions,
            back: Vec::new(),
        }
    }

    /// True, and kept, if `raw` is a connection an FTP server opened to its client.
    pub(crate) fn take(
        &mut self,
        raw: &Raw<Connection>,
        client: &EntityId,
        listeners: &Listeners<'_>,
    ) -> bool {
        let fact = &raw.fact;
        let nobody_or_ftp = fact.program.is_unknown()
            || service(&fact.program).is_some_and(|service| service.kind == "ftp");
        let is_back = fact.transport == Transport::Tcp
            && fact.service_port >= CLIENT_PORTS_FROM
            && nobody_or_ftp
            && self.sessions.contains(&(raw.host.clone(), client.clone()))
            && listeners.kind(client, fact.service_port, fact.transport).0 == "other"
            && listeners
                .at(client, fact.service_port, fact.transport)
                .is_empty();
        if is_back {
            let place = Place {
                consumer: client.clone(),
                provider: raw.host.clone(),
                port: Some(CONTROL),
                transport: Some(Transport::Tcp),
            };
            self.back.push((place, raw.id.clone()));
        }
        is_back
    }

    /// Makes what was kept evidence of the clients' needs.
    pub(crate) fn cite(self, drafts: &mut Drafts) {
        for (place, id) in self.back {
            for draft in drafts.places.get_mut(&place).into_iter().flatten() {
                draft.evidence.insert(id.clone());
            }
        }
    }
}

fn far(raw: &Raw<Connection>, estate: &Estate) -> Option<EntityId> {
    let peer = Peer::Address(raw.fact.remote);
    Some(estate.locate(&raw.site, &raw.vantage, &peer)?.entity)
}
