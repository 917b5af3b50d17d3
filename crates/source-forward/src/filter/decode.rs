//! nf_tables as the kernel tells it (linux/netfilter/nf_tables.h): messages → rules. Pure.
//!
//! A rule is a list of expressions that move words between registers. We follow loads of addresses, ports and
//! protocols (`payload`, `meta`), what they are held against (`cmp`, `bitwise`, `lookup`) and what happens then
//! (`immediate`, `nat`, and the wrapped matches and targets of iptables-nft). Whatever else an expression does to a
//! register makes it unknown, so that a rule we do not understand says less, never something wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::{Peer, Transport};

use super::rule::{Rule, Verdict};
use crate::network::{Network, address, mask_bits};

const RULES_MAX: usize = 50_000;
const EXPRESSIONS_MAX: usize = 128;
const ELEMENTS_MAX: usize = 256;
/// Elements that are put in order first.
const ELEMENTS_READ_MAX: usize = 16_384;
/// Nested attributes, which no honest message nests deeper.
const NLA_TYPE_MASK: u16 = 0x3fff;

/// What the kernel answered: the rules, and the elements of sets that rules look up.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Messages of the dump of rules.
    pub rules: Vec<u8>,
    /// Messages of the dump of elements, by family, table and set.
    pub sets: BTreeMap<(u8, String, String), Vec<u8>>,
    /// What was left in the kernel.
    pub left_out: LeftOut,
}

/// What of a ruleset was more than is taken up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// True if there were further rules.
    pub rules: bool,
    /// Sets that were not asked for.
    pub sets: usize,
    /// Sets of which only the first elements were.
    pub sets_cut: usize,
}

impl LeftOut {
    /// In words; `None` if everything was taken up.
    pub(crate) fn words(self) -> Option<String> {
        let rules = self.rules.then(|| "further rules".to_owned());
        let sets = (self.sets > 0).then(|| format!("the elements of {} sets", self.sets));
        let cut = (self.sets_cut > 0).then(|| {
            let many = self.sets_cut;
            format!("all but the first elements of {many} large sets (of addresses, most often)")
        });
        let all: Vec<String> = [rules, sets, cut].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// True if a set has more elements than are told.
pub(super) fn is_long(set: &[u8]) -> bool {
    elements(set).1
}

/// One netlink message: its type and what stands behind its header.
pub(super) fn messages(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let kind = u16::from_ne_bytes(rest.get(4..6)?.try_into().ok()?);
        let body = rest.get(16..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// Attributes of a message or of another attribute.
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?) & NLA_TYPE_MASK;
        let body = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, body)| body)
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.try_into().ok().map(u32::from_be_bytes)
}

/// The bytes of `NFTA_DATA_VALUE`.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    attribute(bytes, 1)
}

fn family_word(family: u8) -> &'static str {
    match family {
        1 => "inet",
        2 => "ip",
        3 => "arp",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        _ => "other",
    }
}

/// Family, table, chain and expressions of every rule.
fn told(bytes: &[u8]) -> impl Iterator<Item = (u8, String, String, &[u8])> {
    messages(bytes).take(RULES_MAX).filter_map(|(kind, body)| {
        // NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWRULE.
        if kind != (10 << 8 | 6) {
            return None;
        }
        let family = *body.first()?;
        let body = body.get(4..)?;
        let (table, chain) = (text(attribute(body, 1)?), text(attribute(body, 2)?));
        Some((family, table, chain, attribute(body, 4)?))
    })
}

/// Name and data of every expression of a rule.
fn expressions(bytes: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let elements = attributes(bytes).take(EXPRESSIONS_MAX);
    elements.filter_map(|(_, body)| {
        Some((
            text(attribute(body, 1)?),
            attribute(body, 2).unwrap_or_default(),
        ))
    })
}

/// The sets whose elements matter: those looked up with an address or a port.
pub(super) fn sets_used(rules: &[u8]) -> BTreeSet<(u8, String, String)> {
    let mut used = BTreeSet::new();
    for (family, table, _, list) in told(rules) {
        for (name, data) in expressions(list) {
            if name == "lookup"
                && let Some(set) = attribute(data, 1)
            {
                used.insert((family, table.clone(), text(set)));
            }
        }
    }
    used
}

