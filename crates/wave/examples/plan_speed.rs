//! Measures the plan of a made-up estate: `cargo run --release -p groma-wave --example plan_speed -- [HOSTS] [DEPENDENCIES] [SEED] [SHAPE]`.
//!
//! `SHAPE` is `estate` (applications of a few tiers, databases some of them share, a directory and name servers for all,
//! monitoring; the default) or `random` (anybody needs anybody, the worst there is). A fifth argument names a folder: the
//! page, the text and the first wave files are written there to be looked at.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use groma_model::inventory::{Dependency, Entity, INVENTORY_SCHEMA, Inventory};
use groma_wave::plan::{Plan, PlanOptions, html, text, to_json, wave_file};
use serde_json::{Value, json};

const MOMENT: &str = "2026-11-20T12:00:00Z";

#[expect(
    clippy::disallowed_methods,
    reason = "an example measures time and writes files; the crate does neither"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: usize| {
        let given = arguments.get(at).map(|a| a.parse());
        given.unwrap_or(Ok(otherwise))
    };
    let (hosts, dependencies) = (number(0, 10_000)?.max(2), number(1, 200_000)?);
    let mut chance = Chance(number(2, 1)? as u64);
    let random = arguments.get(3).is_some_and(|shape| shape == "random");
    let inventory = inventory(hosts, dependencies, random, &mut chance)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} hosts, {} dependencies; {} MiB before",
        inventory.entities.len(),
        inventory.dependencies.len(),
        peak_mib()
    )?;
    let begun = Instant::now();
    let plan = groma_wave::plan(&inventory, &PlanOptions::default());
    writeln!(
        out,
        "plan: {:.2} s, peak {} MiB; {} waves, {:?}",
        begun.elapsed().as_secs_f64(),
        peak_mib(),
        plan.waves.len(),
        plan.quality
    )?;
    sinks(&plan, arguments.get(4).map(Path::new))
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example measures time and writes files; the crate does neither"
)]
fn sinks(plan: &Plan, folder: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    for (name, write) in [
        ("plan.txt", text as fn(&Plan) -> String),
        ("plan.html", html),
        ("plan.json", to_json),
    ] {
        let begun = Instant::now();
        let written = write(plan);
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "{name}: {seconds:.2} s, {} KiB", written.len() >> 10)?;
        if let Some(folder) = folder {
            std::fs::write(folder.join(name), written)?;
        }
    }
    for (at, wave) in plan.waves.iter().enumerate().take(4) {
        if let Some(folder) = folder {
            std::fs::write(
                folder.join(format!("{}.toml", wave.name)),
                wave_file(plan, at),
            )?;
        }
    }
    writeln!(out, "peak {} MiB", peak_mib())?;
    Ok(())
}

fn inventory(
    hosts: usize,
    dependencies: usize,
    random: bool,
    chance: &mut Chance,
) -> Result<Inventory, serde_json::Error> {
    let entities: Result<Vec<Entity>, _> = (0..hosts).map(|n| entity(n, chance)).collect();
    let mut edges = std::collections::BTreeMap::new();
    // As many tries as are sensible: a small estate has no room for many edges.
    for _ in 0..dependencies * 4 {
        if edges.len() >= dependencies {
            break;
        }
        let (consumer, provider, kind) = if random {
            (
                chance.below(hosts),
                chance.below(hosts),
                KINDS[chance.below(KINDS.len())],
            )
        } else {
            estate_edge(hosts, chance)
        };
        if consumer != provider {
            let edge = dependency(consumer, provider, kind, chance)?;
            edges.insert(edge.id.clone(), edge);
        }
    }
    let systems: Vec<Value> = (0..hosts / TIER / 3)
        .map(|n| {
            let members: Vec<String> = (0..3).map(|m| id(BASE + n * TIER + m)).collect();
            json!({ "id": format!("sys-{n:05}"), "name": format!("system {n}"), "functions": [], "members": members,
                "owner": format!("owner {}", n % 40) })
        })
        .collect();
    let mut inventory: Inventory = serde_json::from_value(json!({
        "schema": INVENTORY_SCHEMA, "generated_at": MOMENT, "snapshot": null,
        "window": { "from": MOMENT, "to": MOMENT }, "data_level": "standard", "compared_with_list": false,
        "coverage": [], "layers": [], "sites": [], "links": [], "systems": systems, "entities": [], "listeners": [],
        "dependencies": [], "rights": [], "backups": [], "measurements": [], "waves": [],
        "findings": [], "estimate": null, "questions": [], "evidence": [],
        "volumes": (0..hosts).filter(|n| n % 3 > 0).map(|n| json!({ "entity": id(n), "subject": "/",
            "bytes": (n as u64 % 97) << 31, "items": null, "growth_per_day": null, "measured_at": MOMENT,
            "transfer_hours": [0.2, 1.1] })).collect::<Vec<_>>(),
    }))?;
    inventory.entities = entities?;
    inventory.dependencies = edges.into_values().collect();
    Ok(inventory)
}

