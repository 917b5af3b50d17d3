//! `host.load`: how busy the machine was at its busiest, while the look lasted.
//!
//! A number of one moment says little; so for as long as the look watches, the kernel's own averages and counters are read
//! every five seconds, and the highest is told. A look that does not watch tells the averages of the last minutes alone.

use std::path::Path;
use std::time::Duration;

use groma_model::fact::Measurement;
use groma_model::{
    Coverage, CoverageState, Fact, Observation, Reason, Scope, Seen, SourceName, Timestamp,
};
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World};

const EVERY: Duration = Duration::from_secs(5);
/// Less than that between two counts of the processors tells nothing.
const SPAN_MIN: Duration = Duration::from_secs(1);
const BYTES_MAX: u64 = 1 << 20;
const AVERAGES: &str = "/proc/loadavg";
const COUNTERS: &str = "/proc/stat";
/// What work waited for, and the metric that tells it.
const PRESSURES: &[(&str, &str)] = &[
    ("/proc/pressure/cpu", "pressure_cpu_ratio"),
    ("/proc/pressure/io", "pressure_io_ratio"),
    ("/proc/pressure/memory", "pressure_memory_ratio"),
];

/// Peaks of load, of the processors and of what work waits for.
pub struct LoadSource {
    world: World,
}

impl LoadSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for LoadSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.load")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells how busy this machine was at its busiest while the look lasted.".into(),
            reads: vec![
                "/proc/loadavg, /proc/stat, /proc/pressure/cpu, /proc/pressure/io, /proc/pressure/memory, every five seconds while the look watches".into(),
            ],
            contacts: Vec::new(),
            sends: vec![
                "the highest load average, the highest share of busy processors, the highest pressure".into(),
            ],
            never_sends: vec!["what the load came from".into()],
            rights: vec!["none".into()],
            cost: "five small reads every five seconds".into(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let begin = window.monotonic();
        let mut peaks = Peaks::default();
        loop {
            peaks.sample(disk, window.monotonic());
            let passed = window.monotonic().saturating_sub(begin);
            let left = window.watch().saturating_sub(passed);
            if left.is_zero() || window.is_over() {
                break;
            }
            window.sleep(left.min(EVERY));
        }
        peaks.say(window, sink);
    }
}

/// The highest of each so far.
#[derive(Default)]
struct Peaks {
    load: Option<f64>,
    busy: Option<f64>,
    pressures: [Option<f64>; 3],
    last: Option<(Duration, Counters)>,
    refused: Option<Reason>,
}

impl Peaks {
    fn sample(&mut self, disk: &dyn Disk, now: Duration) {
        match read(disk, AVERAGES) {
            Ok(text) => self.load = highest(self.load, load(&text)),
            Err(reason) => self.refused = Some(reason),
        }
        if let Some(counters) = read(disk, COUNTERS).ok().and_then(|text| counters(&text)) {
            self.count(now, counters);
        }
        for (peak, (path, _)) in self.pressures.iter_mut().zip(PRESSURES) {
            let pressure = read(disk, path).ok().and_then(|text| pressure(&text));
            *peak = highest(*peak, pressure);
        }
    }

    fn count(&mut self, now: Duration, counters: Counters) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, counters));
            return;
        };
        if now.saturating_sub(then) < SPAN_MIN {
            return;
        }
        self.busy = highest(self.busy, counters.busy_since(before));
        self.last = Some((now, counters));
    }

    /// The moment of a peak is the begin of the look: what stands after a move was sampled after it.
    fn say(self, window: &Window, sink: &mut dyn Sink) {
        let scope = Scope::new("host", "load");
        let at = window.started();
        let names = PRESSURES.iter().map(|(_, metric)| *metric);
        let all = [
            ("cpu_busy_peak_ratio", self.busy),
            ("load_peak_1m", self.load),
        ];
        for (metric, value) in all.into_iter().chain(names.zip(self.pressures)) {
            if let Some(value) = value {
                sink.saw(number(&scope, metric, value, at));
            }
        }
        let state = match self.load {
            Some(_) => CoverageState::Complete,
            None => {
                let reason = self.refused.unwrap_or(Reason::Malformed);
                let what = "how busy the machine is (/proc/loadavg)";
                sink.missed_because(&scope, what, reason, "");
                CoverageState::Partial
            }
        };
        sink.covered(Coverage {
            scope,
            state,
            from: at,
            to: window.now(),
            how: Some("sampled every five seconds while the look watched".to_owned()),
        });
    }
}

