//! Estates written by hand, for the tests and the example: a small office with every reason to be hidden and
//! hostile names, one lone machine, and generated ones of any size. Nothing in them exists.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test and the example uses a part of it"
)]

mod devices;
mod guests;
mod large;
mod moving;
mod office;
mod single;

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::evidence::Witness;
use groma_model::fact::{Component, ComponentClass, OperatingSystem, Program};
use groma_model::inventory::*;
use groma_model::name::{Port, Transport};
use groma_model::registry::REGISTRY;
use groma_model::{
    CoverageState, DependencyId, EntityId, EvidenceId, FindingId, Foreign, SiteId, SourceName,
    Timestamp,
};

pub use devices::devices;
pub use guests::guests;
pub use large::large;
pub use moving::{moving, moving_hostile, moving_named};
pub use office::HOSTILE;
pub use office::office;
pub use single::single;

/// 2026-11-20T10:00:00Z.
pub fn noon() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// `days` before (or, negative, after) [`noon`].
pub fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_millis(noon().millis() - days * 86_400_000)
}

/// An inventory in the making.
pub struct Estate {
    pub inventory: Inventory,
}

impl Estate {
    /// Watched from `from` to [`noon`].
    pub fn watched_since(from: Timestamp) -> Self {
        let layers = REGISTRY.layers.iter().map(|l| LayerEntry {
            name: l.name.clone(),
            rank: l.rank,
        });
        Self {
            inventory: Inventory {
                schema: INVENTORY_SCHEMA.into(),
                generated_at: noon(),
                snapshot: None,
                shared: None,
                window: TimeWindow { from, to: noon() },
                data_level: "standard".into(),
                compared_with_list: false,
                coverage: vec![],
                layers: layers.collect(),
                sites: vec![Site {
                    id: SiteId::default(),
                    name: "Head office".into(),
                    networks: vec!["10.1.0.0/16".into()],
                }],
                links: vec![],
                systems: vec![],
                entities: vec![],
                listeners: vec![],
                dependencies: vec![],
                link_bps: groma_model::inventory::LINK_BPS,
                volumes: vec![],
                rights: vec![],
                backups: vec![],
                watching: vec![],
                mail_records: vec![],
                mail_routes: vec![],
                zone_records: vec![],
                ledger: vec![],
                mailbox_ties: vec![],
                relying_parties: vec![],
                mail_ledger: vec![],
                mail_servers: vec![],
                devices: vec![],
                guests: vec![],
                measurements: vec![],
                waves: vec![],
                findings: vec![],
                estimate: None,
                questions: vec![],
                evidence: vec![],
            },
        }
    }

    /// Adds an entity; its id is `ent-` and `key`.
    pub fn entity(
        &mut self,
        key: &str,
        kind: &str,
        layer: &str,
        name: &str,
        address: &str,
    ) -> &mut Entity {
        let id = EntityId::new(format!("ent-{key}"));
        self.inventory.entities.push(Entity {
            id,
            kind: kind.into(),
            name: name.into(),
            names: vec![name.into()],
            addresses: address.parse::<IpAddr>().into_iter().collect(),
            layer: layer.into(),
            site: SiteId::default(),
            system: None,
            owner: None,
            criticality: None,
            first_seen: self.inventory.window.from,
            last_seen: noon(),
            has_agent: false,
            declared: false,
            attributes: Attributes::default(),
            merged_because: vec![],
            evidence: vec![],
        });
        self.inventory.entities.last_mut().unwrap()
    }

    /// Adds a host that was looked at from inside.
    pub fn host(
        &mut self,
        key: &str,
        layer: &str,
        name: &str,
        address: &str,
        os: &str,
    ) -> &mut Entity {
        let host = self.entity(key, "host", layer, name, address);
        host.has_agent = true;
        host.attributes.operating_system = Some(OperatingSystem {
            family: "linux".into(),
            id: "debian".into(),
            version: "12".into(),
            pretty_name: os.into(),
            kernel: "6.1.0".into(),
            architecture: "x86_64".into(),
            virtualization: None,
            time_zone: None,
        });
        host
    }

    /// Adds a fact and gives back its id.
    pub fn fact(
        &mut self,
        witness: Witness,
        source: &str,
        vantage: &str,
        says: &str,
    ) -> EvidenceId {
        let id = EvidenceId::of(&[source, vantage, says]);
        self.inventory.evidence.push(EvidenceEntry {
            id: id.clone(),
            source: SourceName::new(source),
            witness,
            vantage: EntityId::new(format!("ent-{vantage}")),
            observed_at: days_ago(0),
            says: says.into(),
        });
        id
    }

