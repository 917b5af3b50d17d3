//! The same two inventories against what a wave promised: confirmed, missing, unexpected, moved, not seen.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Basis, Dependency, Inventory, MailRecordEntry};
use groma_model::registry::REGISTRY;
use groma_model::remembered;
use groma_model::wave::{Expectation, Move, Wave};
use groma_model::{DependencyId, EntityId, Port, Timestamp};

use crate::change::{Changes, Class};
use crate::dependencies::{component, place};
use crate::outcome::{WAVE_OUTCOME_SCHEMA, WaveLine, WaveOutcome};
use crate::pair::Pair;

/// Holds the later inventory against the promises of `wave`. `changes` is what [`crate::compare`] made of
/// the same two inventories.
pub fn compare_wave(
    changes: &Changes,
    before: &Inventory,
    after: &Inventory,
    wave: &Wave,
) -> WaveOutcome {
    let mut outcome = WaveOutcome {
        schema: WAVE_OUTCOME_SCHEMA.to_owned(),
        wave: wave.name.clone(),
        ..WaveOutcome::default()
    };
    let pair = Pair::new(before, after);
    let mut judge = Judge {
        pair: &pair,
        before,
        after,
        wave,
        moves: Vec::new(),
        alike: BTreeMap::new(),
        spoken_of: BTreeSet::new(),
        silent: silent(before, after),
    };
    judge.prepare();
    wave.moves
        .iter()
        .for_each(|m| judge.needs_of(m, &mut outcome));
    wave.moves
        .iter()
        .for_each(|m| judge.names_of(m, &mut outcome));
    wave.expected
        .iter()
        .for_each(|e| judge.expectation(e, &mut outcome));
    judge.the_rest(changes, &mut outcome);
    outcome.to_lower = to_lower(before, wave);
    let lists = [
        &mut outcome.confirmed,
        &mut outcome.missing,
        &mut outcome.unexpected,
        &mut outcome.moved,
        &mut outcome.not_seen,
        &mut outcome.not_due_yet,
        &mut outcome.to_lower,
    ];
    for list in lists {
        list.sort();
        list.dedup();
    }
    outcome
}

/// The records that name what goes, with the moment by which each must be remembered for a shorter time.
fn to_lower(before: &Inventory, wave: &Wave) -> Vec<WaveLine> {
    let Some(window) = wave.window else {
        return Vec::new();
    };
    let goes = wave.moves.iter().map(|m| &m.from).chain(&wave.members);
    let meant = remembered::meant(before, goes);
    let leaving: BTreeSet<&EntityId> = meant.values().flatten().collect();
    let line = |record: &MailRecordEntry| {
        record.machines.iter().find(|id| leaving.contains(id))?;
        let (seconds, by) = remembered::lower_by(record, window.from)?;
        let (what, asked, by) = (record.purpose.as_str(), &record.asked, by.minute());
        Some(WaveLine {
            says: format!(
                "{what} at {asked} is remembered for {seconds} s: lower it before {by} UTC"
            ),
            dependency: None,
            evidence: record.evidence.clone(),
        })
    };
    before.mail_records.iter().filter_map(line).collect()
}

struct Judge<'a> {
    pair: &'a Pair<'a>,
    before: &'a Inventory,
    after: &'a Inventory,
    wave: &'a Wave,
    /// What each move means: what goes, what takes its place.
    moves: Vec<(BTreeSet<EntityId>, BTreeSet<EntityId>)>,
    /// The later needs by consumer and kind.
    alike: BTreeMap<(&'a EntityId, &'a str), Vec<&'a Dependency>>,
    /// Dependencies a promise already spoke about.
    spoken_of: BTreeSet<DependencyId>,
    /// Machines that were looked at before, and not again since.
    silent: BTreeSet<&'a EntityId>,
}

/// The vantages whose newest look is no newer in `after`, where somebody else's is. What is known of them is what
/// was known before: an old need that still stands there proves nothing.
fn silent<'a>(before: &'a Inventory, after: &'a Inventory) -> BTreeSet<&'a EntityId> {
    let (old, new) = (newest_looks(before), newest_looks(after));
    if new.values().max() <= old.values().max() {
        return BTreeSet::new();
    }
    let again = |vantage: &EntityId, last: &Timestamp| new.get(vantage).is_some_and(|n| n > last);
    old.into_iter()
        .filter(|(vantage, last)| !again(vantage, last))
        .map(|(vantage, _)| vantage)
        .collect()
}

