//! Sheets that people filled in or edited: rows by the names of their columns, out of a table or a workbook.

use std::collections::BTreeMap;

use csv::ReaderBuilder;

use crate::text::decode;
use crate::{CELL_BYTES, ImportError, ROWS, RowProblem, workbook};

const DELIMITERS: &[u8] = b",;\t";
/// Rows that may stand above the header.
const TITLES: usize = 20;
/// Bytes at the top within which the header stands.
const TOP_BYTES: usize = 256 << 10;
/// A line feed in a cell is honest; this many are a quote that nobody closed.
const LINES_IN_CELL: usize = 200;
/// How rows of these sheets begin. A line within a cell that does so is a row that a quote swallowed.
const ROWS_BEGIN: &[&str] = &["sys-", "dep-", "ent-", "fnd-", "sheet"];

/// A row: where it stands, and its cells that hold something.
pub(crate) struct FilledRow {
    pub(crate) place: String,
    cells: BTreeMap<String, String>,
}

impl FilledRow {
    /// The cell of a column as a person sees it; empty where nothing stands there.
    pub(crate) fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The row with `text` in a column the file does not have.
    pub(crate) fn with(&self, cells: impl Iterator<Item = (&'static str, String)>) -> Self {
        let mut all = self.cells.clone();
        all.extend(cells.map(|(column, text)| (column.to_owned(), text)));
        Self {
            place: self.place.clone(),
            cells: all,
        }
    }

    /// True if nothing stands in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.cells.is_empty()
    }
}

/// The rows of a sheet below its header, and those that cannot be meant.
#[derive(Default)]
pub(crate) struct Filled {
    pub(crate) rows: Vec<FilledRow>,
    /// Names of the columns, in small letters.
    pub(crate) columns: Vec<String>,
    pub(crate) broken: Vec<RowProblem>,
}

/// True if `text` is a table whose header names all of `own`.
pub(crate) fn is_table_with(text: &str, own: &[&str]) -> bool {
    header(text, own).is_some()
}

/// Reads the sheet whose header names all of `own`.
pub(crate) fn read(list: &str, bytes: &[u8], own: &[&str]) -> Result<Filled, ImportError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return of_workbook(list, bytes, own);
    }
    let text = decode(bytes).unwrap_or_default();
    let Some((delimiter, at)) = header(&text, own) else {
        return Err(ImportError::Unknown {
            list: list.to_owned(),
            why: format!("no row at its top names the columns {}", own.join(", ")),
        });
    };
    of_text(list, &text, delimiter, at)
}

/// What separates the cells, and which row is the header.
fn header(text: &str, own: &[&str]) -> Option<(u8, usize)> {
    let top = text.get(..text.floor_char_boundary(TOP_BYTES))?;
    DELIMITERS.iter().find_map(|&delimiter| {
        let mut reader = reader(top, delimiter);
        let rows = reader.records().take(TITLES).map_while(Result::ok);
        let mut named = rows.map(|row| row.iter().map(name).collect::<Vec<_>>());
        let at = named.position(|names| names_all(&names, own))?;
        Some((delimiter, at))
    })
}

fn names_all(names: &[String], own: &[&str]) -> bool {
    own.iter().all(|own| names.iter().any(|name| name == own))
}

fn name(cell: &str) -> String {
    bare(cell).to_lowercase()
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

fn of_text(list: &str, text: &str, delimiter: u8, at: usize) -> Result<Filled, ImportError> {
    let mut filled = Filled::default();
    let mut reader = reader(text, delimiter);
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| broken(list, &error))?;
        if number < at {
            continue;
        }
        if number == at {
            filled.columns = record.iter().map(name).collect();
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<&str> = record.iter().collect();
        filled.take(list, &line.to_string(), &cells, Some(delimiter))?;
    }
    Ok(filled)
}

fn of_workbook(list: &str, bytes: &[u8], own: &[&str]) -> Result<Filled, ImportError> {
    let Some((sheet, rows)) = workbook::table_with(list, bytes, |names| names_all(names, own))?
    else {
        return Err(ImportError::Unknown {
            list: list.to_owned(),
            why: format!("none of its sheets names the columns {}", own.join(", ")),
        });
    };
    let mut filled = Filled::default();
    for (place, cells) in rows {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        match filled.columns.is_empty() {
            true => filled.columns = cells.iter().map(|cell| name(cell)).collect(),
            false => filled.take(list, &format!("{sheet} {place}"), &cells, None)?,
        }
    }
    Ok(filled)
}

