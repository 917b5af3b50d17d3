//! anacron(8): every so many days, on a machine that may be off.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::zone::{Moments, Zone};
use super::{Clock, NextRuns};
use crate::Timestamp;
use crate::fact::Job;

/// When anacron is first started on a day, where its table does not say: Debian's timer and table of cron do it at
/// half past seven.
const FIRST_START: (u32, u32) = (7, 30);

/// Between two jobs.
#[derive(Clone, Copy, Debug)]
enum Period {
    Days(i64),
    Month,
    Year,
}

impl Period {
    fn parse(schedule: &str) -> Option<Self> {
        Some(match schedule.trim() {
            "@daily" => Self::Days(1),
            "@weekly" => Self::Days(7),
            "@monthly" => Self::Month,
            "@yearly" | "@annually" => Self::Year,
            text => {
                let days = text.strip_prefix("every ")?.strip_suffix(" days")?;
                Self::Days(
                    days.parse()
                        .ok()
                        .filter(|days| (1..=36_525).contains(days))?,
                )
            }
        })
    }

    /// The first day on which a job of that period is due again.
    fn after(self, day: Date) -> Option<Date> {
        match self {
            Self::Days(days) => day.checked_add(days.days()).ok(),
            Self::Month => day.checked_add(1.month()).ok(),
            Self::Year => day.checked_add(1.year()).ok(),
        }
    }
}

/// The next runs, all of them only about right: anacron runs a job once a day's start of its own has come, the
/// machine is on, and the delay of the line has passed. One that is overdue, or never ran, is due at the next start.
pub(crate) fn next_runs(job: &Job, clock: &Clock<'_>, zone: &Zone, max: usize) -> NextRuns {
    let mut runs = NextRuns {
        at: Vec::new(),
        approximate: true,
    };
    let Some(period) = Period::parse(&job.schedule) else {
        return runs;
    };
    let today = zone.civil(clock.now).date();
    // anacron keeps days, not moments: noon is on that day everywhere.
    let last = clock.last_run.map(|at| zone.civil(at).date());
    let mut due = last
        .and_then(|last| period.after(last))
        .unwrap_or(today)
        .max(today);
    for _ in 0..max {
        let Some(at) = start_on(due, job, clock.now, zone) else {
            break;
        };
        runs.at.push(at);
        let Some(next) = period.after(zone.civil(at).date()) else {
            break;
        };
        due = next;
    }
    runs
}

/// When a job due on `date` is run: at the first start of anacron after `now`.
fn start_on(date: Date, job: &Job, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let (first, last) = job
        .hours
        .as_deref()
        .and_then(hours)
        .unwrap_or((FIRST_START.0, 23));
    let minute = if job.hours.is_some() {
        0
    } else {
        FIRST_START.1
    };
    let delay = std::time::Duration::from_secs(job.delay_seconds.unwrap_or(0));
    let mut date = date;
    for _ in 0..2 {
        // anacron is started every hour.
        for hour in first..=last {
            let civil = date.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
            let at = match zone.moments(civil)? {
                Moments::One(at) | Moments::Skipped(at) => at,
                Moments::Twice { first, .. } => first,
            };
            if at.plus(delay) > now {
                return Some(at.plus(delay));
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// `START_HOURS_RANGE`: the first and the last hour, as `3-22`.
fn hours(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.trim().split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to && to <= 23).then_some((from, to))
}
