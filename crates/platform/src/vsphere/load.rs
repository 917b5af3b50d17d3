//! What guests took over days, as the platform's own statistics tell: `PerformanceManager`.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::answer::{Unread, parts};
use super::element::Element;
use crate::Read;
use crate::load::{mean, p95};
use groma_model::Foreign;
use groma_model::virtualization::Platform;

/// A statistic that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Statistic {
    /// In hundredths of a percent.
    Processor,
    /// In units of 1024 bytes.
    Memory,
    /// In milliseconds, of the slowest disk.
    Latency,
    /// In units of 1024 bytes a second.
    Written,
}

/// The numbers a platform has for the statistics that are asked for. They differ from one to the next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counters(BTreeMap<i64, Statistic>);

impl Counters {
    /// Finds them in the property `perfCounter`.
    pub fn of(all: &Element) -> Self {
        let known = all.all("PerfCounterInfo").filter_map(|one| {
            let group = one.text("groupInfo/key")?;
            let name = one.text("nameInfo/key")?;
            let statistic = match (group, name, one.text("rollupType")?) {
                ("cpu", "usage", "average") => Statistic::Processor,
                ("mem", "consumed", "average") => Statistic::Memory,
                ("disk", "maxTotalLatency", "latest") => Statistic::Latency,
                ("disk", "write", "average") => Statistic::Written,
                _ => return None,
            };
            Some((one.number("key")?, statistic))
        });
        Self(known.collect())
    }

    /// What they are asked for with.
    pub fn keys(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.keys().copied()
    }
}

/// Reads an answer to `QueryPerf` about samples of `interval` seconds: measurements of each guest that has any.
///
/// # Errors
/// [`Unread`]. What was read before stays read.
pub fn load(
    from: impl BufRead,
    platform: &Platform,
    counters: &Counters,
    interval: u32,
    read: &mut Read,
) -> Result<(), Unread> {
    parts(from, &mut |guest| {
        if let Some(key) = guest.text("entity") {
            tell(guest, &platform.subject(key), counters, interval, read);
        }
    })
}

fn tell(guest: &Element, subject: &Foreign, counters: &Counters, interval: u32, read: &mut Read) {
    let mut longest = 0;
    for series in guest.all("value") {
        // An instance is one of several disks or processors; without one it is all of them together.
        if series.text("id/instance").is_some() {
            continue;
        }
        let key = series.number("id/counterId");
        let statistic = key.and_then(|key: i64| counters.0.get(&key));
        let samples = samples(series);
        let (Some(statistic), Some(peak)) = (statistic, samples.last()) else {
            continue;
        };
        longest = longest.max(samples.len());
        let (Some(usual), Some(mean)) = (p95(&samples), mean(&samples)) else {
            continue;
        };
        match statistic {
            Statistic::Processor => {
                read.measured("vm_cpu_peak_percent", subject, peak / 100.0);
                read.measured("vm_cpu_p95_percent", subject, usual / 100.0);
            }
            Statistic::Memory => {
                read.measured("vm_memory_peak_bytes", subject, peak * 1024.0);
                read.measured("vm_memory_p95_bytes", subject, usual * 1024.0);
            }
            Statistic::Latency => read.measured("vm_disk_latency_ms_peak", subject, *peak),
            Statistic::Written => {
                let a_day = mean * 1024.0 * 86_400.0;
                read.measured("vm_disk_written_bytes_per_day", subject, a_day);
            }
        }
    }
    if let Ok(samples @ 1..) = u32::try_from(longest) {
        let seconds = f64::from(samples) * f64::from(interval);
        read.measured("vm_load_period_seconds", subject, seconds);
    }
}

/// The samples of a series, smallest first; what was not measured is written as -1.
fn samples(series: &Element) -> Vec<f64> {
    let words = series.all("value").filter_map(Element::own_text);
    let numbers = words.flat_map(|words| words.split(','));
    let numbers = numbers.filter_map(|word| word.trim().parse::<i64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "a statistic")]
    let mut all: Vec<f64> = numbers
        .filter(|number| *number >= 0)
        .map(|number| number as f64)
        .collect();
    all.sort_by(f64::total_cmp);
    all
}
