//! One row per device: what it is, what it can, whether it mails, and what it needs for that.

use groma_model::device::Deed;
use groma_model::device_verdict::{Answer, DeedEntry, DeviceEntry, DeviceMailNeed, DeviceWord};
use groma_model::inventory::ReachedBy;
use groma_model::name::Protection;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Lines one cell holds.
const LINES_MAX: usize = 6;

/// One device.
#[derive(Serialize)]
pub(crate) struct DeviceRow {
    /// Name, and addresses beside it.
    pub(crate) name: String,
    /// Class, maker and model, serial number; what is disputed.
    pub(crate) what: Vec<String>,
    pub(crate) location: String,
    /// Whether it prints, scans and faxes, each with why.
    pub(crate) does: Vec<String>,
    /// Whether it mails, and why.
    pub(crate) mails: Vec<String>,
    /// Server, account, TLS, name or address.
    pub(crate) needs: Vec<String>,
    pub(crate) told_by: String,
    /// True if somebody must stand before it.
    pub(crate) to_be_asked: bool,
}

/// The devices, those to be asked about first, then by name.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<DeviceRow> {
    let mut rows: Vec<&DeviceEntry> = index.inventory.devices.iter().collect();
    rows.sort_by_cached_key(|row| {
        (
            !row.to_be_asked,
            index.name(&row.entity),
            row.entity.clone(),
        )
    });
    Rows::first(&rows, limit, |row| DeviceRow {
        name: name(row, index),
        what: what(row, words),
        location: first(&row.location),
        does: does(row, words),
        mails: mails(row, words),
        needs: row
            .mail
            .iter()
            .take(LINES_MAX)
            .map(|need| needs(need, index, words))
            .collect(),
        told_by: told_by(row, index),
        to_be_asked: row.to_be_asked,
    })
}

fn name(row: &DeviceEntry, index: &Index<'_>) -> String {
    let name = index.name(&row.entity);
    let addresses = index
        .entity(row.entity.as_str())
        .map(|e| e.addresses.as_slice())
        .unwrap_or_default();
    let others: Vec<String> = addresses
        .iter()
        .map(ToString::to_string)
        .filter(|address| *address != name)
        .take(3)
        .collect();
    match others.is_empty() {
        true => name,
        false => format!("{name} ({})", others.join(", ")),
    }
}

/// The word that is told; every other one where they do not agree.
fn first(told: &[DeviceWord]) -> String {
    let word = told.first().map(|word| visible(&word.value));
    cut(&word.unwrap_or_default(), 120)
}

fn what(row: &DeviceEntry, words: &Catalogue) -> Vec<String> {
    let class = row.class.map(|class| class.words().to_owned());
    let class = class.unwrap_or_else(|| words.devices_class_unknown.to_owned());
    let maker = [first(&row.maker), first(&row.model)];
    let maker: Vec<String> = maker.into_iter().filter(|word| !word.is_empty()).collect();
    let serial = first(&row.serial);
    let mut out = vec![class];
    if !maker.is_empty() {
        out.push(maker.join(" "));
    }
    if !serial.is_empty() {
        out.push(fill(words.devices_serial, &[&serial]));
    }
    let disputes = row.disputes();
    if !disputes.is_empty() {
        out.push(fill(words.devices_disputed, &[&disputes.join(", ")]));
        for told in [&row.serial, &row.maker, &row.model] {
            if told.len() > 1 {
                let said = told
                    .iter()
                    .map(|word| format!("{} ({})", word.value, word.by.join(", ")));
                let said: Vec<String> = said.take(LINES_MAX).collect();
                out.push(cut(&visible(&said.join(" / ")), 200));
            }
        }
    }
    out
}

fn answer(answer: Answer, words: &Catalogue) -> &'static str {
    match answer {
        Answer::Yes => words.devices_answer_yes,
        Answer::No => words.devices_answer_no,
        Answer::Unknown => words.devices_answer_unknown,
    }
}

fn does(row: &DeviceEntry, words: &Catalogue) -> Vec<String> {
    let text = |deed| match deed {
        Deed::Print => Some(words.devices_prints),
        Deed::Scan => Some(words.devices_scans),
        Deed::Fax => Some(words.devices_faxes),
        Deed::Copy | Deed::Mail => None,
    };
    let told = row.deeds.iter().filter_map(|entry| {
        let mut says = answer(entry.answer, words).to_owned();
        let because = because(entry, words);
        if !because.is_empty() {
            says = format!("{says}, {}", because.join("; "));
        }
        Some(fill(text(entry.deed)?, &[&says]))
    });
    told.collect()
}

fn because(entry: &DeedEntry, words: &Catalogue) -> Vec<String> {
    // Of an answer that is no, what denies it is the reason and not the exception.
    let is_against = |against: bool| against && entry.disputed;
    entry
        .because
        .iter()
        .take(LINES_MAX)
        .map(|reason| {
            let says = cut(&visible(&reason.says), 160);
            match is_against(reason.against) {
                true => fill(words.devices_against, &[&says]),
                false => says,
            }
        })
        .collect()
}

fn mails(row: &DeviceEntry, words: &Catalogue) -> Vec<String> {
    let mut out = vec![answer(row.answer(Deed::Mail), words).to_owned()];
    let entry = row.deeds.iter().find(|entry| entry.deed == Deed::Mail);
    out.extend(entry.into_iter().flat_map(|entry| because(entry, words)));
    if row.to_be_asked {
        out.push(words.devices_ask.to_owned());
    }
    out
}

fn needs(need: &DeviceMailNeed, index: &Index<'_>, words: &Catalogue) -> String {
    let port = need.port.map(|port| format!(":{port}")).unwrap_or_default();
    let server = format!("{}{port}", index.name(&need.server));
    let account = match (need.anonymous, &need.account) {
        (Some(true), _) => Some(words.devices_anonymous.to_owned()),
        (_, Some(account)) => Some(fill(words.devices_account, &[account])),
        (Some(false), None) => Some(words.devices_some_account.to_owned()),
        (None, None) => None,
    };
    let protection = need.protection.map(|protection| match protection {
        Protection::None => words.ledger_clear.to_owned(),
        Protection::Starttls => "STARTTLS".to_owned(),
        Protection::Tls => "TLS".to_owned(),
    });
    let literal = need.reached_by == Some(ReachedBy::AddressLiteral);
    let reached = need.reached_as.as_ref().map(|used| match literal {
        true => fill(words.mail_by_address, &[used]),
        false => fill(words.mail_by_name, &[used]),
    });
    let tls = (!need.tls.is_empty()).then(|| need.tls.join(", "));
    let parts = [Some(server), account, protection, tls, reached];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    cut(&visible(&parts.join(", ")), 240)
}

/// By which ways it told of itself, and when it was last heard.
fn told_by(row: &DeviceEntry, index: &Index<'_>) -> String {
    let ways: Vec<&str> = row.told_by.iter().map(|by| by.words()).collect();
    match (ways.is_empty(), index.entity(row.entity.as_str())) {
        (false, _) => ways.join(", "),
        (true, Some(entity)) if entity.declared => "list".to_owned(),
        _ => String::new(),
    }
}