fn newest_looks(inventory: &Inventory) -> BTreeMap<&EntityId, Timestamp> {
    let mut newest: BTreeMap<&EntityId, Timestamp> = BTreeMap::new();
    for entry in &inventory.coverage {
        let last = newest.entry(&entry.vantage).or_insert(entry.to);
        *last = (*last).max(entry.to);
    }
    newest
}

/// The entities `name` means in an inventory.
fn ids(inventory: &Inventory, name: &str) -> BTreeSet<EntityId> {
    inventory
        .find(name)
        .into_iter()
        .map(|e| e.id.clone())
        .collect()
}

impl<'a> Judge<'a> {
    fn prepare(&mut self) {
        let meaning = |m: &Move| (self.source(&m.from), self.target(&m.to));
        self.moves = self.wave.moves.iter().map(meaning).collect();
        for d in self.pair.after.dependencies.values() {
            self.alike
                .entry((&d.consumer.entity, &d.kind))
                .or_default()
                .push(d);
        }
    }

    /// The entities `name` means on either side.
    fn everywhere(&self, name: &str) -> BTreeSet<EntityId> {
        ids(self.before, name)
            .into_iter()
            .chain(ids(self.after, name))
            .collect()
    }

    /// What goes: what the name meant before, for afterwards it may be an alias of the new place.
    fn source(&self, name: &str) -> BTreeSet<EntityId> {
        let old = ids(self.before, name);
        if old.is_empty() {
            ids(self.after, name)
        } else {
            old
        }
    }

    /// What takes its place: what the name means now.
    fn target(&self, name: &str) -> BTreeSet<EntityId> {
        let new = ids(self.after, name);
        if new.is_empty() {
            ids(self.before, name)
        } else {
            new
        }
    }

    /// Where the consumer itself moves, its needs are looked for at its new place too.
    fn consumers(&self, consumer: &EntityId) -> BTreeSet<EntityId> {
        let moving = self
            .moves
            .iter()
            .filter(|(from, _)| from.contains(consumer));
        moving
            .flat_map(|(_, to)| to)
            .chain([consumer])
            .cloned()
            .collect()
    }

    /// Everybody who needed `from` must need `to` now.
    fn needs_of(&mut self, promise: &Move, outcome: &mut WaveOutcome) {
        let (from, to) = (self.source(&promise.from), self.target(&promise.to));
        for name in [&promise.from, &promise.to] {
            if self.everywhere(name).is_empty() {
                outcome.missing.push(WaveLine::only(format!(
                    "{name} is in neither inventory: check the name in the wave file"
                )));
            }
        }
        let pair = self.pair;
        let needed = pair
            .before
            .dependencies
            .values()
            .filter(|d| from.contains(&d.provider.entity));
        for old in needed.filter(|d| !from.contains(&d.consumer.entity) && !d.details.local) {
            self.need(old, promise, &to, outcome);
        }
    }

    fn need(
        &mut self,
        old: &Dependency,
        promise: &Move,
        to: &BTreeSet<EntityId>,
        outcome: &mut WaveOutcome,
    ) {
        let consumers = self.consumers(&old.consumer.entity);
        let found = consumers
            .iter()
            .filter_map(|c| self.alike.get(&(c, old.kind.as_str())));
        let alike: Vec<&Dependency> = found.flatten().copied().collect();
        let at_new = best(
            alike
                .iter()
                .copied()
                .filter(|d| to.contains(&d.provider.entity)),
            old,
        );
        let still = alike.iter().copied().find(|d| d.id == old.id);
        self.spoken_of.insert(old.id.clone());
        self.spoken_of.extend(at_new.map(|d| d.id.clone()));
        let what = said(old);
        match (at_new, still.filter(|d| d.current)) {
            (new, Some(still)) if self.nobody_looked(still) => {
                // Only the other end can have told of a new place, and only of one that is new.
                match new.filter(|d| !self.pair.before.dependencies.contains_key(&d.id)) {
                    Some(new) => arrived(old, new, &what, outcome),
                    None => outcome.not_seen.push(WaveLine::about(
                        still,
                        format!("{what}: nobody has looked since"),
                    )),
                }
            }
            (_, Some(still)) => {
                let also = if at_new.is_some() {
                    ", and also at the new place"
                } else {
                    ""
                };
                outcome.missing.push(WaveLine::about(
                    still,
                    format!("{what}: still at {}{also}", promise.from),
                ));
            }
            (Some(new), None) => arrived(old, new, &what, outcome),
            (None, None) => self.lost(old, still, &alike, &what, outcome),
        }
    }

