//! Batches for the tests: one like a real look, and arbitrary ones.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "tests only")]

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{
    Connection, Direction, HostIdentity, Listener, Measurement, Package, Program,
};
use groma_model::{
    AgentId, Coverage, CoverageState, Fact, Foreign, Gap, Observation, Port, Reason, Scope, Seen,
    SiteId, SourceName, Timestamp, Transport,
};

pub(crate) fn header() -> BatchHeader {
    BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::from_random([7; 16]),
        site: SiteId::default(),
        epoch: 1,
        sequence: 3,
        version: "0.1.0".to_owned(),
        started: Timestamp::from_millis(1_795_000_000_000),
        ended: Timestamp::from_millis(1_795_000_030_000),
        sources: vec![
            SourceName::new("host.sockets"),
            SourceName::new("host.packages"),
        ],
    }
}

pub(crate) fn saw(source: &str, scope: &Scope, fact: Fact, at: i64) -> Record {
    let seen = Seen::once(Timestamp::from_millis(1_795_000_000_000 + at));
    Record {
        source: SourceName::new(source),
        said: Said::Saw(Observation {
            scope: scope.clone(),
            fact,
            seen,
        }),
    }
}

pub(crate) fn listener(port: u16) -> Fact {
    let program = Program {
        executable: Some(Foreign::from_bytes(*b"/usr/sbin/nginx")),
        user: Some("www-data".into()),
        unit: Some("nginx.service".to_owned()),
        ..Program::default()
    };
    Fact::Listener(Listener {
        address: "0.0.0.0".parse().unwrap(),
        port: Port(port),
        transport: Transport::Tcp,
        program,
    })
}

pub(crate) fn connection(number: u32) -> Fact {
    Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local: "10.0.0.5".parse().unwrap(),
        remote: std::net::Ipv4Addr::from(0x0a00_0000 | number.wrapping_mul(2_654_435_761) >> 8)
            .into(),
        service_port: Port(u16::try_from(number % 50_000).unwrap()),
        transport: Transport::Tcp,
        program: Program {
            executable: Some(format!("/opt/app{}/bin/run", number % 97).into()),
            ..Program::default()
        },
        asked: None,
        unasked: false,
    })
}

/// Everything one look can say, with a fact said twice and bytes that are not UTF-8.
pub(crate) fn small() -> Batch {
    let sockets = Scope::new("socket", "net-1/tcp");
    let at = Timestamp::from_millis(1_795_000_020_000);
    let identity = HostIdentity {
        host_name: Foreign::from_bytes(*b"m\xffhost"),
        macs: vec!["02:00:00:00:00:01".to_owned()],
        ..HostIdentity::default()
    };
    let covered = Coverage {
        scope: sockets.clone(),
        state: CoverageState::Partial,
        from: at,
        to: at,
        how: None,
    };
    let gap = Gap {
        scope: sockets.clone(),
        what: "owners of sockets".to_owned(),
        reason: Reason::PermissionDenied,
        remedy: Some("run as root".to_owned()),
    };
    let records = vec![
        saw("host.sockets", &sockets, listener(443), 0),
        saw("host.sockets", &sockets, connection(1), 10),
        saw("host.sockets", &sockets, connection(1), 20_010),
        saw(
            "host.identity",
            &Scope::new("host", "identity"),
            Fact::Identity(identity),
            1,
        ),
        saw(
            "host.disks",
            &Scope::new("disk", "/"),
            measurement(0.1 + 0.2),
            5,
        ),
        saw(
            "host.moon",
            &Scope::new("moon", ""),
            serde_json::from_str(r#"{"fact":"moon-base","crater":7}"#).unwrap(),
            5,
        ),
        Record {
            source: SourceName::new("host.sockets"),
            said: Said::Missed(gap),
        },
        Record {
            source: SourceName::new("host.sockets"),
            said: Said::Covered(covered),
        },
        saw("host.sockets", &sockets, connection(1), 29_999),
    ];
    Batch {
        header: header(),
        records,
    }
}

pub(crate) fn measurement(value: f64) -> Fact {
    Fact::Measurement(Measurement {
        metric: "file_system_used_bytes".to_owned(),
        subject: "/".into(),
        value,
    })
}

/// A look at a host with many packages and connections: as repetitive as honest batches get.
pub(crate) fn regular(count: u32) -> Batch {
    let packages = Scope::new("package", "dpkg");
    let package = |n: u32| {
        Fact::Package(Package {
            name: format!("lib{n}"),
            version: "1.0-1".to_owned(),
            architecture: "amd64".to_owned(),
            manager: "dpkg".to_owned(),
        })
    };
    let records = (0..count)
        .map(|n| saw("host.packages", &packages, package(n), 0))
        .collect();
    Batch {
        header: header(),
        records,
    }
}

pub(crate) fn bytes(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    groma_wire::encode(batch, &mut out).unwrap();
    out
}

/// Lines packed as a batch is.
pub(crate) fn pack(lines: &str) -> Vec<u8> {
    zstd::encode_all(lines.as_bytes(), 3).unwrap()
}

pub(crate) fn unpack(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap()
}
