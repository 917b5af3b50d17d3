//! Who reads mail, calendars and address books, and with which kind of program.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::name::Peer;

/// One machine reads mail, calendars or address books of another with one kind of program, as a log tells it. How often and
/// when stands in [`Seen`](crate::Seen): by the log's own times. No person is in it, and no word that the client wrote.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct MailReader {
    /// Who reads.
    pub consumer: Peer,
    /// Where, if it is not the machine whose log was read at the vantage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Peer>,
    /// What is spoken: `imap`, `activesync`, `ews`, `mapi`, `webmail`, `caldav`, `carddav`.
    pub protocol: String,
    /// The software that has such doors, as `SOGo`, where the path tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// The kind of program, in words of groma's knowledge: `iPhone or iPad`. Absent for one that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The product whose log it is, as `nginx`.
    pub product: String,
    /// The file that says so, without the number or date of its rotation.
    pub log: Foreign,
}

impl MailReader {
    /// The kind of dependency it is by.
    pub fn kind(&self) -> &'static str {
        match self.protocol.as_str() {
            "imap" => "imap",
            "pop3" => "pop3",
            _ => "http",
        }
    }
}
