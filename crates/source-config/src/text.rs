//! Bytes of a file as text: which encodings are read, and what is no text at all.

use std::borrow::Cow;

/// How many bytes decide whether a file is text.
const SNIFF: usize = 8192;

/// The text in `bytes`, or `None` for a binary file (a NUL among the first 8 KiB).
///
/// UTF-8 and UTF-16 with a byte order mark are decoded. Bytes of an older encoding (cp1251, cp1252) become
/// U+FFFD: names of hosts are ASCII in all of them, and nothing else of the text leaves the machine as it is.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
        _ if memchr::memchr(0, bytes.get(..SNIFF.min(bytes.len())).unwrap_or_default())
            .is_some() =>
        {
            None
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(utf8(rest)),
        _ => Some(utf8(bytes)),
    }
}

/// Checked first, repaired only where it must be: nearly every file is clean, and checking is much faster.
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn utf16(bytes: &[u8], join: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let units = bytes.chunks_exact(2).map(|pair| {
        join([
            pair.first().copied().unwrap_or(0),
            pair.get(1).copied().unwrap_or(0),
        ])
    });
    Cow::Owned(
        char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    )
}

/// Lines with their number, counted from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    text.lines()
        .enumerate()
        .map(|(n, line)| (u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1), line))
}

/// Lines joined where one ends in `\`; the number is that of the first.
pub(crate) fn joined_lines(text: &str) -> Vec<(u32, Cow<'_, str>)> {
    let mut out: Vec<(u32, Cow<'_, str>)> = Vec::new();
    let mut open = false;
    for (number, line) in lines(text) {
        let (body, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        match out.last_mut() {
            Some((_, last)) if open => {
                last.to_mut().push(' ');
                last.to_mut().push_str(body.trim_start());
            }
            _ => out.push((number, Cow::Borrowed(body))),
        }
        open = goes_on;
    }
    out
}

/// Bytes within which what is opened on a line is closed.
const NEAR_MAX: usize = 1024;

/// What stands before and behind the next ASCII `mark`, if it is near: without a limit a text of opening signs alone
/// would be gone through once for each of them.
pub(crate) fn split_near(text: &str, mark: u8) -> Option<(&str, &str)> {
    debug_assert!(mark.is_ascii(), "a part of a letter is no mark");
    let near = text.as_bytes();
    let near = near.get(..NEAR_MAX.min(near.len()))?;
    let at = memchr::memchr(mark, near)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A value without its quotes and without a comment behind it.
///
/// A comment begins at `#` or `;` after white space, so that neither a URL's fragment nor the parts of a
/// connection string are cut.
pub(crate) fn bare(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or(rest);
        }
    }
    let cut = [" #", "\t#", " ;", "\t;"]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min()
        .unwrap_or(value.len());
    value.get(..cut).unwrap_or(value).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_unix_text_is_read_and_binary_is_not() {
        assert_eq!(decode(b"\xff\xfeh\0i\0").unwrap(), "hi");
        assert_eq!(decode(b"\xfe\xff\0h\0i").unwrap(), "hi");
        assert_eq!(decode(b"\xef\xbb\xbfhi").unwrap(), "hi");
        assert!(decode(b"h\0i").is_none());
        assert!(decode(b"host = m\xe4il").unwrap().starts_with("host"));
    }

    #[test]
    fn a_fragment_is_not_a_comment() {
        assert_eq!(bare("http://a/b#c # note"), "http://a/b#c");
        assert_eq!(bare("'host=db user=x' # note"), "host=db user=x");
        assert_eq!(bare("Server=a;Port=1 ; note"), "Server=a;Port=1");
    }

    #[test]
    fn a_backslash_joins_lines() {
        let joined = joined_lines("a \\\n  b\nc");
        assert_eq!(joined.len(), 2);
        assert_eq!(joined[0], (1, Cow::Owned::<str>("a  b".into())));
        assert_eq!(joined[1].0, 3);
    }
}
