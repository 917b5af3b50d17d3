//! A ring of memory the kernel puts packets into (`TPACKET_V3`, Documentation/networking/packet_mmap.rst): packets lie one
//! behind the other, each as long as it is, so that a burst of small ones finds room where a queue of buffers has none; and a
//! thousand of them cost one call.
//!
//! The ring is cut into blocks. One belongs to the kernel until it says in the block's status that it is ours, and is the
//! kernel's again once we say so there.
#![allow(
    unsafe_code,
    reason = "PACKET_RX_RING is memory shared with the kernel"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groma_model::Timestamp;
use groma_source::ears::{Ear, Overheard};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::kernel::dropped;

const BLOCK_BYTES: usize = 1 << 20;
/// Together 32 MiB: some two hundred thousand packets that open connections, or two seconds of what a busy server's callers
/// and callees say first.
const BLOCKS: usize = 32;
/// A block that is not full is ours after so long.
const HAND_OVER_MILLIS: u32 = 40;
/// Only its place in the kernel's sums: blocks hold packets of any length.
const FRAME_BYTES: u32 = 2048;

/// `tpacket_block_desc`: where the status stands, how many packets there are, and where the first one is.
const BLOCK_STATUS: usize = 8;
const BLOCK_PACKETS: usize = 12;
const BLOCK_FIRST: usize = 16;
/// `tpacket3_hdr`: the way to the next packet, its time, its length here, where its bytes are; and `sockaddr_ll` behind it.
const NEXT: usize = 0;
const SECONDS: usize = 4;
const NANOSECONDS: usize = 8;
const KEPT: usize = 12;
const BYTES_AT: usize = 24;
const PROTOCOL: usize = 48 + 2;
const SORT: usize = 48 + 10;
const ADDRESS_LENGTH: usize = 48 + 11;
const ADDRESS: usize = 48 + 12;

/// `PACKET_OUTGOING`.
const OWN: u8 = 4;

/// The ring of one socket.
pub(super) struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    /// The block that is read next.
    at: usize,
    lost: u64,
}

// SAFETY: the memory belongs to this value alone, and nothing in it is tied to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Lays a ring under a socket that is not bound yet.
    pub(super) fn over(socket: OwnedFd) -> io::Result<Self> {
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set(&socket, libc::PACKET_VERSION, &version)?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK_BYTES as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: FRAME_BYTES,
            tp_frame_nr: (BLOCK_BYTES * BLOCKS) as u32 / FRAME_BYTES,
            tp_retire_blk_tov: HAND_OVER_MILLIS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(&socket, libc::PACKET_RX_RING, &request)?;
        // SAFETY: a new mapping, at a place the kernel chooses, of the size that was just asked for.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                BLOCK_BYTES * BLOCKS,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        let memory = match (memory == libc::MAP_FAILED, NonNull::new(memory.cast())) {
            (false, Some(memory)) => memory,
            _ => return Err(io::Error::last_os_error()),
        };
        Ok(Self {
            socket,
            memory,
            at: 0,
            lost: 0,
        })
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Asks the card for what is meant for others too. The kernel takes the wish back when the socket is closed, however that
    /// comes about.
    pub(super) fn hear_everybody(&self, interface: u32) -> io::Result<()> {
        let wish = libc::packet_mreq {
            mr_ifindex: i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set(&self.socket, libc::PACKET_ADD_MEMBERSHIP, &wish)
    }

    /// Asks the card for a group, which the kernel takes back likewise. Links without such groups refuse it, and hear all they have.
    pub(super) fn hear_group(&self, interface: u32, group: [u8; 6]) -> io::Result<()> {
        let [a, b, c, d, e, f] = group;
        let wish = libc::packet_mreq {
            mr_ifindex: i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?,
            mr_type: libc::PACKET_MR_MULTICAST as u16,
            mr_alen: 6,
            mr_address: [a, b, c, d, e, f, 0, 0],
        };
        set(&self.socket, libc::PACKET_ADD_MEMBERSHIP, &wish)
    }

    /// Hands over the block that is next, if it is ours by now.
    fn block(&mut self, each: &mut dyn FnMut(&Overheard<'_>)) -> bool {
        // SAFETY: `at` is below BLOCKS, so the block lies within the mapping; its status is a word at a place of four bytes'
        // alignment, which the kernel and we both change whole.
        let (begin, status) = unsafe {
            let begin = self.memory.add(self.at * BLOCK_BYTES);
            let status = begin.add(BLOCK_STATUS).cast::<u32>();
            (begin, AtomicU32::from_ptr(status.as_ptr()))
        };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: the block is ours until the status says otherwise: the kernel does not write to it meanwhile, and the slice
        // is gone by then.
        let block = unsafe { std::slice::from_raw_parts(begin.as_ptr(), BLOCK_BYTES) };
        packets(block, each);
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.at = (self.at + 1) % BLOCKS;
        true
    }

    /// Everything that is there now; true if anything was.
    fn blocks(&mut self, each: &mut dyn FnMut(&Overheard<'_>)) -> bool {
        // Not without an end, however fast they come.
        (0..BLOCKS).take_while(|_| self.block(each)).count() > 0
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `over`, of that size, which nobody else holds.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), BLOCK_BYTES * BLOCKS) };
    }
}

