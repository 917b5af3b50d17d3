//! Asking with frames of our own: every frame is ours, also the one that takes an accepted call back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use groma_source::frames::{Frame, FrameReceiver, FrameSender, QuietPorts, WayOut, Wires};

use crate::ask::{Heard, Item, Reset, Way, Word};
use crate::call::Scopes;
use crate::cookie::Key;
use crate::datagram::Datagrams;
use crate::frame::{self, Arrived, Course};

/// One of our ports for each pass tells which question an answer is to.
pub const PASSES_MAX: u8 = 5;

/// Frames on one link.
pub struct WireWay {
    way: WayOut,
    mac: [u8; 6],
    ports: QuietPorts,
    sender: Box<dyn FrameSender>,
    receiver: Box<dyn FrameReceiver>,
    datagrams: Datagrams,
    key: Key,
    /// Whose hardware address was asked for: what others say of themselves is nothing we need.
    asked: BTreeSet<IpAddr>,
    /// MAC addresses of hosts of the link, and of the router.
    links: BTreeMap<IpAddr, [u8; 6]>,
}

impl WireWay {
    /// Opens the link of `way`.
    ///
    /// # Errors
    /// The right is not there (`CAP_NET_RAW`), or its frames are not those of Ethernet.
    pub fn open(wires: &dyn Wires, way: &WayOut, key: u64, scopes: Scopes) -> io::Result<Self> {
        let mac = way.mac.ok_or(io::ErrorKind::Unsupported)?;
        let ports = wires.quiet_ports(way, usize::from(PASSES_MAX))?;
        let (sender, receiver) = wires.open(way.interface, &frame::filter(&ports.ports))?;
        Ok(Self {
            way: way.clone(),
            mac,
            ports,
            sender,
            receiver,
            datagrams: Datagrams::open(key, scopes),
            key: Key(key),
            asked: BTreeSet::new(),
            links: BTreeMap::new(),
        })
    }

    /// Asks the router for its hardware address; false while it has not said it. Nothing to ask where there is none.
    ///
    /// # Errors
    /// The link is gone.
    pub fn ask_router(&mut self, wait: Duration) -> io::Result<bool> {
        let Some(router) = self.way.router else {
            return Ok(true);
        };
        if self.links.contains_key(&router) {
            return Ok(true);
        }
        let question = frame::ask_link(self.way.own, self.mac, router);
        self.asked.insert(router);
        self.send(question.ok_or(io::ErrorKind::InvalidInput)?)?;
        let mut said = Vec::new();
        self.receiver.receive(wait, &mut |bytes| {
            if let Some(Arrived::Link { address, mac }) = frame::read(bytes)
                && address == router
            {
                said.push(mac);
            }
        })?;
        said.into_iter().for_each(|mac| self.says(router, mac));
        Ok(self.links.contains_key(&router))
    }

    /// Hardware addresses by address: hosts of the link, or the router.
    pub fn links(&self) -> &BTreeMap<IpAddr, [u8; 6]> {
        &self.links
    }

    /// Knows the hardware address of a host from an earlier sweep.
    pub fn learn(&mut self, address: IpAddr, mac: [u8; 6]) {
        self.links.insert(address, mac);
    }

    /// Somebody says its hardware address: kept if it was asked for it.
    fn says(&mut self, address: IpAddr, mac: [u8; 6]) {
        if self.asked.contains(&address) {
            self.links.insert(address, mac);
        }
    }

