//! The same tables of AD FS as `Export-Csv` writes them.

use std::collections::BTreeMap;

use csv::ByteRecord;
use groma_model::Peer;

use super::adfs::{Kind, PRODUCT, is_lost, provider, way};
use super::{At, Party};
use crate::{ImportError, Reading, separated};

const DELIMITERS: &[u8] = b",;\t";
const LOST: &str =
    "the export kept the name of a type in place of the values: use @{n='…';e={$_.… -join ' '}}";

/// How a table is laid out.
pub(super) struct Layout {
    kind: Kind,
    delimiter: u8,
    /// Bytes before the header.
    skip: usize,
    columns: BTreeMap<String, usize>,
}

/// `False` in the languages PowerShell speaks to administrators.
pub(super) fn is_no(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    matches!(
        word.as_str(),
        "false" | "falsch" | "faux" | "ложь" | "0" | "no"
    )
}

/// The first line that names the columns of one of the commands.
pub(super) fn layout(text: &str) -> Option<Layout> {
    let top = text.get(..text.floor_char_boundary(64 << 10))?;
    let mut skip = 0;
    for line in top.split_inclusive('\n').take(5) {
        if !line.trim().is_empty() && !line.starts_with("#TYPE") {
            let mut all = DELIMITERS.iter();
            return all.find_map(|delimiter| header(line, *delimiter, skip));
        }
        skip += line.len();
    }
    None
}

fn header(line: &str, delimiter: u8, skip: usize) -> Option<Layout> {
    let word = |cell: &str| -> String {
        let letters = cell.chars().filter(|c| c.is_alphanumeric());
        letters.collect::<String>().to_lowercase()
    };
    let cells = line.trim().split(char::from(delimiter)).enumerate();
    let columns: BTreeMap<String, usize> = cells.map(|(at, cell)| (word(cell), at)).collect();
    let kind = Kind::by(|name| columns.contains_key(name))?;
    Some(Layout {
        kind,
        delimiter,
        skip,
        columns,
    })
}

pub(super) fn read(list: &str, text: &str, of: Option<&Peer>) -> Result<Reading, ImportError> {
    let mut reading = Reading::default();
    let Some(layout) = layout(text) else {
        return Ok(reading);
    };
    let place = (layout.delimiter, layout.skip);
    separated::each_row(list, text, place, &mut reading, |reading, line, record| {
        let place = At {
            list,
            number: usize::try_from(line).unwrap_or(usize::MAX),
            of,
        };
        row(&place, &layout, record, reading);
    })?;
    Ok(reading)
}

fn row(place: &At<'_>, layout: &Layout, record: &ByteRecord, reading: &mut Reading) {
    let cell = |column: &str| -> String {
        let at = layout.columns.get(column);
        let cell = at.and_then(|at| record.get(*at)).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    };
    let off = is_no(&cell("enabled"));
    let built_in = cell("builtin");
    if off || (!built_in.is_empty() && !is_no(&built_in)) {
        return;
    }
    let read: BTreeMap<&str, String> = COLUMNS.iter().map(|name| (*name, cell(name))).collect();
    for (column, cell) in &read {
        if is_lost(cell) {
            reading.problem(place.number, column, LOST);
        }
    }
    let words = |column: &str| {
        let cell = read.get(column).filter(|cell| !is_lost(cell));
        let words = cell.map_or("", String::as_str).split([' ', ';', ',', '|']);
        words.map(str::to_owned).collect::<Vec<String>>()
    };
    let (saml, federated) = (words("samlendpoints"), words("wsfedendpoint"));
    let more = [words("additionalwsfedendpoint"), words("redirecturi")].concat();
    let all = [saml.clone(), federated.clone(), more].concat();
    let identifiers = [words("identifier"), words("clientid")].concat();
    let some = |words: &[String]| words.iter().any(|word| word.contains("://"));
    let (name, of) = (cell("name"), cell("provider"));
    let party = Party {
        product: PRODUCT,
        provider: provider(&of).or_else(|| place.of.cloned()),
        name: Some(name.as_str()),
        identifier: identifiers
            .iter()
            .map(String::as_str)
            .find(|i| !i.is_empty()),
        way: way(layout.kind, some(&saml), some(&federated)),
        urls: all.iter().map(String::as_str).collect(),
    };
    match party.into_fact(place.list) {
        Some(fact) => reading.parties.push(fact),
        None => reading.problem(
            place.number,
            "",
            "it has neither a name nor an identifier: left out",
        ),
    }
}

/// Columns that list values.
const COLUMNS: &[&str] = &[
    "samlendpoints",
    "wsfedendpoint",
    "additionalwsfedendpoint",
    "redirecturi",
    "identifier",
    "clientid",
];
