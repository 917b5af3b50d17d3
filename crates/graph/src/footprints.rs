//! What groma itself asked is nobody's need.
//!
//! An agent that asks services from outside stands in their logs afterwards, and in the connections that agents over there
//! see. The answers it got say where it called, its looks say when. A use is taken for its own where the machine it comes from
//! asked that very port, nothing names an account (whoever only asks what is spoken logs on to nothing), both its first and its
//! last time fall into looks of that machine, and it is not more often than those looks explain. Of a connection that an agent
//! saw, the times are those of its look: one that overlaps is enough. groma hands no mail to anybody: where a server took mail in
//! from that machine meanwhile, somebody there sent it.
//!
//! What programs of that machine need, its own agent tells: a use that is forgotten by mistake has a witness there.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use groma_model::fact::{Connection, Direction, Knock, LoggedUse, MailUse, ReportedUse};
use groma_model::store::LookSpan;
use groma_model::{EntityId, Estate, Foreign, Peer, Port, Seen, Timestamp, Transport};

use crate::gather::{Gathered, Raw, Raws};

/// The sources that ask other machines what they are.
pub const ASKING: [&str; 5] = [
    SWEEP,
    "network.services",
    "network.certificates",
    "network.devices",
    "network.snmp",
];
/// The source that says which ports it called itself: others tell ports that a device lists.
pub(crate) const SWEEP: &str = "network.sweep";

/// Conversations one look may have with a port: what is it, which certificate, once more where an answer was lost.
const PER_LOOK: u64 = 16;

/// So far may two machines' clocks be apart.
const NEAR: Duration = Duration::from_secs(600);

/// A log tells whole seconds, and a letter is taken in a moment after the call.
const SECONDS: Duration = Duration::from_secs(5);

/// Begin and end of a look.
type Span = (Timestamp, Timestamp);

/// Who asked whom where, and when each machine asked around.
#[derive(Default)]
struct Questions {
    asked: HashMap<(EntityId, EntityId), Vec<(Port, Transport)>>,
    /// Who handed mail to whom, at which port, and when.
    mailed: HashMap<(EntityId, EntityId), Vec<Letter>>,
    looks: HashMap<EntityId, Vec<Span>>,
}

/// The port mail was handed in at, where the server says, and when.
type Letter = (Option<Port>, Seen);

/// A use, as far as it matters whose it is.
struct Use<'a> {
    by: EntityId,
    of: EntityId,
    port: Option<Port>,
    transport: Transport,
    seen: &'a Seen,
    /// True if the times are those of the look that saw it.
    of_a_look: bool,
}

/// Forgets uses that are groma's own questions in these `looks` of sources that ask ([`ASKING`]).
pub(crate) fn forget(gathered: &mut Gathered, estate: &Estate, looks: &[LookSpan]) {
    let questions = Questions::of(gathered, estate, looks);
    let swept = std::mem::take(&mut gathered.swept);
    (gathered.knocks).retain(|raw| !is_swept(raw, &questions, &swept, estate));
    if questions.asked.is_empty() {
        return;
    }
    let is_own = |used: Option<Use<'_>>| used.is_some_and(|used| questions.explain(&used));
    (gathered.logged).retain(|raw| !is_own(logged(raw, estate)));
    (gathered.reported).retain(|raw| !is_own(reported(raw, estate)));
    (gathered.connections).retain(|raw| !is_own(connected(raw, estate)));
}

impl Questions {
    fn of(gathered: &Gathered, estate: &Estate, looks: &[LookSpan]) -> Self {
        let mut questions = Self::default();
        for look in looks {
            if let Some(host) = estate.vantages.get(&look.vantage) {
                let of_host = questions.looks.entry(host.clone()).or_default();
                of_host.push((look.started, look.ended));
            }
        }
        if questions.looks.is_empty() {
            return questions;
        }
        questions.add_mail(&gathered.mail_used, estate);
        questions.add(&gathered.called_ports, estate, |open| {
            (open.address, open.port, open.transport)
        });
        questions.add(&gathered.seen_services, estate, |seen| {
            (seen.address, seen.port, seen.transport)
        });
        questions
    }

    fn add<T>(
        &mut self,
        answers: &Raws<T>,
        estate: &Estate,
        place: impl Fn(&T) -> (IpAddr, Port, Transport),
    ) {
        for raw in answers {
            let (address, port, transport) = place(&raw.fact);
            if let Some(of) = located(raw, &Peer::Address(address), estate) {
                let pair = (raw.host.clone(), of);
                let of_pair = self.asked.entry(pair).or_default();
                of_pair.push((port, transport));
            }
        }
    }

