//! What could not be seen of one platform: told one by one, and counted where that gets too many.

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
    /// One more hole in `scope`.
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

    /// Hands all of it on. Without a hole all was seen.
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

/// The part `of` a scope.
pub(crate) fn part(scope: &Scope, of: &str) -> Scope {
    let (space, path) = scope.as_str().split_once(':').unwrap_or_default();
    Scope::new(space, &format!("{path}/{of}"))
}
