//! The agent's way to its collector: it is let in, says that it is there, and hands over its batches.
//!
//! One HTTP client (ureq) over one TLS (rustls with ring), version 1.3 alone. Whom an agent believes:
//!
//! - **Before it is let in**, the one collector whose authority has the pin of the token. The pin is checked within the handshake, on the chain the
//!   collector shows: no byte of the token, nor of anything else, is sent before ([`Trust::Pin`]).
//! - **From then on**, whoever shows a certificate that this authority has made for a collector ([`Trust::Authorities`]). Names and addresses do not
//!   count, so a collector may stand behind any alias, port or relay of packets.
//!
//! The life of the *collector's* certificate is not held against this machine's clock: clocks of agents are wrong by years, and an agent that
//! cannot ship because of its clock would be lost on exactly the machines nobody looks after. The life of the *agent's* certificate is held against
//! the collector's clock, at the collector.
//!
//! Where a collector's name leads is asked of whoever is handed in ([`Names`]): the C library is asked for no name.
//!
//! Nothing here decides when to try again ([`pace`] reckons it) or what to send: that is the agent's loop. A failure of the way is never taken
//! for a refusal: only a word of the collector itself makes an agent ask for a new certificate or stop ([`LinkError`]).
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod identity;
mod link;
mod names;
pub mod pace;
mod tls;
mod transport;

pub use identity::{Identity, Key, KeyError};
pub use link::{CollectorUrl, Link, LinkError};
pub use names::{AddressesAlone, Names};
pub use tls::Trust;
