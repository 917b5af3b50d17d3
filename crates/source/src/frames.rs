//! Frames and calls of our own: for a source that must decide about each packet, and not leave it to the kernel.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::Instruction;

/// The longest frame we ever send: a question for a hardware address in IPv6.
pub const FRAME_BYTES: usize = 86;

/// An Ethernet frame, ready to leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    bytes: [u8; FRAME_BYTES],
    length: usize,
}

impl Frame {
    /// A frame of the first `length` of these bytes.
    pub fn new(bytes: [u8; FRAME_BYTES], length: usize) -> Self {
        let length = length.min(FRAME_BYTES);
        Self { bytes, length }
    }

    /// Its bytes, from the destination's MAC address on.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Puts frames onto one link.
pub trait FrameSender: Send {
    /// Sends the first of `frames`, as many as there is room for, and says how many have left.
    ///
    /// # Errors
    /// The link is gone, or the right to it.
    fn send(&mut self, frames: &[Frame]) -> io::Result<usize>;
}

/// Hears what a filter lets through from one link.
pub trait FrameReceiver: Send {
    /// Waits for frames, at most so long, and hands over what is there, cut to the length of an answer's head.
    ///
    /// # Errors
    /// The link is gone.
    fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// How many frames the kernel had no room for so far.
    fn lost(&mut self) -> u64;
}

/// How frames get to an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WayOut {
    /// The interface, by the kernel's number.
    pub interface: u32,
    /// Its name.
    pub name: String,
    /// Its MAC address; none where its frames are not those of Ethernet.
    pub mac: Option<[u8; 6]>,
    /// Our address there.
    pub own: IpAddr,
    /// The router, of the same family; none where the address is on the link itself.
    pub router: Option<IpAddr>,
}

/// A machine of which the kernel knows the hardware address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// The kernel's number of the interface behind which it is.
    pub interface: u32,
}

/// TCP ports that are ours alone: what comes for them is heard by us, and the kernel answers nothing to it.
pub struct QuietPorts {
    /// Their numbers.
    pub ports: Vec<u16>,
    /// What holds them; they are free again once it is dropped.
    pub held: Box<dyn Send>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallEnd {
    /// It was accepted; it is over already.
    Accepted,
    /// It was refused.
    Refused,
    /// A router says there is no way, or that it is not allowed.
    Unreachable,
    /// This machine could not call.
    Failed,
}

/// TCP connections that are made to see whether they are accepted, and ended at once. One table, no thread for each.
pub trait Calls: Send {
    /// How many may be under way at a time.
    fn room(&self) -> usize;

    /// Calls; `token` comes back with the end.
    ///
    /// # Errors
    /// This machine cannot; the call never was.
    fn call(&mut self, to: SocketAddr, token: u64) -> io::Result<()>;

    /// Waits for ends, at most so long.
    ///
    /// # Errors
    /// The table broke.
    fn ended(&mut self, wait: Duration, each: &mut dyn FnMut(u64, CallEnd)) -> io::Result<()>;

    /// Ends a call nobody answered; false if it was over already.
    fn give_up(&mut self, token: u64) -> bool;
}

/// The links of this machine. What cannot be had is an error that says why.
pub trait Wires: Send + Sync {
    /// How frames get to an address; with `link`, over the interface of that name and no other.
    ///
    /// # Errors
    /// There is no way, or none this system tells.
    fn way_out(&self, to: IpAddr, link: Option<&str>) -> io::Result<WayOut>;

    /// Machines of IPv6 that the kernel has met on its links. Nobody is asked for it.
    ///
    /// # Errors
    /// The kernel does not tell.
    fn neighbours(&self) -> io::Result<Vec<Neighbour>>;

    /// A sender and a receiver on one interface. Needs `CAP_NET_RAW`.
    ///
    /// # Errors
    /// The right is not there, or the interface is not.
    fn open(
        &self,
        interface: u32,
        filter: &[Instruction],
    ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)>;

    /// So many quiet ports at our address on a way.
    ///
    /// # Errors
    /// They cannot be had.
    fn quiet_ports(&self, way: &WayOut, count: usize) -> io::Result<QuietPorts>;

    /// A table of calls.
    ///
    /// # Errors
    /// It cannot be had.
    fn calls(&self) -> io::Result<Box<dyn Calls>>;
}

/// No wires: another operating system, or a test of what happens then.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWires;

impl Wires for NoWires {
    fn way_out(&self, _: IpAddr, _: Option<&str>) -> io::Result<WayOut> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn open(
        &self,
        _: u32,
        _: &[Instruction],
    ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn quiet_ports(&self, _: &WayOut, _: usize) -> io::Result<QuietPorts> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn calls(&self) -> io::Result<Box<dyn Calls>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
