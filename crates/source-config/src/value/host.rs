//! One host in a text, perhaps with a port.

use std::net::IpAddr;

use groma_model::{HostName, Peer, Port};

/// Words that stand where a host could and name none.
const NOBODY: &[&str] = &[
    "none",
    "null",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "any",
    "all",
    "default",
    "auto",
    "host",
    "hostname",
    "server",
    "servername",
    "changeme",
    "undefined",
    "unset",
    "required",
    "optional",
    "tcp",
    "udp",
    "unix",
    "file",
    "local",
    "socket",
    "dummy",
    "placeholder",
    "todo",
    "fixme",
    "tbd",
    "example",
    "disabled",
    "enabled",
    "empty",
    "self",
    "static",
    "sqlite",
    "memory",
    "inherit",
    "ipv4",
    "ipv6",
    "invalid",
    "automatic",
    "unknown",
    "and",
    "or",
    "not",
    "the",
    "is",
    "if",
    "else",
    "_srv_",
];

/// True if `text` is no name but a hole for one: `@HOST@`, `{{ host }}`, `<host>`, `YOUR_SERVER`, `DB_HOST`.
fn is_placeholder(text: &str) -> bool {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return false;
    }
    let mark = |b: u8| {
        matches!(
            b,
            b'$' | b'{'
                | b'}'
                | b'<'
                | b'>'
                | b'@'
                | b'%'
                | b'*'
                | b'('
                | b')'
                | b'|'
                | b'\\'
                | b'`'
        )
    };
    let marked = text.bytes().any(mark);
    let shouted = text.contains('_')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let yours = [
        "your-",
        "your_",
        "yourdomain",
        "yourserver",
        "yourhost",
        "my.server",
        "change-me",
        "change_me",
        "replace",
    ]
    .iter()
    .any(|p| {
        text.get(..p.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(p))
    });
    marked
        || shouted
        || yours
        || (!text.contains('.') && NOBODY.iter().any(|n| n.eq_ignore_ascii_case(text)))
}

/// `host`, `host:port`, `[host]`, `[host]:port`, a bare IPv6 address. `None` for what names nobody:
/// placeholders, unspecified and broadcast addresses, words like `none`.
pub(crate) fn host_and_port(text: &str) -> Option<(Peer, Option<Port>)> {
    plain(text).or_else(|| any_host_and_port(text))
}