    /// Adds a dependency: `part` of `consumer` needs `provider` at `port` (0 for none).
    pub fn need(
        &mut self,
        consumer: &str,
        part: (ComponentClass, &str),
        kind: &str,
        provider: &str,
        port: u16,
    ) -> usize {
        let words = REGISTRY.kind(kind);
        let transport = words
            .endpoints()
            .find(|e| e.0.0 == port)
            .map_or(Transport::Tcp, |e| e.1);
        let named = |key: &str| {
            let id = format!("ent-{key}");
            let entity = self
                .inventory
                .entities
                .iter()
                .find(|e| e.id.as_str() == id)
                .expect("the sample names its own entities");
            (
                entity.id.clone(),
                entity.name.clone(),
                entity.addresses.clone(),
            )
        };
        let (from, to) = (named(consumer), named(provider));
        let id = DependencyId::of(&[consumer, part.1, kind, provider, &port.to_string()]);
        let local = consumer == provider;
        let says = format!("{} connected to {}:{port} ({} times)", part.1, to.1, 12);
        let evidence = vec![self.fact(Witness::Live, "host.sockets", consumer, &says)];
        self.inventory.dependencies.push(Dependency {
            id,
            kind: kind.into(),
            consumer: Consumer {
                entity: from.0,
                name: from.1,
                addresses: from.2,
                component: Component {
                    class: part.0,
                    name: Foreign::from(part.1),
                },
            },
            provider: Provider {
                entity: to.0,
                name: to.1,
                addresses: to.2,
                port: (port > 0).then_some(Port(port)),
                transport: (port > 0).then_some(transport),
                component: None,
            },
            layer: words.layer.clone(),
            strength: match words.strength.as_str() {
                "blocking" => Strength::Blocking,
                "degrading" => Strength::Degrading,
                _ => Strength::Unknown,
            },
            shared_service: words.shared,
            witnesses: vec![Witness::Live],
            basis: Basis::Observed,
            hidden: false,
            hidden_because: vec![],
            reached_by: None,
            reached_as: None,
            first_seen: self.inventory.window.from,
            last_seen: noon(),
            current: true,
            count: 12,
            rhythm: None,
            next_due: None,
            details: DependencyDetails {
                local,
                last_used: Some(noon()),
                ..Default::default()
            },
            verdict: None,
            evidence,
        });
        self.inventory.dependencies.len() - 1
    }

    /// Marks a dependency as hidden, known by one line of evidence alone.
    pub fn hide(
        &mut self,
        at: usize,
        reasons: &[&str],
        reached: Option<(ReachedBy, &str)>,
        line: &str,
    ) -> &mut Dependency {
        let witness = if reasons.contains(&"log-only") {
            Witness::History
        } else {
            Witness::Written
        };
        let source = if witness == Witness::History {
            "log.postfix"
        } else {
            "config.references"
        };
        let vantage = self.inventory.dependencies[at]
            .consumer
            .entity
            .as_str()
            .trim_start_matches("ent-")
            .to_owned();
        let fact = self.fact(witness, source, &vantage, line);
        let dependency = &mut self.inventory.dependencies[at];
        dependency.hidden = true;
        dependency.details.last_used = (witness == Witness::History).then(noon);
        dependency.hidden_because = reasons.iter().map(|r| (*r).to_owned()).collect();
        dependency.hidden_because.sort();
        dependency.reached_by = reached.map(|r| r.0);
        dependency.reached_as = reached.map(|r| r.1.to_owned());
        dependency.witnesses = vec![witness];
        dependency.evidence = vec![fact];
        dependency
    }

    /// Adds a listener.
    pub fn listen(
        &mut self,
        host: &str,
        address: &str,
        port: u16,
        transport: Transport,
        program: (&str, &str, &str),
        service: &str,
    ) {
        let (executable, unit, user) = program;
        let some = |text: &str| (!text.is_empty()).then(|| Foreign::from(text));
        self.inventory.listeners.push(ListenerEntry {
            entity: EntityId::new(format!("ent-{host}")),
            address: address.parse().unwrap(),
            port: Port(port),
            transport,
            process: Program {
                executable: some(executable),
                user: some(user),
                unit: (!unit.is_empty()).then(|| unit.to_owned()),
                ..Program::default()
            },
            service: (!service.is_empty()).then(|| service.to_owned()),
            certificate: None,
            answer: None,
            evidence: vec![],
        });
    }

    /// Adds an open finding.
    pub fn risk(
        &mut self,
        check: &str,
        severity: Severity,
        likelihood: Likelihood,
        subjects: &[&str],
        texts: [&str; 4],
    ) -> &mut Finding {
        let [risk, indicator, impact, mitigation] = texts;
        let mut key = vec![check];
        key.extend(subjects);
        self.inventory.findings.push(Finding {
            id: FindingId::of(&key),
            check: check.into(),
            origin: FindingOrigin::Generated,
            state: FindingState::Open,
            severity,
            layer: "application".into(),
            risk: risk.into(),
            indicator: indicator.into(),
            impact: impact.into(),
            likelihood,
            mitigations: vec![mitigation.into()],
            owner: None,
            control_date: None,
            subjects: subjects.iter().map(|s| (*s).to_owned()).collect(),
            evidence: vec![],
            verdict: None,
            first_seen: None,
            last_seen: None,
            closed_on: None,
            state_because: None,
            rests_on: Vec::new(),
        });
        self.inventory.findings.last_mut().unwrap()
    }

    /// Adds what one source covered on one host.
    pub fn covered(
        &mut self,
        source: &str,
        vantage: &str,
        scope: &str,
        gaps: &[(&str, &str, Option<&str>)],
    ) {
        self.inventory.coverage.push(CoverageEntry {
            source: SourceName::new(source),
            vantage: EntityId::new(format!("ent-{vantage}")),
            scope: scope.into(),
            state: if gaps.is_empty() {
                CoverageState::Complete
            } else {
                CoverageState::Partial
            },
            gaps: gaps
                .iter()
                .map(|(what, reason, remedy)| GapEntry {
                    what: (*what).into(),
                    reason: (*reason).into(),
                    remedy: remedy.map(Into::into),
                })
                .collect(),
            from: self.inventory.window.from,
            to: noon(),
            how: None,
        });
    }

    /// The inventory, with its lists sorted as the document promises.
    pub fn finish(mut self) -> Inventory {
        let i = &mut self.inventory;
        i.entities.sort_by(|a, b| a.id.cmp(&b.id));
        i.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
        i.findings.sort_by(|a, b| a.id.cmp(&b.id));
        let facts: BTreeMap<EvidenceId, EvidenceEntry> =
            i.evidence.drain(..).map(|e| (e.id.clone(), e)).collect();
        i.evidence = facts.into_values().collect();
        i.questions.sort();
        self.inventory
    }
}
