//! Measures what forgetting costs on this machine: `cargo run --release -p groma-store --example forgetting`.
//!
//! A thousand agents told a thousand facts each, of which one in a thousand names somebody. He is looked for, erased and swept; then one
//! agent is forgotten with all its looks.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::Unit;
use groma_model::{
    AgentId, Coverage, CoverageState, EntityId, Fact, Observation, Scope, Seen, SiteId, SourceName,
    Timestamp,
};
use groma_store::{Forget, Progress, Ready, SqliteStore, Store, Whom};

const AGENTS: u32 = 1_000;
const FACTS: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let mut store = SqliteStore::open(place.path())?;
    let begun = Instant::now();
    for agents in (0..AGENTS).collect::<Vec<_>>().chunks(32) {
        let ready: Result<Vec<_>, _> = agents.iter().map(|agent| Ready::of(look(*agent))).collect();
        for kept in store.ingest_ready(&ready?) {
            kept?;
        }
    }
    drop(store);
    say(place.path(), "ingest", begun)?;
    let mut store = SqliteStore::open(place.path())?;

    let person = Whom::person("quixandra");
    let begun = Instant::now();
    let traces = store.traces(&person, &mut |_| ())?;
    say(
        place.path(),
        &format!("look for a person ({} rows)", traces.sum()),
        begun,
    )?;
    forget(&mut store, &person, place.path(), "a person")?;

    let mut machine = Whom::entity(EntityId::new("ent-7"));
    machine.vantages.insert(agent(7));
    forget(&mut store, &machine, place.path(), "a machine")
}

fn forget(
    store: &mut SqliteStore,
    whom: &Whom,
    place: &std::path::Path,
    who: &str,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut swept_at = None;
    let act = store.forget(whom, "jo", Timestamp::from_seconds(1), &mut |progress| {
        if progress == Progress::Sweeping {
            swept_at = Some(begun.elapsed());
        }
    })?;
    let erased = swept_at.unwrap_or_default();
    say(
        place,
        &format!(
            "forget {who} ({} rows), erased after {erased:.1?}, swept",
            act.traces.sum()
        ),
        begun,
    )
}

fn say(place: &std::path::Path, what: &str, begun: Instant) -> Result<(), Box<dyn Error>> {
    let file = std::fs::metadata(place.join("groma.db"))?.len() >> 20;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    let peak = peak.unwrap_or("VmHWM: unknown");
    writeln!(
        std::io::stdout(),
        "{what}: {:.1?}; file {file} MiB; {peak}",
        begun.elapsed()
    )?;
    Ok(())
}

fn agent(number: u32) -> AgentId {
    AgentId::new(format!("agt-{number:032x}"))
}

fn look(number: u32) -> Batch {
    let source = SourceName::new("host.units");
    let moment = Timestamp::from_millis(1_795_000_000_000);
    let saw = |n: u32| {
        let user = if n == 500 { "quixandra" } else { "operator" };
        let file = format!("/home/{user}/of{number}/application{n}.service");
        Said::Saw(Observation {
            scope: Scope::new("file", &file),
            fact: Fact::Unit(Unit {
                name: format!("application{n}.service").into(),
                enabled: true,
                description: Some(format!("what application {n} does on machine {number}")),
                executable: Some(format!("/opt/application{n}/bin/run").into()),
                user: Some(user.into()),
                requires: Vec::new(),
                file: file.into(),
            }),
            seen: Seen::once(moment),
        })
    };
    let covered = Coverage {
        scope: Scope::new("file", ""),
        state: CoverageState::Complete,
        from: moment,
        to: moment,
        how: None,
    };
    let said = (0..FACTS).map(saw).chain([Said::Covered(covered)]);
    let records = said.map(|said| Record {
        source: source.clone(),
        said,
    });
    Batch {
        records: records.collect(),
        header: BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: agent(number),
            site: SiteId::default(),
            epoch: 1,
            sequence: 1,
            version: "0.1.0".to_owned(),
            started: moment,
            ended: moment,
            sources: vec![source],
        },
    }
}
