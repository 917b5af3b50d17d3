//! Distinguished names as RFC 4514 text: last relative name first, special characters escaped.

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

/// A name as text, as `CN=mail1.corp.example,O=Example`.
pub(crate) fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name.iter().map(relative_name).collect();
    parts.reverse();
    parts.join(",")
}

fn relative_name(name: &RelativeDistinguishedName<'_>) -> String {
    let parts: Vec<String> = name.iter().map(attribute).collect();
    parts.join("+")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let key = short_key(&oid).unwrap_or(&oid);
    match decoded(attribute.attr_value()) {
        Some(text) => format!("{key}={}", escaped(&text)),
        None => format!(
            "{key}=#{}",
            groma_model::foreign::hex(attribute.attr_value().data)
        ),
    }
}

/// Short names of RFC 4514 §3, and those every tool prints besides them.
fn short_key(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

fn decoded(value: &Any<'_>) -> Option<String> {
    let data = value.data;
    match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => Some(String::from_utf8_lossy(data).into_owned()),
        // In practice Latin-1 stands in these, whatever T.61 says.
        Tag::T61String => Some(data.iter().map(|&b| char::from(b)).collect()),
        Tag::BmpString => {
            let units = data
                .chunks_exact(2)
                .filter_map(|pair| pair.try_into().ok())
                .map(u16::from_be_bytes);
            Some(
                char::decode_utf16(units)
                    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// Escapes a value (RFC 4514 §2.4). Control characters become `\0A` and the like.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        let edge = (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ');
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', c]),
            _ if edge => text.extend(['\\', c]),
            _ if c.is_ascii_control() => text.push_str(&format!("\\{:02X}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_escaped_where_they_matter() {
        assert_eq!(escaped("Sue, Grabbit and Runn"), "Sue\\, Grabbit and Runn");
        assert_eq!(escaped(" #a "), "\\ #a\\ ");
        assert_eq!(escaped("a\nb"), "a\\0Ab");
    }
}
