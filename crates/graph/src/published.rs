//! Ports of a machine that lead into its containers: who calls one needs the container's program behind it.
//!
//! The runtime's own state says which port leads where, and only of a container that runs: a compose file nobody started
//! opens no door. What listens in a network that a container has for itself is no door of the machine either; it is the
//! other side of one, if the port is published.

use std::collections::{HashMap, HashSet};

use groma_model::fact::{Component, ComponentClass, Container, Listener, Program};
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, Estate};

use crate::gather::{Raw, Raws};

/// What stands behind a published port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    /// Id of the container.
    container: String,
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

type Place = (EntityId, Port, Transport);
type Within = (EntityId, String, Port, Transport);

/// Every published port of every machine, from both sides.
#[derive(Default)]
pub(crate) struct Published<'a> {
    doors: HashMap<Place, Inner>,
    /// From within to outside; none where several ports lead to one.
    outer: HashMap<Within, Option<Port>>,
    inside: HashMap<Within, Vec<&'a Raw<Listener>>>,
    holds: HashSet<(EntityId, String)>,
}

impl<'a> Published<'a> {
    pub(crate) fn new(inside: &'a Raws<Listener>, estate: &Estate) -> Self {
        let mut published = Self::default();
        for host in estate.entities.values() {
            for container in host.attributes.containers.iter().filter(|c| c.running) {
                published.container(&host.id, container);
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
            self.doors
                .entry((host.clone(), port.port, port.transport))
                .or_insert(inner);
        }
    }

    /// What stands behind a port of a machine, if that leads into a container.
    pub(crate) fn behind(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
    ) -> Option<Inner> {
        let at = (host.clone(), port, transport);
        self.doors.get(&at).cloned()
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

/// True for the programs by which runtimes carry connections into containers.
pub(crate) fn is_carrier(program: &Program) -> bool {
    let executable = program.executable.as_ref().map(|e| e.lossy().into_owned());
    let name = executable.as_deref().and_then(|e| e.rsplit('/').next());
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
