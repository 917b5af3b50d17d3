//! Where the clients of a directory search, and by which attributes: what has to be there, under the same names, on the day
//! they are led to another server.
//!
//! Of a base the name from its last unit on is kept, of a filter the names of its attributes: values name persons, and no
//! value gets here. What is kept is bounded for each client; what had no room is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::directory::without_persons;
use groma_model::fact::{LoggedSearch, LoggedUse};
use groma_model::name::Port;
use groma_model::{Foreign, Hours, Seen, Timestamp};
use serde::{Deserialize, Serialize};

use crate::known;
use crate::look::product_of;
use crate::quick::QuickMap;
use crate::session::{Owner, Use};
use crate::tally::{ACCOUNTS_MAX, is_inside};

/// Different searches that are kept of one client and account, and of one use of it.
pub(crate) const SEARCHES_MAX: usize = 16;
/// Clients with an account whose searches are kept.
const CLIENTS_MAX: usize = 5_000;
/// Attributes of one filter that are kept.
const ATTRIBUTES_MAX: usize = 8;
/// Longest name of an attribute (RFC 4512 §2.5), with its options.
const ATTRIBUTE_MAX: usize = 48;
/// Longest base that is looked at: what is longer is no place.
const BASE_MAX: usize = 512;

/// One way to search: where, and by what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Search {
    base: Box<str>,
    /// Names of attributes, sorted.
    by: Box<[Box<str>]>,
}

impl Search {
    /// Of what a line says. `None` for what is no place of the tree: what the server tells of itself (its root entry, its
    /// schema) is there at every server.
    pub(crate) fn parse(base: &str, filter: &str) -> Option<Self> {
        if base.len() > BASE_MAX {
            return None;
        }
        let base = without_persons(base);
        base.contains('=').then(|| Self {
            base: base.into_boxed_str(),
            by: attributes(filter),
        })
    }
}

/// The names of the attributes in a filter (RFC 4515). A server writes the brackets of a value as `\28` and `\29`, so one that
/// stands there opens a part of the filter.
fn attributes(filter: &str) -> Box<[Box<str>]> {
    let mut names = BTreeSet::new();
    for part in filter.split('(').skip(1) {
        let end = part.find(['=', '~', '<', '>', ':']);
        let name = end.and_then(|end| part.get(..end)).unwrap_or_default();
        if names.len() < ATTRIBUTES_MAX && is_attribute(name) {
            names.insert(name);
        }
    }
    names.into_iter().map(Into::into).collect()
}

/// True for what an attribute can be called: a name or a number (RFC 4512 §2.5). What a server does not know it marks with a
/// question mark, and it is nobody's.
fn is_attribute(name: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';');
    let begins = name
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    begins && name.len() <= ATTRIBUTE_MAX && name.bytes().all(sound)
}

/// The searches of one use, each with when and how often.
pub(crate) type OfUse = Vec<(Search, Seen)>;

/// Adds what one line, or a whole use, tells, and says how many had no room.
pub(crate) fn learn(known: &mut OfUse, more: OfUse) -> u64 {
    let mut lost = 0;
    for (search, seen) in more {
        let room = known.len() < SEARCHES_MAX;
        match known.iter_mut().find(|(known, _)| *known == search) {
            Some((_, sum)) => *sum = sum.joined(seen),
            None if room => known.push((search, seen)),
            None => lost += 1,
        }
    }
    lost
}

/// One search at a moment.
pub(crate) fn at(at: Timestamp) -> Seen {
    Seen {
        hours: Hours::of(at),
        ..Seen::between(at, at, 1)
    }
}

/// Who searches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Client {
    #[serde(with = "known::name")]
    product: known::Text,
    #[serde(with = "known::name")]
    kind: known::Text,
    peer: IpAddr,
    port: Option<Port>,
    account: Option<Foreign>,
}

/// Everything files told of searches.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Searches {
    #[serde(with = "known::pairs")]
    of: QuickMap<Client, OfUse>,
    /// Further ways to search that had no room.
    left_out: u64,
    /// Clients that let people log on.
    crowds: BTreeSet<(IpAddr, Option<Port>)>,
}

impl Searches {
    /// Takes the searches of a use whose client is known. Those of strangers are not kept.
    pub(crate) fn take(&mut self, owner: Owner, used: &mut Use) {
        if used.searches.is_empty() {
            return;
        }
        let searches = std::mem::take(&mut used.searches);
        let lost = std::mem::take(&mut used.searches_lost);
        let Some(peer) = used.client.filter(|client| is_inside(*client)) else {
            return;
        };
        let client = Client {
            product: owner.grammar.id.as_str(),
            kind: owner.speaker.kind.as_str(),
            peer,
            port: used.port.or(owner.speaker.port),
            account: used.account.clone(),
        };
        self.left_out = self.left_out.saturating_add(lost);
        self.put(client, searches);
    }

    fn put(&mut self, client: Client, searches: OfUse) {
        let further = u64::try_from(searches.len()).unwrap_or(u64::MAX);
        if self.of.len() >= CLIENTS_MAX && !self.of.contains_key(&client) {
            self.left_out = self.left_out.saturating_add(further);
            return;
        }
        let known = self.of.entry(client).or_default();
        self.left_out = self.left_out.saturating_add(learn(known, searches));
    }

