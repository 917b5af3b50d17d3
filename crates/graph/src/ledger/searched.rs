//! Where the clients of a directory search, as its log tells it: of the row of their account, or of the one row there is.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::LoggedSearch;
use groma_model::{Estate, EvidenceId, Peer};

use super::{Ends, Key, agree};
use crate::gather::{Raw, Raws};
use crate::untold::is_one_account;

/// Names of one kind that a row keeps.
const NAMES_MAX: usize = 32;

/// Searches by who searches where.
pub(super) struct Searched<'g> {
    of: BTreeMap<Ends, Vec<&'g Raw<LoggedSearch>>>,
}

/// What a row knows of searches.
#[derive(Default)]
pub(super) struct Of {
    pub(super) bases: BTreeSet<String>,
    pub(super) by: BTreeSet<String>,
    pub(super) evidence: BTreeSet<EvidenceId>,
}

impl<'g> Searched<'g> {
    pub(super) fn of(facts: &'g Raws<LoggedSearch>, estate: &Estate) -> Self {
        let mut of: BTreeMap<Ends, Vec<&Raw<LoggedSearch>>> = BTreeMap::new();
        for raw in facts {
            let peer = Peer::Address(raw.fact.peer);
            let consumer = estate.locate(&raw.site, &raw.vantage, &peer);
            // What a machine asks of itself is nobody's need.
            if let Some(consumer) = consumer.filter(|consumer| consumer.entity != raw.host) {
                let ends = (raw.host.clone(), raw.fact.kind.clone(), consumer.entity);
                of.entry(ends).or_default().push(raw);
            }
        }
        Self { of }
    }

    /// What the row with this key searches. One without an account has the searches of nobody alone.
    pub(super) fn by_row(&self, key: &Key) -> Of {
        let mut out = Of::default();
        let is_refused = key.3.2;
        let own = self.of.get(&key.0).into_iter().flatten();
        for raw in own.filter(|raw| !is_refused && is_of_row(&raw.fact, key)) {
            let by = raw.fact.by.iter().map(|name| name.lossy().into_owned());
            out.bases.insert(raw.fact.base.lossy().into_owned());
            out.by.extend(by);
            out.evidence.insert(raw.id.clone());
        }
        while out.by.len() > NAMES_MAX {
            out.by.pop_last();
        }
        while out.bases.len() > NAMES_MAX {
            out.bases.pop_last();
        }
        out
    }
}

fn is_of_row(search: &LoggedSearch, key: &Key) -> bool {
    let account = search.account.as_ref().map(|account| account.lossy());
    let same_account = match (account, &key.2.0) {
        (Some(one), Some(other)) => is_one_account(&one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    same_account && agree(&search.port, &key.1.0)
}
