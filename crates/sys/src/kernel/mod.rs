//! The queues of a Linux kernel: a private trace or a program of our own, ends of TCP connections, filtered packets.

#[cfg(feature = "ebpf")]
mod bpf;
mod ends;
mod packet;
mod room;
mod trace;
mod tracefs;

pub(crate) use packet::{LinkAddress, attach, dropped};

use std::io;

use groma_source::{Events, Instruction, KernelEvents, NetworkRoom, Trace};

/// The kernel this program runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinuxKernel;

impl KernelEvents for LinuxKernel {
    fn moment(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let rest = u64::try_from(now.tv_nsec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    }

    fn trace(&self) -> io::Result<Box<dyn Trace>> {
        Ok(Box::new(trace::TcpTrace::open()?))
    }

    #[cfg(feature = "ebpf")]
    fn program(&self) -> io::Result<Box<dyn Events>> {
        Ok(Box::new(bpf::TcpProgram::open()?))
    }

    fn tcp_ends(&self, room: Option<&NetworkRoom>) -> io::Result<Box<dyn Events>> {
        Ok(Box::new(room::within(room, ends::TcpEnds::open)?))
    }

    fn packets(
        &self,
        room: Option<&NetworkRoom>,
        filter: &[Instruction],
    ) -> io::Result<Box<dyn Events>> {
        Ok(Box::new(room::within(room, || {
            packet::Packets::open(filter)
        })?))
    }
}

/// Removes what a watcher that was killed left in the kernel.
pub(crate) fn sweep() {
    tracefs::sweep_everywhere();
}

/// Room for a queue of ours, in bytes: as much as the rights allow.
pub(crate) fn make_room(socket: &std::os::fd::OwnedFd, bytes: usize) {
    use rustix::net::sockopt;
    // Without CAP_NET_ADMIN the system's limit holds; then losses are likelier, and counted.
    if sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
        let _ = sockopt::set_socket_recv_buffer_size(socket, bytes);
    }
}
