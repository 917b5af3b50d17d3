//! What two ends say to each other first → what of it matters, pure.
//!
//! Which protocol it is, its first bytes say; the port only tells what the words leave open. Whatever proves who
//! somebody is (passwords, answers to challenges, tickets, hashes) is passed over where it stands: no type here has a place for it.

mod advert;
mod dhcp;
mod dhcp6;
mod dns;
mod ftp;
mod http;
mod kerberos;
mod ldap;
mod link;
mod mail;
mod netbios;
mod ntlm;
mod smb;
mod tls;
mod udp;

use groma_model::Foreign;
use groma_model::name::{HostName, Protection};
use groma_model::reported::ReportedMail;

pub(crate) use advert::mask;
pub use advert::{Advertised, advertised};
pub use dhcp::{HandedOut, Lease, Part, lease};
pub use dhcp6::{Lease6, lease6};
pub use dns::{Answer, announced, answer, question};
pub use ftp::handed_out;
pub use link::{Introduced, cdp, lldp};
pub use netbios::{NetBios, netbios, netbios_names};
pub use udp::{asked_for_time, is_log_line, kerberos_asked, kerberos_gave, kerberos_refused, snmp};

/// What one conversation tells of the use of a service. Several things may be told of one: a connection may log on twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Kind of dependency, where the words say it: a word of the registry.
    pub kind: Option<&'static str>,
    /// The protocol as people call it.
    pub protocol: &'static str,
    /// The name by which the service was called.
    pub name: Option<HostName>,
    /// The account, once it was let in; empty for nobody.
    pub account: Option<Foreign>,
    /// How it was proven.
    pub mechanism: Option<String>,
    /// How it was protected.
    pub protection: Option<Protection>,
    /// The version of TLS.
    pub tls: Option<&'static str>,
    /// What was used there.
    pub service: Option<Foreign>,
    /// True if it was tried and refused.
    pub refused: bool,
    /// Mail that was taken.
    pub mail: Option<ReportedMail>,
    /// What the client calls itself, as a name of a machine.
    pub client_is: Option<HostName>,
}

/// Reads the first bytes of a TCP connection to `port`, of both sides; each may be empty. Nothing for what is not known.
pub fn read(port: u16, said: &[u8], answered: &[u8]) -> Vec<Told> {
    match said {
        [0x16, 3, ..] => tls::read(said, answered).into_iter().collect(),
        [0, _, _, _, 0xfe | 0xff, b'S', b'M', b'B', ..] => smb::read(said, answered),
        [0x30, ..] => ldap::read(said, answered),
        [_, _, _, _, 0x6a | 0x6c, ..] if port == 88 => kerberos::stream(said, answered),
        [b'S', b'S', b'H', b'-', ..] => vec![Told {
            kind: Some("ssh"),
            protocol: "SSH",
            ..Told::default()
        }],
        _ if http::is_request(said) => http::read(said).into_iter().collect(),
        _ if mail::is_smtp(said, answered) => mail::smtp(port, said, answered),
        _ => mail::mailbox(said, answered).into_iter().collect(),
    }
}
