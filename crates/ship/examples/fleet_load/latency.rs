//! How long an agent waits for the acknowledgement of a batch, at a rate the collector can keep up with.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::facts::Kind;
use crate::fleet::{Agent, Failures, enrol, failed, in_threads, percentile};
use crate::process::Meter;
use crate::server::Server;
use crate::throughput::{self, Reached};

/// What the agents see together: they take turns, and are enough that hardly anybody waits for his own former batch.
const SEEN: usize = 40_000;
/// There are never more of them.
const AGENTS_MAX: usize = 32;

pub(crate) fn measure(arguments: &Arguments, server: &Server, reached: &[Reached]) -> Outcome<()> {
    println!(
        "\nlatency: batches of many agents in turn, each from the moment it was due (open loop), {} s, in ms",
        arguments.length.as_secs()
    );
    println!(
        "{:>6} {:<14} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>10}  failures",
        "batch", "facts", "obs/s", "batches", "p50", "p95", "p99", "max", "collector", "client"
    );
    for size in throughput::SIZES {
        for kind in Kind::ALL {
            let known = reached.iter().find(|it| it.kind == kind && it.size == size);
            let half = known.map(|reached| reached.a_second / 2.0);
            let rate = arguments.rate.or(half);
            let rate = rate.ok_or("latency needs --rate, or throughput before it")?;
            case(arguments, server, kind, size, rate)?;
        }
    }
    Ok(())
}

fn case(arguments: &Arguments, server: &Server, kind: Kind, size: usize, rate: f64) -> Outcome<()> {
    let threads = (SEEN / size).min(AGENTS_MAX);
    let every = Duration::from_secs_f64(size as f64 / rate);
    let batches = (arguments.length.as_secs_f64() / every.as_secs_f64()).ceil() as usize;
    let mut agents = enrol(server, threads, size)?;
    in_threads(agents.iter_mut().collect(), threads, |agents| {
        for agent in agents {
            agent.prepare(kind, 1)?;
            agent.introduce(&mut Failures::new())?;
            agent.prepare(kind, batches.div_ceil(threads))?;
        }
        Ok(())
    })?;
    eprintln!("measuring latency: {size} {}", kind.says());
    let meter = Meter::begin(server.pid())?;
    let begin = Instant::now();
    let places: Vec<(usize, &mut Agent)> = agents.iter_mut().enumerate().collect();
    let sent = in_threads(places, threads, |places| {
        let (mut times, mut failures) = (Vec::new(), Failures::new());
        for (place, agent) in places {
            for batch in (place..batches).step_by(threads) {
                let due = begin + every * u32::try_from(batch)?;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let report = agent.next().ok_or("nothing is ready")?;
                match agent.send(&report) {
                    Ok(_) => times.push(due.elapsed()),
                    Err(error) => failed(&mut failures, &error),
                }
            }
        }
        Ok((times, failures))
    })?;
    let used = meter.read()?;
    let mut times: Vec<Duration> = sent.iter().flat_map(|(times, _)| times.clone()).collect();
    let mut of = |percent| percentile(&mut times, percent).as_secs_f64() * 1e3;
    println!(
        "{size:>6} {:<14} {rate:>9.0} {batches:>8} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>9.0} % {:>8.0} %  {}",
        kind.says(),
        of(50),
        of(95),
        of(99),
        of(100),
        used.percent(used.server),
        used.percent(used.own),
        sent.iter()
            .map(|(_, failures)| failures.values().sum::<u64>())
            .sum::<u64>(),
    );
    Ok(())
}
