//! What ties mailboxes to one another: rights in another one's mailbox, and mail that is handed on.
//!
//! Who is tied to whom must move together, or the secretary stands before a closed calendar on Monday. No subject, no
//! folder but the calendar and no name of a rule stands here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::id::{EntityId, EvidenceId};

/// In which way somebody is tied to a mailbox.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TieWay {
    /// Opens the whole mailbox.
    FullAccess,
    /// Sends as if it were that mailbox.
    SendAs,
    /// Sends on behalf of it.
    SendOnBehalf,
    /// Reads or keeps its calendar.
    Calendar,
    /// Reads or keeps another folder of it.
    Folder,
    /// Its mail is handed on to them.
    Forward,
}

impl TieWay {
    /// The word of the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullAccess => "full-access",
            Self::SendAs => "send-as",
            Self::SendOnBehalf => "send-on-behalf",
            Self::Calendar => "calendar",
            Self::Folder => "folder",
            Self::Forward => "forward",
        }
    }
}

/// One way in which somebody is tied to a mailbox, as a list somebody exported or a file of the mail server says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailboxTie {
    /// The list: file name; empty for a file of the mail server itself.
    pub list: String,
    /// Where the mailbox lies on the mail server whose own files say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Foreign>,
    /// The mailbox, as the list writes it.
    pub mailbox: Foreign,
    /// What else the list calls it. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Who is tied to it: a person, a group, an address mail is handed on to; `everybody` for the default of a folder.
    pub other: Foreign,
    /// In which way.
    pub way: TieWay,
    /// What exactly, in the words of the list: `Editor`, `Reviewer`, `redirect`. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
}

/// Two that are tied, with every way in which they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailboxTieEntry {
    /// The mailbox.
    pub mailbox: String,
    /// What else lists call it. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Who is tied to it.
    pub other: String,
    /// In which ways. Sorted.
    pub ways: Vec<TieWay>,
    /// What exactly. Sorted.
    pub rights: Vec<String>,
    /// The lists that say so, and the mail servers whose files do. Sorted.
    pub lists: Vec<EntityId>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// What makes two spellings of a mailbox one: without the domain of a logon name, the path of a directory, and case.
pub fn mailbox_key(name: &str) -> String {
    let name = name.trim();
    let last = name.rsplit(['\\', '/']).next().unwrap_or(name);
    let last = last.strip_prefix("smtp:").unwrap_or(last);
    last.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_have_one_key() {
        for spelling in ["CORP\\Anna", "corp.example/Users/anna", "ANNA", " anna "] {
            assert_eq!(mailbox_key(spelling), "anna", "{spelling}");
        }
        assert_ne!(mailbox_key("anna"), mailbox_key("anna@corp.example"));
    }
}