    /// What another file told besides.
    pub(crate) fn join(&mut self, other: Self) {
        self.left_out = self.left_out.saturating_add(other.left_out);
        self.crowds.extend(other.crowds);
        for (client, searches) in other.of {
            self.put(client, searches);
        }
    }

    /// A client that searches as ever another account lets people log on: they are not its accounts.
    pub(crate) fn forget_persons(&mut self) {
        let mut accounts: BTreeMap<(IpAddr, Option<Port>), BTreeSet<&Foreign>> = BTreeMap::new();
        for client in self.of.keys() {
            let own = accounts.entry((client.peer, client.port)).or_default();
            own.extend(&client.account);
        }
        accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
        self.crowds.extend(accounts.into_keys());
        if self.crowds.is_empty() {
            return;
        }
        for (mut client, searches) in std::mem::take(&mut self.of) {
            if self.crowds.contains(&(client.peer, client.port)) {
                client.account = None;
            }
            self.put(client, searches);
        }
    }

    /// True if clients of `product` searched.
    pub(crate) fn has(&self, product: &str) -> bool {
        self.of.keys().any(|client| client.product == product)
    }

    /// What the log of `product` tells, and how much had no room. An account stands with a search only where one of the
    /// product's `uses` has it: of the others nobody is told.
    pub(crate) fn of_product(
        &mut self,
        product: &str,
        uses: &[LoggedUse],
    ) -> (BTreeMap<LoggedSearch, Seen>, u64) {
        self.forget_persons();
        let known: BTreeSet<(IpAddr, &Foreign)> = (uses.iter())
            .filter_map(|used| Some((used.peer, used.account.as_ref()?)))
            .collect();
        let (own, others) = std::mem::take(&mut self.of)
            .into_iter()
            .partition(|(client, _)| client.product == product);
        self.of = others;
        let own: QuickMap<Client, OfUse> = own;
        let mut out: BTreeMap<LoggedSearch, Seen> = BTreeMap::new();
        for (client, searches) in own {
            let is_told = |account: &Foreign| known.contains(&(client.peer, account));
            let account = client.account.clone().filter(is_told);
            for (search, seen) in searches {
                let fact = LoggedSearch {
                    kind: client.kind.to_owned(),
                    peer: client.peer,
                    port: client.port,
                    product: product_of(client.product).to_owned(),
                    account: account.clone(),
                    base: search.base.as_ref().into(),
                    by: search.by.iter().map(|name| (**name).into()).collect(),
                    log: Foreign::default(),
                };
                out.entry(fact)
                    .and_modify(|known| *known = known.joined(seen))
                    .or_insert(seen);
            }
        }
        (out, std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(filter: &str) -> Vec<String> {
        attributes(filter).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn of_a_filter_the_names_of_attributes_are_kept_and_no_value() {
        let anna =
            "(&(objectClass=posixAccount)(|(uid=anna)(mail=anna@corp.example))(!(gidNumber>=0)))";
        assert_eq!(by(anna), ["gidNumber", "mail", "objectClass", "uid"]);
        assert_eq!(by("(cn:caseExactMatch:=Anna Schmidt)"), ["cn"]);
        assert_eq!(by("(userCertificate;binary=*)"), ["userCertificate;binary"]);
        assert_eq!(by("(1.2.840.113556.1.4.803=2)"), ["1.2.840.113556.1.4.803"]);
    }

    #[test]
    fn what_a_value_or_a_stranger_makes_up_is_no_name() {
        for filter in [
            "(cn=a\\28uid=b\\29)",
            "(cn=uid)",
            "(cn=x)(Anna Schmidt=1)",
            "(cn=x)(?annas=1)",
            "(cn=x)(?=undefined)",
            "(cn=x)(",
            "(cn=x)(:dn:2.5.13.5:=Anna)",
            &format!("(cn=x)({}=1)", "a".repeat(49)),
        ] {
            assert_eq!(by(filter), ["cn"], "{filter}");
        }
        assert!(by("anna=1").is_empty());
        let many: String = (0..100).map(|n| format!("(a{n}=x)")).collect();
        assert_eq!(by(&many).len(), ATTRIBUTES_MAX);
    }

    #[test]
    fn a_person_in_a_base_is_left_out_and_what_every_server_has_is_no_place() {
        let base =
            |base: &str| Search::parse(base, "(uid=a)").map(|search| search.base.to_string());
        assert_eq!(
            base("uid=anna,ou=people,dc=corp,dc=example").as_deref(),
            Some("…,ou=people,dc=corp,dc=example")
        );
        for none in ["", "cn=Subschema", "cn=config", "x", &"dc=a,".repeat(200)] {
            assert_eq!(base(none), None, "{none}");
        }
    }

    #[test]
    fn no_filter_makes_it_panic() {
        groma_fuzz::hammer(
            10_000,
            &[b"(&(objectClass=posixAccount)(uid=anna))"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let _ = Search::parse(&format!("ou=x,dc={text}"), &text);
            },
        );
    }
}
