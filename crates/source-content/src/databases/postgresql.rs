//! PostgreSQL: names and sizes of databases out of the files of a cluster.
//!
//! The names stand in the catalogue `pg_database`, whose file `global/pg_filenode.map` tells. Its rows are read
//! as the server lays them out (Database Physical Storage, "Database Page Layout"); a row whose directory in
//! `base` is gone is not told, so that what a server dropped and did not clean up yet stays unsaid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::Foreign;

use super::places::{Places, Processes};
use super::{Seen, bytes_below, directories};
use crate::reading::Reading;
use crate::text::{file_name, lossy, meaningful, number, pair, path, unquoted};

const PAGE: usize = 8192;
/// OID of pg_database in pg_class.
const PG_DATABASE: u32 = 1262;
/// RELMAPPER_FILEMAGIC.
const MAP_MAGIC: u32 = 0x0059_2717;
/// Databases every cluster has; `postgres` may hold something, the templates are copies.
const TEMPLATES: &[&[u8]] = &[b"template0", b"template1"];

pub(super) fn places(reading: &mut Reading<'_>, processes: &Processes) -> Places {
    let mut places = Places::default();
    for directory in processes.option(&[b"postgres", b"postmaster"], b"-D") {
        places.named(&directory, Path::new("a running process"), None);
    }
    for version in directories(reading, Path::new("/etc/postgresql")) {
        for cluster in directories(reading, &version) {
            let file = cluster.join("postgresql.conf");
            let text = places.text(reading, &file);
            if let Some(directory) = data_directory(&text) {
                places.named(&directory, &file, None);
            }
        }
    }
    for base in ["/var/lib/postgresql", "/var/lib/pgsql"] {
        for version in directories(reading, Path::new(base)) {
            places.habit(reading, &version.join("data"), "PG_VERSION");
            for cluster in directories(reading, &version) {
                if file_name(&cluster) != b"data" {
                    places.habit(reading, &cluster, "PG_VERSION");
                }
            }
        }
    }
    for directory in [
        "/var/lib/pgsql/data",
        "/var/lib/postgres/data",
        "/var/lib/postgresql/data",
    ] {
        places.habit(reading, Path::new(directory), "PG_VERSION");
    }
    places
}

/// `data_directory = '/srv/pg'`; the last one counts.
fn data_directory(text: &[u8]) -> Option<PathBuf> {
    let settings = meaningful(text, b"#").filter_map(|(_, line)| {
        let (key, value) = pair(line, b'=')?;
        let value = value.split(|b| *b == b'#').next()?.trim_ascii();
        key.eq_ignore_ascii_case(b"data_directory")
            .then(|| path(unquoted(value)))
    });
    settings.last()
}

pub(super) fn read(reading: &mut Reading<'_>, at: &Path) -> Option<Seen> {
    let version = reading.read(&at.join("PG_VERSION")).ok()?;
    let version = lossy(version.trim_ascii());
    let major: u32 = version.split('.').next()?.parse().ok()?;
    let is_there = |reading: &mut Reading<'_>, name: &str| reading.metadata(&at.join(name)).is_ok();
    let standby = is_there(reading, "standby.signal") || is_there(reading, "recovery.conf");
    let names = names(reading, at, major);
    let (mut sizes, whole) = sizes(reading, at);
    let (shared, all) =
        ["global", "pg_wal", "pg_xlog"]
            .iter()
            .fold((0_u64, whole), |(sum, whole), part| {
                match is_there(reading, part) {
                    true => {
                        let (bytes, complete) = bytes_below(reading, &at.join(part));
                        (sum.saturating_add(bytes), whole && complete)
                    }
                    false => (sum, whole),
                }
            });
    let bytes = sizes
        .values()
        .fold(shared, |sum, more| sum.saturating_add(*more));
    let parts = names.iter().filter_map(|(oid, name)| {
        let size = sizes.remove(oid)?;
        (!TEMPLATES.contains(&name.as_bytes())).then(|| (name.clone(), size))
    });
    let mut parts: Vec<(Foreign, u64)> = parts.collect();
    parts.sort();
    Some(Seen {
        engine: "postgresql",
        version: Some(version),
        role: standby.then_some("standby"),
        parts,
        bytes,
        items: None,
        cut: !all,
        closed: Some("foreign servers, subscriptions, extensions and owners of databases"),
    })
}

/// Bytes of each database by its OID: its directory in `base`, and in every tablespace.
fn sizes(reading: &mut Reading<'_>, at: &Path) -> (BTreeMap<u32, u64>, bool) {
    let mut roots = vec![at.join("base")];
    for link in reading.list(&at.join("pg_tblspc")).unwrap_or_default() {
        if let Ok(to) = reading.disk().read_link(&link.path) {
            roots.extend(directories(reading, &to));
        }
    }
    let (mut sizes, mut whole) = (BTreeMap::new(), true);
    let mut found = Vec::new();
    for root in &roots {
        found.extend(directories(reading, root));
    }
    for directory in found {
        let Some(oid) = number(file_name(&directory)).and_then(|n| u32::try_from(n).ok()) else {
            continue;
        };
        let (bytes, all) = bytes_below(reading, &directory);
        let sum: &mut u64 = sizes.entry(oid).or_insert(0);
        *sum = sum.saturating_add(bytes);
        whole &= all;
    }
    (sizes, whole)
}

