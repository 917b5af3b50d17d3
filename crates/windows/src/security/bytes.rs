//! Self-relative security descriptors ([MS-DTYP] 2.4.6): as the registry holds those of shares.

use super::{Descriptor, ENTRIES_MAX, Entry, Who};

/// Reads a descriptor.
pub(super) fn read(bytes: &[u8]) -> Option<Descriptor> {
    const SELF_RELATIVE: u16 = 0x8000;
    const LIST_PRESENT: u16 = 0x0004;
    let control = half(bytes, 2)?;
    if bytes.first() != Some(&1) || control & SELF_RELATIVE == 0 {
        return None;
    }
    let owner = match offset(bytes, 4)? {
        0 => None,
        at => Some(Who::Sid(sid(bytes.get(at..)?)?)),
    };
    let entries = match offset(bytes, 16)? {
        0 => None,
        _ if control & LIST_PRESENT == 0 => None,
        at => Some(list(bytes.get(at..)?)?),
    };
    Some(Descriptor { owner, entries })
}

/// A list: revision, size, count, then entries that say their size themselves ([MS-DTYP] 2.4.5).
fn list(bytes: &[u8]) -> Option<Vec<Entry>> {
    let size = usize::from(half(bytes, 2)?);
    let count = usize::from(half(bytes, 4)?).min(ENTRIES_MAX);
    let mut rest = bytes.get(8..size)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let size = usize::from(half(rest, 2)?);
        let one = rest.get(..size).filter(|one| one.len() >= 4)?;
        entries.extend(entry(one));
        rest = rest.get(size..)?;
    }
    Some(entries)
}

/// One entry; none for those that audit, and for types of tomorrow.
fn entry(bytes: &[u8]) -> Option<Entry> {
    const INHERITED: u8 = 0x10;
    let kind = *bytes.first()?;
    // Allowed and denied; the same for an object (5, 6), with a condition behind (9, 10), and both (11, 12).
    let denies = match kind {
        0 | 5 | 9 | 11 => false,
        1 | 6 | 10 | 12 => true,
        _ => return None,
    };
    let at = match kind {
        5 | 6 | 11 | 12 => 12 + 16 * usize::try_from((word(bytes, 8)? & 3).count_ones()).ok()?,
        _ => 8,
    };
    Some(Entry {
        who: Who::Sid(sid(bytes.get(at..)?)?),
        denies,
        inherited: bytes.get(1)? & INHERITED != 0,
        mask: word(bytes, 4)?,
    })
}

