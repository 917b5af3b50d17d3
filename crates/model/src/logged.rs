//! What services wrote down about who used them: the only trace of a client that calls once a month.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::fact::Direction;
use crate::name::{HostName, Port, Protection, Transport};

/// The product of logons that the records of a machine tell (utmp(5)) and not the service that let somebody in.
pub const REMOTE_LOGONS: &str = "remote logon (wtmp)";

/// A client and a service that used each other, as the log on this machine tells it. When and how often stands in
/// [`Seen`](crate::Seen): the log's own times, with the hours of the week.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoggedUse {
    /// Incoming: the other machine used a service of this one. Outgoing: this one used the other's.
    pub direction: Direction,
    /// Kind of dependency of whoever called.
    pub kind: String,
    /// The address of the other machine.
    pub peer: IpAddr,
    /// The name by which the service was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HostName>,
    /// The port that was called; absent where the product serves several and its log does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// The product whose log it is, as `OpenLDAP`.
    pub product: String,
    /// The account that was used; empty for nobody (an anonymous bind).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// How it was proven: `simple`, `GSSAPI`, `PLAIN`, `publickey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// What the client says it is (the first word of a user agent): `curl`, `Mozilla` for every browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The share of a file server that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Foreign>,
    /// How it was protected, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// The file that says so, without the number or date of its rotation.
    pub log: Foreign,
}

impl LoggedUse {
    /// True if a record of a terminal tells it. It knows neither account nor mechanism, and nothing of a use without a
    /// terminal; the log of the service may tell the very same logon.
    pub fn is_record(&self) -> bool {
        self.product == REMOTE_LOGONS
    }
}

/// Where a client searches in a directory of this machine, and by which attributes, as its log tells it. When and how often
/// stands in [`Seen`](crate::Seen).
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct LoggedSearch {
    /// Kind of dependency of whoever searches.
    pub kind: String,
    /// The address of the client.
    pub peer: IpAddr,
    /// The port that was called, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The product whose log it is, as `OpenLDAP`.
    pub product: String,
    /// The account that was used; empty for nobody (an anonymous bind).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// Where it begins, from the last unit on: what stands before may be a person, and three dots stand for it.
    pub base: Foreign,
    /// Names of the attributes it searches by, sorted; of their values none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Foreign>,
    /// The file that says so, without the number or date of its rotation.
    pub log: Foreign,
}
