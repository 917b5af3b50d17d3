//! Who hands mail to a server, as its own log tells it, and what that server lets through, as its own files say.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::name::{Port, Protection};

/// Messages alike that one client handed to the mail server at the vantage, or tried to. How many, when, in which hours
/// and how many bytes stands in [`Seen`](crate::Seen): by the log's own times.
///
/// No address of a person is in it: of senders and recipients the domain is kept, and of a sender's local part the word
/// of ours that it holds (`scan`), never the part itself.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct MailUse {
    /// The address of the client.
    pub peer: IpAddr,
    /// The port it called, where the log or the server's files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The product whose log it is, as `Postfix`.
    pub product: String,
    /// What the client says it is (HELO, EHLO), if that is a name or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    /// The account it logged on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// How that was proven: `PLAIN`, `CRAM-MD5`. Without an account: there were too many to be the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// How it was protected, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// The version of TLS, as `TLSv1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// True if it showed a certificate that the server trusts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certificate: bool,
    /// Domain of the envelope sender, lower case; empty for a report (`<>`) or a bare local part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// A word for devices or programs that the sender's local part holds, as groma's knowledge spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_word: Option<String>,
    /// Domains of the recipients, sorted; more than a few are one entry with the name `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<MailRecipients>,
    /// Why the server did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<MailRefusal>,
    /// The file that says so, without the number or date of its rotation.
    pub log: Foreign,
}

/// Recipients of one domain.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct MailRecipients {
    /// The domain, lower case; `*` for many, empty for a bare local part.
    pub domain: String,
    /// True if the server put mail for it into a mailbox of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delivered_here: bool,
}

/// Why mail was not taken.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailRefusal {
    /// The client may not send to others' domains.
    RelayDenied,
    /// The client itself is not wanted.
    ClientRejected,
    /// What it says it is.
    HeloRejected,
    /// The sender's address.
    SenderRejected,
    /// The recipient's address.
    RecipientRejected,
    /// Account or password are wrong.
    LogonFailed,
    /// It must use TLS and does not.
    NeedsTls,
    /// The two do not agree on a version or cipher of TLS.
    TlsFailed,
    /// The message: too large, or a filter did not like it.
    ContentRejected,
    /// Another reason.
    Other,
}

impl MailRefusal {
    /// The word documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RelayDenied => "relay-denied",
            Self::ClientRejected => "client-rejected",
            Self::HeloRejected => "helo-rejected",
            Self::SenderRejected => "sender-rejected",
            Self::RecipientRejected => "recipient-rejected",
            Self::LogonFailed => "logon-failed",
            Self::NeedsTls => "needs-tls",
            Self::TlsFailed => "tls-failed",
            Self::ContentRejected => "content-rejected",
            Self::Other => "other",
        }
    }
}

/// What a mail server takes and for whom it passes mail on, as its own files say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailServer {
    /// The product, as `Postfix`.
    pub product: String,
    /// Domains it takes mail for, lower case, sorted. `.example.com` stands for everything below it, `*` for every domain.
    pub domains: Vec<String>,
    /// False if more are named in places that were not read (a database): a domain that is not listed may be one of them.
    pub domains_complete: bool,
    /// Who may send through it to anybody, in the order of the settings.
    pub allows: Vec<RelayRule>,
    /// Ports whose service has settings of its own: there, of the entries only those with that port count. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_ports: Vec<Port>,
}

/// What makes a server pass mail on for a client.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RelayBy {
    /// Its address alone.
    Address,
    /// An account.
    Account,
    /// A certificate.
    Certificate,
}

/// One entry that lets clients send through a server.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct RelayRule {
    /// What it asks for.
    pub by: RelayBy,
    /// The entry as it is written: `10.20.0.0/16`, `permit_sasl_authenticated`.
    pub entry: String,
    /// The setting that holds it: `mynetworks`.
    pub setting: String,
    /// The file it is written in; absent where the product's default says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Foreign>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The port whose service has this entry in settings of its own; absent for what counts on every other port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
}

impl RelayRule {
    /// True if the entry counts for who calls `port` of a server whose services on `own_ports` have settings of their own.
    pub fn counts_at(&self, port: Option<Port>, own_ports: &[Port]) -> bool {
        match port {
            Some(port) if own_ports.contains(&port) => self.port == Some(port),
            _ => self.port.is_none(),
        }
    }

