//! Batches for the tests of the store.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "tests only")]

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Account, Connection, Direction, Listener, Measurement, Package, Program};
use groma_model::{
    AgentId, Coverage, CoverageState, Evidence, Fact, Observation, Port, Scope, Seen, SiteId,
    SourceName, Timestamp, Transport,
};
use groma_store::{Moment, Store};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + second * 1000)
}

pub(crate) fn header(agent: &str, sequence: u64, second: i64, sources: &[&str]) -> BatchHeader {
    BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::new(agent),
        site: SiteId::default(),
        epoch: 1,
        sequence,
        version: "0.1.0".to_owned(),
        started: at(second - 10),
        ended: at(second),
        sources: sources.iter().map(|s| SourceName::new(*s)).collect(),
    }
}

pub(crate) fn saw(source: &str, scope: &Scope, fact: Fact, second: i64) -> Record {
    let seen = Seen::once(at(second));
    Record {
        source: SourceName::new(source),
        said: Said::Saw(Observation {
            scope: scope.clone(),
            fact,
            seen,
        }),
    }
}

pub(crate) fn covered(source: &str, scope: &Scope, state: CoverageState, second: i64) -> Record {
    let coverage = Coverage {
        scope: scope.clone(),
        state,
        from: at(second - 10),
        to: at(second),
        how: None,
    };
    Record {
        source: SourceName::new(source),
        said: Said::Covered(coverage),
    }
}

pub(crate) fn account(name: &str) -> Fact {
    Fact::Account(Account {
        name: name.into(),
        id: "1000".to_owned(),
        home: None,
        shell: None,
        can_log_in: true,
    })
}

/// One look of accounts, sequence and time by `second`.
pub(crate) fn accounts(agent: &str, second: i64, names: &[&str], state: CoverageState) -> Batch {
    let scope = Scope::new("file", "/etc/passwd");
    let mut records: Vec<Record> = names
        .iter()
        .map(|name| saw("host.accounts", &scope, account(name), second))
        .collect();
    records.push(covered("host.accounts", &scope, state, second));
    Batch {
        header: header(agent, second.unsigned_abs(), second, &["host.accounts"]),
        records,
    }
}

/// A survey of one host: packages, listeners, connections, and the numbers that move.
pub(crate) fn survey(agent: &str, second: i64, facts: u32) -> Batch {
    let (packages, sockets, disks) = (
        Scope::new("package", "dpkg"),
        Scope::new("socket", "net-1/tcp"),
        Scope::new("disk", ""),
    );
    let mut records = Vec::new();
    for n in 0..facts {
        let fact = if n % 10 == 0 {
            connection(agent, n)
        } else {
            package(n)
        };
        let (source, scope) = if n % 10 == 0 {
            ("host.sockets", &sockets)
        } else {
            ("host.packages", &packages)
        };
        records.push(saw(source, scope, fact, second - 5));
    }
    for n in 0..20_i32 {
        let measurement = Measurement {
            metric: "file_system_used_bytes".to_owned(),
            subject: format!("/srv/{n}").into(),
            value: f64::from(n) + second as f64,
        };
        records.push(saw(
            "host.disks",
            &disks,
            Fact::Measurement(measurement),
            second - 5,
        ));
    }
    for (source, scope) in [
        ("host.sockets", &sockets),
        ("host.packages", &packages),
        ("host.disks", &disks),
    ] {
        records.push(covered(source, scope, CoverageState::Complete, second));
    }
    Batch {
        header: header(
            agent,
            second.unsigned_abs(),
            second,
            &["host.sockets", "host.packages", "host.disks"],
        ),
        records,
    }
}

pub(crate) fn package(n: u32) -> Fact {
    Fact::Package(Package {
        name: format!("lib{n}"),
        version: format!("1.{}-1", n % 37),
        architecture: "amd64".to_owned(),
        manager: "dpkg".to_owned(),
    })
}

pub(crate) fn listener(port: u16) -> Fact {
    let program = Program {
        executable: Some("/usr/sbin/nginx".into()),
        ..Program::default()
    };
    Fact::Listener(Listener {
        address: "0.0.0.0".parse().unwrap(),
        port: Port(port),
        transport: Transport::Tcp,
        program,
    })
}

pub(crate) fn connection(agent: &str, n: u32) -> Fact {
    let remote = std::net::Ipv4Addr::from(0x0a00_0000 + n.wrapping_mul(7919) % 0xff_ffff);
    let program = Program {
        executable: Some(format!("/opt/{agent}/run").into()),
        unit: Some("app.service".to_owned()),
        ..Program::default()
    };
    let local = "10.0.0.5".parse().unwrap();
    Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local,
        remote: remote.into(),
        service_port: Port(5432),
        transport: Transport::Tcp,
        program,
        asked: None,
        unasked: false,
    })
}

pub(crate) fn all(store: &dyn Store, moment: &Moment) -> Vec<Evidence> {
    store
        .evidence(moment)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

pub(crate) fn names(store: &dyn Store) -> Vec<String> {
    let name = |e: Evidence| match e.fact {
        Fact::Account(account) => account.name.to_string(),
        other => format!("{other:?}"),
    };
    let mut names: Vec<String> = all(store, &Moment::Now).into_iter().map(name).collect();
    names.sort();
    names
}

pub(crate) fn note() -> groma_model::store::Annotation {
    groma_model::store::Annotation {
        about: "ent-1".to_owned(),
        by: "anna".to_owned(),
        at: at(100),
        word: groma_model::store::Word::Note("x".to_owned()),
    }
}
