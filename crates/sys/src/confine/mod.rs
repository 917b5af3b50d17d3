//! What a child that reads for us can still do, once it has given up the rest. Each system is asked for what it has.

#[cfg(unix)]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use linux::{confine, confine_having};
#[cfg(windows)]
pub use windows::{confine, confine_having};

/// What one child may take, and whether it looks at other processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Confinement {
    /// Writable memory, in bytes, beyond what the program has reserved when it is confined.
    pub memory_bytes_max: u64,
    /// Processor time, in seconds.
    pub processor_seconds_max: u64,
    /// Open descriptors.
    pub descriptors_max: u64,
    /// What it looks at, and so which rights it keeps.
    pub sight: Sight,
}

/// What a child looks at. Each keeps the rights of that and no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// Files, and tables everybody may read.
    Files,
    /// The same, and the packet filter the kernel holds (`CAP_NET_ADMIN`).
    Filter,
    /// The same as `Files`, and tables of other processes that the kernel shows to a tracer only (`exe`, `fd`,
    /// `root`): `CAP_SYS_PTRACE`.
    Processes,
    /// What happens while it happens: a trace of its own in the kernel, packets, the networks of containers
    /// (`CAP_SYS_ADMIN`, `CAP_NET_ADMIN`, `CAP_NET_RAW`, `CAP_SYS_PTRACE`). It can still start, trace and signal
    /// nobody and call nobody; but as settings of a trace are files, it may open root's files to write, and cut them.
    Events,
}

impl Sight {
    #[cfg(unix)]
    fn sees_processes(self) -> bool {
        matches!(self, Self::Processes | Self::Events)
    }
}
