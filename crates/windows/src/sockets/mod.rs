//! `host.sockets`: who serves and who calls, and which program it is.
//!
//! [`Sockets`] takes one sample of the tables or many, as a watching shell hands them in, and says each fact once. What holds
//! for Linux (groma-source-socket) holds here: a connection is *incoming* if somebody here listens on its local port, or
//! did (a known service's port here, one given out by the system there); `SYN_SENT` and `SYN_RECEIVED` are attempts nobody
//! answered; closing states were connections a moment ago and count. Ephemeral ports and process numbers never stand in a
//! fact, so equal connections join.
//!
//! # What is a judgement here
//!
//! - A TCP listener on a port that the system gives out, held by a program that lies right in `%SystemRoot%\System32`
//!   (`lsass.exe`, `services.exe`, `svchost.exe`, …), is a remote procedure call's: another one after each start. It is left
//!   out of the facts and known for directions. One that `NTDS\Parameters` or `Netlogon\Parameters` fixes is told; so is
//!   every other program's, and those of folders below System32 (OpenSSH).
//! - Where `MaxUserPort` brought the wide range of older systems back, the same holds for the programs of remote procedures at ports of
//!   that range where no known service is.
//! - A UDP socket is a listener if its port is below 1024, or a known service's, or none that the system gives out. The
//!   table tells no peers of UDP, so UDP connections go unseen.
//! - A listener on an IPv6 address that no adapter keeps is on one for a day (RFC 8981), and left out.
//! - Sockets of the kernel (process 4) carry the unit that owns the port where something written down says so: see `kernel`.
//! - Of a process that hosts several services, a socket has the service that the system tells, or its port where each has ports of its
//!   own (a domain controller's); otherwise none, and the services it may be are a gap.
//! - Nobody holds a connection in `TIME_WAIT` any more: an incoming one has its listener's program, an outgoing one none.

mod kernel;
mod kinds;
mod programs;
mod script;
mod shared;
mod tally;
mod told;

use groma_model::Timestamp;

use crate::{Area, Machine, Said};
pub use shared::tell_services;
pub use tally::Sockets;

/// The area.
pub(crate) const AREA: Area = Area {
    name: "host.sockets",
    purpose: "Tells who serves and who calls, and which program it is.",
    reads: &[
        "the system's tables of TCP and UDP sockets, processes, and services that a process hosts",
        r"HKLM\SYSTEM\CurrentControlSet\Services: names and start of services; NTDS, Netlogon, HTTP (SslBindingInfo), Tcpip (MaxUserPort), HKLM\SOFTWARE\Microsoft\Rpc\Internet: ports somebody fixed",
        r"C:\Windows\System32\inetsrv\config\applicationHost.config: ports of sites",
    ],
    never_sends: &["process numbers, ephemeral ports, command lines but for the path of a script"],
    read: sockets,
};

fn sockets(machine: &Machine<'_>) -> Vec<Said> {
    let mut sockets = Sockets::of(machine);
    sockets.sample(machine.rows, Timestamp::from_millis(0));
    sockets.said()
}
