//! Who is in a network of IPv6 that nobody can count through: whom the kernel has met there, and who answers an echo to all
//! machines of a link that somebody named.
//!
//! An echo to a whole link cannot leave anybody out. So it is sent only where all of the network may be asked: not where the
//! ceiling file or `--exclude` keeps a part of it out. Machines of the link that are in other networks get it all the same.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use groma_source::frames::{WayOut, Wires};
use groma_source::manners::{Ceiling, Manners, Network, Targets};
use groma_source::{Disk, Window};

use crate::frame::{self, Arrived};
use crate::polite::{Ended, wait_for_the_way};

/// Echoes to everybody, and how long each is listened to: all answer at once, some after a moment of their choice.
const ECHOES: u16 = 2;
const LISTENING: Duration = Duration::from_millis(1_100);
const MOMENT: Duration = Duration::from_millis(20);
/// Machines that may answer on one link.
const ANSWERS_MAX: usize = 8_192;

/// What came of it.
#[derive(Debug, Default)]
pub struct Meeting {
    /// Frames that were sent, each to a whole link.
    pub frames: u64,
    /// Links that could not be asked, and why.
    pub unasked: Vec<(String, io::Error)>,
    /// Networks of which not everybody may be asked, with the link.
    pub forbidden: Vec<(Network, String)>,
    /// Why it ended before it was done.
    pub ended: Option<Ended>,
}

/// True if an echo may go to all machines of `network` at once.
pub(crate) fn may_ask_everybody(targets: &Targets, ceiling: &Ceiling, network: &Network) -> bool {
    ceiling.allows_all(network) && !targets.excludes_of(network)
}

/// Asks links who is there: on which wires, within which manners.
pub struct Asking<'a> {
    /// The links of this machine.
    pub wires: &'a dyn Wires,
    /// What is sent waits for them, and is counted in them.
    pub manners: &'a mut Manners,
    /// How long it may take, and its clock.
    pub window: &'a Window,
    /// Where the stop file would be.
    pub disk: &'a dyn Disk,
    /// By what our echoes are known.
    pub mark: u16,
}

impl Asking<'_> {
    /// Adds to `targets` whoever was met in its wide networks.
    pub fn meet(&mut self, targets: &mut Targets) -> Meeting {
        let mut meeting = Meeting::default();
        let wide: Vec<(Network, Option<String>)> = targets
            .wide()
            .map(|(network, link)| (*network, link.map(|link| link.name().to_owned())))
            .collect();
        if wide.is_empty() {
            return meeting;
        }
        self.known(targets, &wide);
        for (network, link) in wide {
            let Some(link) = link else { continue };
            if !may_ask_everybody(targets, self.manners.ceiling(), &network) {
                meeting.forbidden.push((network, link));
                continue;
            }
            let mut answered = BTreeSet::new();
            if let Err(error) = self.everybody(network, &link, &mut answered, &mut meeting) {
                meeting.unasked.push((link.clone(), error));
            }
            for address in answered {
                targets.met(address, Some(&link));
            }
            if meeting.ended.is_some() {
                break;
            }
        }
        meeting
    }

    /// Whom the kernel has met. The same machine is told with the link it is on, as far as that is known.
    fn known(&self, targets: &mut Targets, wide: &[(Network, Option<String>)]) {
        let links: Vec<(String, u32)> = wide
            .iter()
            .filter_map(|(network, link)| {
                let way = self.wires.way_out(probe(*network), link.as_deref()).ok()?;
                Some((way.name, way.interface))
            })
            .collect();
        for neighbour in self.wires.neighbours().unwrap_or_default() {
            let on = links
                .iter()
                .find(|(_, number)| *number == neighbour.interface);
            if let Some((name, _)) = on {
                targets.met(neighbour.address, Some(name));
            }
        }
    }

    /// Who answers an echo to all machines of a link. What is heard before the link breaks is kept.
    fn everybody(
        &mut self,
        network: Network,
        link: &str,
        answered: &mut BTreeSet<IpAddr>,
        meeting: &mut Meeting,
    ) -> io::Result<()> {
        let way = self.wires.way_out(probe(network), Some(link))?;
        let (Some(mac), IpAddr::V6(own), None) = (way.mac, way.own, way.router) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let (mut sender, mut receiver) = self.wires.open(way.interface, &frame::filter(&[]))?;
        for number in 0..ECHOES {
            if let Err(ended) = wait_for_the_way(self.window, self.disk, self.manners) {
                meeting.ended = Some(ended);
                return Ok(());
            }
            let sent = sender.send(&[frame::echo_everybody(own, mac, self.mark, number)]);
            self.manners.left_for_the_way(self.window.monotonic());
            sent?;
            meeting.frames += 1;
            let end = self.window.monotonic() + LISTENING;
            while self.window.monotonic() < end && !self.window.is_over() {
                receiver.receive(MOMENT, &mut |bytes| {
                    if let Some(Arrived::Echo { from, mark, .. }) = frame::read(bytes)
                        && mark == self.mark
                        && answered.len() < ANSWERS_MAX
                        && is_of(network, from, &way)
                    {
                        answered.insert(from);
                    }
                })?;
            }
        }
        Ok(())
    }
}

