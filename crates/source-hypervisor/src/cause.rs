//! Why a platform said no, in words, and what the operator can do about it.

use std::io;

use groma_model::{Gap, Reason, Scope};
use groma_trust::Distrust;

/// A refusal, explained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    /// What happened, for a person.
    pub(crate) what: String,
    /// The word for it.
    pub(crate) reason: Reason,
    /// What to do; empty where nothing can be said.
    pub(crate) remedy: String,
}

impl Cause {
    pub(crate) fn new(what: impl Into<String>, reason: Reason, remedy: &str) -> Self {
        Self {
            what: what.into(),
            reason,
            remedy: remedy.to_owned(),
        }
    }

    /// A failed call of the system, or an end in the middle.
    pub(crate) fn of_io(what: &str, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"), Reason::of_io(error), "")
    }

    /// The look has no time left.
    pub(crate) fn over() -> Self {
        Self::new(
            "the time of this look is used up",
            Reason::BudgetExhausted,
            "give the look more time",
        )
    }

    /// The same as a hole in `scope`.
    pub(crate) fn gap(self, scope: &Scope) -> Gap {
        Gap {
            scope: scope.clone(),
            what: self.what,
            reason: self.reason,
            remedy: Some(self.remedy).filter(|remedy| !remedy.is_empty()),
        }
    }
}

impl From<Distrust> for Cause {
    fn from(distrust: Distrust) -> Self {
        let Distrust {
            what,
            reason,
            remedy,
        } = distrust;
        Self {
            what,
            reason,
            remedy,
        }
    }
}
