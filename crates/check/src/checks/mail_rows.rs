//! Rows of the mail ledger as its checks read and name them.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::{MailLedgerEntry, MailSide};

use crate::wording::{machines, names};
use crate::{Draft, View};

/// Rows by mail server.
pub(crate) type Groups<'a> = BTreeMap<&'a EntityId, Vec<&'a MailLedgerEntry>>;

/// The rows that `keep` keeps, by mail server.
pub(crate) fn grouped<'a>(view: &View<'a>, keep: impl Fn(&MailLedgerEntry) -> bool) -> Groups<'a> {
    let mut out: Groups<'a> = BTreeMap::new();
    for row in view.all(|i| &i.mail_ledger).filter(|row| keep(row)) {
        out.entry(&row.provider).or_default().push(row);
    }
    out
}

/// What a machine is called.
pub(crate) fn name<'a>(view: &View<'a>, id: &'a EntityId) -> &'a str {
    view.entity(id)
        .map_or(id.as_str(), |entity| entity.name.as_str())
}

/// `copier1`, `12 machines`.
pub(crate) fn consumers(view: &View<'_>, rows: &[&MailLedgerEntry]) -> String {
    machines(
        rows.iter()
            .map(|row| (&row.consumer, name(view, &row.consumer))),
    )
}

/// How many machines the rows are of.
pub(crate) fn number(rows: &[&MailLedgerEntry]) -> usize {
    let ids: std::collections::BTreeSet<&EntityId> = rows.iter().map(|row| &row.consumer).collect();
    ids.len()
}

/// `copier1 (device: sends as scan), app1 (application)`.
pub(crate) fn who(view: &View<'_>, rows: &[&MailLedgerEntry]) -> String {
    names(rows.iter().map(|row| {
        let because = match row.class_because.is_empty() {
            true => String::new(),
            false => format!(": {}", row.class_because.join(", ")),
        };
        format!(
            "{} ({}{because})",
            name(view, &row.consumer),
            class(row.class)
        )
    }))
}

/// The word for a class.
pub(crate) fn class(class: ConsumerClass) -> &'static str {
    match class {
        ConsumerClass::Device => "device",
        ConsumerClass::Monitoring => "monitoring",
        ConsumerClass::Application => "application",
        ConsumerClass::Person => "person",
        ConsumerClass::Server => "server",
        ConsumerClass::Unknown => "nobody knows what",
    }
}

/// True for a sender whose mail was taken.
pub(crate) fn sends(row: &MailLedgerEntry) -> bool {
    row.side == MailSide::Sends && row.messages > 0
}

/// True if mail of it may leave the house: a domain is not known as one of ours.
pub(crate) fn may_send_out(row: &MailLedgerEntry) -> bool {
    let outside = |domain: &&groma_model::mail_ledger::MailDomainEntry| {
        domain.internal != Some(true) && !domain.name.is_empty()
    };
    row.recipient_domains.iter().any(|domain| outside(&domain))
}

/// A draft about a mail server and the rows of it.
pub(crate) fn about(view: &View<'_>, provider: &EntityId, rows: &[&MailLedgerEntry]) -> Draft {
    let mut draft = Draft::about(&[provider.as_str()]);
    "mail".clone_into(&mut draft.layer);
    view.entity(provider)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    for row in rows {
        draft.subjects.insert(row.consumer.to_string());
        draft.cites_evidence(&row.evidence);
    }
    draft
}
