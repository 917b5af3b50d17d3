//! Measures what a repeated edge costs on the wire: `cargo run --release -p groma-wire --example measure`.
//!
//! Two looks of one machine in a row: the same connections, every one with new times, a new count and, where the kernel told of each, new bytes
//! and lengths; then the same with one connection in twenty new. Each second look is written as a batch of its own, with the text of the first as
//! nothing but the prefix of zstd, and against the first.
#![allow(
    clippy::disallowed_methods,
    reason = "what is measured here is time; the crate itself has none"
)]

use std::error::Error;
use std::io::{Read as _, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use groma_fuzz::Chance;
use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Connection, Direction, Program};
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, HostName, Hours, Lasted, Observation, Port, Scope,
    Seen, SiteId, SourceName, Timestamp, Transport,
};
use groma_wire::{Limits, against, encode};

/// How long a look watches.
const WATCH_MS: u64 = 300_000;
const SERVICES: [u16; 10] = [443, 5432, 389, 88, 445, 25, 3306, 6379, 8080, 53];

/// Who tells of the connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Tables that are read once a second: `host.sockets`.
    Sampled,
    /// The same, and no two connections are seen at one moment.
    Apart,
    /// The kernel, of each connection: `host.flows`, with hours, bytes and lengths.
    Each,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "bytes for each connection of a second look; milliseconds to write and to read it\n\
         {:<22}{:>7}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "edges", "new", "whole", "prefix", "against", "repeated", "write ms", "read ms"
    )?;
    for (told, name) in [
        (Told::Sampled, "sampled"),
        (Told::Apart, "sampled, times apart"),
        (Told::Each, "each, bytes, lengths"),
    ] {
        for new_of in [0, 20] {
            for edges in [200, 1000, 5000] {
                let (former, look) = (look(told, edges, 1, new_of), look(told, edges, 2, new_of));
                let new = edges.checked_div(new_of).unwrap_or(0);
                let figures = measured(&former, &look, edges, new)?;
                writeln!(out, "{name:<22}{edges:>7}{new:>8}{figures}")?;
            }
        }
    }
    Ok(())
}

fn measured(former: &Batch, look: &Batch, edges: u32, new: u32) -> Result<String, Box<dyn Error>> {
    let (_, base) = packed(former)?;
    let (whole, text) = packed(look)?;
    let mut prefixed = zstd::Encoder::with_ref_prefix(Vec::new(), 3, &base)?;
    prefixed.long_distance_matching(true)?;
    prefixed.window_log(23)?;
    prefixed.write_all(&text)?;
    let prefixed = prefixed.finish()?;
    let (patch, write) = timed(|| against::write(&text, &base));
    let patch = patch.ok_or("it is not written")?;
    let (read, took) = timed(|| against::read(&patch, &base, &Limits::network()));
    if read? != text {
        return Err("another text came back".into());
    }
    let each = |bytes: usize| {
        Ok::<_, std::num::TryFromIntError>(u32::try_from(bytes)?)
            .map(|b| f64::from(b) / f64::from(edges))
    };
    // What the new ones cost is what they would cost alone: the rest is for those that are repeated.
    let alone = match new {
        0 => 0,
        _ => against::write(&only_new(&text, &base), &base).map_or(0, |patch| patch.len()),
    };
    let repeated =
        f64::from(u32::try_from(patch.len().saturating_sub(alone))?) / f64::from(edges - new);
    Ok(format!(
        "{:>9.1}{:>9.1}{:>9.1}{repeated:>9.1}{:>9.1}{:>9.1}",
        each(whole.len())?,
        each(prefixed.len())?,
        each(patch.len())?,
        write.as_secs_f64() * 1000.0,
        took.as_secs_f64() * 1000.0
    ))
}

/// The lines of a text whose connection the base does not hold.
fn only_new(text: &[u8], base: &[u8]) -> Vec<u8> {
    let saw = |line: &[u8]| {
        let at = line.windows(6).position(|six| six == b"\"saw\":");
        at.and_then(|at| line.get(at..)).map(<[u8]>::to_vec)
    };
    let known: std::collections::HashSet<_> = base.split(|b| *b == b'\n').filter_map(saw).collect();
    let is_new = |line: &&[u8]| saw(line).is_some_and(|saw| !known.contains(&saw));
    let lines = text.split(|b| *b == b'\n').filter(is_new);
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

/// The fastest of five.
fn timed<T>(mut work: impl FnMut() -> T) -> (T, Duration) {
    let mut best = Duration::MAX;
    let mut once = || {
        let begun = Instant::now();
        let done = work();
        best = best.min(begun.elapsed());
        done
    };
    for _ in 0..4 {
        once();
    }
    let done = once();
    (done, best)
}

/// A batch as it travels today, and its text.
fn packed(batch: &Batch) -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    let mut bytes = Vec::new();
    encode(batch, &mut bytes)?;
    let mut text = Vec::new();
    zstd::Decoder::with_buffer(bytes.as_slice())?.read_to_end(&mut text)?;
    Ok((bytes, text))
}