impl Filled {
    /// Takes a row; of a table with what separates its cells.
    fn take(
        &mut self,
        list: &str,
        place: &str,
        cells: &[&str],
        delimiter: Option<u8>,
    ) -> Result<(), ImportError> {
        if self.rows.len() >= ROWS {
            return Err(ImportError::TooLarge {
                list: list.to_owned(),
                what: "rows",
                limit: ROWS as u64,
            });
        }
        if let Some(why) = self.why_not(cells, delimiter) {
            self.broken.push(RowProblem {
                row: place.to_owned(),
                column: String::new(),
                why: why.to_owned(),
            });
            return Ok(());
        }
        let named = self.columns.iter().zip(cells);
        // Of two columns of one name the first one that holds something counts.
        let mut row = FilledRow {
            place: place.to_owned(),
            cells: BTreeMap::new(),
        };
        for (column, cell) in named {
            let cell = bare(cell);
            if !cell.is_empty() && !row.cells.contains_key(column) {
                row.cells.insert(column.clone(), cell.to_owned());
            }
        }
        // A header within the table: two sheets in one file.
        let is_header = |(column, cell): (&String, &String)| column == &cell.to_lowercase();
        if !row.cells.is_empty() && !row.cells.iter().all(is_header) {
            self.rows.push(row);
        }
        Ok(())
    }

    /// Why a row cannot be meant.
    fn why_not(&self, cells: &[&str], delimiter: Option<u8>) -> Option<&'static str> {
        let lines = |cell: &&str| cell.bytes().filter(|b| *b == b'\n').count();
        if cells.iter().any(|cell| cell.len() > CELL_BYTES) {
            return Some("a cell too large to be meant: the row is left out");
        }
        let many = cells.iter().any(|cell| lines(cell) > LINES_IN_CELL);
        let ends_early = delimiter.is_some()
            && cells.len() < self.columns.len()
            && cells.iter().any(|cell| lines(cell) > 0);
        let swallowed = cells.iter().any(|cell| holds_a_row(cell, delimiter));
        if many || ends_early || swallowed {
            return Some(
                "a cell goes on over lines as if it held other rows: probably a quote that is never closed; close it, for the rows within it are left out",
            );
        }
        let beyond = cells.get(self.columns.len()..).unwrap_or_default();
        if beyond.iter().any(|cell| !bare(cell).is_empty()) {
            return Some(
                "more cells than the header names: a comma in an answer without quotes? save it as a spreadsheet program does; the row is left out",
            );
        }
        None
    }
}

/// True if a line within a cell begins as a row does.
fn holds_a_row(cell: &str, delimiter: Option<u8>) -> bool {
    let Some(delimiter) = delimiter.map(char::from) else {
        return false;
    };
    let begins = |line: &str| {
        let bare = line.trim_start_matches('"');
        bare.starts_with(delimiter) || ROWS_BEGIN.iter().any(|begin| bare.starts_with(begin))
    };
    cell.lines()
        .skip(1)
        .any(|line| line.contains(delimiter) && begins(line))
}

fn broken(list: &str, error: &csv::Error) -> ImportError {
    let place = error.position().map_or_else(
        || "the whole file".to_owned(),
        |p| format!("row {}", p.line()),
    );
    ImportError::Broken {
        list: list.to_owned(),
        place,
        why: error.to_string(),
    }
}

/// A cell without the quote that keeps spreadsheets from computing it. A quote before anything else is a person's own.
pub(crate) fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    let Some(rest) = cell.strip_prefix('\'') else {
        return cell;
    };
    let first = rest.trim_start_matches([' ', '\'']).chars().next();
    let computes = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '␉' | '␍' | '＝' | '＋' | '－' | '＠')
    );
    if computes { rest.trim() } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_quote_that_guards_is_taken_away() {
        for (cell, meant) in [
            ("'=1+1", "=1+1"),
            ("'  =1", "=1"),
            ("''=1", "'=1"),
            ("'t Hooft", "'t Hooft"),
            ("'", "'"),
            (" plain ", "plain"),
            ("'-", "-"),
        ] {
            assert_eq!(bare(cell), meant, "{cell:?}");
        }
    }
}
