//! A value of an event as text, by its type.

use super::{array, u16_at};

pub(super) const STRING: u8 = 0x01;
/// Binary XML: a part of an event with a template of its own.
pub(super) const BINARY_XML: u8 = 0x21;
/// Set in the type of a list.
pub(super) const LIST: u8 = 0x80;
/// Longest text that is made of one value.
pub(super) const TEXT_MAX: usize = 32 << 10;
/// Values one list may have.
const ITEMS_MAX: usize = 256;

/// The texts of a value: one, or as many as a list has; none for nothing. Types nobody asks about are nothing.
pub(super) fn texts(kind: u8, bytes: &[u8]) -> Vec<String> {
    if kind & LIST == 0 {
        return text(kind, bytes).into_iter().collect();
    }
    let kind = kind & !LIST;
    if kind == STRING {
        let text = utf16(bytes);
        let text = text.strip_suffix('\0').unwrap_or(&text);
        return text
            .split('\0')
            .take(ITEMS_MAX)
            .map(str::to_owned)
            .collect();
    }
    let Some(width) = width(kind) else {
        return Vec::new();
    };
    bytes
        .chunks_exact(width)
        .take(ITEMS_MAX)
        .filter_map(|item| text(kind, item))
        .collect()
}

fn width(kind: u8) -> Option<usize> {
    Some(match kind {
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0d | 0x14 => 4,
        0x09 | 0x0a | 0x11 | 0x15 => 8,
        0x0f | 0x12 => 16,
        _ => return None,
    })
}

/// A value as Event Viewer writes it; a time stays the number it is.
fn text(kind: u8, bytes: &[u8]) -> Option<String> {
    Some(match kind {
        STRING => {
            let text = utf16(bytes);
            text.strip_suffix('\0')
                .map_or_else(|| text.clone(), str::to_owned)
        }
        0x02 => {
            let text: String = bytes
                .iter()
                .take(TEXT_MAX)
                .map(|b| char::from(*b))
                .collect();
            text.trim_end_matches('\0').to_owned()
        }
        0x03 => i8::from_le_bytes(array(bytes, 0)?).to_string(),
        0x04 => u8::from_le_bytes(array(bytes, 0)?).to_string(),
        0x05 => i16::from_le_bytes(array(bytes, 0)?).to_string(),
        0x06 => u16_at(bytes, 0)?.to_string(),
        0x07 => i32::from_le_bytes(array(bytes, 0)?).to_string(),
        0x08 => u32::from_le_bytes(array(bytes, 0)?).to_string(),
        0x09 => i64::from_le_bytes(array(bytes, 0)?).to_string(),
        0x0a | 0x11 => u64::from_le_bytes(array(bytes, 0)?).to_string(),
        0x0d => (bytes.iter().any(|b| *b != 0)).to_string(),
        0x0f => guid(bytes)?,
        0x13 => sid(bytes)?,
        // A size is a number of 32 or 64 bits.
        0x10 | 0x14 | 0x15 => match bytes.len() {
            8.. => format!("0x{:x}", u64::from_le_bytes(array(bytes, 0)?)),
            _ => format!("0x{:x}", u32::from_le_bytes(array(bytes, 0)?)),
        },
        _ => return None,
    })
}

/// Text of 16-bit units; what is no character is replaced, so that it looks like none.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .take(TEXT_MAX)
        .map(|pair| u16_at(pair, 0).unwrap_or_default());
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn guid(bytes: &[u8]) -> Option<String> {
    let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = array::<16>(bytes, 0)?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02X}")).collect();
    let (two, six) = rest.split_at_checked(4)?;
    let first = u32::from_le_bytes([a0, a1, a2, a3]);
    let (b, c) = (u16::from_le_bytes([b0, b1]), u16::from_le_bytes([c0, c1]));
    Some(format!("{{{first:08X}-{b:04X}-{c:04X}-{two}-{six}}}"))
}

/// `S-1-5-21-…` ([MS-DTYP] 2.4.2).
fn sid(bytes: &[u8]) -> Option<String> {
    let [revision, count] = array(bytes, 0)?;
    let authority = array::<6>(bytes, 2)?
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut out = format!("S-{revision}-{authority}");
    for part in 0..usize::from(count).min(15) {
        let at = 8 + 4 * part;
        out.push_str(&format!("-{}", u32::from_le_bytes(array(bytes, at)?)));
    }
    Some(out)
}
