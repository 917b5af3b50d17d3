//! A rule, whichever language it was written in.

use groma_model::fact::{Component, ComponentClass, FilterRule, Forward, ForwardMode};
use groma_model::{Peer, Port, Transport};

use crate::handed::{endpoint, everywhere, plain};
use crate::network::Network;

/// Ports and addresses of one rule that are listed.
const LISTED_MAX: usize = 64;

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
        let singles = self
            .to
            .iter()
            .filter(|n| n.is_single())
            .map(|n| Peer::Address(n.address));
        let mut doors: Vec<Peer> = singles.take(LISTED_MAX).collect();
        if doors.is_empty() {
            doors.push(everywhere());
        }
        let ports: Vec<Option<u16>> = match self.ports.is_empty() {
            false => self
                .ports
                .iter()
                .take(LISTED_MAX)
                .map(|p| Some(*p))
                .collect(),
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
        let sides = self
            .from
            .iter()
            .map(|n| (true, n))
            .chain(self.to.iter().map(|n| (false, n)));
        sides
            .filter(|(_, network)| network.is_telling())
            .take(LISTED_MAX)
            .map(|(source, network)| FilterRule {
                verdict: verdict.clone(),
                source,
                network: network.to_string(),
                port: self.ports.first().copied().map(Port),
                transport: self.transport,
                chain: self.chain.clone(),
                file: self.file.as_deref().map(Into::into),
                line: self.line,
            })
            .collect()
    }
}
