//! What a fleet costs its collector: every agent a beat and a report a minute, spread evenly.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::facts::Kind;
use crate::fleet::{Agent, Failures, enrol, failed, in_threads, percentile, together};
use crate::process::{Meter, Used, forget_peak, peak_mib};
use crate::server::Server;

/// Connections that a machine sees.
const CONNECTIONS: usize = 200;
/// Threads that speak for the agents, each for those whose turns are as far apart as can be.
const THREADS: usize = 64;
const MINUTE: Duration = Duration::from_secs(60);

/// Whether a connection outlives a report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Kept,
    Anew,
}

/// What was sent, and what came of it.
#[derive(Default)]
struct Sent {
    observations: usize,
    bytes: usize,
    /// From the moment a report was due to its acknowledgement, the beat before it included.
    times: Vec<Duration>,
    failures: Failures,
}

pub(crate) fn measure(arguments: &Arguments, server: &Server) -> Outcome<()> {
    let begun = Instant::now();
    let mut agents = enrol(server, arguments.agents, CONNECTIONS)?;
    println!(
        "\nminute: {} agents, {CONNECTIONS} connections each; enrolled in {:.1} s",
        arguments.agents,
        begun.elapsed().as_secs_f64()
    );
    if !arguments.whole {
        agents.iter_mut().for_each(Agent::write_patches);
    }
    introduce(arguments, server, &mut agents)?;
    println!(
        "{:<17} {:>8} {:>9} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}  open, turned away, failures",
        "connections",
        "obs/s",
        "collector",
        "client",
        "peak MiB",
        "sent B/o",
        "disk B/o",
        "µs/report",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms"
    );
    let ways = [
        (Way::Kept, Kind::Mixed, "kept"),
        (Way::Kept, Kind::Known, "kept, nothing new"),
        (Way::Anew, Kind::Mixed, "a new one"),
    ];
    for (way, kind, says) in ways {
        // A minute before it counts: who came first was silent for so long that its connection has ended.
        prepare(&mut agents, kind, usize::try_from(arguments.minutes)? + 1)?;
        minutes(1, way, &mut agents)?;
        forget_peak(server.pid())?;
        eprintln!("measuring minute: {says}");
        let meter = Meter::begin(server.pid())?;
        let sent = minutes(arguments.minutes, way, &mut agents)?;
        say(says, &sent, &meter.read()?, server)?;
    }
    Ok(())
}

/// Everybody's first report, as fast as it goes.
fn introduce(arguments: &Arguments, server: &Server, agents: &mut [Agent]) -> Outcome<()> {
    prepare(agents, Kind::Mixed, 1)?;
    eprintln!("measuring minute: first reports");
    let meter = Meter::begin(server.pid())?;
    let failures = in_threads(agents.iter_mut().collect(), THREADS, |agents| {
        let mut failures = Failures::new();
        for agent in agents {
            agent.introduce(&mut failures)?;
        }
        Ok(failures)
    })?;
    let used = meter.read()?;
    println!(
        "everybody connects and reports for the first time: {:.1} s, {:.0} observations/s; collector {:.0} %, client {:.0} %, peak {} MiB; failures {:?}",
        used.wall.as_secs_f64(),
        (arguments.agents * CONNECTIONS) as f64 / used.wall.as_secs_f64(),
        used.percent(used.server),
        used.percent(used.own),
        peak_mib(server.pid())?,
        together(&failures),
    );
    Ok(())
}

fn prepare(agents: &mut [Agent], kind: Kind, reports: usize) -> Outcome<()> {
    let cores = std::thread::available_parallelism()?.get();
    in_threads(agents.iter_mut().collect(), cores, |agents| {
        let mut agents = agents.into_iter();
        agents.try_for_each(|agent| agent.prepare(kind, reports))
    })?;
    Ok(())
}

fn minutes(length: u32, way: Way, agents: &mut [Agent]) -> Outcome<Vec<Sent>> {
    let begin = Instant::now();
    let all = u32::try_from(agents.len())?;
    let places: Vec<(usize, &mut Agent)> = agents.iter_mut().enumerate().collect();
    in_threads(places, THREADS, |mut places| {
        let mut sent = Sent::default();
        for minute in 0..length {
            for (place, agent) in &mut places {
                let due = begin + MINUTE * minute + MINUTE * u32::try_from(*place)? / all;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                sent.report(agent, way, due)?;
            }
        }
        let end = begin + MINUTE * length;
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(sent)
    })
}

impl Sent {
    fn report(&mut self, agent: &mut Agent, way: Way, due: Instant) -> Outcome<()> {
        let report = agent.next().ok_or("nothing is ready")?;
        if way == Way::Anew {
            agent.hang_up()?;
        }
        let told = agent.beat().and_then(|()| agent.send(&report));
        if way == Way::Anew {
            agent.hang_up()?;
        }
        match told {
            Ok(bytes) => {
                self.observations += report.observations;
                self.bytes += bytes;
                self.times.push(due.elapsed());
            }
            Err(error) => failed(&mut self.failures, &error),
        }
        Ok(())
    }
}

fn say(way: &str, sent: &[Sent], used: &Used, server: &Server) -> Outcome<()> {
    let observations: usize = sent.iter().map(|sent| sent.observations).sum();
    let bytes: usize = sent.iter().map(|sent| sent.bytes).sum();
    let mut times: Vec<Duration> = sent.iter().flat_map(|sent| sent.times.clone()).collect();
    let reports = times.len();
    let mut of = |percent| percentile(&mut times, percent).as_secs_f64() * 1e3;
    println!(
        "{way:<17} {:>8.0} {:>7.1} % {:>8.1} % {:>8} {:>9.1} {:>9.0} {:>9.0} {:>8.1} {:>8.1} {:>8.1} {:>8.1}  {}, {}, {:?}",
        observations as f64 / used.wall.as_secs_f64(),
        used.percent(used.server),
        used.percent(used.own),
        peak_mib(server.pid())?,
        bytes as f64 / observations as f64,
        used.written as f64 / observations as f64,
        used.server.as_secs_f64() * 1e6 / reports as f64,
        of(50),
        of(95),
        of(99),
        of(100),
        server.number("groma_connections ")?,
        server.number("groma_connections_turned_away_total ")?,
        together(sent.iter().map(|sent| &sent.failures)),
    );
    Ok(())
}
