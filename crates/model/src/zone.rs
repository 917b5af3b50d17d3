//! What a name server is set up to answer, and what it is asked: records of zones, and where they lead.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{EntityId, EvidenceId};
use crate::name::{HostName, Peer};
use crate::{Foreign, Timestamp};

/// All records of one kind at one name of a zone, as the zone's own file has them. Only kinds that lead somewhere: `A`,
/// `AAAA`, `CNAME`, `DNAME`, `MX`, `NS`, `PTR`, `SRV`. What a zone says in text is nobody's way to a machine, and is not here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ZoneRecord {
    /// The zone.
    pub zone: HostName,
    /// The name it stands at, lower case, whole, without a final dot. It may begin with `*.`.
    pub owner: String,
    /// Its kind, as a zone file writes it: `A`, `CNAME`.
    pub kind: String,
    /// The values as a zone file writes them, names whole and without a final dot. Sorted.
    pub values: Vec<String>,
    /// The machines the values name. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
    /// For how many seconds others remember it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// The view whose answer it is, where the server has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// True if the server takes the zone from another one: its file is a copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copy: bool,
    /// The file it stands in.
    pub file: Foreign,
}

/// A name of this server's own zones that somebody asked for, as its log tells it. By whom stands in no fact: that a
/// client asked at all is a use of the service, and what for is its business.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AskedName {
    /// The name.
    pub name: HostName,
    /// The product whose log it is.
    pub product: String,
    /// The log.
    pub log: Foreign,
}

/// How often a name was asked for, as logs tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// How often.
    pub count: u64,
    /// First.
    pub first_seen: Timestamp,
    /// Last.
    pub last_seen: Timestamp,
}

/// One set of records and where it leads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ZoneRecordEntry {
    /// The zone.
    pub zone: HostName,
    /// The name it stands at; it may begin with `*.`.
    pub owner: String,
    /// Its kind: `A`, `CNAME`.
    pub kind: String,
    /// The values as a zone file writes them. Sorted.
    pub values: Vec<String>,
    /// For how many seconds others remember it.
    pub ttl_seconds: Option<u32>,
    /// The view, where the server has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Names on the way, in order: an alias of an alias.
    pub through: Vec<String>,
    /// The machines it leads to in the end. Sorted.
    pub machines: Vec<EntityId>,
    /// Addresses it leads to that belong to nobody anything else tells of. Sorted.
    pub nobodys: Vec<IpAddr>,
    /// Names it leads to that should stand in one of these zones, and do not; or that lead in a circle. Sorted.
    pub nowhere: Vec<String>,
    /// How often the name was asked for; null where no log tells.
    pub asked: Option<Asked>,
    /// The machines that answer it. Sorted.
    pub served_by: Vec<EntityId>,
    /// Those of them on which it is written, and not copied from another one. Sorted.
    pub kept_by: Vec<EntityId>,
    /// The files it stands in. Sorted.
    pub files: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}
