//! What agent and collector say to each other besides batches: small JSON documents over HTTP within TLS 1.3.
//!
//! | Asked of | Path | Says | Is answered |
//! | --- | --- | --- | --- |
//! | the enrolment listener | [`ENROL`] | [`Enrol`] | [`Enrolled`] |
//! | the same, with a certificate that may have lapsed | [`REJOIN`] | [`Renew`] | [`Enrolled`] |
//! | the agents' listener, with a valid certificate | [`BEAT`] | [`Beat`] | [`Beaten`] |
//! | | [`BATCHES`] | a batch as it stands in a file, with [`RUN`] in the header; or what is new in it ([`against`](crate::against)), with [`BASE`] as well | [`Kept`] |
//! | | [`RENEW`] | [`Renew`] | [`Enrolled`] |
//! | | [`SPLIT`] | [`Split`] | [`Enrolled`] |
//! | | [`LEASE`] | [`LeaseAsked`] | [`Lease`] |
//!
//! Whatever is refused is answered by a [`Refused`], with the status that HTTP has for it and `Retry-After` where waiting helps.
//! Unknown fields are ignored on both sides, so that one may be newer than the other.

use groma_model::fleet::{AgentHost, AgentStatus, Policy, RefusalWord};
use groma_model::{AgentId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

/// The name that every collector's certificate holds: agents know a collector by its authority, whatever address they reach it at.
pub const COLLECTOR: &str = "collector.groma.internal";
/// Where an agent is let in.
pub const ENROL: &str = "/v1/enrol";
/// Where an agent that was away too long comes back.
pub const REJOIN: &str = "/v1/rejoin";
/// Where an agent says that it is there.
pub const BEAT: &str = "/v1/beat";
/// Where batches go.
pub const BATCHES: &str = "/v1/batches";
/// Where the next certificate comes from.
pub const RENEW: &str = "/v1/renew";
/// Where a copy becomes an agent of its own.
pub const SPLIT: &str = "/v1/split";
/// Where a vantage asks for its share of the packets.
pub const LEASE: &str = "/v1/lease";
/// The header that says which run of the agent's program sends a batch, in hex.
pub const RUN: &str = "groma-run";
/// The header that says against which text a batch is written, by its [name](crate::against::name_of). Only who was told by [`Kept::base`] that
/// the collector has that text sends it.
pub const BASE: &str = "groma-base";
/// Bytes of a document of this page, at most.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 10;
/// Where the enrolment listener listens unless somebody says otherwise; agents are the next, operators the one after it.
pub const ENROL_PORT: u16 = 8470;

/// An agent asks to be let in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Enrol {
    /// The secret of the token, in hex.
    pub secret: String,
    /// A request for a certificate (PKCS #10 in PEM). Nothing but its public key is looked at.
    pub request: String,
    /// The machine, for the person who approves.
    pub host: AgentHost,
}

impl std::fmt::Debug for Enrol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrol")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// Who the agent is from now on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id.
    pub agent: AgentId,
    /// Its site.
    pub site: SiteId,
    /// True if a person has to approve it before anything is kept.
    pub waiting: bool,
    /// Its certificate (PEM).
    pub certificate: String,
    /// When half of its life is over: time for the next one.
    pub renew_at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The authorities it may believe from now on (PEM, one after the other).
    pub authorities: String,
    /// The port of the agents' listener.
    pub agents_port: u16,
    /// The number of this certificate among its own.
    pub generation: u64,
}

/// An agent asks for its next certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Renew {
    /// A request for a certificate; its key is the one the agent is known by.
    pub request: String,
    /// The number of the certificate it has.
    pub generation: u64,
}

/// A copy asks to be an agent of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Split {
    /// A request for a certificate, with a new key.
    pub request: String,
    /// Which run of the program this is.
    pub run: u64,
    /// The machine.
    pub host: AgentHost,
}

/// An agent says that it is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// Which run of the program this is: a random number of each start.
    pub run: u64,
    /// The machine.
    pub host: AgentHost,
    /// How it does.
    pub status: AgentStatus,
    /// The policy it has.
    pub policy: u64,
    /// Its clock.
    pub now: Timestamp,
}

/// What the collector answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Beaten {
    /// True if batches are taken; else a person or a doubt stands before them, and the agent keeps them.
    pub takes: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<RefusalWord>,
    /// The policy, if it is not the one the agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The authorities the agent may believe from now on (PEM, one after the other), if they are not those it says it believes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// True if the agent should take its next certificate now: the authority that made the one it showed is the former one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renew: bool,
    /// The collector's clock.
    pub now: Timestamp,
}

/// A batch is kept, durably.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Which one.
    pub epoch: u64,
    /// Which one.
    pub sequence: u64,
    /// True if it was kept before.
    pub again: bool,
    /// True if the next one may be written against this one. A collector that knows nothing of that says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
}

/// A vantage asks for its share of the packets that the fleet may send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeaseAsked {
    /// Packets a second it would use; 0 gives its share back.
    pub packets_per_second: u32,
    /// For how long.
    pub seconds: u32,
}

/// The share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// Packets a second it may use; 0 means none now.
    pub packets_per_second: u32,
    /// Until when.
    pub until: Timestamp,
}

/// What was asked is refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Why, for programs.
    pub word: RefusalWord,
    /// Why, for people, and what to do.
    pub says: String,
}

/// Reads one document of this page.
///
/// # Errors
/// It is too long, too deep or not of this shape; the sentence says which.
pub fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("more than {DOCUMENT_BYTES_MAX} bytes"));
    }
    let limits = crate::Limits::network();
    crate::line::weigh(bytes, &limits)
        .map_err(|excess| format!("more than {} {}", excess.limit, excess.what))?;
    serde_json::from_slice(bytes).map_err(|error| crate::error::brief(&error))
}

/// Writes one document of this page.
pub fn write(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document)
        .expect("documents of this page are plain values, which JSON can hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_newer_collector_is_still_a_refusal() {
        let refused: Refused = read(br#"{"word":"on-holiday","says":"later","since":3}"#).unwrap();
        assert_eq!(refused.word, RefusalWord::Other);
    }

    #[test]
    fn whatever_comes_is_read_or_refused_in_a_sentence() {
        let beat = Beat {
            run: u64::MAX,
            host: AgentHost::default(),
            status: AgentStatus::default(),
            policy: 3,
            now: Timestamp::from_millis(0),
        };
        let whole = write(&beat);
        assert_eq!(read::<Beat>(&whole), Ok(beat));
        groma_fuzz::hammer(10_000, &[&whole], |bytes| drop(read::<Beat>(bytes)));
    }

    #[test]
    fn what_is_printed_for_programmers_holds_no_secret() {
        let enrol = Enrol {
            secret: "a5a5".to_owned(),
            request: String::new(),
            host: AgentHost::default(),
        };
        assert!(!format!("{enrol:?}").contains("a5a5"));
    }
}