/// An address of a network to which nothing is sent: it tells by which of our own addresses we are seen there.
fn probe(network: Network) -> IpAddr {
    match network.address() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | 1).into(),
        other => other,
    }
}

fn is_of(network: Network, address: IpAddr, way: &WayOut) -> bool {
    network.contains(address) && address != way.own
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use groma_model::Timestamp;
    use groma_source::frames::{Calls, Frame, FrameReceiver, FrameSender, Neighbour, QuietPorts};
    use groma_source::manners::{KILL_SWITCH, Opening, Target};
    use groma_source::testing::{FakeClock, FakeDisk};
    use groma_source::{Clock, Instruction, Stop};

    use super::*;

    /// One link that writes down when something was sent, and on which everybody answers.
    #[derive(Clone)]
    struct Link {
        clock: Arc<FakeClock>,
        sent: Arc<Mutex<Vec<Duration>>>,
        after_the_first: Arc<dyn Fn() + Send + Sync>,
    }

    impl Link {
        fn new(after_the_first: impl Fn() + Send + Sync + 'static) -> Self {
            Self {
                clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_165_200))),
                sent: Arc::default(),
                after_the_first: Arc::new(after_the_first),
            }
        }
    }

    impl Wires for Link {
        fn way_out(&self, _: IpAddr, _: Option<&str>) -> io::Result<WayOut> {
            Ok(WayOut {
                interface: 2,
                name: "eth0".to_owned(),
                mac: Some([2, 0, 0, 0, 0, 1]),
                own: "2001:db8::1".parse().unwrap(),
                router: None,
            })
        }
        fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
            let address = "2001:db8::7".parse().unwrap();
            Ok(vec![Neighbour {
                address,
                interface: 2,
            }])
        }
        fn open(
            &self,
            _: u32,
            _: &[Instruction],
        ) -> io::Result<(Box<dyn FrameSender>, Box<dyn FrameReceiver>)> {
            Ok((Box::new(self.clone()), Box::new(self.clone())))
        }
        fn quiet_ports(&self, _: &WayOut, _: usize) -> io::Result<QuietPorts> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn calls(&self) -> io::Result<Box<dyn Calls>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl FrameSender for Link {
        fn send(&mut self, frames: &[Frame]) -> io::Result<usize> {
            self.sent.lock().unwrap().push(self.clock.monotonic());
            (self.after_the_first)();
            Ok(frames.len())
        }
    }

    impl FrameReceiver for Link {
        fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
            self.clock.sleep(wait);
            let from = "2001:db8::8".parse().unwrap();
            let question = frame::echo_everybody(from, [2, 0, 0, 0, 0, 8], 77, 0);
            let mut answer = question.bytes().to_vec();
            // The kind of ICMPv6, behind the heads of the frame and of IPv6: a reply.
            answer[54] = 129;
            each(&answer);
            Ok(())
        }
        fn lost(&mut self) -> u64 {
            0
        }
    }

    fn meet(
        link: &Link,
        ceiling: Ceiling,
        excluded: &[&str],
        disk: &FakeDisk,
        stop: &Stop,
    ) -> (Meeting, Vec<String>) {
        let wide = Target::parse("2001:db8::/64%eth0").unwrap();
        let excluded: Vec<Network> = excluded.iter().map(|t| network(t)).collect();
        let mut targets = Targets::of(&[wide], &[], &excluded).unwrap();
        let mut manners = Manners::new(ceiling, targets.clone(), &[]);
        // The agent has sent all that it may in this second.
        for _ in 0..200 {
            manners.left_for_the_way(link.clock.monotonic());
        }
        let second = Duration::from_secs(60);
        let window = Window::open(link.clock.clone(), stop.clone(), second, second);
        let mut asking = Asking {
            wires: link,
            manners: &mut manners,
            window: &window,
            disk,
            mark: 77,
        };
        let meeting = asking.meet(&mut targets);
        let met = targets.addresses().map(|a| a.to_string()).collect();
        (meeting, met)
    }

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    fn sent(link: &Link) -> Vec<Duration> {
        link.sent.lock().unwrap().clone()
    }

    #[test]
    fn a_link_is_asked_at_the_pace_of_the_agent_and_answers() {
        let link = Link::new(|| ());
        let disk = FakeDisk::new();
        let (meeting, met) = meet(&link, Ceiling::default(), &[], &disk, &Stop::default());
        assert_eq!(met, ["2001:db8::7", "2001:db8::8"]);
        assert!(meeting.forbidden.is_empty() && meeting.ended.is_none());
        let sent = sent(&link);
        assert_eq!((sent.len(), meeting.frames), (2, 2));
        assert!(sent[0] >= Duration::from_secs(1), "it waited for its turn");
    }

    #[test]
    fn no_echo_goes_to_a_link_of_which_a_part_may_not_be_asked() {
        let only = |networks: &[&str]| Ceiling {
            networks: Some(networks.iter().map(|t| network(t)).collect()),
            ..Ceiling::default()
        };
        let never = |text: &str| Ceiling {
            never: vec![network(text)],
            ..Ceiling::default()
        };
        let disk = FakeDisk::new();
        for (ceiling, excluded) in [
            (only(&["10.0.0.0/8"]), vec![]),
            (only(&["2001:db8::/80"]), vec![]),
            (never("2001:db8::9"), vec![]),
            (never("2001::/16"), vec![]),
            (Ceiling::default(), vec!["2001:db8::9"]),
        ] {
            let link = Link::new(|| ());
            let (meeting, _) = meet(&link, ceiling, &excluded, &disk, &Stop::default());
            assert!(sent(&link).is_empty());
            assert_eq!(
                meeting.forbidden,
                [(network("2001:db8::/64"), "eth0".to_owned())]
            );
        }
        for ceiling in [only(&["2001:db8::/32"]), never("2001:db8:9::/64")] {
            let link = Link::new(|| ());
            let (meeting, _) = meet(&link, ceiling, &["fe80::9"], &disk, &Stop::default());
            assert!(meeting.forbidden.is_empty() && sent(&link).len() == 2);
        }
    }

    #[test]
    fn no_echo_is_sent_once_it_was_stopped() {
        let stop = Stop::default();
        let asked = stop.clone();
        let link = Link::new(move || asked.ask());
        let disk = FakeDisk::new();
        let (meeting, _) = meet(&link, Ceiling::default(), &[], &disk, &stop);
        assert!(matches!(meeting.ended, Some(Ended::Stopped)));
        assert_eq!(sent(&link).len(), 1);

        let link = Link::new(|| ());
        let disk = FakeDisk::new().file(KILL_SWITCH, "");
        let (meeting, _) = meet(&link, Ceiling::default(), &[], &disk, &Stop::default());
        assert!(matches!(meeting.ended, Some(Ended::StopFile)) && sent(&link).is_empty());

        let link = Link::new(|| ());
        let closed = Ceiling {
            maintenance: vec![Opening::parse("22:00-23:00").unwrap()],
            ..Ceiling::default()
        };
        let (meeting, _) = meet(&link, closed, &[], &FakeDisk::new(), &Stop::default());
        assert!(matches!(meeting.ended, Some(Ended::Closed)) && sent(&link).is_empty());
    }
}
