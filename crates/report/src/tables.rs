//! The two ledgers as CSV: who logs on where, and who sends mail.

use groma_model::device::{Deed, DeviceClass};
use groma_model::device_verdict::{DeviceEntry, DeviceMailNeed, DeviceWord};
use groma_model::inventory::{Inventory, ReachedBy};
use groma_model::ledger::LedgerEntry;
use groma_model::mail_ledger::{MailDomainEntry, MailLedgerEntry, MailSide};
use groma_model::name::Protection;

use crate::index::Index;
use crate::page::class;
use crate::table::written;

const LEDGER: [&str; 27] = [
    "consumer",
    "class",
    "provider",
    "kind",
    "port",
    "name",
    "account",
    "mechanism",
    "protection",
    "says_it_is",
    "programs",
    "count",
    "first_seen",
    "last_seen",
    "hours",
    "hours_of_week",
    "witnesses",
    "logs",
    "evidence",
    "reached_by",
    "reached_as",
    "written_in",
    "bases",
    "rhythm",
    "next_due",
    "refused",
    "searches_by",
];

const MAIL: [&str; 34] = [
    "side",
    "consumer",
    "addresses",
    "class",
    "class_because",
    "provider",
    "product",
    "kind",
    "port",
    "helo",
    "account",
    "accounts",
    "mechanism",
    "protection",
    "tls",
    "certificate",
    "sender_domains",
    "recipients_internal",
    "recipients_external",
    "recipients_unknown",
    "allowed_by",
    "reached",
    "programs",
    "messages",
    "bytes",
    "refusals",
    "first_seen",
    "last_seen",
    "hours",
    "logs",
    "evidence",
    "protocol",
    "clients",
    "software",
];

/// Who uses which service in which way, one line each.
pub(crate) fn ledger(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let rows = inventory
        .ledger
        .iter()
        .map(|row| logon(row, &index).to_vec());
    written(&LEDGER, rows)
}

/// Who sends or reads mail and what each needs, one line each.
pub(crate) fn mail(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let rows = inventory
        .mail_ledger
        .iter()
        .map(|row| sender(row, &index).to_vec());
    written(&MAIL, rows)
}

const DEVICES: [&str; 19] = [
    "device",
    "addresses",
    "class",
    "maker",
    "model",
    "serial",
    "location",
    "prints",
    "scans",
    "faxes",
    "mails",
    "mails_because",
    "disputes",
    "needs_of_mail_server",
    "to_be_asked",
    "told_by",
    "macs",
    "id",
    "evidence",
];

/// What each device is, whether it mails and what it needs for that, one line each.
pub(crate) fn devices(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let rows = inventory
        .devices
        .iter()
        .map(|row| device(row, &index).to_vec());
    written(&DEVICES, rows)
}

fn device(row: &DeviceEntry, index: &Index<'_>) -> [String; 19] {
    let entity = index.entity(row.entity.as_str());
    let words = |told: &[DeviceWord]| list(told.iter().map(|word| &word.value));
    let answer = |deed| row.answer(deed).as_str().to_owned();
    let because = row.deeds.iter().filter(|entry| entry.deed == Deed::Mail);
    [
        index.name(&row.entity),
        list(entity.iter().flat_map(|entity| &entity.addresses)),
        text(row.class.map(DeviceClass::words)),
        words(&row.maker),
        words(&row.model),
        words(&row.serial),
        words(&row.location),
        answer(Deed::Print),
        answer(Deed::Scan),
        answer(Deed::Fax),
        answer(Deed::Mail),
        list(because.flat_map(|entry| entry.because.iter().map(|reason| &reason.says))),
        list(row.disputes()),
        list(row.mail.iter().map(|need| mail_need(need, index))),
        if row.to_be_asked { "yes" } else { "no" }.to_owned(),
        list(row.told_by.iter().map(|by| by.words())),
        list(entity.iter().flat_map(|entity| &entity.attributes.macs)),
        row.entity.as_str().to_owned(),
        list(&row.evidence),
    ]
}