impl Ear for Ring {
    fn hear(&mut self, wait: Duration, each: &mut dyn FnMut(&Overheard<'_>)) -> io::Result<()> {
        if self.blocks(each) {
            return Ok(());
        }
        let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut waiting = [PollFd::new(&self.socket, PollFlags::IN)];
        match rustix::event::poll(&mut waiting, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
            Ok(_) if waiting[0].revents().contains(PollFlags::ERR) => {
                match rustix::net::sockopt::socket_error(&self.socket) {
                    Ok(Err(error)) | Err(error) => Err(error.into()),
                    Ok(Ok(())) => Ok(()),
                }
            }
            Ok(_) => {
                self.blocks(each);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn lost(&mut self) -> u64 {
        self.lost += dropped(&self.socket);
        self.lost
    }
}

fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the pointer is to a value that lives until the call returns, and its size is told.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The packets of one block.
fn packets(block: &[u8], each: &mut dyn FnMut(&Overheard<'_>)) {
    let count = word(block, BLOCK_PACKETS).unwrap_or_default();
    let mut at = place(word(block, BLOCK_FIRST));
    for _ in 0..count {
        let Some(header) = block.get(at..).filter(|header| !header.is_empty()) else {
            return;
        };
        let Some(packet) = packet(header) else { return };
        each(&packet);
        at = at.saturating_add(place(word(header, NEXT)));
    }
}

fn packet(header: &[u8]) -> Option<Overheard<'_>> {
    let kept = place(word(header, KEPT));
    let begin = usize::from(half(header, BYTES_AT)?);
    let mac: Option<[u8; 6]> = header
        .get(ADDRESS..ADDRESS + 6)
        .and_then(|b| b.try_into().ok());
    let has_mac = header.get(ADDRESS_LENGTH) == Some(&6);
    let millis = i64::from(word(header, SECONDS)?) * 1000
        + i64::from(word(header, NANOSECONDS)? / 1_000_000);
    Some(Overheard {
        at: Timestamp::from_millis(millis),
        protocol: u16::from_be(half(header, PROTOCOL)?),
        mac: mac.filter(|mac| has_mac && *mac != [0; 6]),
        is_own: header.get(SORT) == Some(&OWN),
        bytes: header.get(begin..begin.checked_add(kept)?)?,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// An offset; one that is missing leads out of every block.
fn place(word: Option<u32>) -> usize {
    word.and_then(|word| usize::try_from(word).ok())
        .unwrap_or(usize::MAX)
}
