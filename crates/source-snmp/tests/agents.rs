//! Agents of every kind: what is wrong with them costs what comes behind, and never more.
//!
//! A made-up agent answers within this process, over the same trait as the real network. What it answers is written here from
//! the published MIBs; nothing of it was recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groma_model::device::{Deed, DeviceClass, DeviceSays, LinkTable};
use groma_model::{CoverageState, Fact, Reason, SourceName};
use groma_source::ber::{element, elements};
use groma_source::testing::{FakeClock, FakeDisk};
use groma_source::{
    Budget, Clock, Datagrams, Network, Randomness, Recorder, Source, Stop, Stream, Window, World,
};
use groma_source_snmp::oid::Oid;
use groma_source_snmp::{Access, DATAGRAMS_SILENT, SnmpSource};

const DEVICE: &str = "192.0.2.7";

/// How an agent misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Habit {
    Honest,
    /// Version 1 alone: others are not answered.
    FirstVersion,
    /// The same row for ever.
    Stuck,
    /// Rows in no order.
    Unsorted,
    /// A table without an end.
    Endless,
    /// More rows than were asked for, in the largest datagram there is.
    Huge,
    /// Says "too big" to everything but a few rows.
    TooBig,
    /// Falls silent after some questions.
    Tires,
    /// Gives a part of its forwarding table, and the same row for ever.
    CutsForwarding,
    /// Answers other questions than were asked, before the right one.
    Babbles,
    /// Octets of no protocol.
    Garbage,
    /// Never.
    Silent,
    /// Nobody listens.
    Closed,
}

struct Agent {
    habit: Habit,
    objects: BTreeMap<Oid, Vec<u8>>,
    clock: Arc<FakeClock>,
    asked: Mutex<Vec<(Duration, SocketAddr, Vec<u8>)>>,
    fragile: Mutex<bool>,
}

fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let head = match length {
        0..=127 => vec![tag, length as u8],
        128..=65_535 => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![
            tag,
            0x83,
            (length >> 16) as u8,
            (length >> 8) as u8,
            length as u8,
        ],
    };
    [head, value.to_vec()].concat()
}

fn number(value: i64) -> Vec<u8> {
    tagged(2, &value.to_be_bytes())
}

fn text(value: &str) -> Vec<u8> {
    tagged(4, value.as_bytes())
}

fn name(value: &str) -> Vec<u8> {
    tagged(6, &Oid::parse(value).unwrap().encoded())
}

/// What an agent has is held by a network of one machine.
struct One(Arc<Agent>);

impl Network for One {
    fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
        panic!("nobody is called by TCP")
    }
    fn is_offline(&self) -> bool {
        false
    }
    fn is_local(&self, address: IpAddr) -> bool {
        address == "192.0.2.99".parse::<IpAddr>().unwrap()
    }
    fn open_datagrams(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        Ok(Box::new(Door {
            agent: self.0.clone(),
            to,
            timeout,
            waiting: Vec::new(),
        }))
    }
    fn is_fragile(&self, _: IpAddr) {
        *self.0.fragile.lock().unwrap() = true;
    }
}

struct Door {
    agent: Arc<Agent>,
    to: SocketAddr,
    timeout: Duration,
    waiting: Vec<Vec<u8>>,
}

