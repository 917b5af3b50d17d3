//! When a job runs next, and how often: cron, anacron, at, timers and tasks of Windows, as the programs themselves count.
//!
//! Pure: the moment to count from, the machine's time zone and what a look measured (boot, last runs) are
//! arguments. Rules of time zones come with the program, from the IANA database; nothing is read from the machine.
//!
//! **When clocks change.** Each scheduler has its own manners, and they are kept:
//!
//! | | an hour that is skipped | an hour that comes twice |
//! | --- | --- | --- |
//! | cron, minute or hour begins with `*` | follows the clock: those minutes do not exist | runs in both |
//! | cron, fixed minute and hour | runs when the clock has jumped | runs in the first |
//! | `OnCalendar=` | does not run that day | runs once |
//! | scheduled task | taken for the jump: its maker does not say | taken for the first |
//!
//! That is Vixie's cron as Debian and cronie ship it (`cron(8)`, changes of less than three hours), and
//! `systemd-analyze calendar` as it answers. A random delay is not drawn: the earliest moment is said, and
//! that it is only about right.

mod anacron;
mod calendar;
mod components;
mod cron;
mod density;
mod span;
mod tables;
mod task;
mod task_text;
mod timer;
mod zone;

pub use calendar::Calendar;
pub use cron::Cron;
pub use density::Density;
pub use span::{rhythm_of_seconds, round_days, seconds as span_seconds};
pub use tables::{cron_takes, is_user_table};
pub use task::{TaskDays, TaskMoment, TaskRepeat, TaskTrigger, TaskWhen, rhythm as task_rhythm};
pub use timer::{Trigger, rhythm as timer_rhythm};
pub use zone::Zone;

use crate::Timestamp;
use crate::fact::Job;

/// What counting needs to know beside the job itself.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    /// The moment to count from: a run at this very moment is past.
    pub now: Timestamp,
    /// The machine's time zone, where it is known; else UTC, and the answer is only about right.
    pub zone: Option<&'a str>,
    /// When the machine was started.
    pub booted: Option<Timestamp>,
    /// When the job last ran.
    pub last_run: Option<Timestamp>,
}

/// Runs to come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NextRuns {
    /// The moments, in order; empty where nothing tells, or where nothing comes.
    pub at: Vec<Timestamp>,
    /// True if the moments are only about right: a random delay, a span counted from the last boot, anacron's
    /// waiting for a machine that is on, or a machine whose time zone is not known.
    pub approximate: bool,
}

/// The next runs of `job`, `max` of them at most.
pub fn next_runs(job: &Job, clock: &Clock<'_>, max: usize) -> NextRuns {
    let named = job.time_zone.as_deref().or(clock.zone);
    let zone = named.and_then(Zone::named);
    let guessed = zone.is_none();
    let zone = zone.unwrap_or_default();
    let mut runs = match job.scheduler.as_str() {
        "cron" => of_cron(&job.schedule, clock.now, &zone, max),
        "anacron" => anacron::next_runs(job, clock, &zone, max),
        "at" => once(&job.schedule, clock.now),
        "timer" => timer::next_runs(&job.schedule, clock, &zone, max),
        "task-scheduler" => task::next_runs(&job.schedule, clock, &zone, max),
        _ => NextRuns::default(),
    };
    let by_zone = guessed && job.scheduler != "at";
    runs.approximate |= by_zone || job.random_delay_seconds.is_some_and(|delay| delay > 0);
    runs.approximate &= !runs.at.is_empty();
    runs
}

fn of_cron(schedule: &str, now: Timestamp, zone: &Zone, max: usize) -> NextRuns {
    let at = Cron::parse(schedule)
        .map(|cron| following(now, max, |after| cron.next(after, zone)))
        .unwrap_or_default();
    NextRuns {
        at,
        approximate: false,
    }
}

/// A job of at(1): its schedule is the moment itself. One that is past was not started: `atd` does not run.
fn once(schedule: &str, now: Timestamp) -> NextRuns {
    let due = schedule.parse().ok().filter(|due: &Timestamp| *due > now);
    NextRuns {
        at: due.into_iter().collect(),
        approximate: false,
    }
}

/// Asks again and again for the moment after the last one.
pub(crate) fn following(
    now: Timestamp,
    max: usize,
    next: impl Fn(Timestamp) -> Option<Timestamp>,
) -> Vec<Timestamp> {
    std::iter::successors(next(now), |last| next(*last))
        .take(max)
        .collect()
}
