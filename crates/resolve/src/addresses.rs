//! Which addresses a machine has, and by which of them others may know it.
//!
//! Cards, bonds, teams and VLANs stand on a network others are on as well. A bridge may be the machine's way out, with a
//! card plugged in, or the inside of a runtime, and those have the same addresses on every machine. One is told from the
//! other by the MAC address it took over from the card, by a route that leads out over it, and by the name a runtime gave it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::fact::Interface;
use groma_model::inventory::Attributes;

use crate::gather::Seat;

/// What runtimes, hypervisors and network plugins call the links they make themselves: the beginning of the name.
const RUNTIMES: &[&str] = &[
    "docker",
    "virbr",
    "lxdbr",
    "incusbr",
    "cni",
    "podman",
    "nerdctl",
    "cbr",
    "kube-",
    "nodelocaldns",
    "cilium",
    "lxc",
    "cali",
    "flannel",
    "weave",
    "antrea",
    "vboxnet",
    "vmnet",
    "mpqemubr",
    "mpbr",
    "waydroid",
    "vnet",
    "tap",
    "ve-",
    "vb-",
];

/// Every address that means the machine to itself: its own, and those of its running containers, which nobody else knows.
///
/// A link-local address on the link of a runtime is left out: `fe80::1` is there, and the router's beyond the card.
pub(crate) fn meant_by(seat: &Seat) -> BTreeSet<IpAddr> {
    let links = seat
        .attributes
        .interfaces
        .iter()
        .filter(|link| link.kind != "loopback");
    let own = links.flat_map(|link| {
        let inner = is_of_runtime(link);
        of_link(link).filter(move |address| !inner || !is_of_link(address))
    });
    own.chain(containers(&seat.attributes))
        .filter(|address| !seat.posts.contains_key(address))
        .collect()
}

/// The networks the machine shares with others, as an address of it and the length of the prefix in bits.
pub(crate) fn shared_networks(seat: &Seat) -> impl Iterator<Item = (IpAddr, u8)> + '_ {
    let links = seat.attributes.interfaces.iter();
    let links = links.filter(|link| link.kind != "loopback" && leads_out(link, &seat.attributes));
    links.flat_map(networks)
}

/// The first `length` bits of `address`; the rest is 0.
pub(crate) fn network_of(address: &IpAddr, length: u8) -> IpAddr {
    let cut = |whole: u8| u32::from(whole.saturating_sub(length));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(cut(32)).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(cut(128)).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    }
}

/// The addresses by which others may know the machine. Where no link clearly stands on a network, any that no runtime
/// made will do: those of runtimes never, because every docker host has the same ones. An address of another machine, at which
/// this one stands sentinel, is never its own.
pub(crate) fn public(seat: &Seat) -> BTreeSet<IpAddr> {
    let clear = on(seat, |link| leads_out(link, &seat.attributes));
    if !clear.is_empty() {
        return clear;
    }
    let likely = on(seat, |link| link.kind != "bridge" && !is_of_runtime(link));
    if !likely.is_empty() {
        return likely;
    }
    on(seat, |link| !is_of_runtime(link))
}

/// True if `address` is the only one of its family on its link, and the link has a network of it.
pub(crate) fn is_only_one(seat: &Seat, address: IpAddr) -> bool {
    let links = seat.attributes.interfaces.iter();
    let mut links = links.filter(|link| of_link(link).any(|own| own == address));
    links.all(|link| {
        let family = networks(link).filter(|(own, _)| own.is_ipv4() == address.is_ipv4());
        let is_own = |own: &IpAddr| !is_link_local(own) && !seat.posts.contains_key(own);
        let mut family = family.filter(|(own, _)| is_own(own));
        let whole = if address.is_ipv4() { 32 } else { 128 };
        matches!((family.next(), family.next()), (Some((_, length)), None) if length < whole)
    })
}

/// True for addresses that mean something else on every link.
pub(crate) fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// True for `fe80::/10`: the machine it means depends on the link.
pub(crate) fn is_of_link(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

fn on(seat: &Seat, wanted: impl Fn(&Interface) -> bool) -> BTreeSet<IpAddr> {
    let links = seat.attributes.interfaces.iter();
    links
        .filter(|link| link.kind != "loopback" && wanted(link))
        .flat_map(of_link)
        .filter(|address| !is_link_local(address) && !seat.posts.contains_key(address))
        .collect()
}

/// The addresses of a link.
pub(crate) fn of_link(link: &Interface) -> impl Iterator<Item = IpAddr> + '_ {
    networks(link).map(|(address, _)| address)
}

/// The addresses of a link, with the length in bits of the network each stands in.
pub(crate) fn networks(link: &Interface) -> impl Iterator<Item = (IpAddr, u8)> + '_ {
    link.addresses.iter().filter_map(|cidr| {
        let (address, length) = cidr.split_once('/').unwrap_or((cidr, "128"));
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        Some((address, length.parse().ok()?))
    })
}

fn containers(machine: &Attributes) -> impl Iterator<Item = IpAddr> {
    let running = machine.containers.iter().filter(|c| c.running);
    running.flat_map(|c| &c.addresses).map(IpAddr::to_canonical)
}

/// True if other machines are on the network the link stands on.
fn leads_out(link: &Interface, machine: &Attributes) -> bool {
    match link.kind.as_str() {
        "physical" | "vlan" => true,
        "virtual" => !is_of_runtime(link),
        "bridge" => {
            has_a_card(link, machine) || (!is_of_runtime(link) && is_way_out(link, machine))
        }
        _ => false,
    }
}

/// A bridge takes the MAC address of a link that is plugged into it (Linux: the lowest, or the first).
fn has_a_card(bridge: &Interface, machine: &Attributes) -> bool {
    let mut links = machine.interfaces.iter().filter(|link| {
        matches!(link.kind.as_str(), "physical" | "vlan" | "virtual") && !is_of_runtime(link)
    });
    bridge.mac.is_some() && links.any(|link| link.mac == bridge.mac)
}

/// A router beyond the link says that it leads out, unless the router is a container of the machine itself.
fn is_way_out(link: &Interface, machine: &Attributes) -> bool {
    machine.routes.iter().any(|route| {
        let over = route.interface.as_ref() == Some(&link.name);
        let router = route.gateway.map(|gateway| gateway.to_canonical());
        over && router.is_some_and(|router| containers(machine).all(|inner| inner != router))
    })
}

fn is_of_runtime(link: &Interface) -> bool {
    let name = link.name.lossy();
    RUNTIMES.iter().any(|begin| name.starts_with(begin)) || is_network_of_docker(&name)
}

/// `br-` and the first twelve digits of the network's id.
fn is_network_of_docker(name: &str) -> bool {
    let id = name.strip_prefix("br-").unwrap_or_default();
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit())
}
