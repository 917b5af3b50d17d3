//! The trivial database, as Samba keeps its tables in (tdb_private.h): a header, a table of hashes, then records one
//! behind the other.
//!
//! Chains of hashes are not followed: records are read in the order they lie in, so that no table, however broken,
//! makes a circle. Nothing is locked; what changes meanwhile is passed over.

use groma_model::Reason;

const MAGIC: &[u8] = b"TDB file\n";
/// Version 6, of the byte order of the machine that wrote it.
const VERSION: u32 = 0x2601_196d;
/// Length of the header, and where it says how many hashes there are and how large the table of locks before it is.
const HEADER: usize = 168;
const HASHES_AT: usize = 36;
const FEATURES_AT: usize = 60;
const LOCKS_AT: usize = 64;
const HAS_LOCKS: u32 = 1;
/// Length of what stands before each record, and the marks of those in use, freed and dead.
const RECORD: usize = 24;
const USED: u32 = 0x2601_1999;
/// Records of one table that are read at all.
pub(super) const RECORDS_MAX: usize = 100_000;
/// Longest key and value that are read where only some rows are wanted.
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 4_096;

/// A key and its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// Keys and values in use; `None` for what is no such table, or has more than are read.
pub(super) fn records(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut at = first(bytes)?;
    let mut records = Vec::new();
    while let (Some(room), Some(mark)) = (length(bytes, at + 4), number(bytes, at.checked_add(20)?))
    {
        if records.len() >= RECORDS_MAX {
            return None;
        }
        let body = at.checked_add(RECORD)?;
        if mark == USED {
            records.extend(record(bytes, at, body, room));
        }
        at = body.checked_add(room)?;
    }
    Some(records)
}

/// Where the first record stands, by the header of a table.
fn first(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(MAGIC) || number(bytes, 32)? != VERSION {
        return None;
    }
    let hashes = length(bytes, HASHES_AT)?;
    // With locks in the file itself, everything else is moved behind them.
    let locks = match number(bytes, FEATURES_AT)? & HAS_LOCKS {
        0 => 0,
        _ => length(bytes, LOCKS_AT)?,
    };
    let first = hashes.checked_add(1)?.checked_mul(4)?.checked_add(HEADER)?;
    first.checked_add(locks)
}

/// Keys that are wanted, with their values, out of a table that is read in pieces by `read` (offset, length): what
/// stands behind other keys is never read, and keys longer than any of Samba's own are passed over. What is no table is
/// malformed, and one of more than `most` records too large: a part of it would look like all of it.
pub(super) fn chosen(
    read: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>,
    wants: &dyn Fn(&[u8]) -> bool,
    most: usize,
) -> Result<Vec<Row>, Reason> {
    let start = read(0, HEADER).and_then(|head| u64::try_from(first(&head)?).ok());
    let mut at = start.ok_or(Reason::Malformed)?;
    let mut rows = Vec::new();
    for _ in 0..most {
        match next(read, wants, at, &mut rows).ok_or(Reason::Malformed)? {
            Some(behind) => at = behind,
            None => return Ok(rows),
        }
    }
    match read(at, RECORD) {
        Some(head) if head.len() < RECORD => Ok(rows),
        _ => Err(Reason::TooLarge),
    }
}

/// Reads the record at `at` and tells where the next one stands; `Some(None)` behind the last.
fn next(
    read: &mut dyn FnMut(u64, usize) -> Option<Vec<u8>>,
    wants: &dyn Fn(&[u8]) -> bool,
    at: u64,
    rows: &mut Vec<Row>,
) -> Option<Option<u64>> {
    let head = read(at, RECORD)?;
    let (Some(room), Some(mark)) = (length(&head, 4), number(&head, 20)) else {
        return Some(None);
    };
    let (key, value) = (length(&head, 8)?, length(&head, 12)?);
    let body = at.checked_add(u64::try_from(RECORD).ok()?)?;
    let fits = key.checked_add(value).is_some_and(|all| all <= room);
    if mark == USED && fits && key <= KEY_BYTES_MAX && value <= VALUE_BYTES_MAX {
        let key = read(body, key)?;
        if wants(&key) {
            let from = body.checked_add(u64::try_from(key.len()).ok()?)?;
            rows.push((key, read(from, value)?));
        }
    }
    Some(Some(body.checked_add(u64::try_from(room).ok()?)?))
}

