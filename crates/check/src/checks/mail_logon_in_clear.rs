//! `mail-logon-in-clear`: a log shows passwords for mail that travel in clear text.

use std::collections::BTreeSet;

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::mail_ledger::{MailLedgerEntry, MailSide};
use groma_model::name::Protection;

use super::mail_rows::{about, consumers, grouped, name, number, who};
use crate::wording::{agree, names};
use crate::{Check, Draft, View};

pub(crate) struct MailLogonInClear;

impl Check for MailLogonInClear {
    fn name(&self) -> &'static str {
        "mail-logon-in-clear"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let told = told_elsewhere(view);
        let is_told = |row: &MailLedgerEntry| {
            row.side == MailSide::Sends && told.contains(&(&row.consumer, &row.provider))
        };
        let groups = grouped(view, |row| is_in_clear(row) && !is_told(row));
        groups
            .iter()
            .map(|(provider, rows)| draft(view, provider, rows))
            .collect()
    }
}

/// `cleartext-mail-submission` speaks of the needs that are known to be open, where mail is sent.
fn told_elsewhere<'a>(view: &View<'a>) -> BTreeSet<(&'a EntityId, &'a EntityId)> {
    let open = view.dependencies().filter(|d| {
        d.kind.starts_with("smtp-")
            && d.details.protection == Some(Protection::None)
            && (d.details.account.is_some() || !d.details.accounts.is_empty())
    });
    open.map(|d| (&d.consumer.entity, &d.provider.entity))
        .collect()
}

/// A challenge that is answered (CRAM-MD5, SCRAM) shows no password.
fn is_in_clear(row: &MailLedgerEntry) -> bool {
    let word = matches!(
        row.mechanism.as_deref(),
        Some("PLAIN" | "LOGIN" | "plain" | "login")
    );
    word && row.protection == Some(Protection::None) && row.tls.is_empty() && row.messages > 0
}

fn draft(view: &View<'_>, provider: &EntityId, rows: &[&MailLedgerEntry]) -> Draft {
    let mut draft = about(view, provider, rows);
    draft.severity = Severity::High;
    draft.likelihood = Likelihood::Medium;
    let machines = number(rows);
    let reads = rows.iter().all(|row| row.side == MailSide::Reads);
    draft.risk = format!(
        "{} {} on to {} with a password in clear text: anybody on the way can {} with it, and a new mail system refuses it.",
        consumers(view, rows),
        agree(machines, "logs", "log"),
        name(view, provider),
        if reads { "read that mail" } else { "send" },
    );
    let how = names(rows.iter().map(|row| {
        let account = row
            .account
            .as_ref()
            .map_or_else(String::new, |a| format!(" as {a}"));
        let port = row
            .port
            .map_or_else(String::new, |port| format!(" at port {port}"));
        format!(
            "{}{account}{port}",
            row.mechanism.as_deref().unwrap_or("a password")
        )
    }));
    draft.indicator = format!("{}; {how}", who(view, rows));
    "Whoever listens owns the mailbox or sends in that name; on the day of the move these clients stop."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Switch these clients to STARTTLS or TLS while the old server still allows both.",
        "For machines that cannot: a small relay beside them that speaks TLS onwards.",
        "Change the passwords that travelled openly, after the switch.",
    ];
    draft
}
