//! Ports of a machine that lead into its containers: who calls one needs the container's program behind it.
//!
//! The runtime's own state says which port leads where, and only of a container that runs: a compose file nobody started
//! opens no door. What listens in a network that a container has for itself is no door of the machine either; it is the
//! other side of one, if the port is published. A door may stand at one address of the machine only: who calls another one,
//! or calls from elsewhere what only the machine itself may call, is not let in there.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use groma_model::fact::{Component, ComponentClass, Container, Listener, Program};
use groma_model::inventory::Entity;
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, Estate};

use crate::gather::{Raw, Raws};

/// What stands behind a published port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Inner {
    /// Id of the container.
    pub(crate) container: String,
    /// What people call it.
    name: String,
    /// The port within.
    pub(crate) port: Port,
}

impl Inner {
    /// The container, as the part of the machine that serves.
    pub(crate) fn component(&self) -> Component {
        Component {
            class: ComponentClass::Container,
            name: self.name.as_str().into(),
        }
    }
}

/// How a port of a machine is called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call<'a> {
    /// True if the caller runs on the same machine.
    pub(crate) local: bool,
    /// The addresses that are called, canonical; empty where nobody tells.
    pub(crate) addresses: &'a [IpAddr],
}

/// A published port: where it stands, and where it leads.
struct Door {
    /// None means every address of the machine.
    address: Option<IpAddr>,
    inner: Inner,
}

type Place = (EntityId, Port, Transport);
type Within = (EntityId, String, Port, Transport);

/// Every published port of every machine, from both sides.
#[derive(Default)]
pub(crate) struct Published<'a> {
    doors: HashMap<Place, Vec<Door>>,
    /// Id and name of the containers that have an address in a network of their own.
    containers: HashMap<(EntityId, IpAddr), Vec<(String, String)>>,
    /// Addresses of the machines that have doors.
    own: HashSet<(EntityId, IpAddr)>,
    /// From within to outside; none where several ports lead to one.
    outer: HashMap<Within, Option<Port>>,
    inside: HashMap<Within, Vec<&'a Raw<Listener>>>,
    holds: HashSet<(EntityId, String)>,
    /// Machines with containers that run.
    hosts: HashSet<EntityId>,
}

impl<'a> Published<'a> {
    pub(crate) fn new(inside: &'a Raws<Listener>, estate: &Estate) -> Self {
        let mut published = Self::default();
        for host in estate.entities.values() {
            for container in host.attributes.containers.iter().filter(|c| c.running) {
                published.container(&host.id, container);
            }
            if !host.attributes.containers.is_empty() {
                published.addresses(host);
            }
        }
        for raw in inside {
            if let Some(container) = &raw.fact.program.container {
                let of = (raw.host.clone(), container.clone());
                published.holds.insert(of);
                let (port, transport) = (raw.fact.port, raw.fact.transport);
                let at = (raw.host.clone(), container.clone(), port, transport);
                published.inside.entry(at).or_default().push(raw.as_ref());
            }
        }
        published
    }

    fn container(&mut self, host: &EntityId, container: &Container) {
        self.hosts.insert(host.clone());
        let name = match &container.name {
            Some(name) => name.to_string(),
            None => container.id.chars().take(12).collect(),
        };
        for port in &container.ports {
            let inner = Inner {
                container: container.id.clone(),
                name: name.clone(),
                port: port.inner,
            };
            let within = (
                host.clone(),
                container.id.clone(),
                port.inner,
                port.transport,
            );
            self.outer
                .entry(within)
                .and_modify(|outer| *outer = outer.filter(|known| *known == port.port))
                .or_insert(Some(port.port));
            let door = Door {
                address: port.address.map(|address| address.to_canonical()),
                inner,
            };
            let at = (host.clone(), port.port, port.transport);
            self.doors.entry(at).or_default().push(door);
        }
        for address in &container.addresses {
            let at = (host.clone(), address.to_canonical());
            let there = self.containers.entry(at).or_default();
            there.push((container.id.clone(), name.clone()));
        }
    }

    fn addresses(&mut self, host: &Entity) {
        let all = host.attributes.interfaces.iter().flat_map(|i| &i.addresses);
        let all = all.filter_map(|network| network.split('/').next()?.parse::<IpAddr>().ok());
        let own = all.map(|address| (host.id.clone(), address.to_canonical()));
        self.own.extend(own);
    }

    fn doors(&self, host: &EntityId, port: Port, transport: Transport) -> &[Door] {
        let at = (host.clone(), port, transport);
        self.doors.get(&at).map(Vec::as_slice).unwrap_or_default()
    }

    /// Everything that may answer `call` at a port of a machine; `None` among it is the machine itself.
    pub(crate) fn candidates(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
    ) -> BTreeSet<Option<Inner>> {
        let doors = self.doors(host, port, transport);
        if call.addresses.is_empty() {
            return by_doors(doors, call.local, None);
        }
        let mut all = BTreeSet::new();
        for address in call.addresses {
            let within = self.within(host, *address, port, transport);
            if call.local && !within.is_empty() {
                all.extend(within.into_iter().map(Some));
                continue;
            }
            // An address that was translated on the way tells nothing.
            let own = address.is_loopback() || self.own.contains(&(host.clone(), *address));
            all.extend(by_doors(doors, call.local, own.then_some(*address)));
        }
        all
    }

