//! How frames get to an address: the kernel's table of routes, and the interface it names.
#![allow(
    unsafe_code,
    reason = "the MAC address of an interface has no safe wrapper here"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use groma_source::frames::WayOut;

/// The table of the calling thread's network.
const TABLE: &str = "/proc/thread-self/net/route";
/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;
/// Flags of a route: up, a router, forbidden.
const UP: u32 = 0x1;
const ROUTER: u32 = 0x2;
const REJECT: u32 = 0x200;

pub(super) fn way_out(to: Ipv4Addr) -> io::Result<WayOut> {
    let table = std::fs::read_to_string(TABLE)?;
    let route = best(&table, to).ok_or(io::ErrorKind::NetworkUnreachable)?;
    let (interface, mac) = interface(&route.interface)?;
    Ok(WayOut {
        interface,
        name: route.interface,
        mac,
        own: own(to)?.into(),
        router: route.router.map(IpAddr::V4),
    })
}

/// Our address on the way; no packet is sent for it.
fn own(to: Ipv4Addr) -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((to, 9))?;
    match socket.local_addr()? {
        SocketAddr::V4(own) => Ok(*own.ip()),
        SocketAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

struct Route {
    interface: String,
    router: Option<Ipv4Addr>,
    /// Length of the prefix, then how little it costs.
    rank: (u32, std::cmp::Reverse<u32>),
}

/// The longest prefix that holds `to`, the cheapest of several.
fn best(table: &str, to: Ipv4Addr) -> Option<Route> {
    let fitting = table.lines().skip(1).filter_map(|line| route(line, to));
    fitting.max_by_key(|route| route.rank)
}

fn route(line: &str, to: Ipv4Addr) -> Option<Route> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [interface, network, router, flags, _, _, metric, mask, ..] = words.as_slice() else {
        return None;
    };
    // Addresses stand there as the processor keeps four bytes of the network.
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let address = |text: &str| Some(Ipv4Addr::from(number(text)?.to_ne_bytes()));
    let (network, mask) = (address(network)?, address(mask)?.to_bits());
    let flags = number(flags)?;
    let fits = to.to_bits() & mask == network.to_bits() && flags & (UP | REJECT) == UP;
    fits.then(|| Route {
        interface: (*interface).to_owned(),
        router: address(router).filter(|_| flags & ROUTER != 0),
        rank: (
            mask.count_ones(),
            std::cmp::Reverse(metric.parse().unwrap_or(u32::MAX)),
        ),
    })
}

/// The kernel's number of an interface, and its MAC address if its frames are those of Ethernet.
pub(super) fn interface(name: &str) -> io::Result<(u32, Option<[u8; 6]>)> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: a request of nothing is all zeros.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (at, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *at = byte as libc::c_char;
    }
    // SAFETY: the name ends with a zero, as the request was all zeros and it is shorter.
    let index = unsafe { libc::if_nametoindex(request.ifr_name.as_ptr()) };
    if index == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the request is whole, and outlives the call that writes into it.
    let done = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCGIFHWADDR as _,
            &raw mut request,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this call fills the hardware address of the request.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut mac = [0; 6];
    for (at, byte) in mac.iter_mut().zip(address.sa_data) {
        *at = byte.to_ne_bytes()[0];
    }
    Ok((index, (address.sa_family == ETHERNET).then_some(mac)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n\
        eth1\t0000000A\t00000000\t0001\t0\t0\t50\t00FFFFFF\t0\t0\t0\n\
        *\t0001000A\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0\nhalf a line\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn the_longest_prefix_and_the_cheapest_way_lead() {
        let to = |address: &str| best(TABLE, address.parse().unwrap());
        let on_link = to("10.0.0.9").unwrap();
        assert_eq!((on_link.interface.as_str(), on_link.router), ("eth1", None));
        let away = to("192.0.2.9").unwrap();
        assert_eq!(away.router, Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(away.interface, "eth0");
    }

    #[test]
    fn this_machine_has_a_way_to_itself() {
        let (index, mac) = interface("lo").unwrap();
        assert!(index > 0 && mac.is_none());
        assert!(interface("no-such-link-of-mine").is_err());
        assert_eq!(own(Ipv4Addr::LOCALHOST).unwrap(), Ipv4Addr::LOCALHOST);
    }
}
