//! Certificate databases of NSS (`cert9.db`: Firefox, Thunderbird, 389 Directory Server, `certutil`).
//!
//! The file is an SQLite database (its format: sqlite.org/fileformat2.html); certificates stand in the table
//! `nssPublic` in clear, keys in another file that is never opened. This reader walks that one table, every page once,
//! and keeps the blobs that are certificates, whatever column they stand in. Changes that wait in a journal beside the
//! file are not seen.

use std::collections::HashSet;

use crate::der;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Certificates of one database that are read.
const CERTIFICATES_MAX: usize = 20_000;
/// A certificate is not larger.
const BLOB_MAX: usize = 1 << 20;
/// Pages between the root of a table and its rows.
const DEPTH_MAX: usize = 20;

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// True if `bytes` begin like an SQLite database.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The DER of every certificate in the database, and whether all of it was understood; `None` if it is a database of
/// another kind.
pub(crate) fn certificates(bytes: &[u8]) -> Option<(Vec<Vec<u8>>, bool)> {
    let file = File::of(bytes)?;
    let mut schema = Walk::new(&file);
    schema.page(1, 0);
    let root = schema.rows.iter().find_map(|row| root_of(row))?;
    let mut table = Walk::new(&file);
    table.page(root, 0);
    let whole = table.whole && table.rows.len() < CERTIFICATES_MAX;
    let found = table.rows.iter().flat_map(|row| blobs(row));
    let found = found
        .filter(|blob| is_certificate(blob))
        .map(<[u8]>::to_vec);
    Some((found.collect(), whole))
}

/// A Certificate has a TBSCertificate that is a SEQUENCE and nothing behind it: names and serials, which stand in other
/// columns, have another shape.
fn is_certificate(blob: &[u8]) -> bool {
    let parts = || {
        let (outer, rest) = der::expect(blob, der::SEQUENCE)?;
        let (_, after) = der::expect(outer.content, der::SEQUENCE)?;
        let (_, after) = der::expect(after, der::SEQUENCE)?;
        let (_, end) = der::expect(after, der::BIT_STRING)?;
        (rest.is_empty() && end.is_empty()).then_some(())
    };
    parts().is_some()
}

struct File<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Octets of a page that hold data.
    usable: usize,
}

