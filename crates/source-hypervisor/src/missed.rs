//! What one look could not see, told in the end.

use groma_model::{CoverageState, Gap, Scope};
use groma_source::Sink;

use crate::cause::Cause;

/// What could not be seen.
#[derive(Default)]
pub(crate) struct Missed {
    gaps: Vec<Gap>,
    notes: Vec<Gap>,
}

impl Missed {
    /// Keeps a hole in `scope`.
    pub(crate) fn add(&mut self, scope: Scope, cause: Cause) {
        self.gaps.push(cause.gap(&scope));
    }

    /// Keeps what is not known of things that were seen: whatever is not told of `scope` is gone all the same.
    pub(crate) fn note(&mut self, scope: Scope, cause: Cause) {
        self.notes.push(cause.gap(&scope));
    }

    /// Why the look ends: what was said last, else `cause`.
    pub(crate) fn last(&mut self, cause: Cause) -> Cause {
        let Some(gap) = self.gaps.pop() else {
            return cause;
        };
        Cause {
            what: gap.what,
            reason: gap.reason,
            remedy: gap.remedy.unwrap_or_default(),
        }
    }

    /// Tells all of it; the answer is whether there was no hole.
    pub(crate) fn told(self, sink: &mut dyn Sink) -> CoverageState {
        let is_whole = self.gaps.is_empty();
        for gap in self.gaps.into_iter().chain(self.notes) {
            sink.missed(gap);
        }
        match is_whole {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        }
    }
}