    fn add_mail(&mut self, letters: &Raws<MailUse>, estate: &Estate) {
        let is_taken = |used: &MailUse| used.refused.is_none() && !used.recipients.is_empty();
        for raw in letters.iter().filter(|raw| is_taken(&raw.fact)) {
            if let Some(by) = located(raw, &Peer::Address(raw.fact.peer), estate) {
                let pair = (by, raw.host.clone());
                let of_pair = self.mailed.entry(pair).or_default();
                of_pair.push((raw.fact.port, raw.seen));
            }
        }
    }

    /// True if the last letter of that machine falls into the time of the use.
    fn brought_mail(&self, used: &Use<'_>) -> bool {
        let pair = (used.by.clone(), used.of.clone());
        let same_door = |port: &Option<Port>| port.is_none() || *port == used.port;
        let meanwhile = |last: Timestamp| {
            used.seen.first <= last.plus(SECONDS) && last <= used.seen.last.plus(SECONDS)
        };
        let mut letters = self.mailed.get(&pair).into_iter().flatten();
        letters.any(|(port, seen)| same_door(port) && meanwhile(seen.last))
    }

    fn explain(&self, used: &Use<'_>) -> bool {
        let pair = (used.by.clone(), used.of.clone());
        let mut there = self.asked.get(&pair).into_iter().flatten();
        // A log that does not say the port may mean any of them.
        let was_asked =
            there.any(|door| used.port.is_none_or(|port| *door == (port, used.transport)));
        was_asked && self.looks_explain(used) && !self.brought_mail(used)
    }

    fn looks_explain(&self, used: &Use<'_>) -> bool {
        let seen = used.seen;
        let looks = self
            .looks
            .get(&used.by)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let overlaps = |from: Timestamp, to: Timestamp| {
            let mut looks = looks.iter();
            looks.any(|(begin, end)| *begin <= to.plus(NEAR) && from <= end.plus(NEAR))
        };
        let is_during = match used.of_a_look {
            true => overlaps(seen.first, seen.last),
            false => overlaps(seen.first, seen.first) && overlaps(seen.last, seen.last),
        };
        let until = seen.last.plus(NEAR);
        let before = looks.iter().filter(|(begin, _)| *begin <= until);
        let most = u64::try_from(before.count()).unwrap_or(u64::MAX);
        is_during && seen.count <= most.saturating_mul(PER_LOOK)
    }
}

/// True if a machine knocked because its own sweep asked there: a sweep meets whoever refuses, too.
fn is_swept(
    raw: &Raw<Knock>,
    questions: &Questions,
    swept: &BTreeSet<(EntityId, IpAddr)>,
    estate: &Estate,
) -> bool {
    let by = located(raw, &Peer::Address(raw.fact.by), estate);
    let of = located(raw, &Peer::Address(raw.fact.at), estate);
    let (Some(by), Some(of)) = (by, of) else {
        return false;
    };
    let met = (by.clone(), raw.fact.at.to_canonical());
    swept.contains(&met)
        && questions.looks_explain(&Use {
            by,
            of,
            port: None,
            transport: Transport::Tcp,
            seen: &raw.seen,
            of_a_look: false,
        })
}

fn located<T>(raw: &Raw<T>, peer: &Peer, estate: &Estate) -> Option<EntityId> {
    let there = estate.locate(&raw.site, &raw.vantage, peer)?;
    Some(there.entity)
}

/// True if it names somebody; an empty account is nobody's.
fn is_somebodys(account: Option<&Foreign>) -> bool {
    account.is_some_and(|account| !account.is_empty())
}

fn logged<'r>(raw: &'r Raw<LoggedUse>, estate: &Estate) -> Option<Use<'r>> {
    let used = &raw.fact;
    if used.direction != Direction::Incoming || is_somebodys(used.account.as_ref()) {
        return None;
    }
    Some(Use {
        by: located(raw, &Peer::Address(used.peer), estate)?,
        of: raw.host.clone(),
        port: used.port,
        transport: used.transport,
        seen: &raw.seen,
        of_a_look: false,
    })
}

fn reported<'r>(raw: &'r Raw<ReportedUse>, estate: &Estate) -> Option<Use<'r>> {
    let used = &raw.fact;
    // groma hands no mail to anybody.
    if is_somebodys(used.account.as_ref()) || used.mail.is_some() {
        return None;
    }
    Some(Use {
        by: located(raw, &used.consumer, estate)?,
        of: located(raw, &used.provider, estate)?,
        port: used.port,
        transport: used.transport,
        seen: &raw.seen,
        of_a_look: false,
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
        of_a_look: true,
    })
}
