//! Timers (systemd.timer(5)): calendar expressions, and spans counted from the boot or from the last run.

use super::calendar::Calendar;
use super::span::{rhythm_of_seconds, seconds};
use super::zone::Zone;
use super::{Clock, NextRuns};
use crate::Timestamp;

/// One line that makes a timer elapse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// `OnCalendar=`.
    Calendar(Box<Calendar>),
    /// `OnBootSec=`, `OnStartupSec=`, `OnActiveSec=`: seconds after the machine, its service manager or the timer
    /// started, which for a timer that starts at boot are within a minute of each other.
    AfterBoot(u64),
    /// `OnUnitActiveSec=`, `OnUnitInactiveSec=`: seconds after what it starts was started, or had ended.
    AfterRun(u64),
}

impl Trigger {
    /// Reads `OnCalendar=Mon 10:00`.
    pub fn parse(line: &str) -> Option<Self> {
        let (key, value) = line.split_once('=')?;
        Some(match key.trim() {
            "OnCalendar" => Self::Calendar(Box::new(Calendar::parse(value)?)),
            "OnBootSec" | "OnStartupSec" | "OnActiveSec" => Self::AfterBoot(seconds(value)?),
            "OnUnitActiveSec" | "OnUnitInactiveSec" => Self::AfterRun(seconds(value)?),
            _ => return None,
        })
    }

    fn rhythm(&self) -> Option<&'static str> {
        match self {
            Self::Calendar(calendar) => calendar.rhythm(),
            Self::AfterBoot(_) => Some("boot"),
            Self::AfterRun(seconds) => rhythm_of_seconds(*seconds),
        }
    }
}

/// The triggers of a schedule as a look tells it: lines of the unit with `; ` between them.
fn triggers(schedule: &str) -> impl Iterator<Item = Trigger> + '_ {
    schedule
        .split(';')
        .filter_map(|line| Trigger::parse(line.trim()))
}

/// The word for the most frequent part of a schedule.
pub fn rhythm(schedule: &str) -> Option<&'static str> {
    most_frequent(triggers(schedule).filter_map(|trigger| trigger.rhythm()))
}

/// The word among `rhythms` for what comes most often.
pub(super) fn most_frequent(rhythms: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    const ORDER: &[&str] = &[
        "minutely",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
        "once",
        "boot",
    ];
    let rhythms: Vec<&str> = rhythms.collect();
    ORDER.iter().find(|word| rhythms.contains(word)).copied()
}

/// The next moments at which any of the triggers elapses.
pub(crate) fn next_runs(schedule: &str, clock: &Clock<'_>, zone: &Zone, max: usize) -> NextRuns {
    let triggers: Vec<Trigger> = triggers(schedule).collect();
    let by_span = triggers
        .iter()
        .any(|t| matches!(t, Trigger::AfterBoot(_) | Trigger::AfterRun(_)));
    let mut last = clock
        .last_run
        .or_else(|| first_since_boot(&triggers, clock, zone));
    let mut at = Vec::new();
    let mut now = clock.now;
    for _ in 0..max {
        let next = triggers
            .iter()
            .filter_map(|t| next(t, now, last, clock, zone))
            .min();
        let Some(next) = next else { break };
        at.push(next);
        (now, last) = (next, Some(next));
    }
    NextRuns {
        at,
        approximate: by_span,
    }
}

/// When it first elapsed after the boot: spans between runs count from there where no run is on record.
fn first_since_boot(triggers: &[Trigger], clock: &Clock<'_>, zone: &Zone) -> Option<Timestamp> {
    let booted = clock.booted?;
    triggers
        .iter()
        .filter_map(|t| next(t, booted, None, clock, zone))
        .min()
}

fn next(
    trigger: &Trigger,
    now: Timestamp,
    last: Option<Timestamp>,
    clock: &Clock<'_>,
    zone: &Zone,
) -> Option<Timestamp> {
    match trigger {
        Trigger::Calendar(calendar) => calendar.next(now, zone),
        Trigger::AfterBoot(seconds) => Some(later(clock.booted?, *seconds)).filter(|at| *at > now),
        Trigger::AfterRun(0) => None,
        Trigger::AfterRun(seconds) => Some(later(last?, rounds(last?, now, *seconds))),
    }
}

/// Seconds from the last run to the next one after `now`, runs in between not on record.
fn rounds(last: Timestamp, now: Timestamp, span: u64) -> u64 {
    let passed = now.since(last).as_secs();
    (passed / span + 1).saturating_mul(span)
}

fn later(from: Timestamp, seconds: u64) -> Timestamp {
    from.plus(std::time::Duration::from_secs(seconds))
}