fn names(reading: &mut Reading<'_>, at: &Path, major: u32) -> BTreeMap<u32, Foreign> {
    let map = reading
        .read(&at.join("global/pg_filenode.map"))
        .unwrap_or_default();
    // A cluster whose map cannot be read has its catalogue where it was born.
    let file = mapped(&map, PG_DATABASE).unwrap_or(PG_DATABASE);
    let heap = reading
        .read(&at.join(format!("global/{file}")))
        .unwrap_or_default();
    rows(&heap, major)
}

/// The file behind a mapped relation (RelMapFile of relmapper.c, in the byte order of the machine that wrote it).
fn mapped(map: &[u8], relation: u32) -> Option<u32> {
    if u32_at(map, 0)? != MAP_MAGIC {
        return None;
    }
    let count = usize::try_from(u32_at(map, 4)?).ok()?.min(64);
    (0..count)
        .map(|n| 8 + n * 8)
        .find(|at| u32_at(map, *at) == Some(relation))
        .and_then(|at| u32_at(map, at + 4))
}

/// OID and name of each live row of `pg_database`.
fn rows(heap: &[u8], major: u32) -> BTreeMap<u32, Foreign> {
    heap.chunks_exact(PAGE)
        .flat_map(|page| page_rows(page, major))
        .collect()
}

fn page_rows(page: &[u8], major: u32) -> Vec<(u32, Foreign)> {
    let lower = usize::from(u16_at(page, 12).unwrap_or(0)).min(PAGE);
    let pointers = (24..lower.saturating_sub(3))
        .step_by(4)
        .filter_map(|at| u32_at(page, at));
    // ItemIdData: 15 bits offset, 2 bits state (1 is in use), 15 bits length.
    let tuples = pointers.filter(|p| (p >> 15) & 3 == 1).filter_map(|p| {
        let (offset, length) = (
            usize::try_from(p & 0x7fff).ok()?,
            usize::try_from(p >> 17).ok()?,
        );
        page.get(offset..offset.checked_add(length)?)
    });
    tuples.filter_map(|tuple| row(tuple, major)).collect()
}

/// HeapTupleHeaderData (htup_details.h): xmax at 4, t_infomask at 20, t_hoff at 22; then the columns.
fn row(tuple: &[u8], major: u32) -> Option<(u32, Foreign)> {
    const XMIN_COMMITTED: u16 = 0x0100;
    const XMIN_INVALID: u16 = 0x0200;
    const XMAX_LOCK_ONLY: u16 = 0x0080;
    const XMAX_INVALID: u16 = 0x0800;
    let mask = u16_at(tuple, 20)?;
    let born = mask & (XMIN_COMMITTED | XMIN_INVALID) != XMIN_INVALID;
    let lives = u32_at(tuple, 4)? == 0 || mask & (XMAX_INVALID | XMAX_LOCK_ONLY) != 0;
    if !born || !lives {
        return None;
    }
    let start = usize::from(*tuple.get(22)?);
    // Before version 12 the OID stood at the end of the header, not in a column.
    let (oid, name) = match major {
        12.. => (u32_at(tuple, start)?, start + 4),
        _ => (u32_at(tuple, start.checked_sub(4)?)?, start),
    };
    let name = tuple.get(name..name + 64)?.split(|b| *b == 0).next()?;
    (!name.is_empty()).then(|| (oid, Foreign::from_bytes(name)))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap() -> Vec<u8> {
        let mut page = vec![0_u8; PAGE];
        page[12..14].copy_from_slice(&32_u16.to_ne_bytes());
        for (slot, (mask, oid, name)) in [(0x0900_u16, 16384_u32, "shop"), (0x0500, 16385, "gone")]
            .into_iter()
            .enumerate()
        {
            let at = 4096 + slot * 128;
            let pointer = u32::try_from(at).unwrap() | 1 << 15 | 100 << 17;
            page[24 + slot * 4..28 + slot * 4].copy_from_slice(&pointer.to_ne_bytes());
            if name == "gone" {
                page[at + 4] = 9;
            }
            page[at + 20..at + 22].copy_from_slice(&mask.to_ne_bytes());
            page[at + 22] = 24;
            page[at + 24..at + 28].copy_from_slice(&oid.to_ne_bytes());
            page[at + 28..at + 28 + name.len()].copy_from_slice(name.as_bytes());
        }
        page
    }

    #[test]
    fn a_row_that_somebody_deleted_is_no_database() {
        let found = rows(&heap(), 15);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [(16384, "shop".into())]
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        groma_fuzz::hammer(3000, &[&heap()], |bytes| {
            rows(bytes, 15);
            rows(bytes, 9);
            mapped(bytes, PG_DATABASE);
        });
    }
}