    /// True if neither end that could tell was looked at again: the consumer where it has an agent, else the provider.
    fn nobody_looked(&self, need: &Dependency) -> bool {
        let watched = |id: &EntityId| {
            let there = [&self.pair.before, &self.pair.after].map(|side| side.entities.get(id));
            there.into_iter().flatten().any(|e| e.has_agent)
        };
        let tells = [&need.consumer.entity, &need.provider.entity]
            .into_iter()
            .find(|id| watched(id));
        tells.is_some_and(|id| self.silent.contains(id))
    }

    /// It is not at the old place and not at the new one.
    fn lost(
        &mut self,
        old: &Dependency,
        still: Option<&Dependency>,
        alike: &[&Dependency],
        what: &str,
        outcome: &mut WaveOutcome,
    ) {
        let before = &self.pair.before.dependencies;
        let elsewhere = alike.iter().find(|d| {
            !before.contains_key(&d.id) && d.consumer.component == old.consumer.component
        });
        if let Some(other) = elsewhere {
            self.spoken_of.insert(other.id.clone());
            outcome.moved.push(WaveLine::about(
                other,
                format!("{what}: now at {}, not where the wave says", place(other)),
            ));
        } else if old.next_due.is_some_and(|due| due > self.after.window.to) {
            let due = old.next_due.map_or_else(String::new, |at| at.day());
            outcome
                .not_due_yet
                .push(WaveLine::about(old, format!("{what}: runs again on {due}")));
        } else if still.is_some() {
            outcome.not_seen.push(WaveLine::about(
                old,
                format!("{what}: seen neither at the old place nor at the new one"),
            ));
        } else {
            outcome.missing.push(WaveLine::about(
                old,
                format!("{what}: gone from the old place, and not at the new one"),
            ));
        }
    }

    /// The names that must lead to the new place.
    fn names_of(&self, promise: &Move, outcome: &mut WaveOutcome) {
        let (from, to) = (self.source(&promise.from), self.target(&promise.to));
        for name in &promise.names_that_follow {
            let now = ids(self.after, name);
            let old = now.iter().any(|id| from.contains(id));
            let new = now.iter().any(|id| to.contains(id));
            match (new, old) {
                (true, false) => outcome
                    .confirmed
                    .push(WaveLine::only(format!("{name} leads to {}", promise.to))),
                (_, true) => outcome.missing.push(WaveLine::only(format!(
                    "{name} still leads to {}",
                    promise.from
                ))),
                (false, false) if now.is_empty() => outcome
                    .not_seen
                    .push(WaveLine::only(format!("{name}: nobody was seen using it"))),
                (false, false) => outcome.missing.push(WaveLine::only(format!(
                    "{name} leads neither to {} nor to {}",
                    promise.from, promise.to
                ))),
            }
        }
    }

