//! Names, addresses, ports: parsed once at the edge, trusted afterwards.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

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
        let fits = !text.is_empty() && text.len() <= 253 && text.parse::<IpAddr>().is_err();
        let last = text.rsplit('.').next().unwrap_or_default();
        let numeric = last.bytes().all(|b| b.is_ascii_digit());
        if !fits || numeric || !text.split('.').all(is_label) {
            return None;
        }
        Some(Self(text.to_ascii_lowercase()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label: `mail1` of `mail1.corp.example`.
    pub fn short(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// True if it has more than one label.
    pub fn is_qualified(&self) -> bool {
        self.0.contains('.')
    }

    /// True for names that mean this machine everywhere: `localhost` and below (RFC 6761 §6.3).
    pub fn is_loopback(&self) -> bool {
        let name = self.0.as_str();
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

fn is_label(label: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    let bytes = label.as_bytes();
    (1..=63).contains(&bytes.len())
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
        name.0
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
        if let Ok(address) = bare.parse::<IpAddr>() {
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
