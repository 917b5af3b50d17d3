//! What crosses the wire: who uses which service of whom, and who is there.
//!
//! **What it sees.** Two sources that read alike: `network.packets`, from files, and `network.wire`, as it happens. A copier takes no agent and keeps no log that anybody can read; its
//! packets say whom it calls, by which name, and how it logs on. Connections (who called whom), LDAP binds, SMTP (domains,
//! HELO, mechanism, STARTTLS), TLS (name and version), Kerberos services, NTLM, SMB shares, HTTP host names, DNS, NTP, SNMP and
//! syslog; and machines by ARP, neighbours of IPv6, DHCP, mDNS and NetBIOS. Whom a network is told to use (DHCP of both families,
//! routers of IPv6), who looks for a machine by its name of NetBIOS, and who is plugged in where (LLDP, CDP).
//!
//! **Where it reads it.** In captures that somebody named (`--capture FILE`, `groma import FILE`): pcap and pcapng, from
//! Ethernet (with VLAN tags), Linux "cooked" captures and raw IP.
//!
//! Or at interfaces of this machine that somebody named (`--listen`): through a packet socket of our own with a [filter()] and a ring
//! of 32 MiB, opened before its child gives up all rights. It sends nothing; the card is asked for the groups that are read
//! ([`groma_source::ears::GROUPS`]), which tells nobody. What the kernel had no room for is counted, and is a gap.
//!
//! **Which rights it needs.** To read those files; to listen, `CAP_NET_RAW`.
//!
//! **What it costs the host.** One pass over the bytes (listening: half of one processor at most, then it lets packets go and
//! says so), and memory that is bounded whatever the capture holds: 131,072
//! connections, the first 16 KiB of each direction, 96 MiB in all.
//!
//! **What never leaves.** Passwords, communities, hashes, tickets and texts have no type that could hold them: a parser passes
//! over the place where they stand. An account is told once it was let in, for what was typed into its field before may be
//! the password.
//!
//! **What is no use.** A door that was knocked at: a connection counts once its client said something. Where the begin was
//! not captured, the port says who serves; where it does not, nobody's need is told, and how often that was is.
//!
//! **What is said to everybody** is a need of everybody who was heard: a machine of that network which was set up by hand, and does not
//! listen to its router, is told to use whom the router names all the same. A router's word makes its network ours, so that
//! machines with public addresses of IPv6 are told. A name of NetBIOS that nobody answered for is told where files were looked for, or where
//! somebody is known by it; whatever else was typed is nobody's need.
//!
//! **Not read:** IP fragments but the first, checksums, what a mirror wraps up for its way (ERSPAN, GRE, VXLAN), MPLS, QUIC, the shares
//! of SMB 1 (only that it is spoken). NetFlow, IPFIX and sFlow would be readers beside `file` that feed the same tally.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod ber;
pub mod file;
mod filter;
pub mod frame;
mod listen;
mod look;
mod names;
pub mod sentinel;
pub mod speech;
mod stream;
mod tally;
mod text;
mod wire;

pub use filter::filter;
pub use listen::{INTERFACES_MAX, LISTENING_NAME, Listening, ListeningSource};
pub use look::{NAME, PacketSource};
pub use tally::Heard;
pub use wire::{Counts, Wire};