/// [MS-DTYP] 2.4.2.2: revision 1, count of numbers up to 15, authority big-endian, the numbers little-endian.
fn sid(bytes: &[u8]) -> Option<String> {
    let (1, count @ 0..=15) = (*bytes.first()?, *bytes.get(1)?) else {
        return None;
    };
    let authority = bytes.get(2..8)?;
    let authority = authority
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for number in 0..usize::from(count) {
        text.push_str(&format!("-{}", word(bytes, 8 + number * 4)?));
    }
    Some(text)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word(bytes, at)?).ok()
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn packed_sid(text: &str) -> Vec<u8> {
        let numbers: Vec<u32> = text
            .split('-')
            .skip(2)
            .map(|number| number.parse().unwrap())
            .collect();
        let count = u8::try_from(numbers.len() - 1).unwrap();
        let head = [1, count, 0, 0, 0, 0, 0, u8::try_from(numbers[0]).unwrap()];
        let rest = numbers[1..].iter().flat_map(|number| number.to_le_bytes());
        head.into_iter().chain(rest).collect()
    }

    /// A descriptor of (type, flags, mask, what stands before the SID, SID), laid out as [MS-DTYP] 2.4.6 says.
    pub(crate) fn rendered(aces: &[(u8, u8, u32, &[u8], &str)], owner: Option<&str>) -> Vec<u8> {
        let half = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let mut entries = Vec::new();
        for (kind, flags, mask, object, sid) in aces {
            let sid = packed_sid(sid);
            entries.extend([*kind, *flags]);
            entries.extend(half(8 + object.len() + sid.len()));
            entries.extend(mask.to_le_bytes());
            entries.extend_from_slice(object);
            entries.extend(sid);
        }
        let owner = owner.map(packed_sid).unwrap_or_default();
        let owner_at = if owner.is_empty() { 0_u32 } else { 20 };
        let list_at = 20 + u32::try_from(owner.len()).unwrap();
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([owner_at, 0, 0, list_at].map(u32::to_le_bytes).concat());
        bytes.extend(owner);
        bytes.extend([2, 0]);
        bytes.extend(half(8 + entries.len()));
        bytes.extend(half(aces.len()));
        bytes.extend([0, 0]);
        bytes.extend(entries);
        bytes
    }

    #[test]
    fn entries_of_every_kind_are_read_and_those_that_audit_are_not() {
        let object = [&1_u32.to_le_bytes()[..], &[7; 16]].concat();
        let bytes = rendered(
            &[
                (0, 0, 0x001f_01ff, &[], "S-1-1-0"),
                (1, 0, 2, &[], "S-1-5-7"),
                (0, 0x13, 0x0012_00a9, &[], "S-1-5-21-1-2-3-1105"),
                (5, 0, 0x80, &object, "S-1-5-10"),
                (2, 0, 0x001f_01ff, &[], "S-1-1-0"),
            ],
            Some("S-1-5-32-544"),
        );
        let found = read(&bytes).unwrap();
        assert_eq!(found.owner, Some(Who::Sid("S-1-5-32-544".into())));
        let entries = found.entries.unwrap();
        let told: Vec<String> = entries
            .iter()
            .map(|entry| format!("{:?} {} {}", entry.who, entry.right(), entry.inherited))
            .collect();
        assert_eq!(
            told,
            [
                r#"Sid("S-1-1-0") full-access false"#,
                r#"Sid("S-1-5-7") denied false"#,
                r#"Sid("S-1-5-21-1-2-3-1105") read true"#,
                r#"Sid("S-1-5-10") read false"#,
            ]
        );
    }

    #[test]
    fn no_list_is_not_an_empty_list() {
        let empty = rendered(&[], None);
        assert_eq!(read(&empty).unwrap().entries, Some(vec![]));
        let mut none = empty.clone();
        none[16..20].fill(0);
        assert_eq!(read(&none).unwrap().entries, None);
        assert_eq!(read(&[0; 40]), None);
        assert_eq!(read(&empty[..10]), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let bytes = rendered(
            &[(0, 0, 7, &[], "S-1-1-0"), (11, 0, 7, &[3; 36], "S-1-5-7")],
            Some("S-1-5-18"),
        );
        groma_fuzz::hammer(4000, &[&bytes], |bytes| {
            read(bytes);
        });
    }

    proptest::proptest! {
        #[test]
        fn text_and_bytes_of_one_descriptor_say_the_same(
            rows in proptest::collection::vec((0_u8..2, proptest::bool::ANY, proptest::num::u32::ANY, 1000_u32..9000), 0..20),
        ) {
            let sids: Vec<String> = rows.iter().map(|row| format!("S-1-5-21-1-2-3-{}", row.3)).collect();
            let aces: Vec<(u8, u8, u32, &[u8], &str)> = rows.iter().zip(&sids)
                .map(|((kind, inherited, mask, _), sid)| (*kind, u8::from(*inherited) << 4, *mask, &[][..], sid.as_str()))
                .collect();
            let text: String = aces.iter()
                .map(|(kind, flags, mask, _, sid)| {
                    let (kind, flags) = (if *kind == 0 { "A" } else { "D" }, if *flags == 0 { "OICI" } else { "CIID" });
                    format!("({kind};{flags};{mask:#x};;;{sid})")
                })
                .collect();
            let text = Descriptor::of_text(&format!("O:SYD:{text}"));
            proptest::prop_assert_eq!(read(&rendered(&aces, Some("S-1-5-18"))), text);
        }
    }
}
