//! What a text has the form of.

use std::net::IpAddr;

pub(crate) fn is_account(kind: &str) -> bool {
    matches!(kind, "account" | "person" | "mailbox")
}

/// True for the authorities whose accounts every Windows machine has.
pub(crate) fn is_authority(domain: &str) -> bool {
    let domain = domain.to_lowercase();
    matches!(
        domain.as_str(),
        "nt authority" | "builtin" | "nt service" | "window manager"
    )
}

pub(crate) fn is_numbers(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || mac(text).is_some()
}

/// True for text that can only be a path. One that begins with a word is none: `25/tcp`.
pub(crate) fn is_path(text: &str) -> bool {
    let drive = text.get(1..3) == Some(":\\") || text.get(1..3) == Some(":/");
    text.starts_with(['/', '\\']) || text.starts_with("~/") || text.starts_with("./") || drive
}

/// True for letters that a host name may have, in labels that are none of them empty; the last is no number.
pub(crate) fn is_host_name(text: &str) -> bool {
    let bare = text.strip_suffix('.').unwrap_or(text);
    let bare = bare
        .strip_prefix("*.")
        .or(bare.strip_prefix('.'))
        .unwrap_or(bare);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = bare.rsplit('.').next().unwrap_or_default();
    bare.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// True for digits of a digest, a UUID or the id of a machine.
pub(crate) fn is_digest(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| *c != '-' && *c != ':').collect();
    let uuid = text.len() == 36 && text.matches('-').count() == 4;
    is_hex(&bare, 16) && (uuid || bare.len() == text.len() || bare.len() >= 32)
}

pub(crate) fn is_hex(text: &str, least: usize) -> bool {
    text.len() >= least && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Six pairs with colons or dashes.
pub(crate) fn mac(text: &str) -> Option<[u8; 6]> {
    if text.len() != 17 {
        return None;
    }
    let mark = if text.contains('-') { '-' } else { ':' };
    let pairs = text.split(mark).filter(|pair| pair.len() == 2);
    let bytes: Vec<u8> = pairs
        .map_while(|pair| u8::from_str_radix(pair, 16).ok())
        .collect();
    bytes.try_into().ok()
}

/// True for the types of attributes that names in directories and certificates have.
pub(crate) fn is_attribute(kind: &str) -> bool {
    let kind = kind.trim().to_lowercase();
    let number = kind.contains('.') && kind.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    number
        || matches!(
            kind.as_str(),
            "cn" | "ou"
                | "o"
                | "dc"
                | "c"
                | "l"
                | "st"
                | "uid"
                | "street"
                | "sn"
                | "gn"
                | "givenname"
                | "surname"
                | "serialnumber"
                | "emailaddress"
                | "email"
                | "title"
                | "postalcode"
                | "organizationidentifier"
                | "krbprincipalname"
                | "fqdn"
                | "cncn"
        )
}

/// True for containers that every directory has.
pub(crate) fn is_container(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    matches!(
        value.as_str(),
        "users"
            | "computers"
            | "builtin"
            | "configuration"
            | "schema"
            | "services"
            | "sites"
            | "domain controllers"
            | "config"
            | "monitor"
            | "people"
            | "groups"
            | "system"
            | "program data"
            | "accounts"
            | "hosts"
            | "etc"
    )
}

/// `text` at every `mark` that no backslash stands before.
pub(crate) fn split_unescaped(text: &str, mark: char) -> Vec<&str> {
    let (mut out, mut begin, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == mark && !escaped {
            out.extend(text.get(begin..at));
            begin = at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    out.extend(text.get(begin..));
    out
}
