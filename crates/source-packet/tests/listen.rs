//! The source that listens: what it tells of ears that hear, hear nothing, lose, fail, or are not to be had.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groma_model::{CoverageState, Fact, Reason, Timestamp};
use groma_source::ears::{Ear, Ears, NoEars, Overheard};
use groma_source::testing::{self, FakeClock, FakeDisk};
use groma_source::{Budget, Clock, Instruction, Recorder, Source, Stop, Window, World};
use groma_source_packet::file::{self, Frame};
use groma_source_packet::{INTERFACES_MAX, Listening, ListeningSource};

type Heard = (Timestamp, u16, Vec<u8>);

/// Packets of a recorded capture, as an ear hears them.
fn recorded(name: &str) -> Vec<Heard> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    let bytes = std::fs::read(path).unwrap();
    let mut out = Vec::new();
    let mut keep = |frame: Frame<'_>| {
        let protocol = u16::from_be_bytes(frame.bytes[12..14].try_into().unwrap());
        // As the kernel calls what has a length there.
        let protocol = if protocol <= 1500 { 4 } else { protocol };
        out.push((frame.at, protocol, frame.bytes[14..].to_vec()));
        true
    };
    file::read(&mut bytes.as_slice(), &mut keep).unwrap();
    out
}

/// Ears that hear what they were made with, and use up processor time for each packet.
struct Made {
    packets: Vec<Heard>,
    lost: u64,
    fails: bool,
    clock: Arc<FakeClock>,
    used_ms: Arc<AtomicU64>,
    cost_ms: u64,
    /// True if this machine sent all of it.
    is_own: bool,
}

struct MadeEar {
    packets: Vec<Heard>,
    lost: u64,
    fails: bool,
    clock: Arc<FakeClock>,
    used_ms: Arc<AtomicU64>,
    cost_ms: u64,
    is_own: bool,
}

impl Ears for Made {
    fn open(&self, name: &str, _: bool, filter: &[Instruction]) -> io::Result<Box<dyn Ear>> {
        assert!(!filter.is_empty());
        match name {
            "absent" => Err(io::ErrorKind::NotFound.into()),
            "forbidden" => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(Box::new(MadeEar {
                packets: self.packets.clone(),
                lost: self.lost,
                fails: self.fails,
                clock: self.clock.clone(),
                used_ms: self.used_ms.clone(),
                cost_ms: self.cost_ms,
                is_own: self.is_own,
            })),
        }
    }
    fn processor_time(&self) -> Duration {
        Duration::from_millis(self.used_ms.load(Ordering::Relaxed))
    }
}

impl Ear for MadeEar {
    fn hear(&mut self, wait: Duration, each: &mut dyn FnMut(&Overheard<'_>)) -> io::Result<()> {
        if self.packets.is_empty() {
            self.clock.sleep(wait);
        }
        for (at, protocol, bytes) in self.packets.drain(..) {
            self.clock.sleep(Duration::from_millis(self.cost_ms));
            self.used_ms.fetch_add(self.cost_ms, Ordering::Relaxed);
            each(&Overheard {
                at,
                protocol,
                mac: None,
                is_own: self.is_own,
                bytes: &bytes,
            });
        }
        match self.fails {
            true => Err(io::Error::from_raw_os_error(100)),
            false => Ok(()),
        }
    }
    fn lost(&mut self) -> u64 {
        self.lost
    }
}

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_351_600)))
}

fn made(packets: Vec<Heard>) -> Made {
    Made {
        packets,
        lost: 0,
        fails: false,
        clock: clock(),
        used_ms: Arc::default(),
        cost_ms: 0,
        is_own: false,
    }
}

fn listen(ears: impl Ears + 'static, clock: Arc<FakeClock>, names: &[&str]) -> Recorder {
    listen_so(ears, clock, names, false)
}

