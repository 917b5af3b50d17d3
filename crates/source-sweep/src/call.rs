//! Asking with connections the kernel makes: without rights, and over links that are not Ethernet.
//!
//! An accepted call is three frames (the call, the end of the handshake, the reset that ends it), a refused one is one. The
//! kernel would call again after a second by itself, so nobody is waited for that long.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use groma_source::frames::{CallEnd, Calls};

use crate::ask::{Heard, Item, Reset, Way, Word};
use crate::datagram::Datagrams;
use crate::wire::spoken;

/// Less than the kernel's first second.
const PATIENCE: Duration = Duration::from_millis(900);

/// On which interface an address is that means another machine on every link.
#[derive(Clone, Debug, Default)]
pub struct Scopes(BTreeMap<Ipv6Addr, u32>);

impl Scopes {
    /// `address` is on this interface.
    pub fn learn(&mut self, address: IpAddr, interface: u32) {
        if let IpAddr::V6(v6) = address
            && v6.is_unicast_link_local()
        {
            self.0.insert(v6, interface);
        }
    }

    /// A port of an address, as the kernel wants to have it.
    pub fn door(&self, to: IpAddr, port: u16) -> SocketAddr {
        match to {
            IpAddr::V4(_) => SocketAddr::new(to, port),
            IpAddr::V6(v6) => {
                let scope = self.0.get(&v6).copied().unwrap_or(0);
                SocketAddr::V6(SocketAddrV6::new(v6, port, 0, scope))
            }
        }
    }
}

/// Calls of the kernel.
pub struct CallWay {
    calls: Box<dyn Calls>,
    datagrams: Datagrams,
    scopes: Scopes,
    /// By token: whom, which port, which pass, since when.
    under_way: HashMap<u64, (IpAddr, u16, u8, Duration)>,
    tokens: HashMap<(IpAddr, u16), u64>,
    next: u64,
    /// Ended before anybody asked what came.
    early: Vec<Heard>,
}

impl CallWay {
    /// Calls from `calls`.
    pub fn new(calls: Box<dyn Calls>, key: u64, scopes: Scopes) -> Self {
        Self {
            calls,
            datagrams: Datagrams::open(key, scopes.clone()),
            scopes,
            under_way: HashMap::new(),
            tokens: HashMap::new(),
            next: 0,
            early: Vec::new(),
        }
    }

    /// How many may be under way.
    pub fn room(&self) -> usize {
        self.calls.room().saturating_sub(self.under_way.len())
    }
}

impl Way for CallWay {
    fn frames(&self, item: Item) -> u32 {
        match item {
            Item::Tcp(_) => 3,
            // The kernel may have to ask for the hardware address first.
            _ => 2,
        }
    }

    fn ask(&mut self, to: IpAddr, item: Item, pass: u8, now: Duration) -> io::Result<()> {
        let port = match item {
            Item::Tcp(port) => port,
            Item::Udp(protocol) => return self.datagrams.ask(to, protocol),
            Item::Link | Item::Echo => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.next += 1;
        let token = self.next;
        match self.calls.call(self.scopes.door(to, port), token) {
            Ok(()) => {
                self.under_way.insert(token, (to, port, pass, now));
                self.tokens.insert((to, port), token);
                Ok(())
            }
            Err(error) => {
                let word = match error.kind() {
                    io::ErrorKind::ConnectionRefused => Word::Refuses,
                    io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                        Word::Prohibited
                    }
                    _ => return Err(error),
                };
                self.early.push(Heard {
                    address: to,
                    item,
                    word,
                    pass: Some(pass),
                    after: None,
                });
                Ok(())
            }
        }
    }

    fn reset(&mut self, _: &Reset) -> io::Result<()> {
        Ok(())
    }

    fn hear(
        &mut self,
        wait: Duration,
        now: &dyn Fn() -> Duration,
        each: &mut dyn FnMut(Heard),
    ) -> io::Result<()> {
        self.early.drain(..).for_each(&mut *each);
        let (under_way, tokens) = (&mut self.under_way, &mut self.tokens);
        self.calls.ended(wait, &mut |token, end| {
            let Some((address, port, pass, since)) = under_way.remove(&token) else {
                return;
            };
            tokens.remove(&(address, port));
            let word = match end {
                CallEnd::Accepted => Word::Accepts(None),
                CallEnd::Refused => Word::Refuses,
                // The kernel has one word for "forbidden" and "no way there": a filter's answer is no distress.
                CallEnd::Unreachable => Word::Prohibited,
                CallEnd::Failed => Word::Failed,
            };
            each(Heard {
                address,
                item: Item::Tcp(port),
                word,
                pass: Some(pass),
                after: Some(now().saturating_sub(since)),
            });
        })?;
        self.datagrams
            .hear(&mut |address, protocol| each(spoken(address, protocol)));
        Ok(())
    }

    fn give_up(&mut self, to: IpAddr, item: Item) {
        if let Some(token) = self.tokens.remove(&(to, item.port())) {
            self.under_way.remove(&token);
            self.calls.give_up(token);
        }
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn lost(&mut self) -> u64 {
        0
    }
}
