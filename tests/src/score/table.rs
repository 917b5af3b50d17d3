//! The counts: by kind, by reason, by witness.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::{Score, Verdict};
use super::truth::Entry;

/// So many of so many.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Share {
    /// So many.
    pub part: usize,
    /// Of so many.
    pub whole: usize,
}

impl Share {
    fn add(&mut self, counts: bool) {
        self.whole += 1;
        self.part += usize::from(counts);
    }

    /// In percent; none of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.whole > 0).then(|| 100.0 * self.part as f64 / self.whole as f64)
    }
}

/// Found, missed and invented of one sort.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Tally {
    /// Entries of the truth that were found.
    pub found: usize,
    /// Entries that were not.
    pub missed: usize,
    /// Findings that are not true.
    pub invented: usize,
    /// Of these, those that fell for a decoy.
    pub decoys: usize,
    /// Findings that say again what another one said.
    pub doubled: usize,
}

impl Tally {
    /// Found of all there are.
    pub fn recall(&self) -> Share {
        Share {
            part: self.found,
            whole: self.found + self.missed,
        }
    }

    /// Found of all that was said.
    pub fn precision(&self) -> Share {
        Share {
            part: self.found,
            whole: self.found + self.invented,
        }
    }

    fn entry(&mut self, verdict: &Verdict) {
        self.found += usize::from(verdict.found);
        self.missed += usize::from(!verdict.found);
        self.doubled += verdict.doubled;
    }
}

/// What one class of witness could at most know, and what it did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct WitnessRow {
    /// Entries it could know; those found with this very witness.
    pub all: Share,
    /// The same of the hidden ones.
    pub hidden: Share,
    /// Entries that it alone could know; those found at all.
    pub alone: Share,
}

/// All counts of one contestant.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Table {
    /// Everything.
    pub all: Tally,
    /// Hidden entries; of what was invented, what is said to be hidden.
    pub hidden: Tally,
    /// Entries that a host itself shows: known alive or by what is written there.
    pub on_hosts: Share,
    /// The hidden ones of these.
    pub on_hosts_hidden: Share,
    /// Needs through what stands between; those that were concluded.
    pub onward: Share,
    /// Hidden entries that were found and are called hidden.
    pub called_hidden: Share,
    /// Entries that are not hidden, were found, and are called hidden.
    pub called_hidden_wrongly: Share,
    /// By kind.
    pub kinds: BTreeMap<String, Tally>,
    /// The hidden ones by kind.
    pub hidden_kinds: BTreeMap<String, Tally>,
    /// Hidden entries by reason; an entry with two reasons counts in both.
    pub reasons: BTreeMap<String, Share>,
    /// By witness.
    pub witnesses: BTreeMap<String, WitnessRow>,
    /// By consumer.
    pub consumers: BTreeMap<String, Share>,
}

impl Table {
    /// Counts.
    pub fn of(score: &Score) -> Self {
        let mut table = Self::default();
        for (entry, verdict) in score.entries.iter().zip(&score.verdicts) {
            table.entry(entry, verdict);
        }
        score
            .onward
            .iter()
            .for_each(|(_, led)| table.onward.add(*led));
        for invented in &score.invented {
            let kind = invented.kind.as_deref().unwrap_or("(no kind)");
            let mut tallies = vec![&mut table.all, table.kinds.entry(kind.into()).or_default()];
            if invented.hidden {
                tallies.push(&mut table.hidden);
                tallies.push(table.hidden_kinds.entry(kind.into()).or_default());
            }
            for tally in tallies {
                tally.invented += 1;
                tally.decoys += usize::from(invented.decoy.is_some());
            }
        }
        table
    }

    fn entry(&mut self, entry: &Entry, verdict: &Verdict) {
        self.all.entry(verdict);
        self.kinds
            .entry(entry.kind.clone())
            .or_default()
            .entry(verdict);
        self.consumers
            .entry(entry.consumer.name().to_owned())
            .or_default()
            .add(verdict.found);
        if entry.is_hidden() {
            self.hidden_entry(entry, verdict);
        } else if verdict.found {
            self.called_hidden_wrongly.add(verdict.called_hidden);
        }
        if entry.is_shown_by_hosts() {
            self.on_hosts.add(verdict.found);
            if entry.is_hidden() {
                self.on_hosts_hidden.add(verdict.found);
            }
        }
        self.witness_rows(entry, verdict);
    }

    fn hidden_entry(&mut self, entry: &Entry, verdict: &Verdict) {
        self.hidden.entry(verdict);
        self.hidden_kinds
            .entry(entry.kind.clone())
            .or_default()
            .entry(verdict);
        for reason in &entry.hidden {
            let share = self.reasons.entry(reason.clone()).or_default();
            share.add(verdict.found);
        }
        if verdict.found {
            self.called_hidden.add(verdict.called_hidden);
        }
    }

    fn witness_rows(&mut self, entry: &Entry, verdict: &Verdict) {
        for witness in &entry.known_by {
            let row = self.witnesses.entry(witness.clone()).or_default();
            let reached = verdict.found && verdict.witnesses.contains(witness);
            row.all.add(reached);
            if entry.is_hidden() {
                row.hidden.add(reached);
            }
            if entry.known_by.len() == 1 {
                row.alone.add(verdict.found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::*;
    use super::super::{Generosity, judge, of_inventory};
    use super::*;

    fn table(edges: &[Edge]) -> Table {
        let findings = of_inventory(&inventory(edges), &places());
        Table::of(&judge(
            &truth(),
            &truth(),
            &findings,
            &places(),
            Generosity::Strict,
        ))
    }

    #[test]
    fn an_empty_inventory_misses_everything_and_invents_nothing() {
        let table = table(&[]);
        assert_eq!(table.all.recall(), Share { part: 0, whole: 5 });
        assert_eq!(table.hidden.recall(), Share { part: 0, whole: 3 });
        assert_eq!(table.all.precision().percent(), None);
        assert_eq!(table.witnesses["live"].all, Share { part: 0, whole: 3 });
    }

    #[test]
    fn counts_are_by_kind_by_reason_and_by_witness() {
        let mut relay = edge(COPIER, OLDMAIL, 25, "smtp-relay");
        relay.hidden = true;
        let mut wrong = edge(APP1, OLDMAIL, 26, "smtp-relay");
        wrong.hidden = true;
        let table = table(&[relay, wrong, edge(APP1, NS1, 5433, "sql")]);
        assert_eq!(table.all.found, 2);
        assert_eq!(table.hidden.precision(), Share { part: 1, whole: 2 });
        assert_eq!(table.kinds["smtp-relay"].invented, 1);
        assert_eq!(table.reasons["address-literal"].part, 1);
        assert_eq!(table.called_hidden, Share { part: 1, whole: 1 });
        // What only a log or the network could know is not held against the hosts.
        assert_eq!(table.on_hosts.whole, 4);
        assert_eq!(table.on_hosts.part, 1);
        // Found alive, though only a log or the network could know it: not reached by these witnesses.
        assert_eq!(table.witnesses["history"].all.part, 0);
        assert_eq!(table.witnesses["live"].all, Share { part: 1, whole: 3 });
        assert_eq!(table.witnesses["live"].alone, Share { part: 0, whole: 2 });
    }
}