impl Datagrams for Door {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let now = self.agent.clock.monotonic();
        let mut asked = self.agent.asked.lock().unwrap();
        asked.push((now, self.to, datagram.to_vec()));
        let count = asked.len();
        drop(asked);
        let mut answers = self.agent.answers(datagram, count);
        answers.reverse();
        self.waiting = answers;
        Ok(())
    }
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.agent.habit == Habit::Closed {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        match self.waiting.pop() {
            Some(answer) => {
                let length = answer.len().min(into.len());
                into[..length].copy_from_slice(&answer[..length]);
                Ok(length)
            }
            None => {
                self.agent.clock.sleep(self.timeout);
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

impl Agent {
    fn answers(&self, datagram: &[u8], count: usize) -> Vec<Vec<u8>> {
        let (outer, _) = element(datagram).unwrap();
        let parts = elements(outer.value, 3).unwrap();
        let (version, community, pdu) = (parts[0].value, parts[1].value, parts[2]);
        assert!(
            matches!(pdu.tag, 0xa0 | 0xa1 | 0xa5),
            "only questions that change nothing"
        );
        let inner = elements(pdu.value, 4).unwrap();
        let names: Vec<Oid> = elements(inner[3].value, 64)
            .unwrap()
            .iter()
            .map(|binding| Oid::decode(elements(binding.value, 2).unwrap()[0].value).unwrap())
            .collect();
        let first = version == [0];
        if community != b"devices" {
            return Vec::new();
        }
        match self.habit {
            Habit::Silent | Habit::Closed => return Vec::new(),
            Habit::FirstVersion if !first => return Vec::new(),
            Habit::Tires if count > 6 => return Vec::new(),
            Habit::Garbage => return vec![b"\x30\x84\xff\xff\xff\xff".to_vec(), vec![0; 65_507]],
            _ => {}
        }
        let most = match pdu.tag {
            0xa5 => *inner[2].value.last().unwrap() as usize,
            _ => 1,
        };
        if self.habit == Habit::TooBig && (most > 3 || names.len() > 2) {
            return vec![self.answer(version, inner[0].value, 1, &[])];
        }
        let bindings = match pdu.tag {
            0xa0 => self.get(&names),
            _ => self.next(&names[0], most),
        };
        // RFC 1157: one object that is missing, and nothing of the others is told.
        let missing = bindings.iter().any(|(_, value)| value[0] & 0xf0 == 0x80);
        let error = if first && missing { 2 } else { 0 };
        let right = self.answer(version, inner[0].value, error, &bindings);
        match self.habit {
            Habit::Babbles => {
                let mut other = inner[0].value.to_vec();
                *other.last_mut().unwrap() ^= 1;
                let wrong = vec![(Oid::parse("1.3.6.1.2.1.1.1.0").unwrap(), text("a lie"))];
                vec![
                    self.answer(version, &other, 0, &wrong),
                    b"?".to_vec(),
                    right,
                ]
            }
            _ => vec![right],
        }
    }

    fn get(&self, names: &[Oid]) -> Vec<(Oid, Vec<u8>)> {
        let value = |name: &Oid| self.objects.get(name).cloned().unwrap_or(vec![0x80, 0]);
        names
            .iter()
            .map(|name| (name.clone(), value(name)))
            .collect()
    }

    fn next(&self, after: &Oid, most: usize) -> Vec<(Oid, Vec<u8>)> {
        let table = Oid::parse("1.3.6.1.2.1.6.13.1.1").unwrap();
        let within = *after >= table && after.below(&table).is_some();
        let forwarding = Oid::parse("1.3.6.1.2.1.17.7.1.2.2.1.2").unwrap();
        match self.habit {
            Habit::CutsForwarding if *after == forwarding => {
                let row = forwarding.with(&[20, 0, 38, 115, 1, 2, 3]);
                return vec![(row, number(3)); 2];
            }
            Habit::Stuck if within => {
                let row = table.with(&[192, 0, 2, 7, 1, 192, 0, 2, 25, 25]);
                return vec![(row, number(5)); most];
            }
            Habit::Unsorted if within => {
                let row = |n: u32| table.with(&[192, 0, 2, 7, n, 192, 0, 2, 25, 25]);
                return vec![
                    (row(9), number(5)),
                    (row(3), number(5)),
                    (row(12), number(5)),
                ];
            }
            Habit::Endless if within => {
                let port = after.parts().get(14).map_or(0, |port| port + 1);
                let row = |n: u32| table.with(&[192, 0, 2, 7, port + n, 192, 0, 2, 25, 25]);
                return (1..=most as u32).map(|n| (row(n), number(5))).collect();
            }
            _ => {}
        }
        let more = if self.habit == Habit::Huge {
            3_000
        } else {
            most
        };
        let behind = self
            .objects
            .range(after.clone()..)
            .filter(|(name, _)| *name > after);
        let mut rows: Vec<_> = behind
            .take(more)
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        if rows.is_empty() {
            rows.push((after.clone(), vec![0x82, 0]));
        }
        rows
    }

    fn answer(
        &self,
        version: &[u8],
        request: &[u8],
        error: i64,
        bindings: &[(Oid, Vec<u8>)],
    ) -> Vec<u8> {
        let bindings: Vec<u8> = bindings
            .iter()
            .flat_map(|(name, value)| {
                tagged(0x30, &[tagged(6, &name.encoded()), value.clone()].concat())
            })
            .collect();
        let inner = [
            tagged(2, request),
            number(error),
            number(0),
            tagged(0x30, &bindings),
        ]
        .concat();
        let whole = [
            tagged(2, version),
            tagged(4, b"devices"),
            tagged(0xa2, &inner),
        ]
        .concat();
        let mut bytes = tagged(0x30, &whole);
        bytes.truncate(65_507);
        bytes
    }
}

struct Zeros;

impl Randomness for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

const TABLE: &str = "[[snmp]]\nrange = \"192.0.2.0/24\"\ncommunity = \"devices\"\n";

fn access(tables: &str) -> Vec<Access> {
    let at = tempfile::tempdir().unwrap();
    let file = at.path().join("access.toml");
    std::fs::write(&file, tables).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let world = groma_sys::this_machine(true);
    groma_source_snmp::access::read(world.disk.as_ref(), &file).unwrap()
}

fn looks(habit: Habit, objects: Vec<(&str, Vec<u8>)>) -> (Recorder, Arc<Agent>) {
    looks_as(habit, objects, access(TABLE))
}

fn looks_as(
    habit: Habit,
    objects: Vec<(&str, Vec<u8>)>,
    access: Vec<Access>,
) -> (Recorder, Arc<Agent>) {
    let clock = Arc::new(FakeClock::at("2026-11-21T09:00:00Z".parse().unwrap()));
    let agent = Arc::new(Agent {
        habit,
        objects: objects
            .into_iter()
            .map(|(name, value)| (Oid::parse(name).unwrap(), value))
            .collect(),
        clock: clock.clone(),
        asked: Mutex::default(),
        fragile: Mutex::default(),
    });
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(FakeDisk::new()),
        network: Arc::new(One(agent.clone())),
        randomness: Arc::new(Zeros),
    };
    let hour = Duration::from_secs(3_600);
    let window = Window::open(clock, Stop::default(), Duration::ZERO, hour);
    let mut recorder = Recorder::new(SourceName::new("network.snmp"));
    let hosts = [DEVICE.parse().unwrap()];
    SnmpSource::new(world, hosts, access).look(&window, &Budget::default(), &mut recorder);
    (recorder, agent)
}

/// A copier, as the MIBs write it: its values are written here, not recorded.
fn copier() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "1.3.6.1.2.1.1.1.0",
            text(
                "RICOH MP C3003 1.09 / RICOH Network Printer C model / RICOH Network Scanner C model",
            ),
        ),
        ("1.3.6.1.2.1.1.2.0", name("1.3.6.1.4.1.367.1.1")),
        ("1.3.6.1.2.1.1.4.0", text("Jane Doe, ext. 123")),
        ("1.3.6.1.2.1.1.5.0", text("copier-2")),
        ("1.3.6.1.2.1.1.6.0", text("2nd floor, corridor")),
        (
            "1.3.6.1.2.1.2.2.1.6.1",
            tagged(4, &[0, 0x26, 0x73, 1, 2, 3]),
        ),
        (
            "1.3.6.1.2.1.4.20.1.1.192.0.2.7",
            tagged(0x40, &[192, 0, 2, 7]),
        ),
        ("1.3.6.1.2.1.6.13.1.1.0.0.0.0.80.0.0.0.0.0", number(2)),
        ("1.3.6.1.2.1.6.13.1.1.0.0.0.0.9100.0.0.0.0.0", number(2)),
        (
            "1.3.6.1.2.1.6.13.1.1.192.0.2.7.40001.192.0.2.25.25",
            number(5),
        ),
        (
            "1.3.6.1.2.1.6.13.1.1.192.0.2.7.80.192.0.2.99.50000",
            number(5),
        ),
        ("1.3.6.1.2.1.25.3.2.1.2.1", name("1.3.6.1.2.1.25.3.1.5")),
        ("1.3.6.1.2.1.25.3.2.1.3.1", text("RICOH MP C3003")),
        ("1.3.6.1.2.1.43.5.1.1.17.1", text("E154M210001")),
        (
            "1.3.6.1.2.1.43.10.2.1.4.1.1",
            tagged(0x41, &[1, 0x86, 0xa0]),
        ),
        ("1.3.6.1.4.1.367.3.2.1.2.19.3.0", number(0)),
        ("1.3.6.1.4.1.367.3.2.1.2.19.4.0", number(4_711)),
    ]
}

