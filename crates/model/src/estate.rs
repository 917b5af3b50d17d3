//! What resolve hands to the stages after it: the entities, and a way to say who an address or a name is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::fact::NameSource;
use crate::id::{AgentId, EntityId, SiteId};
use crate::inventory::{Entity, ReachedBy};
use crate::name::{HostName, Peer};
use crate::observation::Scope;

/// The entities of the estate, and who stands behind each address and name as each vantage sees it.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    /// All entities by id.
    pub entities: BTreeMap<EntityId, Entity>,
    /// The host (or list) at each vantage.
    pub vantages: BTreeMap<AgentId, EntityId>,
    /// Every address a vantage's own host has, also those of inner bridges that many hosts share.
    pub own_addresses: BTreeMap<AgentId, BTreeSet<IpAddr>>,
    /// Address → entity within a site. Loopback and unspecified addresses and those of `fe80::/10` are never in it.
    pub addresses: BTreeMap<(SiteId, IpAddr), EntityId>,
    /// What an address of `fe80::/10` means to a vantage: another machine on every link.
    pub on_link: BTreeMap<(AgentId, IpAddr), EntityId>,
    /// What a name means to a vantage.
    pub names: BTreeMap<(AgentId, HostName), Meaning>,
    /// Certificate fingerprint → entity.
    pub certificates: BTreeMap<String, EntityId>,
    /// Archives, databases and shares: the machine they lie on and their scope → entity.
    pub holdings: BTreeMap<(EntityId, Scope), EntityId>,
    /// What a platform of virtualization tells of, by its subject
    /// ([`Platform::subject`](crate::virtualization::Platform::subject)) within a site → entity.
    pub on_platforms: BTreeMap<(SiteId, String), EntityId>,
    /// True if a list somebody imported was among the evidence.
    pub compared_with_list: bool,
}

/// Whom a name leads to, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// The entity.
    pub entity: EntityId,
    /// By its own name, by an alias, by the hosts file.
    pub reached_by: ReachedBy,
    /// Who answered, where anybody did.
    pub by: Option<NameSource>,
}

impl Estate {
    /// Who `peer` is to the agent `vantage` at `site`: the vantage's own host for everything that means
    /// "this machine", nobody for multicast, broadcast and names nobody mentioned while resolving.
    pub fn locate(&self, site: &SiteId, vantage: &AgentId, peer: &Peer) -> Option<Meaning> {
        let meaning = |entity: &EntityId, reached_by| Meaning {
            entity: entity.clone(),
            reached_by,
            by: None,
        };
        match peer {
            _ if peer.is_loopback() => Some(meaning(self.vantages.get(vantage)?, ReachedBy::Name)),
            Peer::Address(address) if address.is_unspecified() => {
                Some(meaning(self.vantages.get(vantage)?, ReachedBy::Name))
            }
            Peer::Address(address) if self.is_own(vantage, address) => Some(meaning(
                self.vantages.get(vantage)?,
                ReachedBy::AddressLiteral,
            )),
            Peer::Address(address) => {
                let address = address.to_canonical();
                let entity = self
                    .addresses
                    .get(&(site.clone(), address))
                    .or_else(|| self.on_link.get(&(vantage.clone(), address)))?;
                Some(meaning(entity, ReachedBy::AddressLiteral))
            }
            Peer::Name(name) => self.names.get(&(vantage.clone(), name.clone())).cloned(),
        }
    }

    fn is_own(&self, vantage: &AgentId, address: &IpAddr) -> bool {
        self.own_addresses
            .get(vantage)
            .is_some_and(|own| own.contains(&address.to_canonical()))
    }
}
