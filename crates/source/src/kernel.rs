//! What the kernel tells while it happens, for a source that watches where another one samples.
//!
//! A queue belongs to whoever opened it: nobody else's tracing or capture is touched, and what the kernel set
//! up for it is gone when it is dropped.

use std::io;
use std::path::PathBuf;

/// What came with a piece of a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Arrival {
    /// Packets: true if this machine sent it.
    pub outgoing: bool,
    /// Packets: the protocol within the frame (EtherType), host byte order.
    pub protocol: u16,
    /// Packets: bytes it had before it was cut.
    pub bytes: u32,
}

/// Events in the order they happened, waiting to be fetched. Fetching never blocks.
pub trait Events: Send {
    /// Puts the next piece into `buffer`, over what was in it; `None` if nothing waits.
    ///
    /// # Errors
    /// When the kernel dropped events for want of room ([`Events::lost`] counts them), or the queue broke.
    fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Arrival>>;

    /// How many events the kernel had no room for since the queue was opened. One report of the kernel that does
    /// not say how many counts as one.
    fn lost(&mut self) -> u64;
}

/// A trace of kernel events: pieces are pages of its ring buffer, one processor each.
pub trait Trace: Events {
    /// The kernel's descriptions of the events that are traced: the text of their `format` files.
    fn formats(&self) -> &[Vec<u8>];
}

/// One instruction of a classic BPF program, as the kernel takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if it holds.
    pub jump_true: u8,
    /// Instructions to skip if it does not.
    pub jump_false: u8,
    /// Operand.
    pub operand: u32,
}

/// A network of this machine other than our own: a file that stands for it, and the number that file must have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkRoom {
    /// As `/proc/PID/ns/net`.
    pub file: PathBuf,
    /// The kernel's number of it, so that a process number given away meanwhile leads nowhere.
    pub number: u64,
}

/// The queues of this machine. One that cannot be had is an error which says why.
pub trait KernelEvents: Send + Sync {
    /// Now, in nanoseconds on the clock its traces are dated by.
    fn moment(&self) -> u64;

    /// A private trace of TCP connections and program starts of the whole machine.
    fn trace(&self) -> io::Result<Box<dyn Trace>>;

    /// What [`KernelEvents::trace`] tells, by a BPF program of our own: pieces are records of
    /// `crates/sys/src/kernel/bpf/flows.bpf.c`, each after its length in four bytes of this processor.
    ///
    /// # Errors
    /// `Unsupported` where groma was built without it (cargo feature `ebpf`).
    fn program(&self) -> io::Result<Box<dyn Events>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends of TCP connections in one network (ours for `None`), with what each carried.
    fn tcp_ends(&self, room: Option<&NetworkRoom>) -> io::Result<Box<dyn Events>>;

    /// Packets of one network (ours for `None`) that `filter` lets through, from their network header on.
    fn packets(
        &self,
        room: Option<&NetworkRoom>,
        filter: &[Instruction],
    ) -> io::Result<Box<dyn Events>>;
}

/// A kernel that tells nothing: another operating system, or a test of what happens then.
#[derive(Clone, Copy, Debug, Default)]
pub struct SilentKernel;

impl KernelEvents for SilentKernel {
    fn moment(&self) -> u64 {
        0
    }
    fn trace(&self) -> io::Result<Box<dyn Trace>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn tcp_ends(&self, _: Option<&NetworkRoom>) -> io::Result<Box<dyn Events>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn packets(&self, _: Option<&NetworkRoom>, _: &[Instruction]) -> io::Result<Box<dyn Events>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
