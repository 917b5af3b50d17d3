//! The words for kinds, read from `registry/kinds.toml`: one file for the code, the schema and the tests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::name::{Port, Transport};

/// The registry compiled into this program.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../registry/kinds.toml"))
        .expect("registry/kinds.toml is compiled in and a test parses it");
    Registry::from(file)
});

/// All words groma uses for kinds.
#[derive(Debug)]
pub struct Registry {
    /// Version of the file.
    pub version: u32,
    /// Layers by rank, from the foundation up.
    pub layers: Vec<Layer>,
    /// Entity kinds by name.
    pub entities: BTreeMap<String, EntityKind>,
    /// Dependency kinds by name.
    pub dependencies: BTreeMap<String, DependencyKind>,
    /// Reasons why a dependency is hidden, by name, in words for a person.
    pub hidden: BTreeMap<String, String>,
    /// Endpoint → name of the kind that has it by habit.
    habits: BTreeMap<(Port, Transport), String>,
}

/// A layer of the map.
#[derive(Clone, Debug, Deserialize)]
pub struct Layer {
    /// Name.
    pub name: String,
    /// Rank, 0 at the bottom.
    pub rank: u32,
}

/// A sort of thing.
#[derive(Clone, Debug, Deserialize)]
pub struct EntityKind {
    /// Name.
    pub name: String,
    /// The layer it belongs to unless something says otherwise.
    pub layer: String,
    /// True for what one can switch off, and carry elsewhere.
    #[serde(default)]
    pub machine: bool,
}

/// A sort of need.
#[derive(Clone, Debug, Deserialize)]
pub struct DependencyKind {
    /// Name.
    pub name: String,
    /// For a person.
    pub title: String,
    /// Layer of the provider.
    pub layer: String,
    /// `blocking`, `degrading` or `unknown`.
    pub strength: String,
    /// True for what nearly every host needs.
    pub shared: bool,
    /// Where it listens by habit, as `389/tcp`. The first one is the default.
    pub ports: Vec<String>,
}

impl DependencyKind {
    /// The ports as numbers with their transport.
    pub fn endpoints(&self) -> impl Iterator<Item = (Port, Transport)> + '_ {
        self.ports.iter().filter_map(|text| endpoint(text))
    }
}

impl Registry {
    /// The dependency kind that has this port by habit. A hint for what nobody stated.
    pub fn kind_by_port(&self, port: Port, transport: Transport) -> Option<&DependencyKind> {
        self.dependencies.get(self.habits.get(&(port, transport))?)
    }

    /// The dependency kind of this name; `other` for a word the registry does not hold.
    pub fn kind(&self, name: &str) -> &DependencyKind {
        self.dependencies
            .get(name)
            .or_else(|| self.dependencies.get("other"))
            .expect("the registry holds \"other\", a test says so")
    }

    /// True for an entity kind that is a machine: a host, a guest, a system container, what carries them, a device.
    pub fn is_machine(&self, kind: &str) -> bool {
        self.entities.get(kind).is_some_and(|kind| kind.machine)
    }

    /// The rank of a layer; unknown layers stand on top.
    pub fn rank(&self, layer: &str) -> u32 {
        self.layers
            .iter()
            .find(|l| l.name == layer)
            .map_or(u32::MAX, |l| l.rank)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    layer: Vec<Layer>,
    entity: Vec<EntityKind>,
    dependency: Vec<DependencyKind>,
    hidden: Vec<Titled>,
}

#[derive(Deserialize)]
struct Titled {
    name: String,
    title: String,
}

impl From<File> for Registry {
    fn from(file: File) -> Self {
        let habits = file
            .dependency
            .iter()
            .flat_map(|kind| {
                kind.endpoints()
                    .map(|endpoint| (endpoint, kind.name.clone()))
            })
            .collect();
        Self {
            version: file.version,
            layers: file.layer,
            entities: file
                .entity
                .into_iter()
                .map(|k| (k.name.clone(), k))
                .collect(),
            dependencies: file
                .dependency
                .into_iter()
                .map(|k| (k.name.clone(), k))
                .collect(),
            hidden: file.hidden.into_iter().map(|h| (h.name, h.title)).collect(),
            habits,
        }
    }
}

fn endpoint(text: &str) -> Option<(Port, Transport)> {
    let (port, transport) = text.split_once('/')?;
    let transport = match transport {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    Some((Port(port.parse().ok()?), transport))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_registry_is_sound() {
        let registry = &*REGISTRY;
        for kind in registry.dependencies.values() {
            assert!(
                registry.layers.iter().any(|l| l.name == kind.layer),
                "{}",
                kind.name
            );
            assert!(
                matches!(kind.strength.as_str(), "blocking" | "degrading" | "unknown"),
                "{}",
                kind.name
            );
            assert_eq!(kind.endpoints().count(), kind.ports.len(), "{}", kind.name);
        }
        assert_eq!(registry.kind("no such word").name, "other");
    }

    #[test]
    fn a_guest_that_is_a_container_is_a_machine_and_what_it_is_made_from_is_none() {
        for kind in ["host", "vm", "container", "hypervisor", "device"] {
            assert!(REGISTRY.is_machine(kind), "{kind}");
        }
        for kind in [
            "vm-template",
            "hypervisor-cluster",
            "datastore",
            "service",
            "external",
            "",
        ] {
            assert!(!REGISTRY.is_machine(kind), "{kind}");
        }
    }

    #[test]
    fn no_port_means_two_kinds() {
        let mut seen = BTreeMap::new();
        for kind in REGISTRY.dependencies.values() {
            for endpoint in kind.endpoints() {
                if let Some(other) = seen.insert(endpoint, &kind.name) {
                    panic!("{endpoint:?} is {other} and {}", kind.name);
                }
            }
        }
    }
}
