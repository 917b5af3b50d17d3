//! `mail-relay-by-address`: senders are let out of the house by their address alone.

use groma_model::fact::RelayBy;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::MailLedgerEntry;

use super::mail_rows::{about, consumers, grouped, may_send_out, name, number, sends, who};
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailRelayByAddress;

impl Check for MailRelayByAddress {
    fn name(&self) -> &'static str {
        "mail-relay-by-address"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = grouped(view, by_address);
        groups
            .iter()
            .map(|(provider, rows)| draft(view, provider, rows))
            .collect()
    }
}

/// Mail for a domain of the house needs no leave. Who logs on is known by that, whatever network it stands in.
fn by_address(row: &MailLedgerEntry) -> bool {
    let address = row
        .allowed_by
        .as_ref()
        .is_some_and(|rule| rule.by == RelayBy::Address);
    let known = row.account.is_some() || row.mechanism.is_some() || row.certificate;
    sends(row) && address && !known && may_send_out(row)
}

fn draft(view: &View<'_>, provider: &groma_model::EntityId, rows: &[&MailLedgerEntry]) -> Draft {
    let mut draft = about(view, provider, rows);
    let machines = number(rows);
    let mute = |row: &&&MailLedgerEntry| {
        matches!(
            row.class,
            ConsumerClass::Device | ConsumerClass::Application | ConsumerClass::Unknown
        )
    };
    draft.severity = match rows.iter().any(|row| mute(&row)) {
        true => Severity::High,
        false => Severity::Medium,
    };
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} mail out of the house through {} because of {} alone: when a sender or the server gets another address, that mail is refused.",
        consumers(view, rows),
        agree(machines, "sends", "send"),
        name(view, provider),
        agree(machines, "its address", "their addresses"),
    );
    let entries = names(
        rows.iter()
            .filter_map(|row| row.allowed_by.as_ref())
            .map(|rule| {
                let place = rule.file.as_ref().zip(rule.line);
                let place =
                    place.map_or_else(String::new, |(file, line)| format!(" ({file}:{line})"));
                format!("{} of {}{place}", rule.entry, rule.setting)
            }),
    );
    draft.indicator = format!(
        "{}: {}; let through by {entries}",
        count(
            machines,
            "sender without an account",
            "senders without an account"
        ),
        who(view, rows)
    );
    "Scans, alarms and invoices to partners stop on the day of the move, and a copier tells nobody."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Carry exactly these senders over to the new server's list before the switch, not the whole range.",
        "Give whatever can log on an account and TLS instead.",
        "For the rest: a small relay that keeps its address, and that knows the new server.",
    ];
    draft
}
