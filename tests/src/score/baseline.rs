//! What was found before, so that the score can only go up.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::judge::Score;
use super::ledger::Told;
use super::{Unreadable, text_of};

/// What a run must at least find, and what it may at most invent.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Entries of the truth that were found, one line each.
    pub found: BTreeSet<String>,
    /// What was invented, one line each.
    pub invented: BTreeSet<String>,
}

impl Baseline {
    /// What this run found and invented.
    pub fn of(score: &Score) -> Self {
        let lines = score.entries.iter().zip(&score.verdicts);
        let led = score.onward.iter().filter(|(_, led)| *led);
        let told = score.uses.iter().filter(|(_, told)| *told == Told::Whole);
        Self {
            found: lines
                .filter(|(_, v)| v.found)
                .map(|(e, _)| e.line())
                .chain(led.map(|(o, _)| o.line()))
                .chain(told.map(|(one, _)| one.line()))
                .collect(),
            invented: score.invented.iter().map(|i| i.line.clone()).collect(),
        }
    }

    /// Reads a baseline.
    pub fn read(file: &Path) -> Result<Self, Unreadable> {
        toml::from_str(&text_of(file)?).map_err(|e| Unreadable::new(file, e))
    }

    /// The baseline as a file for the repository.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Written by `scoreboard --write-baseline`: what the fast slice of the lab finds today.\n\
             # A change that loses a line of `found`, or adds one to `invented`, fails; one that finds more renews this file.\n",
        );
        for (key, lines) in [("found", &self.found), ("invented", &self.invented)] {
            text.push_str(&format!("\n{key} = [\n"));
            for line in lines {
                text.push_str(&format!("    {},\n", toml::Value::String(line.clone())));
            }
            text.push_str("]\n");
        }
        text
    }

    /// What holds in both runs: found both times, invented in either. What only luck saw is no baseline.
    pub fn narrowed(mut self, now: &Score) -> Self {
        let now = Self::of(now);
        self.found.retain(|line| now.found.contains(line));
        self.invented.extend(now.invented);
        self
    }

    /// What is worse now than it was, in sentences.
    pub fn worse(&self, now: &Score) -> Vec<String> {
        let direct = now.entries.iter().map(super::truth::Entry::line);
        let onward = now.onward.iter().map(|(onward, _)| onward.line());
        let uses = now.uses.iter().map(|(one, _)| one.line());
        let truth: BTreeSet<String> = direct.chain(onward).chain(uses).collect();
        let now = Self::of(now);
        let lost = self.found.difference(&now.found).map(|line| {
            if truth.contains(line) {
                format!("lost: {line}")
            } else {
                format!("no longer in the truth, so renew the baseline: {line}")
            }
        });
        let invented = now.invented.difference(&self.invented);
        lost.chain(invented.map(|line| format!("newly invented: {line}")))
            .collect()
    }

    /// How much is better now: found more, invented less.
    pub fn better(&self, now: &Score) -> usize {
        let now = Self::of(now);
        now.found.difference(&self.found).count() + self.invented.difference(&now.invented).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::*;
    use super::super::{Generosity, judge, of_inventory};
    use super::*;

    fn score(edges: &[Edge]) -> Score {
        let findings = of_inventory(&inventory(edges), &places());
        judge(&truth(), &truth(), &findings, &places(), Generosity::Strict)
    }

    #[test]
    fn the_score_can_only_go_up() {
        let sql = edge(APP1, NS1, 5433, "sql");
        let relay = edge(COPIER, OLDMAIL, 25, "smtp-relay");
        let wrong = edge(APP1, OLDMAIL, 26, "smtp-relay");
        let before = Baseline::of(&score(&[sql.clone(), wrong.clone()]));
        assert!(
            before
                .worse(&score(&[sql.clone(), wrong.clone()]))
                .is_empty()
        );
        let better = score(&[sql.clone(), relay.clone()]);
        assert!(before.worse(&better).is_empty());
        assert_eq!(before.better(&better), 2);
        assert_eq!(before.worse(&score(&[relay, wrong])).len(), 1);
        let new = edge(APP1, OLDMAIL, 27, "smtp-relay");
        assert_eq!(
            before.worse(&score(&[sql, new])),
            ["newly invented: app1 needs oldmail:27/tcp for smtp-relay"]
        );
    }

    #[test]
    fn what_only_luck_saw_is_no_baseline() {
        let sql = edge(APP1, NS1, 5433, "sql");
        let relay = edge(COPIER, OLDMAIL, 25, "smtp-relay");
        let wrong = edge(APP1, OLDMAIL, 26, "smtp-relay");
        let lucky = Baseline::of(&score(&[sql.clone(), relay]));
        let narrowed = lucky.narrowed(&score(&[sql.clone(), wrong.clone()]));
        assert_eq!(narrowed, Baseline::of(&score(&[sql, wrong])));
    }

    #[test]
    fn a_baseline_reads_what_it_wrote() {
        let mut baseline = Baseline::of(&score(&[edge(APP1, NS1, 5433, "sql")]));
        baseline.invented.insert("a \"quoted\" \\ line".into());
        assert_eq!(
            toml::from_str::<Baseline>(&baseline.text()).unwrap(),
            baseline
        );
        let empty = Baseline::default();
        assert_eq!(toml::from_str::<Baseline>(&empty.text()).unwrap(), empty);
    }
}
