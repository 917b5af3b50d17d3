//! Order where the keys of an engine end before the texts do.

use std::cmp::Ordering;
use std::iter::Peekable;

use super::pages::{Place, ValueRow};

/// As much of a text as the keys of every engine hold; beyond that, rows with one begin may come in any order.
pub(crate) const KEY_BYTES: usize = 600;

/// Something that stands in a sorted table, and whether it stands exactly where its texts belong.
pub(super) trait Placed {
    /// True if the key cannot tell the order of these two: they agree up to and with the begin of a long text.
    fn is_level_with(&self, other: &Self) -> bool;

    /// The order in which they belong, between two that are level.
    fn order(&self, other: &Self) -> Ordering;
}

/// The first of these pairs of texts that differ or are long decides: level if it is one long begin.
fn are_level(pairs: &[(&[u8], &[u8])]) -> bool {
    let begin = |text: &'_ [u8]| text.len() > KEY_BYTES;
    let decides = pairs.iter().find(|(a, b)| a != b || begin(a));
    decides.is_some_and(|(a, b)| begin(a) && begin(b) && a.get(..KEY_BYTES) == b.get(..KEY_BYTES))
}

impl Placed for Place {
    fn is_level_with(&self, other: &Self) -> bool {
        let (a, b) = (&self.row, &other.row);
        a.fact == b.fact
            && a.stream == b.stream
            && are_level(&[(a.scope.as_bytes(), b.scope.as_bytes())])
    }

    fn order(&self, other: &Self) -> Ordering {
        self.row.scope.cmp(&other.row.scope)
    }
}

impl Placed for ValueRow {
    fn is_level_with(&self, other: &Self) -> bool {
        let pairs: [(&[u8], &[u8]); 3] = [
            (self.scope.as_bytes(), other.scope.as_bytes()),
            (self.metric.as_bytes(), other.metric.as_bytes()),
            (&self.subject, &other.subject),
        ];
        self.stream == other.stream && are_level(&pairs)
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |row: &'_ Self| (row.scope.clone(), row.metric.clone(), row.subject.clone());
        key(self).cmp(&key(other))
    }
}

/// Puts those in order that the key left level: long texts with one begin, of which there are few.
pub(super) struct InOrder<I: Iterator> {
    rows: Peekable<I>,
    level: std::vec::IntoIter<I::Item>,
}

impl<I: Iterator> InOrder<I> {
    pub(super) fn new(rows: I) -> Self {
        Self {
            rows: rows.peekable(),
            level: Vec::new().into_iter(),
        }
    }
}

impl<T: Placed, E, I: Iterator<Item = Result<T, E>>> Iterator for InOrder<I> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.level.next() {
            return Some(row);
        }
        let first = match self.rows.next()? {
            Ok(first) => first,
            error => return Some(error),
        };
        let is_level =
            |next: &Self::Item| next.as_ref().is_ok_and(|next| first.is_level_with(next));
        let Some(second) = self.rows.next_if(is_level) else {
            return Some(Ok(first));
        };
        let mut level = vec![second];
        while let Some(next) = self.rows.next_if(is_level) {
            level.push(next);
        }
        level.push(Ok(first));
        level.sort_by(|a, b| match (a, b) {
            (Ok(a), Ok(b)) => a.order(b),
            _ => Ordering::Equal,
        });
        self.level = level.into_iter();
        self.level.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two texts, of which the table is sorted by the begins only.
    #[derive(Clone, PartialEq, Debug)]
    struct Pair(Vec<u8>, Vec<u8>);

    impl Placed for Pair {
        fn is_level_with(&self, other: &Self) -> bool {
            are_level(&[(&self.0, &other.0), (&self.1, &other.1)])
        }

        fn order(&self, other: &Self) -> Ordering {
            (&self.0, &self.1).cmp(&(&other.0, &other.1))
        }
    }

    #[test]
    fn long_texts_with_one_begin_are_put_in_order_and_nothing_else_is_moved() {
        let long = |end: &str| [vec![b'x'; KEY_BYTES], end.as_bytes().to_vec()].concat();
        let short = |text: &str| text.as_bytes().to_vec();
        let sorted = vec![
            Pair(short("a"), short("1")),
            Pair(short("a"), long("1")),
            Pair(short("a"), long("2")),
            Pair(short("b"), long("1")),
            Pair(long(""), short("9")),
            Pair(long("a"), short("1")),
            Pair(long("a"), short("2")),
            Pair(long("b"), long("1")),
            Pair(long("b"), long("2")),
            Pair(short("y"), short("1")),
        ];
        let mut mixed = sorted.clone();
        mixed.swap(1, 2);
        mixed.swap(5, 8);
        mixed.swap(6, 7);
        let given = mixed.into_iter().map(Ok::<_, ()>);
        let put: Vec<_> = InOrder::new(given).map(Result::unwrap).collect();
        assert_eq!(put, sorted);
    }
}
