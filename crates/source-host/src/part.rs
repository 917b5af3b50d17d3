//! One scope while it is being looked at.

use groma_model::{CoverageState, Fact, Gap, Reason, Scope};
use groma_source::{DiskError, Sink, SinkExt, Window, disk};

/// The remedy where rights were missing.
pub(crate) const BE_ROOT: &str = "run as root, or grant CAP_DAC_READ_SEARCH";

/// Says what is seen in one scope, remembers whether something was missed, and closes the scope.
pub(crate) struct Part<'a> {
    window: &'a Window,
    sink: &'a mut dyn Sink,
    scope: Scope,
    state: CoverageState,
}

impl<'a> Part<'a> {
    /// Begins a scope, which is complete until something is missed.
    pub(crate) fn begin(window: &'a Window, sink: &'a mut dyn Sink, scope: Scope) -> Self {
        Self {
            window,
            sink,
            scope,
            state: CoverageState::Complete,
        }
    }

    /// A fact that is true now.
    pub(crate) fn saw(&mut self, fact: Fact) {
        self.sink.saw_now(self.window, &self.scope, fact);
    }

    /// Something in the scope that could not be seen.
    pub(crate) fn missed(&mut self, what: impl Into<String>, reason: Reason) {
        self.state = CoverageState::Partial;
        let remedy = remedy(&reason).map(str::to_owned);
        self.sink.missed(Gap {
            scope: self.scope.clone(),
            what: what.into(),
            reason,
            remedy,
        });
    }

    /// The same, with a remedy of its own.
    pub(crate) fn missed_with(&mut self, what: impl Into<String>, reason: Reason, remedy: &str) {
        self.state = CoverageState::Partial;
        self.sink.missed_because(&self.scope, what, reason, remedy);
    }

    /// A path that could not be looked at.
    pub(crate) fn refused(&mut self, what: &str, error: &DiskError) {
        let path = disk::foreign(&error.path);
        self.missed(format!("{what} ({path})"), error.reason.clone());
    }

    /// Ends the scope.
    pub(crate) fn close(self) {
        self.sink.covered_now(self.window, &self.scope, self.state);
    }
}

fn remedy(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::PermissionDenied => Some(BE_ROOT),
        Reason::BudgetExhausted => Some("allow more time or a larger budget"),
        Reason::TooLarge => Some("raise the largest file size of the budget"),
        _ => None,
    }
}
