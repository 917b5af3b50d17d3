//! What the domain name system says about a domain: its mail, its directory, its calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{HostName, Peer};

/// What a set of records is for.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailPurpose {
    /// Who answers for the domain (NS).
    NameServer,
    /// Who takes mail for it (MX; RFC 5321 §5.1).
    Exchanger,
    /// The addresses of a machine that one of its records names.
    Address,
    /// Who may send in its name (RFC 7208).
    Spf,
    /// The key its mail is signed with (RFC 6376).
    Dkim,
    /// What others do with mail that fails both (RFC 7489).
    Dmarc,
    /// That others must use TLS to reach it (RFC 8461).
    MtaSts,
    /// Where others report that TLS failed (RFC 8460).
    TlsReport,
    /// The certificate its exchanger must show (RFC 7672).
    Tlsa,
    /// The names of an address that takes or sends mail (PTR; RFC 1912 §2.1).
    Reverse,
    /// Where mail programs find their settings.
    Autodiscover,
    /// A service of mail by name (SRV; RFC 6186, RFC 8314).
    Service,
    /// Which server holds the zone itself: the primary name of its SOA (RFC 1035 §3.3.13).
    Origin,
    /// Where machines find their directory: Kerberos, LDAP, the global catalogue (SRV; RFC 4120 §7.2.3, RFC 2782).
    DirectoryService,
    /// Where calls and chats of others go: SIP, XMPP (SRV; RFC 3263, RFC 6120 §3.2.1).
    CallService,
}

impl MailPurpose {
    /// The word a mail administrator uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameServer => "NS",
            Self::Exchanger => "MX",
            Self::Address => "A/AAAA",
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::MtaSts => "MTA-STS",
            Self::TlsReport => "TLS-RPT",
            Self::Tlsa => "TLSA",
            Self::Reverse => "PTR",
            Self::Autodiscover => "autodiscover",
            Self::Service => "SRV",
            Self::Origin => "SOA",
            Self::DirectoryService => "SRV of the directory",
            Self::CallService => "SRV of calls and chat",
        }
    }

    /// True if mail hangs on it; false for what is asked about the same domain beside it.
    pub const fn is_of_mail(self) -> bool {
        !matches!(
            self,
            Self::Origin | Self::DirectoryService | Self::CallService
        )
    }
}

/// One set of records about the mail or the services of a domain, as one vantage was told them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailRecord {
    /// The domain it is about.
    pub domain: HostName,
    /// What it is for.
    pub purpose: MailPurpose,
    /// The name at which it stands, as `_dmarc.example.org`.
    pub asked: HostName,
    /// The values as a zone file writes them, sorted. Empty: there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The machines it names, sorted; those that SPF includes are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
    /// The zone's time to live in seconds, where a server that speaks for the zone told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// SPF: how many terms make a receiver ask again, all includes followed (RFC 7208 §4.6.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookups: Option<u32>,
    /// What a receiver would stumble over, in words, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}
