//! Who called the mail server, and whom it called: from the same understanding of its lines that tells of mail, so that no line
//! of a log of gigabytes is understood twice.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use groma_model::name::{HostName, Port, Protection};
use groma_model::{Seen, Timestamp};

use super::names::{Name, Names};
use super::sums::{Lately, Sum, hash_address};
use crate::address;
use crate::quick::QuickMap;
use crate::session::{Owner, Use};
use crate::tally::Told;
use crate::word::Word;

/// Calls that are kept apart until they are told; further ones are told at once.
const CALLS_MAX: usize = 50_000;

/// One way in which the server was called, or called another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Call {
    /// Who speaks, by its place in the grammar.
    pub(super) speaker: usize,
    pub(super) is_incoming: bool,
    pub(super) peer: IpAddr,
    pub(super) port: Option<Port>,
    /// What a relay is called.
    pub(super) name: Option<Name>,
    pub(super) account: Option<Name>,
    pub(super) mechanism: Option<Name>,
    pub(super) protection: Option<Protection>,
}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bits = |name: Option<Name>| u64::from(name.map_or(0, Name::bits));
        hash_address(self.peer, state);
        state.write_u64(bits(self.account) << 32 | bits(self.name));
    }
}

/// The calls of one file, added up.
#[derive(Default, Debug)]
pub(super) struct Calls {
    rows: QuickMap<Call, Sum>,
    owner: Option<Owner>,
    lately: Lately,
    /// What relays are called.
    relays: Names,
    /// The relay of the last line, as written there, and what it is.
    last_relay: Option<(Box<str>, Option<Relay>)>,
}

/// Whom mail was handed to.
#[derive(Clone, Copy, Debug)]
struct Relay {
    server: IpAddr,
    port: Port,
    name: Option<Name>,
}

impl Calls {
    /// Adds `count` calls between these moments.
    pub(super) fn add(&mut self, owner: Owner, call: Call, count: u64, (first, last): Span) {
        self.owner = Some(owner);
        let (mut hours, mut days) = self.lately.of(first);
        if last != first {
            hours.insert(last);
            days |= self.lately.of(last).1;
        }
        let seen = Seen {
            hours,
            ..Seen::between(first, last, count.max(1))
        };
        let sum = Sum { seen, days };
        match self.rows.get_mut(&call) {
            Some(known) => known.join(&sum),
            None => {
                self.rows.insert(call, sum);
            }
        }
    }

    /// Mail was handed to `relay`: `name[10.0.0.1]:25`, or a word where it was not handed to another machine.
    pub(super) fn handed(&mut self, owner: Owner, relay: &str, at: Timestamp) {
        let known = self.last_relay.as_ref();
        let relay = match known.filter(|(text, _)| **text == *relay) {
            Some((_, known)) => *known,
            None => {
                let found = read_relay(relay, &mut self.relays);
                self.last_relay = Some((relay.into(), found));
                found
            }
        };
        let Some(relay) = relay else { return };
        let call = Call {
            speaker: owner.place(),
            is_incoming: false,
            peer: relay.server,
            port: Some(relay.port),
            name: relay.name,
            account: None,
            mechanism: None,
            protection: None,
        };
        self.add(owner, call, 1, (at, at));
    }

    /// True if there is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= CALLS_MAX
    }

    /// Everything so far, each told once.
    pub(super) fn tell(&mut self, names: &Names, told: &mut impl FnMut(Told)) {
        let Self {
            rows,
            owner,
            relays,
            ..
        } = std::mem::take(self);
        // The first come first: where there is no room for all, chance does not choose.
        let mut rows: Vec<(Call, Sum)> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(call, sum)| {
            let names = [call.account, call.mechanism, call.name];
            (
                sum.seen.first,
                call.peer,
                call.speaker,
                names,
                call.protection,
            )
        });
        for (call, sum) in rows {
            let owner = owner.and_then(|owner| owner.beside(call.speaker));
            let Some(owner) = owner else { continue };
            told(Told {
                owner,
                used: call.used(names, &relays),
                seen: sum.seen,
                days: sum.days,
            });
        }
    }
}

/// From when to when.
pub(super) type Span = (Timestamp, Timestamp);

impl Call {
    fn used(&self, names: &Names, relays: &Names) -> Use {
        let text = |name: Option<Name>| name.map(|name| names.text(name));
        let relay = self.name.map(|name| relays.text(name));
        let (client, server) = match self.is_incoming {
            true => (Some(self.peer), None),
            false => (None, Some(self.peer)),
        };
        // A dash stands for nobody, and nothing for somebody outside.
        let account = text(self.account).filter(|account| !matches!(*account, "" | "-"));
        Use {
            client,
            server,
            port: self.port,
            name: relay.and_then(HostName::parse),
            account: account.map(Into::into),
            mechanism: text(self.mechanism).and_then(Word::parse),
            protection: self.protection,
            ..Use::default()
        }
    }
}

fn read_relay(text: &str, names: &mut Names) -> Option<Relay> {
    let (name, rest) = text.split_once('[')?;
    let (server, port) = rest.split_once("]:")?;
    Some(Relay {
        server: address::parse(server)?,
        port: Port(port.parse().ok()?),
        name: names.number_of_lower(name),
    })
}
