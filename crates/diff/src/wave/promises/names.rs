//! The names that must lead to the new place.

use std::collections::BTreeSet;

use groma_model::EvidenceId;
use groma_model::inventory::EvidenceEntry;

use super::{Judge, plainly};
use crate::outcome::Because;
use crate::wave::case::Meant;
use crate::wave::to_do::Task;

impl<'a> Judge<'_, 'a> {
    pub(super) fn names_of(&mut self, meant: &Meant<'a>) {
        let (from, to) = (&meant.promise.from, &meant.promise.to);
        for name in &meant.promise.names_that_follow {
            let now = self.case.new.meant(name);
            let old = now.iter().any(|id| meant.from.contains(id));
            let new = now.iter().any(|id| meant.to.contains(id));
            let old = old && !(new && self.only_remembered(&name.to_lowercase(), meant));
            match (new, old) {
                (true, false) => {
                    let line = plainly(format!("{name} leads to {to}"));
                    self.outcome.confirmed.push(line);
                }
                (_, true) => self.astray(format!("{name} still leads to {from}"), name, to),
                (false, false) if now.is_empty() => {
                    let says = format!("{name}: nobody was seen using it");
                    let action = format!("ask for {name} once, and look again");
                    self.tasks.add(Task::of(Because::NotSeen, action));
                    self.outcome.not_seen.push(plainly(says));
                }
                (false, false) => {
                    let says = format!("{name} leads neither to {from} nor to {to}");
                    self.astray(says, name, to);
                }
            }
        }
    }

    /// True if the old place has the name only by what machines said that nobody looked at since: theirs is an answer of before.
    fn only_remembered(&self, name: &str, meant: &Meant<'a>) -> bool {
        let after = self.case.after;
        let places = after.entities.iter().filter(|e| meant.from.contains(&e.id));
        let ids: BTreeSet<&EvidenceId> = places.flat_map(|e| &e.evidence).collect();
        let tells = |e: &&EvidenceEntry| {
            let is_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
            let says = e.says.to_lowercase();
            let mut words = says.split(|c| !is_name(c));
            ids.contains(&e.id) && words.any(|word| word.trim_end_matches('.') == name)
        };
        let mut tellers = after.evidence.iter().filter(tells).peekable();
        tellers.peek().is_some() && tellers.all(|e| self.case.looks.is_silent(&e.vantage))
    }

    fn astray(&mut self, says: String, name: &str, to: &str) {
        let action = format!("lead {name} to {to}: {says}");
        self.tasks.add(Task::of(Because::Missing, action));
        self.outcome.missing.push(plainly(says));
    }
}
