//! One element of BER after the other, off the front of some bytes.

use groma_source::ber;

/// One element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Element<'b> {
    /// Its tag, one byte.
    pub(crate) tag: u8,
    /// Its content.
    pub(crate) content: &'b [u8],
}

/// Takes the next element off `bytes`; `None` where it is not whole, or of a form that no protocol of ours uses.
pub(crate) fn next<'b>(bytes: &mut &'b [u8]) -> Option<Element<'b>> {
    let (element, rest) = ber::element(bytes)?;
    *bytes = rest;
    Some(Element {
        tag: element.tag,
        content: element.value,
    })
}

/// Takes the next element, which must have this tag.
pub(crate) fn expect<'b>(bytes: &mut &'b [u8], tag: u8) -> Option<&'b [u8]> {
    let element = next(bytes)?;
    (element.tag == tag).then_some(element.content)
}

/// The content of the first element with this tag among those in `bytes`; those before it are passed over.
pub(crate) fn find(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    while let Some(element) = next(&mut bytes) {
        if element.tag == tag {
            return Some(element.content);
        }
    }
    None
}

/// A small number that is not negative.
pub(crate) fn number(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content.len() > 4 {
        return None;
    }
    Some(
        content
            .iter()
            .fold(0, |sum, digit| sum << 8 | u32::from(*digit)),
    )
}
