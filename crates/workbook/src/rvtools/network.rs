//! Cards, switches and port groups of hosts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::inventory::Entity;
use groma_model::virtualization::{At, Hypervisor, PortGroup, VirtualSwitch};

use super::estate::{Estate, of_host, of_platform};
use super::row::Row;
use crate::cell::list;

/// Rows of vNIC.
pub(super) fn cards<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    estate.hosts.iter().flat_map(move |(entity, host)| {
        host.nics.iter().map(move |nic| {
            let above = host.switches.iter();
            let above = above.filter(|switch| switch.uplinks.contains(&nic.name));
            of_host(estate, (entity, host))
                .with("Network Device", nic.name.as_str())
                .with("Driver", nic.driver.as_deref())
                .with("Speed", nic.speed_mbps)
                .with("MAC", nic.mac.as_deref())
                .with("Switch", list(above.map(|switch| &switch.name)))
        })
    })
}

/// Each switch that belongs to one host.
fn own<'a>(
    estate: &'a Estate<'a>,
) -> impl Iterator<Item = ((&'a Entity, &'a Hypervisor), &'a VirtualSwitch)> + 'a {
    estate.hosts.iter().flat_map(|host| {
        let own = host.1.switches.iter().filter(|switch| !switch.distributed);
        own.map(move |switch| (*host, switch))
    })
}

/// Rows of vSwitch.
pub(super) fn switches<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    own(estate).map(|(host, switch)| {
        of_host(estate, host)
            .with("Switch", switch.name.as_str())
            .with("MTU", switch.mtu)
    })
}

/// Rows of vPort.
pub(super) fn ports<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    own(estate).flat_map(move |(host, switch)| {
        switch.port_groups.iter().map(move |group| {
            of_host(estate, host)
                .with("Port Group", group.name.as_str())
                .with("Switch", switch.name.as_str())
                .with("VLAN", group.vlan.as_deref())
        })
    })
}

/// A switch that spans hosts, put together from what each of them tells.
#[derive(Default)]
struct Spanning<'a> {
    members: Vec<&'a Hypervisor>,
    mtu: Option<u32>,
    groups: BTreeMap<&'a str, &'a PortGroup>,
}

fn spanned<'a>(estate: &Estate<'a>) -> BTreeMap<At<'a>, Spanning<'a>> {
    let mut all: BTreeMap<_, Spanning<'a>> = BTreeMap::new();
    for (entity, host) in &estate.hosts {
        for switch in host.switches.iter().filter(|switch| switch.distributed) {
            let at = (&entity.site, &host.platform, switch.name.as_str());
            let one = all.entry(at).or_default();
            one.members.push(host);
            one.mtu = one.mtu.max(switch.mtu);
            for group in &switch.port_groups {
                one.groups.entry(&group.name).or_insert(group);
            }
        }
    }
    all
}

/// Rows of dvSwitch.
pub(super) fn spanning(estate: &Estate<'_>) -> Vec<Row> {
    let all = spanned(estate).into_iter();
    all.map(|((_, platform, name), switch)| {
        of_platform(platform)
            .with("Switch", name)
            .with("Name", name)
            .with(
                "Host members",
                list(switch.members.iter().map(|host| &host.name)),
            )
            .with("Max MTU", switch.mtu)
    })
    .collect()
}

/// Rows of dvPort.
pub(super) fn spanning_ports(estate: &Estate<'_>) -> Vec<Row> {
    let all = spanned(estate).into_iter();
    all.flat_map(|((_, platform, name), switch)| {
        let groups = switch.groups.into_values();
        groups.map(move |group| {
            of_platform(platform)
                .with("Port", group.name.as_str())
                .with("Switch", name)
                .with("VLAN", group.vlan.as_deref())
        })
    })
    .collect()
}

/// Rows of vSC_VMK: addresses of hosts. Which port carries one is not told.
pub(super) fn own_addresses<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    estate.hosts.iter().flat_map(move |(entity, host)| {
        host.addresses.iter().map(move |address| {
            let title = match address {
                IpAddr::V4(_) => "IP Address",
                IpAddr::V6(_) => "IP 6 Address",
            };
            of_host(estate, (entity, host)).with(title, address.to_string())
        })
    })
}
