//! Where a source tells what it saw.

use groma_model::batch::{Record, Said};
use groma_model::{
    Coverage, CoverageState, Fact, Gap, Observation, Reason, Scope, Seen, SourceName,
};

use crate::Window;

/// The ear of a look. It adds from where and at which look; the source says the rest.
pub trait Sink {
    /// Something was seen.
    fn saw(&mut self, observation: Observation);
    /// Something could not be seen.
    fn missed(&mut self, gap: Gap);
    /// A scope is done with.
    fn covered(&mut self, coverage: Coverage);
    /// A line to be handed back at the next look ([`crate::Memory`]), on this machine alone. All lines of one
    /// look replace those of the one before; a look that says none leaves them as they are.
    fn keeps(&mut self, line: String) {
        let _ = line;
    }
}

/// Shorter ways to say the common things.
pub trait SinkExt: Sink {
    /// A fact that is true now.
    fn saw_now(&mut self, window: &Window, scope: &Scope, fact: Fact) {
        self.saw(Observation {
            scope: scope.clone(),
            fact,
            seen: Seen::once(window.now()),
        });
    }

    /// A hole, with a remedy or an empty one.
    fn missed_because(
        &mut self,
        scope: &Scope,
        what: impl Into<String>,
        reason: Reason,
        remedy: &str,
    ) {
        let remedy = (!remedy.is_empty()).then(|| remedy.to_owned());
        self.missed(Gap {
            scope: scope.clone(),
            what: what.into(),
            reason,
            remedy,
        });
    }

    /// A scope seen between the begin of the window and now.
    fn covered_now(&mut self, window: &Window, scope: &Scope, state: CoverageState) {
        self.covered(Coverage {
            scope: scope.clone(),
            state,
            from: window.started(),
            to: window.now(),
            how: None,
        });
    }
}

impl<S: Sink + ?Sized> SinkExt for S {}

/// A sink that writes down everything one source says, in order.
#[derive(Debug)]
pub struct Recorder {
    source: SourceName,
    /// What was said.
    pub records: Vec<Record>,
    /// What is to be handed back at the next look.
    pub kept: Vec<String>,
}

impl Recorder {
    /// A recorder for what `source` says.
    pub fn new(source: SourceName) -> Self {
        Self {
            source,
            records: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// The facts among what was said, in order.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.records.iter().filter_map(|r| match &r.said {
            Said::Saw(observation) => Some(&observation.fact),
            _ => None,
        })
    }

    /// The gaps among what was said, in order.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.records.iter().filter_map(|r| match &r.said {
            Said::Missed(gap) => Some(gap),
            _ => None,
        })
    }

    /// The coverage said, in order.
    pub fn coverage(&self) -> impl Iterator<Item = &Coverage> {
        self.records.iter().filter_map(|r| match &r.said {
            Said::Covered(coverage) => Some(coverage),
            _ => None,
        })
    }

    fn push(&mut self, said: Said) {
        self.records.push(Record {
            source: self.source.clone(),
            said,
        });
    }
}

impl Sink for Recorder {
    fn saw(&mut self, observation: Observation) {
        self.push(Said::Saw(observation));
    }
    fn missed(&mut self, gap: Gap) {
        self.push(Said::Missed(gap));
    }
    fn covered(&mut self, coverage: Coverage) {
        self.push(Said::Covered(coverage));
    }
    fn keeps(&mut self, line: String) {
        self.kept.push(line);
    }
}
