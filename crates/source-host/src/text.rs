//! Lines and words of files that strangers wrote.

/// Lines longer than this are skipped: no file read here has a use for them.
const LINE_BYTES_MAX: usize = 16_384;

/// The lines of a file with their numbers from 1, without line ends; overlong ones are left out.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    bytes
        .split(|b| *b == b'\n')
        .enumerate()
        .map(|(at, line)| {
            (
                u32::try_from(at + 1).unwrap_or(u32::MAX),
                line.strip_suffix(b"\r").unwrap_or(line),
            )
        })
        .filter(|(_, line)| line.len() <= LINE_BYTES_MAX)
}

/// The same, trimmed, without empty lines and lines that begin with `#`.
pub(crate) fn meaningful_lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    lines(bytes)
        .map(|(number, line)| (number, line.trim_ascii()))
        .filter(|(_, line)| line.first().is_some_and(|b| *b != b'#'))
}

/// Words between blanks.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// Words with the place where each begins in `line`.
pub(crate) fn words_at(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    line.split(u8::is_ascii_whitespace)
        .map(move |word| {
            let start = at;
            at += word.len() + 1;
            (start, word)
        })
        .filter(|(_, word)| !word.is_empty())
}

/// The two sides of the first `mark`, trimmed.
pub(crate) fn pair(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == mark)?;
    let (key, value) = line.split_at_checked(at)?;
    Some((key.trim_ascii(), value.get(1..)?.trim_ascii()))
}

/// Text for a person: bytes that are not UTF-8 become U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Octal escapes of fstab and the mount tables, as `\040` for a space (fstab(5)).
pub(crate) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| {
                let digits = std::str::from_utf8(digits)
                    .ok()
                    .filter(|d| d.bytes().all(|b| matches!(b, b'0'..=b'7')))?;
                u8::from_str_radix(digits, 8).ok()
            });
        out.push(octal.unwrap_or(*first));
        rest = if octal.is_some() {
            tail.get(3..).unwrap_or_default()
        } else {
            tail
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_mount_table_are_undone() {
        assert_eq!(unescaped(b"/srv/old\\040files\\011x"), b"/srv/old files\tx");
        assert_eq!(unescaped(b"a\\04"), b"a\\04");
        assert_eq!(unescaped(b"a\\+12\\999"), b"a\\+12\\999");
    }

    #[test]
    fn comments_and_empty_lines_mean_nothing() {
        let found: Vec<_> = meaningful_lines(b"# a\n\n  b c \r\n#d\n").collect();
        assert_eq!(found, [(3, b"b c".as_slice())]);
    }
}
