//! Whom the machine asks for names (DNS, WINS) and for its address (DHCP), interface by interface.
//!
//! Keys of interfaces outlive the adapters they belonged to, so only those of adapters that are up count. Of a machine whose
//! adapters nobody could ask, an interface counts that has an address.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::{Fact, Peer, Transport};

use super::TCPIP;
use super::stated::{Stated, is_somebody, peers};
use super::units::unit_name;
use crate::{Adapter, Key, Machine, Part, Said};

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
struct InUse<'a>(Option<BTreeMap<String, &'a Adapter>>);

impl<'a> InUse<'a> {
    fn of(machine: &Machine<'a>) -> Self {
        let up = machine.rows.adapters.iter().filter(|adapter| adapter.up);
        let named = up.filter_map(|adapter| Some((adapter.guid.as_ref()?.to_lowercase(), adapter)));
        let known: BTreeMap<_, _> = named.collect();
        let mut all = machine.rows.adapters.iter();
        Self(all.any(|adapter| adapter.guid.is_some()).then_some(known))
    }

    fn has(&self, guid: &str, key: &Key) -> bool {
        match &self.0 {
            Some(known) => known.contains_key(&guid.to_lowercase()),
            None => has_address(key),
        }
    }

    fn adapter(&self, guid: &str) -> Option<&'a Adapter> {
        let known = self.0.as_ref()?;
        known.get(&guid.to_lowercase()).copied()
    }
}

fn has_address(key: &Key) -> bool {
    let written = ["IPAddress", "DhcpIPAddress"].map(|name| key.list(name));
    let mut written = written.into_iter().flatten();
    written.any(|text| {
        text.parse()
            .is_ok_and(|address: std::net::IpAddr| !address.is_unspecified())
    })
}

fn look_at_stack(machine: &Machine<'_>, path: &str, in_use: &InUse<'_>) -> Said {
    let mut part = Part::begin("registry", path);
    let whole = part.or_missed(path, machine.registry.key(path));
    let whole = whole.unwrap_or_default();
    tell(&mut part, path, "NameServer", words(&whole, "NameServer"));
    let interfaces = format!(r"{path}\Interfaces");
    let all = part.or_missed(&interfaces, machine.registry.key(&interfaces));
    for guid in all.unwrap_or_default().keys {
        let at = format!(r"{interfaces}\{guid}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        let Some(key) = key.filter(|key| in_use.has(&guid, key)) else {
            continue;
        };
        let (value, servers) = name_servers(&key);
        let mut told: BTreeSet<Peer> = servers.iter().cloned().collect();
        tell(&mut part, &at, value, servers);
        // What the stack asks in fact, where a policy or a VPN decides it.
        let asked = in_use
            .adapter(&guid)
            .into_iter()
            .flat_map(|adapter| &adapter.name_servers);
        let asked = asked.filter(|server| server.is_ipv4() == (path == TCPIP));
        let asked = asked
            .map(|server| Peer::Address(*server))
            .filter(is_somebody);
        let asked: Vec<Peer> = asked.filter(|server| told.insert(server.clone())).collect();
        tell(&mut part, &at, "NameServer", asked);
        tell_lease(&mut part, &at, &key);
    }
    part.close()
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
fn look_at_netbios(machine: &Machine<'_>, in_use: &InUse<'_>) -> Said {
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
mod tests {
    use super::*;
    use crate::host::network::AREA;
    use crate::host::testing::{references, said};
    use crate::{Rows, Value, WrittenRegistry};

    const GUID: &str = "{11111111-2222-3333-4444-555555555555}";

    fn interface() -> String {
        format!(r"{TCPIP}\Interfaces\{GUID}")
    }

    fn netbios() -> String {
        format!(r"{NETBT}\Interfaces\Tcpip_{GUID}")
    }

    fn rows(up: bool) -> Rows {
        Rows {
            adapters: vec![Adapter {
                name: "Ethernet".into(),
                guid: Some(GUID.to_uppercase()),
                up,
                name_servers: vec![
                    "10.0.0.2".parse().unwrap(),
                    "fec0:0:0:ffff::1".parse().unwrap(),
                ],
                ..Adapter::default()
            }],
            ..Rows::default()
        }
    }

    fn leased() -> WrittenRegistry {
        WrittenRegistry::default()
            .with(&interface(), "EnableDHCP", Value::Number(1))
            .with_text(&interface(), "NameServer", "")
            .with_text(&interface(), "DhcpNameServer", "10.0.0.2 10.0.0.3")
            .with_text(&interface(), "DhcpServer", "10.0.0.4")
            .with_text(&interface(), "DhcpIPAddress", "10.0.0.50")
            .with(
                &netbios(),
                "DhcpNameServerList",
                Value::List(vec!["10.0.0.6".into()]),
            )
    }

    const LEASED: [&str; 4] = [
        "windows-resolver DhcpNameServer -> dns 10.0.0.2:53/udp by Dnscache.service",
        "windows-resolver DhcpNameServer -> dns 10.0.0.3:53/udp by Dnscache.service",
        "windows-dhcp DhcpServer -> dhcp 10.0.0.4:67/udp by Dhcp.service",
        "windows-wins DhcpNameServerList -> dns 10.0.0.6:137/udp by lmhosts.service",
    ];

    #[test]
    fn an_interface_with_a_lease_names_its_servers() {
        assert_eq!(references(&said(&AREA, &leased(), &rows(true))), LEASED);
        let asleep = references(&said(&AREA, &leased(), &Rows::default()));
        assert_eq!(
            asleep, LEASED,
            "adapters could not be asked, it has an address"
        );
    }

    #[test]
    fn an_interface_that_is_down_or_gone_names_nobody() {
        assert!(references(&said(&AREA, &leased(), &rows(false))).is_empty());
        let gone = leased().with_text(&interface(), "DhcpIPAddress", "0.0.0.0");
        let gone = references(&said(&AREA, &gone, &rows(false)));
        assert!(gone.is_empty());
    }

    #[test]
    fn what_somebody_wrote_wins_and_what_a_lease_left_over_is_nothing() {
        let written = WrittenRegistry::default()
            .with(&interface(), "EnableDHCP", Value::Number(0))
            .with_text(&interface(), "NameServer", "10.0.0.8,127.0.0.1,10.0.0.2")
            .with_text(&interface(), "DhcpNameServer", "192.168.1.1")
            .with_text(&interface(), "DhcpServer", "192.168.1.1")
            .with(
                &netbios(),
                "NameServerList",
                Value::List(vec!["10.0.0.7".into()]),
            )
            .with(
                &netbios(),
                "DhcpNameServerList",
                Value::List(vec!["192.168.1.1".into()]),
            );
        assert_eq!(
            references(&said(&AREA, &written, &rows(true))),
            [
                "windows-resolver NameServer -> dns 10.0.0.8:53/udp by Dnscache.service",
                "windows-resolver NameServer -> dns 10.0.0.2:53/udp by Dnscache.service",
                "windows-wins NameServerList -> dns 10.0.0.7:137/udp by lmhosts.service",
            ]
        );
        let left_over = WrittenRegistry::default()
            .with(&interface(), "EnableDHCP", Value::Number(0))
            .with_text(&interface(), "DhcpNameServer", "192.168.1.1");
        assert_eq!(
            references(&said(&AREA, &left_over, &rows(true))),
            ["windows-resolver NameServer -> dns 10.0.0.2:53/udp by Dnscache.service"],
            "only whom the stack asks in fact"
        );
    }
}
