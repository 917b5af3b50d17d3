//! Who is really there: what answers for everybody is named as such, and makes no hosts.
//!
//! Firewalls refuse for addresses nobody has, proxies accept the web for all of them, traps accept everything, and a router
//! may say its own hardware address for a whole network. An answer proves a host only where its neighbours do not all
//! give the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::Transport;
use groma_model::fact::Proof;

use crate::ask::Item;
use crate::polite::{Answer, Asked};

/// Addresses of a network before what they have in common says anything.
const CROWD: usize = 16;
/// Of a hundred that do the same, it is no longer each by itself.
const ALL_OF_A_HUNDRED: usize = 90;
/// One hardware address for so many addresses is a router's.
const ONE_CARD: usize = 8;

/// A host that is there, and its open ports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    /// Where.
    pub address: IpAddr,
    /// By what it is known.
    pub proof: Proof,
    /// Its hardware address, if it is its own.
    pub mac: Option<[u8; 6]>,
    /// What is open, and what is spoken there where it was heard.
    pub open: BTreeSet<(Transport, u16)>,
}

/// Addresses that are told apart by their last eight bits: a /24 of IPv4, a /120 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Crowded(IpAddr);

impl Crowded {
    /// Those among which `address` is.
    pub fn around(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0xff).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !0xff).into(),
        })
    }
}

impl std::fmt::Display for Crowded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = if self.0.is_ipv4() { 24 } else { 120 };
        write!(f, "{}/{length}", self.0)
    }
}

/// Something that answers for others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ForEveryone {
    /// One address accepts calls at any port.
    AnyPort(IpAddr),
    /// Calls to these ports are accepted for all addresses of a network.
    Ports(Crowded, Vec<u16>),
    /// Calls are refused, or echoes returned, for all addresses of a network.
    Refusals(Crowded),
    /// One hardware address for many addresses of a network.
    OneCard(Crowded, [u8; 6]),
}

/// What was found, and what only seemed so.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Hosts, by address.
    pub hosts: Vec<Host>,
    /// What answers for others.
    pub for_everyone: BTreeSet<ForEveryone>,
    /// Addresses that answered and are no proven host.
    pub unproven: usize,
}

/// Judges what was heard. `any_port` are addresses that accepted also where nobody has a port.
pub fn judge(asked: &[Asked], items: &[Item], any_port: &BTreeSet<IpAddr>) -> Verdict {
    let mut verdict = Verdict::default();
    verdict
        .for_everyone
        .extend(any_port.iter().map(|a| ForEveryone::AnyPort(*a)));
    for (network, group) in groups(asked) {
        let crowd = Crowd::of(network, &group, items, any_port);
        for host in &group {
            match crowd.host(host, items, any_port) {
                Some(found) => verdict.hosts.push(found),
                None => verdict.unproven += usize::from(host.is_there()),
            }
        }
        verdict.for_everyone.extend(crowd.told);
    }
    verdict
}

fn groups(asked: &[Asked]) -> BTreeMap<Crowded, Vec<&Asked>> {
    let mut groups: BTreeMap<Crowded, Vec<&Asked>> = BTreeMap::new();
    for host in asked {
        let network = Crowded::around(host.address);
        groups.entry(network).or_default().push(host);
    }
    groups
}

/// What the addresses of one network have in common.
struct Crowd {
    told: BTreeSet<ForEveryone>,
    /// Ports that are accepted for everybody.
    ports: BTreeSet<u16>,
    /// True if refusals and echoes are everybody's.
    refusals: bool,
    cards: BTreeSet<[u8; 6]>,
}

