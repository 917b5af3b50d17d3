//! A made-up estate, said fact by fact: what agents would say about it.
#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::net::IpAddr;

use groma_graph::{Graph, connect_beside};
use groma_model::fact::*;
use groma_model::inventory::{Dependency, Entity};
use groma_model::store::{Identities, LookSpan};
use groma_model::*;
use groma_resolve::resolve;

/// Collects evidence, vantage by vantage.
#[derive(Default, Clone)]
pub(crate) struct Told(pub(crate) Vec<Evidence>);

impl Told {
    pub(crate) fn say(&mut self, vantage: &str, source: &str, fact: Fact) -> &mut Self {
        self.say_seen(vantage, source, fact, 3)
    }

    pub(crate) fn say_seen(
        &mut self,
        vantage: &str,
        source: &str,
        fact: Fact,
        count: u64,
    ) -> &mut Self {
        self.say_in(Scope::new("test", "/"), vantage, source, fact, count)
    }

    pub(crate) fn say_in(
        &mut self,
        scope: Scope,
        vantage: &str,
        source: &str,
        fact: Fact,
        count: u64,
    ) -> &mut Self {
        let (site, vantage, source) = (
            SiteId::default(),
            AgentId::new(vantage),
            SourceName::new(source),
        );
        let json = serde_json::to_string(&fact).expect("a test says it right");
        let at = Timestamp::from_seconds(1_795_165_200);
        self.0.push(Evidence {
            id: Evidence::id_of(&site, &vantage, &source, &scope, &json),
            site,
            vantage,
            source,
            scope,
            fact,
            seen: Seen::between(at, at, count),
            state: EvidenceState::Current,
        });
        self
    }

    /// A host with one address; its name is the vantage's.
    pub(crate) fn host(&mut self, name: &str, address: &str) -> &mut Self {
        let mac = format!(
            "52:54:00:00:00:{:02x}",
            address.bytes().fold(0_u8, u8::wrapping_add)
        );
        let identity = HostIdentity {
            host_name: name.into(),
            machine_id: Some(format!("id-{name}")),
            macs: vec![mac.clone()],
            ..HostIdentity::default()
        };
        self.say(name, "host.system", Fact::Identity(identity));
        let interface = Interface {
            name: "eth0".into(),
            mac: Some(mac),
            kind: "physical".into(),
            up: true,
            addresses: vec![format!("{address}/24")],
        };
        self.say(name, "host.network", Fact::Interface(interface))
    }

    pub(crate) fn listens(&mut self, host: &str, port: u16, program: Program) -> &mut Self {
        let listener = Listener {
            address: ip("0.0.0.0"),
            port: Port(port),
            transport: Transport::Tcp,
            program,
        };
        self.say_seen(host, "host.sockets", Fact::Listener(listener), 20)
    }

    pub(crate) fn calls(&mut self, host: &str, to: &str, port: u16, program: Program) -> &mut Self {
        self.connection(host, Direction::Outgoing, to, port, program, 20)
    }

    pub(crate) fn is_called(
        &mut self,
        host: &str,
        from: &str,
        port: u16,
        program: Program,
    ) -> &mut Self {
        self.connection(host, Direction::Incoming, from, port, program, 20)
    }

