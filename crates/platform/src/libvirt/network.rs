//! A network: what `virsh net-dumpxml` writes.

use groma_model::virtualization::{PortGroup, VirtualSwitch};

use super::card::vlan;
use super::tree::Element;

/// A network of a host, which is a switch and the ports of it that are alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The switch, with this network and its own port groups among the port groups.
    pub switch: VirtualSwitch,
    /// True if its cards are functions of a real card, handed through.
    pub hands_out_functions: bool,
    /// VLAN of a card that names no port group.
    pub vlan: Option<String>,
}

pub(super) fn network(network: &Element) -> Option<Network> {
    let name = network.text_at(&["name"])?;
    let forward = network.child("forward");
    let mode = forward.map(|forward| forward.attribute("mode").unwrap_or("nat"));
    let bridge = network
        .child("bridge")
        .and_then(|bridge| bridge.attribute("name"));
    let uplinks = forward.map(uplinks).unwrap_or_default();
    let groups: Vec<&Element> = network.all("portgroup").collect();
    let own = network.child("vlan").and_then(vlan);
    let usual = groups.iter().find(|group| group.says("default", "yes"));
    let vlan_of_cards = usual
        .and_then(|group| vlan(group.child("vlan")?))
        .or_else(|| own.clone());
    Some(Network {
        name: name.to_owned(),
        switch: VirtualSwitch {
            name: bridge
                .or(uplinks.first().map(String::as_str))
                .unwrap_or(name)
                .to_owned(),
            mtu: network
                .child("mtu")
                .and_then(|mtu| mtu.attribute("size")?.parse().ok()),
            port_groups: port_groups(name, vlan_of_cards.clone(), own.as_deref(), &groups),
            leads_out: mode.filter(|_| uplinks.is_empty()).map(str::to_owned),
            uplinks,
            ..VirtualSwitch::default()
        },
        hands_out_functions: mode == Some("hostdev"),
        vlan: vlan_of_cards,
    })
}

/// Cards guests leave by: those that are listed, the one that is named, or the one whose functions they get.
fn uplinks(forward: &Element) -> Vec<String> {
    let listed = forward.all("interface").chain(forward.all("pf"));
    let listed = listed.filter_map(|card| card.attribute("dev"));
    let mut all: Vec<String> = listed
        .chain(forward.attribute("dev"))
        .map(str::to_owned)
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The network itself, and its port groups; a group without a VLAN has the network's.
fn port_groups(
    name: &str,
    usual: Option<String>,
    own: Option<&str>,
    groups: &[&Element],
) -> Vec<PortGroup> {
    let named = groups.iter().filter_map(|group| {
        let vlan = group.child("vlan").and_then(vlan);
        Some(PortGroup {
            name: group.attribute("name")?.to_owned(),
            vlan: vlan.or_else(|| own.map(str::to_owned)),
        })
    });
    let whole = PortGroup {
        name: name.to_owned(),
        vlan: usual,
    };
    let mut all: Vec<PortGroup> = named.chain([whole]).collect();
    all.sort();
    all.dedup();
    all
}
