//! From looks in a store to the finding: the real way, with a made-up month and a half.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::fact::{
    Connection, Direction, HostIdentity, Interface, Listener, LoggedUse, OperatingSystem, Program,
};
use groma_model::inventory::Finding;
use groma_model::{
    Batch, BatchHeader, Coverage, CoverageState, Fact, Gap, HostName, Observation, Port, Reason,
    Scope, Seen, Transport,
};
use groma_source::Randomness;
use groma_store::SqliteStore;

use super::*;
use crate::conclude;

const BEGIN: i64 = 1_790_000_000;
const HOUR: i64 = 3_600;
const DAYS: i64 = 45;

/// Numbers that are never the same twice.
struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed);
        bytes.fill(next);
    }
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_seconds(BEGIN + hours * HOUR)
}

/// A look of one agent: from when until when, and what it said.
struct Look {
    agent: &'static str,
    from: Timestamp,
    to: Timestamp,
    records: Vec<Record>,
}

impl Look {
    fn of(agent: &'static str, from: i64, to: i64) -> Self {
        Self {
            agent,
            from: at(from),
            to: at(to),
            records: Vec::new(),
        }
    }

    fn saw(mut self, source: &str, fact: Fact, seen: Seen) -> Self {
        let scope = Scope::new(source.split('.').next().unwrap_or_default(), "all");
        let said = Said::Saw(Observation { scope, fact, seen });
        self.records.push(Record {
            source: SourceName::new(source),
            said,
        });
        self
    }

    /// Every connection and every datagram was told.
    fn watched(mut self) -> Self {
        for (transport, how) in [
            (
                "tcp",
                "flow coverage: every connection; 9 of 9 that ended were seen to begin (100.0 %); 0 events lost",
            ),
            (
                "udp",
                "flow coverage: every datagram to a known service port, and the answers of name servers",
            ),
        ] {
            let covered = Coverage {
                scope: Scope::new("flow", &format!("host/{transport}")),
                state: CoverageState::Partial,
                from: self.from,
                to: self.to,
                how: Some(how.to_owned()),
            };
            self.records.push(Record {
                source: SourceName::new(FLOWS),
                said: Said::Covered(covered),
            });
        }
        self
    }

    fn lost_events(mut self) -> Self {
        let gap = Gap {
            scope: Scope::new("flow", "host/tcp"),
            what: "12 events the kernel had no room for".to_owned(),
            reason: Reason::BudgetExhausted,
            remedy: None,
        };
        self.records.push(Record {
            source: SourceName::new(FLOWS),
            said: Said::Missed(gap),
        });
        self
    }

    fn into(self, store: &mut dyn Store) {
        let sources: BTreeSet<SourceName> = self.records.iter().map(|r| r.source.clone()).collect();
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::new(self.agent),
            site: SiteId::default(),
            epoch: 1,
            sequence: u64::try_from(self.to.millis()).expect("after 1970"),
            version: "0".to_owned(),
            started: self.from,
            ended: self.to,
            sources: sources.into_iter().collect(),
        };
        let records = self.records;
        store
            .ingest(&Batch { header, records })
            .expect("it is kept");
    }
}

/// What an agent says of its own machine at its first look.
fn introduced(name: &'static str, address: &str, from: i64) -> Look {
    let once = || Seen::once(at(from));
    let last = address.rsplit('.').next().unwrap_or_default();
    let mac = format!("52:54:00:00:00:{last:0>2}");
    let identity = HostIdentity {
        host_name: name.into(),
        qualified_name: HostName::parse(&format!("{name}.corp.example")),
        machine_id: Some(format!("{last:0>32}")),
        macs: vec![mac.clone()],
        ..HostIdentity::default()
    };
    let interface = Interface {
        name: "eth0".into(),
        mac: Some(mac),
        kind: "physical".into(),
        up: true,
        addresses: vec![format!("{address}/24")],
    };
    let system = OperatingSystem {
        family: "linux".into(),
        id: "debian".into(),
        ..OperatingSystem::default()
    };
    let listener = Listener {
        address: IpAddr::from([0, 0, 0, 0]),
        port: Port(443),
        transport: Transport::Tcp,
        program: nginx(),
    };
    Look::of(name, from, from + 1)
        .saw("host.system", Fact::Identity(identity), once())
        .saw("host.system", Fact::OperatingSystem(system), once())
        .saw("host.network", Fact::Interface(interface), once())
        .saw("host.sockets", Fact::Listener(listener), once())
        .watched()
}

