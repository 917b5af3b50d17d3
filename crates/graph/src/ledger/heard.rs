//! What packets alone tell, beside what logs tell of the same two machines: one row for one use.
//!
//! Packets know more of some things (the name that was asked, the share) and less of others (the account behind TLS). What
//! contradicts nothing is the same use; where it may be several, it is evidence of each and a row of none, unless it knows
//! something that none of them does: nothing that was told is lost.

use std::collections::BTreeMap;

use groma_model::Witness;

use super::{Ends, Key, Row, agree};
use crate::untold::is_one_account;

type Rows<'g> = BTreeMap<Key, Row<'g>>;

/// Joins rows that packets alone tell with those that others tell.
pub(super) fn join(rows: &mut Rows<'_>) {
    let mut between: BTreeMap<&Ends, (Vec<&Key>, Vec<&Key>)> = BTreeMap::new();
    for (key, row) in rows.iter() {
        let (heard, told) = between.entry(&key.0).or_default();
        match row.witnesses.iter().eq([&Witness::Network]) {
            true => heard.push(key),
            false => told.push(key),
        }
    }
    let both = between.into_values();
    let both = both.filter(|(heard, told)| !heard.is_empty() && !told.is_empty());
    let steps: Vec<Step> = both
        .flat_map(|(heard, told)| steps(&heard, &told))
        .collect();
    for step in steps {
        step.take(rows);
    }
}

/// Rows of packets that one row, or each of several, takes in.
enum Step {
    /// The last are the row of the first key, which has the second from then on.
    Are(Box<(Key, Key)>, Vec<Key>),
    /// The first is evidence of each, and no row.
    StandsBy(Box<Key>, Vec<Key>),
}

/// What becomes of the rows between two machines.
fn steps(heard: &[&Key], told: &[&Key]) -> Vec<Step> {
    let mut of_one: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    let mut steps = Vec::new();
    for key in heard {
        match meant(key, told).as_slice() {
            [] => {}
            [only] => of_one.entry(only).or_default().push(key),
            several if several.iter().any(|told| says_more(key, told)) => {}
            several => {
                let several = several.iter().map(|told| (*told).clone());
                steps.push(Step::StandsBy(Box::new((*key).clone()), several.collect()));
            }
        }
    }
    // Rows have another key when they are joined: evidence goes first.
    steps.extend(of_one.into_iter().map(|(told, heard)| of_row(told, heard)));
    steps
}

/// What packets tell of one row alone. Several of them that know more than it, and not the same, are uses of their own: which
/// of them it tells, nobody knows.
fn of_row(told: &Key, heard: Vec<&Key>) -> Step {
    let (more, mut own): (Vec<&Key>, Vec<&Key>) =
        heard.into_iter().partition(|heard| says_more(heard, told));
    let mut all = told.clone();
    let is_one = more.iter().all(|heard| {
        let agrees = is_same(&all, heard);
        all = both(&all, heard);
        agrees
    });
    match is_one {
        true => own.extend(more),
        false => all = told.clone(),
    }
    let name = || own.iter().find_map(|heard| heard.1.1.clone());
    all.1.1 = all.1.1.or_else(name);
    let own = own.into_iter().cloned().collect();
    Step::Are(Box::new((told.clone(), all)), own)
}

/// The rows that `heard` may be: of those it does not contradict, the ones of its account before those without one, and so
/// for what was used there.
fn meant<'k>(heard: &Key, told: &[&'k Key]) -> Vec<&'k Key> {
    let fitting = told.iter().copied().filter(|told| is_same(told, heard));
    let mut fitting: Vec<&Key> = fitting.collect();
    let mut prefer = |fits: &dyn Fn(&Key) -> bool| {
        if fitting.iter().any(|told| fits(told)) {
            fitting.retain(|told| fits(told));
        }
    };
    prefer(&|told| told.2.0.is_some() == heard.2.0.is_some());
    prefer(&|told| told.3.0.is_some() == heard.3.0.is_some());
    prefer(&|told| told.1.0 == heard.1.0);
    prefer(&|told| told.1.1 == heard.1.1);
    prefer(&|told| told.2.2 == heard.2.2);
    fitting
}

/// True if neither says what the other denies. Logs and packets do not write mechanisms alike, nor accounts.
fn is_same(one: &Key, other: &Key) -> bool {
    let alike = |one: &Option<String>, other: &Option<String>, fits: fn(&str, &str) -> bool| {
        let both = one.as_deref().zip(other.as_deref());
        both.is_none_or(|(one, other)| fits(one, other))
    };
    one.3.2 == other.3.2
        && agree(&one.1.0, &other.1.0)
        && agree(&one.2.2, &other.2.2)
        && agree(&one.3.0, &other.3.0)
        && agree(&one.3.1, &other.3.1)
        && alike(&one.2.1, &other.2.1, str::eq_ignore_ascii_case)
        && alike(&one.2.0, &other.2.0, is_one_account)
}

/// True if `heard` says something of which `told` says nothing. By which name somebody called is told of the way, and makes no
/// other.
fn says_more(heard: &Key, told: &Key) -> bool {
    fn more<T>(heard: &Option<T>, told: &Option<T>) -> bool {
        heard.is_some() && told.is_none()
    }
    more(&heard.1.0, &told.1.0)
        || more(&heard.2.0, &told.2.0)
        || more(&heard.2.1, &told.2.1)
        || more(&heard.2.2, &told.2.2)
        || more(&heard.3.0, &told.3.0)
        || more(&heard.3.1, &told.3.1)
}

/// What both know; where both say it, as the first spells it.
fn both(one: &Key, other: &Key) -> Key {
    fn either<T: Clone>(one: &Option<T>, other: &Option<T>) -> Option<T> {
        one.clone().or_else(|| other.clone())
    }
    let (how, more) = (&one.2, &other.2);
    (
        one.0.clone(),
        (one.1.0.or(other.1.0), either(&one.1.1, &other.1.1)),
        (
            either(&how.0, &more.0),
            either(&how.1, &more.1),
            how.2.or(more.2),
            either(&how.3, &more.3),
        ),
        (
            either(&one.3.0, &other.3.0),
            either(&one.3.1, &other.3.1),
            one.3.2,
        ),
    )
}

impl Step {
    fn take(self, rows: &mut Rows<'_>) {
        match self {
            Self::Are(keys, heard) => {
                let (told, key) = *keys;
                let Some(mut row) = rows.remove(&told) else {
                    return;
                };
                for heard in heard {
                    row = row.and(rows.remove(&heard).unwrap_or_default());
                }
                let there = rows.remove(&key).unwrap_or_default();
                rows.insert(key, there.and(row));
            }
            Self::StandsBy(heard, several) => {
                let Some(heard) = rows.remove(&heard) else {
                    return;
                };
                for told in several {
                    if let Some(row) = rows.get_mut(&told) {
                        row.witnesses.extend(&heard.witnesses);
                        row.logs.extend(heard.logs.iter().cloned());
                        row.evidence.extend(heard.evidence.iter().cloned());
                    }
                }
            }
        }
    }
}
