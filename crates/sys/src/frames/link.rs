//! Packet sockets, many frames at a call (`packet(7)`, `sendmmsg(2)`, `recvmmsg(2)`).
#![allow(
    unsafe_code,
    reason = "many frames at a call have no safe wrapper here"
)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use groma_source::Instruction;
use groma_source::frames::{Frame, FrameReceiver, FrameSender};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::kernel::{LinkAddress, attach, dropped, make_room};

/// Frames at a call.
const BATCH: usize = 256;
/// Of an answer so much is fetched: headers, and what an error quotes of the question.
const HEAD_BYTES: usize = 128;
/// Room for what comes between two readings, as far as the rights allow.
const QUEUE_BYTES: usize = 64 << 20;
/// `ETH_P_ALL`.
const EVERY_PROTOCOL: u16 = 3;
/// `PACKET_IGNORE_OUTGOING`, `PACKET_QDISC_BYPASS`.
const IGNORE_OUTGOING: libc::c_int = 23;
const QDISC_BYPASS: libc::c_int = 20;

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol: nothing arrives before the filter is there.
    Ok(rustix::net::socket_with(
        AddressFamily::PACKET,
        SocketType::RAW,
        flags,
        None,
    )?)
}

/// Switches on what makes it faster or quieter; a kernel without it works all the same.
fn switch_on(socket: &OwnedFd, option: libc::c_int) {
    let one: libc::c_int = 1;
    // SAFETY: the pointer is to an int of this frame, and its size is told.
    let _ = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(&one).cast(),
            size_of::<libc::c_int>() as u32,
        )
    };
}

/// Sends on one interface.
pub(super) struct Sender(OwnedFd);

impl Sender {
    pub(super) fn open(interface: u32) -> io::Result<Self> {
        let socket = socket()?;
        switch_on(&socket, QDISC_BYPASS);
        rustix::net::bind(&socket, &LinkAddress::of(interface, 0)?)?;
        Ok(Self(socket))
    }
}

impl FrameSender for Sender {
    fn send(&mut self, frames: &[Frame]) -> io::Result<usize> {
        let frames = frames.get(..BATCH).unwrap_or(frames);
        let mut pieces: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec {
                iov_base: frame.bytes().as_ptr().cast_mut().cast(),
                iov_len: frame.bytes().len(),
            })
            .collect();
        let mut heads: Vec<libc::mmsghdr> = pieces.iter_mut().map(head).collect();
        // SAFETY: heads point into `pieces`, and those into `frames`; all outlive the call, which only reads them.
        let sent = unsafe {
            libc::sendmmsg(
                self.0.as_raw_fd(),
                heads.as_mut_ptr(),
                heads.len() as u32,
                libc::MSG_DONTWAIT,
            )
        };
        match usize::try_from(sent) {
            Ok(sent) => Ok(sent),
            Err(_) => match io::Error::last_os_error() {
                error if is_full(&error) => Ok(0),
                error => Err(error),
            },
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    let full = [libc::EAGAIN, libc::ENOBUFS, libc::EINTR];
    error
        .raw_os_error()
        .is_some_and(|code| full.contains(&code))
}

fn head(piece: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: a head of nothing is all zeros.
    let mut head: libc::mmsghdr = unsafe { std::mem::zeroed() };
    head.msg_hdr.msg_iov = piece;
    head.msg_hdr.msg_iovlen = 1;
    head
}

/// Hears on one interface.
pub(super) struct Receiver {
    socket: OwnedFd,
    lost: u64,
    buffer: Vec<[u8; HEAD_BYTES]>,
}

impl Receiver {
    pub(super) fn open(interface: u32, filter: &[Instruction]) -> io::Result<Self> {
        let socket = socket()?;
        attach(&socket, filter)?;
        make_room(&socket, QUEUE_BYTES);
        switch_on(&socket, IGNORE_OUTGOING);
        rustix::net::bind(&socket, &LinkAddress::of(interface, EVERY_PROTOCOL)?)?;
        Ok(Self {
            socket,
            lost: 0,
            buffer: vec![[0; HEAD_BYTES]; BATCH],
        })
    }

    /// What is there now; how many there were.
    fn fetch(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<usize> {
        let mut pieces: Vec<libc::iovec> = self
            .buffer
            .iter_mut()
            .map(|into| libc::iovec {
                iov_base: into.as_mut_ptr().cast(),
                iov_len: HEAD_BYTES,
            })
            .collect();
        let mut heads: Vec<libc::mmsghdr> = pieces.iter_mut().map(head).collect();
        // SAFETY: heads point into `pieces`, and those into `buffer`, each with its size; all outlive the call.
        let came = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                heads.as_mut_ptr(),
                heads.len() as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let Ok(came) = usize::try_from(came) else {
            return match io::Error::last_os_error() {
                error if is_full(&error) => Ok(0),
                error => Err(error),
            };
        };
        for (head, bytes) in heads.iter().zip(&self.buffer).take(came) {
            let length = usize::try_from(head.msg_len).unwrap_or(0).min(HEAD_BYTES);
            each(bytes.get(..length).unwrap_or_default());
        }
        Ok(came)
    }
}

impl FrameReceiver for Receiver {
    fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if self.fetch(each)? == BATCH {
            return Ok(());
        }
        let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut waiting = [PollFd::new(&self.socket, PollFlags::IN)];
        match rustix::event::poll(&mut waiting, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
            Ok(_) => self.fetch(each).map(|_| ()),
            Err(error) => Err(error.into()),
        }
    }

    fn lost(&mut self) -> u64 {
        self.lost += dropped(&self.socket);
        self.lost
    }
}