/// Server and port, then what it needs there.
fn mail_need(need: &DeviceMailNeed, index: &Index<'_>) -> String {
    let account = match (need.anonymous, &need.account) {
        (Some(true), _) => "anonymous".to_owned(),
        (_, Some(account)) => format!("account {account}"),
        (Some(false), None) => "an account".to_owned(),
        (None, None) => String::new(),
    };
    let port = need.port.map(|port| format!(":{port}")).unwrap_or_default();
    let reached = need.reached_as.as_ref().map(|used| {
        let by = need.reached_by.map_or("", way);
        format!("{by} {used}")
    });
    let parts = [
        format!("{}{port}", index.name(&need.server)),
        account,
        protection(need.protection),
        need.tls.join(" "),
        reached.unwrap_or_default(),
    ];
    let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(", ")
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn protection(protection: Option<Protection>) -> String {
    let word = protection.map(|protection| match protection {
        Protection::None => "none",
        Protection::Starttls => "starttls",
        Protection::Tls => "tls",
    });
    text(word)
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let said: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    said.join("; ")
}

/// The word of the document for how a service is found.
fn way(by: ReachedBy) -> &'static str {
    match by {
        ReachedBy::Name => "name",
        ReachedBy::Alias => "alias",
        ReachedBy::AddressLiteral => "address-literal",
        ReachedBy::HostsFile => "hosts-file",
        ReachedBy::Broadcast => "broadcast",
    }
}

fn logon(row: &LedgerEntry, index: &Index<'_>) -> [String; 27] {
    [
        index.name(&row.consumer),
        class(row.class).to_owned(),
        index.name(&row.provider),
        row.kind.clone(),
        text(row.port),
        text(row.name.as_ref()),
        text(row.account.as_ref()),
        text(row.mechanism.as_ref()),
        protection(row.protection),
        text(row.says_it_is.as_ref()),
        list(&row.programs),
        row.count.to_string(),
        row.first_seen.minute(),
        row.last_seen.minute(),
        row.hours.len().to_string(),
        row.hours.to_string(),
        list(row.witnesses.iter().map(|witness| witness.as_str())),
        list(&row.logs),
        list(&row.evidence),
        text(row.reached_by.map(way)),
        text(row.reached_as.as_ref()),
        list(&row.written_in),
        list(&row.bases),
        text(row.rhythm.as_ref()),
        text(row.next_due.map(|due| due.minute())),
        text(row.refused.then_some("refused")),
        list(&row.searches_by),
    ]
}

fn sender(row: &MailLedgerEntry, index: &Index<'_>) -> [String; 34] {
    let of_side = |side: Option<bool>| {
        let of_side = row
            .recipient_domains
            .iter()
            .filter(|domain| domain.internal == side);
        list(of_side.map(named))
    };
    let allowed = row.allowed_by.as_ref().map(|rule| {
        let place = rule.file.as_ref().zip(rule.line);
        let place = place.map_or_else(String::new, |(file, line)| format!(" {file}:{line}"));
        format!("{} {}{place}", rule.setting, rule.entry)
    });
    let reached = row.reached_as.as_ref().map(|name| match row.reached_by {
        Some(ReachedBy::AddressLiteral) => format!("address {name}"),
        _ => format!("name {name}"),
    });
    let refusals = row.refusals.iter().map(|refusal| {
        format!(
            "{} {} last {}",
            refusal.count,
            refusal.why.as_str(),
            refusal.last_seen.minute()
        )
    });
    [
        match row.side {
            MailSide::Sends => "sends",
            MailSide::Reads => "reads",
        }
        .to_owned(),
        index.name(&row.consumer),
        list(&row.addresses),
        class(row.class).to_owned(),
        list(&row.class_because),
        index.name(&row.provider),
        row.product.clone(),
        row.kind.clone(),
        text(row.port),
        list(&row.helo),
        text(row.account.as_ref()),
        match row.accounts {
            0 => String::new(),
            many if many > 8 => "more than 8".to_owned(),
            few => few.to_string(),
        },
        text(row.mechanism.as_ref()),
        protection(row.protection),
        list(&row.tls),
        if row.certificate { "yes" } else { "no" }.to_owned(),
        list(row.sender_domains.iter().map(named)),
        of_side(Some(true)),
        of_side(Some(false)),
        of_side(None),
        text(allowed),
        text(reached),
        list(&row.programs),
        row.messages.to_string(),
        text(row.bytes),
        list(refusals),
        row.first_seen.minute(),
        row.last_seen.minute(),
        row.hours.to_string(),
        list(&row.logs),
        list(&row.evidence),
        text(row.protocol.as_ref()),
        list(&row.clients),
        list(&row.software),
    ]
}

/// A domain; a bounce has none.
fn named(domain: &MailDomainEntry) -> &str {
    match domain.name.as_str() {
        "" => "<>",
        name => name,
    }
}
