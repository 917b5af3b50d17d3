//! Triggers of a task: from their XML (Task Scheduler Schema, `triggerGroup`) to the words of the model.

use groma_model::schedule::{TaskDays, TaskMoment, TaskRepeat, TaskTrigger, TaskWhen};

use crate::markup::Element;

/// Triggers of one task that are told.
const TRIGGERS_MAX: usize = 48;
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What starts a task.
#[derive(Default)]
pub(super) struct Triggers {
    /// Those that are switched on.
    pub(super) all: Vec<TaskTrigger>,
    /// The longest time that chance may add, in seconds.
    pub(super) random_delay_seconds: Option<u64>,
}

impl Triggers {
    pub(super) fn of(element: Option<&Element>) -> Self {
        let mut found = Self::default();
        let children = element.map(|element| element.children.as_slice());
        let children = children.unwrap_or_default().iter();
        for trigger in children.filter(|t| !t.denies("Enabled")).take(TRIGGERS_MAX) {
            let read = one(trigger);
            if !found.all.contains(&read) {
                found.all.push(read);
            }
            let random = span_of(trigger, &["RandomDelay"])
                .or_else(|| span_of(trigger, &["ScheduleByDay", "RandomDelay"]));
            found.random_delay_seconds = found.random_delay_seconds.max(random);
        }
        found
    }

    /// The schedule of a job.
    pub(super) fn line(&self) -> String {
        let lines = self.all.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("; ")
    }

    /// Seconds that whatever starts it waits.
    pub(super) fn delay_seconds(&self) -> Option<u64> {
        let delays = self.all.iter().map(|trigger| trigger.delay_seconds);
        delays.min().flatten()
    }
}

fn one(element: &Element) -> TaskTrigger {
    TaskTrigger {
        when: when(element).unwrap_or(TaskWhen::Other),
        delay_seconds: span_of(element, &["Delay"]),
        repeat: span_of(element, &["Repetition", "Interval"]).map(|every_seconds| TaskRepeat {
            every_seconds,
            for_seconds: span_of(element, &["Repetition", "Duration"]),
        }),
        until: element
            .text_at(&["EndBoundary"])
            .and_then(TaskMoment::parse),
    }
}

fn when(element: &Element) -> Option<TaskWhen> {
    let days = match element.name.as_str() {
        "BootTrigger" => return Some(TaskWhen::Boot),
        "LogonTrigger" => return Some(TaskWhen::Logon),
        "IdleTrigger" => return Some(TaskWhen::Idle),
        "EventTrigger" => return Some(TaskWhen::Event),
        "RegistrationTrigger" => return Some(TaskWhen::Registration),
        "SessionStateChangeTrigger" => return Some(TaskWhen::Session),
        "TimeTrigger" => TaskDays::Once,
        "CalendarTrigger" => days(element)?,
        _ => return None,
    };
    let start = TaskMoment::parse(element.text_at(&["StartBoundary"])?)?;
    Some(TaskWhen::Clock { start, days })
}

fn days(element: &Element) -> Option<TaskDays> {
    let interval = |rule: &Element, name: &str| {
        let written = rule.text_at(&[name]).and_then(|text| text.parse().ok());
        written.filter(|count| *count > 0_u16).unwrap_or(1)
    };
    if let Some(rule) = element.child("ScheduleByDay") {
        return Some(TaskDays::Every(interval(rule, "DaysInterval")));
    }
    if let Some(rule) = element.child("ScheduleByWeek") {
        return Some(TaskDays::Weeks {
            every: interval(rule, "WeeksInterval"),
            weekdays: weekdays(rule)?,
        });
    }
    if let Some(rule) = element.child("ScheduleByMonth") {
        return Some(TaskDays::Month {
            days: days_of_month(rule)?,
            months: months(rule),
        });
    }
    let rule = element.child("ScheduleByMonthDayOfWeek")?;
    Some(TaskDays::MonthWeeks {
        weeks: weeks(rule)?,
        weekdays: weekdays(rule)?,
        months: months(rule),
    })
}

/// Bits for the elements of `names` that stand in the list; `None` for none.
fn bits(list: Option<&Element>, names: &[&str]) -> Option<u16> {
    let bit = |child: &Element| {
        let at = names
            .iter()
            .position(|name| child.name.eq_ignore_ascii_case(name));
        at.map_or(0, |at| 1_u16 << at)
    };
    let set = list?.children.iter().map(bit).fold(0, |set, bit| set | bit);
    (set != 0).then_some(set)
}

fn weekdays(rule: &Element) -> Option<u8> {
    let set = bits(rule.child("DaysOfWeek"), &WEEKDAYS)?;
    u8::try_from(set).ok()
}

/// Every month where none is named.
fn months(rule: &Element) -> u16 {
    bits(rule.child("Months"), &MONTHS).unwrap_or(0xfff)
}

fn weeks(rule: &Element) -> Option<u8> {
    let bit = |week: &Element| match week.text() {
        Some("1") => 1_u8,
        Some("2") => 2,
        Some("3") => 4,
        Some("4") => 8,
        Some(text) if text.eq_ignore_ascii_case("last") => 16,
        _ => 0,
    };
    let set = rule.child("Weeks")?.all("Week").map(bit);
    Some(set.fold(0, |set, bit| set | bit)).filter(|set| *set != 0)
}

fn days_of_month(rule: &Element) -> Option<u32> {
    let bit = |day: &Element| match day.text() {
        Some(text) if text.eq_ignore_ascii_case("last") => 1 << 31,
        Some(text) => match text.parse::<u32>() {
            Ok(day @ 1..=31) => 1_u32 << (day - 1),
            _ => 0,
        },
        None => 0,
    };
    let set = rule.child("DaysOfMonth")?.all("Day").map(bit);
    Some(set.fold(0, |set, bit| set | bit)).filter(|set| *set != 0)
}

fn span_of(element: &Element, path: &[&str]) -> Option<u64> {
    span(element.text_at(path)?).filter(|seconds| *seconds > 0)
}

/// Seconds of a duration as `P1DT2H30M` (ISO 8601; XML Schema 1.0, `duration`). A month counts 30 days, a year 365.
pub(super) fn span(text: &str) -> Option<u64> {
    let (date, time) = text.trim().strip_prefix('P').map(|rest| {
        rest.split_once('T')
            .map_or((rest, ""), |(date, time)| (date, time))
    })?;
    let date = summed(
        date,
        &[
            ('Y', 31_536_000),
            ('M', 2_592_000),
            ('W', 604_800),
            ('D', 86_400),
        ],
    )?;
    let time = summed(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    date.checked_add(time)
}

fn summed(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let (at, letter) = rest.char_indices().find(|(_, c)| c.is_ascii_alphabetic())?;
        let (_, unit) = units.iter().find(|(known, _)| *known == letter)?;
        let whole = rest.get(..at)?.split('.').next()?;
        let count: u64 = whole.parse().ok()?;
        sum = sum.checked_add(count.checked_mul(*unit)?)?;
        rest = rest.get(at + 1..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted() {
        for (text, expected) in [
            ("PT15M", Some(900)),
            ("P1D", Some(86_400)),
            ("P1DT2H30M", Some(95_400)),
            ("PT0S", Some(0)),
            ("PT1.5S", Some(1)),
            ("P", Some(0)),
            ("15M", None),
            ("PT15", None),
            ("PT15X", None),
            ("P99999999999999999999D", None),
            ("P9999999999999999999Y", None),
        ] {
            assert_eq!(span(text), expected, "{text}");
        }
    }
}
