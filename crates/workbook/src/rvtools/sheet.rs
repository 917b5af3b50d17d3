//! The sheets in the making: a header, then rows, nothing else.

use std::collections::HashMap;

use groma_model::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::columns::Titles;
use super::row::Row;
use crate::WorkbookError;
use crate::book::{EXACT, days, refused};
use crate::cell::{Cell, fit, fit_lines};

/// A workbook laid out as an RVTools export, in the making.
pub(super) struct Sheets {
    workbook: Workbook,
    rows_max: u32,
    head: Format,
    moment: Format,
}

impl Sheets {
    /// An empty one, made at `at`, with so many rows to a sheet.
    pub(super) fn new(at: Timestamp, rows_max: u32) -> Self {
        let mut workbook = Workbook::new();
        let made = ExcelDateTime::from_timestamp(at.millis().div_euclid(1000))
            .or_else(|_| ExcelDateTime::from_ymd(1970, 1, 1))
            .expect("1970 is a year spreadsheets know");
        workbook.set_properties(
            &DocProperties::new()
                .set_title("groma: guests and hosts, in the layout of RVTools")
                .set_creation_datetime(&made),
        );
        Self {
            workbook,
            rows_max,
            head: Format::new().set_bold(),
            moment: Format::new().set_num_format("yyyy/mm/dd hh:mm:ss"),
        }
    }

    /// Writes `rows` as one sheet, and what does not fit as further ones.
    pub(super) fn put(
        &mut self,
        titles: &Titles,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<(), WorkbookError> {
        let columns: HashMap<&str, u16> = titles.columns().zip(0..).collect();
        let mut rows = rows.into_iter().peekable();
        let mut sheets = 0;
        while sheets == 0 || rows.peek().is_some() {
            sheets += 1;
            let name = match sheets {
                1 => titles.name.to_owned(),
                more => format!("{} {more}", titles.name),
            };
            self.sheet(&name, titles, &columns, &mut rows)
                .map_err(|source| refused(&name, source))?;
        }
        Ok(())
    }

    /// One sheet with as many of `rows` as it takes.
    fn sheet(
        &mut self,
        name: &str,
        titles: &Titles,
        columns: &HashMap<&str, u16>,
        rows: &mut impl Iterator<Item = Row>,
    ) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet();
        sheet.set_name(name)?;
        for (title, at) in titles.columns().zip(0..) {
            sheet.write_string_with_format(0, at, title, &self.head)?;
            let letters = u32::try_from(title.len().max(9)).unwrap_or(9);
            sheet.set_column_width(at, f64::from(letters + 2))?;
        }
        // The number first: a row that finds no number any more must stay for the next sheet.
        for (at, row) in (1..=self.rows_max).zip(rows) {
            for (title, cell) in row.0 {
                if let Some(&column) = columns.get(title) {
                    write(sheet, at, column, &cell, &self.moment)?;
                }
            }
        }
        sheet.set_freeze_panes(1, 1)?;
        Ok(())
    }

    /// The bytes.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, WorkbookError> {
        self.workbook
            .save_to_buffer()
            .map_err(WorkbookError::Together)
    }
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    cell: &Cell,
    date: &Format,
) -> Result<(), XlsxError> {
    let mut string = |text: &str| sheet.write_string(row, at, text).map(|_| ());
    match cell {
        Cell::Empty => Ok(()),
        Cell::Text(found) => string(&fit(found)),
        Cell::Lines(found) => string(&fit_lines(found)),
        Cell::Grave(severity) => string(crate::words::severity(*severity)),
        Cell::Whole(number) if *number > EXACT => string(&number.to_string()),
        Cell::Whole(number) => sheet.write_number(row, at, *number as f64).map(|_| ()),
        Cell::Port(port) => sheet.write_number(row, at, f64::from(*port)).map(|_| ()),
        Cell::Round(number) | Cell::Decimal(number) if number.is_finite() => {
            sheet.write_number(row, at, *number).map(|_| ())
        }
        Cell::Round(_) | Cell::Decimal(_) => Ok(()),
        Cell::Moment(moment) => match days(*moment) {
            Some(days) => sheet
                .write_number_with_format(row, at, days, date)
                .map(|_| ()),
            None => string(&moment.to_string()),
        },
    }
}
