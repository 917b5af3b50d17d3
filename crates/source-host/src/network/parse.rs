//! rtnetlink dumps → interfaces, routes, neighbours. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::Foreign;
use groma_model::fact::{Interface, Neighbour, Route};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};

/// Bytes of a netlink message header (netlink(7)).
const HEADER_BYTES: usize = 16;

/// The kernel's own table of local and broadcast addresses (`/etc/iproute2/rt_tables`).
const TABLE_LOCAL: u32 = 255;

/// The messages of a dump, each with its header; stops at what cannot be one.
pub(crate) fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?);
        let length = usize::try_from(length)
            .ok()
            .filter(|l| *l >= HEADER_BYTES)?;
        let message = rest.get(..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// The message type: 2 is an error, 3 the end of a dump, the rest belongs to the family.
pub(crate) fn message_kind(message: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?))
}

/// The route messages of a dump; how many were not understood comes second.
fn decoded(bytes: &[u8]) -> (Vec<RouteNetlinkMessage>, usize) {
    let (mut read, mut unread) = (Vec::new(), 0);
    for message in messages(bytes) {
        match message_kind(message) {
            Some(3) => break,
            Some(0..16) | None => {
                unread += usize::from(message_kind(message) == Some(2));
                continue;
            }
            Some(_) => {}
        }
        match NetlinkMessage::<RouteNetlinkMessage>::deserialize(message).map(|m| m.payload) {
            Ok(NetlinkPayload::InnerMessage(inner)) => read.push(inner),
            _ => unread += 1,
        }
    }
    (read, unread)
}

/// A link as the kernel tells it, before addresses are joined to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) mac: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) up: bool,
    /// It is the host's end of a container's or guest's cable: plugged into a bridge or onto a card, named by chance.
    pub(crate) patch_cable: bool,
}

/// Reads a dump of links; how many were not understood comes second.
pub(crate) fn links(bytes: &[u8]) -> (Vec<Link>, usize) {
    let (messages, unread) = decoded(bytes);
    let links = messages.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) => link_of(&link),
        _ => None,
    });
    (links.collect(), unread)
}

