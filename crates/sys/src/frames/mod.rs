//! Links, ports and calls of this machine, for who decides about each packet.

mod calls;
mod link;
mod neighbours;
mod route;
mod route6;

pub(crate) use calls::descriptors;

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;

use groma_source::Instruction;
use groma_source::frames::{
    Calls, FrameReceiver, FrameSender, Neighbour, QuietPorts, WayOut, Wires,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// The machine this program runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinuxWires;

impl Wires for LinuxWires {
    fn way_out(&self, to: IpAddr, link: Option<&str>) -> io::Result<WayOut> {
        match to.to_canonical() {
            IpAddr::V4(v4) => route::way_out(v4),
            IpAddr::V6(v6) => route6::way_out(v6, link),
        }
    }

    fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
        neighbours::all()
    }

    fn open(
        &self,
        interface: u32,
        filter: &[Instruction],
    ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)> {
        let receiver = link::Receiver::open(interface, filter)?;
        Ok((Box::new(link::Sender::open(interface)?), Box::new(receiver)))
    }

    fn quiet_ports(&self, way: &WayOut, count: usize) -> io::Result<QuietPorts> {
        let held: Vec<(u16, OwnedFd)> = (0..count)
            .map(|_| quiet_port(way))
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
fn quiet_port(way: &WayOut) -> io::Result<(u16, OwnedFd)> {
    let (family, own) = match way.own {
        IpAddr::V4(_) => (AddressFamily::INET, SocketAddr::new(way.own, 0)),
        // An address of a link alone is told together with the link.
        IpAddr::V6(v6) => {
            let own = SocketAddrV6::new(v6, 0, 0, way.interface);
            (AddressFamily::INET6, SocketAddr::V6(own))
        }
    };
    let socket = rustix::net::socket_with(
        family,
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
    rustix::net::bind(&socket, &own)?;
    rustix::net::listen(&socket, 1)?;
    let at: SocketAddr = rustix::net::getsockname(&socket)?
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
    Ok((at.port(), socket))
}
