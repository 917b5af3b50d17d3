//! A row by the titles of its columns.

use crate::cell::{Cell, count};

/// Cells by title. A sheet takes those it has a column for: what is said of a guest on each sheet is made once.
#[derive(Clone, Default)]
pub(super) struct Row(pub(super) Vec<(&'static str, Cell)>);

impl Row {
    /// With `cell` under `title`.
    pub(super) fn with(mut self, title: &'static str, cell: impl Into<Cell>) -> Self {
        let cell = cell.into();
        if cell != Cell::Empty {
            self.0.push((title, cell));
        }
        self
    }

    /// With all of `other` behind it.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }
}

/// `True` or `False`, as RVTools writes it.
pub(super) fn truth(value: bool) -> Cell {
    Cell::from(if value { "True" } else { "False" })
}

/// The same where it is told.
pub(super) fn maybe_truth(value: Option<bool>) -> Cell {
    value.map_or(Cell::Empty, truth)
}

/// Bytes as whole MiB.
pub(super) fn mib(bytes: impl Into<Option<u64>>) -> Cell {
    bytes.into().map(|bytes| bytes >> 20).into()
}

/// A number of things, where any were told.
pub(super) fn told(number: usize) -> Cell {
    if number > 0 {
        count(number)
    } else {
        Cell::Empty
    }
}