fn says(recorder: &Recorder) -> Option<&DeviceSays> {
    recorder.facts().find_map(|fact| match fact {
        Fact::DeviceSays(says) => Some(says),
        _ => None,
    })
}

fn needs(recorder: &Recorder) -> Vec<(String, String, u16, &str)> {
    let uses = recorder.facts().filter_map(|fact| match fact {
        Fact::TableUse(used) => Some((
            used.consumer.to_string(),
            used.provider.to_string(),
            used.port.unwrap().0,
            used.kind.as_str(),
        )),
        _ => None,
    });
    uses.collect()
}

fn mails() -> Vec<(String, String, u16, &'static str)> {
    vec![(DEVICE.to_owned(), "192.0.2.25".to_owned(), 25, "smtp-relay")]
}

#[test]
fn a_copier_tells_who_it_is_and_that_it_mails() {
    let (recorder, agent) = looks(Habit::Honest, copier());
    let says = says(&recorder).unwrap();
    assert_eq!(says.class, Some(DeviceClass::Multifunction));
    assert_eq!(
        (says.maker.as_deref(), says.model.as_deref()),
        (Some("Ricoh"), Some("MP C3003"))
    );
    assert_eq!(
        (says.serial.as_deref(), says.version.as_deref()),
        (Some("E154M210001"), Some("1.09"))
    );
    assert_eq!(says.location.as_deref(), Some("2nd floor, corridor"));
    assert_eq!(says.macs, ["00:26:73:01:02:03"]);
    assert_eq!(says.has_done, [Deed::Print, Deed::Copy]);
    assert!(says.can.contains(&Deed::Scan));
    assert_eq!(
        needs(&recorder),
        mails(),
        "that we looked at its page is no need"
    );
    let open: Vec<u16> = recorder
        .facts()
        .filter_map(|fact| match fact {
            Fact::OpenPort(open) => Some(open.port.0),
            _ => None,
        })
        .collect();
    assert_eq!(open, [80, 9100]);
    assert_eq!(recorder.gaps().count(), 0, "{:?}", recorder.gaps().next());
    assert!(
        recorder
            .coverage()
            .all(|c| c.state == CoverageState::Complete)
    );
    assert!(*agent.fragile.lock().unwrap(), "a copier is asked slowly");
}

