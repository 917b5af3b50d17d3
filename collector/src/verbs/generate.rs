//! `groma generate`: a made-up estate of any size, for measuring and nothing else.
//!
//! Every host is told by its own batch, as agents would: identity, system, interface, listeners, and lines
//! of configuration that name other hosts. The same arguments give the same estate.

use anyhow::Result;
use clap::Args;
use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::fact::*;
use groma_model::{
    AgentId, Batch, BatchHeader, Coverage, CoverageState, Fact, Foreign, HostName, Observation,
    Peer, Port, Scope, Seen, SiteId, SourceName, Timestamp, Transport,
};

use crate::command::Place;
use crate::files;
use crate::verbs::open;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// How many hosts.
    #[arg(long, default_value_t = 100)]
    hosts: u32,
    /// How many dependencies between them, at least.
    #[arg(long, default_value_t = 2000)]
    dependencies: u32,
}

/// What each host serves, in turn: port and kind.
const SERVICES: [(u16, &str, &str); 5] = [
    (5432, "sql", "postgresql"),
    (389, "ldap-bind", "slapd"),
    (25, "smtp-relay", "postfix"),
    (443, "http", "nginx"),
    (445, "smb", "smbd"),
];

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let mut store = open(place)?;
    let each = arguments.dependencies.div_ceil(arguments.hosts.max(1));
    for host in 0..arguments.hosts {
        store.ingest(&batch(host, arguments.hosts, each))?;
    }
    files::print(
        format!(
            "{} hosts, {} dependencies\n",
            arguments.hosts,
            each * arguments.hosts
        )
        .as_bytes(),
    )?;
    Ok(0)
}

fn batch(host: u32, hosts: u32, each: u32) -> Batch {
    let at = Timestamp::from_seconds(1_795_165_200);
    let source = SourceName::new("generated");
    let scope = Scope::new("generated", "/");
    let facts = own_facts(host)
        .into_iter()
        .chain((0..each).map(|n| reference(host, hosts, n)));
    let mut records: Vec<Record> = facts
        .map(|fact| Observation {
            scope: scope.clone(),
            fact,
            seen: Seen::once(at),
        })
        .map(|observation| Record {
            source: source.clone(),
            said: Said::Saw(observation),
        })
        .collect();
    let covered = Coverage {
        scope,
        state: CoverageState::Complete,
        from: at,
        to: at,
        how: None,
    };
    records.push(Record {
        source: source.clone(),
        said: Said::Covered(covered),
    });
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::new(format!("generated-{host}")),
        site: SiteId::default(),
        epoch: 1,
        sequence: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: at,
        ended: at,
        sources: vec![source],
    };
    Batch { header, records }
}

fn name(host: u32) -> String {
    let role = SERVICES
        .get(host as usize % SERVICES.len())
        .map_or("host", |s| s.2);
    format!("{role}{host:05}.generated.invalid")
}

fn address(host: u32) -> std::net::IpAddr {
    let [_, b, c, d] = (host + 1).to_be_bytes();
    std::net::Ipv4Addr::new(10, b, c, d).into()
}

fn mac(host: u32) -> String {
    let [_, b, c, d] = host.to_be_bytes();
    format!("52:54:00:{b:02x}:{c:02x}:{d:02x}")
}

fn own_facts(host: u32) -> Vec<Fact> {
    let name = name(host);
    let (port, _, program) = SERVICES
        .get(host as usize % SERVICES.len())
        .copied()
        .unwrap_or(SERVICES[0]);
    let identity = HostIdentity {
        host_name: name.split('.').next().unwrap_or_default().into(),
        qualified_name: HostName::parse(&name),
        machine_id: Some(format!("{host:032x}")),
        macs: vec![mac(host)],
        ..HostIdentity::default()
    };
    let system = OperatingSystem {
        family: "linux".into(),
        id: "debian".into(),
        version: "12".into(),
        pretty_name: "Debian GNU/Linux 12 (bookworm)".into(),
        kernel: "6.1.0".into(),
        architecture: "x86_64".into(),
        virtualization: None,
        time_zone: Some("Europe/Berlin".into()),
    };
    let interface = Interface {
        name: "eth0".into(),
        mac: Some(mac(host)),
        kind: "physical".into(),
        up: true,
        addresses: vec![format!("{}/8", address(host))],
    };
    let program = Program {
        executable: Some(format!("/usr/sbin/{program}").into()),
        unit: Some(format!("{program}.service")),
        ..Program::default()
    };
    let listener = Listener {
        address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        port: Port(port),
        transport: Transport::Tcp,
        program,
    };
    vec![
        Fact::Identity(identity),
        Fact::OperatingSystem(system),
        Fact::Interface(interface),
        Fact::Listener(listener),
    ]
}

/// The nth line of configuration on a host: spread over the estate, with a few hosts that many need.
fn reference(host: u32, hosts: u32, n: u32) -> Fact {
    let spread = host
        .wrapping_mul(31)
        .wrapping_add(n.wrapping_mul(97))
        .wrapping_add(1);
    let to = if n == 0 {
        host % SERVICES.len() as u32
    } else {
        spread
    } % hosts;
    let (port, kind, product) = SERVICES
        .get(to as usize % SERVICES.len())
        .copied()
        .unwrap_or(SERVICES[0]);
    let file: Foreign = format!("/opt/app{n}/settings.env").into();
    Fact::Reference(Reference {
        rule: format!("generated-{product}"),
        component: Component {
            class: ComponentClass::File,
            name: file.clone(),
        },
        file,
        line: n + 1,
        key: "HOST".into(),
        peer: Peer::Address(address(to)),
        port: Some(Port(port)),
        transport: Transport::Tcp,
        kind: kind.into(),
        resource: None,
        account: None,
        protection: None,
        mechanism: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    })
}
