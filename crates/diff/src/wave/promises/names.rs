//! The names that must lead to the new place.

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

    fn astray(&mut self, says: String, name: &str, to: &str) {
        let action = format!("lead {name} to {to}: {says}");
        self.tasks.add(Task::of(Because::Missing, action));
        self.outcome.missing.push(plainly(says));
    }
}