fn nginx() -> Program {
    Program {
        executable: Some("/usr/sbin/nginx".into()),
        unit: Some("nginx.service".to_owned()),
        ..Program::default()
    }
}

fn logged(peer: &str) -> Fact {
    Fact::LoggedUse(LoggedUse {
        direction: Direction::Incoming,
        kind: "http".to_owned(),
        peer: peer.parse().expect("an address"),
        name: None,
        port: Some(Port(443)),
        transport: Transport::Tcp,
        product: "nginx".to_owned(),
        account: None,
        mechanism: None,
        program: None,
        share: None,
        protection: None,
        log: "/var/log/nginx/access.log".into(),
    })
}

fn called(remote: &str) -> Fact {
    Fact::Connection(Connection {
        direction: Direction::Incoming,
        local: IpAddr::from([10, 0, 0, 7]),
        remote: remote.parse().expect("an address"),
        service_port: Port(443),
        transport: Transport::Tcp,
        program: nginx(),
        asked: None,
        unasked: false,
    })
}

/// A store in which `old1` was looked at for an hour of every two (and a little: the hours of the day are all watched), but for
/// those looks that `change` leaves out or alters.
fn store(change: impl Fn(i64, Look) -> Option<Look>) -> SqliteStore {
    let mut store = SqliteStore::open_in_memory().expect("a store");
    introduced("old1", "10.0.0.7", 0).into(&mut store);
    introduced("app1", "10.0.0.8", 0).into(&mut store);
    // An odd rhythm, so that looks wander over the hours of the day.
    let mut from = 3;
    while from + 2 < DAYS * 24 {
        if let Some(look) = change(from, Look::of("old1", from, from + 2).watched()) {
            look.into(&mut store);
        }
        from += 5;
    }
    store
}

fn findings(store: &mut SqliteStore) -> (Vec<Finding>, Inventory) {
    let chance = Counting(AtomicU8::new(1));
    let inventory = conclude::inventory(store, &Moment::Now, at(DAYS * 24), &chance);
    let inventory = inventory.expect("it is concluded");
    let mut found = inventory.findings.clone();
    found.retain(|f| f.check == "nobody-seen-to-use");
    (found, inventory)
}

fn silent(why: &str, mut store: SqliteStore) {
    let (found, _) = findings(&mut store);
    assert!(found.is_empty(), "{why}: {found:#?}");
}

fn day(hour: i64) -> i64 {
    hour.div_euclid(24)
}

#[test]
fn a_machine_that_was_watched_for_weeks_while_nobody_came_is_asked_about() {
    let (found, inventory) = findings(&mut store(|_, look| Some(look)));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].indicator.contains("(host.flows)"),
        "{}",
        found[0].indicator
    );
    let machine = inventory.find("old1")[0];
    let watch = machine.attributes.watched.as_ref().expect("it is told");
    assert_eq!((watch.from, watch.day_seconds), (at(0), 86_400));
    assert_eq!(watch.longest_gap_seconds, 3 * 3_600);
    let other = inventory.find("app1")[0];
    assert_eq!(other.attributes.watched, None, "looked at once, weeks ago");
    let asks = |q: &&groma_model::inventory::Question| q.about == machine.id.as_str();
    let asked: Vec<_> = inventory.questions.iter().filter(asks).collect();
    assert!(
        asked
            .iter()
            .any(|q| q.question.contains("nobody was seen to use")),
        "{asked:#?}"
    );
}

