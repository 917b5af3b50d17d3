//! Numbers of one kind, kept together and by their bytes: the low bytes of all, then the next ones.

use std::io::{self, Write};

use super::parts::Kind;

/// Columns of one kind; what a line holds beyond them shares the last.
const OF_A_KIND: usize = 16;
/// Which line of the base each line is.
pub(super) const LINES: usize = 3 * OF_A_KIND;
/// What `seen` looks like.
pub(super) const SHAPES: usize = LINES + 1;
/// How many columns there are.
const ALL: usize = SHAPES + 1;

/// The column of the value of a line that is the `ordinal`th of its kind.
pub(super) fn column_of(kind: Kind, ordinal: usize) -> usize {
    let first = match kind {
        Kind::Time => 0,
        Kind::Number => OF_A_KIND,
        Kind::Word => 2 * OF_A_KIND,
    };
    first + ordinal.min(OF_A_KIND - 1)
}

/// A whole number with its sign in the lowest bit: small ones stay small.
pub(super) fn folded(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned()
}

/// The number that was folded.
pub(super) fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Columns that are being filled.
pub(super) struct Columns(Vec<Vec<u64>>);

impl Default for Columns {
    fn default() -> Self {
        Self(vec![Vec::new(); ALL])
    }
}

impl Columns {
    pub(super) fn push(&mut self, column: usize, number: u64) {
        if let Some(column) = self.0.get_mut(column) {
            column.push(number);
        }
    }

    /// Bytes they take as they are written.
    pub(super) fn size(&self) -> usize {
        let of = |column: &Vec<u64>| 6 + column.len() * width(column);
        self.0.iter().filter(|c| !c.is_empty()).map(of).sum()
    }

    /// Writes them; every plane is flushed, so that a packer looks at each by itself.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (id, column) in self.0.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
            let width = width(column);
            let many = u32::try_from(column.len()).map_err(io::Error::other)?;
            let head = [u8::try_from(id), u8::try_from(width)].map(Result::unwrap_or_default);
            out.write_all(&head)?;
            out.write_all(&many.to_le_bytes())?;
            for plane in 0..width {
                let bytes: Vec<u8> = column
                    .iter()
                    .map(|number| number.to_le_bytes().get(plane).copied().unwrap_or_default())
                    .collect();
                out.flush()?;
                out.write_all(&bytes)?;
            }
            out.flush()?;
        }
        Ok(())
    }
}

fn width(column: &[u64]) -> usize {
    let all = column.iter().fold(0, |all, number| all | number);
    usize::try_from((64 - all.leading_zeros()).div_ceil(8)).unwrap_or(8)
}

/// Columns that are being read, out of bytes that a stranger may have made.
pub(super) struct Read<'b>(Vec<Column<'b>>);

#[derive(Clone, Default)]
struct Column<'b> {
    planes: Vec<&'b [u8]>,
    many: usize,
    next: usize,
}

impl<'b> Read<'b> {
    pub(super) fn new(mut bytes: &'b [u8]) -> Option<Self> {
        let mut all = vec![Column::default(); ALL];
        while let Some((head, behind)) = bytes.split_first_chunk::<6>() {
            let [id, width, many @ ..] = *head;
            let many = usize::try_from(u32::from_le_bytes(many)).ok()?;
            let mut planes = Vec::new();
            bytes = behind;
            for _ in 0..width {
                let plane;
                (plane, bytes) = bytes.split_at_checked(many)?;
                planes.push(plane);
            }
            // More than eight bytes are no number, and a column without bytes is all zeros: it may be long for nothing.
            let fits = planes.len() <= 8 && many <= super::VALUES_MAX;
            let column = all.get_mut(usize::from(id)).filter(|_| fits)?;
            *column = Column {
                planes,
                many,
                next: 0,
            };
        }
        bytes.is_empty().then_some(Self(all))
    }

    /// How many numbers of a column are left.
    pub(super) fn left(&self, column: usize) -> usize {
        self.0
            .get(column)
            .map_or(0, |column| column.many.saturating_sub(column.next))
    }

    pub(super) fn next(&mut self, column: usize) -> Option<u64> {
        let column = self.0.get_mut(column)?;
        if column.next >= column.many {
            return None;
        }
        let mut number = 0;
        for plane in column.planes.iter().rev() {
            number = number << 8 | u64::from(*plane.get(column.next)?);
        }
        column.next += 1;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_their_order() {
        let mut columns = Columns::default();
        let numbers = [0, 1, 255, 256, 70_000, u64::MAX];
        for number in numbers {
            columns.push(LINES, number);
            columns.push(0, 0);
        }
        let mut bytes = Vec::new();
        columns.write(&mut bytes).unwrap();
        assert_eq!(bytes.len(), columns.size());
        let mut read = Read::new(&bytes).unwrap();
        for number in numbers {
            assert_eq!(read.next(LINES), Some(number));
            assert_eq!(read.next(0), Some(0));
        }
        assert_eq!(
            (read.next(LINES), read.next(0), read.next(5)),
            (None, None, None)
        );
    }

    #[test]
    fn a_sign_costs_one_bit() {
        for number in [0, 1, -1, 300_000, i64::MIN, i64::MAX] {
            assert_eq!(unfolded(folded(number)), number);
        }
        assert_eq!((folded(-1), folded(1)), (1, 2));
    }
}
