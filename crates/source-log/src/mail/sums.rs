//! Messages added up: one row each for client, way, sender's domain and recipients' domains.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use groma_model::fact::{MailRecipients, MailRefusal, MailUse};
use groma_model::name::{Port, Protection};
use groma_model::{Foreign, Hours, Seen, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::{Name, Names};
use crate::known;
use crate::quick::QuickMap;
use crate::tally::{ACCOUNTS_MAX, DAYS_MIN, PUBLIC_MAX, day_bit, is_inside};

/// Rows that are kept; further ones are counted.
const ROWS_MAX: usize = 50_000;
/// Domains one message names; more are many.
const TO_MAX: usize = 4;
const HOUR_MS: i64 = 3_600_000;
/// Sets of recipients one sender may have before further ones are "many": a newsletter goes everywhere.
const SETS_MAX: u32 = 24;

/// Who sends, in which way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) peer: IpAddr,
    pub(crate) port: Option<Port>,
    pub(crate) helo: Option<Name>,
    pub(crate) account: Option<Name>,
    pub(crate) mechanism: Option<Name>,
    pub(crate) protection: Option<Protection>,
    pub(crate) tls: Option<Name>,
    pub(crate) certificate: bool,
    pub(crate) sender: Option<Name>,
    #[serde(with = "known::maybe")]
    pub(crate) word: Option<known::Text>,
    pub(crate) refused: Option<MailRefusal>,
}

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        // A word nearly always stands in the same place of our knowledge; one that was kept may stand in another one.
        let place = |way: &Self| way.word.map(|word| (word.as_ptr(), word.len()));
        self.names() == other.names()
            && self.peer == other.peer
            && (place(self) == place(other) || self.word == other.word)
            && (self.port, self.protection, self.certificate, self.refused)
                == (
                    other.port,
                    other.protection,
                    other.certificate,
                    other.refused,
                )
    }
}

impl Eq for Way {}

impl Hash for Way {
    /// Of what nearly always sets ways apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bits = |name: Option<Name>| name.map_or(0, Name::bits);
        let two = |a: Option<Name>, b: Option<Name>| u64::from(bits(a)) << 32 | u64::from(bits(b));
        hash_address(self.peer, state);
        state.write_u64(two(self.account, self.sender));
        state.write_u64(two(self.helo, self.tls));
    }
}

/// Hashes an address in one turn or two.
pub(super) fn hash_address<H: Hasher>(address: IpAddr, state: &mut H) {
    match address {
        IpAddr::V4(v4) => state.write_u32(v4.to_bits()),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            state.write_u64((bits >> 64) as u64);
            state.write_u64(bits as u64);
        }
    }
}

impl Way {
    fn account(&self) -> Account {
        (self.peer, self.port, self.account)
    }

    fn names(&self) -> [Option<Name>; 5] {
        [
            self.account,
            self.sender,
            self.helo,
            self.mechanism,
            self.tls,
        ]
    }

    /// The same in other names.
    fn renamed(mut self, renamed: &mut impl FnMut(Name, bool) -> Option<Name>) -> Self {
        for name in [&mut self.helo, &mut self.sender] {
            *name = name.and_then(|name| renamed(name, false));
        }
        for name in [&mut self.account, &mut self.mechanism, &mut self.tls] {
            *name = name.and_then(|name| renamed(name, true));
        }
        self
    }
}

/// The domains one message goes to, sorted, each with whether it lies here now; too many are none and `many`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(crate) struct To {
    domains: [Option<(Name, bool)>; TO_MAX],
    many: bool,
}

impl Hash for To {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (domain, here) in self.domains.iter().flatten() {
            state.write_u64(u64::from(domain.bits()) << 1 | u64::from(*here));
        }
    }
}

