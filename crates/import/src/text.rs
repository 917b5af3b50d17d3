//! Bytes of a text file become characters.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};

/// The text of a file: by its byte order mark, by its zero bytes, as UTF-8 if it is that, else as one of the two
/// Windows code pages that old spreadsheet programs write. `None` if it is no text.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Some(with(encoding, bytes.get(mark..).unwrap_or_default()));
    }
    if let Some(encoding) = without_mark(bytes) {
        return Some(with(encoding, bytes));
    }
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) if looks_cyrillic(bytes) => Some(with(WINDOWS_1251, bytes)),
        Err(_) => Some(with(WINDOWS_1252, bytes)),
    }
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> String {
    debug_assert!(
        [UTF_8, UTF_16LE, UTF_16BE, WINDOWS_1251, WINDOWS_1252].contains(&encoding),
        "one of ours"
    );
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// UTF-16 without its mark: the delimiters and digits of a table have a zero byte on one side.
fn without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(4096) & !1).unwrap_or_default();
    let (mut low, mut high) = (0, 0);
    for pair in sample.chunks_exact(2) {
        match pair {
            [0, 0] => return None,
            [_, 0] => low += 1,
            [0, _] => high += 1,
            _ => {}
        }
    }
    let enough = sample.len() / 10;
    match (low > enough, high > enough) {
        (true, false) => Some(UTF_16LE),
        (false, true) => Some(UTF_16BE),
        _ => None,
    }
}

/// Cyrillic words are runs of high bytes; accented letters of the West stand between plain ones.
fn looks_cyrillic(bytes: &[u8]) -> bool {
    let letters = |b: u8| b >= 0xc0 || b == 0xa8 || b == 0xb8;
    let (mut all, mut in_runs) = (0_usize, 0_usize);
    for window in bytes.windows(2) {
        if let [one, two] = window {
            all += usize::from(letters(*one));
            in_runs += usize::from(letters(*one) && letters(*two));
        }
    }
    in_runs * 2 > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_of_old_and_new_spreadsheets_are_told_apart() {
        let russian = "имя;адрес;владелец\nпочта1;10.0.0.1;Ольга\n";
        let french = "nom;adresse;propriétaire\nmél1;10.0.0.1;Hélène Noël\n";
        let utf16 = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        assert_eq!(decode(&WINDOWS_1251.encode(russian).0).unwrap(), russian);
        assert_eq!(decode(&WINDOWS_1252.encode(french).0).unwrap(), french);
        for text in [russian, french] {
            assert_eq!(decode(text.as_bytes()).unwrap(), text);
            assert_eq!(
                decode(&[b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap(),
                text
            );
            assert_eq!(decode(&utf16(text)).unwrap(), text);
            assert_eq!(
                decode(&[vec![0xff, 0xfe], utf16(text)].concat()).unwrap(),
                text
            );
        }
    }

    #[test]
    fn what_is_no_text_is_not_guessed_at() {
        assert_eq!(
            decode(b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
            None
        );
    }
}
