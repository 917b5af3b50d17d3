//! The source `host.flows`: its name, what it explains, and how it looks. [`crate::flow`] tells the story.

use std::sync::Arc;

use groma_model::SourceName;
use groma_source::{Budget, Explanation, KernelEvents, Sink, Source, Window, World};

use crate::tier::Tier;

/// The connections of the machine groma runs on, as they happen.
#[derive(Clone)]
pub struct FlowSource {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing is watched there yet")
    )]
    world: World,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing is watched there yet")
    )]
    kernel: Arc<dyn KernelEvents>,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing is watched there yet")
    )]
    at_most: Tier,
}

impl FlowSource {
    /// A source for this machine, whose kernel tells what happens.
    pub fn new(world: World, kernel: Arc<dyn KernelEvents>) -> Self {
        Self {
            world,
            kernel,
            at_most: Tier::EveryConnection,
        }
    }

    /// The same, as if the machine allowed no more than `tier`: to measure what the lesser ways catch.
    #[must_use]
    pub fn at_most(self, tier: Tier) -> Self {
        Self {
            at_most: tier,
            ..self
        }
    }
}

impl std::fmt::Debug for FlowSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowSource").finish_non_exhaustive()
    }
}

impl Source for FlowSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.flows")
    }

    fn explain(&self) -> Explanation {
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect();
        Explanation {
            purpose: "Every connection as it happens, also one of a few milliseconds: which program made it, to whom, by which name.".into(),
            reads: words(&[
                "a trace of its own in the kernel's tracefs (/sys/kernel/tracing, instances/groma-PID-START-N, removed at the end): sock:inet_sock_set_state of TCP, sched:sched_process_fork, sched:sched_process_exec; \
                 tracefs is mounted where only groma sees it, if it is not mounted",
                "where that trace cannot be had and groma was built with the feature `ebpf`: the same three events by a BPF program of its own (groma_states, groma_forks, groma_starts; \
                 nothing pinned, gone with this process) and the kernel's description of its types, /sys/kernel/btf/vmlinux",
                "the ends of TCP connections (NETLINK_SOCK_DIAG destroy groups), in each network of this machine",
                "packets from UDP port 53 whole, and the first 68 bytes of packets to other known UDP service ports, through a filter in the kernel, in each network of this machine",
                "the kernel's socket tables, and of each program that calls: /proc/PID/fd, exe, cwd, stat, status, cgroup, ns/net, and of interpreters cmdline; /proc/PID/net/tcp, tcp6, udp, udp6 of other networks, sockstat, sockstat6",
                "of a program that has ended: where the path it was started by leads (below /usr, most often), and the first line of a script",
                "/etc/passwd, /run/netns, /proc/uptime, /proc/sys/net/ipv4/ip_forward and ip_local_port_range; whether nscd, systemd-resolved, sssd, winbind or avahi have their socket",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "connections: both addresses, the service's port, who called, program, the name that was asked for; how often, first and last, in which hours of the week, how long, how many bytes",
                "how connections were watched, and how many events were lost",
            ]),
            never_sends: words(&[
                "what travels over a connection, and questions and answers of name servers nobody called upon",
                "arguments and environment of processes; process numbers and the caller's ports",
                "groma's own connections",
            ]),
            rights: words(&[
                "none for the ends of connections of this machine's own network",
                "root, or CAP_SYS_ADMIN for the trace, CAP_NET_ADMIN for a large queue of ends, CAP_NET_RAW for datagrams and names, CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH for programs and containers; CAP_BPF and CAP_PERFMON for the BPF program",
                "with less, the socket tables are polled, and the coverage says so",
            ]),
            cost: "8 MiB of kernel memory while it watches; about 1 % of a core at 1,000 new connections a second, a third of that on a quiet machine".into(),
        }
    }

    #[cfg(target_os = "linux")]
    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        crate::flow::look(
            &self.world,
            self.kernel.as_ref(),
            self.at_most,
            window,
            budget,
            sink,
        );
    }

    #[cfg(not(target_os = "linux"))]
    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        use groma_source::SinkExt;
        let scope = groma_model::Scope::new("flow", "host");
        let what = "connections as they happen";
        sink.missed_because(&scope, what, groma_model::Reason::Unsupported, "");
        sink.covered_now(window, &scope, groma_model::CoverageState::Partial);
    }
}
