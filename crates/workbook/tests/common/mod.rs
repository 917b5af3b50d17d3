//! A workbook opened again, as a reader sees it.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use calamine::{Data, Range, Reader as _, Xlsx};
use groma_model::inventory::Inventory;
use groma_workbook::workbook;

pub(crate) type Book = Xlsx<Cursor<Vec<u8>>>;

pub(crate) fn opened(inventory: &Inventory) -> Book {
    Xlsx::new(Cursor::new(workbook(inventory).unwrap())).unwrap()
}

pub(crate) fn sheet(book: &mut Book, name: &str) -> Range<Data> {
    book.worksheet_range(name).unwrap()
}

/// Every part of the file, by name.
pub(crate) fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let all = 0..archive.len();
    all.map(|at| {
        let mut part = archive.by_index(at).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        (part.name().unwrap().into_owned(), text)
    })
    .collect()
}

pub(crate) fn column(range: &Range<Data>, title: &str) -> usize {
    let titles = range.rows().next().unwrap().iter();
    let mut at = titles.enumerate();
    at.find(|(_, cell)| **cell == *title).unwrap().0
}

pub(crate) fn texts(range: &Range<Data>) -> BTreeSet<String> {
    let cells = range.rows().flatten();
    cells.map(ToString::to_string).collect()
}
