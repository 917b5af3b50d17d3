//! Whom the machine asks for names (DNS, WINS) and for its address (DHCP), interface by interface.
//!
//! Keys of interfaces outlive the adapters they belonged to, so only those of adapters that are up count. Of a machine whose
//! adapters nobody could ask, an interface counts that has an address.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::{Fact, Peer, Transport};

use super::TCPIP;
use super::stated::{Stated, is_somebody, peers};
use super::units::unit_name;
use crate::{Key, Machine, Part, Said, joined};

const TCPIP6: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters";
const NETBT: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters";

/// A name server as it is asked: DNS over UDP.
pub(super) const DNS: (u16, Transport) = (53, Transport::Udp);

/// Reads both stacks and NetBIOS.
pub(super) fn look(machine: &Machine<'_>) -> Vec<Said> {
    let in_use = InUse::of(machine);
    vec![
        look_at_stack(machine, TCPIP, &in_use),
        look_at_stack(machine, TCPIP6, &in_use),
        look_at_netbios(machine, &in_use),
    ]
}

/// Adapters that are up, by their GUID in lower case; `None` where no table tells them.
struct InUse(Option<BTreeSet<String>>);

impl InUse {
    fn of(machine: &Machine<'_>) -> Self {
        let up = machine.rows.adapters.iter().filter(|adapter| adapter.up);
        let known = up.filter_map(|adapter| Some(adapter.guid.as_ref()?.to_lowercase()));
        let known: BTreeSet<String> = known.collect();
        let mut all = machine.rows.adapters.iter();
        Self(all.any(|adapter| adapter.guid.is_some()).then_some(known))
    }

    fn has(&self, guid: &str, key: &Key) -> bool {
        match &self.0 {
            Some(known) => known.contains(&guid.to_lowercase()),
            None => has_address(key),
        }
    }
}

fn has_address(key: &Key) -> bool {
    let written = ["IPAddress", "DhcpIPAddress"].map(|name| key.list(name));
    let mut written = written.into_iter().flatten();
    written.any(|text| {
        text.parse()
            .is_ok_and(|address: IpAddr| !address.is_unspecified())
    })
}

fn look_at_stack(machine: &Machine<'_>, path: &str, in_use: &InUse) -> Said {
    let mut part = Part::begin("registry", path);
    let whole = part.or_missed(path, machine.registry.key(path));
    let whole = whole.unwrap_or_default();
    tell(&mut part, path, "NameServer", words(&whole, "NameServer"));
    let interfaces = format!(r"{path}\Interfaces");
    let all = part.or_missed(&interfaces, machine.registry.key(&interfaces));
    let mut told = BTreeSet::new();
    for guid in all.unwrap_or_default().keys {
        let at = format!(r"{interfaces}\{guid}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        let Some(key) = key.filter(|key| in_use.has(&guid, key)) else {
            continue;
        };
        let (value, servers) = name_servers(&key);
        told.extend(
            servers
                .iter()
                .map(|server| (guid.to_lowercase(), server.clone())),
        );
        tell(&mut part, &at, value, servers);
        tell_lease(&mut part, &at, &key);
    }
    let is_ours = |server: &IpAddr| server.is_ipv4() == (path == TCPIP);
    tell_asked(&mut part, machine, &interfaces, told, is_ours);
    part.close()
}

/// Whom the stack asks in fact, where something else than these keys decides it (a VPN, a policy), or they cannot be read.
fn tell_asked(
    part: &mut Part,
    machine: &Machine<'_>,
    interfaces: &str,
    mut told: BTreeSet<(String, Peer)>,
    is_ours: impl Fn(&IpAddr) -> bool,
) {
    for adapter in machine.rows.adapters.iter().filter(|adapter| adapter.up) {
        let guid = adapter.guid.as_deref().unwrap_or_default();
        let at = joined(interfaces, guid);
        let servers = adapter.name_servers.iter().filter(|server| is_ours(server));
        let servers = servers
            .map(|server| Peer::Address(*server))
            .filter(is_somebody);
        let new = servers.filter(|server| told.insert((guid.to_lowercase(), server.clone())));
        tell(part, at.trim_end_matches('\\'), "NameServer", new.collect());
    }
}

fn words(key: &Key, value: &str) -> Vec<Peer> {
    key.text(value)
        .map(|text| peers(text).collect())
        .unwrap_or_default()
}

/// What somebody wrote wins over what a DHCP server said; that is left over where DHCP is off.
fn name_servers(key: &Key) -> (&'static str, Vec<Peer>) {
    let written = words(key, "NameServer");
    if !written.is_empty() {
        return ("NameServer", written);
    }
    match uses_dhcp(key) {
        true => ("DhcpNameServer", words(key, "DhcpNameServer")),
        false => ("NameServer", Vec::new()),
    }
}

fn uses_dhcp(key: &Key) -> bool {
    key.number("EnableDHCP").is_some_and(|on| on != 0)
}

fn tell(part: &mut Part, key: &str, value: &str, servers: Vec<Peer>) {
    let stated = Stated {
        rule: "windows-resolver",
        key,
        value,
        kind: "dns",
        port: DNS,
        unit: &unit_name("Dnscache"),
    };
    for server in servers {
        part.saw(Fact::Reference(stated.of(server)));
    }
}

/// The server that gave the address. `255.255.255.255` means that none did.
fn tell_lease(part: &mut Part, at: &str, key: &Key) {
    let stated = Stated {
        rule: "windows-dhcp",
        key: at,
        value: "DhcpServer",
        kind: "dhcp",
        port: (67, Transport::Udp),
        unit: &unit_name("Dhcp"),
    };
    for server in words(key, "DhcpServer")
        .into_iter()
        .filter(|_| uses_dhcp(key))
    {
        part.saw(Fact::Reference(stated.of(server)));
    }
}

/// WINS: names of NetBIOS, asked of a server (RFC 1002, port 137).
fn look_at_netbios(machine: &Machine<'_>, in_use: &InUse) -> Said {
    let mut part = Part::begin("registry", NETBT);
    let interfaces = format!(r"{NETBT}\Interfaces");
    let all = part.or_missed(&interfaces, machine.registry.key(&interfaces));
    for name in all.unwrap_or_default().keys {
        let guid = name.get("Tcpip_".len()..).unwrap_or_default();
        let path = format!(r"{TCPIP}\Interfaces\{guid}");
        let stack = machine
            .registry
            .key(&path)
            .ok()
            .flatten()
            .unwrap_or_default();
        let at = format!(r"{interfaces}\{name}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        if let Some(key) = key.filter(|_| in_use.has(guid, &stack)) {
            tell_wins(&mut part, &at, &key, uses_dhcp(&stack));
        }
    }
    part.close()
}

fn tell_wins(part: &mut Part, at: &str, key: &Key, uses_dhcp: bool) {
    let servers =
        |value: &str| -> Vec<Peer> { key.list(value).into_iter().flat_map(peers).collect() };
    let (value, servers) = match servers("NameServerList") {
        written if !written.is_empty() => ("NameServerList", written),
        _ if uses_dhcp => ("DhcpNameServerList", servers("DhcpNameServerList")),
        _ => return,
    };
    let stated = Stated {
        rule: "windows-wins",
        key: at,
        value,
        kind: "dns",
        port: (137, Transport::Udp),
        unit: &unit_name("lmhosts"),
    };
    for server in servers {
        part.saw(Fact::Reference(stated.of(server)));
    }
}

#[cfg(test)]
#[path = "resolvers_tests.rs"]
mod tests;
