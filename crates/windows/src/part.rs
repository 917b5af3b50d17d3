//! What one reader says: facts, gaps, and how much of its scope it saw.

use groma_model::{CoverageState, Fact, Gap, Reason, Scope};

/// What was said of one scope.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// The scope.
    pub scope: Scope,
    /// What was seen, in the order of reading.
    pub facts: Vec<Fact>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// Whether all of it was seen.
    pub state: CoverageState,
}

/// One scope while it is being read; complete until something is missed.
pub struct Part(Said);

impl Part {
    /// Begins a scope, as `Part::begin("host", "identity")`.
    pub fn begin(space: &str, path: &str) -> Self {
        Self(Said {
            scope: Scope::new(space, path),
            facts: Vec::new(),
            gaps: Vec::new(),
            state: CoverageState::Complete,
        })
    }

    /// A fact that is true now.
    pub fn saw(&mut self, fact: Fact) {
        self.0.facts.push(fact);
    }

    /// Something in the scope that could not be seen.
    pub fn missed(&mut self, what: impl Into<String>, reason: Reason) {
        let remedy = remedy(&reason).map(str::to_owned);
        self.gap(what.into(), reason, remedy);
    }

    /// The same, with a remedy of its own.
    pub fn missed_with(&mut self, what: impl Into<String>, reason: Reason, remedy: &str) {
        self.gap(what.into(), reason, Some(remedy.to_owned()));
    }

    /// What this way of looking never shows: a gap, and yet all was seen that it can show.
    pub fn cannot(&mut self, what: impl Into<String>, reason: Reason, remedy: &str) {
        self.0.gaps.push(Gap {
            scope: self.0.scope.clone(),
            what: what.into(),
            reason,
            remedy: Some(remedy.to_owned()),
        });
    }

    fn gap(&mut self, what: String, reason: Reason, remedy: Option<String>) {
        self.0.state = CoverageState::Partial;
        self.0.gaps.push(Gap {
            scope: self.0.scope.clone(),
            what,
            reason,
            remedy,
        });
    }

    /// Takes what could be read; what could not becomes a gap that names `what`.
    pub fn or_missed<T>(&mut self, what: &str, read: Result<Option<T>, Reason>) -> Option<T> {
        match read {
            Ok(found) => found,
            Err(reason) => {
                self.missed(what, reason);
                None
            }
        }
    }

    /// Ends the scope.
    pub fn close(self) -> Said {
        self.0
    }
}

fn remedy(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::PermissionDenied => Some("run as LocalSystem or as an administrator"),
        Reason::BudgetExhausted => Some("allow more time or a larger budget"),
        Reason::TooLarge => Some("raise the largest file size of the budget"),
        _ => None,
    }
}
