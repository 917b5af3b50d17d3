//! The collector's listeners: enrolment, agents and operators, each at a port of its own.
//!
//! | Listener | Who may speak | What about |
//! | --- | --- | --- |
//! | enrolment | whoever reaches it over TLS 1.3 | a token for a certificate; coming back with a certificate that lapsed; the installer |
//! | agents | whoever has a certificate of this authority | heartbeats, batches, the next certificate, a share of packets |
//! | operators | this machine, unless somebody says otherwise | health, readiness, numbers |
//!
//! Promises, and where they stand:
//! - *Kept* is said after the store has said so, never before ([`Keeper::keep`]); else the answer is 503 with `Retry-After`.
//! - Who is revoked is refused at the next request, on connections that are open too: every request asks whoever keeps (`agents`).
//! - Nothing is read from anybody before the handshake is over; handshakes, headers, bodies and connections have ends, and what is in
//!   flight has a bound for all together (`listener`, `Limits`).
//! - An agent writes under its own name alone, and two machines with one key become two agents (`rules`).
//!
//! Batches that were carried by hand instead are judged by the same authority and the same records ([`Judge`]).
//!
//! No word here runs, fetches or updates anything on an agent. The star: this crate knows the nouns and the wire; the store stands behind
//! [`Keeper`], which the collector implements.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod agents;
mod authority;
mod bases;
mod beats;
mod came;
mod carried;
mod current;
mod enrolment;
mod journal;
mod keeper;
mod listener;
mod metrics;
mod operators;
mod refusal;
mod rules;
mod serving;
mod standing;
mod statement;
mod tls;

#[cfg(test)]
mod tests;

pub use authority::rolling::{RollingError, prepare, prepare_anew, retire, switch};
pub use authority::{AGENT_LIFE, Authority, AuthorityError, Phase, Root, Roots};
pub use carried::{Admitted, Disbelief, Judge, Signer};
pub(crate) use journal::Clock;
pub use journal::Journal;
pub use keeper::{Durable, KeepError, Keeper};
pub use metrics::{Metrics, is_silent};
pub use serving::{Addresses, Config, Limits, Random, ServeError, Serving};
pub use standing::{Behind, Ending, Standing, ending, standing};
pub use statement::StatementKey;
