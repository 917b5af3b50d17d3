//! SQLite database files ("Database File Format"): the one table rpm keeps its headers in.

use super::{Installed, Met, Pages, Stop, be32};

/// Levels of a tree; twenty hold more pages than a file can have.
const DEPTH_MAX: u32 = 20;

/// Bytes of a row in which its columns are described.
const HEAD_BYTES: usize = 64;

struct Tree<'a, 'b> {
    pages: &'a Pages<'b>,
    page_bytes: usize,
    /// Page size without the reserved bytes at its end.
    usable: usize,
    met: Met,
}

/// Where the payload of a cell stands.
struct Payload {
    /// Its size in all.
    bytes: usize,
    /// The part in the cell itself.
    local: Vec<u8>,
    /// First overflow page, 0 if there is none.
    overflow: u32,
}

pub(super) fn walk(pages: &Pages<'_>, first: &[u8], installed: &mut Installed) -> Result<(), Stop> {
    let size = first
        .get(16..18)
        .and_then(|b| b.try_into().ok())
        .map(u16::from_be_bytes)
        .ok_or(Stop::Malformed)?;
    let page_bytes = if size == 1 { 65_536 } else { usize::from(size) };
    let reserved = usize::from(*first.get(20).ok_or(Stop::Malformed)?);
    if !page_bytes.is_power_of_two() || page_bytes < 512 || page_bytes - reserved < 480 {
        return Err(Stop::Malformed);
    }
    let mut tree = Tree {
        pages,
        page_bytes,
        usable: page_bytes - reserved,
        met: Met::default(),
    };
    let mut root = None;
    tree.visit(1, 0, &mut |tree, payload| {
        let record = tree.payload(&payload, 4096)?;
        if let Some(page) = root_of_packages(&record) {
            root = Some(page);
        }
        Ok(())
    })?;
    // An rpm database without the table has another format than any known one.
    let root = root.ok_or(Stop::Unsupported)?;
    tree.visit(root, 0, &mut |tree, payload| {
        let head = tree.payload(&payload, HEAD_BYTES)?;
        let Some(start) = blob_start(&head) else {
            installed.unread += 1;
            return Ok(());
        };
        installed.take(|many| {
            let whole = tree.payload(&payload, start.saturating_add(many))?;
            Ok(whole.get(start..).unwrap_or_default().to_vec())
        })
    })
}

/// The root page of `Packages`, if a row of the schema describes that table.
fn root_of_packages(record: &[u8]) -> Option<u32> {
    let columns = columns(record)?;
    let text = |at: usize| {
        columns
            .get(at)
            .and_then(|(start, length, _)| record.get(*start..start.checked_add(*length)?))
    };
    if text(0)? != b"table" || text(1)? != b"Packages" {
        return None;
    }
    let number = text(3)?
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    u32::try_from(number).ok()
}

/// Where the blob begins in a row of `Packages`: the second column.
fn blob_start(head: &[u8]) -> Option<usize> {
    let (start, _, kind) = *columns(head)?.get(1)?;
    // The first column is a number: the blob begins near.
    (kind >= 12 && kind % 2 == 0 && start <= HEAD_BYTES).then_some(start)
}

/// Start, length and serial type of each column of a record.
fn columns(record: &[u8]) -> Option<Vec<(usize, usize, u64)>> {
    let (header_bytes, mut at) = varint(record, 0)?;
    let mut data = usize::try_from(header_bytes).ok()?;
    let end = data;
    let mut columns = Vec::new();
    while at < end && columns.len() < 16 {
        let (kind, next) = varint(record, at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            more => (more - 12) / 2,
        };
        let length = usize::try_from(length).ok().filter(|l| *l < 1 << 31)?;
        columns.push((data, length, kind));
        data = data.checked_add(length)?;
        at = next;
    }
    Some(columns)
}

