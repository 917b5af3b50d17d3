//! Uses added up: one row a client, service, account and protection, with first, last, count and hours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use groma_knowledge::logs::Speaker;
use groma_model::fact::{Direction, LoggedUse};
use groma_model::name::{HostName, Port, Protection, Transport};
use groma_model::{Foreign, Hours, Seen, Timestamp};
use serde::{Deserialize, Serialize};

use crate::known;
use crate::quick::QuickMap;
use crate::reach::Reach;
use crate::session::{Owner, Use};
use crate::word::Word;
use crate::zones::Zones;

/// Rows that are kept; further ones are counted.
const ROWS_MAX: usize = 50_000;
/// Machines of the public internet that are kept for one service.
pub(crate) const PUBLIC_MAX: usize = 20;
/// On how many days a machine of the public internet must have come to be taken for a partner.
pub(crate) const DAYS_MIN: u32 = 3;
/// Accounts one client may have before they are taken for people.
pub(crate) const ACCOUNTS_MAX: usize = 8;
/// Kinds of services whose clients on the public internet are nobody's partners.
const OPEN_KINDS: &[&str] = &["dns", "http", "imap", "pop3", "smtp-relay"];
const DAY_MS: i64 = 86_400_000;

/// What makes two uses the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    incoming: bool,
    #[serde(with = "known::name")]
    kind: known::Text,
    peer: IpAddr,
    name: Option<HostName>,
    port: Option<Port>,
    transport: Transport,
    account: Option<Foreign>,
    mechanism: Option<Word>,
    program: Option<Word>,
    share: Option<Foreign>,
    protection: Option<Protection>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sum {
    seen: Seen,
    /// Days it was met on, modulo 64.
    days: u64,
}

/// Everything one file, or one family of them, told of one product.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    #[serde(with = "known::pairs")]
    rows: QuickMap<Row, Sum>,
    /// Uses that had no room.
    pub(crate) left_out: u64,
    /// Names of this server's own zones that were asked for.
    #[serde(with = "known::pairs")]
    pub(crate) asked: QuickMap<HostName, Seen>,
    /// When questions were written down, whatever they were for.
    pub(crate) reach: Reach,
    /// Questions for such names that had no room.
    pub(crate) asked_left_out: u64,
    /// Clients that let people log on: what was forgotten of their accounts would not show it again.
    crowds: BTreeSet<(IpAddr, Option<Port>)>,
}

/// A use that was met so often, added up elsewhere.
pub(crate) struct Told {
    pub(crate) owner: Owner,
    pub(crate) used: Use,
    pub(crate) seen: Seen,
    /// Days it was met on, modulo 64.
    pub(crate) days: u64,
}

impl Tally {
    /// Adds a use that was added up already.
    pub(crate) fn add_sum(&mut self, told: Told) {
        let row = row(told.owner.speaker, told.used);
        if let Some(row) = row.filter(|row| is_inside(row.peer) || row.is_partner()) {
            let Told { seen, days, .. } = told;
            self.put_if_room(row, Sum { seen, days });
        }
    }

    /// Adds a use that was told to its end.
    pub(crate) fn add(&mut self, speaker: &'static Speaker, mut used: Use, zones: &Zones) {
        let Some((first, last)) = used.span else {
            return;
        };
        if let Some(name) = used.asked.take() {
            self.ask(&name, zones, first, last);
        }
        let count = used.count.max(1);
        // A stranger who can never be told uses up no room, and is not kept.
        let Some(row) = row(speaker, used).filter(|row| is_inside(row.peer) || row.is_partner())
        else {
            return;
        };
        let mut hours = Hours::of(first);
        hours.insert(last);
        let seen = Seen {
            hours,
            ..Seen::between(first, last, count)
        };
        let days = day_bit(first) | day_bit(last);
        self.put_if_room(row, Sum { seen, days });
    }

    /// What another file told besides.
    pub(crate) fn join(&mut self, other: Self) {
        for (row, sum) in other.rows {
            self.put_if_room(row, sum);
        }
        for (name, seen) in other.asked {
            self.ask_own(name, seen);
        }
        self.left_out = self.left_out.saturating_add(other.left_out);
        self.asked_left_out = self.asked_left_out.saturating_add(other.asked_left_out);
        self.reach.join(other.reach);
        self.crowds.extend(other.crowds);
    }

    fn put_if_room(&mut self, row: Row, sum: Sum) {
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&row) {
            self.left_out = self.left_out.saturating_add(sum.seen.count.max(1));
            return;
        }
        self.put(row, sum);
    }

    /// A name was asked for, by whomever: also by this machine itself.
    fn ask(&mut self, name: &str, zones: &Zones, first: Timestamp, last: Timestamp) {
        self.reach.met(first, last);
        let Some(name) = zones.own(name) else {
            return;
        };
        self.ask_own(name, Seen::between(first, last, 1));
    }

    fn ask_own(&mut self, name: HostName, seen: Seen) {
        if self.asked.len() >= ROWS_MAX && !self.asked.contains_key(&name) {
            self.asked_left_out = self.asked_left_out.saturating_add(seen.count);
            return;
        }
        let known = self.asked.entry(name).or_insert(Seen { count: 0, ..seen });
        *known = known.joined(seen);
    }

    /// The rows that speak of the estate, in order.
    pub(crate) fn rows(mut self) -> BTreeMap<Row, Seen> {
        self.forget_persons();
        let mut public: Vec<(u64, Row)> = Vec::new();
        let mut out = BTreeMap::new();
        for (row, sum) in self.rows {
            if is_inside(row.peer) {
                out.insert(row, sum.seen);
            } else if row.is_partner() && sum.days.count_ones() >= DAYS_MIN {
                public.push((sum.seen.count, row.clone()));
                out.insert(row, sum.seen);
            }
        }
        public.sort_by(|a, b| b.cmp(a));
        for (_, row) in public.iter().skip(PUBLIC_MAX) {
            out.remove(row);
        }
        out
    }
}

