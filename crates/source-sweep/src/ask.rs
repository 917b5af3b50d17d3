//! What is asked, what is heard, and the ways to ask it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use groma_model::Transport;

use crate::datagram::Protocol;

/// One question to one host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Item {
    /// Its hardware address, on its own link.
    Link,
    /// An echo.
    Echo,
    /// Whether it accepts at a TCP port.
    Tcp(u16),
    /// Whether it speaks a protocol of datagrams.
    Udp(Protocol),
}

impl Item {
    /// The port that is asked; 0 where none is.
    pub fn port(self) -> u16 {
        match self {
            Self::Link | Self::Echo => 0,
            Self::Tcp(port) => port,
            Self::Udp(protocol) => protocol.port(),
        }
    }

    /// Its transport, if it has one.
    pub fn transport(self) -> Option<Transport> {
        match self {
            Self::Link | Self::Echo => None,
            Self::Tcp(_) => Some(Transport::Tcp),
            Self::Udp(_) => Some(Transport::Udp),
        }
    }
}

/// A call that was accepted and must be taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Who accepted.
    pub to: IpAddr,
    /// Where.
    pub port: u16,
    /// Our port.
    pub own_port: u16,
    /// The sequence number it expects.
    pub sequence: u32,
}

/// What a host, or somebody about it, said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// It says its hardware address.
    Link([u8; 6]),
    /// It echoes.
    Echoes,
    /// It accepts; what takes that back, where nobody else does.
    Accepts(Option<Reset>),
    /// It refuses.
    Refuses,
    /// It speaks the protocol.
    Speaks,
    /// A filter says no, for it or before it.
    Prohibited,
    /// A router says that it cannot be reached.
    Unreachable,
    /// This machine could not ask.
    Failed,
}

/// An answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// About whom.
    pub address: IpAddr,
    /// About which question.
    pub item: Item,
    /// What.
    pub word: Word,
    /// To the question of which pass, counted from 0, where that can be told.
    pub pass: Option<u8>,
    /// How long after it was asked.
    pub after: Option<Duration>,
}

/// A way to ask. The one who asks has been granted the frames.
pub trait Way {
    /// How many frames a question may bring about: the question itself, and what the kernel sends by itself.
    fn frames(&self, item: Item) -> u32;

    /// Asks.
    ///
    /// # Errors
    /// This machine cannot, now or at all.
    fn ask(&mut self, to: IpAddr, item: Item, pass: u8, now: Duration) -> io::Result<()>;

    /// Takes back a call that was accepted.
    ///
    /// # Errors
    /// As [`Way::ask`].
    fn reset(&mut self, reset: &Reset) -> io::Result<()>;

    /// Hears what there is, and waits for it at most so long. `now` tells the time when something came.
    ///
    /// # Errors
    /// The way broke.
    fn hear(
        &mut self,
        wait: Duration,
        now: &dyn Fn() -> Duration,
        each: &mut dyn FnMut(Heard),
    ) -> io::Result<()>;

    /// Nobody answered in time.
    fn give_up(&mut self, to: IpAddr, item: Item);

    /// How long an answer is waited for at most, where the kernel would ask again by itself afterwards.
    fn patience(&self) -> Option<Duration>;

    /// Answers the kernel had no room for.
    fn lost(&mut self) -> u64;
}
