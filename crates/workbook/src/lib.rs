//! An inventory as a workbook: one sheet per table, for people who live in spreadsheets.
//!
//! Made from one [`Inventory`] and nothing else: no clock, no file, no network. The date of the workbook is
//! the date of the inventory, every table is sorted here, and so the same inventory in any order gives the
//! same bytes.
//!
//! What was discovered is attacker input. Every found text is a string cell: no formula, no link, no number
//! made of it. Control, bidirectional and zero-width characters become visible. A text that a spreadsheet
//! would compute stands behind a `'`, as in our CSV: a string cell is never computed, but people save sheets
//! as CSV and copy cells.
//!
//! The limits of the format are kept and told. A table with more rows than a sheet takes goes on in a second
//! sheet, a text longer than a cell takes is cut with a mark, and a table without rows says so.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod book;
mod cell;
mod index;
mod platforms;
mod rvtools;
mod sheets;
mod summary;
mod words;

use groma_model::inventory::Inventory;
use rust_xlsxwriter::XlsxError;

use crate::book::Book;
use crate::index::Index;
pub use crate::rvtools::rvtools;

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    /// A sheet could not be filled.
    #[error(
        "fill the sheet {sheet:?} of the workbook; `groma export --format json` holds the same without the limits of a workbook"
    )]
    Sheet {
        /// Its name.
        sheet: String,
        /// What the format refused.
        source: XlsxError,
    },
    /// The sheets could not be put into one file.
    #[error(
        "put the workbook together; `groma export --format json` holds the same without the limits of a workbook"
    )]
    Together(#[source] XlsxError),
}

/// The bytes of one `.xlsx` file (ECMA-376) with everything a person filters and sorts by.
///
/// # Errors
///
/// [`WorkbookError`] where the format refuses what we hand it, such as more than 4 GiB of one sheet.
pub fn workbook(inventory: &Inventory) -> Result<Vec<u8>, WorkbookError> {
    written(inventory, book::ROWS_MAX)
}

/// [`workbook`] with `rows` rows to a sheet at most, beside its header.
fn written(inventory: &Inventory, rows: u32) -> Result<Vec<u8>, WorkbookError> {
    let index = Index::of(inventory);
    let mut book = Book::new(inventory.generated_at, rows);
    book.begin_summary()?;
    sheets::write(&index, &mut book)?;
    summary::write(&index, &mut book)?;
    book.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Reader as _, Xlsx};
    use groma_model::Timestamp;

    use super::*;
    use crate::book::{Table, col};
    use crate::cell::text;

    const NUMBERS: Table<1> = Table {
        name: "numbers",
        about: "Numbers",
        none: "No number was found.",
        columns: [col("Number")],
    };

    /// The heights of the sheets of `rows` rows, three to a sheet.
    fn heights(rows: u32) -> Vec<(String, usize)> {
        let mut book = Book::new(Timestamp::from_seconds(0), 3);
        book.begin_summary().unwrap();
        book.table(&NUMBERS, 0..rows, |row| [text(row)]).unwrap();
        let mut read = Xlsx::new(Cursor::new(book.finish().unwrap())).unwrap();
        let sheets = read.worksheets().into_iter().skip(1);
        sheets.map(|(name, range)| (name, range.height())).collect()
    }

    #[test]
    fn what_a_sheet_does_not_take_goes_on_in_the_next_one() {
        let seven = heights(7);
        let names: Vec<&str> = seven.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["numbers", "numbers 2", "numbers 3"]);
        let rows: Vec<usize> = seven.iter().map(|(_, height)| height - 1).collect();
        assert_eq!(rows, [3, 3, 1]);
    }

    #[test]
    fn a_sheet_that_is_just_full_has_no_empty_one_behind_it() {
        assert_eq!(heights(3), [("numbers".to_owned(), 4)]);
        assert_eq!(heights(0), [("numbers".to_owned(), 2)]);
    }
}
