//! One scope while it is being looked at.

use groma_model::fact::Measurement;
use groma_model::{CoverageState, Fact, Foreign, Reason, Scope};
use groma_source::{DiskError, Sink, SinkExt, Window, disk};

/// The remedy where rights were missing.
pub(crate) const BE_ROOT: &str = "run as root, or grant CAP_DAC_READ_SEARCH";

/// The remedy where the look had to end.
pub(crate) const MORE_TIME: &str = "allow more time or a larger budget";

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

    /// A fact that is true now, in a scope within this one.
    pub(crate) fn saw_in(&mut self, scope: &Scope, fact: Fact) {
        self.sink.saw_now(self.window, scope, fact);
    }

    /// A number of `subject`, in a scope within this one.
    pub(crate) fn measured(&mut self, scope: &Scope, metric: &str, subject: &Foreign, value: f64) {
        self.saw_in(
            scope,
            Fact::Measurement(Measurement {
                metric: metric.to_owned(),
                subject: subject.clone(),
                value,
            }),
        );
    }

    /// The same for a whole number.
    pub(crate) fn counted(&mut self, scope: &Scope, metric: &str, subject: &Foreign, value: u64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a measurement is a floating number; a few bytes in a petabyte do not matter"
        )]
        self.measured(scope, metric, subject, value as f64);
    }

    /// Something in the scope that could not be seen.
    pub(crate) fn missed(&mut self, what: impl Into<String>, reason: Reason) {
        let remedy = match reason {
            Reason::PermissionDenied => BE_ROOT,
            Reason::BudgetExhausted => MORE_TIME,
            Reason::TooLarge => "raise the largest file size of the budget",
            Reason::RemoteFileSystem => "look from the machine the files lie on",
            _ => "",
        };
        self.missed_with(what, reason, remedy);
    }

    /// The same, with a remedy of its own.
    pub(crate) fn missed_with(&mut self, what: impl Into<String>, reason: Reason, remedy: &str) {
        self.state = CoverageState::Partial;
        self.sink.missed_because(&self.scope, what, reason, remedy);
    }

    /// A limit of what this source can do at all: it is said, and what could be seen is still seen whole.
    pub(crate) fn cannot(&mut self, what: impl Into<String>, reason: Reason, remedy: &str) {
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
