//! What a report costs when its agent has sent many before it.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::facts::Kind;
use crate::fleet::{Agent, Failures, enrol, in_threads, percentile};
use crate::process::Meter;
use crate::server::Server;

/// Agents that grow old together.
const AGENTS: usize = 2;
/// Connections that each sees.
const CONNECTIONS: usize = 200;
/// Reports of each agent that are measured at an age.
const MEASURED: usize = 30;

pub(crate) fn measure(arguments: &Arguments, server: &Server) -> Outcome<()> {
    println!(
        "\nage: {AGENTS} agents without pause, batches of {CONNECTIONS}, {}; the {MEASURED} reports before each age",
        Kind::Mixed.says()
    );
    println!(
        "{:>8} {:>16} {:>8} {:>8} {:>9}",
        "reports", "collector ms/rep", "p50 ms", "p95 ms", "disk B/o"
    );
    let mut agents = enrol(server, AGENTS, CONNECTIONS)?;
    for agent in &mut agents {
        agent.prepare(Kind::Mixed, arguments.reports)?;
        agent.beat()?;
    }
    let mut sent = 0;
    let hours = [1, 2, 6, 12, 24].map(|hours| hours * 60);
    let ages = hours.into_iter().filter(|age| *age < arguments.reports);
    for age in ages.chain([arguments.reports]) {
        send(&mut agents, age.saturating_sub(sent + MEASURED))?;
        eprintln!("measuring age: {age}");
        let meter = Meter::begin(server.pid())?;
        let mut times = send(&mut agents, MEASURED)?;
        let used = meter.read()?;
        let reports = times.len().max(1) as f64;
        println!(
            "{age:>8} {:>16.2} {:>8.1} {:>8.1} {:>9.0}",
            used.server.as_secs_f64() * 1e3 / reports,
            percentile(&mut times, 50).as_secs_f64() * 1e3,
            percentile(&mut times, 95).as_secs_f64() * 1e3,
            used.written as f64 / reports / CONNECTIONS as f64,
        );
        sent = age;
    }
    Ok(())
}

/// Everybody sends the next so many reports; how long each took.
fn send(agents: &mut [Agent], reports: usize) -> Outcome<Vec<Duration>> {
    let times = in_threads(agents.iter_mut().collect(), AGENTS, |agents| {
        let mut times = Vec::new();
        for agent in agents {
            for _ in 0..reports {
                let Some(report) = agent.next() else { break };
                let begun = Instant::now();
                agent.until_taken(&mut Failures::new(), |agent| agent.send(&report).map(drop))?;
                times.push(begun.elapsed());
            }
        }
        Ok(times)
    })?;
    Ok(times.into_iter().flatten().collect())
}
