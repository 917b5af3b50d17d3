//! Mail: what name servers say, where servers send it on to, what they take, and who hands it in.

use groma_model::inventory::MailRecordEntry;
use groma_model::mail_ledger::{MailDomainEntry, MailLedgerEntry, MailServerEntry};
use groma_model::mail_use::RelayRule;
use groma_model::route::MailRouteEntry;

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, ids, lines, list, mark, maybe, text, yes};
use crate::index::Index;
use crate::words;

const RECORDS: Table<10> = Table {
    name: "mail records",
    about: "What the domain name system says about mail",
    none: "Nobody asked about the mail of a domain, or nothing was answered.",
    columns: [
        col("Domain"),
        col("Record"),
        col("Stands at"),
        wide("Values", 60),
        col("Remembered for (seconds)"),
        col("SPF look-ups (10 allowed)"),
        wide("Faults", 40),
        col("Machines it names"),
        col("Seen from"),
        id("Evidence"),
    ],
};

pub(super) fn records(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.mail_records, |r| {
        let said = (&r.values, r.ttl_seconds, &r.seen_from);
        (&r.domain, r.purpose, &r.asked, said, &r.evidence)
    });
    book.table(&RECORDS, rows, |r| record(r, index))
}

fn record(r: &MailRecordEntry, index: &Index<'_>) -> [Cell; 10] {
    let none = || Cell::from("there is none");
    [
        text(&r.domain),
        text(r.purpose.as_str()),
        text(&r.asked),
        if r.values.is_empty() {
            none()
        } else {
            lines(&r.values)
        },
        r.ttl_seconds.into(),
        r.lookups.into(),
        lines(&r.faults),
        list(index.names(&r.machines)),
        list(index.names(&r.seen_from)),
        ids(&r.evidence),
    ]
}

const ROUTES: Table<11> = Table {
    name: "mail routes",
    about: "Where mail servers send mail on to",
    none: "No rule of a mail server was found.",
    columns: [
        col("On"),
        col("Rule"),
        col("Product"),
        col("For"),
        col("Leads to"),
        col("Machine it leads to"),
        col("Entries"),
        col("Setting"),
        col("Written in"),
        id("Id of the machine"),
        id("Evidence"),
    ],
};

pub(super) fn routes(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.mail_routes, |r| (index.name(&r.on), r));
    book.table(&ROUTES, rows, |r| route(r, index))
}

fn route(r: &MailRouteEntry, index: &Index<'_>) -> [Cell; 11] {
    let route = &r.route;
    [
        text(index.name(&r.on)),
        text(route.rule.as_str()),
        text(&route.product),
        maybe(&route.from),
        text(&route.to),
        r.next.as_ref().map(|id| index.name(id)).into(),
        route.entries.into(),
        text(&route.key),
        text(place(&route.file.to_string(), Some(route.line))),
        text(&r.on),
        ids(&r.evidence),
    ]
}

/// File and line, where a line is told.
fn place(file: &str, line: Option<u32>) -> String {
    match line {
        None | Some(0) => file.to_owned(),
        Some(line) => format!("{file}:{line}"),
    }
}

const SERVERS: Table<7> = Table {
    name: "mail servers",
    about: "What each mail server takes, and whom it lets through",
    none: "The settings of no mail server were read.",
    columns: [
        col("Server"),
        col("Product"),
        wide("Takes mail for", 50),
        col("All its domains told"),
        wide("Lets through", 60),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn servers(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.mail_servers, |s| {
        (index.name(&s.entity), s)
    });
    book.table(&SERVERS, rows, |s: &MailServerEntry| {
        [
            text(index.name(&s.entity)),
            text(&s.product),
            list(&s.domains),
            yes(s.domains_complete),
            lines(s.allows.iter().map(rule)),
            text(&s.entity),
            ids(&s.evidence),
        ]
    })
}

fn rule(rule: &RelayRule) -> String {
    let file = rule
        .file
        .as_ref()
        .map(|file| place(&file.to_string(), rule.line));
    let file = file.map(|file| format!(" ({file})")).unwrap_or_default();
    let port = rule.port.map(|port| format!(" on port {port}"));
    let port = port.unwrap_or_default();
    format!("{} = {}{port}{file}", rule.setting, rule.entry)
}

const LEDGER: Table<37> = Table {
    name: "mail ledger",
    about: "Who hands mail to which server or reads it there, and what each of them needs",
    none: "No log, flow or setting told who sends or reads mail.",
    columns: [
        col("Consumer"),
        col("Addresses"),
        col("Does"),
        col("What it is"),
        wide("Why", 34),
        col("Server"),
        col("Product"),
        col("Kind"),
        col("Protocol"),
        col("Port"),
        col("Account"),
        col("Accounts"),
        col("Mechanism"),
        col("Protection"),
        col("TLS"),
        col("Shows a certificate"),
        col("Says it is"),
        wide("Sends as", 30),
        wide("Sends to", 36),
        wide("Let through by", 36),
        col("Reached by"),
        col("Reached as"),
        col("Programs"),
        col("Reads with"),
        col("Door of"),
        col("Messages or logons"),
        col("Bytes"),
        wide("Refused", 30),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        col("Hours of the week"),
        col("Witnesses"),
        col("Logs"),
        id("Hours, one bit each"),
        id("Id of the consumer"),
        id("Id of the server"),
        id("Evidence"),
    ],
};

pub(super) fn ledger(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.mail_ledger, |r| {
        (index.name(&r.provider), index.name(&r.consumer), r)
    });
    book.table(&LEDGER, rows, |r| sender(r, index))
}

fn sender(r: &MailLedgerEntry, index: &Index<'_>) -> [Cell; 37] {
    let refused = r.refusals.iter();
    let refused = refused.map(|no| {
        format!(
            "{}: {} (last {})",
            no.why.as_str(),
            no.count,
            no.last_seen.minute()
        )
    });
    [
        text(index.name(&r.consumer)),
        list(&r.addresses),
        text(words::side(r.side)),
        text(words::consumer(r.class)),
        lines(&r.class_because),
        text(index.name(&r.provider)),
        text(&r.product),
        text(&r.kind),
        maybe(&r.protocol),
        r.port.into(),
        maybe(&r.account),
        r.accounts.into(),
        maybe(&r.mechanism),
        r.protection.map(words::protection).into(),
        list(&r.tls),
        mark(r.certificate),
        list(&r.helo),
        list(r.sender_domains.iter().map(domain)),
        list(r.recipient_domains.iter().map(domain)),
        maybe(&r.allowed_by.as_ref().map(rule)),
        r.reached_by.map(words::reached_by).into(),
        maybe(&r.reached_as),
        list(&r.programs),
        list(&r.clients),
        list(&r.software),
        r.messages.into(),
        r.bytes.into(),
        lines(refused),
        r.first_seen.into(),
        r.last_seen.into(),
        count(r.hours.len()),
        list(r.witnesses.iter().map(|witness| witness.as_str())),
        list(&r.logs),
        hours(r.hours),
        text(&r.consumer),
        text(&r.provider),
        ids(&r.evidence),
    ]
}

/// The hours of the week as the document writes them; nothing where nobody kept count.
pub(super) fn hours(hours: groma_model::Hours) -> Cell {
    match hours.is_empty() {
        true => Cell::Empty,
        false => text(hours),
    }
}

fn domain(domain: &MailDomainEntry) -> String {
    let name = match domain.name.as_str() {
        "" => "(none)",
        "*" => "(many)",
        name => name,
    };
    match domain.internal {
        Some(true) => format!("{name} (own)"),
        _ => name.to_owned(),
    }
}
