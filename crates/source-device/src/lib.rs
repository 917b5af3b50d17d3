//! What devices say of themselves to whoever asks: a copier takes no agent, and tells its model, its place and whether it scans.
//!
//! **What it sees.** One source, `network.devices`: maker, model, serial number, UUID, firmware, location and abilities, by
//! - IPP (RFC 8011): Get-Printer-Attributes, thirteen attributes by name, none of a job;
//! - eSCL (Mopria): the capabilities of a scanner;
//! - DNS-SD over multicast DNS (RFC 6762, 6763), asked of the one machine: what it announces, with its TXT records;
//! - WSD (OASIS DPWS): what a machine is, and its model;
//! - UPnP, found by SSDP: the description of the device.
//!
//! **How it asks.** Only machines that a sweep met. Datagrams go where the sweep was answered in that protocol; IPP where its
//! port is open or an announcement names it; eSCL where a printer or an announcement makes a scanner likely. A description
//! is fetched from the machine that named it and from nobody else. Whoever turns out to be a printer is fragile from then
//! on: two frames a second, one conversation at a time.
//!
//! **Whom it never asks.** TCP 515, 9100 to 9116 and 9999 (`groma_source::forbidden_port`), and machines nobody met.
//!
//! **What is no device.** A print server that shares queues (its paths are `printers/…`), a computer (WSD says so itself), a
//! media server, which is a program.
//!
//! **Which rights it needs.** None. **What it costs.** Up to four datagrams (multicast DNS two, WSD, SSDP) and nine short
//! requests (WSD one, UPnP two, IPP three and two within TLS, eSCL one) a machine.
//!
//! IPP and eSCL within TLS are asked where they are announced so, and IPP where nothing answers in the clear; certificates are
//! another source's, and none is believed or needed here.
//!
//! Not asked: devices that answer multicast only.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod escl;
pub mod http;
pub mod ipp;
mod look;
pub mod mdns;
pub mod ssdp;
mod text;
pub mod wsd;
mod xml;

pub use look::{DeviceSource, Met, NAME};
