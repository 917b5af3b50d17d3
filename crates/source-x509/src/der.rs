//! A reader of DER elements, one level at a time (X.690 §8.1). It never recurses: the caller goes down
//! by asking again, so depth is the caller's own written code.

/// One element: its tag octet, its content, and all its octets with the header.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
pub(crate) const CONTEXT_1: u8 = 0xa1;

/// Splits the first element off `bytes`. Multi-octet tags, indefinite lengths and lengths over four
/// octets are refused with `None`.
pub(crate) fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = bytes.split_first()?;
    let (&first, after_first) = after_tag.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, body) = match first {
        0..=0x7f => (usize::from(first), after_first),
        0x81..=0x84 => {
            let (digits, body) = after_first.split_at_checked(usize::from(first & 0x0f))?;
            (
                digits
                    .iter()
                    .fold(0usize, |sum, &d| sum << 8 | usize::from(d)),
                body,
            )
        }
        _ => return None,
    };
    let (content, rest) = body.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - rest.len())?;
    Some((
        Element {
            tag,
            content,
            whole,
        },
        rest,
    ))
}

/// Splits the first element off `bytes` if its tag is `tag`.
pub(crate) fn expect(bytes: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    split(bytes).filter(|(element, _)| element.tag == tag)
}

/// The elements standing one after the other in `bytes`, until the end or the first broken one.
pub(crate) fn each(bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (element, after) = split(rest)?;
        rest = after;
        Some(element)
    })
}

/// A number of at most four octets.
pub(crate) fn number(octets: &[u8]) -> Option<u32> {
    (octets.len() <= 4).then(|| octets.iter().fold(0, |sum, &o| sum << 8 | u32::from(o)))
}

/// The octets of a SEQUENCE around `content`.
pub(crate) fn sequence(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![SEQUENCE];
    let digits: Vec<u8> = content
        .len()
        .to_be_bytes()
        .into_iter()
        .skip_while(|&b| b == 0)
        .collect();
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            bytes.extend_from_slice(&digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_read_back_as_it_was_written() {
        for length in [0usize, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7u8; length];
            let bytes = sequence(&content);
            let (element, rest) = expect(&bytes, SEQUENCE).unwrap();
            assert_eq!(
                (element.content, element.whole, rest),
                (content.as_slice(), bytes.as_slice(), &[][..])
            );
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        for bad in [
            &b"\x30"[..],
            b"\x30\x05ab",
            b"\x30\x80ab\0\0",
            b"\x30\x85\0\0\0\0\x01a",
            b"\x1f\x81\x01\x00",
        ] {
            assert!(split(bad).is_none(), "{bad:x?}");
        }
    }
}
