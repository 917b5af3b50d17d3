//! `host.network`: interfaces, routes, neighbours, and who is asked for names and addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use groma_model::fact::{Interface, Neighbour, Route};
use groma_model::{Fact, Foreign, Reason};

use super::system::mac;
use super::{name_policy, resolvers};
use crate::{Adapter, AdapterKind, Area, Machine, NeighbourRow, Part, RouteRow, Said};

/// How the machine is connected.
pub(crate) const AREA: Area = Area {
    name: "host.network",
    purpose: "Tells how this machine is connected: interfaces, routes, machines on the same link, and whom it asks for names and for its address.",
    reads: &[
        "adapters, routes and neighbours of the system",
        r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters and Tcpip6\Parameters with their Interfaces (name servers, DHCP server)",
        r"HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters\Interfaces (WINS servers)",
        r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient, …\Services\Dnscache\Parameters\DnsPolicyConfig (name servers by policy)",
    ],
    never_sends: &["temporary IPv6 addresses", "traffic counters"],
    read: network,
};

fn network(machine: &Machine<'_>) -> Vec<Said> {
    let mut said = vec![
        look_at_interfaces(machine),
        look_at_routes(machine),
        look_at_neighbours(machine),
    ];
    said.extend(resolvers::look(machine));
    said.extend(name_policy::look(machine));
    said
}

fn begin(machine: &Machine<'_>, path: &str, table: &str, what: &str) -> Part {
    let mut part = Part::begin("net", path);
    if let Some(reason) = machine.rows.missing(table) {
        part.missed(what, reason.clone());
    }
    part
}

fn look_at_interfaces(machine: &Machine<'_>) -> Said {
    let mut part = begin(machine, "interfaces", "adapters", "interfaces");
    let mut interfaces: Vec<Interface> = machine.rows.adapters.iter().map(interface).collect();
    interfaces.sort_by(|one, other| one.name.cmp(&other.name));
    for interface in interfaces {
        part.saw(Fact::Interface(interface));
    }
    part.close()
}

fn interface(adapter: &Adapter) -> Interface {
    let kind = match adapter.kind {
        AdapterKind::Physical => "physical",
        AdapterKind::Loopback => "loopback",
        AdapterKind::Tunnel => "tunnel",
        AdapterKind::Virtual => "virtual",
    };
    let mac = adapter.mac.as_deref().and_then(mac);
    let addresses: BTreeSet<&String> = adapter.addresses.iter().collect();
    Interface {
        name: adapter.name.as_str().into(),
        mac: mac.filter(|_| adapter.kind != AdapterKind::Loopback),
        kind: kind.into(),
        up: adapter.up,
        addresses: addresses.into_iter().cloned().collect(),
    }
}

fn name_of(machine: &Machine<'_>, adapter: u32) -> Option<Foreign> {
    let mut adapters = machine.rows.adapters.iter();
    let found = adapters.find(|known| known.index == adapter && adapter != 0)?;
    Some(found.name.as_str().into())
}

fn look_at_routes(machine: &Machine<'_>) -> Said {
    let mut part = begin(machine, "routes", "routes", "routes");
    let own = own_addresses(&machine.rows.adapters);
    let mut found = BTreeMap::new();
    for row in &machine.rows.routes {
        let Some((network, length)) = network_of(&row.destination) else {
            part.missed("a route", Reason::Malformed);
            continue;
        };
        let route = route(machine, row);
        if !is_every_links(network) && !is_local(&route, network, length, &own) {
            let key = (
                route.destination.clone(),
                route.gateway,
                route.interface.clone(),
            );
            found.insert(key, route);
        }
    }
    for route in found.into_values() {
        part.saw(Fact::Route(route));
    }
    part.close()
}

fn route(machine: &Machine<'_>, row: &RouteRow) -> Route {
    Route {
        destination: row.destination.clone(),
        // Windows writes `0.0.0.0` where there is no next hop.
        gateway: row.gateway.filter(|gateway| !gateway.is_unspecified()),
        interface: name_of(machine, row.adapter),
    }
}

