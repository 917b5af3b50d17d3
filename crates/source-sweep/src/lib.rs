//! Which hosts a network has, and which of their ports are open, asked so that nobody is hurt.
//!
//! **What it sees.** One source, `network.sweep`, only where somebody named targets. Hosts by what proves them (a hardware
//! address on the own link, a TCP handshake, an echo, a datagram in the protocol that was asked), their open TCP ports, and
//! services of datagrams that answer: DNS, NTP, NetBIOS, mDNS, SSDP, WSD, and SNMP where somebody asked for `public`.
//! What answers for everybody (a firewall that refuses for a whole network, a proxy, a trap) is named, and makes no hosts.
//!
//! **How it asks.** As [`groma_source::manners`] allow: no frame leaves that was not granted. With `CAP_NET_RAW` by frames of
//! its own ([`frame`]): nothing is kept for a question, its sequence number says what it was ([`cookie`]); an accepted call
//! is taken back by a frame of ours, because the kernel is kept from answering. Otherwise by calls of the
//! kernel that are ended at once. A network of IPv6 that nobody can count through is its known neighbours, and on a link
//! that was named who answers an echo to all of it ([`meet`]). Passes lie apart, and what came only to a later one tells what the way loses; one more
//! follows while that makes an unfound port likely. In networks that the ceiling file names as a laboratory it can do
//! without restraint what others do everywhere ([`plan::Plan::in_laboratory`]).
//!
//! **Which rights it needs.** None; `CAP_NET_RAW` for hardware addresses, echoes, and a third of the frames.
//!
//! **What it costs.** This machine little; the network at most 200 packets a second, a host at most 10.
//!
//! Never for real: networks with routing by policy or several tables (the main table decides), VLAN tags on the receiving
//! side, links other than Ethernet except by calls; ARP proxies and firewalls that answer for everybody were imitated.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod ask;
pub mod call;
pub mod cookie;
pub mod datagram;
pub mod frame;
pub mod hurried;
pub mod judge;
pub mod laboratory;
pub mod meet;
pub mod notes;
pub mod plan;
pub mod polite;
pub mod ports;
mod source;
pub mod wire;

pub use notes::Notes;
pub use plan::Plan;
pub use source::{NAME, SweepSource};
