//! Names of other machines: what looking one up comes to.
//!
//! The C library is never asked. The programs are linked without shared libraries, and `getaddrinfo` of such a program
//! loads whatever name-service modules lie on the machine, of another C library as often as not: it may crash, and it
//! has no deadline. [`crate::Network::addresses`] is the one way from a name to addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::{HostName, Reason};

/// The file in which a machine writes names of its own (hosts(5)).
#[cfg(not(windows))]
pub const HOSTS: &str = "/etc/hosts";
/// The same on Windows; a system on another drive has none here.
#[cfg(windows)]
pub const HOSTS: &str = r"C:\Windows\System32\drivers\etc\hosts";
/// The file that says which name servers a machine asks (resolv.conf(5)).
#[cfg(not(windows))]
pub const RESOLV_CONF: &str = "/etc/resolv.conf";
/// On Windows they stand with each adapter ([`crate::Network::name_servers`]).
#[cfg(windows)]
pub const RESOLV_CONF: &str = "the settings of the adapters";

/// A name has no address here, or nobody could say so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct NoAddress {
    /// Which name, and who was asked with what result.
    pub what: String,
    /// The word for it: [`Reason::NotPresent`] where there is none, [`Reason::TimedOut`] where nobody answered,
    /// [`Reason::Forbidden`] where nobody may be asked.
    pub reason: Reason,
    /// What the operator can do.
    pub remedy: &'static str,
}

impl NoAddress {
    /// For a network that knows this machine's own names and asks nobody.
    pub fn nobody_asked(name: &HostName) -> Self {
        Self {
            what: format!("{name}: no names are looked up here"),
            reason: Reason::Unsupported,
            remedy: "write its address",
        }
    }
}

/// Where this machine itself is, under every name that means it everywhere ([`HostName::is_loopback`]).
pub fn loopback() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}
