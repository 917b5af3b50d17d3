//! What takes no agent.

use std::collections::HashSet;

use groma_model::device::Deed;
use groma_model::device_verdict::{DeviceEntry, DeviceMailNeed, DeviceWord};
use groma_model::inventory::Entity;

use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, ids, lines, list, mark, maybe, text};
use crate::index::Index;
use crate::words;

const DEVICES: Table<25> = Table {
    name: "devices",
    about: "What takes no agent: what each device is, whether it mails, what it needs",
    none: "No device was found.",
    columns: [
        col("Name"),
        col("Addresses"),
        col("What it is"),
        col("Maker"),
        col("Model"),
        col("Serial"),
        col("Location"),
        col("Prints"),
        col("Scans"),
        col("Faxes"),
        col("Mails"),
        wide("Why (mail)", 36),
        wide("Needs of mail servers", 40),
        col("Ask in person"),
        col("Told differently"),
        col("Site"),
        col("Owner"),
        col("Needed by (things)"),
        col("Needs (things)"),
        col("Told by"),
        col("MAC addresses"),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        id("Id"),
        id("Evidence"),
    ],
};

/// A device as it is told, or as it was only met.
type Device<'a> = (Option<&'a DeviceEntry>, Option<&'a Entity>);

pub(super) fn devices(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let told = &index.inventory.devices;
    let known: HashSet<&str> = told.iter().map(|d| d.entity.as_str()).collect();
    let met = index.inventory.entities.iter();
    let met = met.filter(|e| e.kind == "device" && !known.contains(e.id.as_str()));
    let told = told
        .iter()
        .map(|d| (Some(d), index.entity(d.entity.as_str())));
    let mut rows: Vec<Device<'_>> = told.chain(met.map(|e| (None, Some(e)))).collect();
    rows.sort_by_cached_key(|(told, entity)| {
        (entity.map(|e| (&e.name, &e.id)), told.map(|d| &d.entity))
    });
    book.table(&DEVICES, rows, |(told, entity)| device(told, entity, index))
}

fn device(told: Option<&DeviceEntry>, entity: Option<&Entity>, index: &Index<'_>) -> [Cell; 25] {
    let words =
        |words: Option<&Vec<DeviceWord>>| list(words.into_iter().flatten().map(|word| &word.value));
    let answer = |deed| told.map(|d| d.answer(deed).as_str()).into();
    let deeds = told.into_iter().flat_map(|d| &d.deeds);
    let because = deeds.filter(|entry| entry.deed == Deed::Mail);
    let because = because.flat_map(|entry| entry.because.iter().map(|reason| &reason.says));
    let id = told.map(|d| &d.entity).or(entity.map(|e| &e.id));
    let figures = id.map(|id| index.figures(id)).unwrap_or_default();
    let macs = entity.map(|e| &e.attributes.macs);
    let evidence = told.map(|d| &d.evidence).or(entity.map(|e| &e.evidence));
    [
        id.map(|id| index.name(id)).into(),
        list(entity.iter().flat_map(|e| &e.addresses)),
        told.and_then(|d| d.class).map(|class| class.words()).into(),
        words(told.map(|d| &d.maker)),
        words(told.map(|d| &d.model)),
        words(told.map(|d| &d.serial)),
        words(told.map(|d| &d.location)),
        answer(Deed::Print),
        answer(Deed::Scan),
        answer(Deed::Fax),
        answer(Deed::Mail),
        lines(because),
        lines(
            told.iter()
                .flat_map(|d| &d.mail)
                .map(|need| mail(need, index)),
        ),
        mark(told.is_some_and(|d| d.to_be_asked)),
        list(told.iter().flat_map(|d| d.disputes())),
        entity.map(|e| index.site(&e.site)).into(),
        entity.map_or(Cell::Empty, |e| maybe(&e.owner)),
        count(figures.needed_by),
        count(figures.needs),
        list(told.iter().flat_map(|d| &d.told_by).map(|by| by.words())),
        list(macs.into_iter().flatten()),
        entity.map(|e| e.first_seen).into(),
        entity.map(|e| e.last_seen).into(),
        id.map_or(Cell::Empty, text),
        evidence.map_or(Cell::Empty, |evidence| ids(evidence)),
    ]
}

/// Server and port, then what it needs there.
fn mail(need: &DeviceMailNeed, index: &Index<'_>) -> String {
    let port = need.port.map(|port| format!(":{port}")).unwrap_or_default();
    let account = match (need.anonymous, &need.account) {
        (Some(true), _) => "without an account".to_owned(),
        (_, Some(account)) => format!("account {account}"),
        (Some(false), None) => "an account".to_owned(),
        (None, None) => String::new(),
    };
    let way = need.reached_by.map_or("", words::reached_by);
    let reached = need.reached_as.as_ref().map(|used| format!("{way} {used}"));
    let parts = [
        format!("{}{port}", index.name(&need.server)),
        account,
        need.protection.map_or("", words::protection).to_owned(),
        need.tls.join(" "),
        reached.unwrap_or_default(),
    ];
    let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(", ")
}
