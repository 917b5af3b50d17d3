//! Who watches a machine, and where its logs go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::name::{Peer, Port, Transport};

/// What a line says about watching.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum WatchPurpose {
    /// The other one watches this machine.
    WatchedBy,
    /// This machine watches the other one.
    Watches,
    /// The logs of this machine go to the other one.
    LogsTo,
}

/// A line that says who may watch this machine, whom it watches, or where its logs go.
///
/// Needs that a file states stand in references; this fact is for what no reference says: who is *allowed* to ask.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// What it says.
    pub purpose: WatchPurpose,
    /// The program that is asked, as `NRPE`.
    pub product: String,
    /// The other machine; none where no single one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// A network of which anybody may ask, as `10.0.0.0/8`; `*` for anybody at all, `this machine` where nobody from
    /// elsewhere may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The port at which this machine is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport of that port.
    pub transport: Transport,
    /// The file it stands in.
    pub file: Foreign,
    /// Line, counted from 1; 0 where the file says it by being there.
    pub line: u32,
}