/// A number of one to nine bytes, and where the next one begins.
fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for place in 0..9 {
        let byte = *bytes.get(at)?;
        at += 1;
        if place == 8 {
            return Some((number << 8 | u64::from(byte), at));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((number, at))
}

impl Tree<'_, '_> {
    fn page(&self, number: u32) -> Result<Vec<u8>, Stop> {
        let at = u64::from(number).checked_sub(1).ok_or(Stop::Malformed)?;
        self.pages.exactly(
            at * u64::try_from(self.page_bytes).unwrap_or(u64::MAX),
            self.page_bytes,
        )
    }

    fn visit(
        &mut self,
        number: u32,
        depth: u32,
        tell: &mut dyn FnMut(&Self, Payload) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.met.first_time(number)?;
        if depth > DEPTH_MAX {
            return Err(Stop::Malformed);
        }
        let page = self.page(number)?;
        // The first page begins with the file's own header.
        let head = if number == 1 { 100 } else { 0 };
        let kind = page.get(head).copied().ok_or(Stop::Malformed)?;
        let cells = page
            .get(head + 3..head + 5)
            .and_then(|b| b.try_into().ok())
            .map(u16::from_be_bytes)
            .ok_or(Stop::Malformed)?;
        let pointers = head + if kind == 5 { 12 } else { 8 };
        for cell in 0..usize::from(cells) {
            let pointer = page
                .get(pointers + cell * 2..pointers + cell * 2 + 2)
                .and_then(|b| b.try_into().ok())
                .map(u16::from_be_bytes);
            let at = usize::from(pointer.ok_or(Stop::Malformed)?);
            match kind {
                5 => self.visit(be32(&page, at).ok_or(Stop::Malformed)?, depth + 1, tell)?,
                13 => tell(self, self.cell(&page, at).ok_or(Stop::Malformed)?)?,
                _ => return Err(Stop::Malformed),
            }
        }
        match kind {
            5 => self.visit(
                be32(&page, head + 8).ok_or(Stop::Malformed)?,
                depth + 1,
                tell,
            ),
            13 => Ok(()),
            _ => Err(Stop::Malformed),
        }
    }

    /// A cell of a table leaf: size, row id, the begin of the payload, the first overflow page.
    fn cell(&self, page: &[u8], at: usize) -> Option<Payload> {
        let (bytes, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        let bytes = usize::try_from(bytes).ok().filter(|b| *b < 1 << 31)?;
        let (most, least) = (self.usable - 35, (self.usable - 12) * 32 / 255 - 23);
        let local = match bytes {
            few if few <= most => few,
            many => {
                let fitting = least + (many - least) % (self.usable - 4);
                if fitting <= most { fitting } else { least }
            }
        };
        let overflow = if local < bytes {
            be32(page, at + local)?
        } else {
            0
        };
        Some(Payload {
            bytes,
            local: page.get(at..at + local)?.to_vec(),
            overflow,
        })
    }

    /// The first `many` bytes of a payload, fewer if it has fewer.
    fn payload(&self, payload: &Payload, many: usize) -> Result<Vec<u8>, Stop> {
        let many = many.min(payload.bytes);
        let mut bytes = payload.local.clone();
        let mut next = payload.overflow;
        while bytes.len() < many {
            let page = self.page(next)?;
            next = be32(&page, 0).ok_or(Stop::Malformed)?;
            // Each page adds bytes, so this ends at `many` whatever the chain looks like.
            bytes.extend_from_slice(page.get(4..self.usable).ok_or(Stop::Malformed)?);
        }
        bytes.truncate(many);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_that_begins_beyond_its_row_is_unread() {
        // A header of 2^64 - 1 bytes, or of 300, a column without bytes, and a blob.
        let endless = [vec![0xff; 9], vec![0, 12]].concat();
        assert_eq!(blob_start(&endless), None);
        assert_eq!(root_of_packages(&endless), None);
        assert_eq!(blob_start(&[0x82, 0x2c, 0, 12]), None);
        assert_eq!(blob_start(&[3, 1, 14, 7, 0xaa]), Some(4));
    }
}