impl To {
    /// Adds a recipient of `domain`.
    pub(crate) fn add(&mut self, domain: Name, here: bool) {
        if let Some(known) = self
            .domains
            .iter_mut()
            .flatten()
            .find(|(name, _)| *name == domain)
        {
            known.1 |= here;
            return;
        }
        match self.domains.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some((domain, here)),
            None => self.many = true,
        }
    }

    /// Recipients nobody has room for.
    pub(crate) fn many() -> Self {
        Self {
            domains: [None; TO_MAX],
            many: true,
        }
    }

    /// These and `other`'s.
    pub(crate) fn join(&mut self, other: &Self) {
        for (domain, here) in other.domains.iter().flatten() {
            self.add(*domain, *here);
        }
        self.many |= other.many;
    }

    /// The same in other names.
    pub(super) fn renamed(self, renamed: &mut impl FnMut(Name, bool) -> Option<Name>) -> Self {
        let mut other = Self {
            many: self.many,
            ..Self::default()
        };
        for (name, here) in self.domains.into_iter().flatten() {
            match renamed(name, false) {
                Some(name) => other.add(name, here),
                None => other.many = true,
            }
        }
        other
    }

    /// In order, so that the order of recipients makes no other row.
    fn settled(mut self) -> Self {
        if self.domains.get(1).is_some_and(Option::is_some) {
            self.domains
                .sort_unstable_by_key(|slot| slot.map(|(name, _)| name));
        }
        self
    }

    fn recipients(&self, names: &Names) -> Vec<MailRecipients> {
        let known = self
            .domains
            .iter()
            .flatten()
            .map(|(name, here)| MailRecipients {
                domain: names.text(*name).to_owned(),
                delivered_here: *here,
            });
        let many = self.many.then(|| MailRecipients {
            domain: "*".to_owned(),
            delivered_here: false,
        });
        let mut all: Vec<MailRecipients> = known.chain(many).collect();
        all.sort();
        all
    }
}

/// How often, and when.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Sum {
    pub(super) seen: Seen,
    /// Days it was met on, modulo 64.
    pub(super) days: u64,
}

impl Sum {
    /// This and `other`.
    pub(super) fn join(&mut self, other: &Self) {
        self.seen = self.seen.joined(other.seen);
        self.days |= other.days;
    }
}

/// Everything one file, or one family of them, told of one product's mail.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    #[serde(with = "known::pairs")]
    ways: QuickMap<Way, (u32, u32)>,
    #[serde(with = "known::pairs")]
    rows: QuickMap<(u32, To), Sum>,
    /// Messages that had no room.
    pub(crate) left_out: u64,
    /// Clients that let people log on: what was forgotten of their accounts would not show it again.
    crowds: BTreeSet<(IpAddr, Option<Port>)>,
    #[serde(skip)]
    lately: Lately,
    #[serde(skip)]
    next: Option<u32>,
}

/// The hour of the week and the day of the time asked for last: neighbouring lines share them.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Lately {
    hour: Option<i64>,
    is: (Hours, u64),
}

impl Lately {
    /// Of this time.
    pub(super) fn of(&mut self, at: Timestamp) -> (Hours, u64) {
        let hour = at.millis().div_euclid(HOUR_MS);
        if self.hour != Some(hour) {
            *self = Self {
                hour: Some(hour),
                is: (Hours::of(at), day_bit(at)),
            };
        }
        self.is
    }
}

impl Sums {
    /// Adds one message, or one that was refused.
    pub(crate) fn add(&mut self, way: Way, to: To, at: Timestamp, bytes: Option<u64>) {
        if way.peer.is_loopback() || way.peer.is_unspecified() {
            return;
        }
        // Strangers who bring mail, and those who try, are nobody's need.
        if !is_inside(way.peer) && (way.account.is_none() || way.refused.is_some()) {
            return;
        }
        let (hours, days) = self.lately.of(at);
        let seen = Seen {
            hours,
            bytes,
            ..Seen::once(at)
        };
        self.put(way, to, Sum { seen, days });
    }

    /// What another file told besides, its names by `renamed`: accounts, and all others. A name that was typed there and let
    /// nobody in there is none: it may be a password, and is neither told nor kept.
    pub(super) fn join(
        &mut self,
        other: Self,
        mut renamed: impl FnMut(Name, bool) -> Option<Name>,
    ) {
        self.crowds.extend(other.crowds);
        let let_in = let_in(other.ways.keys());
        let ways: HashMap<u32, Way> = other
            .ways
            .into_iter()
            .map(|(way, (id, _))| (id, way))
            .collect();
        for ((id, to), sum) in in_order(other.rows) {
            if let Some(way) = ways.get(&id) {
                let mut way = *way;
                way.account = way
                    .account
                    .filter(|account| !is_typed(&way) || let_in.contains(account));
                let way = way.renamed(&mut renamed);
                self.put(way, to.renamed(&mut renamed), sum);
            }
        }
        self.left_out = self.left_out.saturating_add(other.left_out);
    }

