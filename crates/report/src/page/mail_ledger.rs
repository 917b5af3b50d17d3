//! Who hands mail to which server or reads it there, and what each of them needs.

use groma_model::inventory::ReachedBy;
use groma_model::mail_ledger::{MailDomainEntry, MailLedgerEntry, MailSide};
use groma_model::name::Protection;
use serde::Serialize;

use super::Rows;
use super::ledger::class;
use crate::human::{number, size};
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Domains a cell names.
const NAMED_MAX: usize = 8;

/// One sender or reader.
#[derive(Serialize)]
pub(crate) struct MailLedgerRow {
    pub(crate) consumer: String,
    /// What it seems to be, and why.
    pub(crate) class: Vec<String>,
    pub(crate) provider: String,
    /// Account, mechanism, TLS, what it calls itself.
    pub(crate) needs: Vec<String>,
    /// As whom and to whom it sends.
    pub(crate) domains: Vec<String>,
    /// What lets it through, or that nothing known does.
    pub(crate) allowed: String,
    /// How much, when, what was refused.
    pub(crate) when: Vec<String>,
    pub(crate) logs: String,
}

/// The ledger of mail, by server.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<MailLedgerRow> {
    let rows: Vec<&MailLedgerEntry> = index.inventory.mail_ledger.iter().collect();
    Rows::first(&rows, limit, |row| MailLedgerRow {
        consumer: consumer(row, index),
        class: classes(row),
        provider: provider(row, index),
        needs: needs(row, words),
        domains: domains(row, words),
        allowed: allowed(row, words),
        when: when(row, words),
        logs: cut(&visible(&row.logs.join(", ")), 120),
    })
}

fn consumer(row: &MailLedgerEntry, index: &Index<'_>) -> String {
    let name = visible(&index.name(&row.consumer));
    let others: Vec<String> = row.addresses.iter().map(ToString::to_string).collect();
    let others: Vec<&String> = others
        .iter()
        .filter(|address| **address != name)
        .take(NAMED_MAX)
        .collect();
    match others.is_empty() {
        true => name,
        false => {
            let others: Vec<&str> = others.into_iter().map(String::as_str).collect();
            format!("{name} ({})", others.join(", "))
        }
    }
}

fn classes(row: &MailLedgerEntry) -> Vec<String> {
    let because = row.class_because.iter().map(|why| cut(&visible(why), 120));
    std::iter::once(class(row.class).to_owned())
        .chain(because)
        .collect()
}

fn provider(row: &MailLedgerEntry, index: &Index<'_>) -> String {
    let port = row.port.map_or_else(String::new, |port| format!(":{port}"));
    let name = visible(&index.name(&row.provider));
    let kind = row.protocol.as_ref().unwrap_or(&row.kind);
    let served = std::iter::once(&row.product).chain(&row.software);
    let served: Vec<&str> = served.map(String::as_str).collect();
    visible(&format!("{name}{port} ({}, {kind})", served.join(", ")))
}

fn needs(row: &MailLedgerEntry, words: &Catalogue) -> Vec<String> {
    let protection = row.protection.map(|protection| match protection {
        Protection::None => words.ledger_clear.to_owned(),
        Protection::Starttls => "STARTTLS".to_owned(),
        Protection::Tls => "TLS".to_owned(),
    });
    let many = row.accounts > 8;
    let accounts = match (&row.account, row.accounts) {
        (Some(_), _) | (None, 0) => None,
        (None, _) if many => Some(words.mail_accounts_many.to_owned()),
        (None, n) => Some(fill(words.mail_accounts, &[&n.to_string()])),
    };
    let literal = row.reached_by == Some(ReachedBy::AddressLiteral);
    let reached = row.reached_as.as_ref().map(|as_| match literal {
        true => fill(words.mail_by_address, &[as_]),
        false => fill(words.mail_by_name, &[as_]),
    });
    let parts = [
        row.account.clone(),
        accounts,
        row.mechanism.clone(),
        protection,
        (!row.tls.is_empty()).then(|| row.tls.join(", ")),
        row.certificate.then(|| words.mail_certificate.to_owned()),
        (!row.helo.is_empty()).then(|| format!("EHLO {}", row.helo.join(", "))),
        reached,
        (!row.clients.is_empty()).then(|| row.clients.join(", ")),
        (!row.programs.is_empty()).then(|| row.programs.join(", ")),
    ];
    parts
        .into_iter()
        .flatten()
        .map(|part| cut(&visible(&part), 160))
        .collect()
}

fn domains(row: &MailLedgerEntry, words: &Catalogue) -> Vec<String> {
    let named = |list: &[MailDomainEntry], side: Option<bool>| -> Vec<String> {
        let of_side = list.iter().filter(|domain| domain.internal == side);
        of_side
            .filter(|domain| !domain.name.is_empty())
            .map(|domain| domain.name.clone())
            .collect()
    };
    let line = |text: &str, list: Vec<String>| {
        let more = list.len().saturating_sub(NAMED_MAX);
        let mut shown: Vec<String> = list.into_iter().take(NAMED_MAX).collect();
        if more > 0 {
            shown.push(words.count(words.more, more));
        }
        (!shown.is_empty()).then(|| cut(&visible(&fill(text, &[&shown.join(", ")])), 400))
    };
    let senders: Vec<String> = row
        .sender_domains
        .iter()
        .filter(|d| !d.name.is_empty())
        .map(|d| d.name.clone())
        .collect();
    let to = &row.recipient_domains;
    [
        line(words.mail_from, senders),
        line(words.mail_to_outside, named(to, Some(false))),
        line(words.mail_to_inside, named(to, Some(true))),
        line(words.mail_to_unknown, named(to, None)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn allowed(row: &MailLedgerEntry, words: &Catalogue) -> String {
    if row.side == MailSide::Reads {
        return String::new();
    }
    match &row.allowed_by {
        None => words.mail_allowed_unknown.to_owned(),
        Some(rule) => {
            let place = rule.file.as_ref().zip(rule.line);
            let place = place.map_or_else(String::new, |(file, line)| format!(", {file}:{line}"));
            cut(
                &visible(&format!("{} ({}{place})", rule.entry, rule.setting)),
                200,
            )
        }
    }
}

fn when(row: &MailLedgerEntry, words: &Catalogue) -> Vec<String> {
    let count = |n: u64| number(usize::try_from(n).unwrap_or(usize::MAX));
    let text = match row.side {
        MailSide::Sends => words.mail_messages,
        MailSide::Reads => words.ledger_times,
    };
    let taken = (row.messages > 0).then(|| {
        fill(
            words.plural(text, row.messages),
            &[
                &count(row.messages),
                &row.first_seen.minute(),
                &row.last_seen.minute(),
            ],
        )
    });
    let bytes = row.bytes.map(size);
    let refused = row.refusals.iter().map(|refusal| {
        fill(
            words.mail_refused,
            &[
                &count(refusal.count),
                refusal.why.as_str(),
                &refusal.last_seen.minute(),
            ],
        )
    });
    taken.into_iter().chain(bytes).chain(refused).collect()
}
