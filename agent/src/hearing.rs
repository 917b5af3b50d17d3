//! Letting sources look: in a child with the rights they need, or, where that cannot be, within this process.

use std::collections::BTreeSet;
use std::time::Duration;

use groma_model::SourceName;
use groma_model::batch::Record;
use groma_model::found::Spelling;
use groma_source::{Source, Window};

use crate::apart::bounded::{self, End};
use crate::apart::{self, Group, Sight, Silence, Trouble};
use crate::compose::{LookRequest, Progress};

/// What is common to all sources of one look.
#[derive(Clone, Copy)]
pub(crate) struct Hearing<'a> {
    pub(crate) window: &'a Window,
    pub(crate) request: &'a LookRequest,
    pub(crate) progress: &'a dyn Progress,
    /// True if nobody is to be contacted.
    pub(crate) offline: bool,
    /// What is searched for, if anything is.
    pub(crate) spellings: &'a [Spelling],
    /// What did not answer anybody so far.
    pub(crate) silence: &'a Silence,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Told {
    /// What each source said.
    pub(crate) said: Vec<(SourceName, Vec<Record>)>,
    /// What they want back at their next look.
    pub(crate) kept: Vec<(SourceName, Vec<String>)>,
    /// What the kernel could not be asked to keep children from.
    pub(crate) lacking: BTreeSet<String>,
    /// True if they were to look in a child, and none can be had.
    pub(crate) impossible: bool,
}

impl Told {
    /// Takes up what others said.
    pub(crate) fn add(&mut self, more: Self) {
        self.said.extend(more.said);
        self.kept.extend(more.kept);
        self.lacking.extend(more.lacking);
        self.impossible |= more.impossible;
    }

    /// Everything that was said, by whomever.
    pub(crate) fn records(self) -> Vec<Record> {
        // The first list becomes the whole: most of what one source alone says need not be moved.
        let mut said = self.said.into_iter().map(|(_, said)| said);
        let mut all = said.next().unwrap_or_default();
        said.for_each(|mut more| all.append(&mut more));
        all
    }
}

impl Hearing<'_> {
    /// Lets sources look that look at the same, each for `limit` at most.
    pub(crate) fn apart(
        &self,
        sources: Vec<Box<dyn Source>>,
        sight: Sight,
        limit: Duration,
    ) -> Told {
        let mut told = Told::default();
        if self.request.apart && !sources.is_empty() {
            let outcome = apart::look(Group {
                sources: sources.iter().map(|source| source.name()).collect(),
                sight,
                source_limit: limit,
                spellings: self.spellings,
                offline: self.offline,
                silence: self.silence,
                window: self.window,
                request: self.request,
                progress: self.progress,
            });
            told = Told {
                said: outcome.said,
                kept: outcome.kept,
                lacking: outcome.lacking,
                impossible: outcome.impossible,
            };
        }
        for source in sources {
            let name = source.name();
            if told.said.iter().all(|(said, _)| *said != name) {
                told.add(self.here(source, limit));
            }
        }
        told
    }

    /// Lets `source` look within this process.
    pub(crate) fn here(&self, mut source: Box<dyn Source>, limit: Duration) -> Told {
        let name = source.name();
        let memory = self.request.memory.clone();
        memory
            .into_iter()
            .for_each(|m| source.remember(m.of(&name)));
        self.progress.begins(&name);
        let limit = limit.min(self.window.remaining());
        let mut heard = bounded::look(source, self.window, limit, &self.request.budget);
        let trouble = match heard.end {
            End::Done(()) => None,
            End::Failed => Some(Trouble::Failed(String::new())),
            End::Stuck(passed) => Some(Trouble::LeftBehind(passed)),
        };
        if trouble.is_some() {
            heard.kept.clear();
        }
        self.progress.ends(&name);
        let said = apart::told(&name, heard.records, trouble);
        Told {
            said: vec![(name.clone(), said)],
            kept: vec![(name, heard.kept)],
            ..Told::default()
        }
    }
}