impl<'a> File<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        if !is_likely(bytes) {
            return None;
        }
        let page_size = match u16_at(bytes, 16)? {
            1 => 65_536,
            size => usize::from(size),
        };
        let reserved = usize::from(*bytes.get(20)?);
        let fits = page_size.is_power_of_two() && page_size >= 512 && page_size >= reserved + 480;
        fits.then(|| Self {
            bytes,
            page_size,
            usable: page_size - reserved,
        })
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number.checked_sub(1)?)
            .ok()?
            .checked_mul(self.page_size)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }

    /// The payload of a leaf cell, overflow pages joined.
    fn payload(&self, page: &'a [u8], at: usize) -> Option<Vec<u8>> {
        let (size, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        let size = usize::try_from(size)
            .ok()
            .filter(|size| *size <= BLOB_MAX)?;
        let most = self.usable - 35;
        if size <= most {
            return page.get(at..at.checked_add(size)?).map(<[u8]>::to_vec);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let spread = least + (size - least) % (self.usable - 4);
        let local = if spread <= most { spread } else { least };
        let mut payload = page.get(at..at.checked_add(local)?)?.to_vec();
        let mut next = u32_at(page, at + local)?;
        while payload.len() < size {
            let more = self.page(next)?;
            next = u32_at(more, 0)?;
            let wanted = (size - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(more.get(4..4 + wanted)?);
        }
        Some(payload)
    }
}

/// The rows of one table.
struct Walk<'f, 'a> {
    file: &'f File<'a>,
    seen: HashSet<u32>,
    rows: Vec<Vec<u8>>,
    /// What rows may still hold together.
    bytes_left: usize,
    whole: bool,
}

impl<'f, 'a> Walk<'f, 'a> {
    fn new(file: &'f File<'a>) -> Self {
        Self {
            file,
            bytes_left: file.bytes.len(),
            seen: HashSet::new(),
            rows: Vec::new(),
            whole: true,
        }
    }

    fn page(&mut self, number: u32, depth: usize) {
        // A page that leads back to itself, or deeper than a table of this size can be, is a lie.
        let fresh = depth < DEPTH_MAX && self.seen.insert(number);
        if !fresh || self.cells(number, depth).is_none() {
            self.whole = false;
        }
    }

    fn cells(&mut self, number: u32, depth: usize) -> Option<()> {
        let page = self.file.page(number)?;
        let header = if number == 1 { 100 } else { 0 };
        let kind = *page.get(header)?;
        let count = usize::from(u16_at(page, header + 3)?);
        let first = header + if kind == INTERIOR { 12 } else { 8 };
        for cell in 0..count {
            if self.rows.len() >= CERTIFICATES_MAX {
                return Some(());
            }
            let at = usize::from(u16_at(page, first + cell * 2)?);
            match kind {
                INTERIOR => self.page(u32_at(page, at)?, depth + 1),
                LEAF => match self.file.payload(page, at) {
                    // Rows of an honest file never overlap, so together they are no longer than it is.
                    Some(row) if row.len() <= self.bytes_left => {
                        self.bytes_left -= row.len();
                        self.rows.push(row);
                    }
                    Some(_) => {
                        self.whole = false;
                        return Some(());
                    }
                    None => self.whole = false,
                },
                _ => return None,
            }
        }
        if kind == INTERIOR {
            self.page(u32_at(page, header + 8)?, depth + 1);
        }
        Some(())
    }
}

/// The columns of a record: serial type and octets.
fn columns(row: &[u8]) -> Vec<(u64, &[u8])> {
    let mut columns = Vec::new();
    let Some((length, mut at)) = varint(row, 0) else {
        return columns;
    };
    let Ok(end) = usize::try_from(length) else {
        return columns;
    };
    let mut content = end;
    while at < end {
        let Some((kind, next)) = varint(row, at) else {
            break;
        };
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => kind.saturating_sub(12) / 2,
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some(octets) = content
            .checked_add(size)
            .and_then(|end| row.get(content..end))
        else {
            break;
        };
        columns.push((kind, octets));
        (content, at) = (content + size, next);
    }
    columns
}

fn blobs(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_blob = |(kind, octets): (u64, _)| (kind >= 12 && kind % 2 == 0).then_some(octets);
    columns(row).into_iter().filter_map(is_blob)
}

/// The root page of `nssPublic`, out of a row of the schema: type, name, table, root page, SQL.
fn root_of(row: &[u8]) -> Option<u32> {
    let columns = columns(row);
    let [(_, kind), (_, name), _, (_, root), ..] = columns.as_slice() else {
        return None;
    };
    let number = root
        .iter()
        .fold(0_u32, |sum, &octet| sum << 8 | u32::from(octet));
    (*kind == b"table" && *name == b"nssPublic" && root.len() <= 4).then_some(number)
}

/// A big-endian number of one to nine octets, seven bits each.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for step in 0..9 {
        let octet = *bytes.get(at + step)?;
        if step == 8 {
            return Some((value << 8 | u64::from(octet), at + 9));
        }
        value = value << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            return Some((value, at + step + 1));
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let octets = bytes.get(at..at.checked_add(2)?)?;
    octets.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let octets = bytes.get(at..at.checked_add(4)?)?;
    octets.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &[u8] = include_bytes!("../tests/fixtures/nss-3.87/cert9.db");

    #[test]
    fn every_certificate_of_a_database_is_read_across_its_pages() {
        let (found, whole) = certificates(DATABASE).unwrap();
        assert!(whole);
        let mut subjects: Vec<String> = found
            .iter()
            .map(|der| crate::certificate::parse(der).unwrap().certificate.subject)
            .collect();
        subjects.sort();
        assert_eq!(subjects.len(), 8);
        assert_eq!(subjects[0], "CN=Store Root,O=Example Works");
        assert_eq!(subjects[7], "CN=store.corp.example,O=Example Works");
    }

    #[test]
    fn a_database_of_another_kind_is_not_ours() {
        let mut other = DATABASE.to_vec();
        while let Some(at) = other.windows(9).position(|w| w == b"nssPublic") {
            other[at] = b'x';
        }
        assert!(certificates(&other).is_none());
        assert!(certificates(b"SQLite format 3\0").is_none());
    }

    #[test]
    fn no_database_breaks_the_reader_or_keeps_it() {
        groma_fuzz::hammer(600, &[DATABASE], |bytes| {
            let _ = certificates(bytes);
        });
    }
}
