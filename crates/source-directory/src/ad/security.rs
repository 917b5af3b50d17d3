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
    all.sort();
    all.dedup();
    Some(all)
}

/// ACCESS_ALLOWED_ACE and ACCESS_ALLOWED_OBJECT_ACE; every other kind lets nobody in.
fn allowed_by(entry: &[u8]) -> Option<String> {
    match entry.first()? {
        0 => sid(entry.get(8..)?),
        5 => {
            let flags = u32_at(entry, 8)?;
            let guids = usize::from(flags & 1 != 0) + usize::from(flags & 2 != 0);
            sid(entry.get(12 + 16 * guids..)?)
        }
        _ => None,
    }
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

    #[test]
    fn no_bytes_bring_it_down() {
        let bytes = descriptor(&[sid_bytes(&[1, 2, 3, 4]), sid_bytes(&[9])]);
        groma_fuzz::hammer(20_000, &[&bytes], |bytes| {
            let _ = (allowed(bytes), sid(bytes));
        });
    }
}
