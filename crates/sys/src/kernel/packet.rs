//! A packet socket with a filter of our own: cooked (from the network header on), and deaf until the filter is in.
//!
//! `packet(7)`. `unsafe` is for two socket options and one address for which the safe library has no words.
#![allow(
    unsafe_code,
    reason = "SO_ATTACH_FILTER, PACKET_STATISTICS and sockaddr_ll have no safe wrapper here"
)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use groma_source::{Arrival, Events, Instruction};
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use rustix::net::{AddressFamily, RecvFlags, SocketAddrAny, SocketFlags, SocketType};

/// Every protocol (`ETH_P_ALL`).
const EVERY_PROTOCOL: u16 = 3;
/// `sll_pkttype` of a packet this machine sends, and of one that is addressed to another.
const PACKET_OUTGOING: u8 = 4;
const PACKET_OTHERHOST: u8 = 3;
/// Packets for others that are passed over in one go.
const OTHERS_MAX: u32 = 1024;

/// Room for what comes between two readings.
const QUEUE_BYTES: usize = 4 << 20;
/// Longest part of a packet that is fetched; the filter cuts most of them far below it.
const PACKET_BYTES: usize = 4096;

/// `struct sockaddr_ll`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct LinkAddress {
    family: u16,
    /// Network byte order.
    protocol: u16,
    interface: i32,
    hardware: u16,
    packet: u8,
    length: u8,
    address: [u8; 8],
}

// SAFETY: the pointer is to a whole sockaddr_ll on the stack, valid while `f` runs.
unsafe impl SocketAddrArg for LinkAddress {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        f(
            std::ptr::from_ref(self).cast(),
            size_of::<Self>() as SocketAddrLen,
        )
    }
}

/// A queue of packets.
pub(super) struct Packets {
    socket: OwnedFd,
    lost: u64,
}

impl Packets {
    /// Opens it in the network of the calling thread. Needs `CAP_NET_RAW`.
    pub(super) fn open(filter: &[Instruction]) -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::PACKET,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None, // no protocol: nothing arrives before the filter is there
        )?;
        attach(&socket, filter)?;
        super::make_room(&socket, QUEUE_BYTES);
        rustix::net::bind(&socket, &LinkAddress::of(0, EVERY_PROTOCOL)?)?;
        Ok(Self { socket, lost: 0 })
    }
}

impl LinkAddress {
    /// One interface (0: every one), and what is heard from it (0: nothing).
    pub(crate) fn of(interface: u32, protocol: u16) -> io::Result<Self> {
        let interface =
            i32::try_from(interface).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Self {
            family: AddressFamily::PACKET.as_raw(),
            protocol: protocol.to_be(),
            interface,
            hardware: 0,
            packet: 0,
            length: 0,
            address: [0; 8],
        })
    }
}

/// How many packets the kernel had no room for since it was asked last.
pub(crate) fn dropped(socket: &OwnedFd) -> u64 {
    let mut statistics = [0_u32; 2]; // packets, drops
    let mut length = size_of_val(&statistics) as u32;
    // SAFETY: both pointers are to locals of the sizes told.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            statistics.as_mut_ptr().cast(),
            &mut length,
        )
    };
    u64::from(statistics[1]) * u64::from(done == 0)
}

pub(crate) fn attach(socket: &OwnedFd, filter: &[Instruction]) -> io::Result<()> {
    let mut instructions: Vec<libc::sock_filter> = filter
        .iter()
        .map(|i| libc::sock_filter {
            code: i.code,
            jt: i.jump_true,
            jf: i.jump_false,
            k: i.operand,
        })
        .collect();
    let length = u16::try_from(instructions.len())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = libc::sock_fprog {
        len: length,
        filter: instructions.as_mut_ptr(),
    };
    // SAFETY: `program` and the instructions it points to live until the call returns; the kernel copies both.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            std::ptr::from_ref(&program).cast(),
            size_of::<libc::sock_fprog>() as u32,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

impl Events for Packets {
    fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Arrival>> {
        for _ in 0..OTHERS_MAX {
            buffer.resize(PACKET_BYTES, 0);
            let received =
                rustix::net::recvfrom(&self.socket, buffer.as_mut_slice(), RecvFlags::TRUNC);
            let (length, whole, from) = match received {
                Ok(received) => received,
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            buffer.truncate(length);
            let (mut arrival, kind) = from.map(|from| arrival(&from)).unwrap_or_default();
            if kind != PACKET_OTHERHOST {
                arrival.bytes = u32::try_from(whole).unwrap_or(u32::MAX);
                return Ok(Some(arrival));
            }
        }
        Ok(None)
    }

    /// The kernel forgets its count when it is asked, so ours is kept here.
    fn lost(&mut self) -> u64 {
        self.lost += dropped(&self.socket);
        self.lost
    }
}

/// Direction and protocol of a packet, and what kind it is, from its `sockaddr_ll`.
fn arrival(from: &SocketAddrAny) -> (Arrival, u8) {
    let length = from.addr_len() as usize;
    if from.address_family() != AddressFamily::PACKET || length < 12 {
        return (Arrival::default(), 0);
    }
    // SAFETY: the library wrote `addr_len` bytes there, and they outlive this slice.
    let bytes = unsafe { std::slice::from_raw_parts(from.as_ptr().cast::<u8>(), length) };
    let protocol = bytes.get(2..4).and_then(|b| b.try_into().ok());
    let kind = bytes.get(10).copied().unwrap_or_default();
    let arrival = Arrival {
        outgoing: kind == PACKET_OUTGOING,
        protocol: protocol.map_or(0, u16::from_be_bytes),
        bytes: 0,
    };
    (arrival, kind)
}