impl Crowd {
    fn of(at: Crowded, group: &[&Asked], items: &[Item], any_port: &BTreeSet<IpAddr>) -> Self {
        let mut crowd = Self {
            told: BTreeSet::new(),
            ports: BTreeSet::new(),
            refusals: false,
            cards: cards(group),
        };
        crowd
            .told
            .extend(crowd.cards.iter().map(|mac| ForEveryone::OneCard(at, *mac)));
        let counted = group.len() >= CROWD;
        let is_all = |count: usize| counted && count * 100 >= group.len() * ALL_OF_A_HUNDRED;
        let has = |host: &Asked, nth: usize, answer| host.answers.get(nth) == Some(&answer);
        for (nth, item) in items.iter().enumerate() {
            let Item::Tcp(port) = item else { continue };
            let accepting = group
                .iter()
                .filter(|h| has(h, nth, Answer::Yes) && !any_port.contains(&h.address));
            if is_all(accepting.count()) {
                crowd.ports.insert(*port);
            }
        }
        // Whoever shows something of its own, also beside such ports, is not one of the crowd.
        let bare = group
            .iter()
            .filter(|h| h.mac.is_none() && crowd.own_ports(h, items).is_empty());
        let speaking = group.iter().filter(|h| refuses_or_echoes(h, items));
        let nameless = bare.filter(|h| refuses_or_echoes(h, items)).count();
        crowd.refusals = is_all(speaking.count()) && nameless * 2 >= group.len();
        if crowd.refusals {
            crowd.told.insert(ForEveryone::Refusals(at));
        }
        // Many alike behind their own cards are many alike; so are those of which each says something else as well.
        let alone = group
            .iter()
            .filter(|h| crowd.proof(h, items).is_none())
            .count();
        if crowd.ports.is_empty() || alone * 4 < group.len() {
            crowd.ports.clear();
        } else {
            crowd.told.insert(ForEveryone::Ports(
                at,
                crowd.ports.iter().copied().collect(),
            ));
        }
        crowd
    }

    fn own_ports(&self, host: &Asked, items: &[Item]) -> BTreeSet<u16> {
        let open = host.answers.iter().zip(items);
        let open = open.filter_map(|(answer, item)| match item {
            Item::Tcp(port) if *answer == Answer::Yes => Some(*port),
            _ => None,
        });
        open.filter(|port| !self.ports.contains(port)).collect()
    }

    /// What proves a host, beside what answers for everybody.
    fn proof(&self, host: &Asked, items: &[Item]) -> Option<Proof> {
        if host.mac.is_some_and(|mac| !self.cards.contains(&mac)) {
            return Some(Proof::Link);
        }
        let has = |wanted: &dyn Fn(&Item) -> bool, answer: Answer| {
            let mut both = host.answers.iter().zip(items);
            both.any(|(a, item)| *a == answer && wanted(item))
        };
        let tcp = |item: &Item| matches!(item, Item::Tcp(_));
        let refused = !self.refusals && has(&tcp, Answer::No);
        if refused || !self.own_ports(host, items).is_empty() {
            return Some(Proof::Handshake);
        }
        if !self.refusals && has(&|item| *item == Item::Echo, Answer::Yes) {
            return Some(Proof::Echo);
        }
        let spoke = has(&|item| matches!(item, Item::Udp(_)), Answer::Yes);
        spoke.then_some(Proof::Datagram)
    }

    fn host(&self, host: &Asked, items: &[Item], any_port: &BTreeSet<IpAddr>) -> Option<Host> {
        let trap = any_port.contains(&host.address);
        let proof = match trap {
            // What accepts everything proves itself by something else, or not at all.
            true => self.proof_beside_tcp(host, items)?,
            false => self.proof(host, items)?,
        };
        let open = host.answers.iter().zip(items).filter_map(|(answer, item)| {
            let believed = match item {
                Item::Tcp(port) => !trap && !self.ports.contains(port),
                Item::Udp(_) => true,
                Item::Link | Item::Echo => false,
            };
            (believed && *answer == Answer::Yes).then_some((item.transport()?, item.port()))
        });
        Some(Host {
            address: host.address,
            proof,
            mac: host.mac.filter(|mac| !self.cards.contains(mac)),
            open: open.collect(),
        })
    }

    fn proof_beside_tcp(&self, host: &Asked, items: &[Item]) -> Option<Proof> {
        let mut other = host.clone();
        for (answer, item) in other.answers.iter_mut().zip(items) {
            if matches!(item, Item::Tcp(_)) {
                *answer = Answer::None;
            }
        }
        self.proof(&other, items)
    }
}

fn refuses_or_echoes(host: &Asked, items: &[Item]) -> bool {
    let mut both = host.answers.iter().zip(items);
    both.any(|(answer, item)| match item {
        Item::Tcp(_) => *answer == Answer::No,
        Item::Echo => *answer == Answer::Yes,
        Item::Link | Item::Udp(_) => false,
    })
}

