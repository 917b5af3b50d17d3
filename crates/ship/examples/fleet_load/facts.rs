//! What a made-up machine sees: connections as the source of sockets tells them, and how they change from one report to the next.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Connection, Direction, Program};
use groma_model::{
    Coverage, CoverageState, Fact, Observation, Port, Scope, Seen, SourceName, Timestamp, Transport,
};
use groma_ship::Identity;
use groma_wire::against;

use crate::Outcome;

/// From one report to the next.
const MINUTE: Duration = Duration::from_secs(60);
/// How long before now the first report is: none of them may lie in the future.
const AGO: Duration = Duration::from_secs(30 * 86_400);
/// Services that somebody calls.
const PORTS: [u16; 12] = [
    443, 5432, 3306, 389, 636, 25, 1433, 6379, 9092, 8080, 445, 1521,
];

/// How much of a report is new against the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    AllNew,
    Known,
    Mixed,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::AllNew, Self::Known, Self::Mixed];

    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::AllNew => "all new",
            Self::Known => "all known",
            Self::Mixed => "19 of 20 known",
        }
    }
}

/// A report, packed.
pub(crate) struct Report {
    pub(crate) sequence: u64,
    pub(crate) observations: usize,
    pub(crate) bytes: Vec<u8>,
    /// What is new in it against the report before, and the name of that one.
    pub(crate) patch: Option<(Vec<u8>, String)>,
}

/// A made-up machine.
pub(crate) struct Host {
    number: u32,
    /// The facts it saw last, by their numbers.
    facts: Vec<u32>,
    /// The number of the next new fact.
    fresh: u32,
    /// Reports so far.
    reports: u64,
    /// Where new facts stand next.
    at: usize,
    first_report: Timestamp,
    /// The text of the report before.
    former: Option<Vec<u8>>,
}

impl Host {
    /// The machine with this number, which sees so many connections.
    pub(crate) fn new(number: u32, connections: usize, now: Timestamp) -> Self {
        let before = i64::try_from(AGO.as_millis()).unwrap_or(i64::MAX);
        Self {
            number,
            facts: vec![0; connections],
            fresh: 0,
            reports: 0,
            at: 0,
            first_report: Timestamp::from_millis(now.millis().saturating_sub(before)),
            former: None,
        }
    }

    /// The next report; the first one is all new, whatever its kind.
    pub(crate) fn report(&mut self, kind: Kind, identity: &Identity) -> Outcome<Report> {
        let all = self.facts.len();
        let new = match kind {
            _ if self.reports == 0 => all,
            Kind::AllNew => all,
            Kind::Known => 0,
            Kind::Mixed => all / 20,
        };
        for _ in 0..new {
            if let Some(fact) = self.facts.get_mut(self.at % all) {
                *fact = self.fresh;
            }
            (self.at, self.fresh) = (self.at + 1, self.fresh + 1);
        }
        self.reports += 1;
        let mut bytes = Vec::new();
        groma_wire::encode(&self.batch(identity), &mut bytes)?;
        Ok(Report {
            sequence: self.reports,
            observations: all,
            bytes,
            patch: None,
        })
    }

    /// The next report, also as what is new in it.
    pub(crate) fn report_against(&mut self, kind: Kind, identity: &Identity) -> Outcome<Report> {
        let mut report = self.report(kind, identity)?;
        let text = against::text_of(&report.bytes).ok_or("the report is too long")?;
        let former = self.former.replace(text.clone());
        report.patch = former.and_then(|former| {
            let patch = against::write(&text, &former)?;
            Some((patch, against::name_of(&former)))
        });
        Ok(report)
    }

    fn batch(&self, identity: &Identity) -> Batch {
        let source = SourceName::new("host.sockets");
        let scope = Scope::new("socket", "host/tcp/connections");
        let minutes = u32::try_from(self.reports).unwrap_or(u32::MAX);
        let ended = self.first_report.plus(MINUTE * minutes);
        let started = self.first_report.plus(MINUTE * minutes.saturating_sub(1));
        let saw = |fact: &u32| {
            Said::Saw(Observation {
                scope: scope.clone(),
                fact: Fact::Connection(self.connection(*fact)),
                seen: seen(*fact, self.reports, ended),
            })
        };
        let covered = Said::Covered(Coverage {
            scope: scope.clone(),
            state: CoverageState::Complete,
            from: started,
            to: ended,
            how: None,
        });
        let records = self.facts.iter().map(saw).chain([covered]);
        let records = records.map(|said| Record {
            source: source.clone(),
            said,
        });
        Batch {
            records: records.collect(),
            header: BatchHeader {
                schema: BATCH_SCHEMA.to_owned(),
                agent: identity.agent.clone(),
                site: identity.site.clone(),
                epoch: 1,
                sequence: self.reports,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started,
                ended,
                sources: vec![source.clone()],
            },
        }
    }

    /// The connection with this number: two in five come in to a program of this machine, the others go out to any machine of the estate.
    fn connection(&self, fact: u32) -> Connection {
        let is_incoming = fact % 5 < 2;
        let role = if is_incoming { fact % 3 } else { 3 + fact % 9 };
        let port = PORTS.get(role as usize).copied().unwrap_or(443);
        Connection {
            direction: match is_incoming {
                true => Direction::Incoming,
                false => Direction::Outgoing,
            },
            local: address(172 << 24 | 16 << 20, self.number),
            // An odd factor: no two facts of one machine meet at one address.
            remote: address(
                10 << 24,
                fact.wrapping_mul(0x009e_3779).wrapping_add(self.number) & 0x00ff_ffff,
            ),
            service_port: Port(port),
            transport: Transport::Tcp,
            program: program(role),
            asked: None,
            unasked: false,
        }
    }
}

fn address(network: u32, host: u32) -> IpAddr {
    Ipv4Addr::from(network | host).into()
}

fn program(role: u32) -> Program {
    let name = match role {
        0 => "nginx".to_owned(),
        1 => "postgres".to_owned(),
        2 => "slapd".to_owned(),
        role => format!("application{role}"),
    };
    Program {
        executable: Some(format!("/opt/{name}/bin/{name}").into()),
        user: Some(name.clone().into()),
        unit: Some(format!("{name}.service")),
        working_directory: Some(format!("/var/lib/{name}").into()),
        ..Program::default()
    }
}

/// When a fact was seen in the minute before `ended`: sampled each second, beginning at other moments in each report. How often differs from
/// fact to fact; what stays differs little from one report to the next.
fn seen(fact: u32, report: u64, ended: Timestamp) -> Seen {
    let chance = |seed: u64| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let count = 1 + chance(u64::from(fact)) % 20;
    let begun = chance(u64::from(fact) ^ (report << 32)) % 40;
    let moment = |seconds: u64| {
        let before = i64::try_from((60 - seconds) * 1000).unwrap_or(0);
        Timestamp::from_millis(ended.millis().saturating_sub(before))
    };
    Seen::between(moment(begun), moment(begun + count - 1), count)
}
