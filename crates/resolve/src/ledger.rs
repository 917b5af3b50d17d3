//! The identity ledger while resolve works: what is known, and what is new.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::store::{Identities, IdentityKey, NewIdentities};
use groma_model::{AgentId, EntityId, HostName, SiteId};

/// The known ledger with additions on top of it.
pub(crate) struct Ledger<'a> {
    known: &'a Identities,
    new: NewIdentities,
    mint: &'a mut dyn FnMut() -> EntityId,
    /// Entities that an agent stands for: an address alone never takes their id.
    agents: BTreeSet<EntityId>,
    /// Entities a platform of virtualization tells of: it knows them by more than an address, which may be another one's by now.
    told: BTreeSet<EntityId>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(known: &'a Identities, mint: &'a mut dyn FnMut() -> EntityId) -> Self {
        let of_platforms = known.known.iter().filter(|(key, _)| key.kind == PLATFORM);
        let told = of_platforms
            .map(|(_, id)| known.survivor(id).clone())
            .collect();
        Self {
            known,
            new: NewIdentities::default(),
            mint,
            agents: BTreeSet::new(),
            told,
        }
    }

    pub(crate) fn into_new(self) -> NewIdentities {
        self.new
    }

    /// The entity a mark belongs to.
    pub(crate) fn entity(&self, key: &IdentityKey) -> Option<EntityId> {
        let id = self
            .new
            .known
            .get(key)
            .or_else(|| self.known.known.get(key))?;
        let survivor = self.known.survivor(id);
        Some(
            self.new
                .merged
                .get(survivor)
                .map_or_else(|| survivor.clone(), |(into, _)| into.clone()),
        )
    }

    /// Writes down that `key` belongs to `id`, unless the ledger says so already.
    pub(crate) fn bind(&mut self, key: IdentityKey, id: &EntityId) {
        if self.entity(&key).as_ref() != Some(id) {
            self.new.known.insert(key, id.clone());
        }
    }

    /// The entity behind `key`, a new one if nobody knows it.
    pub(crate) fn claim(&mut self, key: IdentityKey) -> EntityId {
        if let Some(id) = self.entity(&key) {
            return id;
        }
        let id = (self.mint)();
        self.new.known.insert(key, id.clone());
        id
    }

    /// As [`Self::claim`], for marks that move between machines: a host an agent stands for keeps its id
    /// when it has left the address or name, and whoever stands there now is somebody else.
    pub(crate) fn claim_outside(&mut self, key: IdentityKey) -> EntityId {
        match self.entity(&key) {
            Some(id) if !self.agents.contains(&id) && !self.told.contains(&id) => id,
            _ => {
                let id = (self.mint)();
                self.new.known.insert(key, id.clone());
                id
            }
        }
    }

    /// A fresh id without a mark; the caller binds it.
    pub(crate) fn fresh(&mut self) -> EntityId {
        (self.mint)()
    }

    /// Says that an agent stands for `id`.
    pub(crate) fn has_agent(&mut self, id: &EntityId) {
        self.agents.insert(id.clone());
    }

    /// True if a platform of virtualization tells of `id`, or ever did.
    pub(crate) fn is_told(&self, id: &EntityId) -> bool {
        self.told.contains(id)
    }

    /// True if an agent stands for `id`.
    pub(crate) fn is_agent(&self, id: &EntityId) -> bool {
        self.agents.contains(id)
    }

    /// Writes down that `gone` is `survivor`, and why.
    pub(crate) fn merge(&mut self, gone: EntityId, survivor: &EntityId, because: &str) {
        if gone != *survivor {
            self.new
                .merged
                .insert(gone, (survivor.clone(), because.to_owned()));
        }
    }
}

/// The mark of an agent.
pub(crate) fn agent_key(site: &SiteId, agent: &AgentId) -> IdentityKey {
    key(site, "agent", agent.as_str())
}

/// The kind of marks that platforms of virtualization give.
const PLATFORM: &str = "platform";

/// The mark of a thing a platform tells of.
pub(crate) fn platform_key(site: &SiteId, subject: &str) -> IdentityKey {
    key(site, PLATFORM, subject)
}

/// The mark of an address.
pub(crate) fn address_key(site: &SiteId, address: &IpAddr) -> IdentityKey {
    key(site, "address", &address.to_string())
}

/// The mark of a name nobody can tell the address of, or of a name with many addresses.
pub(crate) fn name_key(site: &SiteId, name: &HostName) -> IdentityKey {
    key(site, "name", name.as_str())
}

/// A mark of any other kind.
pub(crate) fn key(site: &SiteId, kind: &str, value: &str) -> IdentityKey {
    IdentityKey {
        site: site.clone(),
        kind: kind.to_owned(),
        value: value.to_owned(),
    }
}
