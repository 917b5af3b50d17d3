//! What the log of another machine reports, where an operator carried it here: event logs and text logs of Windows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::mail_use::{MailRecipients, MailRefusal};
use crate::name::{HostName, Peer, Port, Protection, Transport};

/// The product of a row that tells that a machine was looked for by its name of NetBIOS.
pub const NETBIOS_NAMES: &str = "NetBIOS names";

/// One machine used a service of another, as an exported log tells it: neither need be the machine that was looked at.
/// When and how often stands in [`Seen`](crate::Seen): the log's own times, with the hours of the week.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct ReportedUse {
    /// Who used it. The same as `provider` for an account that works on its machine by itself (a service, a job).
    pub consumer: Peer,
    /// Who was used.
    pub provider: Peer,
    /// Kind of dependency.
    pub kind: String,
    /// The port that was called, where the log or the kind of event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// The product whose log it is, as `Active Directory`.
    pub product: String,
    /// The account that was used; empty for nobody (an anonymous bind).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// How it was proven: `SIMPLE`, `Kerberos`, `NTLM`; `service` and `batch` for what works by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// What the client says it is (the first word of a user agent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The kind of program that reads mail, in words of groma's knowledge: `iPhone or iPad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How it was protected, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// What was used there: an account of a service, a service principal, a connector, a part of a web server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Foreign>,
    /// What was searched in a directory: where it begins, and the names of the attributes asked for, without values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<Foreign>,
    /// True if it was tried and refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// The name by which the service was called, where it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HostName>,
    /// The version of TLS, as `TLSv1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// What the messages were that came that way, where the log is a mail server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Box<ReportedMail>>,
    /// The file that says so.
    pub log: Foreign,
}

/// Messages alike that were handed to a mail server, or not taken by it: as in [`MailUse`](crate::fact::MailUse), no
/// address of a person.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct ReportedMail {
    /// What the client says it is (HELO, EHLO), if that is a name or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    /// The version of TLS, as `TLSv1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
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
}

impl ReportedUse {
    /// True for an account that works on its own machine.
    pub fn is_at_home(&self) -> bool {
        self.consumer == self.provider
    }
}

/// True for the account of a machine, as Windows writes it: `NAME$`, with or without a domain.
pub fn is_machine_account(account: &str) -> bool {
    let name = account.split_once('@').map_or(account, |(name, _)| name);
    name.ends_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_told_from_people() {
        assert!(is_machine_account("CORP\\WS12$") && is_machine_account("WS12$@CORP.EXAMPLE"));
        assert!(!is_machine_account("CORP\\svc$ql") && !is_machine_account("a@b$"));
    }
}
