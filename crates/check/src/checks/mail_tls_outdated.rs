//! `mail-tls-outdated`: a client of a mail server knows no newer TLS than 1.1.

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::mail_ledger::MailLedgerEntry;

use super::mail_rows::{about, consumers, grouped, name, number, who};
use crate::wording::{agree, names};
use crate::{Check, Draft, View};

/// Versions that RFC 8996 forbids.
const OUTDATED: &[&str] = &["SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"];

pub(crate) struct MailTlsOutdated;

impl Check for MailTlsOutdated {
    fn name(&self) -> &'static str {
        "mail-tls-outdated"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = grouped(view, only_old);
        groups
            .iter()
            .map(|(provider, rows)| draft(view, provider, rows))
            .collect()
    }
}

/// Who was seen with a newer one too knows it.
fn only_old(row: &MailLedgerEntry) -> bool {
    !row.tls.is_empty()
        && row
            .tls
            .iter()
            .all(|version| OUTDATED.contains(&version.as_str()))
}

fn draft(view: &View<'_>, provider: &EntityId, rows: &[&MailLedgerEntry]) -> Draft {
    let mut draft = about(view, provider, rows);
    draft.severity = Severity::High;
    draft.likelihood = Likelihood::High;
    let machines = number(rows);
    draft.risk = format!(
        "{} {} with {} in no newer way than {}: a new mail server does not speak that any more.",
        consumers(view, rows),
        agree(machines, "speaks", "speak"),
        name(view, provider),
        names(rows.iter().flat_map(|row| &row.tls)),
    );
    draft.indicator = who(view, rows);
    "Its mail stops on the day of the move, or falls back to clear text without anybody noticing."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask the maker for new firmware; try it against the new server before the switch.",
        "For machines that stay as they are: a small relay beside them that speaks TLS 1.2 onwards.",
        "Do not switch the old versions on at the new server for everybody.",
    ];
    draft
}
