//! How long a diff and a wave take on a large estate, and how much memory: `cargo run --release -p groma-diff --example
//! two_estates [HOSTS [NEEDS]]`. The estates are made up from a fixed seed.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is no stage: it measures one"
)]

use std::time::Instant;

use groma_diff::{compare, compare_wave, wave_html, wave_text};
use groma_fuzz::Chance;
use groma_model::fact::{Component, ComponentClass, Program, Unit};
use groma_model::inventory::*;
use groma_model::wave::{Move, Wave};
use groma_model::{
    CoverageState, DependencyId, EntityId, EvidenceId, Port, SiteId, SourceName, Timestamp,
    Transport, Witness,
};

const KINDS: [(&str, u16); 6] = [
    ("smtp-relay", 25),
    ("ldap-bind", 389),
    ("sql", 5432),
    ("http", 443),
    ("dns", 53),
    ("nfs", 2049),
];
/// Everybody needs one of these.
const SERVERS: usize = 400;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let mut number = |usual| arguments.next().and_then(Result::ok).unwrap_or(usual);
    let (hosts, needs) = (number(10_000), number(200_000));
    let before = estate(hosts, needs);
    let after = a_day_later(&before);
    let wave = wave();
    // The system forgets the peak of making them, so that what is left is the documents alone.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let made = peak_mib();

    let (changes, diffed) = measured(|| compare(&before, &after));
    let (outcome, judged) = measured(|| compare_wave(&changes, &before, &after, &wave));
    let peak = peak_mib();
    let (page, written) = measured(|| wave_html(&changes, &outcome, &before, &after));

    let number = changes.changes.len();
    println!("{hosts} hosts, {needs} needs, {number} changes");
    println!("compare       {diffed}");
    println!("compare_wave  {judged}");
    println!("wave_html     {written}, {} bytes", page.len());
    let over = peak.saturating_sub(made);
    println!("peak memory   {over} MiB over the two documents of {made} MiB");
    let told = wave_text(&outcome);
    println!("{}", told.lines().next().unwrap_or_default());
}

/// What `work` gives, and how long it took: by the clock, and of the processor alone where the system tells.
fn measured<T>(work: impl FnOnce() -> T) -> (T, String) {
    let (begun, used) = (Instant::now(), processor_seconds());
    let made = work();
    let (clock, used) = (begun.elapsed().as_secs_f64(), processor_seconds() - used);
    (
        made,
        format!("{clock:.2} s by the clock, {used:.2} s of one processor"),
    )
}

/// How long this process has computed, in hundredths of a second as the system counts them.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory this process ever had, where the system tells.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().next());
    kib.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_176_000 + day * 86_400)
}

fn name(host: usize) -> String {
    match host {
        0 => "mail1".to_owned(),
        1 => "mail-new".to_owned(),
        n => format!("host{n:05}"),
    }
}

fn id(host: usize) -> EntityId {
    // Ids are random; these are as far apart.
    let mut bits = Chance::new(host as u64);
    EntityId::new(format!(
        "ent-{:016x}{:016x}",
        bits.next_bits(),
        bits.next_bits()
    ))
}

fn wave() -> Wave {
    let promise = Move {
        from: "mail1".into(),
        to: "mail-new".into(),
        names_that_follow: vec!["mail.corp.example".into()],
    };
    Wave {
        name: "w1".into(),
        members: (0..40).map(name).collect(),
        moves: vec![promise],
        window: Some(TimeWindow {
            from: at(0),
            to: at(1),
        }),
        ..Wave::default()
    }
}

fn host(chance: &mut Chance, number: usize) -> Entity {
    let name = name(number);
    let mut attributes = Attributes::default();
    for package in 0..30 {
        let version = format!("1.{}", chance.below(9));
        attributes
            .packages
            .insert(format!("package{package}"), version);
    }
    for unit in 0..10 {
        attributes.units.push(Unit {
            name: format!("unit{unit}.service").as_str().into(),
            enabled: chance.below(4) != 0,
            description: None,
            executable: None,
            user: None,
            requires: Vec::new(),
            file: "/lib/systemd/system".into(),
        });
    }
    Entity {
        id: id(number),
        kind: "host".into(),
        names: vec![name.clone(), format!("{name}.corp.example")],
        name,
        addresses: vec![std::net::IpAddr::from([
            10,
            (number / 65_536) as u8,
            (number / 256 % 256) as u8,
            (number % 256) as u8,
        ])],
        layer: "os".into(),
        site: SiteId::default(),
        system: None,
        owner: Some(format!("team {}", number % 40)),
        criticality: None,
        first_seen: at(-30),
        last_seen: at(0),
        has_agent: true,
        declared: false,
        attributes,
        merged_because: Vec::new(),
        evidence: vec![EvidenceId::of(&["host", &number.to_string()])],
    }
}

fn need(chance: &mut Chance, number: usize, hosts: usize) -> Dependency {
    let (consumer, provider) = (chance.below(hosts), chance.below(SERVERS.min(hosts)));
    between(number, consumer, provider, KINDS[chance.below(KINDS.len())])
}