fn listen_so(
    ears: impl Ears + 'static,
    clock: Arc<FakeClock>,
    names: &[&str],
    promiscuous: bool,
) -> Recorder {
    let world = World {
        clock,
        ..testing::world(FakeDisk::new())
    };
    let watch = Duration::from_secs(10);
    let window = Window::open(world.clock.clone(), Stop::default(), watch, watch * 2);
    let wish = Listening {
        interfaces: names.iter().map(|name| (*name).to_owned()).collect(),
        promiscuous,
    };
    let mut source = ListeningSource::new(Arc::new(ears), wish);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

#[test]
fn what_is_heard_is_told_of_the_interface_and_never_completely() {
    let ears = made(recorded("ldap-simple.pcap"));
    let clock = ears.clock.clone();
    let told = listen(ears, clock.clone(), &["eth0"]);
    assert!(told.facts().any(|fact| {
        matches!(fact, Fact::PacketUse(used) if used.kind == "ldap-bind" && used.log.lossy() == "eth0")
    }));
    assert_eq!(told.gaps().count(), 0);
    let covered: Vec<_> = told.coverage().collect();
    assert_eq!(covered.len(), 1);
    assert_eq!(covered[0].scope.as_str(), "interface:eth0");
    assert_eq!(covered[0].state, CoverageState::Partial);
    assert!(clock.monotonic() >= Duration::from_secs(10), "to the end");
}

/// What is told of who is plugged in, in one line each.
fn links(name: &str, promiscuous: bool, is_own: bool) -> Vec<String> {
    let ears = Made {
        is_own,
        ..made(recorded(name))
    };
    let clock = ears.clock.clone();
    let told = listen_so(ears, clock, &["eth0"], promiscuous);
    let links = told.facts().filter(|f| matches!(f, Fact::LinkSeen(_)));
    links.map(Fact::says).collect()
}

#[test]
fn a_neighbour_is_one_of_this_interface_unless_others_are_heard_there_too() {
    for name in ["lldp.pcap", "cdp.pcap"] {
        assert_eq!(
            links(name, false, false),
            ["eth0, where somebody listened, is a neighbour of switch1.corp.example at port plv0"],
            "{name}"
        );
        assert_eq!(
            links(name, true, false),
            ["switch1.corp.example says that it is plugged in at port plv0"],
            "{name}"
        );
        // What this machine says itself is no neighbour's word.
        assert_eq!(links(name, false, true), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_quiet_interface_tells_nothing_but_that_somebody_listened() {
    let ears = made(Vec::new());
    let clock = ears.clock.clone();
    let told = listen(ears, clock, &["eth0"]);
    assert_eq!((told.facts().count(), told.gaps().count()), (0, 0));
    assert_eq!(told.coverage().count(), 1);
}

#[test]
fn what_the_kernel_had_no_room_for_is_a_gap_with_its_number() {
    let ears = Made {
        lost: 7,
        ..made(recorded("ldap-simple.pcap"))
    };
    let clock = ears.clock.clone();
    let told = listen(ears, clock, &["eth0"]);
    let gap = told.gaps().next().unwrap();
    assert_eq!(gap.reason, Reason::BudgetExhausted);
    assert!(gap.what.contains("7 packets the kernel had no room for") && gap.remedy.is_some());
    assert!(told.facts().count() > 0, "the rest is told");
}

#[test]
fn whoever_may_not_listen_or_nowhere_is_told_the_remedy_and_others_are_heard() {
    let ears = made(recorded("ldap-simple.pcap"));
    let clock = ears.clock.clone();
    let told = listen(ears, clock, &["absent", "eth0", "forbidden"]);
    let gaps: Vec<_> = told.gaps().map(|gap| gap.reason.clone()).collect();
    assert_eq!(gaps, [Reason::NotPresent, Reason::PermissionDenied]);
    assert!(told.gaps().all(|gap| gap.remedy.is_some()));
    assert_eq!(told.coverage().count(), 3);
    assert!(told.facts().count() > 0);
    let told = listen(NoEars, self::clock(), &["eth0"]);
    assert_eq!(told.gaps().next().unwrap().reason, Reason::Unsupported);
}

#[test]
fn an_interface_that_goes_down_is_a_gap_and_listened_at_to_the_end() {
    let ears = Made {
        fails: true,
        ..made(recorded("ldap-simple.pcap"))
    };
    let clock = ears.clock.clone();
    let told = listen(ears, clock.clone(), &["eth0"]);
    assert!(
        told.gaps()
            .any(|gap| gap.what.contains("while it was down"))
    );
    assert!(told.facts().count() > 0);
    assert!(clock.monotonic() >= Duration::from_secs(10));
}

#[test]
fn more_interfaces_than_there_is_room_for_are_said() {
    let ears = made(Vec::new());
    let clock = ears.clock.clone();
    let names = ["a", "b", "c", "d", "e"];
    let told = listen(ears, clock, &names);
    assert_eq!(told.gaps().count(), names.len() - INTERFACES_MAX);
}

#[test]
fn half_of_one_processor_is_used_and_not_more() {
    let packets = recorded("dns.pcap");
    let many = u64::try_from(packets.len()).unwrap();
    let ears = Made {
        cost_ms: 3_000 / many,
        ..made(packets)
    };
    let (clock, used) = (ears.clock.clone(), ears.used_ms.clone());
    let world = World {
        clock: clock.clone(),
        ..testing::world(FakeDisk::new())
    };
    let watch = Duration::from_secs(4);
    let window = Window::open(world.clock.clone(), Stop::default(), watch, watch * 2);
    let wish = Listening {
        interfaces: vec!["eth0".to_owned()],
        promiscuous: false,
    };
    let mut source = ListeningSource::new(Arc::new(ears), wish);
    source.look(
        &window,
        &Budget::default(),
        &mut Recorder::new(source.name()),
    );
    // One hearing cannot be cut; behind it nobody works until that is made up for, and the watch is over by then.
    let used = Duration::from_millis(used.load(Ordering::Relaxed));
    assert!(used > Duration::from_millis(2_500) && used <= Duration::from_secs(3));
    let passed = clock.monotonic();
    assert!(
        passed >= watch && passed < watch + Duration::from_millis(200),
        "{passed:?}"
    );
}

/// An ear whose packets come at their time, and wait until they are heard.
struct Ring {
    packets: Vec<(Duration, Heard)>,
    clock: Arc<FakeClock>,
    used_ms: Arc<AtomicU64>,
}

impl Ear for Ring {
    fn hear(&mut self, wait: Duration, each: &mut dyn FnMut(&Overheard<'_>)) -> io::Result<()> {
        let now = self.clock.monotonic();
        let due = self.packets.iter().filter(|(at, _)| *at <= now).count();
        if due == 0 {
            self.clock.sleep(wait);
        }
        for (_, (at, protocol, bytes)) in self.packets.drain(..due) {
            self.clock.sleep(Duration::from_millis(100));
            self.used_ms.fetch_add(100, Ordering::Relaxed);
            each(&Overheard {
                at,
                protocol,
                mac: None,
                is_own: false,
                bytes: &bytes,
            });
        }
        Ok(())
    }
    fn lost(&mut self) -> u64 {
        0
    }
}

struct OneRing(Mutex<Option<Ring>>, Arc<AtomicU64>);

impl Ears for OneRing {
    fn open(&self, _: &str, _: bool, _: &[Instruction]) -> io::Result<Box<dyn Ear>> {
        let ring = self.0.lock().unwrap().take().unwrap();
        Ok(Box::new(ring))
    }
    fn processor_time(&self) -> Duration {
        Duration::from_millis(self.1.load(Ordering::Relaxed))
    }
}

#[test]
fn what_lies_in_the_ring_when_the_watch_is_over_is_heard() {
    let packets = recorded("ldap-simple.pcap");
    let (clock, used_ms) = (clock(), Arc::new(AtomicU64::new(0)));
    // Many come at the begin, and cost so much that nobody reads any more until the watch of ten seconds is over.
    let many = packets.first().cloned().unwrap();
    let mut queue: Vec<_> = (0..60).map(|_| (Duration::ZERO, many.clone())).collect();
    let late = packets.into_iter();
    queue.extend(late.map(|packet| (Duration::from_secs(8), packet)));
    let all = queue.len();
    let ring = Ring {
        packets: queue,
        clock: clock.clone(),
        used_ms: used_ms.clone(),
    };
    let told = listen(OneRing(Mutex::new(Some(ring)), used_ms), clock, &["eth0"]);
    assert!(
        told.facts()
            .any(|fact| matches!(fact, Fact::PacketUse(used) if used.kind == "ldap-bind"))
    );
    let how = told.coverage().next().unwrap().how.clone().unwrap();
    assert_eq!(how, format!("{all} packets"));
}

#[test]
fn nothing_that_is_heard_makes_it_fail() {
    let mut packets = recorded("smb.pcap");
    for name in ["lldp", "cdp", "router", "dhcp6", "netbios-server"] {
        packets.extend(recorded(&format!("{name}.pcap")));
    }
    let seeds: Vec<&[u8]> = packets
        .iter()
        .map(|(_, _, bytes)| bytes.as_slice())
        .collect();
    let at = packets[0].0;
    let wire = Mutex::new(groma_source_packet::Wire::default());
    groma_fuzz::hammer(10_000, &seeds, |bytes| {
        for protocol in [0x0800, 0x86dd, 0x0806, 0x88cc, 0x8100, 4] {
            wire.lock().unwrap().overhear(&Overheard {
                at,
                protocol,
                mac: Some([2, 0, 0, 0, 0, 1]),
                is_own: false,
                bytes,
            });
        }
    });
    let _ = wire.into_inner().unwrap().end();
}
