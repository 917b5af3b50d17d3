//! What a look says about itself, in a form that is equal for equal looks.
//!
//! Coverage names the time it speaks for, and for most sources that is simply the time of the look. So
//! moments within the look are left out and filled in again on reading; then a look that reached as far
//! as the one before it is stored by the hash of what is already there.

use groma_model::{Coverage, CoverageState, Gap, Scope, Timestamp};
use serde::{Deserialize, Serialize};

/// Moments this close to a look, in milliseconds, count as its own: agents read the clock more than once.
const NEAR: i64 = 60_000;

/// When a look began and ended, in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) started: i64,
    pub(crate) ended: i64,
}

impl Span {
    fn is_near(self, moment: Timestamp) -> bool {
        (self.started - NEAR..=self.ended.max(self.started) + NEAR).contains(&moment.millis())
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covered: Vec<StoredCoverage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missed: Vec<Gap>,
}

#[derive(Serialize, Deserialize)]
struct StoredCoverage {
    scope: Scope,
    state: CoverageState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    how: Option<String>,
}

/// Coverage and gaps as JSON, sorted, without the moments of the look itself.
pub(crate) fn write(
    coverage: &[Coverage],
    gaps: &[Gap],
    span: Span,
) -> Result<String, serde_json::Error> {
    let apart = |moment: Timestamp| (!span.is_near(moment)).then_some(moment);
    let covered = |c: &Coverage| StoredCoverage {
        scope: c.scope.clone(),
        state: c.state,
        from: apart(c.from),
        to: apart(c.to),
        how: c.how.clone(),
    };
    let mut stored = Stored {
        covered: coverage.iter().map(covered).collect(),
        missed: gaps.to_vec(),
    };
    stored
        .covered
        .sort_by(|a, b| (&a.scope, a.from, a.to).cmp(&(&b.scope, b.from, b.to)));
    stored.missed.sort();
    stored.missed.dedup();
    serde_json::to_string(&stored)
}

/// What [`write`] wrote, with the moments of the look filled in.
pub(crate) fn read(json: &str, span: Span) -> Result<(Vec<Coverage>, Vec<Gap>), serde_json::Error> {
    let stored: Stored = serde_json::from_str(json)?;
    let covered = |c: StoredCoverage| Coverage {
        scope: c.scope,
        state: c.state,
        from: c
            .from
            .unwrap_or_else(|| Timestamp::from_millis(span.started)),
        to: c.to.unwrap_or_else(|| Timestamp::from_millis(span.ended)),
        how: c.how,
    };
    Ok((
        stored.covered.into_iter().map(covered).collect(),
        stored.missed,
    ))
}
