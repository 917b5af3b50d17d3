//! The sheet for whoever walks around: devices that scan, or may, and of which nothing tells whether they mail.

use askama::Template;
use groma_model::device_verdict::{DeviceEntry, DeviceWord};
use groma_model::inventory::Inventory;
use groma_model::sheet::{SHEET_COLUMNS, SheetColumn, SheetPart};

use crate::index::Index;
use crate::table::written;
use crate::visible::{cut, visible};

/// One device on paper.
struct Card {
    /// Number on this sheet.
    number: usize,
    title: String,
    known: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct Paper<'p> {
    cards: Vec<Card>,
    asked: Vec<&'static SheetColumn>,
    made: String,
    snapshot: Option<&'p str>,
    style: &'static str,
    policy: String,
}

const STYLE: &str = include_str!("../templates/sheet.css");

/// The printable sheet: one file, A4, no script.
pub(crate) fn html(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let cards = asked_about(&index).into_iter().enumerate();
    let paper = Paper {
        cards: cards
            .map(|(at, device)| card(at + 1, device, &index))
            .collect(),
        asked: SHEET_COLUMNS
            .iter()
            .filter(|column| column.part == SheetPart::Asked)
            .collect(),
        made: inventory.generated_at.minute(),
        snapshot: inventory.snapshot.as_deref(),
        style: STYLE,
        policy: crate::html::policy_of(STYLE),
    };
    paper.render().expect("a sheet is made of text alone")
}

/// The same as a table: one row per device, the answers empty.
pub(crate) fn csv(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let columns: Vec<&str> = SHEET_COLUMNS.iter().map(|column| column.name).collect();
    let rows = asked_about(&index).into_iter().map(|device| {
        let cell = |column: &SheetColumn| match column.part {
            SheetPart::Known => known(column.name, device, &index),
            SheetPart::Asked => String::new(),
        };
        SHEET_COLUMNS.iter().map(cell).collect()
    });
    written(&columns, rows)
}

/// Whom to ask about, in the order of a walk: by place, then by name.
fn asked_about<'a>(index: &Index<'a>) -> Vec<&'a DeviceEntry> {
    let mut out: Vec<&DeviceEntry> = index
        .inventory
        .devices
        .iter()
        .filter(|device| device.to_be_asked)
        .collect();
    out.sort_by_cached_key(|device| {
        let place = first(&device.location);
        (
            place.is_empty(),
            place,
            index.name(&device.entity),
            device.entity.clone(),
        )
    });
    out
}

fn first(told: &[DeviceWord]) -> String {
    let word = told.first().map(|word| visible(&word.value));
    cut(&word.unwrap_or_default(), 120)
}

fn card(number: usize, device: &DeviceEntry, index: &Index<'_>) -> Card {
    let said = SHEET_COLUMNS
        .iter()
        .filter(|column| column.part == SheetPart::Known)
        .map(|column| (column.question, known(column.name, device, index)));
    Card {
        number,
        title: index.name(&device.entity),
        known: said.collect(),
    }
}

fn known(column: &str, device: &DeviceEntry, index: &Index<'_>) -> String {
    let entity = index.entity(device.entity.as_str());
    match column {
        "device_id" => device.entity.as_str().to_owned(),
        "location" => first(&device.location),
        "name" => index.name(&device.entity),
        "address" => entity
            .and_then(|entity| entity.addresses.first())
            .map(ToString::to_string)
            .unwrap_or_default(),
        "mac" => entity
            .map(|entity| entity.attributes.macs.join(" "))
            .unwrap_or_default(),
        "serial" => first(&device.serial),
        "model" => {
            let both = [first(&device.maker), first(&device.model)];
            let both: Vec<String> = both.into_iter().filter(|word| !word.is_empty()).collect();
            both.join(" ")
        }
        _ => String::new(),
    }
}
