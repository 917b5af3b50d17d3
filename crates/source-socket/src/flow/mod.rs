//! Every connection as it happens, and which program made it: the source `host.flows`.
//!
//! **What it sees.** TCP connections in both directions, also those that last a few milliseconds, with the program
//! at this end (executable, script, account, unit, container), how often, first and last, in which hours of the
//! week, how long and how many bytes; UDP services that are called or that call, by peer; and the name a program
//! had looked up before it called. Connections that are alike are one fact: the caller's port is left out.
//!
//! **Where it looks.** What this machine lets it have is found out by trying, and the coverage says it
//! ([`Tier`]):
//!
//! - *every connection*: a private trace (`instances/groma-…` in tracefs) of the kernel's own tracepoints
//!   `sock:inet_sock_set_state`, `sched:sched_process_fork` and `sched_process_exec`, read in batches of 50 ms,
//!   joined by both ends with the destroy groups below;
//! - *every connection, by a BPF program of groma's own*, where there is no trace and groma was built with the feature `ebpf`: the same
//!   three tracepoints, without tracefs, and with the account of programs that have ended ([`record`]; docs/decisions/0026);
//! - *every end*: the destroy groups of the kernel's socket diagnostics, one socket in each network of the machine;
//! - *polled*: the socket tables, once a second.
//!
//! Datagrams and answers of name servers come from a packet socket of our own with a filter that leaves everything
//! else in the kernel. The socket tables are read at the begin, at the end and now and then (`host.sockets` tells
//! how), for listeners and for connections older than the watch. Who a task was is asked of `/proc` at once.
//!
//! **Which rights it needs.** Root for all of it (`CAP_SYS_ADMIN` and the file permissions of tracefs for the trace,
//! nothing for ends in our own network, `CAP_NET_RAW` for datagrams and names, `CAP_SYS_PTRACE` for programs of others and for
//! entering the networks of containers; `CAP_BPF` and `CAP_PERFMON` for the BPF program). What is missing makes a gap, and a lesser tier.
//!
//! **What it costs the host.** See `tests/bench/flows`. About 1.3 % of a core at 1,000
//! connections a second by the first two ways, and 4 MiB, by the BPF program 7 MiB and 28 MiB for the moment it is loaded. Nothing is loaded into the kernel: no module, no BPF program
//! but the packet filter of our own socket and that of the second way, no firewall or conntrack rule. 8 MiB of kernel memory hold the trace
//! while the watch lasts.
//!
//! # What is a judgement here
//!
//! - The task that runs when a call *goes out* is the caller. When a call *comes in* it is nobody in particular, so the
//!   program is the one that listens. See `lineage.rs` for what is known of programs that had ended before `/proc`
//!   could be asked: never the name of another process that got the same number.
//! - `asked` is the name of the one question whose answer led to the address and still held, in the same network; where
//!   two names are possible, neither is said. `unasked` is said only of a program that began under our eyes, of a
//!   private address no name server spoke of, and where no cache answers over a Unix socket.
//! - Bytes are those the kernel counts for TCP, both directions, without what was sent again. A connection that is
//!   still open, or whose end was not told, says none.
//! - Hours are UTC; a connection counts in every hour from its begin to its end.
//!
//! # What it does not see
//!
//! Unix sockets, SCTP, QUIC and other UDP beyond known service ports (a socket that is connected is told by the tables).
//! MPTCP is traced as TCP only where the kernel says so. The account of a program that ended before `/proc` could be asked is
//! told by the BPF program alone: ends of connections carry none (`idiag_uid` is 0 by then, measured). Of a process namespace of its own the BPF program
//! tells the tasks that have a number there; calls of others are connections without a program. It ran on Linux 6.18 only; other kernels, lockdown, SELinux and Kubernetes nodes were not tried.

pub mod datagram;
pub mod dns;
pub mod end;
pub mod filter;
pub mod format;
mod identity;
pub(crate) mod lineage;
mod names;
mod owed;
pub mod record;
mod room;
mod settle;
mod tally;
mod tier;
pub mod trace;
mod udp;
mod watch;

use groma_model::{CoverageState, Reason, Scope};
use groma_source::{Budget, KernelEvents, Sink, SinkExt, Window, World};

pub use crate::tier::Tier;

/// Looks, and tells `sink`.
pub(crate) fn look(
    world: &World,
    kernel: &dyn KernelEvents,
    at_most: Tier,
    window: &Window,
    budget: &Budget,
    sink: &mut dyn Sink,
) {
    let mut watch = match watch::Watch::open(world, kernel, window, budget, at_most) {
        Ok(watch) => watch,
        Err(error) => {
            let scope = Scope::new("flow", "host");
            let what = "the process table below /proc";
            sink.missed_because(
                &scope,
                what,
                Reason::of_io(&error),
                "mount /proc where groma runs",
            );
            sink.covered_now(window, &scope, CoverageState::Partial);
            return;
        }
    };
    watch.run();
    let networks: Vec<String> = watch.rooms.iter().map(|room| room.label.clone()).collect();
    for observation in watch
        .tally
        .observations(&networks, &watch.sampler, |id| watch.identity.is_guess(id))
    {
        sink.saw(observation);
    }
    tier::say(&watch, window, sink);
}
