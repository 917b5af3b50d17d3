//! One network adapter out of the parts that `GetAdaptersAddresses` tells of it.

use std::net::IpAddr;

use crate::tables::mac;
use crate::{Adapter, AdapterKind};

/// What the call tells of one adapter (`IP_ADAPTER_ADDRESSES_LH`), with its lists followed and its texts decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdapterParts {
    /// `FriendlyName`.
    pub friendly_name: String,
    /// `Description`: what the driver calls the device; the same in every language.
    pub description: String,
    /// `AdapterName`: `{GUID}`.
    pub guid: String,
    /// `IfIndex`, or `Ipv6IfIndex` where that is 0.
    pub index: u32,
    /// `IfType`, a number of IANA's ifType list.
    pub interface_type: u32,
    /// `OperStatus`; 1 is up.
    pub status: u32,
    /// `PhysicalAddress`.
    pub mac: Vec<u8>,
    /// Addresses.
    pub addresses: Vec<UnicastPart>,
    /// Name servers.
    pub name_servers: Vec<IpAddr>,
    /// `DnsSuffix`.
    pub suffix: String,
}

/// One address of an adapter (`IP_ADAPTER_UNICAST_ADDRESS_LH`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnicastPart {
    /// The address.
    pub address: IpAddr,
    /// `OnLinkPrefixLength`.
    pub prefix: u8,
    /// `DadState`: 3 is deprecated, 4 preferred; all others cannot be used.
    pub state: u32,
    /// `SuffixOrigin`: 5 is random.
    pub suffix_origin: u32,
}

/// The adapter these parts make.
pub fn adapter_of(parts: &AdapterParts) -> Adapter {
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut addresses: Vec<String> = parts
        .addresses
        .iter()
        .filter(|part| part.lasts())
        .map(|part| format!("{}/{}", part.address.to_canonical(), part.prefix))
        .collect();
    addresses.sort();
    addresses.dedup();
    let servers = parts.name_servers.iter().copied();
    Adapter {
        name: parts.friendly_name.clone(),
        index: parts.index,
        mac: mac(&parts.mac),
        kind: kind(parts),
        up: parts.status == 1,
        addresses,
        name_servers: servers.filter(|server| !is_placeholder(*server)).collect(),
        suffix: some(&parts.suffix),
        guid: some(&parts.guid),
    }
}

impl UnicastPart {
    /// True for an address in use that is not one of those for a day (RFC 8981): their end is random, and no link-local
    /// address is one of them.
    fn lasts(&self) -> bool {
        const RANDOM: u32 = 5;
        let is_link_local =
            matches!(self.address, IpAddr::V6(address) if address.is_unicast_link_local());
        let is_temporary = self.address.is_ipv6() && self.suffix_origin == RANDOM && !is_link_local;
        matches!(self.state, 3 | 4) && !is_temporary && !self.address.is_unspecified()
    }
}

/// Windows writes `fec0:0:0:ffff::1` to `::3` where nobody told a name server of IPv6.
fn is_placeholder(server: IpAddr) -> bool {
    matches!(server, IpAddr::V6(address) if address.segments().starts_with(&[0xfec0, 0, 0, 0xffff]))
}

/// What a virtual machine takes for a card: a word of these in the description settles it.
const CARDS: &[&str] = &[
    "vmxnet",
    "microsoft hyper-v network adapter",
    "virtio",
    "xen ",
    "aws pv",
    "accelerated amd pcnet",
];
/// Tunnels and clients of VPNs.
const TUNNELS: &[&str] = &[
    "tap-",
    " tap ",
    "wintun",
    "wireguard",
    "openvpn",
    "vpn",
    "anyconnect",
    "pangp",
    "fortinet virtual",
    "juniper networks virtual",
    "zerotier",
    "tailscale",
    "zscaler",
    "isatap",
    "teredo",
    "6to4",
    "ip-https",
    "wan miniport",
    "tunnel",
];
/// Switches, teams and adapters made by software.
const VIRTUAL: &[&str] = &[
    "virtual ethernet",
    "virtual switch",
    "virtual adapter",
    "virtual network adapter",
    "virtual miniport",
    "virtualbox host-only",
    "wi-fi direct virtual",
    "multiplexor",
    "kernel debug",
    "loopback adapter",
];

