//! Keystores of Bouncy Castle (BKS, versions 1 and 2): certificates stand in them in clear text, keys do not.
//!
//! Layout, big-endian: version, salt, rounds; then entries, each a type, an alias, a date and a chain of certificates, and after
//! that what the type says; a type of 0 ends them, and a seal follows. Nothing in front says what it is, so the
//! shape of the first octets does: a salt of twenty. The sister form UBER begins likewise and is encrypted as a whole.

use crate::keystore::{Cursor, Stored};

/// Octets of salt that Bouncy Castle writes.
const SALT: u32 = 20;
/// It draws at most 2,047 rounds and refuses many more.
const ROUNDS_MAX: u32 = 1 << 16;
const ENTRIES_MAX: usize = 4_096;
const CHAIN_MAX: u32 = 64;

/// What such a file shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// All entries were understood.
    Whole,
    /// It ends early, or something in it is of a shape that is not known.
    Broken,
    /// Nothing in it can be read: encrypted as a whole.
    Shut,
}

/// True if `bytes` begin like a keystore of Bouncy Castle.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    header(&mut Cursor(bytes)).is_some()
}

fn header(cursor: &mut Cursor<'_>) -> Option<()> {
    let version = cursor.u32()?;
    let salt = cursor.u32()?;
    if !matches!(version, 1 | 2) || salt != SALT {
        return None;
    }
    cursor.take(salt)?;
    let rounds = cursor.u32()?;
    (1..=ROUNDS_MAX).contains(&rounds).then_some(())
}

/// The certificates, and how much was understood.
pub(crate) fn certificates(bytes: &[u8]) -> (Vec<Stored>, Read) {
    let mut stored = Vec::new();
    let mut cursor = Cursor(bytes);
    if header(&mut cursor).is_none() {
        return (stored, Read::Broken);
    }
    for number in 0..ENTRIES_MAX {
        match entry(&mut cursor, &mut stored) {
            Some(true) => {}
            Some(false) => return (stored, Read::Whole),
            // The first entry already makes no sense: noise, as a cipher leaves it.
            None if number == 0 && stored.is_empty() => return (stored, Read::Shut),
            None => return (stored, Read::Broken),
        }
    }
    (stored, Read::Broken)
}

/// One entry; false at the end of them.
fn entry(cursor: &mut Cursor<'_>, stored: &mut Vec<Stored>) -> Option<bool> {
    let kind = cursor.u8()?;
    if kind == 0 {
        return Some(false);
    }
    cursor.text()?;
    cursor.take(8)?;
    let chain = cursor.u32().filter(|chain| *chain <= CHAIN_MAX)?;
    // A chain belongs to a key: its own, in clear or sealed. The first of it is the key's.
    for position in 0..chain {
        let with_key = position == 0 && matches!(kind, 2 | 4);
        stored.push(certificate(cursor, with_key)?);
    }
    match kind {
        1 => stored.push(certificate(cursor, false)?),
        2 => {
            cursor.u8()?;
            cursor.text()?;
            cursor.text()?;
            skip(cursor)?;
        }
        3 | 4 => skip(cursor)?,
        _ => return None,
    }
    Some(true)
}

fn skip(cursor: &mut Cursor<'_>) -> Option<()> {
    let length = cursor.u32()?;
    cursor.take(length).map(|_| ())
}

fn certificate(cursor: &mut Cursor<'_>, with_key: bool) -> Option<Stored> {
    cursor.text()?;
    let length = cursor.u32()?;
    let der = cursor.take(length)?.to_vec();
    Some(Stored { der, with_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &[u8] = include_bytes!("../tests/fixtures/bouncy-castle-1.72/trust.bks");
    const KEY: &[u8] = include_bytes!("../tests/fixtures/bouncy-castle-1.72/key.bks");
    const UBER: &[u8] = include_bytes!("../tests/fixtures/bouncy-castle-1.72/trust.ubr");

    fn pairs(bytes: &[u8]) -> (Vec<bool>, Read) {
        let (stored, read) = certificates(bytes);
        (stored.iter().map(|one| one.with_key).collect(), read)
    }

    #[test]
    fn certificates_are_read_without_a_password_and_the_key_pairs_with_the_first_of_its_chain() {
        assert_eq!(pairs(TRUST), (vec![false, false], Read::Whole));
        let (mut with_key, read) = pairs(KEY);
        with_key.sort_unstable();
        assert_eq!((with_key, read), (vec![false, true], Read::Whole));
    }

    #[test]
    fn a_store_encrypted_as_a_whole_is_shut_and_not_broken() {
        assert_eq!(pairs(UBER), (vec![], Read::Shut));
    }

    #[test]
    fn a_store_cut_short_gives_what_stands_before_the_cut() {
        let (with_key, read) = pairs(&TRUST[..TRUST.len() - 60]);
        assert_eq!((with_key.len(), read), (1, Read::Broken));
    }

    #[test]
    fn what_only_begins_with_a_number_is_none() {
        for other in [
            &b"\0\0\0\x02\0\0\0\x10aaaaaaaaaaaaaaaa\0\0\x04\0"[..],
            b"\0\0\0\x01",
            b"\0\0\0\x02\0\0\0\x14aaaaaaaaaaaaaaaaaaaa\xff\xff\xff\xff",
        ] {
            assert!(!is_likely(other), "{other:x?}");
        }
    }

    #[test]
    fn no_store_breaks_the_reader() {
        groma_fuzz::hammer(2000, &[TRUST, KEY, UBER], |bytes| {
            let _ = certificates(bytes);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_entries_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = certificates(&[&TRUST[..32], &bytes].concat());
        }
    }
}
