//! OpenLDAP: the memory map that holds a directory, and how much of it is used.

use std::path::{Path, PathBuf};

use super::places::{Places, Processes};
use super::{Seen, directories};
use crate::reading::{Reading, piece};
use crate::text::{extension, file_name, meaningful, path, words};

/// MDB_MAGIC of LMDB.
const MAGIC: u32 = 0xbeef_c0de;

pub(super) fn places(reading: &mut Reading<'_>, _: &Processes) -> Places {
    let mut places = Places::default();
    let mut files: Vec<PathBuf> = ["/etc/ldap/slapd.conf", "/etc/openldap/slapd.conf"]
        .map(PathBuf::from)
        .to_vec();
    for base in [
        "/etc/ldap/slapd.d/cn=config",
        "/etc/openldap/slapd.d/cn=config",
    ] {
        let entries = places.list(reading, Path::new(base));
        let database =
            |p: &PathBuf| file_name(p).starts_with(b"olcDatabase=") && extension(p) == b"ldif";
        files.extend(entries.into_iter().filter(database));
    }
    for file in files {
        let text = places.text(reading, &file);
        for (_, line) in meaningful(&text, b"#") {
            let mut words = words(line);
            let key = words.next().unwrap_or_default();
            if let (b"directory" | b"olcDbDirectory:", Some(directory)) = (key, words.next()) {
                places.named(&path(directory), &file, None);
            }
        }
    }
    places
}

pub(super) fn read(reading: &mut Reading<'_>, at: &Path) -> Option<Seen> {
    let mut roots = vec![at.to_owned()];
    roots.extend(directories(reading, at));
    let mut bytes = None;
    for root in roots {
        let Ok(file) = reading.open(&root.join("data.mdb")) else {
            continue;
        };
        let first = piece(file.as_ref(), 0, 4096).ok()?;
        let size = usize::try_from(page_size(&first)?).ok()?;
        let second = piece(file.as_ref(), u64::try_from(size).ok()?, 4096).unwrap_or_default();
        let more = used(&first, &second)?;
        bytes = Some(bytes.map_or(more, |sum: u64| sum.saturating_add(more)));
    }
    Some(Seen {
        engine: "openldap",
        bytes: bytes?,
        closed: Some("entries, suffixes and replication agreements kept in the directory itself"),
        ..Seen::default()
    })
}

/// Bytes up to the last page in use: of two meta pages the one with the higher transaction counts.
///
/// A page begins with 16 bytes of header; MDB_meta follows: magic, version, address, map size, two MDB_db of 48
/// bytes (the first one's md_pad is the page size), last page at 120, transaction at 128.
fn used(first: &[u8], second: &[u8]) -> Option<u64> {
    let size = u64::from(page_size(first)?);
    let meta = |page: &[u8]| Some((u64_at(page, 16 + 128)?, u64_at(page, 16 + 120)?));
    let newest = meta(first)
        .into_iter()
        .chain(page_size(second).and_then(|_| meta(second)))
        .max()?;
    newest.1.checked_add(1)?.checked_mul(size)
}

fn page_size(page: &[u8]) -> Option<u32> {
    (u32_at(page, 16)? == MAGIC)
        .then(|| u32_at(page, 16 + 24))?
        .filter(|size| (512..=65_536).contains(size))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn page(last: u64, transaction: u64) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[16..20].copy_from_slice(&MAGIC.to_ne_bytes());
        page[40..44].copy_from_slice(&4096_u32.to_ne_bytes());
        page[136..144].copy_from_slice(&last.to_ne_bytes());
        page[144..152].copy_from_slice(&transaction.to_ne_bytes());
        page
    }

    #[test]
    fn damaged_pages_of_several_maps_sum_up_without_a_panic() {
        let huge = page(u64::MAX / 4096 - 2, 5);
        let disk = FakeDisk::new()
            .file("/var/lib/ldap/data.mdb", huge.clone())
            .file("/var/lib/ldap/more/data.mdb", huge);
        let world = world(disk);
        let window = window(&world);
        let (budget, hour) = (Budget::default(), std::time::Duration::from_secs(3600));
        let mut reading = Reading::begin(world.disk.as_ref(), &window, &budget, hour);
        let seen = read(&mut reading, Path::new("/var/lib/ldap")).unwrap();
        assert_eq!(seen.bytes, u64::MAX);
    }

    #[test]
    fn the_newer_meta_page_counts_and_not_the_size_of_the_map() {
        assert_eq!(used(&page(9, 4), &page(19, 5)), Some(20 * 4096));
        assert_eq!(used(&page(9, 4), &[]), Some(10 * 4096));
        assert_eq!(used(b"no map", b""), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        groma_fuzz::hammer(1000, &[&page(9, 4)], |bytes| {
            used(bytes, bytes);
        });
    }
}
