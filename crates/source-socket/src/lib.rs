//! Who talks to whom, and which program it is: the sources `host.sockets`, told here, and `host.flows`, told in
//! [`flow`].
//!
//! **What it sees.** Every TCP and UDP socket of this machine, in its own network namespace and in those of
//! its containers: [`groma_model::fact::Listener`]s and [`groma_model::fact::Connection`]s, each with
//! executable, script, account, unit, container and working directory. It samples at once and then again and
//! again for as long as the window says to watch (`--for`), so a fact carries when it was first and last seen
//! and in how many samples. Ephemeral ports and process numbers never stand in a fact.
//!
//! **Where it reads.** The kernel's socket diagnostics over netlink (`sock_diag(7)`), joined by inode with
//! `/proc/PID/fd`; of each holder `exe`, `stat`, `status`, `cgroup`, `cwd`, and of interpreters the command
//! line, of which only the path of the script leaves this crate. Where netlink is refused (seccomp, a sandbox
//! kernel) and for other network namespaces: `/proc/PID/net/{tcp,tcp6,udp,udp6}`.
//!
//! **Which rights it needs.** None for the sockets themselves. Root, or `CAP_SYS_PTRACE` and
//! `CAP_DAC_READ_SEARCH`, for the programs of other accounts and for containers; without them the account
//! alone is told, listeners count as partly covered, and one gap says how many programs are missing.
//!
//! **What it costs the host.** One dump of four tables a sample (0.2 s for 100,000 sockets) and, only when a
//! socket appears that was not there before, one readlink for each open descriptor. A sample takes at most a
//! twentieth of the time to the next one, with more than two thousand sockets a two-hundredth. The kernel may load its own `tcp_diag` and `udp_diag` modules to
//! answer, as it does for `ss`.
//!
//! # What is a judgement here
//!
//! - A connection is *incoming* if its local port is one somebody here listens on (or is a known service port
//!   and the remote one is not, where the listener is gone already); every other one is *outgoing*.
//! - `SYN_SENT` and `SYN_RECV` are attempts nobody has answered; they are left out. `TIME_WAIT` and the other
//!   closing states were connections a moment ago and count. Nobody holds them any more: an incoming one is
//!   told with its listener's program, an outgoing one without, and not at all where the same call was also
//!   seen with its program, or where both ends are this machine.
//! - A UDP socket with a peer is a connection. Without a peer it is a listener if its port is below 1024, or
//!   a known service's, or outside the range the kernel hands out by itself; the clients' ports of DHCP (68,
//!   546) are not. Above 1023 an unknown UDP port must be seen in two samples, if two were taken:
//!   resolvers open ports of their own choice for one query. So a UDP service on a port within the ephemeral
//!   range (WireGuard on 51820, RPC) goes unseen, and so does the peer of a client that never connects its socket.
//! - Of several processes that hold one socket, the oldest is named, the service manager last.
//! - An incoming connection is told with the program of its listener if the executable is the same: a worker's
//!   account and a login's own group change from one to the next, the service does not.
//! - A listener on `::` that also serves IPv4 is one fact. An IPv4 address mapped into IPv6 is IPv4.
//! - groma's own sockets, and the other ends of its own connections, are left out.
//!
//! # What it does not see
//!
//! Unix sockets, raw sockets, SCTP. Connections that begin and end between two samples. Namespaces in which no
//! process lives. Threads that unshared their descriptors. It ran on Linux 6.18 only, without a service manager
//! and without a container runtime: the group names of both follow their documentation. Other kernels and
//! Kubernetes nodes were not tried; systems other than Linux get a gap.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

pub mod cgroup;
pub mod classify;
#[cfg(target_os = "linux")]
pub mod diagnostics;
pub mod process;
pub mod script;
pub mod socket;
pub mod table;
mod tier;

#[cfg(target_os = "linux")]
pub mod flow;
mod flow_source;

#[cfg(target_os = "linux")]
mod dump;
#[cfg(target_os = "linux")]
mod in_use;
#[cfg(target_os = "linux")]
mod look;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
pub mod sample;
#[cfg(target_os = "linux")]
mod tally;
#[cfg(target_os = "linux")]
mod walk;

pub use flow_source::FlowSource;
#[cfg(target_os = "linux")]
pub use sample::{Owner, Place, ProgramId, Sample, Sampler};
pub use socket::{EphemeralPorts, Phase, Rows, Socket};
pub use tier::Tier;

use groma_model::SourceName;
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

/// The sockets of the machine groma runs on.
#[derive(Clone)]
pub struct SocketSource {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "no tables are read there yet")
    )]
    world: World,
}

impl SocketSource {
    /// A source for this machine. `world` gives it the account file and the clock; the socket and process tables
    /// it asks the kernel for by itself.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl std::fmt::Debug for SocketSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SocketSource").finish_non_exhaustive()
    }
}

impl Source for SocketSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.sockets")
    }

    fn explain(&self) -> Explanation {
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect();
        Explanation {
            purpose: "Which programs of this machine serve others, which they call, and who calls them.".into(),
            reads: words(&[
                "the kernel's tables of TCP and UDP sockets (NETLINK_SOCK_DIAG; else /proc/net/tcp, tcp6, udp, udp6)",
                "/proc/PID/fd, exe, cwd, stat, status, cgroup, ns/net of every process",
                "/proc/PID/cmdline of interpreters, 64 KiB at most, to find the script",
                "/proc/PID/net/tcp, tcp6, udp, udp6 of one process in each container with a network of its own; /proc/PID/net/sockstat, sockstat6, to leave out tables with nothing in them",
                "/etc/passwd, /run/netns, /proc/sys/net/ipv4/ip_local_port_range and tcp_tw_timeout",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "listeners: address, port, transport and program",
                "connections: both addresses, the service's port, who called, and program; only what is open at a sample can be seen, \
                 so a connection that is not seen is never called removed",
                "of a program: executable, script, account, unit, container id, working directory",
            ]),
            never_sends: words(&[
                "arguments and environment of processes",
                "what travels over a connection, and how much",
                "process numbers and ephemeral ports",
                "groma's own sockets",
            ]),
            rights: words(&[
                "none for listeners and connections of this machine's own network",
                "root, or CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH, for the programs of other accounts and for containers",
            ]),
            cost: "about 0.2 s of processor for each sample of 100,000 sockets, 0.5 s more when new ones appeared; at most a twentieth of one core, with many sockets half a percent".into(),
        }
    }

    #[cfg(target_os = "linux")]
    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        look::look(&self.world, window, budget, sink);
    }

    #[cfg(not(target_os = "linux"))]
    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        use groma_source::SinkExt;
        let scope = groma_model::Scope::new("socket", "host");
        sink.missed_because(
            &scope,
            "the sockets of this machine",
            groma_model::Reason::Unsupported,
            "",
        );
        sink.covered_now(window, &scope, groma_model::CoverageState::Partial);
    }
}