    /// How many leading bits of an address the entry asks for, if it names addresses: `10.0.0.0/8` asks for 8 of 32.
    /// `None` for what is no network of addresses, and for what is denied (`!10.0.0.1`).
    pub fn network(&self) -> Option<(IpAddr, u8)> {
        let text = self.entry.trim().replace(['[', ']'], "");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = padded(address).parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        // A table of clients names a network by its first numbers: `10.20` (access(5)).
        let named = match text.matches('.').count() {
            dots @ 0..3 if address.is_ipv4() => 8 * (u8::try_from(dots).ok()? + 1),
            _ => most,
        };
        Some((address, bits.unwrap_or(named))).filter(|(_, bits)| *bits <= most)
    }

    /// True for an entry that lets every client of a family through: `0.0.0.0/0`, `*`, Postfix's `permit`.
    pub fn is_everybody(&self) -> bool {
        self.by == RelayBy::Address
            && (matches!(self.entry.as_str(), "*" | "permit")
                || self.network().is_some_and(|(_, bits)| bits == 0))
    }

    /// True if the entry names a network and `peer` lies in it.
    pub fn covers(&self, peer: IpAddr) -> bool {
        if matches!(self.entry.as_str(), "*" | "permit") {
            return true;
        }
        let same = |one: &[u8], other: &[u8], bits: u8| {
            let (whole, rest) = (usize::from(bits / 8), bits % 8);
            let part = |bytes: &[u8]| {
                bytes
                    .get(whole)
                    .map(|b| if rest == 0 { 0 } else { b >> (8 - rest) })
            };
            one.get(..whole) == other.get(..whole) && (rest == 0 || part(one) == part(other))
        };
        match (self.network(), peer.to_canonical()) {
            (Some((IpAddr::V4(net), bits)), IpAddr::V4(peer)) => {
                same(&net.octets(), &peer.octets(), bits)
            }
            (Some((IpAddr::V6(net), bits)), IpAddr::V6(peer)) => {
                same(&net.octets(), &peer.octets(), bits)
            }
            _ => false,
        }
    }
}

/// `10.20` of an older notation (`10.20/16`) as a whole address.
fn padded(address: &str) -> String {
    let dots = address.matches('.').count();
    let digits = address.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match digits && !address.is_empty() && dots < 3 && !address.ends_with('.') {
        true => format!("{address}{}", ".0".repeat(3 - dots)),
        false => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(entry: &str) -> RelayRule {
        RelayRule {
            by: RelayBy::Address,
            entry: entry.to_owned(),
            setting: "mynetworks".to_owned(),
            file: None,
            line: None,
            port: None,
        }
    }

    #[test]
    fn an_entry_covers_what_lies_in_it() {
        for (entry, inside, outside) in [
            ("10.20.0.0/16", "10.20.255.1", "10.21.0.1"),
            ("10.20.1.8/29", "10.20.1.15", "10.20.1.16"),
            ("192.168.3.4", "192.168.3.4", "192.168.3.5"),
            ("10.20/16", "10.20.3.4", "10.2.3.4"),
            ("10.20", "10.20.3.4", "10.21.3.4"),
            ("[fd20:1::]/32", "fd20:1:5::1", "fd20:2::1"),
            ("[::ffff:127.0.0.0]/104", "::ffff:0:0", "::fffe:7f00:1"),
        ] {
            if let Ok(inside) = inside.parse::<IpAddr>()
                && inside == inside.to_canonical()
            {
                assert!(rule(entry).covers(inside), "{entry}");
            }
            assert!(!rule(entry).covers(outside.parse().unwrap()), "{entry}");
        }
        assert!(rule("0.0.0.0/0").covers("8.8.8.8".parse().unwrap()));
        assert!(!rule("0.0.0.0/0").covers("fd20::1".parse().unwrap()));
        for none in [
            "permit_sasl_authenticated",
            "!10.0.0.1",
            "10.0.0.0/33",
            "",
            "x/8",
        ] {
            assert_eq!(rule(none).network(), None, "{none}");
        }
    }
}
