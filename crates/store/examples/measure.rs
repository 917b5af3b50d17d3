//! Measures the store on this machine: `cargo run --release -p groma-store --example measure`, and with the address of
//! an empty PostgreSQL database after `--` the engine on a server as well.
//!
//! Ten thousand agents with twenty facts each are kept, one durable transaction for each agent, and read
//! back; then one large batch; then a thousand agents with two hundred facts each whose batches come in groups, as they do
//! when many agents report at once; then a survey twice, for what the second one adds to the file.

use std::error::Error;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Instant;

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Connection, Direction, Program};
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, Observation, Port, Scope, Seen, SiteId, SourceName,
    Timestamp, Transport,
};
use groma_store::{Moment, PostgresStore, Ready, SqliteStore, Store, StoreError};

const AGENTS: u32 = 10_000;
const FACTS: u32 = 20;
const WRITERS: u32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    writeln!(out, "SQLite")?;
    many(&mut SqliteStore::open(&place.path().join("many"))?)?;
    one(&mut SqliteStore::open(&place.path().join("one"))?)?;
    together(&mut SqliteStore::open(&place.path().join("together"))?)?;
    if let Some(url) = std::env::args().nth(1) {
        writeln!(out, "PostgreSQL")?;
        many(&mut PostgresStore::open(&url)?)?;
        one(&mut PostgresStore::open(&url)?)?;
        together(&mut PostgresStore::open(&url)?)?;
        several(&url)?;
    }
    let mut store = SqliteStore::open(&place.path().join("growth"))?;
    let mut sizes = Vec::new();
    for day in 1..=3 {
        store.ingest(&look(0, day, 1000))?;
        store.checkpoint()?;
        sizes.push(std::fs::metadata(place.path().join("growth/groma.db"))?.len());
    }
    writeln!(out, "a look of 1000 facts, three days: {sizes:?} bytes")?;
    Ok(())
}

/// Ten thousand agents, twice, and what they said.
fn many(store: &mut dyn Store) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let rows = AGENTS * FACTS;
    let begun = Begun::now();
    for agent in 0..AGENTS {
        store.ingest(&look(agent, 1, FACTS))?;
    }
    writeln!(
        out,
        "  ingest, {AGENTS} durable batches: {}",
        rate(rows, &begun)
    )?;
    for round in 1..=2 {
        let begun = Begun::now();
        let mut read = 0;
        for evidence in store.evidence(&Moment::Now)? {
            evidence?;
            read += 1;
        }
        writeln!(out, "  evidence, reading {round}: {}", rate(read, &begun))?;
    }
    let begun = Begun::now();
    for agent in 0..AGENTS {
        store.ingest(&look(agent, 2, FACTS))?;
    }
    writeln!(out, "  the same looks a day later: {}", rate(rows, &begun))?;
    let begun = Begun::now();
    let looks = store.looks(&Moment::Now)?.len();
    writeln!(out, "  looks: {}", rate(u32::try_from(looks)?, &begun))?;
    Ok(())
}

/// One agent with as many facts.
fn one(store: &mut dyn Store) -> Result<(), Box<dyn Error>> {
    let rows = AGENTS * FACTS;
    let batch = look(AGENTS, 1, rows);
    let begun = Begun::now();
    store.ingest(&batch)?;
    writeln!(
        std::io::stdout(),
        "  ingest, one batch: {}",
        rate(rows, &begun)
    )?;
    Ok(())
}

/// A thousand agents whose batches come in groups, three days; on the third one fact in twenty is new. What is made ready needs no store,
/// so it counts for itself.
fn together(store: &mut dyn Store) -> Result<(), Box<dyn Error>> {
    const MANY: u32 = 200;
    const GROUP: u32 = 32;
    let agents = AGENTS + 1..AGENTS + 1001;
    let rows = 1000 * MANY;
    for (day, new) in [(1, 0), (2, 0), (3, 10)] {
        let begun = Begun::now();
        let mut all = Vec::new();
        for agent in agents.clone() {
            let mut batch = look(agent, day, MANY + new);
            batch.records.drain(..usize::try_from(new)?);
            all.push(batch);
        }
        let made = begun.at.elapsed();
        let begun = Begun::now();
        let mut groups = Vec::new();
        let mut batches = all.into_iter();
        while batches.len() > 0 {
            let group = batches.by_ref().take(usize::try_from(GROUP)?);
            groups.push(group.map(Ready::of).collect::<Result<Vec<_>, _>>()?);
        }
        let (readied, begun) = (rate(rows, &begun), Begun::now());
        for group in &groups {
            for kept in store.ingest_ready(group) {
                kept?;
            }
        }
        writeln!(
            std::io::stdout(),
            "  {GROUP} batches of {MANY} together, day {day}: {} (made ready: {readied}; invented in {:.1} s)",
            rate(rows, &begun),
            made.as_secs_f64()
        )?;
    }
    Ok(())
}