    fn expectation(&mut self, promise: &Expectation, outcome: &mut WaveOutcome) {
        let providers = ids(self.after, &promise.provider);
        let consumers = promise.consumer.as_ref().map(|name| ids(self.after, name));
        let by_provider =
            |d: &Dependency| d.kind == promise.kind && providers.contains(&d.provider.entity);
        let by_consumer = |d: &Dependency| {
            consumers
                .as_ref()
                .is_none_or(|c| c.contains(&d.consumer.entity))
        };
        let at_port = |d: &Dependency| promise.port.is_none() || d.provider.port == promise.port;
        let pair = self.pair;
        let meant: Vec<&Dependency> = pair
            .after
            .dependencies
            .values()
            .copied()
            .filter(|d| by_provider(d) && by_consumer(d))
            .collect();
        let fits: Vec<&Dependency> = meant.iter().copied().filter(|d| at_port(d)).collect();
        self.spoken_of.extend(fits.iter().map(|d| d.id.clone()));
        let current: Vec<&Dependency> = fits.iter().copied().filter(|d| d.current).collect();
        if let Some(first) = current.first() {
            let seen = if current.iter().any(|d| d.basis == Basis::Observed) {
                "seen"
            } else {
                "configured, no connection seen yet"
            };
            let who: BTreeSet<&str> = current.iter().map(|d| d.consumer.name.as_str()).collect();
            let who: Vec<&str> = who.into_iter().collect();
            outcome.confirmed.push(WaveLine::about(
                first,
                format!("{promise}: {seen}, by {}", who.join(", ")),
            ));
        } else if let Some(first) = fits.first() {
            outcome.not_seen.push(WaveLine::about(
                first,
                format!("{promise}: known, but the newest look did not see it"),
            ));
        } else if let Some(other) = meant.first() {
            self.spoken_of.insert(other.id.clone());
            outcome.moved.push(WaveLine::about(
                other,
                format!("{promise}: found at {} instead", place(other)),
            ));
        } else if providers.is_empty() {
            outcome.missing.push(WaveLine::only(format!(
                "{promise}: nobody knows {}",
                promise.provider
            )));
        } else {
            outcome
                .missing
                .push(WaveLine::only(format!("{promise}: nobody does it")));
        }
    }

    /// What changed outside the members and moves of the wave, and outside its exclusions.
    fn the_rest(&self, changes: &Changes, outcome: &mut WaveOutcome) {
        let moves = self.wave.moves.iter().flat_map(|m| [&m.from, &m.to]);
        let planned = self
            .wave
            .members
            .iter()
            .chain(moves)
            .chain(&self.wave.exclusions);
        let planned: BTreeSet<EntityId> = planned.flat_map(|name| self.everywhere(name)).collect();
        for change in &changes.changes {
            let id = DependencyId::new(change.id.as_str());
            let known =
                change.entities.iter().any(|e| planned.contains(e)) || self.spoken_of.contains(&id);
            let absent = change.class == Class::NotSeen;
            if known || self.wave.exclusions.contains(&change.on) {
                continue;
            }
            let says = format!(
                "{}: {} {}, {}",
                change.on,
                change.area.word(),
                change.class.word(),
                change.says
            );
            let dependency = change.id.starts_with("dep-").then_some(id);
            let line = WaveLine {
                says,
                dependency,
                evidence: change.evidence.clone(),
            };
            if absent {
                outcome.not_seen.push(line)
            } else {
                outcome.unexpected.push(line)
            }
        }
    }
}

/// It is at the new place: as promised, or only by the letter.
fn arrived(old: &Dependency, new: &Dependency, what: &str, outcome: &mut WaveOutcome) {
    let ports: (Option<Port>, Option<Port>) = (old.provider.port, new.provider.port);
    if !new.current {
        outcome.not_seen.push(WaveLine::about(
            new,
            format!(
                "{what}: known at {}, but the newest look did not see it",
                place(new)
            ),
        ));
    } else if ports.0.is_some() && ports.1.is_some() && ports.0 != ports.1 {
        outcome.moved.push(WaveLine::about(
            new,
            format!("{what}: now at {}, another port", place(new)),
        ));
    } else if old.basis == Basis::Observed && new.basis != Basis::Observed {
        outcome.not_seen.push(WaveLine::about(
            new,
            format!(
                "{what}: configured for {}, no connection seen yet",
                place(new)
            ),
        ));
    } else {
        outcome.confirmed.push(WaveLine::about(
            new,
            format!("{what}: now at {}", place(new)),
        ));
    }
}

/// Of several needs at the new place, the one most like the old one.
fn best<'d>(
    candidates: impl Iterator<Item = &'d Dependency>,
    old: &Dependency,
) -> Option<&'d Dependency> {
    let unlike = |d: &&Dependency| {
        (
            !d.current,
            d.consumer.component != old.consumer.component,
            d.provider.port != old.provider.port,
            d.id.clone(),
        )
    };
    candidates.min_by_key(unlike)
}

fn said(d: &Dependency) -> String {
    format!(
        "{} ({}) for {}",
        d.consumer.name,
        component(d),
        REGISTRY.kind(&d.kind).title
    )
}
