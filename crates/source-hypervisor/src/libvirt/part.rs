//! The parts of a look, each with a coverage of its own.

use groma_model::{Fact, Scope};

/// What facts are about; each part is a scope of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Part {
    Host,
    Guests,
    Storage,
    Networks,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Host, Self::Guests, Self::Storage, Self::Networks];

    pub(super) fn scope(self, whole: &Scope) -> Scope {
        let name = match self {
            Self::Host => "host",
            Self::Guests => "guests",
            Self::Storage => "storage",
            Self::Networks => "networks",
        };
        let (space, path) = whole.as_str().split_once(':').unwrap_or(("hypervisor", ""));
        Scope::new(space, &format!("{path}/{name}"))
    }

    /// The part a fact belongs to.
    pub(super) fn of(fact: &Fact) -> Self {
        let metric = match fact {
            Fact::Guest(_) => return Self::Guests,
            Fact::Datastore(_) => return Self::Storage,
            Fact::Measurement(one) => one.metric.as_str(),
            _ => return Self::Host,
        };
        match metric.split('_').next() {
            Some("vm") => Self::Guests,
            Some("datastore") => Self::Storage,
            _ => Self::Host,
        }
    }
}
