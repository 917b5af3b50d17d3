//! What answered at a port when it was asked from outside, and how it showed what it is.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{Port, Transport};

/// A service as the network shows it. Nothing volatile stands here: no counter, no session, no time of the server.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct ServiceAnswer {
    /// What is spoken there: `ssh`, `smtp`, `http`, `ldap`, `smb`, `rdp`, …; `tls` where what lies within is not known.
    pub protocol: String,
    /// The version of TLS, if it is spoken from the first byte: `TLS 1.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// True if the protocol offers to begin TLS within it (STARTTLS and its kin); absent where that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers_tls: Option<bool>,
    /// The product, as it names itself or as its answers are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Its version, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The system it says it runs on, as `Debian` or `Windows 10.0.20348`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// How sure it is.
    pub basis: AnswerBasis,
    /// The first bytes that prove it, what cannot be printed as `\xNN`; at most 160 letters.
    pub proof: String,
    /// Names the machine gives itself there: the greeting of a mail server, the computer name of a logon protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The domain or directory it says it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Fingerprints of host keys whose private half it proved to hold, as `SHA256:…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_keys: Vec<String>,
    /// What it says it wants of whoever comes: the realm of a web server, mechanisms of a mail server or directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks_for: Vec<String>,
    /// Where it sends whoever comes, without path and query: `https://mail.corp.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// The title of its first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it answers for: naming contexts of a directory, zones of a name server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers_for: Vec<String>,
}

/// How sure a word about a service is.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerBasis {
    /// The server named its product itself.
    Named,
    /// The form of its answer is that of this protocol and of no other.
    #[default]
    Form,
}

/// An open port of another machine, and what spoke there.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct SeenService {
    /// The address that was asked.
    pub address: IpAddr,
    /// The port that was asked.
    pub port: Port,
    /// Transport.
    pub transport: Transport,
    /// What it answered.
    #[serde(flatten)]
    pub answer: ServiceAnswer,
}

impl SeenService {
    /// One line a person understands.
    pub(crate) fn says(&self) -> String {
        let answer = &self.answer;
        let product = answer.product.as_deref().unwrap_or("something unnamed");
        let version = answer.version.as_deref().map(|v| format!(" {v}"));
        let tls = answer.tls.as_deref().map(|t| format!(" within {t}"));
        format!(
            "{}:{} speaks {}{}: {product}{} ({})",
            self.address,
            self.port,
            answer.protocol,
            tls.unwrap_or_default(),
            version.unwrap_or_default(),
            answer.proof
        )
    }
}
