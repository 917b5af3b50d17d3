//! What belongs to one entity, found without walking through the whole estate; and how much a check walked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use groma_model::EntityId;

/// Rows of the document by the entity they belong to, in the order of the document.
pub(crate) struct Index<'a, T>(HashMap<&'a EntityId, Vec<&'a T>>);

impl<'a, T> Index<'a, T> {
    pub(crate) fn of(rows: impl Iterator<Item = (&'a EntityId, &'a T)>) -> Self {
        let mut index: HashMap<&EntityId, Vec<&T>> = HashMap::new();
        for (entity, row) in rows {
            index.entry(entity).or_default().push(row);
        }
        Self(index)
    }

    /// Each entity with its rows, in any order.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'a EntityId, &[&'a T])> {
        self.0
            .iter()
            .map(|(entity, rows)| (*entity, rows.as_slice()))
    }

    pub(crate) fn at(&self, entity: &EntityId) -> &[&'a T] {
        self.0.get(entity).map_or(&[], Vec::as_slice)
    }
}

/// Counts the rows that were handed out.
#[derive(Default)]
pub(crate) struct Work(AtomicU64);

impl Work {
    /// Each row counts when it is reached: a walk that ends early costs what it walked.
    pub(crate) fn walked<I: Iterator>(&self, rows: I) -> Walk<'_, I> {
        Walk {
            rows,
            walked: 0,
            work: self,
        }
    }

    /// A whole list counts when it is taken.
    pub(crate) fn took<'r, T>(&self, rows: &'r [T]) -> &'r [T] {
        self.add(rows.len() as u64);
        rows
    }

    pub(crate) fn rows(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn add(&self, rows: u64) {
        self.0.fetch_add(rows, Relaxed);
    }
}

/// A walk along rows. Checks look at the same time, so that it tells what it counted once, at its end.
pub(crate) struct Walk<'w, I> {
    rows: I,
    walked: u64,
    work: &'w Work,
}

impl<I: Iterator> Iterator for Walk<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.walked += 1;
        self.rows.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl<I> Drop for Walk<'_, I> {
    fn drop(&mut self) {
        self.work.add(self.walked);
    }
}