fn link_of(message: &LinkMessage) -> Option<Link> {
    let (mut name, mut mac, mut info, mut plugged) = (None, None, None, false);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text.clone()),
            LinkAttribute::Address(bytes) => mac = mac_text(bytes),
            LinkAttribute::Controller(_) => plugged = true,
            LinkAttribute::LinkInfo(infos) => {
                info = infos.iter().find_map(|i| match i {
                    LinkInfo::Kind(kind) => Some(kind.clone()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    let kind = link_kind(message.header.link_layer_type, info.as_ref());
    let name = name?;
    Some(Link {
        index: message.header.index,
        mac: mac.filter(|_| kind != "loopback"),
        kind,
        up: message.header.flags.contains(LinkFlags::Up),
        patch_cable: is_patch_cable(&name, info.as_ref(), plugged),
        name,
    })
}

/// A macvtap is plugged onto a card, not into a bridge, and wears the guest's own address.
fn is_patch_cable(name: &str, info: Option<&InfoKind>, plugged: bool) -> bool {
    let of_a_guest =
        matches!(info, Some(InfoKind::Veth)) || name.starts_with("vnet") || name.starts_with("tap");
    matches!(info, Some(InfoKind::MacVtap)) || (plugged && of_a_guest)
}

fn link_kind(layer: LinkLayerType, info: Option<&InfoKind>) -> &'static str {
    if layer == LinkLayerType::Loopback {
        return "loopback";
    }
    let Some(info) = info else { return "physical" };
    match info.to_string().as_str() {
        "bridge" | "openvswitch" => "bridge",
        "vlan" => "vlan",
        "tun" | "wireguard" | "vxlan" | "geneve" | "gre" | "gretap" | "ip6gre" | "ip6gretap"
        | "erspan" | "ipip" | "sit" | "ip6tnl" | "vti" | "vti6" | "xfrm" | "ppp" | "l2tp" => {
            "tunnel"
        }
        _ => "virtual",
    }
}

/// Six octets as text, or `None` for anything else and for all zeros.
fn mac_text(bytes: &[u8]) -> Option<String> {
    let fits = bytes.len() == 6 && bytes.iter().any(|b| *b != 0);
    fits.then(|| {
        bytes
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .join(":")
    })
}

/// Reads a dump of addresses by link index, as `10.0.0.5/24`; temporary and failed ones are left out.
pub(crate) fn addresses(bytes: &[u8]) -> (BTreeMap<u32, BTreeSet<String>>, usize) {
    let (messages, unread) = decoded(bytes);
    let mut by_link: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for message in messages {
        let RouteNetlinkMessage::NewAddress(message) = message else {
            continue;
        };
        if let Some(address) = lasting_address(&message) {
            by_link
                .entry(message.header.index)
                .or_default()
                .insert(format!("{address}/{}", message.header.prefix_len));
        }
    }
    (by_link, unread)
}

fn lasting_address(message: &AddressMessage) -> Option<IpAddr> {
    let (mut local, mut address) = (None, None);
    let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    // The bit of "secondary" in IPv4 means "temporary" in IPv6 (RFC 8981).
    let temporary =
        message.header.family == AddressFamily::Inet6 && flags.contains(AddressFlags::Secondary);
    let failed = flags.intersects(AddressFlags::Dadfailed | AddressFlags::Tentative);
    local.or(address).filter(|_| !temporary && !failed)
}

/// Links and their addresses as facts, by name. `has_device` tells real hardware from what the kernel makes up.
pub(crate) fn interfaces(
    links: &[Link],
    addresses: &BTreeMap<u32, BTreeSet<String>>,
    has_device: impl Fn(&str) -> bool,
) -> Vec<Interface> {
    let mut facts: Vec<Interface> = links
        .iter()
        .filter(|link| !link.patch_cable)
        .map(|link| Interface {
            name: link.name.as_str().into(),
            mac: link.mac.clone(),
            kind: if link.kind == "physical" && !has_device(&link.name) {
                "virtual"
            } else {
                link.kind
            }
            .into(),
            up: link.up,
            addresses: addresses
                .get(&link.index)
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        })
        .collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts
}

/// Reads a dump of routes; how many were not understood comes second. Only unicast routes somebody or
/// something set: not the kernel's local table, not multicast, not the link-local prefix of every link.
pub(crate) fn routes(bytes: &[u8], links: &[Link]) -> (Vec<Route>, usize) {
    let (messages, unread) = decoded(bytes);
    let mut found = BTreeMap::new();
    for message in messages {
        let RouteNetlinkMessage::NewRoute(message) = message else {
            continue;
        };
        for route in routes_of(&message, links) {
            found.insert(
                (
                    route.destination.clone(),
                    route.gateway,
                    route.interface.clone(),
                ),
                route,
            );
        }
    }
    (found.into_values().collect(), unread)
}

fn routes_of(message: &RouteMessage, links: &[Link]) -> Vec<Route> {
    let table = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    let local = table.unwrap_or_else(|| u32::from(message.header.table)) == TABLE_LOCAL;
    let learnt = message
        .header
        .flags
        .contains(netlink_packet_route::route::RouteFlags::Cloned);
    let family = match message.header.address_family {
        AddressFamily::Inet => IpAddr::from([0; 4]),
        AddressFamily::Inet6 => IpAddr::from([0; 16]),
        _ => return Vec::new(),
    };
    if message.header.kind != RouteType::Unicast || local || learnt {
        return Vec::new();
    }
    let destination = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Destination(address) => ip(address),
        _ => None,
    });
    let destination = destination.unwrap_or(family);
    if is_every_links(destination) {
        return Vec::new();
    }
    let destination = format!("{destination}/{}", message.header.destination_prefix_length);
    hops(message)
        .into_iter()
        .filter_map(|(gateway, index)| {
            let interface = index.and_then(|index| links.iter().find(|link| link.index == index));
            // What leads to one container comes and goes with it.
            let patch = interface.is_some_and(|link| link.patch_cable);
            let interface = interface.map(|link| Foreign::from(link.name.as_str()));
            (!patch).then(|| Route {
                destination: destination.clone(),
                gateway,
                interface,
            })
        })
        .collect()
}

/// Next hops of a route: one, or several that share the traffic.
fn hops(message: &RouteMessage) -> Vec<(Option<IpAddr>, Option<u32>)> {
    let mut one = (None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::MultiPath(hops) => {
                return hops
                    .iter()
                    .map(|hop| {
                        let gateway = hop.attributes.iter().find_map(gateway);
                        (gateway, Some(hop.interface_index))
                    })
                    .collect();
            }
            RouteAttribute::Oif(index) => one.1 = Some(*index),
            other => one.0 = one.0.or_else(|| gateway(other)),
        }
    }
    vec![one]
}

fn gateway(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(address) => ip(address),
        RouteAttribute::Via(netlink_packet_route::route::RouteVia::Inet6(address)) => {
            Some((*address).into())
        }
        RouteAttribute::Via(netlink_packet_route::route::RouteVia::Inet(address)) => {
            Some((*address).into())
        }
        _ => None,
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// Link-local and multicast prefixes, which every link has.
fn is_every_links(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_multicast(),
        IpAddr::V6(address) => address.is_multicast() || address.is_unicast_link_local(),
    }
}

/// Reads a dump of neighbours; how many were not understood comes second. Only those with a MAC address
/// that answered once; the state itself moves and is left out.
pub(crate) fn neighbours(bytes: &[u8], links: &[Link]) -> (Vec<Neighbour>, usize) {
    let (messages, unread) = decoded(bytes);
    let mut found = BTreeMap::new();
    for message in messages {
        let RouteNetlinkMessage::NewNeighbour(message) = message else {
            continue;
        };
        if let Some(neighbour) = neighbour_of(&message, links) {
            found.insert((neighbour.address, neighbour.interface.clone()), neighbour);
        }
    }
    (found.into_values().collect(), unread)
}

