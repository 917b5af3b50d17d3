//! Everybody who needed what goes must need what takes its place.

use std::collections::BTreeSet;

use groma_model::inventory::{Basis, Dependency};
use groma_model::{EntityId, Port, Timestamp};

use super::{Judge, plainly, said, task, title};
use crate::dependencies::{component, files, place};
use crate::outcome::{Because, WaveLine};
use crate::wave::case::Meant;
use crate::wave::due::{Due, due};
use crate::wave::to_do::Task;

impl<'a> Judge<'_, 'a> {
    pub(super) fn needs_of(&mut self, meant: &Meant<'a>) {
        for name in [&meant.promise.from, &meant.promise.to] {
            if self.case.everywhere(name).is_empty() {
                let says =
                    format!("{name} is in neither inventory: check the name in the wave file");
                self.tasks.add(Task::of(Because::Missing, &says));
                self.outcome.missing.push(plainly(says));
            }
        }
        let needed = meant.from.iter().filter_map(|id| self.needing.get(id));
        let needed: Vec<&Dependency> = needed.flatten().copied().collect();
        let others = |d: &&Dependency| !meant.from.contains(&d.consumer.entity) && !d.details.local;
        for old in needed.into_iter().filter(others) {
            self.need(old, meant);
        }
    }

    /// Where the consumer itself moves, its needs are looked for at its new place too.
    fn consumers<'d>(&'d self, consumer: &'d EntityId) -> BTreeSet<&'d EntityId> {
        let moving = self.case.moves.iter().filter(|m| m.from.contains(consumer));
        moving.flat_map(|m| &m.to).chain([consumer]).collect()
    }

    fn need(&mut self, old: &'a Dependency, meant: &Meant<'a>) {
        let consumers = self.consumers(&old.consumer.entity);
        let found = consumers
            .iter()
            .filter_map(|c| self.alike.get(&(*c, old.kind.as_str())));
        let alike: Vec<&Dependency> = found.flatten().copied().collect();
        let there = |d: &&Dependency| meant.to.contains(&d.provider.entity);
        let at_new = best(alike.iter().copied().filter(there), old);
        let known = alike.iter().copied().find(|d| d.id == old.id);
        self.spoken_of.insert(old.id.clone());
        self.spoken_of.extend(at_new.map(|d| d.id.clone()));
        let still = known.filter(|d| d.current && !self.case.is_of_yesterday(d));
        match (at_new, still) {
            (new, Some(still)) if self.case.nobody_looked(still) => {
                // Only the other end can have told of a new place, and only of one that is new.
                let before = &self.case.pair.before.dependencies;
                match new.filter(|d| !before.contains_key(&d.id)) {
                    Some(new) => self.arrived(old, new),
                    None if self.is_doubted(old) => {}
                    None => self.not_seen(still, "nobody has looked since"),
                }
            }
            (new, Some(still)) => self.stayed(still, new, meant),
            (Some(new), None) => self.arrived(old, new),
            (None, None) => self.lost(old, known, &alike, meant),
        }
    }

    /// True if its consumer still uses the old place, and nobody can tell that it is not this need: that is told instead.
    fn is_doubted(&mut self, old: &Dependency) -> bool {
        let doubts = self.turning.doubts(old);
        let is_doubted = !doubts.is_empty();
        self.doubts.extend(doubts);
        is_doubted
    }

    fn not_seen(&mut self, d: &Dependency, why: &str) {
        let line = WaveLine::about(d, format!("{}: {why}", said(d)));
        self.outcome.not_seen.push(line);
    }

    /// Nobody saw it either way, although somebody looked.
    fn look_longer(&mut self, old: &Dependency, line: WaveLine) {
        let part = component(old);
        let action = format!("look longer, or use {part} once by hand ({})", title(old));
        self.tasks.add(task(Because::NotSeen, old, action));
        self.outcome.not_seen.push(line);
    }

    /// It still leads to the old place.
    fn stayed(&mut self, still: &Dependency, new: Option<&Dependency>, meant: &Meant<'a>) {
        let (from, to) = (&meant.promise.from, &meant.promise.to);
        let also = if new.is_some() {
            ", and also at the new place"
        } else {
            ""
        };
        let says = format!("{}: still at {from}{also}", said(still));
        self.outcome.missing.push(WaveLine::about(still, says));
        let name = still.reached_as.as_deref().unwrap_or(from);
        let files = files(still);
        // An alias may be written there on purpose; then the alias must be led to the new place.
        let action = if files.is_empty() {
            format!(
                "point {} at {to}: it still uses {name} for {}",
                component(still),
                title(still)
            )
        } else {
            let files = files.join(", ");
            format!(
                "in {files} put {to} in place of {name} ({}), or lead that name there",
                title(still)
            )
        };
        self.tasks.add(task(Because::Missing, still, action));
    }

    /// It is at the new place: as promised, or only by the letter.
    fn arrived(&mut self, old: &Dependency, new: &Dependency) {
        let what = said(old);
        let at = place(new);
        let ports: (Option<Port>, Option<Port>) = (old.provider.port, new.provider.port);
        if !new.current {
            let says = format!("{what}: known at {at}, but the newest look did not see it");
            self.look_longer(old, WaveLine::about(new, says));
        } else if ports.0.is_some() && ports.1.is_some() && ports.0 != ports.1 {
            let says = format!("{what}: now at {at}, another port");
            self.outcome.moved.push(WaveLine::about(new, says));
            let action = format!(
                "check that {at} is meant for {}, and that firewalls and monitoring know it",
                title(new)
            );
            self.tasks.add(task(Because::Moved, new, action));
        } else if old.basis == Basis::Observed && new.basis != Basis::Observed {
            let configured = format!("configured for {at}");
            match due(old, self.case.moved()) {
                Some(due) => self.comes_round(old, new, due, &configured),
                None => {
                    let says = format!("{what}: {configured}, no connection seen yet");
                    self.look_longer(old, WaveLine::about(new, says));
                }
            }
        } else if !self.is_doubted(old) {
            let says = format!("{what}: now at {at}");
            self.outcome.confirmed.push(WaveLine::about(new, says));
        }
    }

    /// It comes round and has not come yet: it is still to come, or it stayed away.
    fn comes_round(&mut self, old: &Dependency, cited: &Dependency, due: Due, state: &str) {
        let (day, part) = (due.at.day(), component(old));
        let state = if state.is_empty() {
            String::new()
        } else {
            format!("{state}, ")
        };
        if due.is_open_at(self.case.looked_until(old)) {
            let says = format!("{}: {state}runs again on {day}", said(old));
            self.waits(old, cited, says, due.at);
            return;
        }
        if self.case.nobody_looked(old) {
            self.not_seen(
                old,
                &format!("{state}was due on {day}, and nobody has looked since"),
            );
            return;
        }
        let says = format!("{}: {state}was due on {day}, did not come", said(old));
        self.outcome
            .missing
            .push(WaveLine::about(cited, says).due(Some(due.at)));
        let action = format!(
            "find out why {part} did not come on {day} ({}), and run it by hand",
            title(old)
        );
        self.tasks.add(task(Because::Missing, old, action));
    }

    fn waits(&mut self, old: &Dependency, cited: &Dependency, says: String, at: Timestamp) {
        let line = WaveLine::about(cited, says).due(Some(at));
        self.outcome.not_due_yet.push(line);
        let (day, part) = (at.day(), component(old));
        let action = format!(
            "run {part} once by hand, or look again after {day} ({})",
            title(old)
        );
        self.tasks.add(task(Because::NotDueYet, old, action));
    }

    /// It is not at the old place and not at the new one.
    fn lost(
        &mut self,
        old: &Dependency,
        known: Option<&Dependency>,
        alike: &[&Dependency],
        meant: &Meant<'a>,
    ) {
        let what = said(old);
        let before = &self.case.pair.before.dependencies;
        let elsewhere = alike.iter().find(|d| {
            !before.contains_key(&d.id) && d.consumer.component == old.consumer.component
        });
        let due = due(old, self.case.moved());
        if let Some(other) = elsewhere {
            self.spoken_of.insert(other.id.clone());
            let at = place(other);
            let says = format!("{what}: now at {at}, not where the wave says");
            self.outcome.moved.push(WaveLine::about(other, says));
            let to = &meant.promise.to;
            let action = format!(
                "point {} at {to}, or write {at} into the wave file ({})",
                component(other),
                title(other)
            );
            self.tasks.add(task(Because::Moved, other, action));
        } else if self.is_doubted(old) {
            // That it is still there is told by what was seen there.
        } else if let Some(due) = due {
            self.comes_round(old, old, due, "");
        } else if known.is_some() && self.case.nobody_looked(old) {
            self.not_seen(old, "nobody has looked since");
        } else if known.is_some() {
            let says = format!("{what}: seen neither at the old place nor at the new one");
            self.look_longer(old, WaveLine::about(old, says));
        } else {
            let says = format!("{what}: gone from the old place, and not at the new one");
            self.outcome.missing.push(WaveLine::about(old, says));
            let to = &meant.promise.to;
            let action = format!(
                "find out how {} gets {} now: it does not use {to}",
                component(old),
                title(old)
            );
            self.tasks.add(task(Because::Missing, old, action));
        }
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
