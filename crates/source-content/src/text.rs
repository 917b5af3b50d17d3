//! Lines and words of files that strangers wrote.

use std::path::{Path, PathBuf};

use groma_model::Foreign;
use groma_source::disk;

/// Lines longer than this are skipped: no setting read here has a use for them.
const LINE_BYTES_MAX: usize = 16_384;

/// The lines of a file with their numbers from 1, without line ends; overlong ones are left out.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    bytes
        .split(|b| *b == b'\n')
        .enumerate()
        .map(|(at, line)| {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            (number, line.strip_suffix(b"\r").unwrap_or(line))
        })
        .filter(|(_, line)| line.len() <= LINE_BYTES_MAX)
}

/// The same, trimmed, without empty lines and those that begin with one of `marks`.
pub(crate) fn meaningful<'a>(
    bytes: &'a [u8],
    marks: &'a [u8],
) -> impl Iterator<Item = (u32, &'a [u8])> {
    lines(bytes)
        .map(|(number, line)| (number, line.trim_ascii()))
        .filter(|(_, line)| line.first().is_some_and(|b| !marks.contains(b)))
}

/// Words between blanks.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// The two sides of the first `mark`, trimmed.
pub(crate) fn pair(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == mark)?;
    let (key, value) = line.split_at_checked(at)?;
    Some((key.trim_ascii(), value.get(1..)?.trim_ascii()))
}

/// Without one pair of quotes around it.
pub(crate) fn unquoted(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => text,
    }
}

/// Text for a person: bytes that are not UTF-8 become U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes as a path.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    disk::path(&Foreign::from_bytes(bytes))
}

/// The last part of a path, as bytes.
pub(crate) fn file_name(path: &Path) -> &[u8] {
    path.file_name()
        .map_or(&[], std::ffi::OsStr::as_encoded_bytes)
}

/// The part of a file name behind its last dot, in lower case; empty where there is none.
pub(crate) fn extension(path: &Path) -> Vec<u8> {
    path.extension()
        .map(|e| e.as_encoded_bytes().to_ascii_lowercase())
        .unwrap_or_default()
}

/// A number in decimal digits.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Octal escapes of the mount tables and of exports, as `\040` for a space (fstab(5), exports(5)).
pub(crate) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| *first == b'\\');
        let octal = digits
            .and_then(|d| std::str::from_utf8(d).ok())
            .filter(|d| d.bytes().all(|b| matches!(b, b'0'..=b'7')))
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        out.push(octal.unwrap_or(*first));
        rest = match octal {
            Some(_) => tail.get(3..).unwrap_or_default(),
            None => tail,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        assert_eq!(unescaped(b"/srv/old\\040files"), b"/srv/old files");
        assert_eq!(unescaped(b"a\\04"), b"a\\04");
    }

    #[test]
    fn comments_mean_nothing() {
        let found: Vec<_> = meaningful(b"# a\n;b\n\n c d \r\n", b"#;").collect();
        assert_eq!(found, [(4, b"c d".as_slice())]);
        assert_eq!(unquoted(b"\"a b\""), b"a b");
    }
}
