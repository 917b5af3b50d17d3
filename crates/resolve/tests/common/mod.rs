//! An estate told fact by fact, and what resolve makes of it.
#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::net::IpAddr;

use groma_model::fact::*;
use groma_model::inventory::Entity;
use groma_model::store::{Identities, NewIdentities};
use groma_model::*;
use groma_resolve::{Resolution, resolve};

#[derive(Default, Clone)]
pub(crate) struct Told(pub(crate) Vec<Evidence>);

impl Told {
    pub(crate) fn say(&mut self, vantage: &str, fact: Fact) -> &mut Self {
        self.say_when(vantage, fact, 0..0, EvidenceState::Current)
    }

    /// Says it of `hours`, counted from the beginning of the test.
    pub(crate) fn say_when(
        &mut self,
        vantage: &str,
        fact: Fact,
        hours: std::ops::Range<i64>,
        state: EvidenceState,
    ) -> &mut Self {
        let (site, vantage, source, scope) = (
            SiteId::default(),
            AgentId::new(vantage),
            SourceName::new("test"),
            Scope::new("test", "/"),
        );
        let json = serde_json::to_string(&fact).expect("a test says it right");
        let id = Evidence::id_of(&site, &vantage, &source, &scope, &json);
        let seen = Seen::between(hour(hours.start), hour(hours.end), 1);
        self.0.push(Evidence {
            id,
            site,
            vantage,
            source,
            scope,
            fact,
            seen,
            state,
        });
        self
    }

    pub(crate) fn host(
        &mut self,
        agent: &str,
        name: &str,
        marks: [&str; 3],
        address: &str,
    ) -> &mut Self {
        let [machine, uuid, mac] = marks;
        let identity = HostIdentity {
            host_name: name.into(),
            machine_id: Some(machine.into()),
            smbios_uuid: Some(uuid.into()),
            macs: vec![mac.into()],
            ..HostIdentity::default()
        };
        self.say(agent, Fact::Identity(identity));
        self.interface(agent, "eth0", "physical", address)
    }

    /// A machine without an interface.
    pub(crate) fn named(&mut self, agent: &str, name: &str, machine: &str) -> &mut Self {
        let identity = HostIdentity {
            host_name: name.into(),
            machine_id: Some(machine.into()),
            ..HostIdentity::default()
        };
        self.say(agent, Fact::Identity(identity))
    }

    /// A link with a MAC address, which is up; `addresses` with their prefix lengths.
    pub(crate) fn link(
        &mut self,
        agent: &str,
        name: &str,
        kind: &str,
        mac: &str,
        addresses: &[&str],
    ) -> &mut Self {
        self.say(agent, link(name, kind, mac, addresses))
    }

    pub(crate) fn neighbour(&mut self, agent: &str, address: &str, mac: &str) -> &mut Self {
        self.say(
            agent,
            Fact::Neighbour(Neighbour {
                address: address.parse().expect("a test says it right"),
                mac: mac.into(),
                interface: "eth0".into(),
            }),
        )
    }

    pub(crate) fn route(
        &mut self,
        agent: &str,
        destination: &str,
        gateway: &str,
        interface: &str,
    ) -> &mut Self {
        self.say(
            agent,
            Fact::Route(Route {
                destination: destination.into(),
                gateway: gateway.parse().ok(),
                interface: Some(interface.into()),
            }),
        )
    }

    pub(crate) fn interface(
        &mut self,
        agent: &str,
        name: &str,
        kind: &str,
        address: &str,
    ) -> &mut Self {
        self.say(
            agent,
            Fact::Interface(Interface {
                name: name.into(),
                mac: None,
                kind: kind.into(),
                up: true,
                addresses: vec![format!("{address}/24")],
            }),
        )
    }

    pub(crate) fn mentions(&mut self, agent: &str, peer: &str) -> &mut Self {
        self.say(
            agent,
            Fact::Reference(Reference {
                rule: "test".into(),
                file: "/etc/test".into(),
                line: 1,
                key: "host".into(),
                peer: Peer::parse(peer).expect("a test says it right"),
                port: None,
                transport: Transport::Tcp,
                kind: "http".into(),
                component: Component {
                    class: ComponentClass::File,
                    name: "/etc/test".into(),
                },
                resource: None,
                account: None,
                protection: None,
                mechanism: None,
                has_secret: false,
                rhythm: None,
                weak: false,
            }),
        )
    }

    pub(crate) fn answer(
        &mut self,
        agent: &str,
        by: NameSource,
        asked: &str,
        addresses: &[&str],
    ) -> &mut Self {
        let addresses: Vec<IpAddr> = addresses
            .iter()
            .map(|a| a.parse().expect("a test says it right"))
            .collect();
        self.say(
            agent,
            Fact::Name(NameAnswer {
                asked: Peer::parse(asked).expect("a test says it right"),
                by,
                aliases: Vec::new(),
                addresses,
                names: Vec::new(),
                ttl_seconds: None,
            }),
        )
    }

    pub(crate) fn resolved(&self) -> Resolution {
        self.resolved_with(&Identities::default())
    }

    pub(crate) fn resolved_with(&self, known: &Identities) -> Resolution {
        let mut next = known.known.len();
        let mut mint = || {
            next += 1;
            EntityId::new(format!("ent-{next:03}"))
        };
        resolve(known, &mut mint, self.0.clone())
    }
}

/// `count` hours after the test begins.
pub(crate) fn hour(count: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_165_200 + count * 3600)
}

/// A link that is up.
pub(crate) fn link(name: &str, kind: &str, mac: &str, addresses: &[&str]) -> Fact {
    Fact::Interface(Interface {
        name: name.into(),
        mac: Some(mac.into()),
        kind: kind.into(),
        up: true,
        addresses: addresses.iter().map(ToString::to_string).collect(),
    })
}

/// Who the machine at `address` is to a vantage.
pub(crate) fn met<'a>(
    resolution: &'a Resolution,
    agent: &str,
    address: &str,
) -> Option<&'a Entity> {
    let peer = Peer::parse(address).expect("a test says it right");
    let estate = &resolution.estate;
    let meaning = estate.locate(&SiteId::default(), &AgentId::new(agent), &peer)?;
    estate.entities.get(&meaning.entity)
}

pub(crate) fn hosts(resolution: &Resolution) -> Vec<&Entity> {
    resolution
        .estate
        .entities
        .values()
        .filter(|e| e.has_agent)
        .collect()
}

pub(crate) fn ledger(new: &NewIdentities) -> Identities {
    Identities {
        known: new.known.clone(),
        merged: new
            .merged
            .iter()
            .map(|(gone, (into, _))| (gone.clone(), into.clone()))
            .collect(),
    }
}

pub(crate) const A: [&str; 3] = [
    "m-a",
    "564d4cbc-c6a9-1969-0102-030405060708",
    "52:54:00:00:00:0a",
];
pub(crate) const B: [&str; 3] = [
    "m-b",
    "11111111-c6a9-1969-0102-030405060708",
    "52:54:00:00:00:0b",
];
