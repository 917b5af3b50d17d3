//! Who uses which service in which way, as logs tell it.

use groma_model::inventory::Inventory;
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
        provider: provider(row, index),
        how: how(row, words),
        when: fill(
            words.plural(words.ledger_times, row.count),
            &[
                &number(usize::try_from(row.count).unwrap_or(usize::MAX)),
                &row.first_seen.minute(),
                &row.last_seen.minute(),
            ],
        ),
        logs: cut(&visible(&row.logs.join(", ")), 120),
    })
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

fn provider(row: &LedgerEntry, index: &Index<'_>) -> String {
    let port = row
        .port
        .map_or_else(String::new, |port| format!(", {port}"));
    let name = visible(&index.name(&row.provider));
    let called = row
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(", {name}"));
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
        row.refused.then(|| words.ledger_refused.to_owned()),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    cut(&visible(&said.join(" · ")), 200)
}