/// Four stores that ingest on one database at the same time.
fn several(url: &str) -> Result<(), Box<dyn Error>> {
    let begun = Begun::now();
    let write = |part: u32| -> Result<(), StoreError> {
        let mut store = PostgresStore::open(url)?;
        for agent in (0..AGENTS).filter(|agent| agent % WRITERS == part) {
            store.ingest(&look(agent, 3, FACTS))?;
        }
        Ok(())
    };
    let done: Vec<Result<(), StoreError>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|part| scope.spawn(move || write(part)))
            .collect();
        writers
            .into_iter()
            .filter_map(|writer| writer.join().ok())
            .collect()
    });
    done.into_iter().collect::<Result<(), _>>()?;
    let rows = AGENTS * FACTS;
    let said = rate(rows, &begun);
    writeln!(
        std::io::stdout(),
        "  another day, {WRITERS} at a time: {said}"
    )?;
    Ok(())
}

/// When something began, by the clock and by what this thread had of the processor: machines are shared.
struct Begun {
    at: Instant,
    processor: f64,
}

impl Begun {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            processor: processor_seconds(),
        }
    }
}

/// The first number of proc_pid_schedstat(5): nanoseconds on the processor.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    nanos.map_or(0.0, |nanos: f64| nanos / 1e9)
}

fn rate(rows: u32, begun: &Begun) -> String {
    let (seconds, processor) = (
        begun.at.elapsed().as_secs_f64(),
        processor_seconds() - begun.processor,
    );
    format!(
        "{rows} rows in {seconds:.2} s, {:.0} rows/s; processor {processor:.2} s, {:.0} rows/s",
        f64::from(rows) / seconds,
        f64::from(rows) / processor
    )
}

/// A look at the connections of one host.
fn look(agent: u32, day: u32, facts: u32) -> Batch {
    let source = SourceName::new("host.sockets");
    let scope = Scope::new("socket", "net-1/tcp");
    let started = Timestamp::from_millis(1_795_000_000_000 + i64::from(day) * 86_400_000);
    let ended = Timestamp::from_millis(started.millis() + 30_000);
    let connection = |n: u32| {
        let program = Program {
            executable: Some(format!("/opt/application{}/bin/run", n % 7).into()),
            user: Some("www-data".into()),
            unit: Some(format!("application{}.service", n % 7)),
            ..Program::default()
        };
        Fact::Connection(Connection {
            direction: Direction::Outgoing,
            local: Ipv4Addr::from(0x0a00_0000 + agent).into(),
            remote: Ipv4Addr::from(0x0b00_0000 + agent.wrapping_mul(31).wrapping_add(n) % 200_000)
                .into(),
            service_port: Port(5432),
            transport: Transport::Tcp,
            program,
            asked: None,
            unasked: false,
        })
    };
    let saw = |n| {
        Said::Saw(Observation {
            scope: scope.clone(),
            fact: connection(n),
            seen: Seen::once(ended),
        })
    };
    let covered = Coverage {
        scope: scope.clone(),
        state: CoverageState::Complete,
        from: started,
        to: ended,
        how: None,
    };
    let said = (0..facts).map(saw).chain([Said::Covered(covered)]);
    let records = said
        .map(|said| Record {
            source: source.clone(),
            said,
        })
        .collect();
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::new(format!("agt-{agent:032x}")),
        site: SiteId::default(),
        epoch: 1,
        sequence: u64::from(day),
        version: "0.1.0".to_owned(),
        started,
        ended,
        sources: vec![source],
    };
    Batch { header, records }
}