const KINDS: &[&str] = &[
    "sql",
    "http",
    "smb",
    "ldap-bind",
    "smtp-relay",
    "ssh",
    "monitoring",
];

/// Machines that serve everybody, and machines of one application.
const BASE: usize = 12;
const TIER: usize = 8;

/// Two of three edges lie within an application, most others go to what everybody needs, and few to another application.
fn estate_edge(hosts: usize, chance: &mut Chance) -> (usize, usize, &'static str) {
    let consumer = chance.below(hosts);
    let first = BASE + consumer.saturating_sub(BASE) / TIER * TIER;
    match chance.below(12) {
        0..=1 => (consumer, chance.below(3), "dns"),
        2 => (consumer, chance.below(3), "ldap-bind"),
        3 => (8, consumer, "monitoring"),
        4 => (
            consumer,
            (BASE + chance.below(hosts / 200 + 1) * TIER).min(hosts - 1),
            "sql",
        ),
        5 => (consumer, 4 + chance.below(2), "smb"),
        kind => {
            let provider = (first + chance.below(TIER)).min(hosts - 1);
            // Mostly downwards, as tiers are; a ring now and then.
            let (a, b) = (consumer.max(provider), consumer.min(provider));
            let upwards = chance.below(400) == 0;
            let (a, b) = if upwards { (b, a) } else { (a, b) };
            (a, b, KINDS[kind % 3])
        }
    }
}

fn id(n: usize) -> String {
    format!("ent-{n:032x}")
}

fn name(n: usize) -> String {
    format!("host-{n:05}")
}

fn entity(n: usize, chance: &mut Chance) -> Result<Entity, serde_json::Error> {
    let criticality = ["low", "medium", "high", ""][chance.below(4)];
    serde_json::from_value(json!({
        "id": id(n), "kind": "host", "name": name(n), "names": [name(n), format!("{}.corp.example", name(n))],
        "addresses": [format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255)], "layer": "os",
        "site": if n % 50 < 40 { "main" } else { "branch" }, "system": null,
        "owner": (!n.is_multiple_of(5)).then(|| format!("owner {}", n / 30)),
        "criticality": (!criticality.is_empty()).then_some(criticality),
        "first_seen": MOMENT, "last_seen": MOMENT, "has_agent": !n.is_multiple_of(20), "declared": false,
        "attributes": {}, "merged_because": [], "evidence": [],
    }))
}

fn dependency(
    consumer: usize,
    provider: usize,
    kind: &str,
    chance: &mut Chance,
) -> Result<Dependency, serde_json::Error> {
    let registered = groma_model::registry::REGISTRY.kind(kind);
    let part = chance.below(4);
    let key = [
        name(consumer),
        name(provider),
        kind.to_owned(),
        part.to_string(),
    ];
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let reached = ["name", "name", "alias", "address-literal", "hosts-file"][chance.below(5)];
    let component = json!({ "class": "unit", "name": format!("part{part}.service") });
    serde_json::from_value(json!({
        "id": groma_model::DependencyId::of(&key), "kind": kind,
        "consumer": { "entity": id(consumer), "name": name(consumer), "addresses": [], "component": component },
        "provider": { "entity": id(provider), "name": name(provider), "addresses": [],
            "port": registered.endpoints().next().map_or(9000, |(port, _)| port.0), "transport": "tcp", "component": null },
        "layer": registered.layer, "strength": registered.strength, "shared_service": registered.shared,
        "witnesses": ["live"], "basis": "observed", "hidden": false, "hidden_because": [],
        "reached_by": reached, "reached_as": name(provider), "first_seen": MOMENT, "last_seen": MOMENT,
        "current": chance.below(30) > 0, "count": 3, "rhythm": null, "next_due": null, "details": {},
        "verdict": null, "evidence": [],
    }))
}

/// Numbers that look like chance and are the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// The most memory this process had, where the kernel tells.
#[expect(
    clippy::disallowed_methods,
    reason = "an example reads what the kernel says of it"
)]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}
