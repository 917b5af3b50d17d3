//! Names, addresses, ports: parsed once at the edge, trusted afterwards.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::short_text::ShortText;

/// A port number, in host byte order.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Port(pub u16);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How bytes travel.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Transmission control protocol.
    Tcp,
    /// User datagrams.
    Udp,
}

impl Transport {
    /// `tcp` or `udp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A host name: lower case, no final dot, letters of host names plus `_`, at most 253 octets (RFC 1123 §2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(#[schemars(with = "String")] ShortText);

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostName").field(&self.as_str()).finish()
    }
}

/// The text cannot be a host name.
#[derive(Debug, thiserror::Error)]
#[error("read {text:?} as a host name")]
pub struct NotAHostName {
    text: String,
}

impl HostName {
    /// Parses a host name; an address, an empty label, a wildcard or a foreign character is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > 253 {
            return None;
        }
        let (mut label, mut numeric, mut upper, mut before) = (0, true, false, b'.');
        for byte in text.bytes() {
            match byte {
                b'.' if ends_label(label, before) => (label, numeric) = (0, true),
                b'-' if label > 0 => (label, numeric) = (label + 1, false),
                b'_' => (label, numeric) = (label + 1, false),
                _ if byte.is_ascii_alphanumeric() => {
                    label += 1;
                    numeric &= byte.is_ascii_digit();
                    upper |= byte.is_ascii_uppercase();
                }
                _ => return None,
            }
            before = byte;
        }
        // An address needs no test of its own: one of IPv4 ends in a number, one of IPv6 has colons.
        if numeric || !ends_label(label, before) {
            return None;
        }
        if upper {
            return Some(Self(ShortText::new(&text.to_ascii_lowercase())));
        }
        Some(Self(ShortText::new(text)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first label: `mail1` of `mail1.corp.example`.
    pub fn short(&self) -> &str {
        self.as_str().split('.').next().unwrap_or(self.as_str())
    }

    /// True if it has more than one label.
    pub fn is_qualified(&self) -> bool {
        self.as_str().contains('.')
    }

    /// True for names that mean this machine everywhere: `localhost` and below (RFC 6761 §6.3).
    pub fn is_loopback(&self) -> bool {
        let name = self.as_str();
        matches!(
            name,
            "localhost"
                | "localhost.localdomain"
                | "ip6-localhost"
                | "ip6-loopback"
                | "localhost4"
                | "localhost6"
        ) || name.ends_with(".localhost")
    }
}

/// True if a label of that many letters may end with `last`.
fn ends_label(letters: u8, last: u8) -> bool {
    (1..=63).contains(&letters) && last != b'-'
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for HostName {
    type Error = NotAHostName;
    fn try_from(text: String) -> Result<Self, NotAHostName> {
        Self::parse(&text).ok_or(NotAHostName { text })
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.as_str().to_owned()
    }
}

/// Whom a reference or a connection points at: an address literal, or a name.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// An address: it will not follow a DNS change.
    Address(IpAddr),
    /// A name somebody has to resolve.
    Name(HostName),
}

impl Peer {
    /// Parses an address (also in brackets) or a host name.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        // Names are far more frequent than addresses, which end in a digit or have colons.
        let may_be_address = bare.ends_with(|c: char| c.is_ascii_digit()) || bare.contains(':');
        if may_be_address && let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        HostName::parse(text).map(Self::Name)
    }

    /// True if it can only mean the machine that says it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name.is_loopback(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// What protects the bytes of a connection, as far as is known.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Clear text.
    None,
    /// Upgraded on the same port.
    Starttls,
    /// TLS from the first byte.
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_parsed_once_and_trusted() {
        assert_eq!(
            HostName::parse("Mail1.Corp.Example.").unwrap().as_str(),
            "mail1.corp.example"
        );
        for bad in [
            "",
            ".",
            "a..b",
            "-a",
            "10.0.0.1",
            "*.corp.example",
            "a b",
            "1.2.3",
            "x/y",
        ] {
            assert!(HostName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        assert_eq!(Peer::parse("::ffff:10.0.0.1"), Peer::parse("10.0.0.1"));
        assert_eq!(Peer::parse("[fd00::1]").unwrap().to_string(), "fd00::1");
    }
}
