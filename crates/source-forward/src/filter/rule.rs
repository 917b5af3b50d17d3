//! A rule, whichever language it was written in.

use std::collections::BTreeSet;

use groma_model::fact::{Component, ComponentClass, FilterRule, Forward, ForwardMode};
use groma_model::{Peer, Port, Transport};

use crate::handed::{endpoint, everywhere, plain};
use crate::network::Network;

/// Ports and addresses of one rule that are listed.
const LISTED_MAX: usize = 64;
/// Addresses with ports that one rule tells.
const TOLD_MAX: usize = 256;

/// What becomes of a packet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Verdict {
    /// Nothing yet: the rule counts, marks or logs.
    #[default]
    None,
    /// `accept`, `drop`, `reject`, the chain that decides.
    Word(String),
    /// The destination becomes another one.
    Hand(Peer, Option<u16>),
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rule {
    /// Family, table and chain, as `inet filter input`.
    pub(super) chain: String,
    pub(super) from: Vec<Network>,
    pub(super) to: Vec<Network>,
    pub(super) ports: Vec<u16>,
    pub(super) transport: Option<Transport>,
    pub(super) verdict: Verdict,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    /// True if a set it looks up has more elements than were read.
    pub(super) cut: bool,
}

/// Who acts where no unit is known to.
pub(super) fn kernel_component() -> Component {
    Component {
        class: ComponentClass::Device,
        name: "packet filter".into(),
    }
}

impl Rule {
    /// True for chains that a program fills by itself.
    pub(super) fn is_somebodys_own(&self) -> bool {
        const THEIRS: &[&str] = &[
            "DOCKER", "KUBE-", "CNI-", "NETAVARK", "LIBVIRT_", "f2b-", "fail2ban", "cali-",
            "FLANNEL", "CILIUM", "crowdsec", "sshguard", "LIBVIRT", "libvirt_",
        ];
        self.chain
            .split_whitespace()
            .any(|word| THEIRS.iter().any(|t| word.starts_with(t)))
    }

    /// What it hands on: a rule without a port hands on every port of the address it names.
    pub(super) fn forwards(&self, component: &Component) -> Vec<Forward> {
        let Verdict::Hand(peer, own) = &self.verdict else {
            return Vec::new();
        };
        let mut doors: Vec<Peer> = first(self.singles())
            .into_iter()
            .map(|n| Peer::Address(n.address))
            .collect();
        if doors.is_empty() {
            doors.push(everywhere());
        }
        let ports: Vec<Option<u16>> = match self.ports.is_empty() {
            false => first(self.ports.iter()).into_iter().map(Some).collect(),
            // Everything of every address is no door anybody could name.
            true if self.to.is_empty() => return Vec::new(),
            true => vec![None],
        };
        let transport = self.transport.unwrap_or(Transport::Tcp);
        let mut found = Vec::new();
        for door in &doors {
            for port in &ports {
                let to = endpoint(peer.clone(), own.or(*port), transport);
                let mut forward = plain(
                    ForwardMode::Nat,
                    endpoint(door.clone(), *port, transport),
                    to,
                    component.clone(),
                );
                forward.conditional = !self.from.is_empty();
                forward.file = self.file.as_deref().map(Into::into);
                forward.line = self.line;
                if self.file.is_none() {
                    forward.table = Some(self.chain.clone());
                }
                found.push(forward);
            }
        }
        found
    }

    /// The addresses it names, where it lets in or keeps out.
    pub(super) fn filter_rules(&self) -> Vec<FilterRule> {
        let Verdict::Word(verdict) = &self.verdict else {
            return Vec::new();
        };
        let ports: Vec<Option<u16>> = match self.ports.is_empty() {
            true => vec![None],
            false => first(self.ports.iter()).into_iter().map(Some).collect(),
        };
        let sides = [(true, &self.from), (false, &self.to)];
        let sides = sides.into_iter().flat_map(|(source, networks)| {
            let telling = networks.iter().filter(|n| n.is_telling());
            first(telling).into_iter().map(move |n| (source, n))
        });
        sides
            .flat_map(|side| ports.iter().map(move |port| (side, *port)))
            .map(|((source, network), port)| FilterRule {
                verdict: verdict.clone(),
                source,
                network: network.to_string(),
                port: port.map(Port),
                transport: self.transport,
                chain: self.chain.clone(),
                file: self.file.as_deref().map(Into::into),
                line: self.line,
            })
            .take(TOLD_MAX)
            .collect()
    }

    /// True if it names more than is told of it.
    pub(super) fn is_cut(&self) -> bool {
        let telling = |networks: &[Network]| networks.iter().filter(|n| n.is_telling()).count();
        let (from, to) = (telling(&self.from), telling(&self.to));
        let many = match &self.verdict {
            Verdict::None => return false,
            Verdict::Hand(..) => self.singles().count(),
            Verdict::Word(_) if from + to == 0 => return false,
            Verdict::Word(_) => from.max(to),
        };
        let told = (from + to).saturating_mul(self.ports.len().max(1));
        self.cut || many.max(self.ports.len()) > LISTED_MAX || told > TOLD_MAX
    }

    fn singles(&self) -> impl Iterator<Item = &Network> {
        self.to.iter().filter(|n| n.is_single())
    }
}

/// The smallest of them, once each: whatever order a kernel tells the elements of a set in, the same ones are told.
fn first<'a, T: Copy + Ord + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    let all: BTreeSet<T> = all.copied().collect();
    all.into_iter().take(LISTED_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(many: u8, ports: &[u16]) -> Rule {
        let network = |n| Network::parse(&format!("192.0.2.{n}")).unwrap();
        Rule {
            from: (0..many).rev().map(network).collect(),
            ports: ports.to_vec(),
            verdict: Verdict::Word("accept".into()),
            ..Rule::default()
        }
    }

    #[test]
    fn many_addresses_are_cut_the_same_way_whatever_their_order() {
        let backwards = rule(200, &[]);
        let mut forwards = backwards.clone();
        forwards.from.reverse();
        assert_eq!(backwards.filter_rules(), forwards.filter_rules());
        assert_eq!(backwards.filter_rules().len(), LISTED_MAX);
        assert!(backwards.is_cut() && !rule(64, &[]).is_cut());
    }

    #[test]
    fn every_port_of_a_rule_is_told() {
        let rule = rule(1, &[443, 80]);
        let ports: Vec<u16> = rule
            .filter_rules()
            .iter()
            .map(|r| r.port.unwrap().0)
            .collect();
        assert_eq!(ports, [80, 443]);
        assert!(!rule.is_cut());
    }
}
