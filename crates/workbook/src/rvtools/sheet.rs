//! The sheets in the making: a header, then rows, nothing else.
//!
//! A row goes into the file as soon as it is made. What an export says of ten thousand guests is some millions of cells, and
//! a workbook that is kept whole until its end would hold hundreds of megabytes of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

use groma_model::Timestamp;
use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::utility::column_number_to_name;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::columns::Titles;
use super::frame;
use super::row::Row;
use crate::WorkbookError;
use crate::book::{EXACT, days, refused};
use crate::cell::{Cell, fit, fit_lines};

/// Rows are handed on to the file when they are so many bytes.
const PIECE: usize = 1 << 16;

/// A workbook laid out as an RVTools export, in the making.
pub(super) struct Sheets {
    file: ZipWriter<Cursor<Vec<u8>>>,
    names: Vec<String>,
    texts: Texts,
    rows_max: u32,
    made: Timestamp,
}

impl Sheets {
    /// An empty one, made at `at`, with so many rows to a sheet.
    pub(super) fn new(at: Timestamp, rows_max: u32) -> Self {
        Self {
            file: ZipWriter::new(Cursor::new(Vec::new())),
            names: Vec::new(),
            texts: Texts::default(),
            rows_max,
            made: at,
        }
    }

    /// Writes `rows` as one sheet, and what does not fit as further ones.
    pub(super) fn put(
        &mut self,
        titles: &Titles,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<(), WorkbookError> {
        let mut rows = rows.into_iter().peekable();
        let mut sheets = 0;
        while sheets == 0 || rows.peek().is_some() {
            sheets += 1;
            let name = match sheets {
                1 => titles.name.to_owned(),
                more => format!("{} {more}", titles.name),
            };
            self.names.push(name.clone());
            self.sheet(titles, &mut rows)
                .map_err(|source| refused(&name, source))?;
        }
        Ok(())
    }

    /// One sheet with as many of `rows` as it takes.
    fn sheet(
        &mut self,
        titles: &Titles,
        rows: &mut impl Iterator<Item = Row>,
    ) -> Result<(), XlsxError> {
        let columns: Vec<(&str, String)> = titles
            .columns()
            .zip(0..)
            .map(|(title, at)| (title, column_number_to_name(at)))
            .collect();
        let at: HashMap<&str, usize> = columns
            .iter()
            .zip(0..)
            .map(|((title, _), at)| (*title, at))
            .collect();
        begin(&mut self.file, &frame::sheet_path(self.names.len()))?;
        let mut text = frame::sheet_head(titles.columns(), self.names.len() == 1);
        let head = columns
            .iter()
            .map(|(title, name)| (name.as_str(), Cell::from(*title)));
        self.texts.row(&mut text, 1, head, frame::HEAD);
        // The number first: a row that finds no number any more must stay for the next sheet.
        for (number, row) in (2..=self.rows_max.saturating_add(1)).zip(rows) {
            let placed = row.0.into_iter();
            let placed = placed.filter_map(|(title, cell)| Some((*at.get(title)?, cell)));
            let mut placed: Vec<(usize, Cell)> = placed.collect();
            placed.sort_by_key(|(at, _)| *at);
            placed.dedup_by_key(|(at, _)| *at);
            let cells = placed.into_iter();
            let cells = cells.filter_map(|(at, cell)| Some((columns.get(at)?.1.as_str(), cell)));
            self.texts.row(&mut text, number, cells, frame::PLAIN);
            if text.len() > PIECE {
                self.file.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        text.push_str(frame::SHEET_TAIL);
        self.file.write_all(text.as_bytes())?;
        Ok(())
    }

    /// The bytes.
    pub(super) fn finish(self) -> Result<Vec<u8>, WorkbookError> {
        self.end().map_err(WorkbookError::Together)
    }

    fn end(mut self) -> Result<Vec<u8>, XlsxError> {
        begin(&mut self.file, "xl/sharedStrings.xml")?;
        self.texts.write(&mut self.file)?;
        for (path, text) in frame::parts(&self.names, self.made) {
            begin(&mut self.file, path)?;
            self.file.write_all(text.as_bytes())?;
        }
        Ok(self.file.finish()?.into_inner())
    }
}

/// A part of the file, dated as every file of its kind without a date.
fn begin(file: &mut ZipWriter<Cursor<Vec<u8>>>, path: &str) -> Result<(), XlsxError> {
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    Ok(file.start_file(path, options)?)
}

/// Each text of the workbook once: cells name it by its number.
#[derive(Default)]
struct Texts {
    numbers: HashMap<Arc<str>, usize>,
    all: Vec<Arc<str>>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let (text, number): (Arc<str>, _) = (text.into(), self.all.len());
        self.numbers.insert(text.clone(), number);
        self.all.push(text);
        number
    }

    /// Adds a row to the text of a sheet.
    fn row<'c>(
        &mut self,
        out: &mut String,
        number: u32,
        cells: impl Iterator<Item = (&'c str, Cell)>,
        style: u8,
    ) {
        let _ = write!(out, "<row r=\"{number}\">");
        for (column, cell) in cells {
            let at = format!("{column}{number}");
            match value(&cell) {
                Value::None => {}
                Value::Text(text) => {
                    let text = self.number(&text);
                    let _ = write!(out, "<c r=\"{at}\" s=\"{style}\" t=\"s\"><v>{text}</v></c>");
                }
                Value::Number(number) => {
                    let _ = write!(out, "<c r=\"{at}\"><v>{number}</v></c>");
                }
                Value::Days(days) => {
                    let _ = write!(out, "<c r=\"{at}\" s=\"{}\"><v>{days}</v></c>", frame::DATE);
                }
            }
        }
        out.push_str("</row>");
    }

    fn write(&self, file: &mut impl std::io::Write) -> std::io::Result<()> {
        file.write_all(frame::TEXTS_HEAD.as_bytes())?;
        for text in &self.all {
            let escaped = frame::escaped(text);
            write!(file, "<si><t xml:space=\"preserve\">{escaped}</t></si>")?;
        }
        file.write_all(b"</sst>")
    }
}

/// What stands in a cell of the file.
enum Value {
    None,
    Text(String),
    Number(f64),
    Days(f64),
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::None,
        Cell::Text(found) => Value::Text(fit(found)),
        Cell::Lines(found) => Value::Text(fit_lines(found)),
        Cell::Grave(severity) => Value::Text(crate::words::severity(*severity).to_owned()),
        Cell::Whole(number) if *number > EXACT => Value::Text(number.to_string()),
        Cell::Whole(number) => Value::Number(*number as f64),
        Cell::Port(port) => Value::Number(f64::from(*port)),
        Cell::Round(number) | Cell::Decimal(number) if number.is_finite() => Value::Number(*number),
        Cell::Round(_) | Cell::Decimal(_) => Value::None,
        Cell::Moment(moment) => match days(*moment) {
            Some(days) => Value::Days(days),
            None => Value::Text(moment.to_string()),
        },
    }
}
