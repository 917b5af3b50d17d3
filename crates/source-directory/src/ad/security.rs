//! Security identifiers and descriptors ([MS-DTYP] 2.4.2, 2.4.6), self-relative, little-endian.

/// Entries of one access list that are read.
const ENTRIES_MAX: u16 = 512;

/// `S-1-5-21-…` of the 8 to 68 bytes at the begin of `bytes`; `None` if they are no identifier.
pub(crate) fn sid(bytes: &[u8]) -> Option<String> {
    let [revision, count, a, b, c, d, e, f, rest @ ..] = bytes else {
        return None;
    };
    if *revision != 1 || *count > 15 {
        return None;
    }
    let authority = [*a, *b, *c, *d, *e, *f]
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for at in 0..usize::from(*count) {
        let part = rest.get(at * 4..at * 4 + 4)?;
        text.push_str(&format!("-{}", u32::from_le_bytes(part.try_into().ok()?)));
    }
    Some(text)
}

/// Whom the list of a descriptor lets in: the identifiers of its allowing entries, sorted, each once. `None` if the
/// bytes are no descriptor; what stands outside them is not read.
pub(crate) fn allowed(descriptor: &[u8]) -> Option<Vec<String>> {
    let mut all: Vec<String> = entries(descriptor)?.into_iter().map(|e| e.sid).collect();
    all.sort();
    all.dedup();
    Some(all)
}

/// An entry that allows something ([MS-DTYP] 2.4.4.2, 2.4.4.3). Entries that deny or audit are not read: what they take
/// away again is for a person to judge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Allowed {
    /// Who is allowed.
    pub(crate) sid: String,
    /// ACCESS_MASK.
    pub(crate) mask: u32,
    /// The right, property or class it is limited to, as the sixteen bytes of its GUID in the order they are stored.
    pub(crate) only: Option<[u8; 16]>,
    /// True if it came down from a container: somebody's rule for many objects, not for this one.
    pub(crate) inherited: bool,
}

/// ADS_RIGHT_DS_CONTROL_ACCESS: an extended right, the one named or every one.
pub(crate) const CONTROL_ACCESS: u32 = 0x100;

impl Allowed {
    /// True if it gives the extended right with this GUID.
    pub(crate) fn gives(&self, right: &[u8; 16]) -> bool {
        self.mask & CONTROL_ACCESS != 0 && self.only.is_none_or(|only| only == *right)
    }
}

/// `ab721a54-1e2f-11d0-9819-00aa0040529b` as a descriptor stores it: the first three groups little-endian
/// ([MS-DTYP] 2.3.4.2).
pub(crate) fn guid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0_u8; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let mut stored = [0_u8; 16];
    let begin = [d, c, b, a, f, e, h, g];
    for (slot, byte) in stored.iter_mut().zip(begin.into_iter().chain(rest)) {
        *slot = byte;
    }
    Some(stored)
}

/// The allowing entries of a descriptor's list, at most [`ENTRIES_MAX`] entries of any kind; `None` if the bytes are no
/// descriptor.
pub(crate) fn entries(descriptor: &[u8]) -> Option<Vec<Allowed>> {
    let offset = usize::try_from(u32_at(descriptor, 16)?).ok()?;
    if *descriptor.first()? != 1 {
        return None;
    }
    if offset == 0 {
        return Some(Vec::new());
    }
    let list = descriptor.get(offset..)?;
    let size = usize::from(u16_at(list, 2)?);
    let count = u16_at(list, 4)?.min(ENTRIES_MAX);
    let mut rest = list.get(8..size)?;
    let mut all = Vec::new();
    for _ in 0..count {
        let length = usize::from(u16_at(rest, 2)?);
        let entry = rest.get(..length).filter(|e| e.len() >= 8)?;
        all.extend(allowed_by(entry));
        rest = rest.get(length..)?;
    }
    Some(all)
}

/// INHERITED_ACE.
const INHERITED: u8 = 0x10;

/// Entries of other programs may carry more flags than the two that announce a GUID.
const HAS_OBJECT: u32 = 1;
const HAS_INHERITED_OBJECT: u32 = 2;