/// The most common shape, told by one look at every letter: a qualified name in lower case, perhaps with a port.
/// `None` says nothing: it may be a host of another shape, or what names nobody.
fn plain(text: &str) -> Option<(Peer, Option<Port>)> {
    // Words that stand for no host, holes for one and versions begin with one of these, or with a digit.
    let first = text.bytes().next()?;
    if !first.is_ascii_lowercase() || matches!(first, b'c' | b'm' | b'r' | b'v' | b'y') {
        return None;
    }
    let of_name = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    let length = text.bytes().take_while(of_name).count();
    let (host, rest) = text.split_at_checked(length)?;
    let port = match rest.strip_prefix(':') {
        Some(digits) => Some(port(digits)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let is_qualified = memchr::memchr(b'.', host.as_bytes()).is_some();
    let name = HostName::parse(host).filter(|_| is_qualified)?;
    Some((Peer::Name(name), port))
}

/// An address that was read already, unless it names nobody.
pub(crate) fn address(address: IpAddr) -> Option<Peer> {
    let address = address.to_canonical();
    let nobody = address.is_unspecified()
        || address.is_multicast()
        || is_broadcast(&address)
        || is_unassigned(&address);
    (!nobody).then_some(Peer::Address(address))
}

/// True for an IPv6 address that no machine can have: outside the blocks of the IANA registry for unicast (RFC 4291 §2.4), such
/// as `21::`, which is a port between two empty fields.
fn is_unassigned(address: &IpAddr) -> bool {
    let IpAddr::V6(v6) = address else {
        return false;
    };
    let block = v6.segments()[0];
    let global = 0x2000..=0x3fff;
    let local = 0xfc00..=0xfdff;
    // Link-local addresses, and the site-local ones of old.
    let near = 0xfe80..=0xfeff;
    let translated = 0x0064;
    !(v6.is_loopback()
        || global.contains(&block)
        || local.contains(&block)
        || near.contains(&block)
        || block == translated)
}

fn any_host_and_port(text: &str) -> Option<(Peer, Option<Port>)> {
    let text = text.trim().trim_matches(['"', '\'', ',', ';']);
    if text.len() > 280 {
        return None;
    }
    // The common case first: one colon and digits behind it.
    if let Some((host, digits)) = text
        .split_once(':')
        .filter(|(h, d)| !h.starts_with('[') && !d.contains(':'))
    {
        return Some((peer(host)?, Some(port(digits)?)));
    }
    if let Some(peer) = peer(text) {
        return Some((peer, None));
    }
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        let port = match rest.strip_prefix(':') {
            Some(digits) => Some(port(digits)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return Some((peer(host)?, port));
    }
    None
}

fn peer(text: &str) -> Option<Peer> {
    // A zone (`fe80::1%eth0`) belongs to this machine alone.
    let zone = if text.contains(':') {
        text.split_once('%')
    } else {
        None
    };
    let bare = zone.map_or(text, |(address, _)| address);
    if is_placeholder(bare) {
        return None;
    }
    let peer = Peer::parse(bare)?;
    match peer {
        Peer::Address(found) => address(found),
        Peer::Name(name) if is_version(name.as_str()) => None,
        Peer::Name(_) => Some(peer),
    }
}

fn is_broadcast(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0 || is_mask(u32::from(*v4)))
}

/// True for the network masks 255.0.0.0 to 255.255.255.255.
fn is_mask(bits: u32) -> bool {
    bits >> 24 == 255 && bits.leading_ones() + bits.trailing_zeros() == 32
}

/// `v1.2`, `1.2rc3`: a version, not a name.
fn is_version(name: &str) -> bool {
    let digits = name.strip_prefix('v').unwrap_or(name);
    digits.contains('.')
        && digits.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && digits.bytes().filter(|b| b.is_ascii_alphabetic()).count() < 3
}

/// A port number from 1 to 65535.
pub(crate) fn port(digits: &str) -> Option<Port> {
    digits
        .trim()
        .parse::<u16>()
        .ok()
        .filter(|p| *p != 0)
        .map(Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        host_and_port(text).map(|(peer, port)| format!("{peer} {}", port.map_or(0, |p| p.0)))
    }

    #[test]
    fn hosts_are_read_with_and_without_port() {
        assert_eq!(shown("mail1.corp"), Some("mail1.corp 0".into()));
        assert_eq!(shown("mail1:587"), Some("mail1 587".into()));
        assert_eq!(shown("[mail1]:587"), Some("mail1 587".into()));
        assert_eq!(shown("fd00::5"), Some("fd00::5 0".into()));
        assert_eq!(shown("2a01::5"), Some("2a01::5 0".into()));
        assert_eq!(shown("[fd00::5]:389"), Some("fd00::5 389".into()));
        assert_eq!(shown("127.0.0.1"), Some("127.0.0.1 0".into()));
    }

    #[test]
    fn what_names_nobody_is_silent() {
        for text in [
            "21::",
            "[10::1]:80",
            "",
            "none",
            "@HOST@",
            "{{ host }}",
            "<hostname>",
            "${X}",
            "YOUR_HOST",
            "DB_HOST",
            "0.0.0.0",
            "255.255.255.0",
            "239.0.0.1",
            "host:port",
            "a:b:c",
            "1.2.3",
            "v1.2",
            "*.corp",
            "true",
            "mail1:0",
            "mail1:99999",
            "255.255.255.255",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
