//! One document for platforms nobody reads yet, or nobody may ask: `docs/reference/platform-json.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cluster, Datastore, Guest, Hypervisor};
use crate::fact::Measurement;

/// What stands in such a document as its `schema`.
pub const PLATFORM_SCHEMA: &str = "groma.platform/1";

/// Guests, hosts, clusters and datastores of one or many platforms, written by whatever can.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PlatformDocument {
    /// `groma.platform/1`.
    pub schema: String,
    /// Virtual machines, system containers and templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<Guest>,
    /// What carries them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypervisors: Vec<Hypervisor>,
    /// Hosts that share their guests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Cluster>,
    /// Where disks lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datastores: Vec<Datastore>,
    /// Numbers that move. The subject is `KIND:ID/KEY` of the platform and the thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
}
