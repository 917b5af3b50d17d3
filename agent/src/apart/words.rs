//! What parent and child say to each other: JSON, one value a line.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::found::Spelling;
use groma_model::{Foreign, SourceName, Timestamp};
use groma_source::{Budget, Memory};
use groma_source_packet::sentinel::Post;
use serde::{Deserialize, Serialize};

/// The word on the command line that calls the role.
pub(crate) const ROLE: &str = "look-apart";
/// Longest line either side takes, in bytes. The longest honest ones are chains of certificates.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 20;
/// Everything one child may say, in bytes.
pub(crate) const SAID_BYTES_MAX: usize = 256 << 20;

/// What a child looks at, and so which rights it keeps ([`groma_sys::Sight`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// Files.
    Files,
    /// Files and the packet filter in force.
    Filter,
    /// Files and tables of other processes.
    Processes,
    /// Connections while they happen.
    Events,
    /// Packets at interfaces: opened before its child gives up the right to, which then keeps what reading files needs.
    Wire,
}

/// What a child is told to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The sources that look, one after the other.
    pub(crate) sources: Vec<SourceName>,
    pub(crate) offline: bool,
    pub(crate) started: Timestamp,
    pub(crate) watch: Duration,
    /// When the look as a whole ends.
    pub(crate) remaining: Duration,
    /// When each source should be done by itself.
    pub(crate) source_limit: Duration,
    /// How long one file or directory may take.
    pub(crate) operation_limit: Duration,
    pub(crate) budget: Budget,
    pub(crate) sight: Sight,
    /// What is searched for, if anything is.
    pub(crate) spellings: Vec<Spelling>,
    /// By what connections are watched at best: [`groma_source_socket::Tier::word`].
    pub(crate) flows_at_most: String,
    /// Files and folders with exported logs that somebody named.
    pub(crate) events: Vec<Foreign>,
    /// Captures of a network that somebody named.
    pub(crate) captures: Vec<Foreign>,
    /// Interfaces that are listened at.
    pub(crate) listen: Vec<String>,
    /// True if their cards are to hand over what is meant for others too.
    pub(crate) promiscuous: bool,
    /// Addresses of machines that are gone, at which this one stands sentinel.
    pub(crate) posts: Vec<PostWord>,
    /// True if such a look ends soon after somebody new knocks.
    pub(crate) hasty: bool,
    /// Where they find what they kept at their last look.
    pub(crate) memory: Option<Memory>,
    /// What did not answer a child before them: they pass it over.
    pub(crate) silent: Vec<Foreign>,
}

/// One of them: [`Post`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PostWord {
    address: IpAddr,
    interface: String,
    ports: BTreeSet<u16>,
    answered: Vec<String>,
}

impl From<Post> for PostWord {
    fn from(post: Post) -> Self {
        Self {
            address: post.address,
            interface: post.interface,
            ports: post.ports,
            answered: post.answered,
        }
    }
}

impl From<PostWord> for Post {
    fn from(word: PostWord) -> Self {
        Self {
            address: word.address,
            interface: word.interface,
            ports: word.ports,
            answered: word.answered,
        }
    }
}

/// What a child says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every word is an observation"
)]
pub(crate) enum Word {
    /// It is this program, confined, and begins. What the kernel could not be asked for is named.
    Ready { lacking: Vec<String> },
    /// The next source of the order begins.
    Begins,
    /// What that source says.
    Said(Said),
    /// A line it wants back at its next look.
    Keeps(String),
    /// One file or directory does not answer it, and `place` is the file system it lies on.
    Stuck { path: String, place: Foreign },
    /// It failed inside, at this place of the program's own text.
    Failed { place: String },
    /// It is done, or has failed.
    Done,
}
