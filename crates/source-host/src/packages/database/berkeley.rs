//! Berkeley DB hash files, as rpm kept them until 2020 (Red Hat 5 to 8 and their kin).

use super::{Installed, Pages, Stop, be32, le32};

/// The mark of a hash database at byte 12.
const HASH: u32 = 0x0006_1561;
/// Bytes before the entries of a page.
const PAGE_HEADER_BYTES: usize = 26;
/// Page types: hash, unsorted and sorted.
const HASH_PAGES: [u8; 2] = [2, 13];
/// Page type of a value that did not fit.
const OVERFLOW_PAGE: u8 = 7;
/// Item types: the value itself, or where it stands.
const VALUE: u8 = 1;
const ELSEWHERE: u8 = 3;

struct Hash<'a, 'b> {
    pages: &'a Pages<'b>,
    page_bytes: usize,
    number: fn(&[u8], usize) -> Option<u32>,
}

pub(super) fn is_hash(first: &[u8]) -> bool {
    be32(first, 12) == Some(HASH) || le32(first, 12) == Some(HASH)
}

pub(super) fn walk(pages: &Pages<'_>, first: &[u8], installed: &mut Installed) -> Result<(), Stop> {
    // The file has the byte order of the machine that wrote it.
    let number = if le32(first, 12) == Some(HASH) {
        le32
    } else {
        be32
    };
    let page_bytes = number(first, 20)
        .and_then(|b| usize::try_from(b).ok())
        .unwrap_or(0);
    if !page_bytes.is_power_of_two()
        || !(512..=65_536).contains(&page_bytes)
        || first.get(24).is_some_and(|algorithm| *algorithm != 0)
    {
        return Err(Stop::Unsupported);
    }
    let hash = Hash {
        pages,
        page_bytes,
        number,
    };
    let last = number(first, 32).ok_or(Stop::Malformed)?;
    let there = pages.bytes() / u64::try_from(page_bytes).unwrap_or(u64::MAX);
    if u64::from(last) >= there {
        // A cut file: what is there is told, and that it is not all.
        for page in 1..u32::try_from(there).unwrap_or(u32::MAX) {
            hash.page(page, installed)?;
        }
        return Err(Stop::Malformed);
    }
    (1..=last).try_for_each(|page| hash.page(page, installed))
}

impl Hash<'_, '_> {
    fn offset(&self, page: u32) -> u64 {
        u64::from(page) * u64::try_from(self.page_bytes).unwrap_or(u64::MAX)
    }

    fn short(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        let little = (self.number)(&[1, 0, 0, 0], 0) == Some(1);
        Some(usize::from(if little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }))
    }

    /// Most pages of such a file are parts of values: only their headers are read here.
    fn page(&self, number: u32, installed: &mut Installed) -> Result<(), Stop> {
        let head = self.pages.exactly(self.offset(number), PAGE_HEADER_BYTES)?;
        if !head.get(25).is_some_and(|kind| HASH_PAGES.contains(kind)) {
            return Ok(());
        }
        let entries = self.short(&head, 20).ok_or(Stop::Malformed)?;
        if entries == 0 {
            return Ok(());
        }
        let page = self.pages.exactly(self.offset(number), self.page_bytes)?;
        // Keys and values take turns; an item ends where the one before it begins.
        for value in (1..entries).step_by(2) {
            let key = self.item(&page, value - 1).ok_or(Stop::Malformed)?;
            let item = self.item(&page, value).ok_or(Stop::Malformed)?;
            // Record 0 holds the highest number given, not a header.
            if key.get(1..).is_some_and(|key| key.iter().all(|b| *b == 0)) {
                continue;
            }
            match item.first() {
                Some(&VALUE) => installed.take(|many| {
                    Ok(item
                        .get(1..)
                        .unwrap_or_default()
                        .iter()
                        .take(many)
                        .copied()
                        .collect())
                })?,
                Some(&ELSEWHERE) => {
                    let first = (self.number)(item, 4).ok_or(Stop::Malformed)?;
                    let length = (self.number)(item, 8)
                        .and_then(|l| usize::try_from(l).ok())
                        .ok_or(Stop::Malformed)?;
                    installed.take(|many| self.value(first, many.min(length)))?;
                }
                _ => installed.unread += 1,
            }
        }
        Ok(())
    }

    fn item<'p>(&self, page: &'p [u8], at: usize) -> Option<&'p [u8]> {
        let start = self.short(page, PAGE_HEADER_BYTES + at * 2)?;
        let end = match at.checked_sub(1) {
            Some(before) => self.short(page, PAGE_HEADER_BYTES + before * 2)?,
            None => self.page_bytes,
        };
        page.get(start..end)
    }

    /// The first `many` bytes of a value on overflow pages.
    fn value(&self, first: u32, many: usize) -> Result<Vec<u8>, Stop> {
        let (mut bytes, mut next) = (Vec::new(), first);
        while bytes.len() < many {
            let page = self.pages.exactly(self.offset(next), self.page_bytes)?;
            let used = self
                .short(&page, 22)
                .filter(|used| *used > 0)
                .ok_or(Stop::Malformed)?;
            if page.get(25) != Some(&OVERFLOW_PAGE) {
                return Err(Stop::Malformed);
            }
            // Each page adds at least one byte, so a circle ends at `many`.
            bytes.extend_from_slice(
                page.get(PAGE_HEADER_BYTES..PAGE_HEADER_BYTES + used)
                    .ok_or(Stop::Malformed)?,
            );
            next = (self.number)(&page, 16).ok_or(Stop::Malformed)?;
        }
        bytes.truncate(many);
        Ok(bytes)
    }
}
