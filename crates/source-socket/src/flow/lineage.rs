//! Which program a task was at a moment, also when it has ended since. Pure: what `/proc` said is handed in.
//!
//! Three things are known of a task: what `/proc` said of it at some moment, when it was made and by whom, and
//! which programs it started and when. `/proc` speaks for every moment between which and its reading the task
//! was neither made nor started another program; so a number given to another process never lends its name to the
//! one before. Where `/proc` came too late, the program is the path it was started by, and everything else is its
//! parent's.

use std::collections::HashMap;

use crate::sample::ProgramId;

/// Tasks that are remembered; beyond it the ones nothing was heard of for longest are forgotten.
const TASKS_MAX: usize = 32_768;
/// Readings and changes that are kept of one task.
const READINGS_MAX: usize = 4;
const CHANGES_MAX: usize = 8;
/// After this many ns a task that nothing is heard of may be forgotten.
const FORGOTTEN_AFTER: u64 = 120_000_000_000;
/// A reading this old is no longer trusted: accounts and groups change without an event.
const READING_LASTS: u64 = 15_000_000_000;
/// Parents that are followed.
const GENERATIONS_MAX: u32 = 8;

/// What `/proc` said of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    /// When it was read, ns on the monotonic clock.
    pub(crate) at: u64,
    /// The program.
    pub(crate) program: ProgramId,
    /// The kernel's number of its network namespace.
    pub(crate) namespace: u64,
    /// Clock ticks between boot and the start of its process.
    pub(crate) started: u64,
    /// True if it is we ourselves.
    pub(crate) ours: bool,
}

/// What became of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// It was made by this task.
    Made(u32),
    /// It started this program, and was asked for by this path.
    Started(Vec<u8>),
}

/// Who a task was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// What `/proc` said of it.
    Read(Reading),
    /// A program that had ended: the path it was started by, and what `/proc` said of its parent.
    Ended(Vec<u8>, Option<Reading>),
    /// Nobody knows any more.
    Unknown,
}

#[derive(Clone, Debug, Default)]
struct Task {
    readings: Vec<Reading>,
    changes: Vec<(u64, Change)>,
    heard: u64,
}

/// Everything known of tasks.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    tasks: HashMap<u32, Task>,
}

impl Lineage {
    /// Takes up what became of `task`.
    pub(crate) fn changed(&mut self, task: u32, at: u64, change: Change) {
        let known = self.task(task, at);
        known.changes.push((at, change));
        // Pages of two processors may come out of order.
        known.changes.sort_by_key(|(at, _)| *at);
        if known.changes.len() > CHANGES_MAX {
            known.changes.remove(0);
        }
    }

    /// Takes up what `/proc` said of `task`.
    pub(crate) fn read(&mut self, task: u32, reading: Reading) {
        let known = self.task(task, reading.at);
        if known.readings.len() >= READINGS_MAX {
            known.readings.remove(0);
        }
        known.readings.push(reading);
    }

    /// Events were lost: what is known of changes has holes, and only what is read from now on counts.
    pub(crate) fn forget(&mut self) {
        self.tasks.clear();
    }

    /// True if `/proc` has to be asked who `task` was at `at`.
    pub(crate) fn must_read(&self, task: u32, at: u64) -> bool {
        let known = self.tasks.get(&task);
        known.is_none_or(|known| known.reading(at).is_none())
    }

    /// Who `task` was at `at`.
    pub(crate) fn who(&self, task: u32, at: u64) -> Who {
        self.generation(task, at, GENERATIONS_MAX)
    }

    fn generation(&self, task: u32, at: u64, left: u32) -> Who {
        let Some(known) = self.tasks.get(&task).filter(|_| left > 0) else {
            return Who::Unknown;
        };
        if let Some(reading) = known.reading(at) {
            return Who::Read(reading);
        }
        let before = known.changes.iter().rev().filter(|(then, _)| *then <= at);
        let mut path = None;
        for (then, change) in before {
            match change {
                Change::Started(started) if path.is_none() => path = Some(started.clone()),
                Change::Started(_) => {}
                Change::Made(parent) => {
                    let parent = self.generation(*parent, *then, left - 1);
                    return match (path, parent) {
                        (None, parent) => parent,
                        (Some(path), Who::Read(parent)) => Who::Ended(path, Some(parent)),
                        (Some(path), Who::Ended(_, parent)) => Who::Ended(path, parent),
                        (Some(path), Who::Unknown) => Who::Ended(path, None),
                    };
                }
            }
        }
        path.map_or(Who::Unknown, |path| Who::Ended(path, None))
    }

    /// The task that made `task` before `at`, for asking `/proc` about it while it lives.
    pub(crate) fn parent(&self, task: u32, at: u64) -> Option<(u32, u64)> {
        let changes = &self.tasks.get(&task)?.changes;
        changes
            .iter()
            .rev()
            .find_map(|(then, change)| match change {
                Change::Made(parent) if *then <= at => Some((*parent, *then)),
                _ => None,
            })
    }

