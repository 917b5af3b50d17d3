//! Which looks at platforms may end what older lists tell of them.

use groma_model::CoverageState;
use groma_model::store::LookRecord;
use groma_model::virtualization::PLATFORM_SOURCE;
use groma_store::{Moment, Store, StoreError};

#[cfg(test)]
mod tests;

/// The looks at platforms since the first list was imported. Of whoever saw everything the last time that look is enough; of
/// whoever did not, an earlier one may have.
pub(crate) fn at_platforms(
    store: &dyn Store,
    moment: &Moment,
    looks: &[LookRecord],
) -> Result<Vec<LookRecord>, StoreError> {
    let lists = looks.iter().filter(|look| look.vantage.is_list());
    let Some(since) = lists.map(|look| look.ended).min() else {
        return Ok(Vec::new());
    };
    let asked = looks.iter().filter(|look| {
        look.source.as_str() == PLATFORM_SOURCE && !look.vantage.is_list() && look.started > since
    });
    let mut all = Vec::new();
    for look in asked {
        if saw_everything(look) {
            all.push(look.clone());
        } else {
            let asker = (look.site.clone(), look.vantage.clone());
            all.extend(store.looks_of(moment, PLATFORM_SOURCE, &asker, since)?);
        }
    }
    Ok(all)
}

fn saw_everything(look: &LookRecord) -> bool {
    let mut closed = look.coverage.iter();
    closed.all(|c| c.state == CoverageState::Complete)
        && !look.coverage.is_empty()
        && look.gaps.is_empty()
}
