//! Bins and the cells in them: keys, lists of keys, values. Nothing is followed that does not lie whole within one bin.

use groma_model::Reason;

use super::base::LENGTH;
use super::bytes::{long, place, short, word};
use super::{LIMIT_ENTRIES, LIMIT_VALUE};
use crate::Value;

/// "Leads nowhere".
const NOWHERE: u32 = u32::MAX;

/// Bytes of a part of big data.
const SEGMENT: usize = 16_344;

/// Bytes a bin is a multiple of, and of its header.
const BIN: usize = 4096;
const BIN_HEADER: usize = 32;

/// Bytes the name of a key may have: 255 letters, in the wide form.
const LIMIT_NAME: usize = 512;

/// Seconds between 1601, where a FILETIME begins, and 1970.
const SECONDS_BEFORE_1970: i64 = 11_644_473_600;

/// The cells of a hive.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    /// Where each bin's cells begin and end, counted from the end of the base block, in order.
    bins: Vec<(usize, usize)>,
}

/// A key as it stands in its cell.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: u32,
    pub(super) above: u32,
    pub(super) name: String,
    /// In seconds since 1970.
    pub(super) written: Option<i64>,
    keys: (u32, u32),
    values: (u32, u32),
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
    /// The cells of a file whose bins have `length` bytes together, and whether every bin is as it should be.
    pub(super) fn of_bytes(bytes: Vec<u8>, length: usize) -> (Self, bool) {
        let all = bytes.get(LENGTH..).unwrap_or_default();
        let all = all.get(..length).unwrap_or(all);
        let mut bins = Vec::new();
        let mut is_whole = true;
        let mut at = 0;
        while let Some(rest) = all.get(at..).filter(|rest| rest.len() > BIN_HEADER) {
            match length_of_bin(rest, at) {
                Some(length) => {
                    let end = at.saturating_add(length);
                    is_whole &= end <= all.len();
                    bins.push((at + BIN_HEADER, end.min(all.len())));
                    at = end;
                }
                None => {
                    is_whole = false;
                    at += BIN;
                }
            }
        }
        (Self { bytes, bins }, is_whole)
    }

    /// What stands in the cell `at`; `None` where it is free or does not lie whole within a bin.
    fn cell(&self, at: u32) -> Option<&[u8]> {
        let at = place(at);
        let next = self.bins.partition_point(|(start, _)| *start <= at);
        let (_, end) = self.bins.get(next.checked_sub(1)?)?;
        let rest = self.bytes.get(at + LENGTH..*end + LENGTH)?;
        let length = word(rest, 0)?.cast_signed();
        if length >= 0 {
            return None;
        }
        rest.get(4..place(length.unsigned_abs()))
    }

    /// The key `at`.
    pub(super) fn node(&self, at: u32) -> Option<Node> {
        let cell = self.cell(at)?;
        if !cell.starts_with(b"nk") {
            return None;
        }
        let length = usize::from(short(cell, 72)?);
        let name = cell.get(76..76 + length)?;
        if length > LIMIT_NAME {
            return None;
        }
        Some(Node {
            at,
            above: word(cell, 16)?,
            name: name_of(name, short(cell, 2)? & 0x20 != 0),
            written: seconds(long(cell, 4)?),
            keys: (word(cell, 20)?, word(cell, 28)?),
            values: (word(cell, 36)?, word(cell, 40)?),
        })
    }

    /// Where the keys below stand. A list that cannot be read is an entry that leads to no key.
    pub(super) fn below(&self, node: &Node) -> Result<Vec<Below>, Reason> {
        let (count, list) = node.keys;
        let mut found = Vec::new();
        if count == 0 {
            return Ok(found);
        }
        let cell = self.cell(list).unwrap_or_default();
        match cell.strip_prefix(b"ri") {
            // A list of lists, and never deeper.
            Some(rest) => {
                for at in entries(rest, 4).ok_or(Reason::Malformed)?.chunks_exact(4) {
                    let at = word(at, 0).unwrap_or(NOWHERE);
                    self.leaf(at, &mut found)?;
                }
            }
            None => self.leaf(list, &mut found)?,
        }
        if found.len() < place(count) {
            found.push(lost(list));
        }
        Ok(found)
    }

    fn leaf(&self, at: u32, found: &mut Vec<Below>) -> Result<(), Reason> {
        let cell = self.cell(at).unwrap_or_default();
        let (kind, rest) = cell.split_at_checked(2).unwrap_or_default();
        let width = match kind {
            b"li" => 4,
            b"lf" | b"lh" => 8,
            _ => 0,
        };
        let listed = match width {
            0 => None,
            width => entries(rest, width),
        };
        let Some(listed) = listed else {
            found.push(lost(at));
            return Ok(());
        };
        if found.len() + listed.len() / width > LIMIT_ENTRIES {
            return Err(Reason::TooLarge);
        }
        for entry in listed.chunks_exact(width) {
            let hint = match (kind, entry) {
                (b"lf", [_, _, _, _, a, b, c, d]) => Hint::Start([*a, *b, *c, *d]),
                (b"lh", _) => word(entry, 4).map_or(Hint::Nothing, Hint::Hash),
                _ => Hint::Nothing,
            };
            let at = word(entry, 0).unwrap_or(NOWHERE);
            found.push(Below { at, hint });
        }
        Ok(())
    }

    /// The values of a key.
    pub(super) fn values(&self, node: &Node) -> Result<Vec<(String, Value)>, Reason> {
        let (count, list) = node.values;
        if count == 0 {
            return Ok(Vec::new());
        }
        let count = place(count);
        if count > LIMIT_ENTRIES {
            return Err(Reason::TooLarge);
        }
        let list = self.cell(list).and_then(|list| list.get(..count * 4));
        // Values that share cells could make a small hive a huge key; whole ones never hold more than the hive.
        let mut left = self.bytes.len();
        let each = list.ok_or(Reason::Malformed)?.chunks_exact(4);
        each.map(|at| self.value(word(at, 0).unwrap_or(NOWHERE), &mut left))
            .collect()
    }

    fn value(&self, at: u32, left: &mut usize) -> Result<(String, Value), Reason> {
        let cell = self.cell(at).filter(|cell| cell.starts_with(b"vk"));
        let cell = cell.ok_or(Reason::Malformed)?;
        let head = || {
            let length = usize::from(short(cell, 2)?);
            let name = cell.get(20..20 + length)?;
            let is_narrow = short(cell, 16)? & 1 != 0;
            Some((name, is_narrow, word(cell, 4)?, word(cell, 12)?))
        };
        let (name, is_narrow, length, kind) = head().ok_or(Reason::Malformed)?;
        let content = self.content(cell, length)?;
        let spent = name.len() + content.len();
        *left = left.checked_sub(spent).ok_or(Reason::Malformed)?;
        Ok((name_of(name, is_narrow), Value::of_bytes(kind, &content)))
    }

    fn content(&self, value: &[u8], length: u32) -> Result<Vec<u8>, Reason> {
        let is_within = length & 0x8000_0000 != 0;
        let length = place(length & 0x7fff_ffff);
        let at = word(value, 8).ok_or(Reason::Malformed)?;
        if is_within {
            let bytes = at.to_le_bytes();
            return bytes
                .get(..length)
                .map(<[u8]>::to_vec)
                .ok_or(Reason::Malformed);
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        if length > LIMIT_VALUE {
            return Err(Reason::TooLarge);
        }
        let cell = self.cell(at).ok_or(Reason::Malformed)?;
        match cell.get(..length) {
            Some(content) => Ok(content.to_vec()),
            None => self.big(cell, length).ok_or(Reason::Malformed),
        }
    }

    /// Content that lies in several cells.
    fn big(&self, cell: &[u8], length: usize) -> Option<Vec<u8>> {
        if !cell.starts_with(b"db") {
            return None;
        }
        let count = usize::from(short(cell, 2)?);
        let list = self.cell(word(cell, 4)?)?.get(..count * 4)?;
        let mut content = Vec::with_capacity(length);
        for at in list.chunks_exact(4) {
            let wanted = (length - content.len()).min(SEGMENT);
            content.extend_from_slice(self.cell(word(at, 0)?)?.get(..wanted)?);
        }
        (content.len() == length).then_some(content)
    }
}