#[test]
fn a_hole_of_two_days_in_the_looks_is_a_time_nobody_watched() {
    silent(
        "a hole",
        store(|hour, look| (!(20..22).contains(&day(hour))).then_some(look)),
    );
    silent(
        "looks that lost events, for two days",
        store(|hour, look| match day(hour) {
            20 | 21 => Some(look.lost_events()),
            _ => Some(look),
        }),
    );
    silent(
        "it ended",
        store(|hour, look| (day(hour) < DAYS - 2).then_some(look)),
    );
    silent(
        "it began late",
        store(|hour, look| (day(hour) > 12).then_some(look)),
    );
    silent(
        "in office hours alone",
        store(|hour, look| (8..18).contains(&(hour % 24)).then_some(look)),
    );
    let newest = DAYS * 24 - 10;
    silent(
        "the newest look lost events",
        store(|hour, look| {
            Some(if hour > newest {
                look.lost_events()
            } else {
                look
            })
        }),
    );
    let one_bad = store(|hour, look| {
        Some(if hour == 503 {
            look.lost_events()
        } else {
            look
        })
    });
    let mut one_bad = one_bad;
    assert_eq!(
        findings(&mut one_bad).0.len(),
        1,
        "one bad look of many leaves hours, and no hole"
    );
}

#[test]
fn one_call_by_any_witness_ends_the_silence() {
    let once = |hour: i64| Seen::once(at(hour));
    for (who, caller) in [
        ("a neighbour", "10.0.0.8"),
        ("a stranger", "10.0.0.99"),
        ("the internet", "203.0.113.9"),
        ("somebody on the link", "fe80::1234"),
        ("somebody behind a relay", "100.64.0.7"),
    ] {
        let in_a_log = store(|hour, look| match hour {
            903 => Some(look.saw("log.services", logged(caller), once(hour))),
            _ => Some(look),
        });
        silent(&format!("{who} in a log"), in_a_log);
        let live = store(|hour, look| match hour {
            903 => Some(look.saw(FLOWS, called(caller), once(hour))),
            _ => Some(look),
        });
        silent(&format!("{who}, live"), live);
    }
}

#[test]
fn a_file_of_another_machine_that_names_it_is_a_need_that_may_be_rare() {
    let names = |address: &str| {
        let mut store = store(|_, look| Some(look));
        let file: groma_model::Foreign = "/opt/close/year.env".into();
        let reference = groma_model::fact::Reference {
            rule: "env-database".to_owned(),
            component: groma_model::fact::Component {
                class: groma_model::fact::ComponentClass::File,
                name: file.clone(),
            },
            file,
            line: 3,
            key: "URL".to_owned(),
            peer: groma_model::Peer::parse(address).expect("an address"),
            port: Some(Port(443)),
            transport: Transport::Tcp,
            kind: "http".to_owned(),
            resource: None,
            account: None,
            protection: None,
            mechanism: None,
            has_secret: false,
            rhythm: None,
            weak: false,
        };
        Look::of("app1", 2, 3)
            .saw(
                "config.files",
                Fact::Reference(reference),
                Seen::once(at(2)),
            )
            .into(&mut store);
        store
    };
    silent("written once, and never seen", names("10.0.0.7"));
    silent("written by its name", names("old1.corp.example"));
    let mut elsewhere = names("10.0.0.77");
    assert_eq!(
        findings(&mut elsewhere).0.len(),
        1,
        "another machine is named"
    );
}

#[test]
fn a_call_before_the_weeks_that_count_is_told_and_ends_nothing() {
    let mut store = store(|hour, look| match hour {
        103 => Some(look.saw(FLOWS, called("10.0.0.8"), Seen::once(at(hour)))),
        _ => Some(look),
    });
    let (found, _) = findings(&mut store);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].indicator.contains("last used by app1"),
        "{}",
        found[0].indicator
    );
}
