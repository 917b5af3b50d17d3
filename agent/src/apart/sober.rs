//! A sink that does not take a source's word for complete once something was passed over beside it.
//!
//! What is passed over is an error like any other to a source, and most say it. But one that takes whatever it
//! cannot see for absent would now call a scope complete that it would have hung on before. So nothing a source
//! calls complete after that counts as such, and if it names the place in no gap of its own, one is said for it.

use std::path::{Path, PathBuf};

use groma_model::{Coverage, CoverageState, Gap, Observation, Reason, Scope};
use groma_source::{Sink, disk};
use groma_sys::LocalDisk;

/// Stands between one source and whom it talks to.
pub(crate) struct Sober<S> {
    sink: S,
    disk: LocalDisk,
    /// Gaps of things that did not answer, as the source told them.
    told: Vec<String>,
}

impl<S: Sink> Sober<S> {
    /// For one source, which looks at `disk`.
    pub(crate) fn new(sink: S, disk: LocalDisk) -> Self {
        // What an earlier source met is that one's.
        disk.take_passed_over();
        Self {
            sink,
            disk,
            told: Vec::new(),
        }
    }

    /// The source is done: says what it passed over and did not tell.
    pub(crate) fn end(mut self) -> S {
        let untold = |place: &PathBuf| {
            let place = place.to_string_lossy();
            !self.told.iter().any(|gap| gap.contains(place.as_ref()))
        };
        let mut untold_of = self.disk.take_passed_over();
        untold_of.retain(untold);
        for place in untold_of {
            self.sink.missed(gap(&place));
        }
        self.sink
    }
}

fn gap(place: &Path) -> Gap {
    let shown = disk::foreign(place);
    Gap {
        scope: Scope::new("file", &place.to_string_lossy()),
        what: format!(
            "what lies in {shown}: it did not answer another source of this look, and was passed over"
        ),
        reason: Reason::TimedOut,
        remedy: Some(format!("see why reading {shown} hangs; then look again")),
    }
}

impl<S: Sink> Sink for Sober<S> {
    fn saw(&mut self, observation: Observation) {
        self.sink.saw(observation);
    }
    fn missed(&mut self, gap: Gap) {
        if gap.reason == Reason::TimedOut {
            self.told
                .push(format!("{} {}", gap.scope.as_str(), gap.what));
        }
        self.sink.missed(gap);
    }
    fn covered(&mut self, mut coverage: Coverage) {
        if self.disk.has_passed_over() {
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
    use groma_model::{SourceName, batch::Said};
    use groma_source::testing::{FakeDisk, window, world};
    use groma_source::{Disk, Recorder, SinkExt};

    use super::*;

    const PLACE: &str = "/nowhere/nas";

    /// What is left of a source that looks for `file`, says `gap` of it, and calls everything complete.
    fn said(file: &str, gap: Option<&str>) -> (Vec<Gap>, Vec<CoverageState>) {
        let window = window(&world(FakeDisk::new()));
        let disk = LocalDisk::of_this_machine().passing_over(vec![PLACE.into(), "/".into()]);
        let recorder = Recorder::new(SourceName::new("test.sober"));
        let mut sober = Sober::new(recorder, disk.clone());
        let scope = Scope::new("test", "sober");
        sober.covered_now(&window, &scope, CoverageState::Complete);
        let error = disk.read(Path::new(file), 9).unwrap_err();
        if let Some(what) = gap {
            sober.missed_because(&scope, what, error.reason, "");
        }
        sober.covered_now(&window, &scope, CoverageState::Complete);
        let (mut gaps, mut states) = (Vec::new(), Vec::new());
        for record in sober.end().records {
            match record.said {
                Said::Missed(gap) => gaps.push(gap),
                Said::Covered(coverage) => states.push(coverage.state),
                _ => {}
            }
        }
        (gaps, states)
    }

    #[test]
    fn a_source_that_keeps_silent_about_what_was_passed_over_is_spoken_for() {
        use CoverageState::{Complete, Partial};
        let (gaps, states) = said("/nowhere/nas/a/b", None);
        assert_eq!(states, [Complete, Partial]);
        let [gap] = gaps.as_slice() else {
            panic!("one gap, not {gaps:?}");
        };
        assert_eq!(gap.reason, Reason::TimedOut);
        assert!(gap.what.contains(PLACE), "{gap:?}");
        let (gaps, states) = said("/nowhere/nas/a/b", Some("a list (/nowhere/nas/a/b)"));
        assert_eq!((gaps.len(), states[1]), (1, Partial));
        // Elsewhere everything is as ever.
        let (gaps, states) = said("/nowhere/nas2/b", None);
        assert_eq!((gaps.len(), states[1]), (0, Complete));
    }
}
