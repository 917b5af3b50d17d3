//! How frames get to an address of IPv6: the kernel's table of routes, or the link somebody named.

use std::cmp::Reverse;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use groma_source::frames::WayOut;

use super::route::interface;

/// The table of the calling thread's network.
const TABLE: &str = "/proc/thread-self/net/ipv6_route";
/// Flags of a route: up, a router, forbidden, kept for one destination, to this machine itself.
const UP: u32 = 0x1;
const ROUTER: u32 = 0x2;
const REJECT: u32 = 0x200;
const OF_NOBODY_ELSE: u32 = 0x0100_0000 | 0x8000_0000;

pub(super) fn way_out(to: Ipv6Addr, link: Option<&str>) -> io::Result<WayOut> {
    let of_a_link = to.is_unicast_link_local() || to.is_multicast();
    let (name, router) = match link {
        // What means another machine on every link is on the one that was named, or nowhere.
        Some(link) if of_a_link => (link.to_owned(), None),
        None if of_a_link => return Err(io::ErrorKind::NetworkUnreachable.into()),
        link => {
            let table = std::fs::read_to_string(TABLE)?;
            let route = best(&table, to, link).ok_or(io::ErrorKind::NetworkUnreachable)?;
            (route.interface, route.router)
        }
    };
    let (interface, mac) = interface(&name)?;
    Ok(WayOut {
        interface,
        name,
        mac,
        own: own(to, interface)?.into(),
        router: router.map(IpAddr::V6),
    })
}

/// Our address on the way; no packet is sent for it.
fn own(to: Ipv6Addr, interface: u32) -> io::Result<Ipv6Addr> {
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    socket.connect(SocketAddrV6::new(to, 9, 0, interface))?;
    match socket.local_addr()? {
        SocketAddr::V6(own) => Ok(*own.ip()),
        SocketAddr::V4(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

#[derive(PartialEq, Debug)]
struct Route {
    interface: String,
    router: Option<Ipv6Addr>,
    /// Length of the prefix, then how little it costs.
    rank: (u32, Reverse<u32>),
}

/// The longest prefix that holds `to`, the cheapest of several; with `link`, of that interface.
fn best(table: &str, to: Ipv6Addr, link: Option<&str>) -> Option<Route> {
    let fitting = table.lines().filter_map(|line| route(line, to));
    let fitting = fitting.filter(|route| link.is_none_or(|link| link == route.interface));
    fitting.max_by_key(|route| route.rank)
}

fn route(line: &str, to: Ipv6Addr) -> Option<Route> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [
        network,
        length,
        _,
        _,
        router,
        metric,
        _,
        _,
        flags,
        interface,
    ] = words.as_slice()
    else {
        return None;
    };
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let address = |text: &str| u128::from_str_radix(text, 16).ok();
    let (network, length, flags) = (address(network)?, number(length)?, number(flags)?);
    let mask = u128::MAX
        .checked_shl(128_u32.checked_sub(length)?)
        .unwrap_or(0);
    let fits = to.to_bits() & mask == network
        && flags & (UP | REJECT) == UP
        && flags & OF_NOBODY_ELSE == 0;
    fits.then_some(())?;
    let router = Ipv6Addr::from_bits(address(router)?);
    Some(Route {
        interface: (*interface).to_owned(),
        router: (flags & ROUTER != 0).then_some(router),
        rank: (length, Reverse(number(metric).unwrap_or(u32::MAX))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel writes it: a network, the way out, one that is forbidden, an address of our own, a group.
    const TABLE: &str = "\
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000050 00000001 00000000 00000001     eth1
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
20010db8000000000000000000000007 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0
half a line\n";

    #[test]
    fn the_longest_prefix_and_the_cheapest_way_lead_or_the_link_that_was_named() {
        let to = |address: &str, link| best(TABLE, address.parse().unwrap(), link);
        let on_link = to("2001:db8::9", None).unwrap();
        assert_eq!((on_link.interface.as_str(), on_link.router), ("eth1", None));
        assert_eq!(to("2001:db8::9", Some("eth0")).unwrap().interface, "eth0");
        let away = to("2001:db8:1::9", None).unwrap();
        assert_eq!(away.router, Some("fe80::1".parse().unwrap()));
        assert_eq!(to("2001:db8:1::9", Some("eth1")), None);
        assert_eq!(to("2001:db8::7", None).unwrap().interface, "eth1");
        assert_eq!(best("", Ipv6Addr::LOCALHOST, None), None);
    }

    #[test]
    fn an_address_of_a_link_alone_has_no_way_unless_a_link_is_named() {
        let to: Ipv6Addr = "fe80::1".parse().unwrap();
        let kind = way_out(to, None).map_err(|e| e.kind()).err();
        assert_eq!(kind, Some(io::ErrorKind::NetworkUnreachable));
    }
}
