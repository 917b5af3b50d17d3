//! What a reverse search says: every place on one machine that names a system somebody is about to move.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::Component;
use crate::{Foreign, Gap, Peer, Port, Timestamp};

/// The schema word of [`Found`].
pub const FOUND_SCHEMA: &str = "groma.found/1";

/// The way a place names a system.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// The name that was asked for.
    Name,
    /// Another name of it, by the hosts file, by DNS or by the search list.
    Alias,
    /// One of its addresses.
    Address,
    /// The first part of one of its names, as a whole word.
    Short,
}

impl Naming {
    /// The word, as it is written into evidence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Alias => "alias",
            Self::Address => "address",
            Self::Short => "short",
        }
    }
}

/// One thing that was searched for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Spelling {
    /// The text, compared without regard to case.
    pub text: String,
    /// How it names the system.
    pub naming: Naming,
    /// The same as a name or an address.
    pub peer: Peer,
    /// The name or address somebody asked for that it stands for.
    pub of: String,
}

/// One place that names a system. Never the line itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file.
    pub file: Foreign,
    /// Line, from 1; none for a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The key or directive before the name, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The name or address as it stands there.
    pub named: Peer,
    /// The way it names the system.
    pub naming: Naming,
    /// What was asked for.
    pub of: String,
    /// Who reads the file: a unit, a job, or the file alone.
    pub component: Component,
    /// The package the file came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What it is needed for, where a rule knows the line: a dependency kind of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The port, where a rule knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// True for a name within a certificate.
    #[serde(default)]
    pub certificate: bool,
}

/// What a reverse search of one machine found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// Always [`FOUND_SCHEMA`].
    pub schema: String,
    /// When the search ended.
    pub at: Timestamp,
    /// Names and addresses as given.
    pub asked: Vec<String>,
    /// Everything they were searched as.
    pub spellings: Vec<Spelling>,
    /// Every place, by file and line.
    pub places: Vec<Place>,
    /// What could not be searched.
    pub gaps: Vec<Gap>,
}
