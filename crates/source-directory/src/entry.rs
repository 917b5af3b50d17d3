//! One entry of a directory, as bytes; who reads an attribute knows what they mean.

use ldap3::asn1::{PL, StructureTag};

/// Values of one attribute that are kept.
const VALUES_MAX: usize = 20_000;

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    /// Distinguished name.
    pub(crate) dn: String,
    /// Attribute (lower case, options such as `;range=` kept) and its values.
    pub(crate) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Reads what the library made of a search entry; `None` if it has another shape.
    pub(crate) fn of(tag: StructureTag) -> Option<Self> {
        let mut parts = constructed(tag)?.into_iter();
        let dn = String::from_utf8_lossy(&primitive(parts.next()?)?).into_owned();
        let mut attributes = Vec::new();
        for attribute in constructed(parts.next()?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let name = String::from_utf8_lossy(&primitive(parts.next()?)?).to_ascii_lowercase();
            let values = constructed(parts.next()?)?;
            let values = values.into_iter().take(VALUES_MAX).filter_map(primitive);
            attributes.push((name, values.collect()));
        }
        Some(Self { dn, attributes })
    }

    /// The values of `name` (any case), in the order they came.
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        let hit = self
            .attributes
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        hit.map_or(&[], |(_, values)| values)
    }

    /// The first value as bytes.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }

    /// The values that are text, cleaned of control characters.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = String> {
        self.values(name).iter().filter_map(|value| {
            let text = std::str::from_utf8(value).ok()?;
            let text: String = text
                .chars()
                .filter(|c| !c.is_control())
                .take(1024)
                .collect();
            (!text.is_empty()).then_some(text)
        })
    }

    /// The first value that is text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    /// The first value as a number, as LDAP writes one: decimal digits, perhaps a sign.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    /// True if it is of this class.
    pub(crate) fn is(&self, class: &str) -> bool {
        self.texts("objectClass")
            .any(|c| c.eq_ignore_ascii_case(class))
    }

    /// The value of the first part of its name: `DC1` of `CN=DC1,OU=…`.
    pub(crate) fn first_name(&self) -> String {
        names(&self.dn)
            .first()
            .map(|(_, v)| v.clone())
            .unwrap_or_default()
    }
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

/// The parts of a distinguished name from the leaf up (RFC 4514): type in upper case, value unescaped. Of a part with
/// several types only the first; at most 128 parts.
pub(crate) fn names(dn: &str) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    for part in split(dn) {
        let Some((kind, value)) = part.split_once('=') else {
            continue;
        };
        parts.push((kind.trim().to_ascii_uppercase(), unescaped(value.trim())));
        if parts.len() == 128 {
            break;
        }
    }
    parts
}

fn split(dn: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut escaped) = (0, false);
    for (at, c) in dn.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' | '+' => {
                parts.extend(dn.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(dn.get(begin..));
    parts
}

/// `\,` and `\2C` become a comma; bytes that make no UTF-8 become a replacement character.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let pair = rest.get(..2).and_then(|p| std::str::from_utf8(p).ok());
        if let Some(byte) = pair.and_then(|p| u8::from_str_radix(p, 16).ok()) {
            bytes.push(byte);
            rest = rest.get(2..).unwrap_or_default();
        } else if let [next, tail @ ..] = rest {
            bytes.push(*next);
            rest = tail;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().filter(|c| !c.is_control()).collect()
}

/// `corp.example` of `…,DC=corp,DC=example`; the name itself, lower case, where it has no such parts.
pub(crate) fn domain_of(dn: &str) -> String {
    let parts = names(dn);
    let labels: Vec<String> = parts
        .iter()
        .filter(|(kind, _)| kind == "DC")
        .map(|(_, value)| value.to_lowercase())
        .collect();
    match labels.is_empty() {
        true => dn.to_lowercase(),
        false => labels.join("."),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let parts = names("CN=Print\\, third floor,OU=a\\2Bb,DC=Corp,DC=example");
        assert_eq!(parts[0], ("CN".into(), "Print, third floor".into()));
        assert_eq!(parts[1].1, "a+b");
        assert_eq!(domain_of("OU=x,DC=Corp,DC=example"), "corp.example");
        assert_eq!(domain_of("o=Acme"), "o=acme");
    }

    proptest! {
        #[test]
        fn any_name_is_taken_apart(dn in ".{0,200}") {
            let _ = (names(&dn), domain_of(&dn));
        }
    }
}