impl Tally {
    /// A client that binds as ever another account lets people log on: they are not its accounts, and not ours to list.
    pub(crate) fn forget_persons(&mut self) {
        let mut accounts: HashMap<(IpAddr, Option<Port>), BTreeSet<Foreign>> = HashMap::new();
        for row in self.rows.keys() {
            let own = accounts.entry((row.peer, row.port)).or_default();
            own.extend(row.account.clone());
        }
        accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
        self.crowds.extend(accounts.into_keys());
        if self.crowds.is_empty() {
            return;
        }
        for (mut row, sum) in std::mem::take(&mut self.rows) {
            if self.crowds.contains(&(row.peer, row.port)) {
                row.account = None;
            }
            self.put(row, sum);
        }
    }

    fn put(&mut self, row: Row, sum: Sum) {
        self.rows
            .entry(row)
            .and_modify(|known| {
                known.seen = known.seen.joined(sum.seen);
                known.days |= sum.days;
            })
            .or_insert(sum);
    }
}

pub(crate) fn day_bit(at: Timestamp) -> u64 {
    1 << at.millis().div_euclid(DAY_MS).rem_euclid(64)
}

fn row(speaker: &'static Speaker, used: Use) -> Option<Row> {
    let (incoming, peer) = match (used.client, used.server) {
        (Some(client), _) => (true, client),
        (None, Some(server)) => (false, server),
        (None, None) => return None,
    };
    if peer.is_loopback() || peer.is_unspecified() {
        return None;
    }
    let port = used.port.or(speaker.port);
    // Who speaks TLS from the first byte did not begin with STARTTLS.
    let from_begin = port
        .is_some_and(|port| speaker.tls_ports.contains(&port))
        .then_some(Protection::Tls);
    let protection = speaker.protection.or(from_begin).or(used.protection);
    // Where somebody outside logs on from is a person's business; that a partner does is ours.
    let account = used.account.filter(|_| is_inside(peer));
    Some(Row {
        incoming,
        kind: &speaker.kind,
        peer,
        name: used.name,
        port,
        transport: speaker.transport,
        account,
        mechanism: used.mechanism,
        program: used.program,
        share: used.share,
        protection,
    })
}

impl Row {
    /// False where anybody may come, and for people who read their mail: whoever comes back to port 25 is the internet.
    fn is_partner(&self) -> bool {
        !(self.incoming && OPEN_KINDS.contains(&self.kind))
    }

    /// The fact, on the word of `log`.
    pub(crate) fn into_fact(self, product: &str, log: &Foreign) -> LoggedUse {
        LoggedUse {
            direction: if self.incoming {
                Direction::Incoming
            } else {
                Direction::Outgoing
            },
            kind: self.kind.to_owned(),
            peer: self.peer,
            name: self.name,
            port: self.port,
            transport: self.transport,
            product: product.to_owned(),
            account: self.account,
            mechanism: self.mechanism.map(|word| word.as_str().to_owned()),
            program: self.program.map(|word| word.as_str().to_owned()),
            share: self.share,
            protection: self.protection,
            log: log.clone(),
        }
    }
}

/// True for an address no stranger has: private, shared and link-local ones (RFC 1918, 6598, 3927, 4193, 4291).
pub(crate) fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Two logs that tell the same (`mail.log`, `syslog` and the journal) count once: the one that knows more of a row is
/// believed. The first log stays the one that says so, at the next look too: another one would be another fact.
pub(crate) fn joined<R: Ord>(
    told: Vec<(Foreign, BTreeMap<R, Seen>)>,
) -> BTreeMap<R, (Foreign, Seen)> {
    let mut out: BTreeMap<R, (Foreign, Seen)> = BTreeMap::new();
    for (log, rows) in told {
        for (row, seen) in rows {
            match out.get_mut(&row) {
                None => {
                    out.insert(row, (log.clone(), seen));
                }
                Some((_, known)) => {
                    let count = known.count.max(seen.count);
                    let bytes = known.bytes.max(seen.bytes);
                    *known = Seen {
                        count,
                        bytes,
                        ..known.joined(seen)
                    };
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_is_told_from_the_internet() {
        for inside in [
            "10.0.0.1",
            "192.168.3.4",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "169.254.1.1",
        ] {
            assert!(is_inside(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "100.128.0.1", "2001:db8::1", "172.32.0.1"] {
            assert!(!is_inside(outside.parse().unwrap()), "{outside}");
        }
    }
}
