//! How many observations a second are kept when nobody pauses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::facts::Kind;
use crate::fleet::{Agent, Failures, enrol, in_threads, together};
use crate::process::{Meter, Used};
use crate::server::Server;

/// Observations in a batch.
pub(crate) const SIZES: [usize; 2] = [200, 5000];
/// Observations of a try, which says how many batches have to be ready.
const TRY: usize = 8000;

/// What was reached, by size and kind.
pub(crate) struct Reached {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) a_second: f64,
}

/// One of the six.
struct Case {
    kind: Kind,
    size: usize,
    rounds: Vec<Round>,
}

/// What one round of it gave.
struct Round {
    kept: Kept,
    used: Used,
    /// Reports an agent had behind it at the end.
    age: f64,
}

/// What was acknowledged, and what was not.
#[derive(Default)]
struct Kept {
    observations: usize,
    bytes: usize,
    failures: Failures,
}

pub(crate) fn measure(arguments: &Arguments, server: &Server) -> Outcome<Vec<Reached>> {
    let case = |size, kind| Case {
        kind,
        size,
        rounds: Vec::new(),
    };
    let of_size = |size| Kind::ALL.map(|kind| case(size, kind));
    let mut cases: Vec<Case> = SIZES.into_iter().flat_map(of_size).collect();
    for _ in 0..arguments.rounds {
        for case in &mut cases {
            case.round(arguments, server)?;
        }
    }
    println!(
        "\nthroughput: {} connections, {} rounds of {} s, medians",
        arguments.connections,
        arguments.rounds,
        arguments.length.as_secs()
    );
    println!(
        "{:>6} {:<14} {:>8} {:>19} {:>9} {:>9} {:>9} {:>7} {:>9} {:>6} {:>7}  failures",
        "batch",
        "facts",
        "obs/s",
        "lowest - highest",
        "batches/s",
        "sent B/o",
        "disk B/o",
        "µs/obs",
        "collector",
        "client",
        "age"
    );
    cases.iter().for_each(Case::say);
    Ok(cases.iter().map(Case::reached).collect())
}

impl Case {
    /// Each round has new agents: what a report costs depends on what its agent said before.
    fn round(&mut self, arguments: &Arguments, server: &Server) -> Outcome<()> {
        let connections = arguments.connections;
        let mut agents = enrol(server, connections, self.size)?;
        self.prepare(&mut agents, 1)?;
        for agent in &mut agents {
            agent.introduce(&mut Failures::new())?;
        }
        self.prepare(&mut agents, (TRY / self.size / connections).max(1))?;
        let begun = Instant::now();
        let tried = send(&mut agents, Duration::MAX)?;
        let a_second = tried.observations as f64 / begun.elapsed().as_secs_f64();
        let observations = a_second * 1.5 * arguments.length.as_secs_f64();
        let reports = observations / (self.size * connections) as f64;
        self.prepare(&mut agents, reports as usize + 2)?;
        eprintln!("measuring throughput: {} {}", self.size, self.kind.says());
        let meter = Meter::begin(server.pid())?;
        let kept = send(&mut agents, arguments.length)?;
        let used = meter.read()?;
        let batches = (tried.observations + kept.observations) / self.size;
        self.rounds.push(Round {
            age: 1.0 + batches as f64 / connections as f64,
            kept,
            used,
        });
        Ok(())
    }

    fn prepare(&self, agents: &mut [Agent], reports: usize) -> Outcome<()> {
        let (kind, threads) = (self.kind, agents.len());
        in_threads(agents.iter_mut().collect(), threads, |agents| {
            let mut agents = agents.into_iter();
            agents.try_for_each(|agent| agent.prepare(kind, reports))
        })?;
        Ok(())
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    fn reached(&self) -> Reached {
        Reached {
            kind: self.kind,
            size: self.size,
            a_second: self.median(Round::a_second),
        }
    }

    fn say(&self) {
        let all = self.rounds.iter().map(Round::a_second);
        let (lowest, highest) = (
            all.clone().fold(f64::MAX, f64::min),
            all.fold(0.0, f64::max),
        );
        let a_second = self.median(Round::a_second);
        let each =
            |of: fn(&Round) -> f64| self.median(|round| of(round) / round.kept.observations as f64);
        println!(
            "{:>6} {:<14} {a_second:>8.0} {lowest:>8.0} - {highest:>8.0} {:>9.1} {:>9.1} {:>9.0} {:>7.1} {:>7.0} % {:>4.0} % {:>7.0}  {:?}",
            self.size,
            self.kind.says(),
            a_second / self.size as f64,
            each(|round| round.kept.bytes as f64),
            each(|round| round.used.written as f64),
            each(|round| round.used.server.as_secs_f64() * 1e6),
            self.median(|round| round.used.percent(round.used.server)),
            self.median(|round| round.used.percent(round.used.own)),
            self.median(|round| round.age),
            together(self.rounds.iter().map(|round| &round.kept.failures)),
        );
    }
}

/// Everybody sends until the time is over or somebody has nothing more.
fn send(agents: &mut [Agent], length: Duration) -> Outcome<Kept> {
    let (begun, is_over) = (Instant::now(), AtomicBool::new(false));
    let threads = agents.len();
    let all = in_threads(agents.iter_mut().collect(), threads, |agents| {
        let mut kept = Kept::default();
        for agent in agents {
            while begun.elapsed() < length && !is_over.load(Ordering::Relaxed) {
                let Some(report) = agent.next() else {
                    is_over.store(true, Ordering::Relaxed);
                    break;
                };
                agent.until_taken(&mut kept.failures, |agent| agent.send(&report).map(drop))?;
                kept.observations += report.observations;
                kept.bytes += report.bytes.len();
            }
        }
        Ok(kept)
    })?;
    Ok(Kept {
        observations: all.iter().map(|kept| kept.observations).sum(),
        bytes: all.iter().map(|kept| kept.bytes).sum(),
        failures: together(all.iter().map(|kept| &kept.failures)),
    })
}

impl Round {
    fn a_second(&self) -> f64 {
        self.kept.observations as f64 / self.used.wall.as_secs_f64()
    }
}
