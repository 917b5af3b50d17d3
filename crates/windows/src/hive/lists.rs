//! Lists of the keys below a key.

use groma_model::Reason;

use super::LIMIT_ENTRIES;
use super::bytes::{place, short, word};
use super::cells::{Cells, NOWHERE, Node};

/// A list of keys: the bytes of its entries.
pub(super) enum List<'c> {
    /// It should be at this place, and is not.
    Lost(u32),
    /// Places only.
    Plain(&'c [u8]),
    /// Places with the beginnings of names.
    Start(&'c [u8]),
    /// Places with hashes of names.
    Hash(&'c [u8]),
}

/// An entry of a list of keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Below {
    pub(super) at: u32,
    pub(super) hint: Hint,
}

/// What a list says of a name, so that one need not look at every key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hint {
    Nothing,
    /// Its first four letters.
    Start([u8; 4]),
    /// A hash of its letters.
    Hash(u32),
}

impl Cells {
    /// The lists of the keys below. One that cannot be read holds a single entry that leads to no key.
    pub(super) fn lists(&self, node: &Node) -> Result<Vec<List<'_>>, Reason> {
        let (count, at) = node.keys;
        if count == 0 {
            return Ok(Vec::new());
        }
        let cell = self.cell(at).unwrap_or_default();
        let mut lists = match cell.strip_prefix(b"ri") {
            // A list of lists, and never deeper.
            Some(rest) => {
                let lists = entries(rest, 4).ok_or(Reason::Malformed)?.chunks_exact(4);
                let at = |entry| word(entry, 0).unwrap_or(NOWHERE);
                lists.map(|entry| self.list(at(entry))).collect()
            }
            None => vec![self.list(at)],
        };
        let listed = lists.iter().map(List::len).sum::<usize>();
        if listed < place(count) {
            lists.push(List::Lost(at));
        }
        match listed > LIMIT_ENTRIES {
            true => Err(Reason::TooLarge),
            false => Ok(lists),
        }
    }

    fn list(&self, at: u32) -> List<'_> {
        let cell = self.cell(at).unwrap_or_default();
        let (kind, rest) = cell.split_at_checked(2).unwrap_or_default();
        let list = match kind {
            b"li" => entries(rest, 4).map(List::Plain),
            b"lf" => entries(rest, 8).map(List::Start),
            b"lh" => entries(rest, 8).map(List::Hash),
            _ => None,
        };
        list.unwrap_or(List::Lost(at))
    }
}

impl List<'_> {
    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lost(_) => 1,
            Self::Plain(entries) => entries.len() / 4,
            Self::Start(entries) | Self::Hash(entries) => entries.len() / 8,
        }
    }

    /// Its entries, in its order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Below> {
        (0..self.len()).filter_map(|number| self.entry(number))
    }

    /// One of its entries.
    pub(super) fn entry(&self, number: usize) -> Option<Below> {
        let (entries, width) = match self {
            Self::Lost(at) => {
                let (at, hint) = (*at, Hint::Nothing);
                return Some(Below { at, hint });
            }
            Self::Plain(entries) => (entries, 4),
            Self::Start(entries) | Self::Hash(entries) => (entries, 8),
        };
        let entry = entries.get(number * width..(number + 1) * width)?;
        let (at, hint) = (word(entry, 0)?, self.hint(entry));
        Some(Below { at, hint })
    }

    fn hint(&self, entry: &[u8]) -> Hint {
        match (self, entry) {
            (Self::Start(_), [_, _, _, _, a, b, c, d]) => Hint::Start([*a, *b, *c, *d]),
            (Self::Hash(_), _) => word(entry, 4).map_or(Hint::Nothing, Hint::Hash),
            _ => Hint::Nothing,
        }
    }
}

/// The entries of a list, behind its two letters: how many, then each `width` bytes.
fn entries(rest: &[u8], width: usize) -> Option<&[u8]> {
    let count = usize::from(short(rest, 0)?);
    rest.get(2..)?.get(..count * width)
}
