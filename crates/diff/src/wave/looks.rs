//! Who was looked at when, before and after.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{CoverageEntry, GapEntry, Inventory};
use groma_model::{CoverageState, EntityId, SourceName, Timestamp};

/// The looks of both moments, by machine and way of looking.
pub(crate) struct Looks<'a> {
    old: Side<'a>,
    new: Side<'a>,
    /// True if somebody looked at all between the two moments.
    looked: bool,
}

type Way<'a> = (&'a EntityId, &'a SourceName);

#[derive(Default)]
struct Side<'a> {
    machines: BTreeMap<&'a EntityId, Timestamp>,
    ways: BTreeMap<Way<'a>, Timestamp>,
    complete: BTreeSet<(&'a EntityId, &'a SourceName, &'a str)>,
    partial: BTreeMap<(&'a EntityId, &'a SourceName, &'a str), &'a [GapEntry]>,
}

/// What differs between the looks at one machine.
#[derive(Default)]
pub(crate) struct Difference<'a> {
    /// Ways that were not used again, with the moment until which the last of them told.
    pub(crate) not_again: BTreeMap<&'a SourceName, Timestamp>,
    /// Ways that saw everything before, and not all now, with what they could not see.
    pub(crate) partial: BTreeMap<&'a SourceName, Option<&'a GapEntry>>,
    /// True if no way at all was used again.
    pub(crate) is_silent: bool,
}

impl<'a> Looks<'a> {
    pub(crate) fn of(before: &'a Inventory, after: &'a Inventory) -> Self {
        let (old, new) = (Side::of(before), Side::of(after));
        let looked = new.machines.values().max() > old.machines.values().max();
        Self { old, new, looked }
    }

    /// True if the machine was looked at before, and not since, where others were. What is known of it is what was
    /// known before: an old need that still stands there proves nothing.
    pub(crate) fn is_silent(&self, machine: &EntityId) -> bool {
        let Some(last) = self.old.machines.get(machine) else {
            return false;
        };
        self.looked && self.new.machines.get(machine).is_none_or(|n| n <= last)
    }

    /// The end of the last look at a machine before the wave.
    pub(crate) fn before(&self, machine: &EntityId) -> Option<Timestamp> {
        self.old.machines.get(machine).copied()
    }

    /// The end of the newest look at a machine.
    pub(crate) fn newest(&self, machine: &EntityId) -> Option<Timestamp> {
        self.new.machines.get(machine).copied()
    }

    /// True if the later moment has a look at `machine` by `source`, as new as that machine's others.
    pub(crate) fn has_source(&self, machine: &EntityId, source: &str) -> bool {
        let source = SourceName::new(source);
        !self.is_silent(machine) && self.new.ways.contains_key(&(machine, &source))
    }

    /// True if the later moment looked at `machine` by `source`, and the earlier one did not.
    pub(crate) fn is_new_way(&self, machine: &EntityId, source: &SourceName) -> bool {
        let way = (machine, source);
        self.new.ways.contains_key(&way) && !self.old.ways.contains_key(&way)
    }

    /// The machines that were looked at differently.
    pub(crate) fn differences(&self) -> BTreeMap<&'a EntityId, Difference<'a>> {
        let mut found: BTreeMap<&EntityId, Difference<'a>> = BTreeMap::new();
        if !self.looked {
            return found;
        }
        for ((machine, source), last) in &self.old.ways {
            let again = self.new.ways.get(&(*machine, *source));
            if again.is_none_or(|n| n <= last) {
                let difference = found.entry(machine).or_default();
                difference.not_again.insert(source, *last);
                difference.is_silent = self.is_silent(machine);
            }
        }
        for (key, gaps) in &self.new.partial {
            let (machine, source, _) = *key;
            let again =
                self.new.ways.get(&(machine, source)) > self.old.ways.get(&(machine, source));
            if again && self.old.complete.contains(key) {
                let difference = found.entry(machine).or_default();
                let slot = difference.partial.entry(source).or_default();
                *slot = slot.or(gaps.first());
            }
        }
        found
    }
}

impl<'a> Side<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut side = Self::default();
        for entry in inventory.coverage.iter().filter(|e| is_repeated(e)) {
            let (machine, source) = (&entry.vantage, &entry.source);
            for last in [
                side.machines.entry(machine).or_insert(entry.to),
                side.ways.entry((machine, source)).or_insert(entry.to),
            ] {
                *last = (*last).max(entry.to);
            }
            let key = (machine, source, entry.scope.as_str());
            if entry.state == CoverageState::Complete {
                side.complete.insert(key);
            } else {
                let gaps = side.partial.entry(key).or_default();
                *gaps = (*gaps).max(entry.gaps.as_slice());
            }
        }
        // A scope that one row calls complete and another partial was not seen completely.
        side.complete.retain(|key| !side.partial.contains_key(key));
        side
    }
}

/// A list is imported once: nobody owes it a second look.
fn is_repeated(entry: &CoverageEntry) -> bool {
    let source = entry.source.as_str();
    !source.starts_with("declared.") && !source.ends_with("-list")
}