    fn task(&mut self, task: u32, at: u64) -> &mut Task {
        if self.tasks.len() >= TASKS_MAX && !self.tasks.contains_key(&task) {
            self.make_room(at);
        }
        let known = self.tasks.entry(task).or_default();
        known.heard = known.heard.max(at);
        known
    }

    fn make_room(&mut self, now: u64) {
        let old = now.saturating_sub(FORGOTTEN_AFTER);
        self.tasks.retain(|_, task| task.heard >= old);
        if self.tasks.len() >= TASKS_MAX / 2 {
            let mut heard: Vec<u64> = self.tasks.values().map(|task| task.heard).collect();
            heard.sort_unstable();
            let middle = heard.get(heard.len() / 2).copied().unwrap_or(now);
            self.tasks.retain(|_, task| task.heard > middle);
        }
    }
}

impl Task {
    /// A reading that speaks for `at`: no change lies between.
    fn reading(&self, at: u64) -> Option<Reading> {
        let speaks = |reading: &&Reading| {
            let (from, to) = (reading.at.min(at), reading.at.max(at));
            let fresh = to - from <= READING_LASTS;
            fresh
                && !self
                    .changes
                    .iter()
                    .any(|(then, _)| from < *then && *then <= to)
        };
        self.readings.iter().rev().find(speaks).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: u64, program: usize) -> Reading {
        Reading {
            at,
            program: ProgramId::numbered(program),
            namespace: 1,
            started: 0,
            ours: false,
        }
    }

    fn started(path: &str) -> Change {
        Change::Started(path.as_bytes().to_vec())
    }

    #[test]
    fn a_number_given_away_never_lends_its_name() {
        let mut lineage = Lineage::default();
        lineage.changed(7, 10, Change::Made(1));
        lineage.changed(7, 11, started("/bin/first"));
        // It called at 12, ended, and its number was given to another process before anybody looked.
        lineage.changed(7, 20, Change::Made(1));
        lineage.changed(7, 21, started("/bin/second"));
        lineage.read(7, reading(30, 2));
        assert_eq!(lineage.who(7, 12), Who::Ended(b"/bin/first".to_vec(), None));
        assert_eq!(lineage.who(7, 25), Who::Read(reading(30, 2)));
        assert!(lineage.must_read(7, 12) && !lineage.must_read(7, 25));
    }

    #[test]
    fn what_ended_too_early_has_its_path_and_its_parents_place() {
        let mut lineage = Lineage::default();
        lineage.read(1, reading(5, 9));
        lineage.changed(7, 10, Change::Made(1));
        assert_eq!(
            lineage.who(7, 11),
            Who::Read(reading(5, 9)),
            "a copy of its parent"
        );
        lineage.changed(7, 12, started("/usr/bin/curl"));
        assert_eq!(
            lineage.who(7, 13),
            Who::Ended(b"/usr/bin/curl".to_vec(), Some(reading(5, 9)))
        );
        assert_eq!(lineage.who(7, 11), Who::Read(reading(5, 9)));
        assert_eq!(lineage.parent(7, 13), Some((1, 10)));
    }

    #[test]
    fn a_grandparent_speaks_where_the_parent_is_gone_as_well() {
        let mut lineage = Lineage::default();
        lineage.read(1, reading(5, 9));
        lineage.changed(7, 10, Change::Made(1));
        lineage.changed(7, 11, started("/bin/sh"));
        lineage.changed(8, 12, Change::Made(7));
        lineage.changed(8, 13, started("/bin/nc"));
        assert_eq!(
            lineage.who(8, 14),
            Who::Ended(b"/bin/nc".to_vec(), Some(reading(5, 9)))
        );
        lineage.changed(9, 14, Change::Made(8));
        assert_eq!(
            lineage.who(9, 15),
            Who::Ended(b"/bin/nc".to_vec(), Some(reading(5, 9))),
            "a child that started nothing is what its parent was"
        );
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let mut lineage = Lineage::default();
        lineage.changed(7, 10, Change::Made(8));
        lineage.changed(8, 10, Change::Made(7));
        assert_eq!(lineage.who(7, 11), Who::Unknown);
    }

    #[test]
    fn a_churn_of_a_hundred_thousand_numbers_mislabels_nobody_and_stays_small() {
        let mut lineage = Lineage::default();
        for turn in 0..100_000_u64 {
            let (at, task) = (turn * 100, u32::try_from(turn % 300).unwrap());
            lineage.changed(task, at, Change::Made(100_000));
            lineage.changed(task, at + 1, Change::Started(turn.to_ne_bytes().to_vec()));
            if turn % 3 == 0 {
                lineage.read(task, reading(at + 5, usize::try_from(turn).unwrap()));
            }
            match lineage.who(task, at + 3) {
                Who::Read(read) => assert_eq!(
                    read.program,
                    ProgramId::numbered(usize::try_from(turn).unwrap())
                ),
                Who::Ended(path, _) => assert_eq!(path, turn.to_ne_bytes()),
                Who::Unknown => panic!("it was told"),
            }
        }
        for task in 0..100_000 {
            lineage.changed(task, 20_000_000, Change::Made(1));
        }
        assert!(lineage.tasks.len() <= TASKS_MAX);
    }
}