fn neighbour_of(message: &NeighbourMessage, links: &[Link]) -> Option<Neighbour> {
    if matches!(
        message.header.state,
        NeighbourState::Incomplete
            | NeighbourState::Failed
            | NeighbourState::Noarp
            | NeighbourState::None
    ) {
        return None;
    }
    let (mut address, mut mac) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => {
                address = Some(IpAddr::from(*ip))
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => {
                address = Some(IpAddr::from(*ip))
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                mac = mac_text(bytes).filter(|_| bytes.first().is_some_and(|b| b & 1 == 0))
            }
            _ => {}
        }
    }
    let link = links
        .iter()
        .find(|link| link.index == message.header.ifindex)?;
    Some(Neighbour {
        address: address.filter(|a| !a.is_multicast())?,
        mac: mac?,
        interface: link.name.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: &[u8] = include_bytes!("../../tests/fixtures/linux-6.18/links.bin");
    const ADDRESSES: &[u8] = include_bytes!("../../tests/fixtures/linux-6.18/addresses.bin");
    const ROUTES: &[u8] = include_bytes!("../../tests/fixtures/linux-6.18/routes.bin");
    const NEIGHBOURS: &[u8] = include_bytes!("../../tests/fixtures/linux-6.18/neighbours.bin");

    #[test]
    fn recorded_interfaces_say_what_they_are() {
        let (links, unread) = links(LINKS);
        assert_eq!(unread, 0);
        let facts = interfaces(&links, &addresses(ADDRESSES).0, |_| false);
        let short: Vec<String> = facts
            .iter()
            .map(|i| format!("{} {} {} {}", i.name, i.kind, i.up, i.addresses.join(" ")))
            .collect();
        assert_eq!(
            short,
            [
                "br0 bridge true 10.77.0.1/24 10.77.0.2/24 fe80::5054:ff:fe00:b/64",
                "lo loopback true 127.0.0.1/8 ::1/128",
                "tun9 tunnel true 10.99.0.1/30",
                "up0 virtual true fd77::5/64 fe80::5054:ff:fe00:a/64",
                "up1 virtual true 10.7.0.5/24 fe80::5054:ff:fe00:c/64",
            ],
            "the cable plugged into the bridge and the temporary address are left out"
        );
        assert_eq!(facts[0].mac.as_deref(), Some("52:54:00:00:00:0b"));
    }

    #[test]
    fn the_end_of_a_guests_cable_is_no_card_of_its_host() {
        for (name, info, plugged) in [
            ("macvtap0", InfoKind::MacVtap, false),
            ("macvtap1@eth0", InfoKind::MacVtap, true),
            ("veth1", InfoKind::Veth, true),
            ("vnet0", InfoKind::Tun, true),
        ] {
            assert!(is_patch_cable(name, Some(&info), plugged), "{name}");
        }
        for (name, info, plugged) in [
            // A container's own, and a cable that somebody else put there.
            ("mac0", Some(InfoKind::MacVlan), false),
            ("veth0", Some(InfoKind::Veth), false),
            ("tap0", Some(InfoKind::Tun), false),
            ("eth0", None, true),
        ] {
            assert!(!is_patch_cable(name, info.as_ref(), plugged), "{name}");
        }
    }

    #[test]
    fn recorded_routes_are_those_somebody_set() {
        let (routes, unread) = routes(ROUTES, &links(LINKS).0);
        assert_eq!(unread, 0);
        let short: Vec<String> = routes
            .iter()
            .map(|r| {
                format!(
                    "{} {} {}",
                    r.destination,
                    r.gateway.map_or("-".into(), |g| g.to_string()),
                    r.interface.as_ref().unwrap()
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                "0.0.0.0/0 10.77.0.254 br0",
                "10.7.0.0/24 - up1",
                "10.77.0.0/24 - br0",
                "10.8.0.0/16 10.7.0.1 up1",
                "10.8.0.0/16 10.77.0.3 br0",
                "10.99.0.0/30 - tun9",
                "192.0.2.0/24 10.77.0.9 br0",
                "::/0 fd77::1 up0",
                "fd77::/64 - up0",
            ]
        );
    }

    #[test]
    fn recorded_neighbours_are_those_that_answered() {
        let (neighbours, unread) = neighbours(NEIGHBOURS, &links(LINKS).0);
        assert_eq!(unread, 0);
        let short: Vec<String> = neighbours
            .iter()
            .map(|n| format!("{} {} {}", n.address, n.mac, n.interface))
            .collect();
        assert_eq!(
            short,
            [
                "10.77.0.3 52:54:00:00:00:03 br0",
                "10.77.0.254 52:54:00:00:00:fe br0",
                "fd77::1 52:54:00:00:00:01 up0"
            ]
        );
    }

    #[test]
    fn hammered_dumps_never_panic() {
        let all: &[&[u8]] = &[LINKS, ADDRESSES, ROUTES, NEIGHBOURS];
        groma_fuzz::hammer(2000, all, |bytes| {
            let links = links(bytes).0;
            addresses(bytes);
            routes(bytes, &links);
            neighbours(bytes, &links);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_dump_that_ends(bytes: Vec<u8>) {
            proptest::prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER_BYTES);
        }
    }
}
