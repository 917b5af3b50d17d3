//! Two inventories side by side, indexed so that the order of their lists cannot matter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::inventory::{Dependency, Entity, Inventory, ListenerEntry, VerdictWord};
use groma_model::{DependencyId, EntityId, Port, Transport};

/// Both sides, and the hosts that are one line as a whole.
pub(crate) struct Pair<'a> {
    pub(crate) before: Index<'a>,
    pub(crate) after: Index<'a>,
    /// Hosts that are new, gone or newly watched: what is on them is not listed again.
    pub(crate) folded: BTreeSet<&'a EntityId>,
}

/// One side.
pub(crate) struct Index<'a> {
    pub(crate) entities: BTreeMap<&'a EntityId, &'a Entity>,
    pub(crate) dependencies: BTreeMap<&'a DependencyId, &'a Dependency>,
    pub(crate) listeners: Vec<&'a ListenerEntry>,
    /// Asked one by one, never walked through: its order cannot matter.
    needers: HashMap<Endpoint<'a>, Vec<&'a Dependency>>,
}

/// A port of a host.
type Endpoint<'a> = (&'a EntityId, Port, Transport);

impl<'a> Pair<'a> {
    pub(crate) fn new(before: &'a Inventory, after: &'a Inventory) -> Self {
        let both = before.dependencies.iter().chain(&after.dependencies);
        let is_wrong = |d: &&Dependency| {
            d.verdict
                .as_ref()
                .is_some_and(|v| v.verdict == VerdictWord::Wrong)
        };
        let wrong: BTreeSet<&DependencyId> = both.filter(is_wrong).map(|d| &d.id).collect();
        let mut pair = Self {
            before: Index::new(before, &wrong),
            after: Index::new(after, &wrong),
            folded: BTreeSet::new(),
        };
        pair.folded = pair.one_sided();
        pair
    }

    /// The entity with this id on both sides.
    pub(crate) fn both(&self) -> impl Iterator<Item = (&'a Entity, &'a Entity)> + '_ {
        self.before
            .entities
            .iter()
            .filter_map(|(id, b)| Some((*b, *self.after.entities.get(id)?)))
    }

    /// True if an agent looked at this host from inside on both sides: only then its parts compare.
    pub(crate) fn comparable(&self, host: &EntityId) -> bool {
        !self.folded.contains(host)
    }

    /// The name of an entity, as the later side knows it.
    pub(crate) fn name<'s>(&'s self, id: &'s EntityId) -> &'s str {
        let entity = self
            .after
            .entities
            .get(id)
            .or_else(|| self.before.entities.get(id));
        entity.map_or(id.as_str(), |e| e.name.as_str())
    }

    /// True if somebody needs this endpoint, before or after.
    pub(crate) fn is_needed(&self, host: &EntityId, port: Port, transport: Transport) -> bool {
        let endpoint = (host, port, transport);
        [&self.before, &self.after]
            .iter()
            .any(|side| side.needers.contains_key(&endpoint))
    }

    fn one_sided(&self) -> BTreeSet<&'a EntityId> {
        let watched =
            |index: &Index<'a>, id: &EntityId| index.entities.get(id).is_some_and(|e| e.has_agent);
        let all = self
            .before
            .entities
            .keys()
            .chain(self.after.entities.keys());
        all.filter(|id| watched(&self.before, id) != watched(&self.after, id))
            .copied()
            .collect()
    }
}

impl<'a> Index<'a> {
    fn new(inventory: &'a Inventory, wrong: &BTreeSet<&DependencyId>) -> Self {
        let mut listeners: Vec<&ListenerEntry> = inventory.listeners.iter().collect();
        listeners.sort_by_key(|l| (&l.entity, l.transport, l.port, l.address, &l.process));
        let dependencies = inventory
            .dependencies
            .iter()
            .filter(|d| !wrong.contains(&d.id));
        let dependencies: BTreeMap<&DependencyId, &Dependency> =
            dependencies.map(|d| (&d.id, d)).collect();
        let mut needers: HashMap<Endpoint<'a>, Vec<&Dependency>> = HashMap::new();
        for d in dependencies.values() {
            if let Some((port, transport)) = endpoint(d) {
                needers
                    .entry((&d.provider.entity, port, transport))
                    .or_default()
                    .push(d);
            }
        }
        Self {
            entities: inventory.entities.iter().map(|e| (&e.id, e)).collect(),
            dependencies,
            listeners,
            needers,
        }
    }

    /// Who needs this endpoint, by id.
    pub(crate) fn needers<'s>(
        &'s self,
        host: &'s EntityId,
        port: Port,
        transport: Transport,
    ) -> &'s [&'a Dependency] {
        self.needers
            .get(&(host, port, transport))
            .map_or(&[], Vec::as_slice)
    }
}

/// The port and transport a dependency goes to, where the port is known.
pub(crate) fn endpoint(d: &Dependency) -> Option<(Port, Transport)> {
    Some((
        d.provider.port?,
        d.provider.transport.unwrap_or(Transport::Tcp),
    ))
}
