//! Machines to ask about before they are moved: nobody was seen to use them.

use groma_model::inventory::{Entity, Finding};
use groma_model::watched::asked_about;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::Catalogue;
use crate::visible::{cut, visible};

/// One machine.
#[derive(Serialize)]
pub(crate) struct RetireRow {
    pub(crate) name: String,
    /// For how many days it was watched without a gap.
    pub(crate) watched: String,
    pub(crate) rests_on: String,
    /// Whom to ask; absent where nobody is known.
    pub(crate) owner: Option<String>,
}

/// The machines of open findings, those watched longest first.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<RetireRow> {
    let found = asked_about(index.inventory);
    let mut all: Vec<Candidate<'_>> = found.filter_map(Candidate::of).collect();
    all.sort_by_key(|one| (std::cmp::Reverse(one.days), one.name, &one.finding.id));
    Rows::first(&all, limit, |one| one.row(words))
}

struct Candidate<'a> {
    name: &'a str,
    days: usize,
    finding: &'a Finding,
}

impl<'a> Candidate<'a> {
    fn of((machine, finding): (&'a Entity, &'a Finding)) -> Option<Self> {
        let watch = machine.attributes.watched.as_ref()?;
        let days = watch.to.since(watch.from).as_secs() / 86_400;
        Some(Self {
            name: &machine.name,
            days: usize::try_from(days).unwrap_or(usize::MAX),
            finding,
        })
    }

    fn row(&self, words: &Catalogue) -> RetireRow {
        RetireRow {
            name: cut(&visible(self.name), 160),
            watched: words.count(words.retire_days, self.days),
            rests_on: visible(&self.finding.indicator),
            owner: self.finding.owner.as_deref().map(visible),
        }
    }
}