fn number(scope: &Scope, metric: &str, value: f64, at: Timestamp) -> Observation {
    Observation {
        scope: scope.clone(),
        fact: Fact::Measurement(Measurement {
            metric: metric.to_owned(),
            subject: "system".into(),
            value,
        }),
        seen: Seen::once(at),
    }
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

fn read(disk: &dyn Disk, path: &str) -> Result<String, Reason> {
    let read = disk.read(Path::new(path), BYTES_MAX);
    let read = read.map_err(|error| error.reason)?;
    Ok(String::from_utf8_lossy(&read.bytes).into_owned())
}

/// `0.20 0.18 0.12 1/80 11206` (proc(5)): the average of the last minute.
fn load(text: &str) -> Option<f64> {
    amount(text.split_ascii_whitespace().next()?)
}

/// `some avg10=0.00 avg60=0.00 avg300=1.53 total=1202` (kernel documentation, accounting/psi): the share of five minutes.
fn pressure(text: &str) -> Option<f64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let mut fields = some.split_ascii_whitespace();
    let percent = amount(fields.find_map(|field| field.strip_prefix("avg300="))?)?;
    (percent <= 100.0).then_some(percent / 100.0)
}

fn amount(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// How much time all processors together spent, in ticks since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Counters {
    all: u64,
    idle: u64,
}

impl Counters {
    /// Which share was work. A counter that ran backwards, as that of waiting for disks may, tells nothing.
    fn busy_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let idle = self.idle.checked_sub(before.idle)?;
        let busy = all.checked_sub(idle)?;
        #[expect(clippy::cast_precision_loss, reason = "ticks of some seconds")]
        let share = busy as f64 / all as f64;
        Some(share)
    }
}

/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice` (proc(5)); guests are counted in `user` already.
fn counters(text: &str) -> Option<Counters> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .take(8)
        .map_while(|ticks| ticks.parse().ok())
        .collect();
    let [_, _, _, idle, rest @ ..] = ticks.as_slice() else {
        return None;
    };
    let waits = rest.first().copied().unwrap_or_default();
    let all = ticks
        .iter()
        .try_fold(0_u64, |sum, one| sum.checked_add(*one));
    Some(Counters {
        all: all?,
        idle: idle.checked_add(waits)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_counters_and_pressures_are_read_as_the_kernel_writes_them() {
        assert_eq!(load("3.25 1.59 2.65 2/345 6789\n"), Some(3.25));
        let stat = "cpu  100 5 20 800 50 3 2 20 90 0\ncpu0 1 2 3 4\n";
        let before = counters(stat).unwrap();
        assert_eq!((before.all, before.idle), (1000, 850));
        let after = counters("cpu  180 5 20 810 60 3 2 20 0 0\n").unwrap();
        assert_eq!(after.busy_since(before), Some(0.8));
        assert_eq!(before.busy_since(after), None);
        assert_eq!(before.busy_since(before), None);
        // Before 2.6 the line ends with what is idle.
        assert_eq!(counters("cpu  1 2 3 4\n").unwrap().idle, 4);
        let psi = "some avg10=9.00 avg60=2.00 avg300=1.50 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.10 total=1\n";
        assert_eq!(pressure(psi), Some(0.015));
        for none in [
            "",
            "full avg300=1.00",
            "some avg10=1.00",
            "some avg300=nan",
            "some avg300=101",
        ] {
            assert_eq!(pressure(none), None, "{none}");
        }
        for none in ["", "x", "-1 0 0", "inf"] {
            assert_eq!(load(none), None, "{none}");
        }
        assert_eq!(counters("cpu0 1 2 3 4\n"), None);
        assert_eq!(counters("cpu  1 2 x 4\n"), None);
        assert_eq!(counters(&format!("cpu  {0} {0} 1 1\n", u64::MAX)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_table_makes_it_panic(text in "(cpu |some )?[a-z0-9.= \\-]{0,60}") {
            let (one, other) = (counters(&text), counters("cpu  1 2 3 4 5"));
            if let Some((one, other)) = one.zip(other) {
                let share = one.busy_since(other);
                proptest::prop_assert!(share.is_none_or(|s| (0.0..=1.0).contains(&s)));
            }
            let _ = (load(&text), pressure(&text));
        }
    }
}
