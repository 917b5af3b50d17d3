//! What one look could not see, told in the end, each hole by itself until they are too many.

use groma_model::{CoverageState, Gap, Reason, Scope};
use groma_source::{Sink, SinkExt};

use crate::cause::Cause;

/// Most gaps that are told one by one.
const GAPS_MAX: usize = 200;

/// What could not be seen.
#[derive(Default)]
pub(crate) struct Missed {
    gaps: Vec<Gap>,
    more: usize,
}

impl Missed {
    /// Keeps a hole in `scope`.
    pub(crate) fn add(&mut self, scope: Scope, cause: Cause) {
        match self.gaps.len() < GAPS_MAX {
            true => self.gaps.push(cause.gap(&scope)),
            false => self.more += 1,
        }
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

    /// Tells all of it; the answer is whether there was none.
    pub(crate) fn told(self, scope: &Scope, sink: &mut dyn Sink) -> CoverageState {
        let is_whole = self.gaps.is_empty();
        for gap in self.gaps {
            sink.missed(gap);
        }
        if self.more > 0 {
            sink.missed_because(
                scope,
                format!("and {} more holes", self.more),
                Reason::BudgetExhausted,
                "",
            );
        }
        match is_whole {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        }
    }
}