    pub(crate) fn connection(
        &mut self,
        host: &str,
        direction: Direction,
        remote: &str,
        port: u16,
        program: Program,
        count: u64,
    ) -> &mut Self {
        let transport = if port == 53 {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let connection = Connection {
            direction,
            local: ip("10.0.0.99"),
            remote: ip(remote),
            service_port: Port(port),
            transport,
            program,
            asked: None,
            unasked: false,
        };
        self.say_seen(host, "host.sockets", Fact::Connection(connection), count)
    }

    pub(crate) fn writes(&mut self, host: &str, reference: Reference) -> &mut Self {
        self.say(host, "written.config", Fact::Reference(reference))
    }

    pub(crate) fn name(
        &mut self,
        host: &str,
        by: NameSource,
        name: &str,
        aliases: &[&str],
        addresses: &[&str],
    ) -> &mut Self {
        let answer = NameAnswer {
            asked: Peer::parse(name).expect("a test says it right"),
            by,
            aliases: aliases.iter().filter_map(|a| HostName::parse(a)).collect(),
            addresses: addresses.iter().map(|a| ip(a)).collect(),
            names: Vec::new(),
            ttl_seconds: None,
        };
        self.say(host, "names.dns", Fact::Name(answer))
    }

    pub(crate) fn graph(&self) -> Graph {
        self.graph_and_entities().0
    }

    pub(crate) fn graph_and_entities(&self) -> (Graph, Vec<Entity>) {
        self.graph_beside(&[])
    }

    /// The same, where agents asked other machines in these looks.
    pub(crate) fn graph_beside(&self, asked: &[LookSpan]) -> (Graph, Vec<Entity>) {
        let mut next = 0_u8;
        let mut mint = || {
            next += 1;
            EntityId::new(format!("ent-{next:03}"))
        };
        let resolution = resolve(&Identities::default(), &mut mint, self.0.clone());
        let graph = connect_beside(&resolution.estate, self.0.clone(), asked);
        (graph, resolution.estate.entities.into_values().collect())
    }

    /// The dependencies without certificates, as `consumer component -> provider:port kind`.
    pub(crate) fn edges(&self) -> Vec<String> {
        self.graph()
            .dependencies
            .iter()
            .map(short)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    pub(crate) fn only_edge(&self) -> Dependency {
        let graph = self.graph();
        let lines: Vec<String> = graph.dependencies.iter().map(short).collect();
        assert_eq!(graph.dependencies.len(), 1, "{lines:#?}");
        graph
            .dependencies
            .into_iter()
            .next()
            .expect("a test says it right")
    }
}

pub(crate) fn short(d: &Dependency) -> String {
    let port = d
        .provider
        .port
        .map_or_else(|| "?".to_owned(), |p| p.to_string());
    format!(
        "{} {} -> {}:{port} {}",
        d.consumer.name, d.consumer.component.name, d.provider.name, d.kind
    )
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("a test says it right")
}

pub(crate) fn unit(executable: &str, unit: &str) -> Program {
    Program {
        executable: Some(executable.into()),
        unit: Some(unit.into()),
        ..Program::default()
    }
}

pub(crate) fn bare(executable: &str) -> Program {
    Program {
        executable: Some(executable.into()),
        ..Program::default()
    }
}

pub(crate) fn reference(rule: &str, file: &str, peer: &str, port: u16, kind: &str) -> Reference {
    Reference {
        rule: rule.into(),
        file: file.into(),
        line: 3,
        key: "host".into(),
        peer: Peer::parse(peer).expect("a test says it right"),
        port: Some(Port(port)),
        transport: if port == 53 {
            Transport::Udp
        } else {
            Transport::Tcp
        },
        kind: kind.into(),
        component: Component {
            class: ComponentClass::File,
            name: file.into(),
        },
        resource: None,
        account: None,
        protection: None,
        mechanism: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    }
}

/// A document with nothing in it.
pub(crate) fn empty(now: Timestamp) -> groma_model::inventory::Inventory {
    serde_json::from_value(serde_json::json!({
        "schema": "groma.inventory/1", "generated_at": now, "snapshot": null,
        "window": {"from": now, "to": now}, "data_level": "standard", "compared_with_list": false,
        "coverage": [], "layers": [], "sites": [], "links": [], "systems": [], "entities": [], "listeners": [],
        "dependencies": [], "volumes": [], "rights": [], "backups": [], "measurements": [], "waves": [],
        "findings": [], "estimate": null, "questions": [], "evidence": [],
    }))
    .expect("a test says it right")
}
