//! What a server sends, looked at before anybody else reads it.
//!
//! The LDAP library takes messages apart with the trust of a client that chose its server: a message nested deep
//! enough ends the process, one of the wrong shape the conversation. So nothing reaches it that is not a message of
//! RFC 4511 of bounded size, depth and number of parts. An entry of the wrong shape is left out and counted; any
//! other fault ends the conversation, and a gap says which.

use groma_source::ber::{self, Element, Head};

/// Bytes of one message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// Parts (tags) of one message.
const PARTS_MAX: usize = 50_000;

/// How deep a message may be nested; an entry needs six levels.
const DEPTH_MAX: usize = 8;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTROLS: u8 = 0xa0;
const REFERRAL: u8 = 0xa3;

const BIND_RESPONSE: u8 = 0x61;
const ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;

/// What stands at the begin of what a server sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Arrived {
    /// Not yet a whole message.
    Part,
    /// A message of so many bytes, to be handed on.
    Message(usize),
    /// A message of so many bytes that is left out: an entry or a reference of the wrong shape.
    Faulty(usize),
    /// A message of so many bytes that nobody asked for and nobody misses.
    Unasked(usize),
    /// The server ends the conversation, in its own words.
    Goodbye(String),
    /// Not LDAP, or no LDAP that can be trusted.
    Broken(&'static str),
}

/// Judges the begin of `bytes`.
pub(crate) fn judge(bytes: &[u8]) -> Arrived {
    let (header, length) = match (bytes.first(), ber::head(bytes)) {
        (None, _) => return Arrived::Part,
        (Some(first), _) if *first != SEQUENCE => {
            return Arrived::Broken("it does not speak LDAP: no message begins like that");
        }
        (_, Head::Incomplete) => return Arrived::Part,
        (_, Head::Broken) => {
            return Arrived::Broken("a message has a length that LDAP does not allow");
        }
        (_, Head::Announces { header, length }) => (header, length),
    };
    let whole = header.saturating_add(length);
    if whole > MESSAGE_BYTES_MAX {
        return Arrived::Broken("a single message is larger than 2 MiB");
    }
    match bytes.get(header..whole) {
        None => Arrived::Part,
        Some(content) => message(content, whole),
    }
}

fn message(content: &[u8], whole: usize) -> Arrived {
    const BROKEN: Arrived = Arrived::Broken("a message is not built as LDAP says");
    let Some((number, rest)) = ber::element(content) else {
        return BROKEN;
    };
    let Some((operation, controls)) = ber::element(rest) else {
        return BROKEN;
    };
    if number.tag != INTEGER || !(1..=4).contains(&number.value.len()) {
        return BROKEN;
    }
    if number.value.iter().all(|byte| *byte == 0) {
        return Arrived::Goodbye(diagnostic(operation.value).unwrap_or_default());
    }
    if !are_controls(controls) {
        return BROKEN;
    }
    let faulty = |sound: bool| match sound {
        true => Arrived::Message(whole),
        false => Arrived::Faulty(whole),
    };
    match operation.tag {
        ENTRY => faulty(is_entry(operation.value)),
        REFERENCE => faulty(is_reference(operation.value)),
        INTERMEDIATE => Arrived::Unasked(whole),
        BIND_RESPONSE | SEARCH_DONE | EXTENDED if is_result(operation.value) => {
            Arrived::Message(whole)
        }
        _ => BROKEN,
    }
}

/// `LDAPResult` (RFC 4511 §4.1.9), and what bind and extended responses add to it.
fn is_result(value: &[u8]) -> bool {
    let Some(parts) = ber::elements(value, 16) else {
        return false;
    };
    let [code, matched, text, more @ ..] = parts.as_slice() else {
        return false;
    };
    code.tag == ENUMERATED
        && (1..=4).contains(&code.value.len())
        && is_text(matched)
        && is_text(text)
        && more.iter().all(|part| match part.tag {
            REFERRAL => is_reference(part.value),
            0x8a => std::str::from_utf8(part.value).is_ok(),
            tag => tag & 0xe0 == 0x80,
        })
}

fn is_text(part: &Element<'_>) -> bool {
    part.tag == OCTETS && std::str::from_utf8(part.value).is_ok()
}

fn is_reference(value: &[u8]) -> bool {
    ber::elements(value, 256).is_some_and(|parts| parts.iter().all(is_text))
}

/// `SearchResultEntry` (RFC 4511 §4.5.2).
fn is_entry(value: &[u8]) -> bool {
    let mut left = PARTS_MAX;
    if !ber::is_sound(value, DEPTH_MAX, &mut left) {
        return false;
    }
    let Some((dn, rest)) = ber::element(value) else {
        return false;
    };
    let Some((list, [])) = ber::element(rest) else {
        return false;
    };
    let attributes = ber::elements(list.value, PARTS_MAX).unwrap_or_default();
    dn.tag == OCTETS && list.tag == SEQUENCE && attributes.iter().all(is_attribute)
}

fn is_attribute(part: &Element<'_>) -> bool {
    let Some((name, rest)) = ber::element(part.value) else {
        return false;
    };
    let Some((values, [])) = ber::element(rest) else {
        return false;
    };
    let all = ber::elements(values.value, PARTS_MAX).unwrap_or_default();
    part.tag == SEQUENCE
        && is_text(&name)
        && values.tag == SET
        && all.iter().all(|value| value.tag == OCTETS)
}

/// Nothing, or a list of controls (RFC 4511 §4.1.11).
fn are_controls(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let Some((list, [])) = ber::element(bytes) else {
        return false;
    };
    let controls = ber::elements(list.value, 32);
    list.tag == CONTROLS && controls.is_some_and(|all| all.iter().all(is_control))
}

