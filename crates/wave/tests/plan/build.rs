//! Small estates in a line or two. Names become ids: `host("app1")` is `ent-app1`.

use groma_model::fact::{Component, ComponentClass};
use groma_model::inventory::*;
use groma_model::virtualization::GuestRow;
use groma_model::{DependencyId, EntityId, Port, SiteId, Timestamp, Transport, Witness};
use groma_wave::plan::{Plan, PlanOptions, PlannedWave, Stage};

pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_176_000)
}

pub(crate) fn id(name: &str) -> EntityId {
    EntityId::new(format!("ent-{name}"))
}

pub(crate) fn estate(entities: Vec<Entity>, dependencies: Vec<Dependency>) -> Inventory {
    let empty = serde_json::json!({
        "schema": INVENTORY_SCHEMA, "generated_at": now(), "snapshot": null,
        "window": { "from": now(), "to": now() }, "data_level": "standard", "compared_with_list": false,
        "coverage": [], "layers": [], "sites": [], "links": [], "systems": [], "entities": [], "listeners": [],
        "dependencies": [], "volumes": [], "rights": [], "backups": [], "measurements": [], "waves": [],
        "findings": [], "estimate": null, "questions": [], "evidence": [],
    });
    let empty: Inventory = serde_json::from_value(empty).unwrap();
    Inventory {
        entities,
        dependencies,
        ..empty
    }
}

pub(crate) fn host(name: &str) -> Entity {
    Entity {
        has_agent: true,
        ..thing("host", name)
    }
}

pub(crate) fn thing(kind: &str, name: &str) -> Entity {
    Entity {
        id: id(name),
        kind: kind.to_owned(),
        name: name.to_owned(),
        names: vec![name.to_owned()],
        addresses: Vec::new(),
        layer: "os".to_owned(),
        site: SiteId::default(),
        system: None,
        owner: None,
        criticality: None,
        first_seen: now(),
        last_seen: now(),
        has_agent: false,
        declared: false,
        attributes: Attributes::default(),
        merged_because: Vec::new(),
        evidence: Vec::new(),
    }
}

pub(crate) fn hosts(names: &[&str]) -> Vec<Entity> {
    names.iter().map(|name| host(name)).collect()
}

/// `consumer` stops without `provider`: seen alive, by name.
pub(crate) fn needs(consumer: &str, kind: &str, provider: &str) -> Dependency {
    let registered = groma_model::registry::REGISTRY.kind(kind);
    let endpoint = registered.endpoints().next();
    Dependency {
        id: DependencyId::of(&[consumer, kind, provider]),
        kind: kind.to_owned(),
        consumer: Consumer {
            entity: id(consumer),
            name: consumer.to_owned(),
            addresses: Vec::new(),
            component: Component {
                class: ComponentClass::Unit,
                name: format!("{consumer}.service").into(),
            },
        },
        provider: Provider {
            entity: id(provider),
            name: provider.to_owned(),
            addresses: Vec::new(),
            port: Some(endpoint.map_or(Port(9000), |(port, _)| port)),
            transport: Some(endpoint.map_or(Transport::Tcp, |(_, t)| t)),
            component: None,
        },
        layer: registered.layer.clone(),
        strength: match registered.strength.as_str() {
            "degrading" => Strength::Degrading,
            "unknown" => Strength::Unknown,
            _ => Strength::Blocking,
        },
        shared_service: registered.shared,
        witnesses: vec![Witness::Live],
        basis: Basis::Observed,
        hidden: false,
        hidden_because: Vec::new(),
        reached_by: Some(ReachedBy::Name),
        reached_as: Some(provider.to_owned()),
        first_seen: now(),
        last_seen: now(),
        current: true,
        count: 1,
        rhythm: None,
        next_due: None,
        details: DependencyDetails::default(),
        verdict: None,
        evidence: Vec::new(),
    }
}

pub(crate) fn system(name: &str, members: &[&str]) -> System {
    System {
        id: format!("sys-{name}"),
        name: name.to_owned(),
        functions: Vec::new(),
        members: members.iter().map(|m| id(m)).collect(),
        product: None,
        version: None,
        owner: None,
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: None,
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    }
}

pub(crate) fn volume(of: &str, subject: &str, gib: u64) -> Volume {
    Volume {
        entity: id(of),
        subject: subject.to_owned(),
        bytes: gib << 30,
        items: None,
        items_estimated: false,
        changed_per_day: None,
        growth_per_day: None,
        measured_at: now(),
        transfer_hours: Some([1.0, 3.0]),
        catch_up_hours: None,
    }
}

/// What its platform tells of the disks of a guest.
pub(crate) fn guest_row(of: &str, gib: Option<u64>, measured: bool) -> GuestRow {
    GuestRow {
        entity: id(of),
        host: None,
        bytes: gib.map(|gib| gib << 30),
        bytes_measured: measured,
        transfer_hours: gib.map(|_| [0.5, 1.0]),
        blockers: Vec::new(),
        ways: Vec::new(),
    }
}

/// The plan where a wave holds `hosts_max` and nothing is a pilot.
pub(crate) fn planned(inventory: &Inventory, hosts_max: usize) -> Plan {
    let options = PlanOptions {
        hosts_max,
        pilot_max: 0,
        ..PlanOptions::default()
    };
    groma_wave::plan(inventory, &options)
}

/// Each wave as `name stage: members`.
pub(crate) fn drawn(plan: &Plan) -> Vec<String> {
    let one = |wave: &PlannedWave| {
        let members: Vec<&str> = wave.members.iter().map(|m| m.name.as_str()).collect();
        format!("{} {:?}: {}", wave.name, wave.stage, members.join(" "))
    };
    plan.waves.iter().map(one).collect()
}

pub(crate) fn wave<'p>(plan: &'p Plan, name: &str) -> &'p PlannedWave {
    plan.waves.iter().find(|w| w.name == name).unwrap()
}

pub(crate) fn moving(plan: &Plan) -> impl Iterator<Item = &PlannedWave> {
    plan.waves
        .iter()
        .filter(|w| !matches!(w.stage, Stage::Beside | Stage::Retire))
}
