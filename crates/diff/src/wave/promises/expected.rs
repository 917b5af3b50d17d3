//! The needs that must exist afterwards.

use std::collections::BTreeSet;

use groma_model::inventory::{Basis, Dependency};
use groma_model::wave::Expectation;

use super::{Judge, plainly, task};
use crate::dependencies::place;
use crate::outcome::{Because, WaveLine};
use crate::wave::due::due;
use crate::wave::to_do::Task;

impl<'a> Judge<'_, 'a> {
    pub(super) fn expectation(&mut self, promise: &Expectation) {
        let meant = self.meant(promise);
        let at_port = |d: &&&Dependency| promise.port.is_none() || d.provider.port == promise.port;
        let fits: Vec<&Dependency> = meant.iter().filter(at_port).copied().collect();
        self.spoken_of.extend(fits.iter().map(|d| d.id.clone()));
        let current: Vec<&Dependency> = fits.iter().copied().filter(|d| d.current).collect();
        if let Some(first) = current.first() {
            let says = format!("{promise}: {}", seen_by(&current));
            self.outcome.confirmed.push(WaveLine::about(first, says));
        } else if let Some(first) = fits.first() {
            self.known_only(promise, first);
        } else if let Some(other) = meant.first() {
            self.spoken_of.insert(other.id.clone());
            let at = place(other);
            let says = format!("{promise}: found at {at} instead");
            self.outcome.moved.push(WaveLine::about(other, says));
            let action = format!("check that {at} is meant: the wave file says {promise}");
            self.tasks.add(task(Because::Moved, other, action));
        } else if self.case.new.meant(&promise.provider).is_empty() {
            self.nobody(format!("{promise}: nobody knows {}", promise.provider));
        } else {
            self.nobody(format!("{promise}: nobody does it"));
        }
    }

    /// The later needs of this kind between those whom the promise names, at whatever port.
    fn meant(&self, promise: &Expectation) -> Vec<&'a Dependency> {
        let providers = self.case.new.meant(&promise.provider);
        let consumers = promise
            .consumer
            .as_ref()
            .map(|name| self.case.new.meant(name));
        let fits = |d: &&Dependency| {
            let consumer = &d.consumer.entity;
            d.kind == promise.kind && consumers.as_ref().is_none_or(|c| c.contains(consumer))
        };
        let needs = providers.iter().filter_map(|id| self.serving.get(id));
        let mut needs: Vec<&Dependency> = needs.flatten().copied().filter(fits).collect();
        needs.sort_by(|a, b| a.id.cmp(&b.id));
        needs
    }

    /// It is known, but the newest look did not see it.
    fn known_only(&mut self, promise: &Expectation, first: &Dependency) {
        let open = due(first, self.case.moved())
            .filter(|due| due.is_open_at(self.case.looked_until(first)));
        let Some(due) = open else {
            let says = format!("{promise}: known, but the newest look did not see it");
            self.outcome.not_seen.push(WaveLine::about(first, says));
            let action = format!("look longer, or use it once by hand: {promise}");
            self.tasks.add(task(Because::NotSeen, first, action));
            return;
        };
        let day = due.at.day();
        let line = WaveLine::about(first, format!("{promise}: runs again on {day}"));
        self.outcome.not_due_yet.push(line.due(Some(due.at)));
        let action = format!("run it once by hand, or look again after {day}: {promise}");
        self.tasks.add(task(Because::NotDueYet, first, action));
    }

    fn nobody(&mut self, says: String) {
        self.tasks.add(Task::of(
            Because::Missing,
            format!("make it so, or take it out of the wave file: {says}"),
        ));
        self.outcome.missing.push(plainly(says));
    }
}

/// `seen, by app1, app2`.
fn seen_by(current: &[&Dependency]) -> String {
    let seen = if current.iter().any(|d| d.basis == Basis::Observed) {
        "seen"
    } else {
        "configured, no connection seen yet"
    };
    let who: BTreeSet<&str> = current.iter().map(|d| d.consumer.name.as_str()).collect();
    let who: Vec<&str> = who.into_iter().collect();
    format!("{seen}, by {}", who.join(", "))
}
