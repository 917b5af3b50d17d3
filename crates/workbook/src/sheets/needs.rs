//! Who needs whom, what of it is hidden, and who listens.

use groma_model::inventory::{Dependency, ListenerEntry, Strength, Through};
use groma_model::registry::REGISTRY;

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, ids, lines, list, mark, maybe, text, yes};
use crate::index::Index;
use crate::words;

const HIDDEN: Table<19> = Table {
    name: "hidden",
    about: "Dependencies a standard inventory does not show: what breaks that nobody had listed",
    none: "No hidden dependency was found.",
    columns: [
        col("Consumer"),
        col("Part of it"),
        col("Needs"),
        col("For"),
        col("Port"),
        col("Without it"),
        wide("Why it is hidden", 38),
        wide("Reached", 28),
        wide("Written in", 34),
        col("Rhythm"),
        col("Next due (UTC)"),
        col("Last used (UTC)"),
        col("Owner of the consumer"),
        col("Owner of the provider"),
        wide("How we know", 60),
        col("Verdict"),
        col("Shared service"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn hidden(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(index.hidden(), |d| {
        (
            d.details.local,
            d.shared_service,
            d.strength != Strength::Blocking,
            key(d),
        )
    });
    book.table(&HIDDEN, rows, |d| hidden_row(d, index))
}

fn hidden_row(d: &Dependency, index: &Index<'_>) -> [Cell; 19] {
    let reasons = d.hidden_because.iter();
    let reasons = reasons.map(|word| REGISTRY.hidden.get(word).unwrap_or(word));
    [
        text(&d.consumer.name),
        text(&d.consumer.component.name),
        text(&d.provider.name),
        text(&REGISTRY.kind(&d.kind).title),
        endpoint(d),
        text(words::strength(d.strength)),
        lines(reasons),
        reached(d),
        lines(&d.details.written_in),
        maybe(&d.rhythm),
        d.next_due.into(),
        d.details.last_used.into(),
        index.owner(&d.consumer.entity).into(),
        index.owner(&d.provider.entity).into(),
        lines(index.says(&d.evidence)),
        verdict(d),
        yes(d.shared_service),
        text(&d.id),
        ids(&d.evidence),
    ]
}

const DEPENDENCIES: Table<37> = Table {
    name: "dependencies",
    about: "Who needs whom, one line per consumer, kind, provider and port",
    none: "No dependency was found.",
    columns: [
        col("Consumer"),
        col("Part of it"),
        col("Sort of part"),
        col("Needs"),
        col("For"),
        col("Port"),
        col("Transport"),
        col("Without it"),
        col("Hidden"),
        col("Hidden because"),
        col("Shared service"),
        col("Basis"),
        col("Witnesses"),
        col("Seen by the newest look"),
        col("Reached by"),
        col("Reached as"),
        col("Accounts"),
        col("Mechanism"),
        col("Protection"),
        col("Resources"),
        col("Written in"),
        col("Programs"),
        col("Secret in file"),
        col("Through"),
        col("One of several"),
        col("Onward"),
        col("Rhythm"),
        col("Next due (UTC)"),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        col("Last used (UTC)"),
        col("Times seen"),
        col("Bytes"),
        col("Kind"),
        col("Verdict"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn dependencies(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.dependencies, key);
    book.table(&DEPENDENCIES, rows, dependency)
}

fn dependency(d: &Dependency) -> [Cell; 37] {
    let details = &d.details;
    [
        text(&d.consumer.name),
        text(&d.consumer.component.name),
        text(words::component(d.consumer.component.class)),
        text(&d.provider.name),
        text(&REGISTRY.kind(&d.kind).title),
        d.provider.port.into(),
        maybe(&d.provider.transport),
        text(words::strength(d.strength)),
        yes(d.hidden),
        list(&d.hidden_because),
        yes(d.shared_service),
        text(words::basis(d.basis)),
        list(d.witnesses.iter().map(|witness| witness.as_str())),
        yes(d.current),
        d.reached_by.map(words::reached_by).into(),
        maybe(&d.reached_as),
        list(&details.accounts),
        maybe(&details.mechanism),
        details.protection.map(words::protection).into(),
        list(&details.resources),
        list(&details.written_in),
        list(&details.programs),
        mark(details.secret_in_file),
        list(details.through.iter().map(through)),
        mark(details.one_of_several),
        list(&details.onward),
        maybe(&d.rhythm),
        d.next_due.into(),
        d.first_seen.into(),
        d.last_seen.into(),
        details.last_used.into(),
        d.count.into(),
        details.bytes.into(),
        text(&d.kind),
        verdict(d),
        text(&d.id),
        ids(&d.evidence),
    ]
}

fn key(d: &Dependency) -> impl Ord + use<'_> {
    (&d.consumer.name, &d.provider.name, &d.kind, &d.id)
}

fn endpoint(d: &Dependency) -> Cell {
    let transport = d.provider.transport.map(|t| format!("/{t}"));
    let port = d.provider.port.map(|port| port.to_string());
    maybe(&port.map(|port| port + &transport.unwrap_or_default()))
}

fn reached(d: &Dependency) -> Cell {
    let way = d.reached_by.map_or("", words::reached_by);
    let used = d.reached_as.as_deref().unwrap_or_default();
    text(format!("{way} {used}").trim())
}

fn through(step: &Through) -> String {
    let port = step.port.map(|port| format!(":{port}"));
    let (port, mode) = (port.unwrap_or_default(), words::mode(step.mode));
    format!("{}{port} ({mode}, {})", step.name, step.component.name)
}

fn verdict(d: &Dependency) -> Cell {
    let said = d.verdict.as_ref().map(|v| {
        let word = words::verdict(v.verdict);
        format!("{word} by {}: {}", v.by, v.because)
    });
    maybe(&said)
}

const LISTENERS: Table<15> = Table {
    name: "listeners",
    about: "Endpoints held open, with the program behind each",
    none: "No listener was found.",
    columns: [
        col("Host"),
        col("Address"),
        col("Port"),
        col("Transport"),
        col("Service"),
        col("Program"),
        col("Runs as"),
        col("Unit"),
        col("Script"),
        col("Container"),
        col("Product that answers"),
        col("Version"),
        col("Certificate"),
        id("Id of the host"),
        id("Evidence"),
    ],
};

pub(super) fn listeners(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.listeners, |l| {
        let place = (l.port, l.address, l.transport);
        (
            index.name(&l.entity),
            place,
            &l.entity,
            &l.process,
            &l.evidence,
        )
    });
    book.table(&LISTENERS, rows, |l| listener(l, index))
}

fn listener(l: &ListenerEntry, index: &Index<'_>) -> [Cell; 15] {
    let certificate = l.certificate.as_ref();
    let answer = l.answer.as_ref();
    [
        text(index.name(&l.entity)),
        text(l.address),
        l.port.into(),
        text(l.transport),
        maybe(&l.service),
        maybe(&l.process.executable),
        maybe(&l.process.user),
        maybe(&l.process.unit),
        maybe(&l.process.script),
        maybe(&l.process.container),
        answer.map_or(Cell::Empty, |a| maybe(&a.product)),
        answer.map_or(Cell::Empty, |a| maybe(&a.version)),
        certificate.map(|id| index.name(id)).into(),
        text(&l.entity),
        ids(&l.evidence),
    ]
}