/// The rules in force.
pub(super) fn rules(kernel: &Kernel) -> Vec<Rule> {
    let mut out = Vec::new();
    for (family, table, chain, list) in told(&kernel.rules) {
        let mut follow = Follow {
            kernel,
            family,
            table: &table,
            v6: family == 10,
            registers: BTreeMap::new(),
            rule: Rule {
                chain: format!("{} {table} {chain}", family_word(family)),
                ..Rule::default()
            },
            more: Vec::new(),
        };
        for (name, data) in expressions(list) {
            follow.expression(&name, data);
        }
        let Follow { mut rule, more, .. } = follow;
        // The kernel hands out the elements of a set in the order of its hashes.
        rule.from.sort();
        rule.to.sort();
        rule.ports.sort_unstable();
        if more.is_empty() {
            out.push(rule);
        } else {
            out.extend(more.into_iter().map(|(ports, verdict)| Rule {
                ports: if ports.is_empty() {
                    rule.ports.clone()
                } else {
                    ports
                },
                verdict,
                ..rule.clone()
            }));
        }
    }
    out
}

/// What a register holds.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Held {
    Source,
    Destination,
    Port,
    Protocol,
    Family,
    /// An address field of which only these bits count.
    Masked(bool, u8),
    Bytes(Vec<u8>),
    /// What a map gives for the port or whatever was looked up: key, value.
    Mapped(Vec<(Vec<u8>, Vec<u8>)>, bool),
}

struct Follow<'a> {
    kernel: &'a Kernel,
    family: u8,
    table: &'a str,
    v6: bool,
    registers: BTreeMap<u32, Held>,
    rule: Rule,
    /// Destinations of a map, each with the ports that lead there.
    more: Vec<(Vec<u16>, Verdict)>,
}

/// Both ways to number registers, as one: 16-byte registers begin every fourth word.
fn register(bytes: Option<&[u8]>) -> Option<u32> {
    match number(bytes?)? {
        large @ 1..=4 => Some((large - 1) * 4),
        small @ 8.. => Some(small - 8),
        _ => None,
    }
}

