//! `rrddata` of a week: what a guest took at its peak, and for all but a twentieth of the time.
//!
//! Each row is the average of half an hour; a shorter peak is higher than what is told here.

use groma_model::Foreign;
use serde_json::Value;

use crate::Read;
use crate::json::{items, number};
use crate::load::{mean, p95};

/// A week has 336 half hours; more rows than this are no week.
const ROWS_MAX: usize = 5_000;
const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// What a guest took.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Load(Vec<(&'static str, f64)>);

impl Load {
    pub(crate) fn of(answer: &Value) -> Self {
        let rows: Vec<&Value> = items(answer, ROWS_MAX).collect();
        let column = |key: &str| -> Vec<f64> {
            let numbers = rows.iter().filter_map(|row| number(row, key));
            let mut numbers: Vec<f64> = numbers.filter(|number| *number >= 0.0).collect();
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let (cpu, memory, written) = (column("cpu"), column("mem"), column("diskwrite"));
        let percent = |part: f64| (part * 10_000.0).round() / 100.0;
        let told = [
            ("vm_cpu_peak_percent", cpu.last().copied().map(percent)),
            ("vm_cpu_p95_percent", p95(&cpu).map(percent)),
            ("vm_memory_peak_bytes", memory.last().copied()),
            ("vm_memory_p95_bytes", p95(&memory)),
            (
                "vm_disk_written_bytes_per_day",
                mean(&written).map(|a_second| (a_second * SECONDS_OF_A_DAY).round()),
            ),
        ];
        let mut told: Vec<_> = told
            .into_iter()
            .filter_map(|(metric, value)| Some((metric, value?)))
            .collect();
        // Rows without a number are of the time before the guest, or while it was off.
        let lived = rows.iter().filter(|row| number(row, "cpu").is_some());
        if let (Some(period), false) = (period(lived.copied()), told.is_empty()) {
            told.push(("vm_load_period_seconds", period));
        }
        Self(told)
    }

    pub(crate) fn tell(&self, subject: &Foreign, read: &mut Read) {
        for (metric, value) in &self.0 {
            read.measured(metric, subject, *value);
        }
    }
}

/// From the first to the last row, each of which stands for the time before it.
fn period<'v>(rows: impl Iterator<Item = &'v Value>) -> Option<f64> {
    let mut moments: Vec<f64> = rows.filter_map(|row| number(row, "time")).collect();
    moments.sort_by(f64::total_cmp);
    let steps = moments
        .windows(2)
        .filter_map(|pair| Some(pair.last()? - pair.first()?));
    let step = steps.filter(|step| *step > 0.0).min_by(f64::total_cmp)?;
    Some(moments.last()? - moments.first()? + step)
}
