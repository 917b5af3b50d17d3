//! Tables of separated values.

use csv::{ByteRecord, ReaderBuilder};

use crate::columns::Header;
use crate::row::{Row, declared};
use crate::text::decode;
use crate::{CELL_BYTES, COLUMNS, ImportError, Kind, ROWS, Reading};

/// How many rows at the top may be titles before the header comes.
const TITLES: usize = 20;

/// The ways of separating that are tried.
const DELIMITERS: &[u8] = b",;\t|";

/// A line feed in a quoted cell is honest; this many in one are a quote that nobody closed.
const LINES_IN_CELL: usize = 200;

/// How a table is laid out: what separates its cells, and which row names them.
struct Layout {
    delimiter: u8,
    /// Rows before the header.
    titles: usize,
    header: Header,
}

pub(crate) fn recognise(bytes: &[u8]) -> Kind {
    let Some(text) = decode(bytes.get(..bytes.len().min(1 << 20)).unwrap_or_default()) else {
        return Kind::Unknown("a binary file of a kind groma does not read".to_owned());
    };
    if text.trim_start().starts_with('<') {
        return Kind::Unknown(
            "an XML or HTML file: save the list as CSV (the output of nmap is not read yet)"
                .to_owned(),
        );
    }
    if text.trim_start().starts_with(['{', '[']) {
        return Kind::Unknown(
            "a JSON file that is no whole export of AD FS, of a Keycloak realm or of a list of NetBox: save a list of machines as CSV".to_owned(),
        );
    }
    if crate::relying::is_table(&text) {
        return Kind::RelyingParties;
    }
    if crate::panel::is_meant(&text) {
        return Kind::DeviceSheet;
    }
    if crate::filled::is_table_with(&text, crate::questionnaire::OWN) {
        return Kind::Questionnaire;
    }
    if crate::filled::is_table_with(&text, crate::register::OWN) {
        return Kind::RiskRegister;
    }
    if crate::mailboxes::is_meant(&text) {
        return Kind::Mailboxes;
    }
    match layout(&text) {
        Some(_) => Kind::Csv,
        None => Kind::Unknown(
            "no row at its top names the columns: give the first row the words name, ip, owner and so on".to_owned(),
        ),
    }
}

pub(crate) fn read(list: &str, bytes: &[u8]) -> Result<Reading, ImportError> {
    let text = decode(bytes).unwrap_or_default();
    let Some(layout) = layout(&text) else {
        return Err(ImportError::Unknown {
            list: list.to_owned(),
            why: "no row at its top names the columns".to_owned(),
        });
    };
    let mut reading = Reading::default();
    for secret in layout.header.secrets() {
        reading.problem(layout.titles + 1, secret, "a column of passwords: not read");
    }
    let kind = if layout.header.is_virtual {
        "vm"
    } else {
        "host"
    };
    let width = layout.header.columns.len();
    let mut reader = reader(&text, layout.delimiter);
    let mut record = ByteRecord::new();
    let mut seen = 0;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| broken(list, &error))?
    {
        seen += 1;
        if seen <= layout.titles + 1 {
            continue;
        }
        if reading.rows >= ROWS {
            return Err(too_many_rows(list));
        }
        let line = record.position().map_or(0, csv::Position::line);
        let Some(row) = row(&record, line, &mut reading) else {
            continue;
        };
        if row.cells.is_empty() {
            continue;
        }
        reading.rows += 1;
        if record.len() > width
            && row
                .cells
                .iter()
                .any(|(column, _)| !layout.header.columns.contains_key(column))
        {
            reading.problem(
                line,
                "beyond the header",
                "more cells than the header names: not kept",
            );
        }
        if let Some(machine) = declared(&layout.header, &row, list, kind, &mut reading) {
            reading.declared.push(machine);
        }
    }
    Ok(reading)
}

/// The cells of a record that hold something; `None` if the record cannot be meant.
fn row(record: &ByteRecord, line: u64, reading: &mut Reading) -> Option<Row> {
    let mut cells = Vec::new();
    for (column, cell) in (0_u32..).zip(record.iter()) {
        if cell.len() > CELL_BYTES || cell.iter().filter(|b| **b == b'\n').count() > LINES_IN_CELL {
            reading.problem(line, "", "a cell of many lines: probably a quote that is never closed; the rows within it are left out");
            return None;
        }
        let text = String::from_utf8_lossy(cell);
        if column < COLUMNS && !text.trim().is_empty() {
            cells.push((column, text.trim().to_owned()));
        }
    }
    Some(Row {
        place: line.to_string(),
        cells,
    })
}

/// The layout under which the top of `text` names most columns that we know.
fn layout(text: &str) -> Option<Layout> {
    let top = text
        .get(..text.floor_char_boundary(256 << 10))
        .unwrap_or_default();
    let layouts = DELIMITERS.iter().flat_map(|&delimiter| {
        let mut rows = reader(top, delimiter);
        let headers = rows
            .byte_records()
            .take(TITLES)
            .map_while(Result::ok)
            .enumerate();
        let layouts = headers.map(|(titles, record)| {
            let cells: Vec<(u32, String)> = (0_u32..COLUMNS)
                .zip(
                    record
                        .iter()
                        .map(|c| String::from_utf8_lossy(c).into_owned()),
                )
                .collect();
            Layout {
                delimiter,
                titles,
                header: Header::of(&cells),
            }
        });
        layouts.collect::<Vec<_>>()
    });
    // The first of the best: a header stands above the rows, and a comma is tried before a bar.
    let mut best: Option<(usize, Layout)> = None;
    for layout in layouts {
        let known = layout.header.known();
        if known > best.as_ref().map_or(0, |(known, _)| *known) {
            best = Some((known, layout));
        }
    }
    best.map(|(_, layout)| layout)
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// Hands each row under the header of a table to `row`, with its line as an editor counts it. The header stands `skip` bytes
/// behind the beginning of `text`. A row with a cell that is too large is left out and said so.
pub(crate) fn each_row(
    list: &str,
    text: &str,
    (delimiter, skip): (u8, usize),
    reading: &mut Reading,
    mut row: impl FnMut(&mut Reading, u64, &ByteRecord),
) -> Result<(), ImportError> {
    let lines_before = text.get(..skip).unwrap_or_default().lines().count();
    let lines_before = u64::try_from(lines_before).unwrap_or_default();
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.get(skip..).unwrap_or_default().as_bytes());
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| broken(list, &error))?
    {
        if reading.rows >= ROWS {
            return Err(too_many_rows(list));
        }
        reading.rows += 1;
        let line = record.position().map_or(0, csv::Position::line) + lines_before;
        match record.iter().any(|cell| cell.len() > CELL_BYTES) {
            true => reading.problem(
                line,
                "",
                "a cell too large to be meant: the row is left out",
            ),
            false => row(reading, line, &record),
        }
    }
    Ok(())
}

fn too_many_rows(list: &str) -> ImportError {
    ImportError::TooLarge {
        list: list.to_owned(),
        what: "rows",
        limit: ROWS as u64,
    }
}

fn broken(list: &str, error: &csv::Error) -> ImportError {
    let place = error
        .position()
        .map_or_else(String::new, |position| format!("row {}", position.line()));
    ImportError::Broken {
        list: list.to_owned(),
        place,
        why: error.to_string(),
    }
}
