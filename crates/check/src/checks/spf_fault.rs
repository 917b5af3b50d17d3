//! `spf-fault`: an SPF record that receivers give up on, or that lets anybody send.

use groma_model::fact::MailPurpose;
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};

use crate::wording::names;
use crate::{Check, Draft, View};

/// Terms that make a receiver ask: more are an error (RFC 7208 §4.6.4).
const LOOKUPS_MAX: u32 = 10;

pub(crate) struct SpfFault;

impl Check for SpfFault {
    fn name(&self) -> &'static str {
        "spf-fault"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let records = view.all(|i| &i.mail_records);
        records
            .filter(|record| record.purpose == MailPurpose::Spf)
            .filter(|record| is_too_long(record) || !record.faults.is_empty())
            .map(|record| draft(view, record))
            .collect()
    }
}

fn is_too_long(record: &MailRecordEntry) -> bool {
    record.lookups.is_some_and(|lookups| lookups > LOOKUPS_MAX)
}

fn draft(view: &View<'_>, record: &MailRecordEntry) -> Draft {
    // Two zones may say two things about one domain.
    let mut about = vec![record.domain.as_str()];
    about.extend(record.values.iter().map(String::as_str));
    let mut draft = Draft::about(&about);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "The SPF record of {} does not say what it should: receivers may take its mail for forged, or forged mail for its own.",
        record.domain
    );
    let mut shown = record.faults.clone();
    if let Some(lookups) = record.lookups.filter(|_| is_too_long(record)) {
        shown.push(format!(
            "{lookups} terms make a receiver ask again, {LOOKUPS_MAX} are allowed"
        ));
    }
    draft.indicator = names(shown);
    "Mail goes to junk or is refused, with some receivers and not with others; a new sender added for the move makes it worse.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Take out includes of services that no longer send, and write addresses in place of names that only lead to addresses.",
        "Give a service that sends much a subdomain with a record of its own.",
        "Look again before the new senders of the move are added.",
    ];
    let told = record.seen_from.iter().chain(&record.machines);
    for machine in told.filter_map(|id| view.entity(id)) {
        draft.points_at(machine);
    }
    draft.cites_evidence(&record.evidence);
    draft
}
