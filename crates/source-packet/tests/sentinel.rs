//! The source that stands sentinel: what it tells of ears that hear, lose, or fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use groma_model::{Fact, Timestamp};
use groma_source::ears::{EVERY_LINK, Ear, Ears, Overheard};
use groma_source::testing::{self, FakeClock, FakeDisk};
use groma_source::{Budget, Clock, Instruction, Recorder, Source, Stop, Window, World};
use groma_source_packet::sentinel::{Post, SentinelSource, Standing};

const BEGIN: i64 = 1_795_351_600;

/// Ears of a machine at which one first packet arrives, at another interface than the one that has the address.
struct Elsewhere {
    clock: Arc<FakeClock>,
    /// The interface that goes down.
    down: &'static str,
    lost: u64,
}

struct Hears {
    clock: Arc<FakeClock>,
    packets: Vec<Vec<u8>>,
    fails: bool,
    lost: u64,
}

impl Ears for Elsewhere {
    fn open(&self, name: &str, _: bool, _: &[Instruction]) -> io::Result<Box<dyn Ear>> {
        let is_every = name == EVERY_LINK;
        Ok(Box::new(Hears {
            clock: self.clock.clone(),
            packets: if is_every {
                vec![opening()]
            } else {
                Vec::new()
            },
            fails: name == self.down,
            lost: if is_every { self.lost } else { 0 },
        }))
    }
    fn processor_time(&self) -> Duration {
        Duration::ZERO
    }
}

impl Ear for Hears {
    fn hear(&mut self, wait: Duration, each: &mut dyn FnMut(&Overheard<'_>)) -> io::Result<()> {
        self.clock.sleep(wait);
        for bytes in self.packets.drain(..) {
            each(&Overheard {
                at: Timestamp::from_seconds(BEGIN),
                protocol: 0x0800,
                mac: None,
                is_own: false,
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

/// 10.9.0.7 opens a connection to port 389 of 10.9.0.5.
fn opening() -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    packet.extend([10, 9, 0, 7, 10, 9, 0, 5]);
    packet.extend([0x9c, 0x40, 0x01, 0x85]);
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    packet
}

fn stood(down: &'static str, lost: u64) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(BEGIN)));
    let world = World {
        clock: clock.clone(),
        ..testing::world(FakeDisk::new())
    };
    let watch = Duration::from_secs(10);
    let window = Window::open(clock.clone(), Stop::default(), watch, watch * 2);
    let wish = Standing {
        posts: vec![Post {
            address: [10, 9, 0, 5].into(),
            interface: "dummy0".to_owned(),
            ports: [].into(),
            answered: Vec::new(),
        }],
        hasty: false,
    };
    let ears = Elsewhere { clock, down, lost };
    let mut source = SentinelSource::new(world, Arc::new(ears), wish);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

#[test]
fn who_knocks_on_another_interface_than_the_one_that_has_the_address_is_heard() {
    let told = stood("none", 0);
    let knocks = told.facts().filter(|fact| matches!(fact, Fact::Knock(_)));
    let knocks: Vec<String> = knocks.map(Fact::says).collect();
    assert_eq!(
        knocks,
        ["10.9.0.7 knocked at 10.9.0.5:389/tcp, where nobody is any more"]
    );
    assert_eq!(told.gaps().count(), 0);
}

#[test]
fn an_interface_that_goes_down_and_packets_that_were_lost_are_gaps() {
    let down = stood("dummy0", 0);
    let gap = down.gaps().next().unwrap();
    assert!(gap.what.contains("while dummy0 was down"), "{}", gap.what);
    let other = stood("eth7", 0);
    assert_eq!(other.gaps().count(), 0);
    let lost = stood("none", 17);
    assert!(lost.gaps().next().unwrap().what.contains("17 packets"));
}
