//! Edges in the making: one draft per component and kind, gathered by the place they lead to.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::fact::{Component, ComponentClass, Program};
use groma_model::inventory::ReachedBy;
use groma_model::name::{Port, Protection, Transport};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, EvidenceId, Foreign, Seen, Timestamp, Witness};

use crate::few::Few;
use crate::gather::Raw;

/// Where a need leads, seen from a consumer: everything of an edge but component and kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Place {
    pub(crate) consumer: EntityId,
    pub(crate) provider: EntityId,
    pub(crate) port: Option<Port>,
    pub(crate) transport: Option<Transport>,
}

/// How sure the kind of a draft is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Certainty {
    /// The port number suggests it.
    Habit,
    /// The program that listens there speaks it.
    Program,
    /// A file or a mount states it.
    Stated,
}

/// An edge in the making.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) component: Component,
    pub(crate) kind: String,
    pub(crate) certainty: Certainty,
    pub(crate) witnesses: Few<Witness>,
    pub(crate) programs: Few<Program>,
    /// Word that names the product whose file states the need: the rule's id up to the first dash.
    pub(crate) products: Few<String>,
    pub(crate) files: Few<Foreign>,
    pub(crate) written_in: Few<String>,
    pub(crate) reached: Few<(ReachedBy, String)>,
    /// Addresses of the provider that are called, canonical; empty where nobody tells.
    pub(crate) called: Few<IpAddr>,
    pub(crate) accounts: Few<String>,
    /// True if whoever states the need could not say whether it has an account.
    pub(crate) account_untold: bool,
    pub(crate) resources: Few<String>,
    pub(crate) mechanisms: Few<String>,
    pub(crate) protection: Option<Protection>,
    /// Machines that heard it as sentinels.
    pub(crate) heard_by: Few<EntityId>,
    pub(crate) secret: bool,
    pub(crate) rhythm: Option<String>,
    pub(crate) seen: Seen,
    /// When it was last seen in use: by a connection, a log or the wire, not by what is written.
    pub(crate) used: Option<Timestamp>,
    /// In how many samples it was seen alive.
    pub(crate) alive: u64,
    /// How many connections were seen, where they were watched as they happened.
    pub(crate) calls: u64,
    pub(crate) current: bool,
    pub(crate) evidence: Few<EvidenceId>,
}

impl Draft {
    /// A draft of `component` needing `kind`, on the word of one fact.
    pub(crate) fn of<T>(
        raw: &Raw<T>,
        component: Component,
        kind: &str,
        certainty: Certainty,
        witness: Witness,
    ) -> Self {
        Self {
            component,
            kind: kind.to_owned(),
            certainty,
            witnesses: Few::of(witness),
            programs: Few::default(),
            products: Few::default(),
            files: Few::default(),
            written_in: Few::default(),
            reached: Few::default(),
            called: Few::default(),
            accounts: Few::default(),
            account_untold: false,
            resources: Few::default(),
            mechanisms: Few::default(),
            protection: None,
            heard_by: Few::default(),
            secret: false,
            rhythm: None,
            seen: raw.seen,
            used: is_use(witness).then_some(raw.seen.last),
            alive: if witness == Witness::Written || raw.counts_connections() {
                0
            } else {
                raw.seen.count
            },
            calls: if raw.counts_connections() {
                raw.seen.count
            } else {
                0
            },
            current: raw.current,
            evidence: Few::of(raw.id.clone()),
        }
    }

    /// True if somebody saw it happen.
    pub(crate) fn is_alive(&self) -> bool {
        !self.programs.is_empty()
            || self
                .witnesses
                .iter()
                .any(|w| *w != Witness::Written && *w != Witness::Declared)
    }

    /// True for a call of which nobody can say which part of its machine made it: the program may not be seen, it is gone, or
    /// only the other side told.
    pub(crate) fn is_of_no_part(&self) -> bool {
        self.component.class == ComponentClass::Device && self.is_alive()
    }

    /// Takes everything `other` knows; component and kind stay as they are.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.certainty = self.certainty.max(other.certainty);
        self.witnesses.extend(other.witnesses);
        self.programs.extend(other.programs);
        self.products.extend(other.products);
        self.files.extend(other.files);
        self.written_in.extend(other.written_in);
        self.reached.extend(other.reached);
        self.called.extend(other.called);
        self.accounts.extend(other.accounts);
        self.resources.extend(other.resources);
        self.mechanisms.extend(other.mechanisms);
        self.protection = weakest(self.protection, other.protection);
        self.heard_by.extend(other.heard_by);
        self.secret |= other.secret;
        self.rhythm = self.rhythm.take().or(other.rhythm);
        self.seen = Seen {
            count: 1,
            ..self.seen.joined(other.seen)
        };
        self.used = self.used.max(other.used);
        self.alive = self.alive.saturating_add(other.alive);
        self.calls = self.calls.saturating_add(other.calls);
        self.current |= other.current;
        self.evidence.extend(other.evidence);
    }
}

/// True for who sees a need happen, not where it stands.
fn is_use(witness: Witness) -> bool {
    matches!(witness, Witness::Live | Witness::History | Witness::Network)
}

/// The weaker of two protections; what nobody stated does not weaken.
pub(crate) fn weakest(a: Option<Protection>, b: Option<Protection>) -> Option<Protection> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// All drafts by place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drafts {
    pub(crate) places: HashMap<Place, Vec<Draft>>,
}

impl Drafts {
    /// Adds a draft; one with the same component and kind takes it in.
    pub(crate) fn add(&mut self, place: Place, draft: Draft) {
        // Nearly every place has one draft, and an empty list would take room for four with the first.
        let drafts = self
            .places
            .entry(place)
            .or_insert_with(|| Vec::with_capacity(1));
        take_in(drafts, draft);
    }
}

/// Adds a draft to those of its place; one with the same component and kind takes it in.
pub(crate) fn take_in(drafts: &mut Vec<Draft>, draft: Draft) {
    match drafts
        .iter_mut()
        .find(|d| d.component == draft.component && d.kind == draft.kind)
    {
        Some(same) => same.absorb(draft),
        None => drafts.push(draft),
    }
}

/// Services that answer on TCP and UDP alike (DNS, Kerberos) are one place: the transport the registry
/// lists first for that port.
pub(crate) fn one_transport(port: Option<Port>, transport: Transport) -> Transport {
    let Some(port) = port else { return transport };
    let habit = REGISTRY.kind_by_port(port, transport);
    habit
        .and_then(|kind| kind.endpoints().find(|(p, _)| *p == port))
        .map_or(transport, |(_, first)| first)
}

/// A component.
pub(crate) fn component(class: ComponentClass, name: impl Into<Foreign>) -> Component {
    Component {
        class,
        name: name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_over_tcp_and_udp_is_one_place() {
        let udp = one_transport(Some(Port(53)), Transport::Udp);
        assert_eq!(one_transport(Some(Port(53)), Transport::Tcp), udp);
        assert_eq!(
            one_transport(Some(Port(514)), Transport::Udp),
            Transport::Udp
        );
        assert_eq!(
            one_transport(Some(Port(389)), Transport::Tcp),
            Transport::Tcp
        );
    }

    #[test]
    fn the_weaker_protection_counts() {
        assert_eq!(
            weakest(Some(Protection::Tls), Some(Protection::None)),
            Some(Protection::None)
        );
        assert_eq!(weakest(None, Some(Protection::Tls)), Some(Protection::Tls));
    }
}
