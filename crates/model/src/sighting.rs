//! Machines as they are met from outside: on the wire, or by somebody's scan.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{HostName, Port, Transport};

/// A machine that proved it is there, as somebody from outside knows it.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Sighting {
    /// How it was met: `dhcp`, `mdns`, `netbios`, `ntlm`, `smtp`, `lldp`, `cdp` on the wire; `nmap` for its scan.
    pub by: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its hardware address, lower case with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Names it goes by, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<HostName>,
    /// What it says it is, or a scanner takes it for: a model, an operating system. A guess of others, no proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says_it_is: Option<String>,
    /// True if it says that it scans.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scans: bool,
    /// Where it serves, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<Door>,
}

/// A place where a machine serves, as it says itself or a scanner found it open.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct Door {
    /// The port.
    pub port: Port,
    /// Transport.
    pub transport: Transport,
    /// What is spoken there, as the scanner or the announcement calls it: `ldap`, `ipp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The product that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Sighting {
    /// It in one line.
    pub fn says(&self) -> String {
        let who = self
            .address
            .map_or_else(|| "a machine".to_owned(), |a| a.to_string());
        let mut out = format!("{who} is there ({})", self.by);
        if !self.names.is_empty() {
            let names: Vec<&str> = self.names.iter().map(HostName::as_str).collect();
            out.push_str(&format!(", called {}", names.join(", ")));
        }
        if let Some(mac) = &self.mac {
            out.push_str(&format!(", MAC {mac}"));
        }
        if let Some(is) = &self.says_it_is {
            out.push_str(&format!(", said to be {is}"));
        }
        if !self.doors.is_empty() {
            let doors: Vec<String> = self.doors.iter().map(Door::says).collect();
            out.push_str(&format!(", serves {}", doors.join(", ")));
        }
        out
    }
}

impl Door {
    fn says(&self) -> String {
        let mut out = format!("{}/{}", self.port, self.transport);
        let more = [&self.service, &self.product, &self.version];
        for word in more.into_iter().flatten() {
            out.push(' ');
            out.push_str(word);
        }
        out
    }
}
