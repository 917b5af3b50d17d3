//! Names of keys, which mean the same in any letter case.

use std::cmp::Ordering;

use super::lists::Hint;

/// A name that is looked for.
pub(super) struct Asked {
    /// Its letters in upper case, as UTF-16.
    upper: Vec<u16>,
    hash: u32,
}

impl Asked {
    /// The name with what lists may say of it.
    pub(super) fn of(name: &str) -> Self {
        let upper: Vec<u16> = units(name).collect();
        let add = |hash: u32, unit: &u16| hash.wrapping_mul(37).wrapping_add(u32::from(*unit));
        let hash = upper.iter().fold(0, add);
        Self { upper, hash }
    }

    /// Whether a key with this hint may have the name.
    pub(super) fn may_be(&self, hint: Hint) -> bool {
        match hint {
            Hint::Nothing | Hint::Start([0, ..]) => true,
            Hint::Hash(hash) => hash == self.hash,
            Hint::Start(start) => start.iter().enumerate().all(|(at, byte)| {
                let unit = self.upper.get(at).copied().unwrap_or(0);
                match u8::try_from(unit) {
                    Ok(unit) if unit.is_ascii() && byte.is_ascii() => {
                        unit == byte.to_ascii_uppercase()
                    }
                    _ => true,
                }
            }),
        }
    }

    /// Whether it means the same as `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.cmp(name) == Ordering::Equal
    }

    /// Whether it stands before or behind `name` in a list.
    pub(super) fn cmp(&self, name: &str) -> Ordering {
        self.upper.iter().copied().cmp(units(name))
    }
}

/// The letters of a name in upper case, as UTF-16; one letter for one, as Windows does it: `ß` stays.
fn units(name: &str) -> impl Iterator<Item = u16> {
    name.chars().flat_map(|letter| {
        let mut units = [0; 2];
        let length = upper(letter).encode_utf16(&mut units).len();
        units.into_iter().take(length)
    })
}

fn upper(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => letter,
    }
}
