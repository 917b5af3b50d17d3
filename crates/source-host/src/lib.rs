//! This machine: system, hardware, file systems, network, accounts, packages, units, jobs, containers.
//!
//! **What it sees.** Eleven sources, each with a permanent name: `host.system` (identity, operating system,
//! hardware, free memory), `host.storage` (file systems, also remote ones and those due at boot),
//! `host.network` (interfaces, addresses, routes, neighbours), `host.accounts`, `host.packages` (dpkg and
//! rpm), `host.units` (systemd units and timers), `host.jobs` (cron, anacron, at), `host.containers`,
//! `host.attached` (devices on a cable or in a slot), `host.mailqueue` (how much mail waits), `host.load` (how busy the machine is
//! at its busiest; it samples for as long as a look watches, so it stands beside [`sources`]).
//!
//! **Where it reads it.** In `/proc`, `/sys`, `/etc` and the state files of package managers and container
//! runtimes, through [`groma_source::Disk`]; kernel, processors and memory through `sysinfo`; interfaces
//! and routes through a netlink socket. No program is ever run, no daemon asked, no packet sent.
//!
//! **Which rights it needs.** None: without root the firmware's serial and UUID, the lock state of
//! accounts, the crontabs of users, and names and images of containers are missing, and gaps say so.
//!
//! **What it costs the host.** Some six hundred small reads and four netlink dumps: tens of milliseconds of
//! processor time and a few megabytes of memory. Large databases are read in parts and never held.
//!
//! Facts carry nothing that moves: two looks at an unchanged machine say the same. What moves (free bytes,
//! available memory) is a measurement.
//!
//! **Not run for real:** USB and PCI devices other than those of one virtual machine, tape drives, iSCSI sessions, Docker, CRI-O, containerd, LXC, machines with DMI, Xen,
//! Hyper-V and VMware guests, big-endian Berkeley databases. Their parsers follow the documented formats.
//! Linux only; systemd units of single users, SysV scripts without systemd, apk, pacman and portage are not read.
//! Of Linux alone: elsewhere this crate is empty.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod accounts;
mod attached;
mod containers;
mod jobs;
mod load;
mod mailqueue;
mod network;
mod packages;
mod part;
mod reader;
mod storage;
mod system;
mod text;
mod units;

pub use accounts::AccountsSource;
pub use attached::AttachedSource;
pub use containers::ContainersSource;
pub use jobs::JobsSource;
pub use load::LoadSource;
pub use mailqueue::MailQueueSource;
pub use network::{Dump, NetworkSource, Table};
pub use packages::PackagesSource;
pub use storage::StorageSource;
pub use system::{Machine, SystemSource};
pub use units::UnitsSource;

use groma_source::{Source, World};

/// All sources of this crate on `world` that are done when they have read what there is: all but [`LoadSource`].
pub fn sources(world: &World) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(SystemSource::new(world.clone())),
        Box::new(StorageSource::new(world.clone())),
        Box::new(NetworkSource::new(world.clone())),
        Box::new(AccountsSource::new(world.clone())),
        Box::new(PackagesSource::new(world.clone())),
        Box::new(UnitsSource::new(world.clone())),
        Box::new(JobsSource::new(world.clone())),
        Box::new(ContainersSource::new(world.clone())),
        Box::new(AttachedSource::new(world.clone())),
        Box::new(MailQueueSource::new(world.clone())),
    ]
}
