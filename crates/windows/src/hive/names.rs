//! Names of keys, which mean the same in any letter case.

use super::cells::Hint;

/// A name that is looked for.
pub(super) struct Asked {
    units: Vec<u16>,
    hash: u32,
}

impl Asked {
    /// The name with what lists may say of it.
    pub(super) fn of(name: &str) -> Self {
        let units: Vec<u16> = name.encode_utf16().collect();
        let mut one = [0; 2];
        let upper = name.chars().map(upper);
        let hash = upper.fold(0_u32, |hash, letter| {
            let units = letter.encode_utf16(&mut one).iter();
            units.fold(hash, |hash, unit| {
                hash.wrapping_mul(37).wrapping_add(u32::from(*unit))
            })
        });
        Self { units, hash }
    }

    /// Whether a key with this hint may have the name.
    pub(super) fn may_be(&self, hint: Hint) -> bool {
        match hint {
            Hint::Nothing => true,
            Hint::Hash(hash) => hash == self.hash,
            Hint::Start([0, ..]) => true,
            Hint::Start(start) => start.iter().enumerate().all(|(at, byte)| {
                let unit = self.units.get(at).copied().unwrap_or(0);
                match u8::try_from(unit) {
                    Ok(unit) if unit.is_ascii() && byte.is_ascii() => {
                        unit.eq_ignore_ascii_case(byte)
                    }
                    _ => true,
                }
            }),
        }
    }
}

/// Whether two names mean the same.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii())
            && one.chars().map(upper).eq(other.chars().map(upper)))
}

/// One letter for one, as Windows does it: `ß` stays.
fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => letter,
    }
}
