//! One part of a calendar expression: a list of values, ranges and steps (systemd.time(7), "Calendar Events").

/// Entries one part may have.
const ENTRIES_MAX: usize = 240;

/// A second, in the unit the part for seconds counts in.
pub(crate) const SECOND: i64 = 1_000_000;

/// `start`, `start..stop`, `start/repeat`, `start..stop/repeat`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    start: i64,
    stop: Option<i64>,
    /// 0: only `start`.
    repeat: i64,
}

/// A part; `None` is `*`.
pub(crate) type Part = Option<Vec<Entry>>;

/// A single value.
pub(crate) fn only(value: i64) -> Part {
    Some(vec![Entry {
        start: value,
        stop: None,
        repeat: 0,
    }])
}

/// Several single values.
pub(crate) fn each(values: &[i64]) -> Part {
    Some(values.iter().filter_map(|v| only(*v)).flatten().collect())
}

/// Reads a part from the front of `text`; the rest comes second. With `micros`, values are seconds with up to six
/// decimal places.
pub(crate) fn read(text: &str, micros: bool) -> Option<(Part, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        let every_second = Entry {
            start: 0,
            stop: None,
            repeat: SECOND,
        };
        return Some((micros.then(|| vec![every_second]), rest));
    }
    let mut entries = Vec::new();
    let mut rest = text;
    while entries.len() < ENTRIES_MAX {
        let (entry, tail) = entry(rest, micros)?;
        entries.push(entry);
        match tail.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Some((Some(entries), tail)),
        }
    }
    None
}

fn entry(text: &str, micros: bool) -> Option<(Entry, &str)> {
    let (start, mut rest) = number(text, micros)?;
    let (mut stop, mut repeat) = (None, 0);
    if let Some(tail) = rest.strip_prefix("..") {
        let (value, tail) = number(tail, micros)?;
        (stop, rest) = (Some(value), tail);
        repeat = if micros { SECOND } else { 1 };
    }
    if let Some(tail) = rest.strip_prefix('/') {
        (repeat, rest) = number(tail, micros)?;
        if repeat == 0 {
            return None;
        }
    } else if micros && stop.is_some_and(|stop| start + repeat > stop) {
        return None;
    }
    let ends = rest.is_empty() || rest.starts_with([' ', ',', '-', '~', ':']);
    ends.then_some((
        Entry {
            start,
            stop,
            repeat,
        },
        rest,
    ))
}

fn number(text: &str, micros: bool) -> Option<(i64, &str)> {
    let (whole, mut rest) = digits(text)?;
    if !micros {
        return Some((whole, rest));
    }
    let mut value = whole.checked_mul(SECOND)?;
    let decimal = rest
        .strip_prefix('.')
        .filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
    if let Some(mut tail) = decimal {
        let mut place = SECOND;
        while let Some(digit) = tail.chars().next().and_then(|c| c.to_digit(10)) {
            place /= 10;
            value += i64::from(digit) * place;
            tail = tail.get(1..)?;
        }
        rest = tail;
    }
    Some((value, rest))
}

fn digits(text: &str) -> Option<(i64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let value: i64 = number.parse().ok()?;
    (value <= i64::from(i32::MAX)).then_some((value, rest))
}

/// What systemd does to a part before it looks whether it is valid: a range ends at its last value, and one of a
/// single value is that value.
pub(crate) fn normalize(part: &mut Part) {
    for entry in part.iter_mut().flatten() {
        if let Some(stop) = entry.stop.as_mut().filter(|stop| **stop > entry.start)
            && entry.repeat > 0
        {
            *stop -= (*stop - entry.start) % entry.repeat;
        }
        let never_repeats = entry
            .stop
            .is_some_and(|stop| stop > entry.start && entry.start + entry.repeat > stop);
        if never_repeats || entry.stop == Some(entry.start) {
            (entry.stop, entry.repeat) = (None, 0);
        }
    }
    if let Some(entries) = part {
        entries.sort_by_key(|e| (e.start, e.stop, e.repeat));
        entries.dedup();
    }
}

/// Years of two digits: up to 69 of this century, from 70 of the last.
pub(crate) fn widen_years(part: &mut Part) {
    let widen = |year: i64| match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        other => other,
    };
    for entry in part.iter_mut().flatten() {
        entry.start = widen(entry.start);
        entry.stop = entry.stop.map(widen);
    }
}

/// True if every value lies between `low` and `high`, and every step can be taken at least once.
///
/// Days counted from the end of the month go only as far as every month has them, and systemd takes those three
/// days off once more for each further entry of a list: `~1,27` is refused, and so it is here.
pub(crate) fn is_valid(part: &Part, low: i64, high: i64, from_end: bool) -> bool {
    let mut high = high;
    part.iter().flatten().all(|entry| {
        if from_end {
            high -= 3;
        }
        let Entry {
            start,
            stop,
            repeat,
        } = *entry;
        let room = match stop {
            Some(stop) => (low..=high).contains(&stop) && start + repeat <= stop,
            None if from_end => start - repeat >= low,
            None => start + repeat <= high,
        };
        (low..=high).contains(&start) && repeat <= high - low && room
    })
}

/// The first value that is not below `from`; days counted from the end of a month of `last` days where `from_end`
/// is given.
pub(crate) fn at_or_after(part: &Part, from: i64, from_end: Option<i64>) -> Option<i64> {
    let Some(entries) = part else {
        return Some(from);
    };
    entries
        .iter()
        .filter_map(|entry| first(&turned(*entry, from_end)?, from))
        .min()
}

fn first(entry: &Entry, from: i64) -> Option<i64> {
    if entry.start >= from {
        return Some(entry.start);
    }
    if entry.repeat == 0 {
        return None;
    }
    let steps = (from - entry.start + entry.repeat - 1) / entry.repeat;
    let value = entry.start + steps * entry.repeat;
    entry.stop.is_none_or(|stop| value <= stop).then_some(value)
}

/// `~3` of a month of 30 days is 28; a range turns round.
fn turned(entry: Entry, from_end: Option<i64>) -> Option<Entry> {
    let Some(last) = from_end else {
        return Some(entry);
    };
    let turn = |day: i64| Some(last + 1 - day).filter(|day| (1..=last).contains(day));
    match entry.stop {
        None => Some(Entry {
            start: turn(entry.start)?,
            ..entry
        }),
        Some(stop) => Some(Entry {
            start: turn(stop)?,
            stop: Some(turn(entry.start)?),
            ..entry
        }),
    }
}