    /// Forgets the accounts of clients that let people log on, and says which those are; what is `open` tells of them too.
    pub(super) fn forget_crowds(
        &mut self,
        open: impl Iterator<Item = Account>,
    ) -> &BTreeSet<(IpAddr, Option<Port>)> {
        let of_ways = self.ways.keys().map(Way::account);
        self.crowds.extend(crowds(of_ways.chain(open)));
        if !self.crowds.is_empty() {
            let ways = std::mem::take(&mut self.ways);
            let ways: HashMap<u32, Way> =
                ways.into_iter().map(|(way, (id, _))| (id, way)).collect();
            self.next = None;
            for ((id, to), sum) in in_order(std::mem::take(&mut self.rows)) {
                let Some(mut way) = ways.get(&id).copied() else {
                    continue;
                };
                let is_crowds = self.crowds.contains(&(way.peer, way.port));
                way.account = way.account.filter(|_| !is_crowds);
                self.put(way, to, sum);
            }
        }
        &self.crowds
    }

    fn put(&mut self, way: Way, to: To, sum: Sum) {
        let next = self.next();
        let is_full = self.rows.len() >= ROWS_MAX;
        let (id, sets) = match self.ways.entry(way) {
            Entry::Vacant(_) if is_full => {
                self.left_out = self.left_out.saturating_add(sum.seen.count);
                return;
            }
            Entry::Vacant(place) => {
                self.next = Some(next.saturating_add(1));
                place.insert((next, 0))
            }
            Entry::Occupied(known) => known.into_mut(),
        };
        let key = (*id, to.settled());
        let many = (*id, To::many());
        match self.rows.entry(key) {
            Entry::Occupied(known) => return known.into_mut().join(&sum),
            Entry::Vacant(place) if key != many && *sets < SETS_MAX && !is_full => {
                *sets += 1;
                place.insert(sum);
                return;
            }
            Entry::Vacant(_) => {}
        }
        self.rows
            .entry(many)
            .and_modify(|known| known.join(&sum))
            .or_insert(sum);
    }

    /// The number of the next way: no other one has it.
    fn next(&mut self) -> u32 {
        let ways = &self.ways;
        *self.next.get_or_insert_with(|| {
            let last = ways.values().map(|(id, _)| *id).max();
            last.map_or(0, |last| last.saturating_add(1))
        })
    }

    /// The rows that speak of the estate, in order; their log is not said yet.
    pub(crate) fn rows(self, names: &Names, product: &str) -> BTreeMap<MailUse, Seen> {
        let ways: HashMap<u32, &Way> = self.ways.iter().map(|(way, (id, _))| (*id, way)).collect();
        let mut crowds = crowds(ways.values().map(|way| way.account()));
        crowds.extend(&self.crowds);
        let let_in = let_in(ways.values().copied());
        let mut out: BTreeMap<MailUse, (Seen, u64)> = BTreeMap::new();
        for ((id, to), sum) in &self.rows {
            let Some(way) = ways.get(id) else { continue };
            let mut row = row(way, to, names, product);
            // Where somebody outside logs on from is a person's business, and so are the accounts of a crowd.
            if !is_inside(way.peer) || crowds.contains(&(way.peer, way.port)) {
                row.account = None;
            }
            if is_typed(way) && !way.account.is_some_and(|account| let_in.contains(&account)) {
                row.account = None;
            }
            out.entry(row)
                .and_modify(|(seen, days)| {
                    *seen = seen.joined(sum.seen);
                    *days |= sum.days;
                })
                .or_insert((sum.seen, sum.days));
        }
        forget_passers(out)
    }
}

/// Rows in the order in which they came, so that of many sets of recipients the same ones stay each time.
fn in_order(rows: QuickMap<(u32, To), Sum>) -> Vec<((u32, To), Sum)> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable_by_key(|((id, to), _)| (*id, to.many, to.domains));
    rows
}