fn network_of(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
    (length <= bits(address)).then_some((address, length))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// What every link has: multicast, link-local addresses of IPv6, and the machine itself.
fn is_every_links(network: IpAddr) -> bool {
    match network {
        IpAddr::V4(network) => {
            network.is_multicast() || network.is_loopback() || network.is_broadcast()
        }
        IpAddr::V6(network) => {
            network.is_multicast() || network.is_loopback() || network.is_unicast_link_local()
        }
    }
}

/// A route to an address of the machine, or to the broadcast address of one of its networks: the system's own.
fn is_local(route: &Route, network: IpAddr, length: u8, own: &BTreeSet<IpAddr>) -> bool {
    route.gateway.is_none() && length == bits(network) && own.contains(&network)
}

/// Addresses of the machine and the broadcast addresses of its networks.
fn own_addresses(adapters: &[Adapter]) -> BTreeSet<IpAddr> {
    let written = adapters.iter().flat_map(|adapter| &adapter.addresses);
    let written = written.filter_map(|text| network_of(text));
    let each = |(address, length): (IpAddr, u8)| {
        let broadcast = match address {
            IpAddr::V4(address) if length < 31 => {
                let hosts = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
                Some(Ipv4Addr::from_bits(address.to_bits() | hosts).into())
            }
            _ => None,
        };
        [Some(address), broadcast].into_iter().flatten()
    };
    written.flat_map(each).collect()
}

fn look_at_neighbours(machine: &Machine<'_>) -> Said {
    let mut part = begin(
        machine,
        "neighbours",
        "neighbours",
        "machines on the same link",
    );
    let own = own_addresses(&machine.rows.adapters);
    let mut found = BTreeMap::new();
    for row in &machine.rows.neighbours {
        if let Some(neighbour) = neighbour(machine, row).filter(|one| !own.contains(&one.address)) {
            found.insert((neighbour.address, neighbour.interface.clone()), neighbour);
        }
    }
    for neighbour in found.into_values() {
        part.saw(Fact::Neighbour(neighbour));
    }
    // The system forgets: who is absent here may well be there, so nobody is ever said to be gone.
    part.missed_with(
        "machines on the same link that did not talk to this one lately",
        Reason::NotPresent,
        "watch for longer, or scan the network",
    );
    part.close()
}

fn neighbour(machine: &Machine<'_>, row: &NeighbourRow) -> Option<Neighbour> {
    let nobody = row.address.is_multicast()
        || row.address.is_loopback()
        || row.address.is_unspecified()
        || matches!(row.address, IpAddr::V4(address) if address.is_broadcast());
    Some(Neighbour {
        address: row.address,
        mac: mac(&row.mac).filter(|_| !nobody)?,
        interface: name_of(machine, row.adapter)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{facts, missed, said};
    use crate::{Missing, Rows, WrittenRegistry};

    fn rows() -> Rows {
        let route = |destination: &str, gateway: Option<&str>| RouteRow {
            destination: destination.into(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            adapter: 5,
        };
        let neighbour = |address: &str, mac: &str| NeighbourRow {
            address: address.parse().unwrap(),
            mac: mac.into(),
            adapter: 5,
        };
        Rows {
            adapters: vec![Adapter {
                name: "Ethernet".into(),
                index: 5,
                mac: Some("00:15:5d:01:02:03".into()),
                up: true,
                addresses: vec!["fd00::5/64".into(), "10.0.0.5/24".into()],
                ..Adapter::default()
            }],
            routes: vec![
                route("0.0.0.0/0", Some("10.0.0.1")),
                route("10.0.0.0/24", Some("0.0.0.0")),
                route("10.0.0.5/32", None),
                route("10.0.0.255/32", None),
                route("10.9.9.9/32", None),
                route("127.0.0.0/8", None),
                route("224.0.0.0/4", None),
                route("255.255.255.255/32", None),
                route("fe80::/64", None),
            ],
            neighbours: vec![
                neighbour("10.0.0.1", "00:00:5E:00:01:01"),
                neighbour("10.0.0.255", "ff:ff:ff:ff:ff:ff"),
                neighbour("224.0.0.22", "01:00:5e:00:00:16"),
                neighbour("10.0.0.77", "00:00:00:00:00:00"),
            ],
            ..Rows::default()
        }
    }

    #[test]
    fn only_routes_and_neighbours_somebody_made_are_told() {
        let said = said(&AREA, &WrittenRegistry::default(), &rows());
        let lines: Vec<String> = facts(&said)
            .map(|fact| match fact {
                Fact::Interface(one) => {
                    format!("{} {} {}", one.name, one.kind, one.addresses.join(" "))
                }
                Fact::Route(one) => format!("{} {:?}", one.destination, one.gateway),
                Fact::Neighbour(one) => format!("{} {} {}", one.address, one.mac, one.interface),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            lines,
            [
                "Ethernet physical 10.0.0.5/24 fd00::5/64",
                "0.0.0.0/0 Some(10.0.0.1)",
                "10.0.0.0/24 None",
                "10.9.9.9/32 None",
                "10.0.0.1 00:00:5e:00:01:01 Ethernet",
            ]
        );
    }

    #[test]
    fn a_table_that_could_not_be_asked_is_a_gap() {
        let rows = Rows {
            missing: vec![Missing {
                table: "routes".into(),
                reason: Reason::PermissionDenied,
            }],
            ..Rows::default()
        };
        let missed = missed(&said(&AREA, &WrittenRegistry::default(), &rows));
        assert!(missed.contains(&"net:routes: routes".to_owned()));
    }
}