fn between(
    number: usize,
    consumer: usize,
    provider: usize,
    (kind, port): (&str, u16),
) -> Dependency {
    let part = format!("unit{}.service", number % 10);
    let key = [number.to_string(), provider.to_string()];
    Dependency {
        id: DependencyId::of(&[&key[0], &key[1]]),
        kind: kind.into(),
        consumer: Consumer {
            entity: id(consumer),
            name: name(consumer),
            addresses: Vec::new(),
            component: Component {
                class: ComponentClass::Unit,
                name: part.as_str().into(),
            },
        },
        provider: Provider {
            entity: id(provider),
            name: name(provider),
            addresses: Vec::new(),
            port: Some(Port(port)),
            transport: Some(Transport::Tcp),
            component: None,
        },
        layer: "application".into(),
        strength: Strength::Blocking,
        shared_service: false,
        witnesses: vec![Witness::Live, Witness::Written],
        basis: Basis::Observed,
        hidden: false,
        hidden_because: Vec::new(),
        reached_by: Some(ReachedBy::Name),
        reached_as: Some(name(provider)),
        first_seen: at(-30),
        last_seen: at(0),
        current: true,
        count: 1,
        rhythm: None,
        next_due: None,
        details: DependencyDetails {
            written_in: vec![format!("/etc/app{}.conf:3", number % 50)],
            ..DependencyDetails::default()
        },
        verdict: None,
        evidence: vec![EvidenceId::of(&["need", &key[0], &key[1]])],
    }
}

fn estate(hosts: usize, needs: usize) -> Inventory {
    let mut chance = Chance::new(7);
    let mut entities: Vec<Entity> = (0..hosts).map(|n| host(&mut chance, n)).collect();
    let mut dependencies: Vec<Dependency> =
        (0..needs).map(|n| need(&mut chance, n, hosts)).collect();
    dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    entities.sort_by(|a, b| a.id.cmp(&b.id));
    let listeners = (0..hosts).flat_map(|n| [22, 443, 9090].map(|port| listener(n, port)));
    let listeners = listeners.collect();
    let json = serde_json::json!({
        "schema": INVENTORY_SCHEMA, "generated_at": at(0), "snapshot": "before-w1", "window": {"from": at(-1), "to": at(0)},
        "data_level": "standard", "compared_with_list": false, "coverage": [], "layers": [], "sites": [], "links": [],
        "systems": [], "entities": [], "listeners": [], "dependencies": [], "volumes": [], "rights": [], "backups": [],
        "measurements": [], "waves": [], "findings": [], "estimate": null, "questions": [], "evidence": []
    });
    let empty: Inventory =
        serde_json::from_value(json).expect("these are the names of the document");
    Inventory {
        entities,
        dependencies,
        listeners,
        coverage: coverage(hosts, at(0)),
        ..empty
    }
}

fn listener(host: usize, port: u16) -> ListenerEntry {
    ListenerEntry {
        entity: id(host),
        address: std::net::IpAddr::from([0, 0, 0, 0]),
        port: Port(port),
        transport: Transport::Tcp,
        process: Program {
            unit: Some(format!("unit{port}.service")),
            ..Program::default()
        },
        service: None,
        certificate: None,
        answer: None,
        evidence: Vec::new(),
    }
}

fn coverage(hosts: usize, to: Timestamp) -> Vec<CoverageEntry> {
    let ways = ["host.sockets", "host.units", "host.packages", "host.jobs"];
    let entry = |host: usize, source: &str| CoverageEntry {
        source: SourceName::new(source),
        vantage: id(host),
        scope: "all".into(),
        state: CoverageState::Complete,
        gaps: Vec::new(),
        from: to,
        to,
        how: None,
    };
    (0..hosts)
        .flat_map(|host| ways.map(|way| entry(host, way)))
        .collect()
}

/// Nine of ten who used the old mail server use the new one; a few hundred other things changed; some hosts were not
/// looked at again.
fn a_day_later(before: &Inventory) -> Inventory {
    let mut chance = Chance::new(11);
    let mut after = before.clone();
    after.window = TimeWindow {
        from: at(2),
        to: at(3),
    };
    after.generated_at = at(3);
    after.snapshot = Some("after-w1".into());
    after.coverage = coverage(before.entities.len(), at(3));
    after.coverage.retain(|c| {
        c.vantage.as_str().as_bytes().last() != Some(&b'f') || c.source.as_str() != "host.jobs"
    });
    for (number, need) in after.dependencies.iter_mut().enumerate() {
        if need.provider.entity == id(0) && chance.below(10) != 0 {
            need.provider.entity = id(1);
            need.provider.name = name(1);
            need.id = DependencyId::of(&["moved", &number.to_string()]);
        } else if chance.below(1000) == 0 {
            need.provider.port = Some(Port(8000 + (number % 100) as u16));
            need.id = DependencyId::of(&["changed", &number.to_string()]);
        }
    }
    after.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    for entity in &mut after.entities {
        if chance.below(100) == 0 {
            entity
                .attributes
                .packages
                .insert("package1".into(), "2.0".into());
        }
    }
    after
}
