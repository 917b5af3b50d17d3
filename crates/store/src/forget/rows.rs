//! What forgetting asks of an engine: rows of any table, as they stand there.

use std::borrow::Cow;

use crate::StoreError;

/// A value in a table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes; also text of an engine that keeps it as bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// What a text or bytes consist of; nothing for the others.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Null | Self::Number(_) => &[],
        }
    }

    /// A text for people; what is none becomes U+FFFD.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// The number; 0 for what is none.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            _ => 0,
        }
    }

    /// Another text of the same kind.
    pub(crate) fn with(&self, text: Vec<u8>) -> Self {
        match self {
            Self::Bytes(_) => Self::Bytes(text),
            _ => match String::from_utf8(text) {
                Ok(text) => Self::Text(text),
                Err(error) => Self::Bytes(error.into_bytes()),
            },
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An engine within a transaction of which nobody else sees anything before its end, and in which nobody else writes. Places of values
/// are written `$1`, `$2`, …, first in this order.
pub(crate) trait Rows {
    /// Hands over the rows that `sql` finds, one by one.
    fn each(
        &mut self,
        sql: &str,
        values: &[Cell],
        each: &mut dyn FnMut(&[Cell]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Changes rows; how many there were.
    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<u64, StoreError>;

    /// How a text is read of which the key may hold the begin only.
    fn whole(&self, column: &'static str) -> String;

    /// How such a text is set, its values from place `first` on.
    fn set(&self, column: &'static str, first: usize) -> String;

    /// The values of such a text; the first is what stands in the key.
    fn cells(&self, text: Cell) -> Vec<Cell>;

    /// All rows that `sql` finds.
    fn all(&mut self, sql: &str, values: &[Cell]) -> Result<Vec<Vec<Cell>>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, values, &mut |row| {
            found.push(row.to_vec());
            Ok(())
        })?;
        Ok(found)
    }
}
