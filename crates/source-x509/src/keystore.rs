//! Java keystores (JKS and JCEKS): certificates stand in them in clear text, keys do not.
//!
//! Layout, big-endian: magic, version, count; then per entry a tag, an alias, a date, and for tag 1 an
//! encrypted key and its chain, for tag 2 one certificate. No password is needed, none is tried.

const MAGIC_JKS: u32 = 0xfeed_feed;
const MAGIC_JCEKS: u32 = 0xcece_cece;
/// More entries than this in one keystore are not read.
const ENTRIES_MAX: u32 = 4_096;
/// Longer chains than this are not believed.
const CHAIN_MAX: u32 = 64;

/// One certificate of a keystore.
pub(crate) struct Stored {
    /// Its DER bytes.
    pub(crate) der: Vec<u8>,
    /// True if the keystore pairs it with a private key: the first of a key entry's chain.
    pub(crate) with_key: bool,
}

/// True if `bytes` begin like a keystore.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    matches!(Cursor(bytes).u32(), Some(MAGIC_JKS | MAGIC_JCEKS))
}

/// The certificates in a keystore, and whether all of it was understood.
pub(crate) fn certificates(bytes: &[u8]) -> (Vec<Stored>, bool) {
    let mut stored = Vec::new();
    let whole = entries(&mut Cursor(bytes), &mut stored).is_some();
    (stored, whole)
}

fn entries(cursor: &mut Cursor<'_>, stored: &mut Vec<Stored>) -> Option<()> {
    let magic = cursor.u32()?;
    let version = cursor.u32()?;
    let count = cursor.u32()?;
    if !matches!(magic, MAGIC_JKS | MAGIC_JCEKS) || !matches!(version, 1 | 2) || count > ENTRIES_MAX
    {
        return None;
    }
    for _ in 0..count {
        let tag = cursor.u32()?;
        cursor.text()?;
        cursor.take(8)?;
        match tag {
            1 => key_entry(cursor, version, stored)?,
            2 => stored.push(Stored {
                der: certificate(cursor, version)?,
                with_key: false,
            }),
            // Tag 3 is a serialized object of no stated length: what stands behind it is found by its marks.
            3 => return by_marks(cursor.0, version, stored),
            _ => return None,
        }
    }
    Some(())
}

/// Certificates behind something without a length: each begins with its type and is followed by its octets. Which of
/// them has a key is not told.
fn by_marks(bytes: &[u8], version: u32, stored: &mut Vec<Stored>) -> Option<()> {
    const TYPE: &[u8] = b"\0\x05X.509";
    if version != 2 {
        return None;
    }
    let mut rest = bytes;
    while let Some(at) = rest.windows(TYPE.len()).position(|window| window == TYPE) {
        if stored.len() >= usize::try_from(ENTRIES_MAX).ok()? {
            return None;
        }
        let mut cursor = Cursor(rest.get(at..)?);
        match certificate(&mut cursor, version) {
            Some(der) => {
                let with_key = false;
                stored.push(Stored { der, with_key });
                rest = cursor.0;
            }
            None => rest = rest.get(at + TYPE.len()..)?,
        }
    }
    Some(())
}

fn key_entry(cursor: &mut Cursor<'_>, version: u32, stored: &mut Vec<Stored>) -> Option<()> {
    let key_length = cursor.u32()?;
    cursor.take(key_length)?;
    let chain = cursor.u32()?;
    if chain > CHAIN_MAX {
        return None;
    }
    for position in 0..chain {
        stored.push(Stored {
            der: certificate(cursor, version)?,
            with_key: position == 0,
        });
    }
    Some(())
}

fn certificate(cursor: &mut Cursor<'_>, version: u32) -> Option<Vec<u8>> {
    if version == 2 {
        cursor.text()?;
    }
    let length = cursor.u32()?;
    cursor.take(length).map(<[u8]>::to_vec)
}

/// What is left of a keystore to read.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Text of Java's `writeUTF`: two octets of length in front.
    pub(crate) fn text(&mut self) -> Option<()> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(u32::from(length)).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keystore() -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [MAGIC_JKS, 2, 2, 1] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(*b"\0\x01a\0\0\0\0\0\0\0\0");
        bytes.extend(*b"\0\0\0\x03key\0\0\0\x02");
        bytes.extend(*b"\0\x05X.509\0\0\0\x04leaf\0\x05X.509\0\0\0\x02ca");
        bytes.extend(*b"\0\0\0\x02\0\x01b\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x04root");
        bytes
    }

    #[test]
    fn only_the_first_of_a_key_entry_has_a_key() {
        let (stored, whole) = certificates(&keystore());
        let seen: Vec<_> = stored
            .iter()
            .map(|s| (s.der.as_slice(), s.with_key))
            .collect();
        assert!(whole);
        assert_eq!(
            seen,
            [(&b"leaf"[..], true), (b"ca", false), (b"root", false)]
        );
    }

    #[test]
    fn a_keystore_cut_short_gives_what_stands_before_the_cut() {
        let bytes = keystore();
        let (stored, whole) = certificates(&bytes[..bytes.len() - 2]);
        assert!(!whole);
        assert_eq!(stored.len(), 2);
    }

    #[test]
    fn certificates_behind_a_secret_key_are_found() {
        let bytes = include_bytes!("../tests/fixtures/keytool-17/secret.jceks");
        let (stored, whole) = certificates(bytes);
        assert_eq!((stored.len(), whole), (2, true));
        assert!(stored.iter().all(|one| one.der.first() == Some(&0x30)));
    }

    #[test]
    fn no_keystore_breaks_the_reader() {
        let secret = include_bytes!("../tests/fixtures/keytool-17/secret.jceks");
        groma_fuzz::hammer(2000, &[&keystore(), secret], |bytes| {
            let _ = certificates(bytes);
        });
    }
}
