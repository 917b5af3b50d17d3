//! One pass over the evidence: what edges are made of, and the lines that will be cited.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{Connection, FileSystem, Job, Listener, Measurement, Reference};
use groma_model::inventory::{Dependency, EvidenceEntry, ListenerEntry, MeasurementEntry, Volume};
use groma_model::{
    AgentId, EntityId, Estate, Evidence, EvidenceId, EvidenceState, Fact, Seen, SiteId, Witness,
};

/// A fact with the provenance an edge needs.
#[derive(Clone, Debug)]
pub(crate) struct Raw<T> {
    pub(crate) id: EvidenceId,
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) host: EntityId,
    pub(crate) seen: Seen,
    pub(crate) current: bool,
    pub(crate) witness: Witness,
    pub(crate) fact: T,
}

/// The facts edges are made of.
#[derive(Debug)]
pub(crate) struct Gathered {
    vantages: BTreeMap<AgentId, EntityId>,
    cited_by_entities: BTreeSet<EvidenceId>,
    pub(crate) listeners: Vec<Raw<Listener>>,
    pub(crate) connections: Vec<Raw<Connection>>,
    pub(crate) references: Vec<Raw<Reference>>,
    pub(crate) mounts: Vec<Raw<FileSystem>>,
    pub(crate) jobs: BTreeMap<EntityId, Vec<Job>>,
    measurements: Vec<Raw<Measurement>>,
    entries: BTreeMap<EvidenceId, EvidenceEntry>,
    /// How many samples the sockets of each host were taken in: the most often seen listener tells.
    pub(crate) samples: BTreeMap<EntityId, u64>,
}

impl Gathered {
    pub(crate) fn new(estate: &Estate) -> Self {
        Self {
            vantages: estate.vantages.clone(),
            cited_by_entities: estate
                .entities
                .values()
                .flat_map(|e| e.evidence.iter().cloned())
                .collect(),
            listeners: Vec::new(),
            connections: Vec::new(),
            references: Vec::new(),
            mounts: Vec::new(),
            jobs: BTreeMap::new(),
            measurements: Vec::new(),
            entries: BTreeMap::new(),
            samples: BTreeMap::new(),
        }
    }

    pub(crate) fn take(&mut self, evidence: Evidence) {
        let Some(host) = self.vantages.get(&evidence.vantage).cloned() else {
            return;
        };
        if is_inner(&evidence) {
            return;
        }
        let edge = matches!(
            &evidence.fact,
            Fact::Listener(_) | Fact::Connection(_) | Fact::Reference(_) | Fact::FileSystem(_)
        );
        if edge || self.cited_by_entities.contains(&evidence.id) {
            self.entries
                .insert(evidence.id.clone(), entry(&evidence, &host));
        }
        let witness = evidence.witness();
        let Evidence {
            id,
            site,
            vantage,
            fact,
            seen,
            state,
            ..
        } = evidence;
        let current = state == EvidenceState::Current;
        macro_rules! raw {
            ($fact:expr) => {
                Raw {
                    id,
                    site,
                    vantage,
                    host,
                    seen,
                    current,
                    witness,
                    fact: $fact,
                }
            };
        }
        match fact {
            Fact::Listener(listener) => {
                let samples = self.samples.entry(host.clone()).or_default();
                *samples = (*samples).max(seen.count);
                self.listeners.push(raw!(listener));
            }
            Fact::Connection(connection) => self.connections.push(raw!(connection)),
            Fact::Reference(reference) => self.references.push(raw!(reference)),
            Fact::FileSystem(mount) if mount.remote.is_some() => self.mounts.push(raw!(mount)),
            Fact::Job(job) => self.jobs.entry(host).or_default().push(job),
            Fact::Measurement(measurement) => self.measurements.push(raw!(measurement)),
            _ => {}
        }
    }

    /// Puts everything in an order that does not depend on how it arrived; what arrived twice counts once.
    pub(crate) fn settle(&mut self) {
        settle(&mut self.listeners);
        settle(&mut self.connections);
        settle(&mut self.references);
        settle(&mut self.mounts);
        settle(&mut self.measurements);
        for jobs in self.jobs.values_mut() {
            jobs.sort_by(|a, b| {
                (&a.file, &a.name, &a.schedule).cmp(&(&b.file, &b.name, &b.schedule))
            });
            jobs.dedup();
        }
    }

    /// Volumes (bytes used, by mount point) and all other numbers, the newest of each.
    pub(crate) fn numbers(&self, estate: &Estate) -> (Vec<Volume>, Vec<MeasurementEntry>) {
        let mut newest: BTreeMap<(&EntityId, &str, String), &Raw<Measurement>> = BTreeMap::new();
        for raw in self
            .measurements
            .iter()
            .filter(|r| estate.entities.contains_key(&r.host))
        {
            let key = (
                &raw.host,
                raw.fact.metric.as_str(),
                raw.fact.subject.to_string(),
            );
            let slot = newest.entry(key).or_insert(raw);
            if raw.seen.last > slot.seen.last {
                *slot = raw;
            }
        }
        let mut volumes = Vec::new();
        let mut measurements = Vec::new();
        for ((entity, metric, subject), raw) in newest {
            let (entity, value, at) = (entity.clone(), raw.fact.value, raw.seen.last);
            if metric == "file_system_used_bytes" {
                volumes.push(volume(entity, subject, value, at));
            } else {
                measurements.push(MeasurementEntry {
                    entity,
                    metric: metric.to_owned(),
                    subject,
                    value,
                    at,
                });
            }
        }
        (volumes, measurements)
    }

    /// The lines that something cites, by id.
    pub(crate) fn into_cited(
        self,
        estate: &Estate,
        dependencies: &[Dependency],
        listeners: &[ListenerEntry],
    ) -> Vec<EvidenceEntry> {
        let entities = estate.entities.values().flat_map(|e| &e.evidence);
        let edges = dependencies.iter().flat_map(|d| &d.evidence);
        let cited: BTreeSet<&EvidenceId> = entities
            .chain(edges)
            .chain(listeners.iter().flat_map(|l| &l.evidence))
            .collect();
        self.entries
            .into_iter()
            .filter(|(id, _)| cited.contains(id))
            .map(|(_, entry)| entry)
            .collect()
    }
}

/// What stays within another network namespace: its loopback is not the loopback of the machine.
fn is_inner(evidence: &Evidence) -> bool {
    let address = match &evidence.fact {
        Fact::Listener(listener) => listener.address,
        Fact::Connection(connection) => connection.remote,
        _ => return false,
    };
    address.is_loopback() && evidence.scope.as_str().starts_with("socket:netns-")
}

fn settle<T>(list: &mut Vec<Raw<T>>) {
    list.sort_by(|a, b| a.id.cmp(&b.id));
    list.dedup_by(|a, b| a.id == b.id);
}

fn entry(evidence: &Evidence, host: &EntityId) -> EvidenceEntry {
    EvidenceEntry {
        id: evidence.id.clone(),
        source: evidence.source.clone(),
        witness: evidence.witness(),
        vantage: host.clone(),
        observed_at: evidence.seen.last,
        says: evidence.fact.says(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measured byte count is never negative and below 2^53"
)]
fn volume(
    entity: EntityId,
    subject: String,
    value: f64,
    measured_at: groma_model::Timestamp,
) -> Volume {
    Volume {
        entity,
        subject,
        bytes: value as u64,
        items: None,
        growth_per_day: None,
        measured_at,
        transfer_hours: None,
    }
}
