//! What is told of a list of clients that ends before its end: by answers made as `candm.h` of chrony has them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use groma_model::CoverageState;
use groma_source::testing::{self, FakeDisk};
use groma_source::{Budget, Datagrams, LocalDoor, Network, Recorder, Source, Stream, World};
use groma_source_time::ChronySource;

const CLIENTS: u16 = 68;
const STATISTICS: u16 = 54;

/// A chronyd with one client at each place; `answers` is how many questions for its list it answers.
#[derive(Clone)]
struct Chronyd {
    places: u32,
    step: u32,
    answers: u32,
    asked: Option<Vec<u8>>,
}

impl Datagrams for Chronyd {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.asked = Some(datagram.to_owned());
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let asked = self.asked.take().unwrap();
        let command = u16::from_be_bytes([asked[4], asked[5]]);
        let first = u32::from_be_bytes(asked[20..24].try_into().unwrap());
        let (reply, content) = match command {
            CLIENTS if self.answers > 0 => (21_u16, self.part(first)),
            STATISTICS => (25, vec![0; 140]),
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        };
        let mut bytes = vec![6, 2, 0, 0];
        bytes.extend(command.to_be_bytes());
        bytes.extend(reply.to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend(&asked[8..12]);
        bytes.extend([0; 8]);
        bytes.extend(content);
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Chronyd {
    fn part(&mut self, first: u32) -> Vec<u8> {
        self.answers -= 1;
        let next = (first + self.step).min(self.places);
        let mut content = Vec::new();
        for number in [self.places, next, 1] {
            content.extend(number.to_be_bytes());
        }
        // 10.x.x.x, its family, how often; key exchanges and commands; seconds ago.
        content.extend((0x0a00_0001 + first).to_be_bytes());
        content.extend([0; 12]);
        content.extend([0, 1, 0, 0]);
        content.extend(3_u32.to_be_bytes());
        content.extend([0; 24]);
        content.extend(60_u32.to_be_bytes());
        content.extend([0; 8]);
        content
    }
}

impl Network for Chronyd {
    fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
    fn is_offline(&self) -> bool {
        true
    }
    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }
    fn open_local(&self, _: &LocalDoor, _: Duration) -> io::Result<Box<dyn Datagrams>> {
        Ok(Box::new(self.clone()))
    }
}

/// Clients that were told, gaps, and the state of what was covered.
fn look(places: u32, step: u32, answers: u32) -> (usize, Vec<String>, CoverageState) {
    let chronyd = Chronyd {
        places,
        step,
        answers,
        asked: None,
    };
    let world = World {
        network: Arc::new(chronyd),
        ..testing::world(FakeDisk::new().special("/run/chrony/chronyd.sock"))
    };
    let window = testing::window(&world);
    let mut source = ChronySource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let gaps = recorder.gaps().map(|gap| {
        let remedy = gap.remedy.as_deref().unwrap_or_default();
        format!("{} ({:?}): {remedy}", gap.what, gap.reason)
    });
    let state = recorder.coverage().next().unwrap().state;
    (recorder.facts().count(), gaps.collect(), state)
}

const REST: &str = "the rest of the list of clients of the time service";

#[test]
fn an_answer_that_is_lost_loses_nothing_that_came_before() {
    let (clients, gaps, state) = look(4_096, 8, 500);
    assert_eq!((clients, state), (500, CoverageState::Partial));
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].starts_with(&format!("{REST} (TimedOut): `chronyc clients`")),
        "{gaps:?}"
    );
    // Its twins: a list that came whole, and one of which nothing came.
    let (clients, gaps, state) = look(4_096, 8, 512);
    assert_eq!((clients, gaps.len()), (512, 0));
    assert_eq!(state, CoverageState::Complete);
    let (clients, gaps, _) = look(4_096, 8, 0);
    assert_eq!(clients, 0);
    assert!(
        gaps[0].starts_with("who takes the time from this machine (TimedOut)"),
        "{gaps:?}"
    );
}

#[test]
fn a_list_that_is_longer_than_a_look_asks_for_is_not_promised_to_more_time() {
    let (clients, gaps, _) = look(300_000, 131_072, 9);
    assert_eq!(clients, 2);
    assert_eq!(
        gaps,
        [format!(
            "{REST}: 37856 places beyond the first 262144 (BudgetExhausted): more than a look asks for, however long it takes; `chronyc clients` prints the list by hand"
        )]
    );
}