fn record(bytes: &[u8], at: usize, body: usize, room: usize) -> Option<(&[u8], &[u8])> {
    let (key, value) = (length(bytes, at + 8)?, length(bytes, at + 12)?);
    let all = bytes.get(body..body.checked_add(key.checked_add(value)?)?)?;
    (all.len() <= room).then(|| all.split_at(key))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(number(bytes, at)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &[u8] =
        include_bytes!("../../tests/fixtures/shares/samba-4.17/smbXsrv_tcon_global.tdb");

    /// A table without locks, as `tdb_open` lays it out with `hashes` hashes.
    fn made(hashes: u32, records: &[(&[u8], &[u8], u32)]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + 4 * (usize::try_from(hashes).unwrap() + 1)];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[32..36].copy_from_slice(&VERSION.to_le_bytes());
        bytes[36..40].copy_from_slice(&hashes.to_le_bytes());
        for (key, value, mark) in records {
            let size = |many: usize| u32::try_from(many).unwrap().to_le_bytes();
            let parts = [
                size(0),
                size(key.len() + value.len() + 4),
                size(key.len()),
                size(value.len()),
                size(0),
                mark.to_le_bytes(),
            ];
            bytes.extend(parts.concat());
            bytes.extend([*key, *value, &[0; 4]].concat());
        }
        bytes
    }

    #[test]
    fn records_in_use_are_read_and_freed_ones_are_not() {
        let table = made(
            7,
            &[
                (b"a", b"one", USED),
                (b"b", b"gone", !USED),
                (b"c", b"", USED),
            ],
        );
        let read = records(&table).unwrap();
        assert_eq!(read, [(b"a".as_slice(), b"one".as_slice()), (b"c", b"")]);
        assert_eq!(records(b"TDB file\n"), None);
        assert_eq!(records(b"something else"), None);
    }

    /// Reads a table in pieces, and tells what was read of it.
    fn in_pieces(table: &[u8], most: usize) -> (Result<Vec<Row>, Reason>, Vec<u8>) {
        let mut seen = Vec::new();
        let rows = chosen(
            &mut |at, length| {
                let from = usize::try_from(at).ok()?.min(table.len());
                let piece = &table[from..from.saturating_add(length).min(table.len())];
                seen.extend_from_slice(piece);
                Some(piece.to_vec())
            },
            &|key| key.starts_with(b"RID_"),
            most,
        );
        (rows, seen)
    }

    #[test]
    fn what_stands_behind_a_key_nobody_asked_for_is_never_read() {
        let table = made(
            7,
            &[
                (b"USER_anna\0", b"canary of a password", USED),
                (b"RID_000003e8\0", b"anna\0", USED),
                (b"RID_000003e9\0", b"gone\0", !USED),
            ],
        );
        let (rows, seen) = in_pieces(&table, 9);
        let wanted = (b"RID_000003e8\0".to_vec(), b"anna\0".to_vec());
        assert_eq!(rows, Ok(vec![wanted.clone()]));
        assert!(!seen.windows(6).any(|piece| piece == b"canary"));
        assert_eq!(in_pieces(b"something else", 9).0, Err(Reason::Malformed));
        // A table of one record more than are read is not told as if it were all; one of just as many is.
        assert_eq!(in_pieces(&table, 2).0, Err(Reason::TooLarge));
        assert_eq!(in_pieces(&table, 3).0, Ok(vec![wanted]));
    }

    #[test]
    fn whatever_is_laid_out_is_read_back() {
        for seed in 0..200 {
            let mut chance = groma_fuzz::Chance::new(seed);
            let mut text = |most: usize| -> Vec<u8> {
                let many = chance.below(most);
                (0..many)
                    .map(|_| u8::try_from(chance.below(256)).unwrap())
                    .collect()
            };
            let all: Vec<(Vec<u8>, Vec<u8>)> =
                (0..seed % 9).map(|_| (text(20), text(300))).collect();
            let rows: Vec<(&[u8], &[u8], u32)> = all
                .iter()
                .map(|(k, v)| (k.as_slice(), v.as_slice(), USED))
                .collect();
            let table = made(u32::try_from(seed).unwrap() % 131 + 1, &rows);
            let read = records(&table).unwrap();
            let said: Vec<(Vec<u8>, Vec<u8>)> =
                read.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            assert_eq!(said, all, "seed {seed}");
        }
    }

    #[test]
    fn a_table_that_samba_wrote_has_its_one_record() {
        let read = records(RECORDED).unwrap();
        assert_eq!(
            read.iter()
                .map(|(k, v)| (k.len(), v.len()))
                .collect::<Vec<_>>(),
            [(4, 93)]
        );
    }

    #[test]
    fn no_table_makes_it_panic_or_turn_in_a_circle() {
        let small = made(3, &[(b"a", b"one", USED), (b"c", b"two", USED)]);
        groma_fuzz::hammer(3000, &[&small, RECORDED.get(..16_384).unwrap()], |bytes| {
            records(bytes);
            let _ = in_pieces(bytes, RECORDS_MAX);
        });
        // A record that says it is as long as numbers go.
        let mut endless = small.clone();
        let at = HEADER + 16;
        endless[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(records(&endless).map(|r| r.len()), Some(1));
    }
}
