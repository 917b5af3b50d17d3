//! Links, ports and calls of this machine, for who decides about each packet.

mod calls;
mod link;
mod route;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use groma_source::Instruction;
use groma_source::frames::{Calls, FrameReceiver, FrameSender, QuietPorts, WayOut, Wires};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// The machine this program runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinuxWires;

impl Wires for LinuxWires {
    fn way_out(&self, to: Ipv4Addr) -> io::Result<WayOut> {
        route::way_out(to)
    }

    fn open(
        &self,
        interface: u32,
        filter: &[Instruction],
    ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)> {
        let receiver = link::Receiver::open(interface, filter)?;
        Ok((Box::new(link::Sender::open(interface)?), Box::new(receiver)))
    }

    fn quiet_ports(&self, own: Ipv4Addr, count: usize) -> io::Result<QuietPorts> {
        let held: Vec<(u16, OwnedFd)> = (0..count)
            .map(|_| quiet_port(own))
            .collect::<io::Result<_>>()?;
        Ok(QuietPorts {
            ports: held.iter().map(|(port, _)| *port).collect(),
            held: Box::new(held),
        })
    }

    fn calls(&self) -> io::Result<Box<dyn Calls>> {
        Ok(Box::new(calls::Table::new()?))
    }
}

/// A port that is held by a listener which hears nothing: what its filter drops, the kernel neither takes nor resets.
fn quiet_port(own: Ipv4Addr) -> io::Result<(u16, OwnedFd)> {
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    let deaf = Instruction {
        code: 0x06, // BPF_RET | BPF_K
        jump_true: 0,
        jump_false: 0,
        operand: 0,
    };
    crate::kernel::attach(&socket, &[deaf])?;
    rustix::net::bind(&socket, &SocketAddr::from((own, 0)))?;
    rustix::net::listen(&socket, 1)?;
    let at: SocketAddr = rustix::net::getsockname(&socket)?
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
    Ok((at.port(), socket))
}