    /// What answers at a port of a container that is called by its own address. Containers of one pod share one: who listens
    /// is meant then.
    fn within(
        &self,
        host: &EntityId,
        address: IpAddr,
        port: Port,
        transport: Transport,
    ) -> Vec<Inner> {
        let there = self.containers.get(&(host.clone(), address));
        let inner = |(container, name): &(String, String)| Inner {
            container: container.clone(),
            name: name.clone(),
            port,
        };
        let all: Vec<Inner> = there.into_iter().flatten().map(inner).collect();
        let listens = |inner: &&Inner| !self.at(host, inner, transport).is_empty();
        let listening: Vec<Inner> = all.iter().filter(listens).cloned().collect();
        match listening.is_empty() {
            true => all,
            false => listening,
        }
    }

    /// True for an address one of the machine's containers has for itself.
    pub(crate) fn is_within(&self, host: &EntityId, address: IpAddr) -> bool {
        self.containers.contains_key(&(host.clone(), address))
    }

    /// True if `raw` is the machine's own at that port: not what holds a door open, nor what a caller from elsewhere
    /// cannot reach.
    pub(crate) fn is_own(&self, host: &EntityId, raw: &Raw<Listener>, local: bool) -> bool {
        let Listener {
            address,
            port,
            transport,
            program,
        } = &raw.fact;
        let doors = self.doors(host, *port, *transport);
        let address = address.to_canonical();
        let holds_door = doors.iter().any(|door| door.address == Some(address));
        !(holds_door || is_carrier(program) || address.is_loopback() && !local)
    }

    /// True for a machine with a container that runs: on any other the machine itself answers.
    pub(crate) fn has_containers(&self, host: &EntityId) -> bool {
        self.hosts.contains(host)
    }

    /// True if any port of that number leads into a container.
    pub(crate) fn has_doors(&self, host: &EntityId, port: Port, transport: Transport) -> bool {
        !self.doors(host, port, transport).is_empty()
    }

    /// The one address at which a port of the machine leads into `container`.
    pub(crate) fn door_address(
        &self,
        host: &EntityId,
        container: &str,
        port: Port,
        transport: Transport,
    ) -> Option<IpAddr> {
        let doors = self.doors(host, port, transport).iter();
        let mut own = doors.filter(|door| door.inner.container == container);
        own.next().filter(|_| own.next().is_none())?.address
    }

    /// Who listens within, where an agent saw it.
    pub(crate) fn at(
        &self,
        host: &EntityId,
        inner: &Inner,
        transport: Transport,
    ) -> &[&'a Raw<Listener>] {
        let at = (host.clone(), inner.container.clone(), inner.port, transport);
        self.inside.get(&at).map(Vec::as_slice).unwrap_or_default()
    }

    /// The one port of the machine that leads to a port within.
    pub(crate) fn outer(
        &self,
        host: &EntityId,
        container: &str,
        port: Port,
        transport: Transport,
    ) -> Option<Port> {
        let at = (host.clone(), container.to_owned(), port, transport);
        self.outer.get(&at).copied().flatten()
    }

    /// True if the container listens in a network of its own.
    pub(crate) fn holds(&self, host: &EntityId, container: &str) -> bool {
        self.holds.contains(&(host.clone(), container.to_owned()))
    }

    /// Every listener within, by the place it has there.
    pub(crate) fn rows(
        &self,
    ) -> impl Iterator<Item = ((&EntityId, Port, Transport), &'a Raw<Listener>)> {
        self.inside
            .iter()
            .flat_map(|((host, _, port, transport), raws)| {
                let key = (host, *port, *transport);
                raws.iter().map(move |raw| (key, *raw))
            })
    }
}

/// What is let in by `doors` where `called`, an address of the machine, is called; none where nobody knows which.
fn by_doors(doors: &[Door], local: bool, called: Option<IpAddr>) -> BTreeSet<Option<Inner>> {
    let fits = |door: &&Door| match (door.address, called) {
        (None, _) => true,
        (Some(door), Some(called)) => door == called,
        (Some(door), None) => local || !door.is_loopback(),
    };
    let fitting: Vec<&Door> = doors.iter().filter(fits).collect();
    let whole = fitting.iter().any(|door| door.address.is_none());
    let certain = whole || called.is_some() && !fitting.is_empty();
    let inner = fitting.into_iter().map(|door| Some(door.inner.clone()));
    inner.chain((!certain).then_some(None)).collect()
}

/// True for the programs by which runtimes carry connections into containers.
pub(crate) fn is_carrier(program: &Program) -> bool {
    let executable = program.executable.as_ref().map(|e| e.lossy().into_owned());
    let name = executable.as_deref().map(groma_model::path::file_name);
    matches!(
        name,
        Some(
            "docker-proxy"
                | "rootlessport"
                | "rootlesskit"
                | "slirp4netns"
                | "pasta"
                | "pasta.avx2"
        )
    )
}