/// Descriptions decide before the type: a VPN client often says it is Ethernet.
fn kind(parts: &AdapterParts) -> AdapterKind {
    const LOOPBACK: u32 = 24;
    const PPP: u32 = 23;
    const TUNNEL: u32 = 131;
    let description = parts.description.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| description.contains(word));
    match parts.interface_type {
        LOOPBACK => AdapterKind::Loopback,
        TUNNEL | PPP => AdapterKind::Tunnel,
        _ if has(CARDS) => AdapterKind::Physical,
        _ if has(TUNNELS) => AdapterKind::Tunnel,
        _ if has(VIRTUAL) || parts.friendly_name.starts_with("vEthernet (") => AdapterKind::Virtual,
        _ => AdapterKind::Physical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(description: &str, interface_type: u32) -> AdapterKind {
        adapter_of(&AdapterParts {
            description: description.to_owned(),
            interface_type,
            ..AdapterParts::default()
        })
        .kind
    }

    #[test]
    fn cards_of_machines_real_and_virtual_are_physical() {
        for card in [
            "Intel(R) Ethernet Connection (7) I219-LM",
            "vmxnet3 Ethernet Adapter",
            "Microsoft Hyper-V Network Adapter #2",
            "Red Hat VirtIO Ethernet Adapter",
            "Broadcom NetXtreme Gigabit Ethernet",
            "Intel(R) Wi-Fi 6 AX201 160MHz",
        ] {
            assert_eq!(of(card, 6), AdapterKind::Physical, "{card}");
        }
    }

    #[test]
    fn what_software_made_is_virtual_and_what_leads_elsewhere_a_tunnel() {
        for made in [
            "Hyper-V Virtual Ethernet Adapter",
            "VirtualBox Host-Only Ethernet Adapter",
            "VMware Virtual Ethernet Adapter for VMnet8",
            "Microsoft Network Adapter Multiplexor Driver",
            "Microsoft Failover Cluster Virtual Adapter",
        ] {
            assert_eq!(of(made, 6), AdapterKind::Virtual, "{made}");
        }
        for tunnel in [
            "TAP-Windows Adapter V9",
            "WireGuard Tunnel",
            "Cisco AnyConnect Secure Mobility Client Virtual Miniport Adapter for Windows x64",
            "Fortinet SSL VPN Virtual Ethernet Adapter",
            "PANGP Virtual Ethernet Adapter",
        ] {
            assert_eq!(of(tunnel, 6), AdapterKind::Tunnel, "{tunnel}");
        }
        assert_eq!(of("Microsoft ISATAP Adapter", 131), AdapterKind::Tunnel);
        assert_eq!(of("Work", 23), AdapterKind::Tunnel);
        assert_eq!(
            of("Software Loopback Interface 1", 24),
            AdapterKind::Loopback
        );
    }

    #[test]
    fn addresses_that_last_are_told_and_those_for_a_day_are_not() {
        let part = |address: &str, state, suffix_origin| UnicastPart {
            address: address.parse().unwrap(),
            prefix: 64,
            state,
            suffix_origin,
        };
        let adapter = adapter_of(&AdapterParts {
            friendly_name: "Ethernet 2".into(),
            guid: "{A}".into(),
            index: 7,
            status: 1,
            mac: vec![0, 0x50, 0x56, 1, 2, 0xff],
            addresses: vec![
                part("fd00::5", 4, 4),
                part("fe80::9", 4, 5),
                part("10.0.0.5", 4, 3),
                part("fd00::aaaa", 4, 5),
                part("10.0.0.6", 2, 1),
            ],
            name_servers: vec![
                "10.0.0.1".parse().unwrap(),
                "fec0:0:0:ffff::1".parse().unwrap(),
            ],
            suffix: " ".into(),
            ..AdapterParts::default()
        });
        assert_eq!(
            adapter.addresses,
            ["10.0.0.5/64", "fd00::5/64", "fe80::9/64"]
        );
        assert_eq!(
            adapter.name_servers,
            ["10.0.0.1".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(adapter.mac.as_deref(), Some("00:50:56:01:02:ff"));
        assert!(adapter.up && adapter.suffix.is_none());
        assert_eq!(adapter.guid.as_deref(), Some("{A}"));
    }
}
