//! A list becomes a batch, so that it is kept the way looks are.

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::id::digest;
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, Observation, Scope, Seen, SiteId, SourceName,
};

use crate::Imported;

/// The batch of an imported list, as groma `version` says it to `site`.
///
/// The vantage is derived from the name of the list, and the list is one complete scope: importing a
/// newer version under the same name removes the rows that vanished from it. Rows that could not be read
/// make the list partial: a row with a typing error today is not a machine that was taken out.
///
/// The epoch is derived from the rows. A caller that asks the store for the newest epoch of this vantage
/// knows whether the list says anything new; the sequence is the moment of the import, so that a list
/// that goes back to what it said before last is news again.
pub fn as_batch(imported: &Imported, site: &SiteId, version: &str) -> Batch {
    let source = SourceName::new("declared.list");
    let scope = Scope::new("list", &imported.list);
    let seen = Seen::once(imported.at);
    let mut rows: Vec<String> = Vec::new();
    let mut records = Vec::new();
    let declared = imported.declared.iter().cloned().map(Fact::Declared);
    let ties = imported.ties.iter().cloned().map(Fact::MailboxTie);
    let parties = imported.parties.iter().cloned().map(Fact::RelyingParty);
    let needs = imported.needs.iter().cloned().map(Fact::DirectoryNeed);
    let devices = imported.devices.iter().cloned().map(Fact::DeviceSays);
    for fact in declared
        .chain(ties)
        .chain(parties)
        .chain(needs)
        .chain(devices)
        .chain(imported.facts.iter().cloned())
    {
        rows.push(serde_json::to_string(&fact).unwrap_or_default());
        records.push(Record {
            source: source.clone(),
            said: Said::Saw(Observation {
                scope: scope.clone(),
                fact,
                seen,
            }),
        });
    }
    let state = if imported.rows_left_out > 0 {
        CoverageState::Partial
    } else {
        CoverageState::Complete
    };
    let coverage = Coverage {
        scope,
        state,
        from: imported.at,
        to: imported.at,
        how: None,
    };
    records.push(Record {
        source: source.clone(),
        said: Said::Covered(coverage),
    });
    rows.sort();
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::of_list(&digest(&[&imported.list])),
        site: site.clone(),
        epoch: number(&rows),
        sequence: imported.at.millis().unsigned_abs(),
        version: version.to_owned(),
        started: imported.at,
        ended: imported.at,
        sources: vec![source],
    };
    Batch { header, records }
}

/// The first 60 bits of the digest of `rows`.
pub(crate) fn number(rows: &[String]) -> u64 {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let text = digest(&rows);
    u64::from_str_radix(text.get(..15).unwrap_or_default(), 16).unwrap_or_default()
}