/// Hardware addresses that speak for many.
fn cards(group: &[&Asked]) -> BTreeSet<[u8; 6]> {
    let mut held: BTreeMap<[u8; 6], usize> = BTreeMap::new();
    for mac in group.iter().filter_map(|host| host.mac) {
        *held.entry(mac).or_default() += 1;
    }
    let many = held.into_iter().filter(|(_, count)| *count >= ONE_CARD);
    many.map(|(mac, _)| mac).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datagram::Protocol;

    const ITEMS: [Item; 6] = [
        Item::Echo,
        Item::Tcp(22),
        Item::Tcp(80),
        Item::Tcp(443),
        Item::Tcp(8080),
        Item::Udp(Protocol::Dns),
    ];

    /// `e` echo, then the ports; `+` open, `-` refused, `.` silence.
    fn host(last: u8, text: &str) -> Asked {
        let mut asked = Asked::new(IpAddr::from([10, 0, 0, last]), ITEMS.len());
        for (slot, letter) in asked.answers.iter_mut().zip(text.chars()) {
            *slot = match letter {
                '+' => Answer::Yes,
                '-' => Answer::No,
                '!' => Answer::Prohibited,
                _ => Answer::None,
            };
        }
        asked
    }

    fn judged(hosts: &[Asked]) -> Verdict {
        judge(hosts, &ITEMS, &BTreeSet::new())
    }

    #[test]
    fn silence_and_a_filters_no_prove_nobody() {
        let verdict = judged(&[
            host(1, "......"),
            host(2, "!!!!!!"),
            host(3, "+....."),
            host(4, ".-...."),
            host(5, ".....+"),
        ]);
        let proofs: Vec<_> = verdict.hosts.iter().map(|h| h.proof).collect();
        assert_eq!(proofs, [Proof::Echo, Proof::Handshake, Proof::Datagram]);
        assert!(verdict.for_everyone.is_empty());
    }

    #[test]
    fn a_firewall_that_refuses_for_everybody_makes_no_hosts() {
        let mut all: Vec<_> = (1..=60).map(|n| host(n, ".----.")).collect();
        all[4] = host(5, ".+---.");
        let verdict = judged(&all);
        assert_eq!(verdict.hosts.len(), 1);
        assert_eq!(
            verdict.hosts[0].open,
            BTreeSet::from([(Transport::Tcp, 22)])
        );
        assert_eq!(verdict.unproven, 59);
        assert!(matches!(
            verdict.for_everyone.first(),
            Some(ForEveryone::Refusals(_))
        ));
    }

    #[test]
    fn a_proxy_that_accepts_the_web_for_everybody_makes_no_hosts_and_no_ports() {
        let mut all: Vec<_> = (1..=60).map(|n| host(n, "..++..")).collect();
        all[7] = host(8, "+-++..");
        let verdict = judged(&all);
        let told: Vec<_> = verdict
            .hosts
            .iter()
            .map(|h| (h.address.to_string(), h.open.len()))
            .collect();
        assert_eq!(told, [("10.0.0.8".to_owned(), 0)]);
        let at = Crowded::around(IpAddr::from([10, 0, 0, 9]));
        assert_eq!(at.to_string(), "10.0.0.0/24");
        assert_eq!(
            verdict.for_everyone,
            BTreeSet::from([ForEveryone::Ports(at, vec![80, 443])])
        );
    }

    #[test]
    fn forty_web_servers_that_refuse_the_rest_are_forty_web_servers() {
        let all: Vec<_> = (1..=40)
            .map(|n| host(n, "+-++-."))
            .chain((41..=60).map(|n| host(n, "......")))
            .collect();
        let verdict = judged(&all);
        assert_eq!(verdict.hosts.len(), 40);
        assert!(verdict.hosts.iter().all(|h| h.open.len() == 2));
        assert!(verdict.for_everyone.is_empty());
    }

    #[test]
    fn a_trap_is_named_and_a_card_that_speaks_for_many_proves_none() {
        let trap = host(9, "+++++.");
        let any = BTreeSet::from([trap.address]);
        let verdict = judge(&[trap], &ITEMS, &any);
        assert_eq!((verdict.hosts.len(), verdict.hosts[0].open.len()), (1, 0));
        let lone = host(9, ".++++.");
        assert!(judge(&[lone], &ITEMS, &any).hosts.is_empty());
        let all: Vec<_> = (1..=30)
            .map(|n| Asked {
                mac: Some([2, 0, 0, 0, 0, 1]),
                ..host(n, "......")
            })
            .collect();
        let verdict = judged(&all);
        assert!(verdict.hosts.is_empty());
        assert!(matches!(
            verdict.for_everyone.first(),
            Some(ForEveryone::OneCard(..))
        ));
        let own: Vec<_> = (1..=30)
            .map(|n| Asked {
                mac: Some([2, 0, 0, 0, 0, n]),
                ..host(n, "..+...")
            })
            .collect();
        assert_eq!(judged(&own).hosts.len(), 30);
    }
}
