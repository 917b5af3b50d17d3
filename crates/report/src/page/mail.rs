//! What the domain name system says about the mail of domains.

use groma_model::inventory::MailRecordEntry;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Values of one answer that a row prints, and how long each may be: a key for DKIM is four hundred letters.
const PRINTED_MAX: usize = 6;
const VALUE_MAX: usize = 120;

/// One answer.
#[derive(Serialize)]
pub(crate) struct MailRow {
    pub(crate) domain: String,
    /// `MX`, and the name at which it stands where that is not the domain itself.
    pub(crate) record: String,
    /// Empty: there is none.
    pub(crate) values: Vec<String>,
    /// For how long others remember it; empty where nobody who knows said it.
    pub(crate) remembered: String,
    /// The machines it leads to.
    pub(crate) machines: Vec<String>,
    /// What a receiver would stumble over, and who was told so where others were told something else.
    pub(crate) remarks: Vec<String>,
}

/// Every answer, by domain, in the order in which mail meets them.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<MailRow> {
    let records: Vec<&MailRecordEntry> = index.inventory.mail_records.iter().collect();
    Rows::first(&records, limit, |record| row(index, record, words))
}

fn row(index: &Index<'_>, record: &MailRecordEntry, words: &Catalogue) -> MailRow {
    let what = record.purpose.as_str();
    let name = |ids: &[groma_model::EntityId]| ids.iter().map(|id| index.name(id)).collect();
    let mut values: Vec<String> = record
        .values
        .iter()
        .take(PRINTED_MAX)
        .map(|value| cut(&visible(value), VALUE_MAX))
        .collect();
    let more = record.values.len().saturating_sub(PRINTED_MAX);
    if more > 0 {
        values.push(words.count(words.more, more));
    }
    MailRow {
        domain: visible(record.domain.as_str()),
        record: match record.asked == record.domain {
            true => what.to_owned(),
            false => format!("{what} · {}", visible(record.asked.as_str())),
        },
        values,
        remembered: record
            .ttl_seconds
            .map(|s| lasting(s, words))
            .unwrap_or_default(),
        machines: name(&record.machines),
        remarks: remarks(index, record, words),
    }
}

fn remarks(index: &Index<'_>, record: &MailRecordEntry, words: &Catalogue) -> Vec<String> {
    let mut remarks: Vec<String> = record
        .faults
        .iter()
        .map(|f| cut(&visible(f), VALUE_MAX))
        .collect();
    if let Some(lookups) = record.lookups {
        remarks.push(fill(words.mail_lookups, &[&lookups.to_string()]));
    }
    let same = |other: &&MailRecordEntry| {
        (&other.domain, other.purpose, &other.asked)
            == (&record.domain, record.purpose, &record.asked)
    };
    if index.inventory.mail_records.iter().filter(same).count() > 1 {
        let from: Vec<String> = record.seen_from.iter().map(|id| index.name(id)).collect();
        remarks.push(fill(words.mail_told_to, &[&from.join(", ")]));
    }
    remarks
}

/// `24 h`, `5 min`, `90 s`: the largest unit that counts it whole.
pub(super) fn lasting(seconds: u32, words: &Catalogue) -> String {
    let whole = |unit: u32| seconds >= unit && seconds.is_multiple_of(unit);
    let (number, unit) = match seconds {
        _ if whole(3_600) => (seconds / 3_600, words.hours),
        _ if whole(60) => (seconds / 60, words.minutes),
        _ => (seconds, words.seconds),
    };
    words.count(unit, number as usize)
}
