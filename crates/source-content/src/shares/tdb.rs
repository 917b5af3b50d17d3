//! The trivial database, as Samba keeps its tables in (tdb_private.h): a header, a table of hashes, then records one
//! behind the other.
//!
//! Chains of hashes are not followed: records are read in the order they lie in, so that no table, however broken,
//! makes a circle. Nothing is locked; what changes meanwhile is passed over.

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
const RECORDS_MAX: usize = 100_000;

/// Keys and values in use; `None` for what is no such table.
pub(super) fn records(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
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
    let mut at = first.checked_add(locks)?;
    let mut records = Vec::new();
    while let (Some(room), Some(mark)) = (length(bytes, at + 4), number(bytes, at.checked_add(20)?))
    {
        if records.len() >= RECORDS_MAX {
            break;
        }
        let body = at.checked_add(RECORD)?;
        if mark == USED {
            records.extend(record(bytes, at, body, room));
        }
        at = body.checked_add(room)?;
    }
    Some(records)
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
        });
        // A record that says it is as long as numbers go.
        let mut endless = small.clone();
        let at = HEADER + 16;
        endless[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(records(&endless).map(|r| r.len()), Some(1));
    }
}
