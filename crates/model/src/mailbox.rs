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

/// The same for a name that the files of one mail server say: without a domain it is that server's own, for each has its
/// own `info`. A group (`@sales`, `group=sales`) has no domain either.
pub fn mailbox_key_at(name: &str, server: Option<&EntityId>) -> String {
    let key = mailbox_key(name);
    let has_domain = key
        .split_once('@')
        .is_some_and(|(local, _)| !local.is_empty() && !local.contains('='));
    match server.filter(|_| !has_domain) {
        // No id holds a blank.
        Some(server) => format!("{server} {key}"),
        None => key,
    }
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

    #[test]
    fn a_name_without_a_domain_is_its_servers_own() {
        let (one, two) = (EntityId::new("ent-1"), EntityId::new("ent-2"));
        for own in ["Anna", "@sales", "group=sales", "group=sales@corp.example"] {
            let at = |server| mailbox_key_at(own, Some(server));
            assert_eq!(at(&one), at(&one), "{own}");
            assert_ne!(at(&one), at(&two), "{own}");
            assert_ne!(at(&one), mailbox_key_at(own, None), "{own}");
        }
        let of_domain = "Anna@corp.example";
        let at = |server| mailbox_key_at(of_domain, server);
        assert_eq!(at(Some(&one)), at(Some(&two)));
        assert_eq!(at(Some(&one)), mailbox_key(of_domain));
        let person = mailbox_key_at("sales", Some(&one));
        assert_ne!(person, mailbox_key_at("@sales", Some(&one)));
    }
}
