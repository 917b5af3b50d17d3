//! Logical networks, and the profiles by which cards of machines are plugged into them.

use std::collections::BTreeMap;

use groma_model::Peer;
use groma_model::virtualization::GuestNic;
use serde_json::Value;

use super::answer::{at, id, link, within, word};
use crate::json::{as_text, small, text};

/// Most name servers of a network.
const SERVERS_MAX: usize = 16;

/// A logical network.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) vlan: Option<String>,
    pub(super) mtu: Option<u32>,
    /// True for one of another provider (OVN): no bridge of a host carries it by its name.
    is_external: bool,
    pub(super) name_servers: Vec<Peer>,
}

/// A profile.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Profile {
    network: Option<String>,
    is_passed_through: bool,
}

/// All of them, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    networks: BTreeMap<String, Network>,
    profiles: BTreeMap<String, Profile>,
}

impl Networks {
    /// An entry of `networks`. True for one that was not known.
    pub(super) fn network(&mut self, entry: &Value) -> Option<bool> {
        let network = Network {
            name: text(entry, "name")?,
            vlan: text(at(entry, "vlan"), "id"),
            mtu: small(entry, "mtu").filter(|mtu| *mtu > 0),
            is_external: link(entry, "external_provider").is_some(),
            name_servers: name_servers(entry),
        };
        Some(self.networks.insert(id(entry)?, network).is_none())
    }

    /// An entry of `vnicprofiles`. True for one that was not known.
    pub(super) fn profile(&mut self, entry: &Value) -> Option<bool> {
        let mode = word(at(entry, "pass_through"), "mode");
        let profile = Profile {
            network: link(entry, "network"),
            is_passed_through: mode.as_deref() == Some("enabled"),
        };
        Some(self.profiles.insert(id(entry)?, profile).is_none())
    }

    /// The network a link of a host leads to: by id, else by the name that stands there.
    pub(super) fn of(&self, to: &Value) -> Option<Network> {
        let known = id(to).and_then(|id| self.networks.get(&id).cloned());
        known.or_else(|| {
            let name = text(to, "name")?;
            let mut named = self.networks.values().filter(|known| known.name == name);
            // Two data centers may each have one of that name.
            let only = named.next().filter(|_| named.next().is_none()).cloned();
            only.or(Some(Network {
                name,
                ..Network::default()
            }))
        })
    }

    /// Writes into `nic` what its profile says. True for a card that is a part of one of the host.
    pub(super) fn plug(&self, nic: &mut GuestNic, profile: &str) -> bool {
        let Some(profile) = self.profiles.get(profile) else {
            return false;
        };
        let network = profile.network.as_ref();
        if let Some(network) = network.and_then(|network| self.networks.get(network)) {
            nic.network = Some(network.name.clone());
            nic.vlan.clone_from(&network.vlan);
            let is_bridged = !network.is_external && !profile.is_passed_through;
            nic.switch = is_bridged.then(|| network.name.clone());
        }
        profile.is_passed_through
    }
}

/// What stands in `dns_resolver_configuration`.
pub(super) fn name_servers(of: &Value) -> Vec<Peer> {
    let all = within(
        at(of, "dns_resolver_configuration"),
        "name_servers",
        "name_server",
        SERVERS_MAX,
    );
    let texts = all.filter_map(as_text);
    texts.filter_map(|text| Peer::parse(&text)).collect()
}