impl Follow<'_> {
    fn expression(&mut self, name: &str, data: &[u8]) {
        let done = match name {
            "payload" => self.payload(data),
            "meta" => self.meta(data),
            "bitwise" => self.bitwise(data),
            "cmp" => self.compare(data),
            "lookup" => self.lookup(data),
            "immediate" => self.immediate(data),
            "nat" => self.nat(data),
            "reject" => {
                self.rule.verdict = Verdict::Word("reject".to_owned());
                Some(())
            }
            "match" => self.wrapped_match(data),
            "target" => self.wrapped_target(data),
            // Whatever else loads a register makes it unknown; its destination is attribute 1 or 2 nearly everywhere.
            "counter" | "log" | "limit" | "quota" | "comment" | "notrack" | "masq" | "redir" => {
                Some(())
            }
            _ => {
                for at in [1, 2, 3] {
                    if let Some(register) = register(attribute(data, at)) {
                        self.registers.remove(&register);
                    }
                }
                Some(())
            }
        };
        // An expression that lacks what it needs tells nothing.
        done.unwrap_or_default();
    }

    fn payload(&mut self, data: &[u8]) -> Option<()> {
        let into = register(attribute(data, 1))?;
        let (base, offset, length) = (
            number(attribute(data, 2)?)?,
            number(attribute(data, 3)?)?,
            number(attribute(data, 4)?)?,
        );
        let held = match (base, offset, self.v6) {
            (1, 12, false) if length <= 4 => Some(Held::Source),
            (1, 16, false) if length <= 4 => Some(Held::Destination),
            (1, 8, true) if length <= 16 => Some(Held::Source),
            (1, 24, true) if length <= 16 => Some(Held::Destination),
            (1, 9, false) | (1, 6, true) if length == 1 => Some(Held::Protocol),
            (2, 2, _) if length == 2 => Some(Held::Port),
            _ => None,
        };
        match held {
            Some(held) => self.registers.insert(into, held),
            None => self.registers.remove(&into),
        };
        Some(())
    }

    fn meta(&mut self, data: &[u8]) -> Option<()> {
        let into = register(attribute(data, 1))?;
        // NFT_META_NFPROTO, NFT_META_L4PROTO.
        match number(attribute(data, 2)?)? {
            15 => self.registers.insert(into, Held::Family),
            16 => self.registers.insert(into, Held::Protocol),
            _ => self.registers.remove(&into),
        };
        Some(())
    }

    fn bitwise(&mut self, data: &[u8]) -> Option<()> {
        let (from, into) = (register(attribute(data, 1))?, register(attribute(data, 2))?);
        let bits = attribute(data, 4).and_then(value).and_then(mask_bits);
        let held = match (self.registers.get(&from), bits) {
            (Some(Held::Source), Some(bits)) => Some(Held::Masked(true, bits)),
            (Some(Held::Destination), Some(bits)) => Some(Held::Masked(false, bits)),
            _ => None,
        };
        match held {
            Some(held) => self.registers.insert(into, held),
            None => self.registers.remove(&into),
        };
        Some(())
    }

    fn compare(&mut self, data: &[u8]) -> Option<()> {
        let held = self.registers.get(&register(attribute(data, 1))?)?.clone();
        // NFT_CMP_EQ; anything else says who is not meant.
        if number(attribute(data, 2)?)? != 0 {
            return None;
        }
        let value = value(attribute(data, 3)?)?;
        match held {
            Held::Family => self.v6 = value.first() == Some(&10),
            Held::Protocol => self.protocol(*value.first()?),
            Held::Port => self
                .rule
                .ports
                .push(u16::from_be_bytes(value.get(..2)?.try_into().ok()?)),
            Held::Source => self.rule.from.push(self.network(value, None)?),
            Held::Destination => self.rule.to.push(self.network(value, None)?),
            Held::Masked(true, bits) => self.rule.from.push(self.network(value, Some(bits))?),
            Held::Masked(false, bits) => self.rule.to.push(self.network(value, Some(bits))?),
            Held::Bytes(_) | Held::Mapped(..) => {}
        }
        Some(())
    }

    fn protocol(&mut self, number: u8) {
        self.rule.transport = match number {
            6 => Some(Transport::Tcp),
            17 => Some(Transport::Udp),
            _ => None,
        };
    }

    /// The kernel holds a prefix that ends at a byte against that many bytes only.
    fn network(&self, value: &[u8], bits: Option<u8>) -> Option<Network> {
        let whole = if self.v6 { 16 } else { 4 };
        let mut bytes = value.to_vec();
        let given = u8::try_from(bytes.len().checked_mul(8)?).ok()?;
        if bytes.len() > whole {
            return None;
        }
        bytes.resize(whole, 0);
        Some(Network {
            address: address(&bytes)?,
            bits: bits.unwrap_or(given),
        })
    }

    fn elements(&mut self, set: &str) -> Vec<Element> {
        let key = (self.family, self.table.to_owned(), set.to_owned());
        let bytes = self.kernel.sets.get(&key);
        let (elements, cut) = bytes.map(|bytes| elements(bytes)).unwrap_or_default();
        self.rule.cut |= cut;
        elements
    }

    fn lookup(&mut self, data: &[u8]) -> Option<()> {
        let set = text(attribute(data, 1)?);
        let from = register(attribute(data, 2))?;
        let held = self.registers.get(&from).cloned();
        let elements = self.elements(&set);
        if let Some(into) = register(attribute(data, 3)) {
            let by_port = held == Some(Held::Port);
            let pairs = elements
                .into_iter()
                .filter_map(|e| Some((e.key, e.data?)))
                .collect();
            self.registers.insert(into, Held::Mapped(pairs, by_port));
            return Some(());
        }
        // NFT_LOOKUP_F_INV: who is not meant.
        if attribute(data, 5)
            .and_then(number)
            .is_some_and(|f| f & 1 == 1)
        {
            return None;
        }
        match held? {
            Held::Port => {
                let starts = elements.iter().filter(|e| !e.end);
                let ports = starts
                    .filter_map(|e| Some(u16::from_be_bytes(e.key.get(..2)?.try_into().ok()?)));
                self.rule.ports.extend(ports.filter(|p| *p > 0));
            }
            Held::Source => self.rule.from.extend(networks(&elements)),
            Held::Destination => self.rule.to.extend(networks(&elements)),
            _ => {}
        }
        Some(())
    }

    fn immediate(&mut self, data: &[u8]) -> Option<()> {
        let inner = attribute(data, 2)?;
        if let Some(verdict) = attribute(inner, 2) {
            let code = i32::from_be_bytes(attribute(verdict, 1)?.get(..4)?.try_into().ok()?);
            self.rule.verdict = match code {
                0 => Verdict::Word("drop".to_owned()),
                1 => Verdict::Word("accept".to_owned()),
                // NFT_JUMP, NFT_GOTO: the chain decides.
                -3 | -4 => Verdict::Word(text(attribute(verdict, 2)?)),
                _ => Verdict::None,
            };
            return Some(());
        }
        let into = register(attribute(data, 1))?;
        self.registers
            .insert(into, Held::Bytes(value(inner)?.to_vec()));
        Some(())
    }

    fn nat(&mut self, data: &[u8]) -> Option<()> {
        // NFT_NAT_DNAT.
        if number(attribute(data, 1)?)? != 1 {
            return None;
        }
        let held = |at| self.registers.get(&register(attribute(data, at))?);
        let port = held(5).and_then(|h| match h {
            Held::Bytes(bytes) => Some(u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?)),
            _ => None,
        });
        match held(3)? {
            Held::Bytes(bytes) => {
                let to = Peer::Address(address(bytes)?);
                self.rule.verdict = Verdict::Hand(to, port);
            }
            Held::Mapped(pairs, by_port) => {
                let whole = if self.v6 { 16 } else { 4 };
                for (key, value) in pairs.iter().take(ELEMENTS_MAX) {
                    let Some(to) = value.get(..whole).and_then(address) else {
                        continue;
                    };
                    // `address . port`: the port follows in the next word.
                    let own = value
                        .get(whole..whole + 2)
                        .and_then(|b| b.try_into().ok())
                        .map(u16::from_be_bytes);
                    let ports = key
                        .get(..2)
                        .filter(|_| *by_port)
                        .and_then(|b| b.try_into().ok())
                        .map(u16::from_be_bytes);
                    let verdict = Verdict::Hand(Peer::Address(to), own.or(port));
                    self.more.push((ports.into_iter().collect(), verdict));
                }
            }
            _ => {}
        }
        Some(())
    }

    /// A match of iptables that nf_tables carries unread: `tcp`, `udp`, `multiport`.
    fn wrapped_match(&mut self, data: &[u8]) -> Option<()> {
        let (name, details) = (text(attribute(data, 1)?), attribute(data, 3)?);
        let half = |at: usize| {
            Some(u16::from_ne_bytes(
                details.get(at..at + 2)?.try_into().ok()?,
            ))
        };
        match name.as_str() {
            // struct xt_tcp: source range, destination range, …, inverse flags; struct xt_udp the same without flags of TCP.
            "tcp" | "udp" => {
                let inverted = details.get(if name == "tcp" { 11 } else { 8 })? & 2 != 0;
                self.protocol(if name == "tcp" { 6 } else { 17 });
                let (first, last) = (half(4)?, half(6)?);
                if !inverted && (first, last) != (0, u16::MAX) {
                    self.rule.ports.push(first);
                }
            }
            // struct xt_multiport_v1: flags, count, 15 ports, 15 marks of ranges, inverse.
            "multiport" => {
                let (flags, count) = (*details.first()?, usize::from(*details.get(1)?));
                let inverted = details.get(47).copied().unwrap_or(0) != 0;
                if flags != 0 && !inverted {
                    let mut in_range = false;
                    for at in 0..count.min(15) {
                        let marks_range = details.get(32 + at).copied().unwrap_or(0) != 0;
                        if !in_range {
                            self.rule.ports.push(half(2 + at * 2)?);
                        }
                        in_range = marks_range;
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// A target of iptables: `DNAT` with its range, `REJECT`.
    fn wrapped_target(&mut self, data: &[u8]) -> Option<()> {
        let (name, details) = (text(attribute(data, 1)?), attribute(data, 3)?);
        match name.as_str() {
            "REJECT" => self.rule.verdict = Verdict::Word("reject".to_owned()),
            "DNAT" => {
                let revision = attribute(data, 2).and_then(number).unwrap_or(0);
                let (addresses, ports) = if revision == 0 {
                    // struct nf_nat_ipv4_multi_range_compat: count, then flags, addresses (4), ports.
                    (details.get(8..12)?, details.get(16..18)?)
                } else {
                    // struct nf_nat_range2: flags, two addresses (16), two ports, base.
                    let whole = if self.v6 { 16 } else { 4 };
                    (details.get(4..4 + whole)?, details.get(36..38)?)
                };
                let to = address(addresses)?;
                let port = u16::from_be_bytes(ports.try_into().ok()?);
                if !to.is_unspecified() {
                    self.rule.verdict =
                        Verdict::Hand(Peer::Address(to), Some(port).filter(|p| *p > 0));
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// One element of a set.
struct Element {
    key: Vec<u8>,
    data: Option<Vec<u8>>,
    end: bool,
}

/// The first elements of a set by their keys, and whether there are more: the kernel tells them in the order of its
/// own tables, another one at each look.
fn elements(bytes: &[u8]) -> (Vec<Element>, bool) {
    let mut all = all_elements(bytes);
    all.sort_by(|a, b| (&a.key, !a.end).cmp(&(&b.key, !b.end)));
    let cut = all.len() > ELEMENTS_MAX;
    all.truncate(ELEMENTS_MAX);
    (all, cut)
}

fn all_elements(bytes: &[u8]) -> Vec<Element> {
    let mut out = Vec::new();
    for (kind, body) in messages(bytes) {
        // NFT_MSG_NEWSETELEM.
        if kind != (10 << 8 | 12) {
            continue;
        }
        let Some(list) = body.get(4..).and_then(|b| attribute(b, 3)) else {
            continue;
        };
        for (_, element) in attributes(list) {
            let Some(key) = attribute(element, 1).and_then(value) else {
                continue;
            };
            out.push(Element {
                key: key.to_vec(),
                data: attribute(element, 2).and_then(value).map(<[u8]>::to_vec),
                end: attribute(element, 3)
                    .and_then(number)
                    .is_some_and(|f| f & 1 == 1),
            });
            if out.len() >= ELEMENTS_READ_MAX {
                return out;
            }
        }
    }
    out
}

/// Addresses of a set; of an interval, the network it is where it is one.
fn networks(elements: &[Element]) -> Vec<Network> {
    let intervals = elements.iter().any(|e| e.end);
    if !intervals {
        return elements
            .iter()
            .filter_map(|e| address(&e.key))
            .map(Network::single)
            .collect();
    }
    let mut ordered: Vec<&Element> = elements.iter().collect();
    ordered.sort_by(|a, b| (&a.key, !a.end).cmp(&(&b.key, !b.end)));
    let mut out = Vec::new();
    for pair in ordered.windows(2) {
        let [start, end] = pair else { continue };
        if !start.end
            && end.end
            && let (Some(first), Some(next)) = (address(&start.key), address(&end.key))
        {
            out.extend(between(first, next));
        }
    }
    out
}

/// The network from `first` up to and without `next`; of any other range its first address.
fn between(first: IpAddr, next: IpAddr) -> Option<Network> {
    let (from, to, whole) = match (first, next) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32_u8),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return None,
    };
    let size = to.checked_sub(from)?;
    let is_network = size.is_power_of_two() && from % size == 0;
    let bits = if is_network {
        whole - u8::try_from(size.trailing_zeros()).ok()?
    } else {
        whole
    };
    Some(Network {
        address: first,
        bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real answers, recorded: see RECORDED.md beside them.
    fn recorded(name: &str) -> Kernel {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nf_tables/");
        let read =
            |file: String| std::fs::read(format!("{directory}{file}")).expect("a recorded answer");
        let mut kernel = Kernel {
            rules: read(format!("{name}.rules")),
            ..Kernel::default()
        };
        for (at, key) in sets_used(&kernel.rules).into_iter().enumerate() {
            kernel.sets.insert(key, read(format!("{name}.set{at}")));
        }
        kernel
    }

    fn shown(kernel: &Kernel) -> (Vec<String>, Vec<String>) {
        let rules = rules(kernel);
        let component = super::super::rule::kernel_component();
        let mine = || rules.iter().filter(|r| !r.is_somebodys_own());
        let forwards = mine().flat_map(|r| r.forwards(&component));
        let forwards = forwards.map(|f| {
            format!(
                "{} > {} {}",
                f.listens,
                f.sends_to,
                f.table.unwrap_or_default()
            )
        });
        let named = mine().flat_map(Rule::filter_rules);
        let named = named.map(|r| {
            let side = if r.source { "from" } else { "to" };
            format!(
                "{} {} {side} {} {:?}",
                r.chain,
                r.verdict,
                r.network,
                r.port.map(|p| p.0)
            )
        });
        (forwards.collect(), named.collect())
    }

    #[test]
    fn rules_of_nft_are_what_was_loaded() {
        let (forwards, named) = shown(&recorded("nft"));
        assert_eq!(
            forwards,
            [
                "198.51.100.1:80 > 192.0.2.30:80 ip nat prerouting",
                "198.51.100.1:443 > 192.0.2.30:443 ip nat prerouting",
                "0.0.0.0:2525 > 192.0.2.5:25 ip nat prerouting",
                "0.0.0.0:81 > 192.0.2.6:81 ip nat prerouting",
                "0.0.0.0:82 > 192.0.2.7:82 ip nat prerouting",
                "0.0.0.0:53 > 192.0.2.2:5353 ip nat prerouting",
                "0.0.0.0:444 > [2001:db8::9]:443 ip6 nat prerouting",
            ]
        );
        assert_eq!(
            named,
            [
                "inet filter input accept from 192.0.2.71 Some(22)",
                "inet filter input accept from 192.0.2.72 Some(22)",
                "inet filter input accept from 192.0.2.80 Some(80)",
                "inet filter input accept from 192.0.2.80 Some(443)",
                "inet filter input accept from 192.0.2.96/28 Some(80)",
                "inet filter input accept from 192.0.2.96/28 Some(443)",
                "inet filter input drop to 192.0.2.128/25 None",
                "inet filter input reject from 192.0.2.0/24 Some(25)",
                "inet filter input accept from 2001:db8::5 None",
            ]
        );
    }

    #[test]
    fn rules_of_iptables_are_what_was_loaded() {
        let (forwards, named) = shown(&recorded("iptables"));
        assert_eq!(
            forwards,
            [
                "198.51.100.1:80 > 192.0.2.8:8080 ip nat PREROUTING",
                "198.51.100.1:443 > 192.0.2.8:8080 ip nat PREROUTING",
                "0.0.0.0:2222 > 192.0.2.9:22 ip nat PREROUTING",
            ]
        );
        assert_eq!(
            named,
            [
                "ip filter INPUT accept from 192.0.2.77 Some(5432)",
                "ip filter INPUT reject from 192.0.2.64/28 None"
            ]
        );
    }

    #[test]
    fn hammered_answers_never_panic() {
        let (nft, iptables) = (recorded("nft"), recorded("iptables"));
        let mut corpus: Vec<&[u8]> = vec![&nft.rules, &iptables.rules];
        corpus.extend(nft.sets.values().map(Vec::as_slice));
        groma_fuzz::hammer(3000, &corpus, |bytes| {
            let mut kernel = Kernel {
                rules: bytes.to_vec(),
                ..Kernel::default()
            };
            for key in sets_used(bytes) {
                kernel.sets.insert(key, bytes.to_vec());
            }
            shown(&kernel);
            elements(bytes);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let kernel = Kernel { rules: bytes.clone(), ..Kernel::default() };
            shown(&kernel);
            networks(&elements(&bytes).0);
        }
    }
}
