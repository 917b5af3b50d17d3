//! Estates in a line or two, for tests. Names become ids: `host1` is `ent-host1`.

use groma_model::fact::{Component, ComponentClass};
use groma_model::inventory::{
    Attributes, Basis, Consumer, Dependency, DependencyDetails, Entity, EvidenceEntry,
    INVENTORY_SCHEMA, Inventory, Provider, Strength, TimeWindow, Verdict, VerdictWord,
};
use groma_model::{
    DependencyId, EntityId, EvidenceId, Port, SiteId, SourceName, Timestamp, Transport, Witness,
};

/// So many days after the watch began, 2026-11-02 09:00 UTC; the document is made on day 30.
pub(crate) fn day(days: i64) -> Timestamp {
    Timestamp::from_seconds(1_793_610_000 + days * 86_400)
}

pub(crate) fn verdict(verdict: VerdictWord) -> Option<Verdict> {
    Some(Verdict {
        verdict,
        by: "Anna".to_owned(),
        because: "it was a test".to_owned(),
    })
}

#[derive(Default)]
pub(crate) struct Estate {
    entities: Vec<Entity>,
    dependencies: Vec<Dependency>,
    evidence: Vec<EvidenceEntry>,
}

impl Estate {
    /// A machine nobody looked at from inside, if it is not there yet.
    pub(crate) fn machine(&mut self, name: &str) -> &mut Entity {
        let at = self.entities.iter().position(|e| e.name == name);
        let at = at.unwrap_or_else(|| {
            self.entities.push(bare(name));
            self.entities.len() - 1
        });
        &mut self.entities[at]
    }

    pub(crate) fn agent(&mut self, name: &str) {
        self.machine(name).has_agent = true;
    }

    /// A fact about `name`, seen from `vantage`.
    pub(crate) fn met(&mut self, name: &str, vantage: &str, witness: Witness) {
        let fact = self.fact(name, vantage, witness);
        self.machine(name).evidence.push(fact);
    }

    /// `consumer` uses `provider`, as the consumer's agent or the provider's log saw it.
    pub(crate) fn uses(
        &mut self,
        consumer: &str,
        provider: &str,
        first: Timestamp,
        last: Timestamp,
        witness: Witness,
    ) -> &mut Dependency {
        self.machine(consumer);
        self.machine(provider);
        let number = self.dependencies.len();
        let vantage = if witness == Witness::History {
            provider
        } else {
            consumer
        };
        // One agent tells of all logs here.
        let vantage = if witness == Witness::History {
            "host59"
        } else {
            vantage
        };
        let fact = self.fact(&format!("use {number}"), vantage, witness);
        let basis = if witness == Witness::Written {
            Basis::Declared
        } else {
            Basis::Observed
        };
        self.dependencies.push(Dependency {
            first_seen: first,
            last_seen: last,
            witnesses: vec![witness],
            basis,
            evidence: vec![fact],
            details: DependencyDetails {
                local: consumer == provider,
                last_used: (witness != Witness::Written).then_some(last),
                ..DependencyDetails::default()
            },
            ..dependency(consumer, provider, number)
        });
        self.dependencies
            .last_mut()
            .expect("one was added just now")
    }

    fn fact(&mut self, about: &str, vantage: &str, witness: Witness) -> EvidenceId {
        let number = self.evidence.len().to_string();
        let id = EvidenceId::of(&[about, vantage, &number]);
        let source = match witness {
            Witness::Network => "network.packets",
            Witness::History => "log.services",
            Witness::Written => "written.files",
            _ => "host.flows",
        };
        self.evidence.push(EvidenceEntry {
            id: id.clone(),
            source: SourceName::new(source),
            witness,
            vantage: entity_id(vantage),
            observed_at: day(14),
            says: about.to_owned(),
        });
        id
    }

    pub(crate) fn inventory(&self) -> Inventory {
        let mut inventory = empty();
        inventory.entities.clone_from(&self.entities);
        inventory.dependencies.clone_from(&self.dependencies);
        inventory.evidence.clone_from(&self.evidence);
        inventory.entities.sort_by(|a, b| a.id.cmp(&b.id));
        inventory.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
        inventory.evidence.sort_by(|a, b| a.id.cmp(&b.id));
        // The newest look of every agent lasts to the end of what was seen.
        let last = self
            .dependencies
            .iter()
            .map(|d| d.last_seen)
            .filter(|l| *l <= day(30));
        inventory.generated_at = last.max().unwrap_or(day(0));
        inventory
    }
}

fn entity_id(name: &str) -> EntityId {
    EntityId::new(format!("ent-{name}"))
}

fn bare(name: &str) -> Entity {
    Entity {
        id: entity_id(name),
        kind: "host".to_owned(),
        name: name.to_owned(),
        names: vec![name.to_owned()],
        addresses: Vec::new(),
        layer: "os".to_owned(),
        site: SiteId::default(),
        system: None,
        owner: None,
        criticality: None,
        first_seen: day(0),
        last_seen: day(14),
        has_agent: false,
        declared: false,
        attributes: Attributes::default(),
        merged_because: Vec::new(),
        evidence: Vec::new(),
    }
}

fn dependency(consumer: &str, provider: &str, number: usize) -> Dependency {
    Dependency {
        id: DependencyId::of(&[consumer, provider, &number.to_string()]),
        kind: "http".to_owned(),
        consumer: Consumer {
            entity: entity_id(consumer),
            name: consumer.to_owned(),
            addresses: Vec::new(),
            component: Component {
                class: ComponentClass::Unit,
                name: "app.service".to_owned().into(),
            },
        },
        provider: Provider {
            entity: entity_id(provider),
            name: provider.to_owned(),
            addresses: Vec::new(),
            port: Some(Port(443)),
            transport: Some(Transport::Tcp),
            component: None,
        },
        layer: "application".to_owned(),
        strength: Strength::Blocking,
        shared_service: false,
        witnesses: Vec::new(),
        basis: Basis::Observed,
        hidden: false,
        hidden_because: Vec::new(),
        reached_by: None,
        reached_as: None,
        first_seen: day(0),
        last_seen: day(0),
        current: true,
        count: 1,
        rhythm: None,
        next_due: None,
        details: DependencyDetails::default(),
        verdict: None,
        evidence: Vec::new(),
    }
}

fn empty() -> Inventory {
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        generated_at: day(0),
        snapshot: None,
        shared: None,
        window: TimeWindow {
            from: day(0),
            to: day(0),
        },
        data_level: "standard".to_owned(),
        compared_with_list: false,
        coverage: Vec::new(),
        layers: Vec::new(),
        sites: Vec::new(),
        links: Vec::new(),
        systems: Vec::new(),
        entities: Vec::new(),
        listeners: Vec::new(),
        dependencies: Vec::new(),
        link_bps: groma_model::inventory::LINK_BPS,
        volumes: Vec::new(),
        rights: Vec::new(),
        backups: Vec::new(),
        watching: Vec::new(),
        mail_records: Vec::new(),
        mail_routes: Vec::new(),
        zone_records: Vec::new(),
        ledger: Vec::new(),
        mailbox_ties: Vec::new(),
        relying_parties: Vec::new(),
        mail_ledger: Vec::new(),
        mail_servers: Vec::new(),
        devices: Vec::new(),
        guests: Vec::new(),
        measurements: Vec::new(),
        waves: Vec::new(),
        findings: Vec::new(),
        estimate: None,
        questions: Vec::new(),
        evidence: Vec::new(),
    }
}
