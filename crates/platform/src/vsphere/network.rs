//! Networks, port groups and switches by the words that cards and hosts refer to them with.

use std::collections::BTreeMap;

use groma_model::virtualization::PortGroup;

use super::answer::Object;
use super::element::Element;
use super::inventory::name;

/// A port group of a switch that spans hosts.
#[derive(Clone, Debug, Default)]
struct Group {
    name: String,
    switch: String,
    vlan: Option<String>,
}

/// Where a card is plugged in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Plug {
    pub(super) network: Option<String>,
    pub(super) switch: Option<String>,
    pub(super) vlan: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Networks {
    /// Names by key, and by the id a network of NSX has.
    names: BTreeMap<String, String>,
    /// By its own key, which is what cards name.
    groups: BTreeMap<String, Group>,
    /// Name by key.
    switches: BTreeMap<String, String>,
    /// Key by UUID.
    switch_keys: BTreeMap<String, String>,
    /// Switch and VLAN by host and name of the port group.
    on_hosts: BTreeMap<String, BTreeMap<String, Plug>>,
}

impl Networks {
    pub(super) fn take_switch(&mut self, object: &Object) {
        let name = name(object).unwrap_or_else(|| object.key.clone());
        if let Some(uuid) = object.text("uuid") {
            self.switch_keys.insert(uuid.to_owned(), object.key.clone());
        }
        self.switches.insert(object.key.clone(), name);
    }

    pub(super) fn take_network(&mut self, object: &Object) {
        let Some(name) = name(object) else { return };
        let opaque = object.value("summary");
        if let Some(id) = opaque.and_then(|summary| summary.text("opaqueNetworkId")) {
            self.names.insert(id.to_owned(), name.clone());
        }
        self.names.insert(object.key.clone(), name);
    }

    pub(super) fn take_port_group(&mut self, object: &Object) {
        // The same object is a network too, and is asked for as such first.
        let (Some(name), Some(switch)) =
            (name(object), object.text("config.distributedVirtualSwitch"))
        else {
            return self.take_network(object);
        };
        let vlan = object.value("config.defaultPortConfig");
        let vlan = vlan.and_then(|settings| settings.at("vlan"));
        let group = Group {
            name,
            switch: switch.to_owned(),
            vlan: vlan.and_then(distributed_vlan),
        };
        let key = object.text("key").unwrap_or(&object.key);
        self.groups.insert(key.to_owned(), group);
    }

    pub(super) fn take_on_host(
        &mut self,
        host: &str,
        group: &str,
        switch: &str,
        vlan: Option<String>,
    ) {
        let plug = Plug {
            network: Some(group.to_owned()),
            switch: Some(switch.to_owned()),
            vlan,
        };
        let groups = self.on_hosts.entry(host.to_owned()).or_default();
        groups.insert(group.to_owned(), plug);
    }

    /// Where the card with `backing` is plugged in, of a guest on `host`.
    pub(super) fn plug(&self, backing: &Element, host: Option<&str>) -> Plug {
        match backing.kind.as_str() {
            "VirtualEthernetCardDistributedVirtualPortBackingInfo" => self.distributed(backing),
            "VirtualEthernetCardOpaqueNetworkBackingInfo" => Plug {
                network: backing
                    .text("opaqueNetworkId")
                    .map(|id| self.names.get(id).map_or(id, String::as_str).to_owned()),
                ..Plug::default()
            },
            _ => self.standard(backing, host),
        }
    }

    fn distributed(&self, backing: &Element) -> Plug {
        let uuid = backing.text("port/switchUuid");
        let group = backing.text("port/portgroupKey");
        let known = group.and_then(|key| self.groups.get(key));
        let switch = known
            .map(|group| &group.switch)
            .or_else(|| self.switch_keys.get(uuid?));
        let switch = switch.and_then(|key| self.switches.get(key)).cloned();
        Plug {
            network: known
                .map(|group| group.name.clone())
                .or_else(|| self.names.get(group?).cloned())
                .or_else(|| group.map(str::to_owned)),
            switch: switch.or_else(|| uuid.map(str::to_owned)),
            vlan: known.and_then(|group| group.vlan.clone()),
        }
    }

    fn standard(&self, backing: &Element, host: Option<&str>) -> Plug {
        let told = backing.text("deviceName");
        let of_key = || self.names.get(backing.text("network")?).map(String::as_str);
        let Some(network) = told.or_else(of_key) else {
            return Plug::default();
        };
        let on_host = host.and_then(|host| self.on_hosts.get(host)?.get(network));
        on_host.cloned().unwrap_or_else(|| Plug {
            network: Some(network.to_owned()),
            ..Plug::default()
        })
    }

    /// The port groups of the distributed switch with `uuid`, sorted.
    pub(super) fn port_groups(&self, uuid: &str) -> Vec<PortGroup> {
        let Some(key) = self.switch_keys.get(uuid) else {
            return Vec::new();
        };
        let of_it = self.groups.values().filter(|group| &group.switch == key);
        let mut all: Vec<PortGroup> = of_it
            .map(|group| PortGroup {
                name: group.name.clone(),
                vlan: group.vlan.clone(),
            })
            .collect();
        all.sort();
        all
    }
}

/// The VLAN of a port group on a host: 0 is none, 4095 hands all of them through.
pub(super) fn standard_vlan(number: u32) -> Option<String> {
    match number {
        0 => None,
        4095 => Some("0-4094".to_owned()),
        number => Some(number.to_string()),
    }
}

fn distributed_vlan(vlan: &Element) -> Option<String> {
    match vlan.kind.as_str() {
        "VmwareDistributedVirtualSwitchTrunkVlanSpec" => {
            let ranges = vlan.all("vlanId").filter_map(|range| {
                let (start, end): (u32, u32) = (range.number("start")?, range.number("end")?);
                Some(match start == end {
                    true => start.to_string(),
                    false => format!("{start}-{end}"),
                })
            });
            let text = ranges.collect::<Vec<_>>().join(",");
            (!text.is_empty()).then_some(text)
        }
        "VmwareDistributedVirtualSwitchPvlanSpec" => vlan.text("pvlanId").map(str::to_owned),
        _ => vlan.number::<u32>("vlanId").and_then(standard_vlan),
    }
}