/// One look of a machine with as many connections, of which one in `new_of` is another at each look.
fn look(told: Told, edges: u32, number: u32, new_of: u32) -> Batch {
    let mut chance = Chance::new(u64::from(number) << 32 | u64::from(edges));
    let started = 1_795_000_000_000 + i64::from(number) * 21_600_000 + below(&mut chance, 60_000);
    let samples: Vec<i64> = (0..300)
        .map(|second| started + second * 1000 + below(&mut chance, 40))
        .collect();
    let source = SourceName::new(match told {
        Told::Each => "host.flows",
        _ => "host.sockets",
    });
    let scope = match told {
        Told::Each => Scope::new("flow", "host/tcp"),
        _ => Scope::new("socket", "host/tcp"),
    };
    let is_new = |n: &u32| new_of != 0 && n.is_multiple_of(new_of);
    let mut connections: Vec<Connection> = (0..edges)
        .map(|n| {
            connection(if is_new(&n) {
                n + number * 1_000_000
            } else {
                n
            })
        })
        .collect();
    // As the sources do: in an order that depends on nothing but what is said.
    connections.sort_by_key(|connection| format!("{connection:?}"));
    let saw = |connection| {
        Said::Saw(Observation {
            scope: scope.clone(),
            fact: Fact::Connection(connection),
            seen: seen(told, started, &samples, &mut chance),
        })
    };
    let mut said: Vec<Said> = connections.into_iter().map(saw).collect();
    let ended = Timestamp::from_millis(started + 300_000);
    let started = Timestamp::from_millis(started);
    said.push(Said::Covered(Coverage {
        scope,
        state: CoverageState::Complete,
        from: started,
        to: ended,
        how: None,
    }));
    let records = said
        .into_iter()
        .map(|said| Record {
            source: source.clone(),
            said,
        })
        .collect();
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::from_random([7; 16]),
        site: SiteId::default(),
        epoch: 1_234_567_890_123,
        sequence: u64::from(number),
        version: "0.1.0".to_owned(),
        started,
        ended,
        sources: vec![source],
    };
    Batch { header, records }
}

/// Some service of some machine, used by some program, partly by name.
fn connection(number: u32) -> Connection {
    let mut chance = Chance::new(u64::from(number));
    let application = chance.below(23);
    let program = Program {
        executable: Some(format!("/opt/application{application}/bin/run").into()),
        user: Some(format!("app{application}").into()),
        unit: Some(format!("application{application}.service")),
        working_directory: Some(format!("/srv/application{application}").into()),
        ..Program::default()
    };
    let name = format!("host{}.corp.example", chance.below(500));
    Connection {
        direction: match chance.below(3) {
            0 => Direction::Incoming,
            _ => Direction::Outgoing,
        },
        local: Ipv4Addr::new(10, 20, 0, 7).into(),
        remote: Ipv4Addr::from(0x0a14_0000 + (chance.next_bits() as u32 & 0x3_ffff)).into(),
        service_port: Port(SERVICES[chance.below(SERVICES.len())]),
        transport: Transport::Tcp,
        program,
        asked: match chance.below(2) {
            0 => HostName::parse(&name),
            _ => None,
        },
        unasked: false,
    }
}

/// When, how often and how much: all of it new at each look.
fn seen(told: Told, started: i64, samples: &[i64], chance: &mut Chance) -> Seen {
    if told == Told::Sampled {
        let is_old = chance.below(2) == 0;
        let first = if is_old { 0 } else { chance.below(300) };
        let lasts = chance.below(2) == 0;
        let last = if lasts {
            299
        } else {
            first + chance.below(300 - first)
        };
        let at = |sample: usize| Timestamp::from_millis(samples[sample]);
        let count = 1 + chance.below(last - first + 1) as u64;
        return Seen::between(at(first), at(last), count);
    }
    let first = chance.below(WATCH_MS as usize) as u64;
    let last = first + chance.below((WATCH_MS - first) as usize) as u64;
    let at = |ms: u64| Timestamp::from_millis(started).plus(Duration::from_millis(ms));
    let seen = Seen::between(at(first), at(last), 1 + skewed(chance, 12));
    if told == Told::Apart {
        return seen;
    }
    let shortest = skewed(chance, 12);
    Seen {
        hours: Hours::of(at(first)).joined(Hours::of(at(last))),
        bytes: Some(60 + skewed(chance, 24)),
        lasted: Some(
            Lasted::once(shortest as u32)
                .joined(Lasted::once((shortest + skewed(chance, 18)) as u32)),
        ),
        ..seen
    }
}

/// A number of at most so many bits: small ones as often as large ones, as sizes and lengths are.
fn skewed(chance: &mut Chance, bits: usize) -> u64 {
    chance.next_bits() & ((1 << chance.below(bits + 1)) - 1)
}

fn below(chance: &mut Chance, bound: usize) -> i64 {
    chance.below(bound) as i64
}
