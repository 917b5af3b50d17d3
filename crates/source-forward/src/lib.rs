//! What stands between: everything on this machine that takes connections in and hands them on.
//!
//! **What it sees.** Three sources. `host.forwards`: reverse proxies (nginx, Apache, HAProxy), TLS relays
//! (stunnel), small relays (socat, rinetd, xinetd, `systemd-socket-proxyd`), tunnels (`ssh -L/-R/-D`, autossh,
//! WireGuard). `host.filter` (files) and `host.ruleset` (in force): packet filters, both what they hand on (DNAT) and which of their rules name a
//! literal address (nf_tables, iptables, ufw, firewalld). For each: where it takes in, where it sends on, by
//! which part of the machine, for which names, and where that is written.
//!
//! **Where it reads it.** In the configuration in force, followed through its includes from the main file; in
//! unit files and crontabs that start a relay; in the command lines of running relays; in the kernel's
//! nf_tables over a netlink socket, two kinds of dumps and nothing else. What is switched off (a site nothing
//! includes, a unit nothing wants, an upstream nothing passes to) gives nothing.
//!
//! **Which rights it needs.** None for most files. `CAP_NET_ADMIN` for the ruleset in force, else a gap and the
//! files alone; root for files only root may read.
//!
//! **What it costs the host.** The bytes of those files, one small read per process, two netlink dumps.
//!
//! **What never leaves.** Keys, passwords, and every argument of a command that is no endpoint.
//!
//! **Not run for real:** xinetd, rinetd, firewalld, HAProxy's `use_backend` maps, WireGuard (read by their
//! documented formats). The older iptables of the kernel (`ip_tables`) is read from its files only.
//! Of Linux alone: elsewhere this crate is empty.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod apache;
mod command;
mod crontab;
mod filter;
mod handed;
mod haproxy;
mod inetd;
mod ini;
mod look;
mod network;
mod nginx;
mod process;
mod read;
mod ssh;
mod stunnel;
mod units;
mod wireguard;

pub use filter::{Kernel, LeftOut, kernel};
pub use look::{FilterSource, ForwardSource, NAMES, RulesetSource};

use groma_source::{Source, World};

/// The sources of this crate that read files of `world`; [`RulesetSource`] asks the kernel and needs more rights.
pub fn sources(world: &World) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(ForwardSource::new(world.clone())),
        Box::new(FilterSource::new(world.clone())),
    ]
}
