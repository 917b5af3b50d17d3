//! What was met from outside: machines that answered over the network, and their open ports.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{Port, Transport};

/// By what a machine proved that it is there. The first that holds is the one that is told, so that an answer lost on
/// the way makes no other fact.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It said its own hardware address on its link (ARP, neighbour discovery).
    Link,
    /// It took part in a TCP handshake: accepted it, or refused it.
    Handshake,
    /// It answered an echo request.
    Echo,
    /// It answered a datagram in the protocol it was asked in.
    Datagram,
}

impl Proof {
    /// In words of an operator.
    pub fn words(self) -> &'static str {
        match self {
            Self::Link => "it says its hardware address on the link",
            Self::Handshake => "it accepts or refuses TCP connections itself",
            Self::Echo => "it answers an echo request",
            Self::Datagram => "it answers datagrams",
        }
    }
}

/// A machine that answered somebody who asked over the network.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostMet {
    /// The address it answered for.
    pub address: IpAddr,
    /// What proves it.
    pub by: Proof,
    /// Its MAC address, lower case with colons, where it was met on its own link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// A port of another machine that is open, as seen from outside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OpenPort {
    /// The address that was asked.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// Transport.
    pub transport: Transport,
    /// What it was heard to speak, as a dependency kind of the registry or a protocol's name (`ntp`, `mdns`); none where
    /// it only accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaks: Option<String>,
}
