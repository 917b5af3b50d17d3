//! Hearing what crosses a link of this machine, for a source that only listens: nothing is sent, nothing is taken away.

use std::io;
use std::time::Duration;

use groma_model::Timestamp;

use crate::Instruction;

/// A packet as it crossed the link, from its network header on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overheard<'p> {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// The protocol within the frame (EtherType), host byte order; 4 for a frame of 802.3 that has a length there.
    pub protocol: u16,
    /// Hardware address of whoever put it on the link, where the link has such.
    pub mac: Option<[u8; 6]>,
    /// True if this machine sent it.
    pub is_own: bool,
    /// What of it was kept.
    pub bytes: &'p [u8],
}

/// Groups an ear asks the card for, which else hears those alone that this machine's own programs joined: what bridges keep on one
/// link (LLDP, IEEE 802.1AB §7.1) and Cisco's discovery; all machines of IPv6, their DHCP servers, and multicast DNS.
pub const GROUPS: [[u8; 6]; 8] = [
    [0x01, 0x80, 0xc2, 0, 0, 0x0e],
    [0x01, 0x80, 0xc2, 0, 0, 0x03],
    [0x01, 0x80, 0xc2, 0, 0, 0x00],
    [0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc],
    [0x33, 0x33, 0, 0, 0, 0x01],
    [0x33, 0x33, 0, 0x01, 0, 0x02],
    [0x33, 0x33, 0, 0, 0, 0xfb],
    [0x01, 0x00, 0x5e, 0, 0, 0xfb],
];

/// The name of all links of a machine together, which no link can have; those that come later are heard too. No card is asked
/// for a group then, and that a link goes down is not told.
pub const EVERY_LINK: &str = "";

/// Hears one link or all, from the moment it was opened; what comes between two hearings waits.
pub trait Ear: Send {
    /// Waits for packets, at most so long, and hands over what is there.
    ///
    /// # Errors
    /// The link is down or gone. It may come back: whoever asks again hears again.
    fn hear(&mut self, wait: Duration, each: &mut dyn FnMut(&Overheard<'_>)) -> io::Result<()>;

    /// How many packets that passed the filter the kernel had no room for, so far.
    fn lost(&mut self) -> u64;
}

/// The links of this machine, for listening.
pub trait Ears: Send + Sync {
    /// Opens an ear at an interface, or at [`EVERY_LINK`]: nothing reaches it that `filter` does not let through. The card is asked for [`GROUPS`] too, where it
    /// has groups; nobody on the network is told. With `promiscuous` the card hands
    /// over what is meant for others too, for as long as the ear lives. Needs `CAP_NET_RAW`.
    ///
    /// # Errors
    /// The right is not there (`PermissionDenied`), or the interface is not (`NotFound`).
    fn open(
        &self,
        interface: &str,
        promiscuous: bool,
        filter: &[Instruction],
    ) -> io::Result<Box<dyn Ear>>;

    /// Processor time the calling thread has used so far.
    fn processor_time(&self) -> Duration;
}

/// No ears: another operating system, or a look that listens nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEars;

impl Ears for NoEars {
    fn open(&self, _: &str, _: bool, _: &[Instruction]) -> io::Result<Box<dyn Ear>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn processor_time(&self) -> Duration {
        Duration::ZERO
    }
}