fn is_control(part: &Element<'_>) -> bool {
    let Some(parts) = ber::elements(part.value, 3) else {
        return false;
    };
    let [name, more @ ..] = parts.as_slice() else {
        return false;
    };
    let tags: Vec<u8> = more.iter().map(|m| m.tag).collect();
    let criticality = more.iter().all(|m| m.tag != BOOLEAN || m.value.len() == 1);
    part.tag == SEQUENCE
        && is_text(name)
        && criticality
        && matches!(
            tags.as_slice(),
            [] | [BOOLEAN] | [OCTETS] | [BOOLEAN, OCTETS]
        )
}

/// The text of a result, for a person.
fn diagnostic(value: &[u8]) -> Option<String> {
    let text = ber::elements(value, 16)?.get(2)?.value;
    Some(String::from_utf8_lossy(text.get(..text.len().min(200))?).into_owned())
}

/// The result code of a whole message that is a result; `None` for anything else.
pub(crate) fn result_code(message: &[u8]) -> Option<u32> {
    let (outer, _) = ber::element(message)?;
    let (_, rest) = ber::element(outer.value)?;
    let (operation, _) = ber::element(rest)?;
    let (code, _) = ber::element(operation.value)?;
    (code.tag == ENUMERATED).then(|| {
        code.value
            .iter()
            .fold(0_u32, |sum, digit| (sum << 8) | u32::from(*digit))
    })
}

/// The cookie in the value of a paged-results control (RFC 2696 §2): empty after the last page.
pub(crate) fn cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (list, []) = ber::element(value)? else {
        return None;
    };
    let parts = ber::elements(list.value, 2)?;
    match parts.as_slice() {
        [size, cookie] if size.tag == INTEGER && cookie.tag == OCTETS => {
            Some(cookie.value.to_vec())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An element with a length in the shortest form.
    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match u8::try_from(value.len()) {
            Ok(short) if short < 0x80 => bytes.push(short),
            _ => {
                let length = u32::try_from(value.len()).unwrap().to_be_bytes();
                bytes.push(0x84);
                bytes.extend(length);
            }
        }
        bytes.extend(value);
        bytes
    }

    fn numbered(operation: &[u8]) -> Vec<u8> {
        tlv(SEQUENCE, &[tlv(INTEGER, &[7]), operation.to_vec()].concat())
    }

    fn entry(attributes: &[u8]) -> Vec<u8> {
        let dn = tlv(OCTETS, b"cn=a");
        numbered(&tlv(ENTRY, &[dn, tlv(SEQUENCE, attributes)].concat()))
    }

    fn attribute() -> Vec<u8> {
        let values = tlv(SET, &tlv(OCTETS, b"\xff\x00"));
        tlv(SEQUENCE, &[tlv(OCTETS, b"objectSid"), values].concat())
    }

    fn done(text: &[u8]) -> Vec<u8> {
        let parts = [tlv(ENUMERATED, &[0]), tlv(OCTETS, b""), tlv(OCTETS, text)];
        numbered(&tlv(SEARCH_DONE, &parts.concat()))
    }

    #[test]
    fn what_a_server_may_say_is_handed_on() {
        for message in [entry(&attribute()), entry(b""), done(b"fine")] {
            assert_eq!(judge(&message), Arrived::Message(message.len()));
            assert_eq!(judge(&message[..message.len() - 1]), Arrived::Part);
        }
        assert_eq!(result_code(&done(b"")), Some(0));
    }

    #[test]
    fn an_entry_of_the_wrong_shape_is_left_out_and_nothing_else_with_it() {
        let bare = tlv(OCTETS, b"no attribute");
        let nested = (0..200).fold(tlv(SEQUENCE, b""), |inner, _| tlv(SEQUENCE, &inner));
        for attributes in [bare, nested, b"\x30\x05\x04".to_vec()] {
            let message = entry(&attributes);
            assert_eq!(judge(&message), Arrived::Faulty(message.len()));
        }
    }

    #[test]
    fn what_is_no_ldap_ends_the_conversation() {
        assert!(matches!(judge(b"HTTP/1.1 400"), Arrived::Broken(_)));
        assert!(matches!(
            judge(b"\x30\x84\x7f\xff\xff\xff"),
            Arrived::Broken(_)
        ));
        assert!(matches!(judge(b"\x30\x80\x00\x00"), Arrived::Broken(_)));
        assert!(matches!(judge(&done(b"\xff")), Arrived::Broken(_)));
        let goodbye = [
            tlv(ENUMERATED, &[52]),
            tlv(OCTETS, b""),
            tlv(OCTETS, b"down"),
        ]
        .concat();
        let goodbye = [tlv(INTEGER, &[0]), tlv(EXTENDED, &goodbye)].concat();
        assert_eq!(
            judge(&tlv(SEQUENCE, &goodbye)),
            Arrived::Goodbye("down".into())
        );
    }

    #[test]
    fn a_cookie_is_read_and_nothing_else() {
        let value = [tlv(INTEGER, &[0]), tlv(OCTETS, b"next")].concat();
        assert_eq!(cookie(&tlv(SEQUENCE, &value)), Some(b"next".to_vec()));
        assert_eq!(cookie(b"\x30\x03\x02\x01\x00"), None);
        assert_eq!(cookie(b""), None);
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let corpus = [entry(&attribute()), done(b"x")];
        let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(20_000, &corpus, |bytes| {
            if let Arrived::Message(length) | Arrived::Faulty(length) = judge(bytes) {
                assert!(length <= bytes.len() && length > 0);
            }
            let _ = (cookie(bytes), result_code(bytes));
        });
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Arrived::Message(length) = judge(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
