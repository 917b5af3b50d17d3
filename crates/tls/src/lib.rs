//! The begin of a TLS handshake with whoever it is, by one who only looks.
//!
//! Certificates and services are looked at over TLS without knowing whom one will meet, and trusting nobody: every
//! certificate is accepted, kept and believed nothing. So nothing that matters is ever said within such a session, and no
//! source that carries a password uses this crate.
//!
//! * [`session`]: TLS 1.2 and 1.3 by rustls, with a witness that keeps the chain.
//! * [`hello`]: our own ClientHello for servers that rustls refuses, down to SSL 3.0. It reads what stands in the clear.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod hello;
mod onlooker;

pub use onlooker::{Presented, session};
pub use rustls::{AlertDescription, ClientConnection, Error, ProtocolVersion, StreamOwned};
pub use rustls_pki_types::ServerName;
