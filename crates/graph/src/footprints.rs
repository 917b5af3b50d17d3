//! What groma itself asked is nobody's need.
//!
//! An agent that asks services from outside stands in their logs afterwards, and in the connections that agents over there
//! see. The answers it got say where it called, and when. A use is taken for its own where the machine it comes from asked that
//! very port, nothing names an account (whoever only asks what is spoken logs on to nothing), it was last seen while that machine
//! asked around and never before it first did, and it is not more often than a few looks explain.
//!
//! What programs of that machine need, its own agent tells: a use that is forgotten by mistake has a witness there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use groma_model::fact::{Connection, Direction, LoggedUse, ReportedUse};
use groma_model::{EntityId, Estate, Peer, Port, Seen, Timestamp, Transport};

use crate::gather::{Gathered, Raw, Raws};

/// Conversations one look may have with a port: what is it, which certificate, once more where an answer was lost.
const PER_LOOK: u64 = 16;

/// So far may two machines' clocks be apart, and a question from the next answer.
const NEAR: Duration = Duration::from_secs(600);

/// A port that answered, and in how many looks.
struct Asked {
    port: Port,
    transport: Transport,
    looks: u64,
}

/// Who asked whom, and when each machine asked around at all.
#[derive(Default)]
struct Questions {
    asked: HashMap<(EntityId, EntityId), Vec<Asked>>,
    times: HashMap<EntityId, Vec<Timestamp>>,
}

/// A use, as far as it matters whose it is.
struct Use<'a> {
    by: EntityId,
    of: EntityId,
    port: Option<Port>,
    transport: Transport,
    seen: &'a Seen,
}

/// Forgets uses that are groma's own questions.
pub(crate) fn forget(gathered: &mut Gathered, estate: &Estate) {
    let questions = Questions::of(gathered, estate);
    if questions.asked.is_empty() {
        return;
    }
    (gathered.logged)
        .retain(|raw| !logged(raw, estate).is_some_and(|used| questions.explain(&used)));
    (gathered.reported)
        .retain(|raw| !reported(raw, estate).is_some_and(|used| questions.explain(&used)));
    (gathered.connections)
        .retain(|raw| !connected(raw, estate).is_some_and(|used| questions.explain(&used)));
}

impl Questions {
    fn of(gathered: &Gathered, estate: &Estate) -> Self {
        let mut questions = Self::default();
        questions.add(&gathered.open_ports, estate, |open| {
            (open.address, open.port, open.transport)
        });
        questions.add(&gathered.seen_services, estate, |seen| {
            (seen.address, seen.port, seen.transport)
        });
        for times in questions.times.values_mut() {
            times.sort_unstable();
            times.dedup();
        }
        questions
    }

    fn add<T>(
        &mut self,
        answers: &Raws<T>,
        estate: &Estate,
        place: impl Fn(&T) -> (IpAddr, Port, Transport),
    ) {
        for raw in answers {
            let times = self.times.entry(raw.host.clone()).or_default();
            times.extend([raw.seen.first, raw.seen.last]);
            let (address, port, transport) = place(&raw.fact);
            let Some(of) = located(raw, &Peer::Address(address), estate) else {
                continue;
            };
            let asked = Asked {
                port,
                transport,
                looks: raw.seen.count,
            };
            let pair = (raw.host.clone(), of);
            self.asked.entry(pair).or_default().push(asked);
        }
    }

    fn explain(&self, used: &Use<'_>) -> bool {
        let pair = (used.by.clone(), used.of.clone());
        let of_pair = self.asked.get(&pair).map(Vec::as_slice);
        // A log that does not say the port may mean any of them.
        let is_there = |asked: &&Asked| {
            (used.port).is_none_or(|port| (asked.port, asked.transport) == (port, used.transport))
        };
        let there = of_pair.unwrap_or_default().iter().filter(is_there);
        let looks = there.map(|asked| asked.looks).max();
        looks.is_some_and(|looks| used.seen.count <= looks.saturating_mul(PER_LOOK))
            && self.asked_around(&used.by, used.seen)
    }

    /// True if `by` asked around when it was last seen to call, and it was not seen before it first did.
    fn asked_around(&self, by: &EntityId, seen: &Seen) -> bool {
        let times = self.times.get(by).map(Vec::as_slice).unwrap_or_default();
        let near = |a: Timestamp, b: Timestamp| a.since(b).max(b.since(a)) <= NEAR;
        let begun = times.first();
        begun.is_some_and(|begun| *begun <= seen.first.plus(NEAR))
            && times.iter().any(|time| near(*time, seen.last))
    }
}

fn located<T>(raw: &Raw<T>, peer: &Peer, estate: &Estate) -> Option<EntityId> {
    let there = estate.locate(&raw.site, &raw.vantage, peer)?;
    Some(there.entity)
}

fn logged<'r>(raw: &'r Raw<LoggedUse>, estate: &Estate) -> Option<Use<'r>> {
    let used = &raw.fact;
    if used.direction != Direction::Incoming || used.account.is_some() {
        return None;
    }
    Some(Use {
        by: located(raw, &Peer::Address(used.peer), estate)?,
        of: raw.host.clone(),
        port: used.port,
        transport: used.transport,
        seen: &raw.seen,
    })
}

fn reported<'r>(raw: &'r Raw<ReportedUse>, estate: &Estate) -> Option<Use<'r>> {
    let used = &raw.fact;
    // groma hands no mail to anybody.
    if used.account.is_some() || used.mail.is_some() {
        return None;
    }
    Some(Use {
        by: located(raw, &used.consumer, estate)?,
        of: located(raw, &used.provider, estate)?,
        port: used.port,
        transport: used.transport,
        seen: &raw.seen,
    })
}

fn connected<'r>(raw: &'r Raw<Connection>, estate: &Estate) -> Option<Use<'r>> {
    let connection = &raw.fact;
    if connection.direction != Direction::Incoming {
        return None;
    }
    Some(Use {
        by: located(raw, &Peer::Address(connection.remote), estate)?,
        of: raw.host.clone(),
        port: Some(connection.service_port),
        transport: connection.transport,
        seen: &raw.seen,
    })
}