/// ACCESS_ALLOWED_ACE and ACCESS_ALLOWED_OBJECT_ACE; every other kind lets nobody in.
fn allowed_by(entry: &[u8]) -> Option<Allowed> {
    let inherited = entry.get(1)? & INHERITED != 0;
    let mask = u32_at(entry, 4)?;
    let (only, from) = match entry.first()? {
        0 => (None, 8),
        5 => {
            let flags = u32_at(entry, 8)?;
            let has = |flag: u32| usize::from(flags & flag != 0);
            let only = match has(HAS_OBJECT) {
                0 => None,
                _ => Some(entry.get(12..28)?.try_into().ok()?),
            };
            (
                only,
                12 + 16 * (has(HAS_OBJECT) + has(HAS_INHERITED_OBJECT)),
            )
        }
        _ => return None,
    };
    Some(Allowed {
        sid: sid(entry.get(from..)?)?,
        mask,
        only,
        inherited,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The bytes of an identifier below `S-1-5-21`.
    pub(crate) fn sid_bytes(parts: &[u32]) -> Vec<u8> {
        let mut bytes = vec![1, u8::try_from(parts.len() + 1).unwrap(), 0, 0, 0, 0, 0, 5];
        for part in std::iter::once(&21).chain(parts) {
            bytes.extend(part.to_le_bytes());
        }
        bytes
    }

    /// A descriptor whose list lets `sids` in.
    pub(crate) fn descriptor(sids: &[Vec<u8>]) -> Vec<u8> {
        let mut entries = Vec::new();
        for sid in sids {
            let length = u16::try_from(8 + sid.len()).unwrap();
            entries.extend([0, 0]);
            entries.extend(length.to_le_bytes());
            entries.extend(0x000f_01ff_u32.to_le_bytes());
            entries.extend(sid);
        }
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([0; 12]);
        bytes.extend(20_u32.to_le_bytes());
        bytes.extend([2, 0]);
        bytes.extend(u16::try_from(8 + entries.len()).unwrap().to_le_bytes());
        bytes.extend(u16::try_from(sids.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(entries);
        bytes
    }

    #[test]
    fn who_is_let_in_is_told() {
        let one = sid_bytes(&[1, 2, 3, 1105]);
        let other = sid_bytes(&[1, 2, 3, 1106]);
        assert_eq!(sid(&one).as_deref(), Some("S-1-5-21-1-2-3-1105"));
        let bytes = descriptor(&[other, one.clone(), one]);
        assert_eq!(
            allowed(&bytes).unwrap(),
            ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1106"]
        );
        assert_eq!(allowed(&descriptor(&[])), Some(Vec::new()));
    }

    /// The bytes of a descriptor with one entry for one extended right.
    pub(crate) fn with_right(sid: &[u8], right: &str, flags: u8) -> Vec<u8> {
        let length = u16::try_from(28 + sid.len()).unwrap();
        let mut entry = vec![5, flags];
        entry.extend(length.to_le_bytes());
        entry.extend(CONTROL_ACCESS.to_le_bytes());
        entry.extend(1_u32.to_le_bytes());
        entry.extend(guid(right).unwrap());
        entry.extend(sid);
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([0; 12]);
        bytes.extend(20_u32.to_le_bytes());
        bytes.extend([4, 0]);
        bytes.extend((8 + length).to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(entry);
        bytes
    }

    const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";

    #[test]
    fn a_right_is_told_from_another_one_and_from_an_inherited_one() {
        let sid = sid_bytes(&[1, 2, 3, 1105]);
        let right = guid(SEND_AS).unwrap();
        assert_eq!(&right[..4], &[0x54, 0x1a, 0x72, 0xab]);
        let given = entries(&with_right(&sid, SEND_AS, 0)).unwrap();
        assert!(given[0].gives(&right) && !given[0].inherited);
        assert!(entries(&with_right(&sid, SEND_AS, INHERITED)).unwrap()[0].inherited);
        let other = "ab721a53-1e2f-11d0-9819-00aa0040529b";
        assert!(!entries(&with_right(&sid, other, 0)).unwrap()[0].gives(&right));
        assert_eq!(guid("ab721a54"), None);
        // Everything is more than one right.
        assert!(entries(&descriptor(&[sid])).unwrap()[0].gives(&right));
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let bytes = descriptor(&[sid_bytes(&[1, 2, 3, 4]), sid_bytes(&[9])]);
        let right = with_right(&sid_bytes(&[1, 2, 3, 4]), SEND_AS, 0);
        groma_fuzz::hammer(20_000, &[&bytes, &right], |bytes| {
            let _ = (allowed(bytes), sid(bytes));
        });
    }
}
