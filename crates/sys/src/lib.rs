//! The real clock, disk, network and randomness.
//!
//! This is the one crate that talks to the operating system on behalf of all sources, so the promises of
//! [`groma_source::Disk`] and [`groma_source::Network`] are kept in one place.
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
mod chance;
mod child;
mod clock;
mod confine;
pub mod descriptor;
#[cfg(target_os = "linux")]
mod dialling;
#[cfg(unix)]
mod disk;
#[cfg(target_os = "linux")]
mod ears;
#[cfg(target_os = "linux")]
mod frames;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(unix)]
mod mounts;
mod network;
pub mod own;
#[cfg(unix)]
mod path;
#[cfg(unix)]
mod signals;
mod silent;
#[cfg(unix)]
mod terminal;
#[cfg(windows)]
pub mod windows;

pub use child::{Ending, Heard, OwnChild};
pub use clock::SystemClock;
pub use confine::{Confinement, Sight, confine, confine_having};
#[cfg(unix)]
pub use disk::LocalDisk;
pub use network::LocalNetwork;
#[cfg(unix)]
pub use signals::stop_on_signals;
#[cfg(unix)]
pub use terminal::ask_hidden;
#[cfg(windows)]
pub use windows::{LocalDisk, ask_hidden, be_modest, begin, space_at, stop_on_signals};

use std::sync::Arc;

use groma_source::{Randomness, World};
/// Random bytes of the operating system.
#[derive(Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        #[cfg(target_os = "linux")]
        chance::gather();
        getrandom::fill(bytes).expect("the operating system hands out random bytes once it is up");
    }
}

/// Asks the kernel for small pages from now on. A command that fills a gigabyte once and ends spends more
/// time on clearing huge pages than on its work. Where the kernel does not know the wish, nothing changes.
pub fn prefer_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// To be called before anything else. Here there is nothing to do.
#[cfg(unix)]
pub fn begin() {}

/// From now on this process, and every one it starts, stands behind all others: it gets the processor when nobody else wants it, leaves no core
/// behind, and holds few descriptors. What cannot be had is left: a service's own settings say the same.
#[cfg(unix)]
pub fn be_modest() {
    use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = setpriority_process(None, 19);
}

/// Bytes of the file system at `path`, and those a program without special rights may still fill.
///
/// # Errors
/// The path is not there, or its file system does not answer.
#[cfg(unix)]
pub fn space_at(path: &std::path::Path) -> std::io::Result<(u64, u64)> {
    let met = rustix::fs::statvfs(path)?;
    Ok((
        met.f_blocks.saturating_mul(met.f_frsize),
        met.f_bavail.saturating_mul(met.f_frsize),
    ))
}

/// The queues of this machine's kernel; on other systems than Linux they tell nothing.
pub fn kernel_events() -> Arc<dyn groma_source::KernelEvents> {
    #[cfg(target_os = "linux")]
    return Arc::new(kernel::LinuxKernel);
    #[cfg(not(target_os = "linux"))]
    return Arc::new(groma_source::SilentKernel);
}

/// The links of this machine; on other systems than Linux none.
pub fn wires() -> Arc<dyn groma_source::frames::Wires> {
    #[cfg(target_os = "linux")]
    return Arc::new(frames::LinuxWires);
    #[cfg(not(target_os = "linux"))]
    return Arc::new(groma_source::frames::NoWires);
}

/// The links of this machine, for listening; on other systems than Linux none.
pub fn ears() -> Arc<dyn groma_source::ears::Ears> {
    #[cfg(target_os = "linux")]
    return Arc::new(ears::LinuxEars);
    #[cfg(not(target_os = "linux"))]
    return Arc::new(groma_source::ears::NoEars);
}

/// Removes what a watcher of kernel events left behind when it was killed: its trace. What still runs is not touched.
pub fn sweep_kernel_events() {
    #[cfg(target_os = "linux")]
    kernel::sweep();
}

/// This machine. `offline` forbids every packet that would leave it.
pub fn this_machine(offline: bool) -> World {
    World {
        clock: Arc::new(SystemClock::default()),
        disk: Arc::new(LocalDisk::of_this_machine()),
        network: Arc::new(LocalNetwork::new(offline)),
        randomness: Arc::new(SystemRandomness),
    }
}