/// Accounts that were let in.
fn let_in<'w>(ways: impl Iterator<Item = &'w Way>) -> BTreeSet<Name> {
    ways.filter(|way| !is_typed(way))
        .filter_map(|way| way.account)
        .collect()
}

/// True if all anybody knows of the account is that somebody typed it: it may be the password.
fn is_typed(way: &Way) -> bool {
    way.refused == Some(MailRefusal::LogonFailed)
}

/// Who came, at which port, as whom.
pub(super) type Account = (IpAddr, Option<Port>, Option<Name>);

/// Clients with as ever another account: they let people log on.
fn crowds(all: impl Iterator<Item = Account>) -> BTreeSet<(IpAddr, Option<Port>)> {
    let mut accounts: HashMap<(IpAddr, Option<Port>), BTreeSet<Name>> = HashMap::new();
    for (peer, port, account) in all {
        accounts.entry((peer, port)).or_default().extend(account);
    }
    accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
    accounts.into_keys().collect()
}

fn row(way: &Way, to: &To, names: &Names, product: &str) -> MailUse {
    let text = |name: Option<Name>| name.map(|name| names.text(name).to_owned());
    MailUse {
        peer: way.peer,
        port: way.port,
        product: product.to_owned(),
        helo: text(way.helo),
        account: way.account.map(|name| names.text(name).into()),
        mechanism: text(way.mechanism),
        protection: way.protection,
        tls: text(way.tls),
        certificate: way.certificate,
        sender: text(way.sender),
        sender_word: way.word.map(str::to_owned),
        recipients: to.recipients(names),
        refused: way.refused,
        log: Foreign::default(),
    }
}

/// Of the public internet only those stay that come back on several days, and of them those that come most.
fn forget_passers(rows: BTreeMap<MailUse, (Seen, u64)>) -> BTreeMap<MailUse, Seen> {
    let mut days: BTreeMap<IpAddr, (u64, u64)> = BTreeMap::new();
    for (row, (seen, bits)) in rows.iter().filter(|(row, _)| !is_inside(row.peer)) {
        let (known, count) = days.entry(row.peer).or_default();
        *known |= bits;
        *count += seen.count;
    }
    let mut partners: Vec<(u64, IpAddr)> = days
        .into_iter()
        .filter(|(_, (bits, _))| bits.count_ones() >= DAYS_MIN)
        .map(|(peer, (_, count))| (count, peer))
        .collect();
    partners.sort_unstable_by(|a, b| b.cmp(a));
    partners.truncate(PUBLIC_MAX);
    let stays = |peer: IpAddr| is_inside(peer) || partners.iter().any(|(_, known)| *known == peer);
    rows.into_iter()
        .filter(|(row, _)| stays(row.peer))
        .map(|(row, (seen, _))| (row, seen))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_for_an_account_is_none_unless_it_was_let_in() {
        let mut names = Names::default();
        let mut sums = Sums::default();
        let mut add = |account: &str, refused| {
            let way = Way {
                peer: IpAddr::from([10, 0, 0, 9]),
                port: Some(Port(587)),
                helo: None,
                account: names.number(account),
                mechanism: names.number("LOGIN"),
                protection: None,
                tls: None,
                certificate: false,
                sender: None,
                word: None,
                refused,
            };
            sums.add(
                way,
                To::default(),
                Timestamp::from_seconds(1_795_000_000),
                None,
            );
        };
        add("Sommer2026!", Some(MailRefusal::LogonFailed));
        add("svc-erp", Some(MailRefusal::LogonFailed));
        add("svc-erp", None);
        // Who is refused for what it sends has logged on.
        add("svc-crm", Some(MailRefusal::RelayDenied));
        let rows = sums.rows(&names, "Postfix");
        let of = |why| -> Vec<Option<String>> {
            let rows = rows.keys().filter(|row| row.refused == why);
            rows.map(|row| row.account.as_ref().map(|a| a.lossy().into_owned()))
                .collect()
        };
        assert_eq!(
            of(Some(MailRefusal::LogonFailed)),
            [None, Some("svc-erp".to_owned())]
        );
        assert_eq!(
            of(Some(MailRefusal::RelayDenied)),
            [Some("svc-crm".to_owned())]
        );
    }
}