    fn send(&mut self, frame: Frame) -> io::Result<()> {
        for _ in 0..50 {
            if self.sender.send(&[frame])? == 1 {
                return Ok(());
            }
            std::thread::yield_now();
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn course(&self, to: IpAddr) -> io::Result<Course> {
        let hop = self.way.router.unwrap_or(to);
        let to_mac = self.links.get(&hop).ok_or(io::ErrorKind::HostUnreachable)?;
        Course::new((self.mac, self.way.own), (*to_mac, to))
            .ok_or(io::ErrorKind::InvalidInput.into())
    }

    fn mark(&self) -> u16 {
        u16::try_from(self.key.0 & 0xffff).unwrap_or(1)
    }

    fn port_of(&self, pass: u8) -> u16 {
        let nth = usize::from(pass) % self.ports.ports.len().max(1);
        self.ports.ports.get(nth).copied().unwrap_or(0)
    }

    fn understood(&self, arrived: Arrived, now: Duration) -> Option<Heard> {
        let pass_of = |own: u16| {
            let nth = self.ports.ports.iter().position(|port| *port == own);
            nth.and_then(|nth| u8::try_from(nth).ok())
        };
        match arrived {
            Arrived::Link { address, mac } => Some(Heard {
                address,
                item: Item::Link,
                word: Word::Link(mac),
                pass: None,
                after: None,
            }),
            Arrived::Segment {
                from,
                port,
                own_port,
                acknowledges,
                accepts,
            } => {
                let asked = acknowledges.wrapping_sub(1);
                let after = self.key.round_trip(from, port, asked, now)?;
                let reset = Reset {
                    to: from,
                    port,
                    own_port,
                    sequence: acknowledges,
                };
                Some(Heard {
                    address: from,
                    item: Item::Tcp(port),
                    word: if accepts {
                        Word::Accepts(Some(reset))
                    } else {
                        Word::Refuses
                    },
                    pass: pass_of(own_port),
                    after: Some(after),
                })
            }
            Arrived::Echo { from, mark, number } => (mark == self.mark()).then(|| Heard {
                address: from,
                item: Item::Echo,
                word: Word::Echoes,
                pass: u8::try_from(number).ok(),
                after: None,
            }),
            Arrived::Error {
                by_rule,
                about,
                asked,
            } => {
                let word = match by_rule {
                    true => Word::Prohibited,
                    false => Word::Unreachable,
                };
                let (own, port, sequence) = asked?;
                // Only a question of ours: its number must be right.
                self.key.round_trip(about, port, sequence, now)?;
                Some(Heard {
                    address: about,
                    item: Item::Tcp(port),
                    word,
                    pass: pass_of(own),
                    after: None,
                })
            }
        }
    }
}

impl Way for WireWay {
    fn frames(&self, item: Item) -> u32 {
        match item {
            // The kernel may have to ask for the hardware address first.
            Item::Udp(_) => 2,
            _ => 1,
        }
    }

    fn ask(&mut self, to: IpAddr, item: Item, pass: u8, now: Duration) -> io::Result<()> {
        let frame = match item {
            Item::Udp(protocol) => return self.datagrams.ask(to, protocol),
            Item::Link => {
                self.asked.insert(to);
                frame::ask_link(self.way.own, self.mac, to).ok_or(io::ErrorKind::InvalidInput)?
            }
            Item::Echo => frame::echo(&self.course(to)?, self.mark(), u16::from(pass)),
            Item::Tcp(port) => {
                let sequence = self.key.sequence(to, port, now);
                frame::syn(&self.course(to)?, self.port_of(pass), port, sequence)
            }
        };
        self.send(frame)
    }

    fn reset(&mut self, reset: &Reset) -> io::Result<()> {
        let course = self.course(reset.to)?;
        self.send(frame::reset(
            &course,
            reset.own_port,
            reset.port,
            reset.sequence,
        ))
    }

    fn hear(
        &mut self,
        wait: Duration,
        now: &dyn Fn() -> Duration,
        each: &mut dyn FnMut(Heard),
    ) -> io::Result<()> {
        let mut all = Vec::new();
        self.receiver
            .receive(wait, &mut |bytes| all.extend(frame::read(bytes)))?;
        let now = now();
        for arrived in all {
            if let Arrived::Link { address, mac } = arrived {
                self.says(address, mac);
            }
            self.understood(arrived, now)
                .into_iter()
                .for_each(&mut *each);
        }
        self.datagrams
            .hear(&mut |address, protocol| each(spoken(address, protocol)));
        Ok(())
    }

    fn give_up(&mut self, _: IpAddr, _: Item) {}

    fn patience(&self) -> Option<Duration> {
        None
    }

    fn lost(&mut self) -> u64 {
        self.receiver.lost()
    }
}

/// A datagram came back.
pub(crate) fn spoken(address: IpAddr, protocol: crate::datagram::Protocol) -> Heard {
    Heard {
        address,
        item: Item::Udp(protocol),
        word: Word::Speaks,
        pass: None,
        after: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use groma_source::Instruction;
    use groma_source::frames::{Calls, Neighbour};

    use super::*;

    const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];

    /// A link on which these frames arrive, and nothing leaves.
    #[derive(Clone, Default)]
    struct Link(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Wires for Link {
        fn way_out(&self, _: IpAddr, _: Option<&str>) -> io::Result<WayOut> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
            Ok(Vec::new())
        }
        fn open(
            &self,
            _: u32,
            _: &[Instruction],
        ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)> {
            Ok((Box::new(self.clone()), Box::new(self.clone())))
        }
        fn quiet_ports(&self, _: &WayOut, _: usize) -> io::Result<QuietPorts> {
            Ok(QuietPorts {
                ports: vec![50_000],
                held: Box::new(()),
            })
        }
        fn calls(&self) -> io::Result<Box<dyn Calls>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl FrameSender for Link {
        fn send(&mut self, frames: &[Frame]) -> io::Result<usize> {
            Ok(frames.len())
        }
    }

    impl FrameReceiver for Link {
        fn receive(&mut self, _: Duration, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
            let all = std::mem::take(&mut *self.0.lock().unwrap());
            all.iter().for_each(|frame| each(frame));
            Ok(())
        }
        fn lost(&mut self) -> u64 {
            0
        }
    }

    /// What a machine says whose hardware address ends like its own.
    fn says(host: [u8; 4]) -> Vec<u8> {
        let own = IpAddr::from([10, 0, 0, 1]);
        let question = frame::ask_link(IpAddr::from(host), [2, 0, 0, 0, 0, host[3]], own);
        let mut bytes = question.unwrap().bytes().to_vec();
        // A reply.
        bytes[21] = 2;
        bytes
    }

    fn wire(link: &Link, router: Option<[u8; 4]>) -> WireWay {
        let way = WayOut {
            interface: 2,
            name: "eth0".to_owned(),
            mac: Some(OWN),
            own: IpAddr::from([10, 0, 0, 1]),
            router: router.map(IpAddr::from),
        };
        WireWay::open(link, &way, 1, Scopes::default()).unwrap()
    }

    fn known(wire: &WireWay) -> Vec<String> {
        wire.links().keys().map(IpAddr::to_string).collect()
    }

    #[test]
    fn who_was_not_asked_for_its_hardware_address_takes_no_room() {
        let link = Link::default();
        let mut wire = wire(&link, None);
        wire.ask(IpAddr::from([10, 0, 0, 5]), Item::Link, 0, Duration::ZERO)
            .unwrap();
        for number in 0..2_000_u16 {
            let [high, low] = number.to_be_bytes();
            link.0.lock().unwrap().push(says([10, 9, high, low]));
        }
        link.0.lock().unwrap().push(says([10, 0, 0, 5]));
        let (mut heard, now) = (0, || Duration::ZERO);
        wire.hear(Duration::ZERO, &now, &mut |_| heard += 1)
            .unwrap();
        assert_eq!(known(&wire), ["10.0.0.5"]);
        assert_eq!(heard, 2_001);
    }

    #[test]
    fn nobody_else_answers_for_the_router() {
        let link = Link::default();
        let mut wire = wire(&link, Some([10, 0, 0, 254]));
        link.0.lock().unwrap().push(says([10, 0, 0, 66]));
        assert!(!wire.ask_router(Duration::ZERO).unwrap());
        assert_eq!(known(&wire), Vec::<String>::new());
        link.0.lock().unwrap().push(says([10, 0, 0, 254]));
        assert!(wire.ask_router(Duration::ZERO).unwrap());
        assert_eq!(known(&wire), ["10.0.0.254"]);
    }
}