/// An entry that leads to no key.
fn lost(at: u32) -> Below {
    Below {
        at,
        hint: Hint::Nothing,
    }
}

/// The bytes of a bin that begins here.
fn length_of_bin(rest: &[u8], at: usize) -> Option<usize> {
    let length = place(word(rest, 8)?);
    let is_here = rest.starts_with(b"hbin") && word(rest, 4).map(place) == Some(at);
    (is_here && length > 0 && length.is_multiple_of(BIN)).then_some(length)
}

/// The entries of a list, behind its two letters: how many, then each `width` bytes.
fn entries(rest: &[u8], width: usize) -> Option<&[u8]> {
    let count = usize::from(short(rest, 0)?);
    rest.get(2..)?.get(..count * width)
}

/// A name: one byte a letter (Latin-1), or UTF-16LE.
fn name_of(bytes: &[u8], is_narrow: bool) -> String {
    if is_narrow {
        return bytes.iter().copied().map(char::from).collect();
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|two| short(two, 0))
        .collect();
    String::from_utf16_lossy(&units)
}

fn seconds(filetime: u64) -> Option<i64> {
    if filetime == 0 {
        return None;
    }
    let since_1601 = i64::try_from(filetime / 10_000_000).ok()?;
    Some(since_1601 - SECONDS_BEFORE_1970)
}
