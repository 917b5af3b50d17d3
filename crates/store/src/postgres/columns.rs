//! Columns as the rest of the crate knows them.

use groma_model::{AgentId, SiteId};
use postgres::Row;
use postgres::types::FromSql;

use crate::StoreError;
use crate::looks::StreamKey;
use crate::place::{Event, Flow, Hash, Word};
use crate::report::Span;

/// A row on its way out. What cannot be read as what it should be is damage.
pub(super) struct Columns<'r> {
    row: &'r Row,
    attempt: &'static str,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row, attempt: &'static str) -> Self {
        Self { row, attempt }
    }

    /// The column at `at`, as it is kept.
    pub(super) fn plain<T: FromSql<'r>>(&self, at: usize) -> Result<T, StoreError> {
        self.row.try_get(at).map_err(|error| self.damaged(&error))
    }

    /// A text that somebody else wrote.
    pub(super) fn text(&self, at: usize) -> Result<String, StoreError> {
        let bytes: &[u8] = self.plain(at)?;
        let text = str::from_utf8(bytes).map_err(|error| self.damaged(&error))?;
        Ok(text.to_owned())
    }

    /// Bytes of which the key at `at` may hold the begin only; then all of them stand in the column after it.
    pub(super) fn whole(&self, at: usize) -> Result<&'r [u8], StoreError> {
        match self.plain(at + 1)? {
            Some(whole) => Ok(whole),
            None => self.plain(at),
        }
    }

    /// As [`Self::whole`], for a text.
    pub(super) fn whole_text(&self, at: usize) -> Result<String, StoreError> {
        let text = str::from_utf8(self.whole(at)?).map_err(|error| self.damaged(&error))?;
        Ok(text.to_owned())
    }

    pub(super) fn hash(&self, at: usize) -> Result<Hash, StoreError> {
        let bytes: &[u8] = self.plain(at)?;
        bytes.try_into().map_err(|error| self.damaged(&error))
    }

    pub(super) fn site(&self, at: usize) -> Result<SiteId, StoreError> {
        self.text(at).map(SiteId::new)
    }

    pub(super) fn agent(&self, at: usize) -> Result<AgentId, StoreError> {
        self.text(at).map(AgentId::new)
    }

    /// The columns site, vantage, source from the first on.
    pub(super) fn stream(&self) -> Result<StreamKey, StoreError> {
        Ok(StreamKey {
            site: self.text(0)?,
            vantage: self.text(1)?,
            source: self.text(2)?,
        })
    }

    /// The columns started, ended from `at` on.
    pub(super) fn span(&self, at: usize) -> Result<Span, StoreError> {
        Ok(Span {
            started: self.plain(at)?,
            ended: self.plain(at + 1)?,
        })
    }

    /// The columns look, word, at, first, last, count, hours, bytes, shortest, longest from `at` on.
    pub(super) fn event(&self, at: usize) -> Result<Event, StoreError> {
        Ok(Event {
            look: self.plain(at)?,
            word: Word::of(self.plain(at + 1)?),
            at: self.plain(at + 2)?,
            first: self.plain(at + 3)?,
            last: self.plain(at + 4)?,
            count: self.plain(at + 5)?,
            flow: Flow::of_columns(
                self.plain(at + 6)?,
                self.plain(at + 7)?,
                self.plain(at + 8)?,
                self.plain(at + 9)?,
            ),
        })
    }

    fn damaged(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Damaged {
            attempt: self.attempt,
            why: error.to_string(),
        }
    }
}
