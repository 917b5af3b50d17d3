//! A sentinel: a machine that got the address of another one which is gone, and tells who still knocks there.
//!
//! The address stays the old machine's in everything that is concluded: it only stands on the sentinel's interface. That is
//! what [`SentinelPost`] says, and why it is a fact of its own.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{Port, Transport};
use crate::{EntityId, EvidenceId, Timestamp};

/// The source that stands sentinel.
pub const SENTINEL: &str = "network.sentinel";

/// The machine at the vantage listens at an address of another machine that is gone. The times are those at which it did.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SentinelPost {
    /// The old address.
    pub address: IpAddr,
    /// The ports that are listened for, sorted; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
}

/// Somebody sent the first packet of a conversation to an old address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Knock {
    /// The old address.
    pub at: IpAddr,
    /// The address it came from.
    pub by: IpAddr,
    /// At what.
    pub way: KnockWay,
}

/// What was knocked at.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum KnockWay {
    /// One port.
    Port {
        /// Its number.
        port: Port,
        /// Transport.
        transport: Transport,
    },
    /// It asked for an echo (ping).
    Echo,
    /// More ports than a program needs, as scanners do.
    ManyPorts,
}

/// A post in the inventory, on the machine that stands there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PostEntry {
    /// The post.
    #[serde(flatten)]
    pub post: SentinelPost,
    /// Since when it was seen to listen there.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Knocks that are no need of a service, in the inventory of the machine that is gone: echoes, and many ports.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KnockEntry {
    /// The knock.
    #[serde(flatten)]
    pub knock: Knock,
    /// Who knocked, where its address is known to mean one.
    pub consumer: Option<EntityId>,
    /// The machine that heard it.
    pub sentinel: EntityId,
    /// First.
    pub first_seen: Timestamp,
    /// Last.
    pub last_seen: Timestamp,
    /// How often, at least.
    pub count: u64,
    /// The fact behind it.
    pub evidence: EvidenceId,
}

impl SentinelPost {
    pub(crate) fn says(&self) -> String {
        match self.ports.is_empty() {
            true => format!("this machine stands sentinel at {}", self.address),
            false => format!(
                "this machine stands sentinel at {}, for {} of its ports",
                self.address,
                self.ports.len()
            ),
        }
    }
}

impl Knock {
    pub(crate) fn says(&self) -> String {
        let (by, at) = (self.by, self.at);
        match self.way {
            KnockWay::Port { port, transport } => {
                format!("{by} knocked at {at}:{port}/{transport}, where nobody is any more")
            }
            KnockWay::Echo => format!("{by} asked {at} for an echo, where nobody is any more"),
            KnockWay::ManyPorts => {
                format!("{by} knocked at many ports of {at}, where nobody is any more")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fact;

    #[test]
    fn a_knock_travels_as_it_was_written() {
        for way in [
            KnockWay::Echo,
            KnockWay::ManyPorts,
            KnockWay::Port {
                port: Port(389),
                transport: Transport::Tcp,
            },
        ] {
            let knock = Fact::Knock(Knock {
                at: [10, 0, 0, 5].into(),
                by: [10, 0, 0, 7].into(),
                way,
            });
            let text = serde_json::to_string(&knock).unwrap();
            assert!(text.starts_with("{\"fact\":\"knock\""), "{text}");
            assert_eq!(Fact::from_json(&text).unwrap(), knock, "{text}");
        }
    }
}
