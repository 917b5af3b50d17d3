//! Who takes the time from this machine, and from whom it takes it: what the time server itself knows.
//!
//! **What it sees.** One source, `time.chrony`. A machine asks for the time every few minutes for years, in one
//! datagram that no table of connections keeps. chronyd remembers who asked, how often and when last, and says so to
//! whoever may ask it; and which of its own sources answer. Both become uses of a service, as a log would tell them.
//!
//! **Where it reads it.** At chronyd's own command socket (`/run/chrony/chronyd.sock`, or where `bindcmdaddress` puts
//! it), by the published protocol, version 6; without the right to it, at UDP port 323 of the loopback interface, which tells
//! sources alone. Five questions exist here, all of them reading; the type that makes datagrams ([`Question`]) can
//! encode no other, and never the wish to reset a counter. No program of the host is executed.
//!
//! **Which rights it needs.** root, or chronyd's own account.
//!
//! **What it costs the host.** One datagram for eight clients; chronyd answers in microseconds. Nothing is written: the
//! answer comes to a socket that has a name in the kernel and none in the file system.
//!
//! **Not asked:** ntpd and NTPsec. Their list of clients (`mrulist`, mode 6) is given to whom `restrict` allows, and its
//! older form (`monlist`, mode 7) is what reflection attacks are made of, so most have it off. Their
//! `peerstats` and `rawstats` are read as logs.
//!
//! Seen for real: chronyd 4.3 with real clients. Answers of chronyd before 4.0 (`CLIENT_ACCESSES_BY_INDEX2`) and after
//! 4.4 (`SERVER_STATS4`) are read to the published format only.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod look;
mod protocol;
mod settings;

pub use look::ChronySource;
pub use protocol::{Answer, Question};
