//! Whom a service of this machine lets in by name or address: what a server's own list of clients says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;
use crate::name::{Peer, Port, Transport};

/// A line that lets somebody use a service of this machine: somebody wrote it there by hand, with a secret agreed on at
/// both ends, so it stands for a need of that other machine. The secret stands nowhere in this fact.
///
/// Who may *watch* a machine is told by [`Watch`](crate::fact::Watch).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Admission {
    /// The product that lets in, as `FreeRADIUS`.
    pub product: String,
    /// What it calls the client.
    pub name: Foreign,
    /// The client; none where no single one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// The network of which anybody is let in, as `10.0.7.0/24`; `*` for anybody at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Kind of dependency: a word of the registry.
    pub kind: String,
    /// The port at which this machine is called, where the file or the product says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// The file it stands in.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
}
