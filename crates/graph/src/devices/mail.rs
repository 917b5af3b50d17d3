//! What a device needs of mail servers: with an account or without, by which TLS, by name or by address.

use std::collections::BTreeSet;

use groma_model::EntityId;
use groma_model::device_verdict::DeviceMailNeed;
use groma_model::inventory::Dependency;
use groma_model::mail_ledger::MailLedgerEntry;
use groma_model::name::Port;

use super::deeds::is_mail;

/// One row per way in which it sends: what the server's log tells, and what only the device's own tables or settings tell.
pub(super) fn needs(rows: &[&MailLedgerEntry], needs: &[&Dependency]) -> Vec<DeviceMailNeed> {
    let told: BTreeSet<(&EntityId, Option<Port>)> =
        rows.iter().map(|row| (&row.provider, row.port)).collect();
    let is_told = |need: &&&Dependency| {
        let server = &need.provider.entity;
        let any_port = need.provider.port.is_none();
        told.contains(&(server, need.provider.port))
            || told.contains(&(server, None))
            || any_port && told.iter().any(|(known, _)| *known == server)
    };
    let untold = needs.iter().filter(|need| is_mail(need) && !is_told(need));
    let mut out: Vec<DeviceMailNeed> = rows
        .iter()
        .map(|row| of_row(row))
        .chain(untold.map(|need| of_need(need)))
        .collect();
    out.sort();
    out.dedup();
    out
}

fn of_row(row: &MailLedgerEntry) -> DeviceMailNeed {
    DeviceMailNeed {
        server: row.provider.clone(),
        port: row.port,
        anonymous: was_heard(row).then_some(row.account.is_none() && row.mechanism.is_none()),
        account: row.account.clone(),
        mechanism: row.mechanism.clone(),
        protection: row.protection,
        tls: row.tls.clone(),
        reached_by: row.reached_by,
        reached_as: row.reached_as.clone(),
        witnesses: row.witnesses.clone(),
        last_seen: row.last_seen,
        evidence: row.evidence.clone(),
    }
}

/// True if something of what was said is known, and not only that there is a connection: that tells neither of accounts nor
/// of what came of it.
pub(super) fn was_heard(row: &MailLedgerEntry) -> bool {
    row.messages > 0 || !row.refusals.is_empty()
}

fn of_need(need: &Dependency) -> DeviceMailNeed {
    let accounts = &need.details.accounts;
    let by_address = need
        .hidden_because
        .iter()
        .any(|reason| reason == "unauthenticated-relay");
    DeviceMailNeed {
        server: need.provider.entity.clone(),
        port: need.provider.port,
        anonymous: match accounts.is_empty() {
            true => by_address.then_some(true),
            false => Some(false),
        },
        account: accounts.first().cloned(),
        mechanism: need.details.mechanism.clone(),
        protection: need.details.protection,
        tls: Vec::new(),
        reached_by: need.reached_by,
        reached_as: need.reached_as.clone(),
        witnesses: need.witnesses.clone(),
        last_seen: need.last_seen,
        evidence: need.evidence.iter().take(20).cloned().collect(),
    }
}
