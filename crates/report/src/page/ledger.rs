//! Who uses which service in which way, as logs and every other witness tell it.

use groma_model::inventory::{Inventory, ReachedBy};
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::name::Protection;
use serde::Serialize;

use super::Rows;
use crate::human::number;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// One way of using one service.
#[derive(Serialize)]
pub(crate) struct LedgerRow {
    pub(crate) consumer: String,
    pub(crate) provider: String,
    pub(crate) how: String,
    pub(crate) when: String,
    pub(crate) logs: String,
}

/// The ledger, by service.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<LedgerRow> {
    let inventory: &Inventory = index.inventory;
    let rows: Vec<&LedgerEntry> = inventory.ledger.iter().collect();
    Rows::first(&rows, limit, |row| LedgerRow {
        consumer: consumer(row, index),
        provider: provider(row, index, words),
        how: how(row, words),
        when: when(row, words),
        logs: told_by(row, words),
    })
}

/// How often and when, how regularly and when next; what is only written was never seen.
fn when(row: &LedgerEntry, words: &Catalogue) -> String {
    let seen = match row.count {
        0 => words.ledger_never.to_owned(),
        count => fill(
            words.plural(words.ledger_times, count),
            &[
                &number(usize::try_from(count).unwrap_or(usize::MAX)),
                &row.first_seen.minute(),
                &row.last_seen.minute(),
            ],
        ),
    };
    let due = row.next_due.map(|due| due.minute());
    let due = due.map(|due| fill(words.ledger_due, &[&due]));
    let parts = [Some(seen), row.rhythm.clone(), due];
    visible(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// The logs that tell it, else the lines that do, else who saw it.
fn told_by(row: &LedgerEntry, words: &Catalogue) -> String {
    let witnesses = || {
        row.witnesses
            .iter()
            .map(|witness| words.witness(*witness).to_owned())
    };
    let said: Vec<String> = match (row.logs.is_empty(), row.written_in.is_empty()) {
        (false, _) => row.logs.clone(),
        (true, false) => row.written_in.clone(),
        (true, true) => witnesses().collect(),
    };
    cut(&visible(&said.join(", ")), 120)
}

fn consumer(row: &LedgerEntry, index: &Index<'_>) -> String {
    let name = visible(&index.name(&row.consumer));
    let class = class(row.class);
    match row.programs.is_empty() {
        true => format!("{name} ({class})"),
        false => cut(
            &visible(&format!("{name} ({class}: {})", row.programs.join(", "))),
            160,
        ),
    }
}

/// The word for what a consumer seems to be.
pub(crate) fn class(class: ConsumerClass) -> &'static str {
    match class {
        ConsumerClass::Device => "device",
        ConsumerClass::Monitoring => "monitoring",
        ConsumerClass::Application => "application",
        ConsumerClass::Person => "person",
        ConsumerClass::Server => "server",
        ConsumerClass::Unknown => "unknown",
    }
}

fn provider(row: &LedgerEntry, index: &Index<'_>, words: &Catalogue) -> String {
    let port = row
        .port
        .map_or_else(String::new, |port| format!(", {port}"));
    let name = visible(&index.name(&row.provider));
    let by_address = row.reached_by == Some(ReachedBy::AddressLiteral);
    let found = row.reached_by.zip(row.reached_as.as_ref());
    let found = found.map(|(by, name)| match by_address {
        true => format!(", {} {name}", words.reached_by(by)),
        false => format!(", {name}"),
    });
    // What a log heard is what was said; that somebody calls by address is news even then.
    let heard = row.name.as_ref().filter(|_| !by_address);
    let called = heard.map(|name| format!(", {name}"));
    let called = called.or(found).unwrap_or_default();
    visible(&format!("{name} ({}{port}{called})", row.kind))
}

fn how(row: &LedgerEntry, words: &Catalogue) -> String {
    let account = row
        .account
        .as_ref()
        .map(|account| match account.is_empty() {
            true => words.ledger_nobody.to_owned(),
            false => account.clone(),
        });
    let protection = row.protection.map(|protection| match protection {
        Protection::None => words.ledger_clear.to_owned(),
        Protection::Starttls => "STARTTLS".to_owned(),
        Protection::Tls => "TLS".to_owned(),
    });
    let parts = [
        account,
        row.mechanism.clone(),
        protection,
        row.says_it_is.clone(),
        row.service.clone(),
        row.asks.clone(),
        (!row.bases.is_empty()).then(|| fill(words.ledger_below, &[&row.bases.join(" | ")])),
        (!row.searches_by.is_empty())
            .then(|| fill(words.ledger_by, &[&row.searches_by.join(", ")])),
        row.refused.then(|| words.ledger_refused.to_owned()),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    // A log that says nothing of a logon saw none.
    if said.is_empty() && row.logs.is_empty() {
        return words.ledger_unknown.to_owned();
    }
    cut(&visible(&said.join(" · ")), 200)
}
