//! How much one look may tell of one platform: what is beyond that is counted, and said once.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::{Coverage, CoverageState, Gap, Observation, Reason, Scope};
use groma_source::{Sink, SinkExt};

/// Gaps of one reason that are told one by one. Each reason has its own: many lines that make no sense hide no right that is missing.
const GAPS_MAX: usize = 200;

/// Hands on what there is room for. A scope of which something was left out is told as partial, whatever its reader says.
pub(crate) struct AtMost<'a> {
    sink: &'a mut dyn Sink,
    /// Observations that may still be made, and those beyond.
    left: u64,
    beyond: u64,
    /// Scopes of which something was left out.
    cut: BTreeSet<Scope>,
    gaps: BTreeMap<Reason, usize>,
}

impl<'a> AtMost<'a> {
    /// Room for `observations`.
    pub(crate) fn new(sink: &'a mut dyn Sink, observations: u64) -> Self {
        Self {
            sink,
            left: observations,
            beyond: 0,
            cut: BTreeSet::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// Says of `scope` how much was left out; true if every observation was told.
    pub(crate) fn close(self, scope: &Scope) -> bool {
        if self.beyond > 0 {
            let what = format!("{} more observations than this look may make", self.beyond);
            let remedy = "raise observations_max";
            self.sink
                .missed_because(scope, what, Reason::BudgetExhausted, remedy);
        }
        let gaps = self.gaps.values();
        let more: usize = gaps.map(|count| count.saturating_sub(GAPS_MAX)).sum();
        if more > 0 {
            let what = format!("{more} more such gaps than the {GAPS_MAX} that are told");
            self.sink.missed_because(scope, what, Reason::TooLarge, "");
        }
        self.beyond == 0
    }
}

impl Sink for AtMost<'_> {
    fn saw(&mut self, observation: Observation) {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.sink.saw(observation);
            }
            None => {
                self.beyond += 1;
                self.cut.insert(observation.scope);
            }
        }
    }

    fn missed(&mut self, gap: Gap) {
        let told = self.gaps.entry(gap.reason.clone()).or_default();
        *told += 1;
        if *told <= GAPS_MAX {
            self.sink.missed(gap);
        }
    }

    fn covered(&mut self, mut coverage: Coverage) {
        if self.cut.contains(&coverage.scope) {
            coverage.state = CoverageState::Partial;
        }
        self.sink.covered(coverage);
    }

    fn keeps(&mut self, line: String) {
        self.sink.keeps(line);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use groma_model::Fact;
    use groma_model::fact::Measurement;
    use groma_source::Recorder;

    use super::*;
    use crate::testing::machine;

    fn number() -> Fact {
        Fact::Measurement(Measurement {
            metric: "vm_disk_used_bytes".into(),
            subject: "other:x/y".into(),
            value: 1.0,
        })
    }

    /// What is told of `facts` observations and of `gaps` lines that make no sense before a right that is missing.
    fn told(facts: usize, gaps: usize) -> (Recorder, bool) {
        let (_, window) = machine(Duration::from_secs(60));
        let (whole, part) = (
            Scope::new("hypervisor", "x"),
            Scope::new("hypervisor", "x/y"),
        );
        let mut recorder = Recorder::new(groma_model::SourceName::new(crate::NAME));
        let mut most = AtMost::new(&mut recorder, 3);
        for _ in 0..facts {
            most.saw_now(&window, &part, number());
        }
        for _ in 0..gaps {
            most.missed_because(&part, "no sense", Reason::Malformed, "");
        }
        most.missed_because(&part, "a right", Reason::PermissionDenied, "");
        most.covered_now(&window, &part, CoverageState::Complete);
        most.covered_now(&window, &whole, CoverageState::Complete);
        let is_whole = most.close(&whole);
        (recorder, is_whole)
    }

    fn words(told: &Recorder) -> Vec<&str> {
        told.gaps().map(|gap| gap.what.as_str()).collect()
    }

    #[test]
    fn what_there_is_room_for_is_told_as_it_is() {
        let (told, is_whole) = told(3, 200);
        assert!(is_whole);
        assert_eq!(told.facts().count(), 3);
        assert_eq!(told.gaps().count(), 201);
        assert!(
            told.coverage()
                .all(|one| one.state == CoverageState::Complete)
        );
    }

    #[test]
    fn what_is_beyond_is_counted_and_hides_no_gap_of_another_reason() {
        let (told, is_whole) = told(5, 207);
        assert!(!is_whole);
        assert_eq!(told.facts().count(), 3);
        let words = words(&told);
        assert_eq!(words.len(), 200 + 1 + 2);
        assert!(words.contains(&"a right"), "{words:?}");
        assert_eq!(words[201], "2 more observations than this look may make");
        assert!(words[202].starts_with("7 more such gaps"), "{}", words[202]);
        let states: Vec<_> = told.coverage().map(|one| one.state).collect();
        assert_eq!(states, [CoverageState::Partial, CoverageState::Complete]);
    }
}
