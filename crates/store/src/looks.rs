//! Looks as every engine knows them: which stream, which number, what was said.

use groma_model::store::LookRecord;
use groma_model::{AgentId, SiteId, SourceName, Timestamp};

use crate::StoreError;
use crate::evidence::Reader;
use crate::report::{self, Span};

pub(crate) const ATTEMPT: &str = "read looks";

/// How far back growth is told for: what happened last year says little about next week.
pub(crate) const GROWTH_MILLIS: i64 = 30 * 86_400_000;

/// A moment with its bounds filled in: looks up to this number, events up to this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) watermark: i64,
    pub(crate) valid_at: i64,
}

/// One way of looking from one vantage; ordered as the tables are.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub(crate) struct StreamKey {
    pub(crate) site: String,
    pub(crate) vantage: String,
    pub(crate) source: String,
}

/// One look of a stream: the newest, or one that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewestLook {
    pub(crate) stream: StreamKey,
    pub(crate) id: i64,
    pub(crate) span: Span,
    /// The key of what it said about itself.
    pub(crate) report: Vec<u8>,
}

/// A look with its coverage and gaps.
pub(crate) fn record(reader: &impl Reader, look: &NewestLook) -> Result<LookRecord, StoreError> {
    let json = reader.report(&look.stream.site, &look.report)?;
    let read = report::read(json.as_deref().unwrap_or("{}"), look.span);
    let (coverage, gaps) = read.map_err(|error| StoreError::Damaged {
        attempt: ATTEMPT,
        why: error.to_string(),
    })?;
    Ok(LookRecord {
        site: SiteId::new(&look.stream.site),
        vantage: AgentId::new(&look.stream.vantage),
        source: SourceName::new(&look.stream.source),
        started: Timestamp::from_millis(look.span.started),
        ended: Timestamp::from_millis(look.span.ended),
        coverage,
        gaps,
    })
}

/// The newest look of each stream.
pub(crate) fn looks(reader: &impl Reader, bounds: Bounds) -> Result<Vec<LookRecord>, StoreError> {
    records(reader, &reader.newest_looks(bounds)?)
}

/// Looks with what they said, the earliest first.
pub(crate) fn records(
    reader: &impl Reader,
    looks: &[NewestLook],
) -> Result<Vec<LookRecord>, StoreError> {
    looks.iter().map(|look| record(reader, look)).collect()
}

/// A number of ours as an engine keeps it: the same 64 bits.
pub(crate) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// The way back from [`signed`].
pub(crate) fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}
