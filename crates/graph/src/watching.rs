//! Who watches a machine, and where its logs go: what several machines say, joined.
//!
//! A watcher is known in three ways: the machine says who may ask it or whom it tells; the watcher's own list names
//! the machine; somebody was seen asking. All three make one row. Nobody watches itself: when it stops, so does the
//! watcher.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::watching::{said_by, said_by_port};
use groma_model::fact::{ComponentClass, Reference, Watch, WatchPurpose};
use groma_model::inventory::{Basis, Dependency, Watching};
use groma_model::{EntityId, Estate, EvidenceId, Witness};

use crate::gather::{Raw, Raws};

/// Evidence one row cites at most.
const EVIDENCE_MAX: usize = 20;

/// Of whom, what, and who: an entity, or the words for whoever may.
type Key = (EntityId, WatchPurpose, Result<EntityId, String>);

/// Why a row is believed.
#[derive(Debug, Default)]
struct Why {
    products: BTreeSet<String>,
    witnesses: BTreeSet<Witness>,
    evidence: BTreeSet<EvidenceId>,
}

/// Everything said so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    rows: BTreeMap<Key, Why>,
}

impl Told {
    /// What references say that are still there, also those too weak to make a need.
    pub(crate) fn of_references(references: &Raws<Reference>, estate: &Estate) -> Self {
        let mut told = Self::default();
        for raw in references.iter().filter(|raw| raw.current) {
            let Some(purpose) = said_by(&raw.fact) else {
                continue;
            };
            if let Some(other) = estate.locate(&raw.site, &raw.vantage, &raw.fact.peer) {
                let product = raw.fact.component.name.to_string();
                told.say(raw, purpose, &other.entity, &product);
            }
        }
        told
    }

    /// What machines say about who may ask them.
    pub(crate) fn take_watches(&mut self, watches: &Raws<Watch>, estate: &Estate) {
        for raw in watches.iter().filter(|raw| raw.current) {
            let (purpose, product) = (raw.fact.purpose, &raw.fact.product);
            match (&raw.fact.peer, &raw.fact.network) {
                (Some(peer), _) => {
                    if let Some(other) = estate.locate(&raw.site, &raw.vantage, peer) {
                        self.say(raw, purpose, &other.entity, product);
                    }
                }
                (None, network) => {
                    let whoever = network.clone().unwrap_or_else(|| "*".to_owned());
                    let key = (raw.host.clone(), purpose, Err(whoever));
                    self.add(key, product, &[raw.witness], std::slice::from_ref(&raw.id));
                }
            }
        }
    }

    /// Needs that are about watching by what they are: logs by their kind, the rest by the port that is called.
    pub(crate) fn take_dependencies(&mut self, dependencies: &[Dependency]) {
        for d in dependencies.iter().filter(|d| d.current) {
            let by_port = || said_by_port(d.provider.port?, names(d));
            let purpose = match d.kind.as_str() {
                "syslog" => Some(WatchPurpose::LogsTo),
                "monitoring" | "snmp" => by_port(),
                _ => None,
            };
            let (from, to) = (&d.consumer.entity, &d.provider.entity);
            // Who stands behind a relay is not told; what only goes through a tunnel is.
            let is_told = from != to && d.basis != Basis::Inferred;
            if let (Some(purpose), true) = (purpose, is_told) {
                let product = d.consumer.component.name.to_string();
                self.add(
                    turned(from, purpose, to),
                    &product,
                    &d.witnesses,
                    &d.evidence,
                );
            }
        }
    }

    fn say<T>(&mut self, raw: &Raw<T>, purpose: WatchPurpose, other: &EntityId, product: &str) {
        if raw.host != *other {
            let key = turned(&raw.host, purpose, other);
            self.add(key, product, &[raw.witness], std::slice::from_ref(&raw.id));
        }
    }

    fn add(&mut self, key: Key, product: &str, witnesses: &[Witness], evidence: &[EvidenceId]) {
        let why = self.rows.entry(key).or_default();
        why.products.insert(product.to_owned());
        why.witnesses.extend(witnesses);
        why.evidence.extend(evidence.iter().cloned());
    }

    /// One row for each machine, purpose and other one.
    pub(crate) fn into_rows(self, estate: &Estate) -> Vec<Watching> {
        let row = |((entity, purpose, who), why): (Key, Why)| Watching {
            entity,
            purpose,
            name: match &who {
                Ok(by) => estate
                    .entities
                    .get(by)
                    .map(|e| e.name.clone())
                    .unwrap_or_default(),
                Err(whoever) => whoever.clone(),
            },
            by: who.ok(),
            products: why.products.into_iter().collect(),
            witnesses: why.witnesses.into_iter().collect(),
            evidence: why.evidence.into_iter().take(EVIDENCE_MAX).collect(),
        };
        let mut rows: Vec<Watching> = self.rows.into_iter().map(row).collect();
        rows.sort();
        rows
    }
}

/// What the consumer's part and its programs are called; what a whole machine is called says nothing.
fn names(d: &Dependency) -> impl Iterator<Item = &str> {
    let part = &d.consumer.component;
    let own = (part.class != ComponentClass::Device).then(|| part.name.as_str());
    let programs = d.details.programs.iter().map(String::as_str);
    own.flatten().into_iter().chain(programs)
}

/// `a watches b` is `b is watched by a`.
fn turned(from: &EntityId, purpose: WatchPurpose, to: &EntityId) -> Key {
    match purpose {
        WatchPurpose::Watches => (to.clone(), WatchPurpose::WatchedBy, Ok(from.clone())),
        other => (from.clone(), other, Ok(to.clone())),
    }
}
