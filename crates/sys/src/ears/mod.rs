//! Ears of this machine: packet sockets with a ring of memory between the kernel and us (`packet(7)`).

mod ring;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use groma_source::Instruction;
use groma_source::ears::{EVERY_LINK, Ear, Ears, GROUPS};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::kernel::{LinkAddress, attach};

/// `ETH_P_ALL`.
const EVERY_PROTOCOL: u16 = 3;

/// What `packet(7)` binds to for every interface there is and will be.
const EVERY_INDEX: u32 = 0;

/// The machine this program runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinuxEars;

impl Ears for LinuxEars {
    fn open(
        &self,
        interface: &str,
        promiscuous: bool,
        filter: &[Instruction],
    ) -> io::Result<Box<dyn Ear>> {
        let socket = rustix::net::socket_with(
            AddressFamily::PACKET,
            // From the network header on, so that every kind of link looks alike.
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None, // no protocol: nothing arrives before the filter is there
        )?;
        let index = match interface {
            EVERY_LINK => None,
            name => Some(index(&socket, name)?),
        };
        attach(&socket, filter)?;
        let ring = ring::Ring::over(socket)?;
        if let Some(index) = index {
            if promiscuous {
                ring.hear_everybody(index)?;
            }
            for group in GROUPS {
                // A tunnel has none: there everything is heard anyway.
                let _ = ring.hear_group(index, group);
            }
        }
        let address = LinkAddress::of(index.unwrap_or(EVERY_INDEX), EVERY_PROTOCOL)?;
        rustix::net::bind(ring.socket(), &address)?;
        Ok(Box::new(ring))
    }

    fn processor_time(&self) -> Duration {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(used).unwrap_or_default()
    }
}

fn index(socket: &OwnedFd, interface: &str) -> io::Result<u32> {
    match rustix::net::netdevice::name_to_index(socket, interface) {
        Err(rustix::io::Errno::NODEV) => Err(io::ErrorKind::NotFound.into()),
        other => Ok(other?),
    }
}
