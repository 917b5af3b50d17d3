//! What speaks at open ports of other machines: a copier, an appliance, a server nobody remembers take no agent, but they
//! answer whoever calls.
//!
//! **What it sees.** One source, `network.services`. For each TCP port that a sweep found open: the protocol by the form of
//! what is heard and not by the number of the port, the product and version the server names, the system, the names and
//! the domain the machine gives itself (mail greeting, root entry of a directory, NTLM's challenge of a file server), the
//! SSH host key whose private half it proved to hold, the first page's title, realm and redirect, and what it answers for.
//! Each with the bytes that prove it.
//!
//! **How it asks.** A question a connection, the habit of the port first, then what most servers answer to; the first answer
//! that is understood ends it. Servers that speak first are only listened to. Every question is one that a client asks
//! before it logs on; none names a user. Leave is taken in the protocol's own words.
//!
//! **Whom it never asks.** Ports where a byte may become a page (`groma_source::forbidden_port`), and ports of protocols that
//! steer machines in plants and buildings.
//!
//! **Which rights it needs.** None.
//!
//! **What it costs.** One to nine connections a port, one at a time to a host, at the budget's rate. Servers may log a line each.
//!
//! Who offers NTLM (pages, mail) is sent its first message, which names nobody, and answers with its names; nobody logs on.
//!
//! Not asked: SMTP's STARTTLS and its kin (certificates are another source's).
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod base64;
mod datagrams;
mod dns;
mod http;
mod identify;
mod ldap;
mod lines;
mod look;
mod ntlm;
mod plan;
mod rdp;
mod recognise;
mod rtsp;
mod smb;
mod ssh;
mod talk;
mod tls;

pub use look::{NAME, OpenPort, ServiceSource};
