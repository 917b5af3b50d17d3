//! Inventories as documents people can hold.
//!
//! Every format is made from one [`Inventory`] and nothing else: no clock, no disk, no network. The page
//! a director opens ([`html`]), the text for a ticket ([`markdown`]), the table for a spreadsheet
//! ([`csv()`]), the same screens as data ([`json`]) and the last lines of a survey ([`summary`]) show the
//! same figures, because they are all made from one page of data first.
//!
//! What was discovered is attacker input. Control, bidirectional and zero-width characters become visible
//! in every format; then each sink adds its own escape, once: HTML and SVG by the templates' automatic
//! escape, the data block by `\u003c`, cells by a quote before what a spreadsheet would compute, Markdown by
//! backslashes. The HTML page fetches nothing: its policy names the hashes of its own style and script.
//!
//! The map is drawn here as well: [`Inventory`] → bands by layer → SVG. The same inventory gives the same
//! bytes, and above some hundred things hosts of one network share a box.
#![forbid(unsafe_code)]

mod glossary;
mod html;
mod human;
mod index;
mod map;
mod markdown;
mod page;
mod plan;
mod questionnaire;
mod rank;
mod register;
mod sheet;
mod summary;
mod table;
mod tables;
mod text;
mod visible;

use groma_model::inventory::Inventory;

pub use questionnaire::Questionnaire;
pub use summary::Summary;

use crate::index::Index;
use crate::page::{Limits, Page};
use crate::text::ENGLISH;

/// One self-contained HTML page that opens offline and reads well without JavaScript and on paper.
///
/// Tables are cut at a size a browser opens at once, and say so; [`csv()`] and [`json`] hold everything.
pub fn html(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let (page, map) = rayon::join(
        || Page::of(&index, &ENGLISH, Limits::PAGE),
        || html::Map::of(&index, &ENGLISH),
    );
    html::render(&page, map, &ENGLISH)
}

/// The same report as GitHub-flavoured Markdown, without the map.
pub fn markdown(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    markdown::render(&Page::of(&index, &ENGLISH, Limits::DOCUMENT), &ENGLISH)
}

/// The same screens as data, uncut: schema `groma.report/1`.
pub fn json(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let page = Page::of(&index, &ENGLISH, Limits::NONE);
    let mut text =
        serde_json::to_string(&page).expect("a page has only string keys and finite numbers");
    text.push('\n');
    text
}

/// Every dependency nobody judged wrong as one CSV table (RFC 4180), hidden ones first and the most surprising on top.
///
/// A cell that a spreadsheet would compute begins with `'`.
pub fn csv(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    table::render(&Page::of(&index, &ENGLISH, Limits::NONE))
}

/// Where mail servers send mail on to, as one CSV table (RFC 4180). Cells are guarded as those of [`csv()`].
pub fn mail_routes_csv(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    table::routes(&Page::of(&index, &ENGLISH, Limits::NONE))
}

/// Who uses which service in which way, as one CSV table.
pub fn ledger_csv(inventory: &Inventory) -> String {
    tables::ledger(inventory)
}

/// Who sends or reads mail and what each of them needs, as one CSV table.
pub fn mail_ledger_csv(inventory: &Inventory) -> String {
    tables::mail(inventory)
}

/// What each device is, whether it mails and what it needs for that, as one CSV table.
pub fn devices_csv(inventory: &Inventory) -> String {
    tables::devices(inventory)
}

/// The sheet for whoever reads panels of devices: one printable file without a script.
pub fn device_sheet(inventory: &Inventory) -> String {
    sheet::html(inventory)
}

/// The same sheet as a table to be filled in, which `groma import` takes back.
pub fn device_sheet_csv(inventory: &Inventory) -> String {
    sheet::csv(inventory)
}

/// One questionnaire per owner, and one of what nobody is known to own: what is known of each system, and what no machine can
/// know. `groma import` takes the tables back.
pub fn questionnaires(inventory: &Inventory) -> Vec<Questionnaire> {
    questionnaire::of(inventory)
}

/// The risk register as one CSV table (RFC 4180) that people edit and `groma import` takes back. Cells are guarded as those of
/// [`csv()`], and not cut.
pub fn risks_csv(inventory: &Inventory) -> String {
    register::csv(inventory)
}

/// What a terminal prints when a survey is done. No text in it holds a control character.
pub fn summary(inventory: &Inventory) -> Summary {
    summary::of(&Index::of(inventory), &ENGLISH)
}
