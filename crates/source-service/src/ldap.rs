//! The root entry of a directory (RFC 4512 §5.1): whoever connects may read it, and nothing else is asked.

use std::collections::BTreeMap;

use groma_model::fact::ServiceAnswer;
use groma_source::ber::{self, Element};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const BOOLEAN: u8 = 0x01;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const EXTENDED_RESPONSE: u8 = 0x78;
const PRESENT: u8 = 0x87;
/// Attributes and values of one entry that are read.
const PARTS_MAX: usize = 64;

/// UnbindRequest as message 2.
pub(crate) const UNBIND: &[u8] = b"\x30\x05\x02\x01\x02\x42\x00";

const ATTRIBUTES: &[&str] = &[
    "defaultNamingContext",
    "dnsHostName",
    "forestFunctionality",
    "namingContexts",
    "objectClass",
    "supportedCapabilities",
    "supportedExtension",
    "supportedSASLMechanisms",
    "vendorName",
    "vendorVersion",
];

/// A search for the root entry as message 1.
pub(crate) fn question() -> Vec<u8> {
    let attributes: Vec<u8> = ATTRIBUTES
        .iter()
        .flat_map(|name| element(OCTET_STRING, name.as_bytes()))
        .collect();
    let search = [
        element(OCTET_STRING, b""),
        element(ENUMERATED, &[0]),
        element(ENUMERATED, &[0]),
        element(INTEGER, &[1]),
        element(INTEGER, &[5]),
        element(BOOLEAN, &[0]),
        element(PRESENT, b"objectClass"),
        element(SEQUENCE, &attributes),
    ]
    .concat();
    let message = [element(INTEGER, &[1]), element(SEARCH_REQUEST, &search)].concat();
    element(SEQUENCE, &message)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 128 => bytes.push(short),
        _ => {
            let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
            bytes.push(0x82);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// True if these bytes begin with an answer of a directory: to a search, or the notice that it hangs up.
pub(crate) fn is_message(heard: &[u8]) -> bool {
    operation(heard).is_some_and(|(operation, _)| {
        matches!(
            operation.tag,
            SEARCH_ENTRY | SEARCH_DONE | EXTENDED_RESPONSE
        )
    })
}

/// The operation of the first message, and what follows the message.
fn operation(heard: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (message, rest) = ber::element(heard)?;
    if message.tag != SEQUENCE {
        return None;
    }
    let (id, operation) = ber::element(message.value)?;
    let (operation, _) = ber::element(operation)?;
    (id.tag == INTEGER && id.value.len() <= 4).then_some((operation, rest))
}

/// True if the answer to the search is whole.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    let mut rest = heard;
    while let Some((operation, after)) = operation(rest) {
        if operation.tag != SEARCH_ENTRY {
            return true;
        }
        rest = after;
    }
    false
}

/// What the root entry says, by lower-case attribute.
type Root = BTreeMap<String, Vec<String>>;

fn root(heard: &[u8]) -> Option<Root> {
    let (entry, _) = operation(heard).filter(|(o, _)| o.tag == SEARCH_ENTRY)?;
    let parts = ber::elements(entry.value, 2)?;
    let attributes = ber::elements(parts.get(1)?.value, PARTS_MAX)?;
    Some(attributes.iter().filter_map(attribute).collect())
}

fn attribute(part: &Element<'_>) -> Option<(String, Vec<String>)> {
    let pair = ber::elements(part.value, 2)?;
    let name = String::from_utf8_lossy(pair.first()?.value).to_ascii_lowercase();
    let values = ber::elements(pair.get(1)?.value, PARTS_MAX)?;
    let text = values
        .iter()
        .filter_map(|v| crate::talk::plain(v.value, 200));
    Some((name, text.collect()))
}

/// What a directory's answer tells of it.
pub(crate) fn tells(heard: &[u8]) -> ServiceAnswer {
    const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
    let Some(root) = root(heard) else {
        return ServiceAnswer::default();
    };
    let all = |name: &str| root.get(name).cloned().unwrap_or_default();
    let first = |name: &str| all(name).into_iter().next();
    let mut answer = ServiceAnswer {
        offers_tls: root
            .contains_key("supportedextension")
            .then(|| all("supportedextension").iter().any(|oid| oid == START_TLS)),
        names: first("dnshostname").into_iter().collect(),
        domain: first("defaultnamingcontext").and_then(|context| domain_of(&context)),
        asks_for: all("supportedsaslmechanisms"),
        answers_for: all("namingcontexts"),
        ..ServiceAnswer::default()
    };
    name_product(&root, &mut answer);
    answer
}

/// Vendor and version, or what only one product shows: Microsoft's capability object, OpenLDAP's class of the root.
fn name_product(root: &Root, answer: &mut ServiceAnswer) {
    const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
    let all = |name: &str| root.get(name).map(Vec::as_slice).unwrap_or_default();
    let vendor = all("vendorname").first().map(String::as_str);
    let version = all("vendorversion").first().map(String::as_str);
    let class = all("objectclass").iter().find(|c| *c == "OpenLDAProotDSE");
    let words = [vendor, version, class.map(String::as_str)];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    if let Some(named) = groma_knowledge::product_named("ldap", &words.join(" ")) {
        crate::identify::name(answer, named);
    } else if all("supportedcapabilities")
        .iter()
        .any(|oid| oid == ACTIVE_DIRECTORY)
    {
        answer.product = Some("Microsoft Active Directory".to_owned());
        answer.basis = groma_model::fact::AnswerBasis::Named;
    }
}

/// `DC=corp,DC=example` as `corp.example`.
fn domain_of(context: &str) -> Option<String> {
    let labels: Option<Vec<&str>> = context
        .split(',')
        .map(|part| {
            let (kind, label) = part.trim().split_once('=')?;
            kind.eq_ignore_ascii_case("dc").then_some(label)
        })
        .collect();
    labels.filter(|l| !l.is_empty()).map(|l| l.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Vec<u8> {
        let attribute = |(name, values): &(&str, &[&str])| {
            let values: Vec<u8> = values
                .iter()
                .flat_map(|v| element(OCTET_STRING, v.as_bytes()))
                .collect();
            let pair = [
                element(OCTET_STRING, name.as_bytes()),
                element(0x31, &values),
            ]
            .concat();
            element(SEQUENCE, &pair)
        };
        let attributes: Vec<u8> = attributes.iter().flat_map(attribute).collect();
        let entry = [element(OCTET_STRING, b""), element(SEQUENCE, &attributes)].concat();
        let entry = [element(INTEGER, &[1]), element(SEARCH_ENTRY, &entry)].concat();
        let done = [
            element(INTEGER, &[1]),
            element(SEARCH_DONE, b"\x0a\x01\0\x04\0\x04\0"),
        ]
        .concat();
        [element(SEQUENCE, &entry), element(SEQUENCE, &done)].concat()
    }

    #[test]
    fn a_domain_controller_says_its_name_and_domain() {
        let heard = entry(&[
            ("dnsHostName", &["dc1.corp.example"]),
            ("defaultNamingContext", &["DC=corp,DC=example"]),
            ("supportedCapabilities", &["1.2.840.113556.1.4.800"]),
            ("supportedSASLMechanisms", &["GSSAPI", "GSS-SPNEGO"]),
        ]);
        assert!(is_message(&heard) && is_whole(&heard));
        let told = tells(&heard);
        assert_eq!(told.names, ["dc1.corp.example"]);
        assert_eq!(told.domain.as_deref(), Some("corp.example"));
        assert_eq!(told.product.as_deref(), Some("Microsoft Active Directory"));
        assert_eq!(told.asks_for, ["GSSAPI", "GSS-SPNEGO"]);
    }

    #[test]
    fn what_a_directory_hides_is_not_made_up() {
        let done = [
            element(INTEGER, &[1]),
            element(SEARCH_DONE, b"\x0a\x01\x32\x04\0\x04\0"),
        ]
        .concat();
        let heard = element(SEQUENCE, &done);
        assert!(is_message(&heard));
        assert_eq!(tells(&heard), ServiceAnswer::default());
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let seed = entry(&[("namingContexts", &["dc=corp,dc=example", "cn=x"])]);
        groma_fuzz::hammer(10_000, &[&seed, &question()], |bytes| {
            let _ = (is_message(bytes), is_whole(bytes), tells(bytes));
        });
    }
}