/// The contact is a person: the question is not asked, and nothing of what stands there is said.
#[test]
fn nobody_asks_for_a_person_and_everybody_is_asked_at_one_port_alone() {
    let (recorder, agent) = looks(Habit::Honest, copier());
    assert!(!format!("{:?}", recorder.records).contains("Jane"));
    let contact = Oid::parse("1.3.6.1.2.1.1.4.0").unwrap().encoded();
    for (_, to, datagram) in agent.asked.lock().unwrap().iter() {
        assert_eq!(to.port(), 161);
        assert!(!datagram.windows(contact.len()).any(|part| part == contact));
    }
}

#[test]
fn until_it_is_known_what_it_is_two_questions_a_second_are_the_most() {
    let (_, agent) = looks(Habit::Honest, copier());
    let asked = agent.asked.lock().unwrap();
    let times: Vec<Duration> = asked.iter().map(|(at, ..)| *at).take(5).collect();
    let fast = times
        .windows(3)
        .any(|w| w[2] - w[0] < Duration::from_millis(990));
    assert!(!fast, "{times:?}");
}

#[test]
fn an_agent_of_the_first_version_tells_the_same() {
    let (recorder, _) = looks(Habit::FirstVersion, copier());
    let (honest, _) = looks(Habit::Honest, copier());
    assert_eq!(says(&recorder), says(&honest));
    assert_eq!(needs(&recorder), mails());
}

