//! Base64 (RFC 4648 §4), as fingerprints and challenges are written.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Written, without padding.
pub(crate) fn written(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group = three
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0u32, |sum, &b| sum << 8 | u32::from(b));
        for place in 0..=three.len() {
            let six = group >> (18 - 6 * place) & 63;
            let letter = usize::try_from(six).ok().and_then(|at| LETTERS.get(at));
            text.extend(letter.map(|&b| char::from(b)));
        }
    }
    text
}

/// Written, with padding.
pub(crate) fn padded(bytes: &[u8]) -> String {
    let text = written(bytes);
    let lacks = text.len().next_multiple_of(4) - text.len();
    text + "==".get(..lacks).unwrap_or_default()
}

/// Read, up to what is no letter of it; whatever is left of a group is left out.
pub(crate) fn read(text: &[u8]) -> Vec<u8> {
    let six = |letter: &u8| {
        let at = LETTERS.iter().position(|known| known == letter)?;
        u32::try_from(at).ok()
    };
    let letters: Vec<u32> = text.iter().map_while(six).collect();
    let mut bytes = Vec::new();
    for four in letters.chunks(4) {
        let group = four.iter().fold(0, |sum, six| sum << 6 | six);
        let group = group << (6 * (4 - four.len()));
        let [_, all @ ..] = group.to_be_bytes();
        bytes.extend(all.iter().take(four.len().saturating_sub(1)));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (bytes, text) in [("f", "Zg"), ("fo", "Zm8"), ("foobar", "Zm9vYmFy"), ("", "")] {
            assert_eq!(written(bytes.as_bytes()), text);
            assert_eq!(read(text.as_bytes()), bytes.as_bytes());
        }
        assert_eq!(padded(b"f"), "Zg==");
        assert_eq!(read(b"Zg==, x"), b"f");
        assert_eq!(padded(b"foo"), "Zm9v");
    }
}
