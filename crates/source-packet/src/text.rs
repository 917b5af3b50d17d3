//! Text that strangers wrote, bounded: what becomes a fact is short, printable and of one line.

/// Longest text that is taken up: a distinguished name is the longest of them.
const TEXT_BYTES_MAX: usize = 512;

/// Text as a fact may hold it; `None` for what is too long, empty, not UTF-8, or has control characters.
pub(crate) fn plain(bytes: &[u8]) -> Option<&str> {
    if bytes.is_empty() || bytes.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

/// The same of little-endian UTF-16.
pub(crate) fn wide(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > TEXT_BYTES_MAX || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit));
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|text| !text.chars().any(char::is_control))
}