#[test]
fn a_table_that_stands_still_or_goes_back_ends_there_and_says_so() {
    for habit in [Habit::Stuck, Habit::Unsorted] {
        let (recorder, agent) = looks(habit, copier());
        assert!(
            says(&recorder).is_some_and(|says| says.serial.is_some()),
            "{habit:?}"
        );
        assert_eq!(needs(&recorder), mails(), "{habit:?}");
        let gap = recorder
            .gaps()
            .find(|gap| gap.what.contains("tcpConnTable"))
            .unwrap();
        assert_eq!(gap.reason, Reason::Malformed);
        assert!(
            recorder
                .coverage()
                .any(|c| c.state == CoverageState::Partial)
        );
        assert!(agent.asked.lock().unwrap().len() < 60, "{habit:?}");
    }
}

#[test]
fn a_table_without_an_end_is_read_up_to_a_bound() {
    let (recorder, agent) = looks(Habit::Endless, copier());
    assert_eq!(needs(&recorder), mails());
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("tcpConnTable"))
        .unwrap();
    assert_eq!(gap.reason, Reason::BudgetExhausted);
    assert!(agent.asked.lock().unwrap().len() < 1_000);
}

#[test]
fn more_rows_than_were_asked_for_and_a_cut_datagram_do_no_harm() {
    let mut objects = copier();
    let long = "x".repeat(100);
    let names: Vec<String> = (1..900).map(|n| format!("1.3.6.1.2.1.99.{n}")).collect();
    objects.extend(names.iter().map(|name| (name.as_str(), text(&long))));
    let objects = objects.into_iter().collect::<Vec<_>>();
    // Leaked once, in a test: the names must live as long as the agent.
    let (recorder, agent) = looks(Habit::Huge, objects);
    assert!(agent.asked.lock().unwrap().len() < 100);
    assert!(says(&recorder).is_some());
}

#[test]
fn an_answer_that_would_be_too_big_is_asked_for_by_halves() {
    let (recorder, _) = looks(Habit::TooBig, copier());
    assert_eq!(needs(&recorder), mails());
    assert_eq!(
        says(&recorder).and_then(|says| says.serial.as_deref()),
        Some("E154M210001")
    );
}

#[test]
fn what_came_before_a_device_fell_silent_is_kept_and_the_rest_is_a_gap() {
    let (recorder, agent) = looks(Habit::Tires, copier());
    assert!(says(&recorder).is_some_and(|says| says.class.is_some()));
    assert!(recorder.gaps().any(|gap| gap.reason == Reason::TimedOut));
    assert!(
        recorder
            .coverage()
            .any(|c| c.state == CoverageState::Partial)
    );
    assert!(
        agent.asked.lock().unwrap().len() <= 10,
        "a device that is silent is left alone"
    );
}

#[test]
fn answers_to_other_questions_are_not_believed() {
    let (recorder, _) = looks(Habit::Babbles, copier());
    let (honest, _) = looks(Habit::Honest, copier());
    assert_eq!(says(&recorder), says(&honest));
    assert!(!format!("{:?}", recorder.records).contains("a lie"));
}

#[test]
fn who_does_not_answer_is_asked_four_times_and_one_gap_names_all_of_them() {
    for habit in [Habit::Silent, Habit::Garbage] {
        let (recorder, agent) = looks(habit, copier());
        assert_eq!(recorder.facts().count(), 0);
        let gaps: Vec<_> = recorder.gaps().collect();
        assert_eq!(gaps.len(), 1, "{habit:?}");
        assert!(gaps[0].what.contains(DEVICE) && !format!("{gaps:?}").contains("\"devices\""));
        assert_eq!(agent.asked.lock().unwrap().len(), 4, "{habit:?}");
    }
}

/// Two tables that cover it are two ways to ask, and the plan counts both.
#[test]
fn who_does_not_answer_is_asked_four_times_for_each_table_that_covers_it() {
    let other = TABLE.replace("devices", "others");
    let (_, agent) = looks_as(Habit::Silent, copier(), access(&format!("{TABLE}{other}")));
    let asked = agent.asked.lock().unwrap().len();
    assert_eq!(asked as u64, 2 * DATAGRAMS_SILENT);
}

#[test]
fn that_nobody_listens_is_an_answer() {
    let (recorder, agent) = looks(Habit::Closed, copier());
    assert_eq!((recorder.facts().count(), recorder.gaps().count()), (0, 0));
    assert!(
        recorder
            .coverage()
            .all(|c| c.state == CoverageState::Complete)
    );
    assert_eq!(agent.asked.lock().unwrap().len(), 1);
}

/// A switch, as the MIBs write it: its values are written here, not recorded.
fn switch() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("1.0.8802.1.1.2.1.3.7.1.2.3", number(5)),
        ("1.0.8802.1.1.2.1.3.7.1.3.3", text("3")),
        ("1.0.8802.1.1.2.1.4.1.1.4.0.3.1", number(4)),
        (
            "1.0.8802.1.1.2.1.4.1.1.5.0.3.1",
            tagged(4, &[0, 0x26, 0x73, 1, 2, 3]),
        ),
        ("1.0.8802.1.1.2.1.4.1.1.6.0.3.1", number(3)),
        (
            "1.0.8802.1.1.2.1.4.1.1.7.0.3.1",
            tagged(4, &[0, 0x26, 0x73, 1, 2, 3]),
        ),
        ("1.0.8802.1.1.2.1.4.1.1.9.0.3.1", text("copier-2")),
        ("1.0.8802.1.1.2.1.4.2.1.3.0.3.1.1.4.192.0.2.7", number(1)),
        (
            "1.3.6.1.2.1.1.1.0",
            text("HP J9773A 2530-24G-PoEP Switch, revision YA.16.02.0003, ROM YA.15.19"),
        ),
        ("1.3.6.1.2.1.1.2.0", name("1.3.6.1.4.1.11.2.3.7.11.139")),
        ("1.3.6.1.2.1.1.5.0", text("sw-2")),
        (
            "1.3.6.1.2.1.4.22.1.2.1.192.0.2.8",
            tagged(4, &[2, 0, 0, 0, 0, 8]),
        ),
        ("1.3.6.1.2.1.17.1.2.0", number(28)),
        ("1.3.6.1.2.1.17.1.4.1.2.3", number(103)),
        ("1.3.6.1.2.1.17.7.1.2.2.1.2.20.0.38.115.1.2.3", number(3)),
        ("1.3.6.1.2.1.17.7.1.4.2.1.3.0.20", tagged(0x42, &[20])),
        ("1.3.6.1.2.1.31.1.1.1.1.103", text("Gi1/0/3")),
    ]
}

#[test]
fn a_switch_tells_who_is_plugged_in_where() {
    let (recorder, agent) = looks(Habit::Honest, switch());
    let says = says(&recorder).unwrap();
    assert_eq!(says.class, Some(DeviceClass::Switch));
    assert_eq!(
        (says.model.as_deref(), says.version.as_deref()),
        (Some("J9773A"), Some("YA.16.02.0003"))
    );
    let links: Vec<_> = recorder
        .facts()
        .filter_map(|fact| match fact {
            Fact::LinkSeen(link) => Some(link),
            _ => None,
        })
        .collect();
    let by = |table| links.iter().find(|link| link.by == table).unwrap();
    let lldp = by(LinkTable::Lldp);
    assert_eq!(
        (lldp.name.as_deref(), lldp.port.as_deref()),
        (Some("copier-2"), Some("3"))
    );
    assert_eq!(lldp.address, Some(DEVICE.parse().unwrap()));
    let bridge = by(LinkTable::Bridge);
    assert_eq!(
        (bridge.port.as_deref(), bridge.vlan),
        (Some("Gi1/0/3"), Some(20))
    );
    assert_eq!(bridge.mac.as_deref(), Some("00:26:73:01:02:03"));
    assert_eq!(
        by(LinkTable::Neighbours).address,
        Some("192.0.2.8".parse().unwrap())
    );
    assert!(!*agent.fragile.lock().unwrap());
}

/// Net-SNMP keeps a row for the broadcast address of each network it is in.
#[test]
fn the_broadcast_address_of_a_network_is_no_address_of_the_device() {
    let mut objects = copier();
    let row = |column: u32, rest: &str| format!("1.3.6.1.2.1.4.34.1.{column}.{rest}");
    let rows = [
        ("1.4.192.0.2.7", 1),
        ("1.4.192.0.3.7", 1),
        ("1.4.192.0.2.255", 3),
        ("1.4.192.0.3.9", 2),
    ];
    let kinds: Vec<_> = rows.map(|(rest, kind)| (row(4, rest), kind)).into();
    let links: Vec<_> = rows.map(|(rest, _)| (row(3, rest), 1)).into();
    let all = kinds.iter().chain(&links);
    objects.extend(all.map(|(at, value)| (at.as_str(), number(*value))));
    let (recorder, _) = looks(Habit::Honest, objects);
    let other: IpAddr = "192.0.3.7".parse().unwrap();
    assert_eq!(says(&recorder).unwrap().addresses, [other]);
}

/// Somebody wrote the community where everybody reads it: into the names of machines and ports.
#[test]
fn names_of_neighbours_and_ports_never_hold_the_community() {
    let mut objects = switch();
    let typed = [
        "1.0.8802.1.1.2.1.3.7.1.3.3",
        "1.0.8802.1.1.2.1.4.1.1.9.0.3.1",
        "1.3.6.1.2.1.1.5.0",
        "1.3.6.1.2.1.31.1.1.1.1.103",
    ];
    objects.retain(|(at, _)| !typed.contains(at));
    objects.extend(typed.map(|at| (at, text("x-Devices-x"))));
    let (recorder, _) = looks(Habit::Honest, objects);
    let links = recorder
        .facts()
        .filter(|fact| matches!(fact, Fact::LinkSeen(_)));
    assert_eq!(links.count(), 3, "they are told without the names");
    let facts: Vec<_> = recorder.facts().collect();
    assert!(!format!("{facts:?}").to_lowercase().contains("devices-x"));
}

/// The uplink of which few rows came looked like a port with one machine.
#[test]
fn of_a_forwarding_table_that_was_cut_off_nobody_is_behind_any_port() {
    let (recorder, _) = looks(Habit::CutsForwarding, switch());
    let links = || {
        recorder.facts().filter_map(|fact| match fact {
            Fact::LinkSeen(link) => Some(link.by),
            _ => None,
        })
    };
    assert!(!links().any(|by| by == LinkTable::Bridge));
    assert!(links().any(|by| by == LinkTable::Lldp), "the rest is told");
    let gap = recorder
        .gaps()
        .find(|gap| gap.what.contains("plugged in at which port"))
        .unwrap();
    assert_eq!(gap.reason, Reason::Malformed);
}

/// No file of this crate can spell a question that changes something: the tag of a set request stands in none.
#[test]
fn no_question_that_changes_anything_exists_in_this_crate() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let forbidden = [
        ["0x", "a3"].concat(),
        ["\\x", "a3"].concat(),
        ["Set", "Request"].concat(),
        "163".to_owned(),
    ];
    let mut files = 0;
    for file in std::fs::read_dir(source).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path())
            .unwrap()
            .to_lowercase();
        for word in &forbidden {
            assert!(!text.contains(&word.to_lowercase()), "{word}");
        }
        files += 1;
    }
    assert!(files > 8);
}
