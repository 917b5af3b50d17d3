//! Who is plugged in where: LLDP (IEEE 802.1AB), Cisco's discovery, the forwarding tables of bridges (RFC 4188, RFC 4363) and the
//! address tables of routers (RFC 4293, RFC 1213).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::device::{DeviceClass, LinkSeen, LinkTable};

use crate::connections::address_at;
use crate::identity::{Found, mac};
use crate::message::Value;
use crate::reader::{Reader, Rows};
use crate::secret::Secrets;
use crate::words::clean;

const NEIGHBOURS_MAX: usize = 1_000;
const FORWARDED_MAX: usize = 20_000;
const ADDRESSES_MAX: usize = 4_096;
const PORTS_MAX: usize = 2_000;
/// Behind a port with more machines than this stands another switch: who is plugged in there, that one knows.
const BEHIND_ONE_PORT: usize = 8;
/// LldpChassisIdSubtype, LldpPortIdSubtype: a MAC address.
const CHASSIS_MAC: i64 = 4;
const PORT_MAC: i64 = 3;
/// LldpChassisIdSubtype: an address, as telephones have it.
const CHASSIS_ADDRESS: i64 = 5;
const CISCO: u32 = 9;

/// Reads every table of neighbours that a device of its class has. Names in which one of the `secrets` stands are left out.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    device: IpAddr,
    found: &Found,
    secrets: &Secrets,
) -> Vec<LinkSeen> {
    let mut at = Told {
        device,
        name: found.name.clone(),
        links: BTreeSet::new(),
    };
    at.lldp(reader);
    use DeviceClass as C;
    let forwards = matches!(
        found.class(),
        Some(C::Switch | C::Router | C::Firewall | C::AccessPoint)
    );
    if forwards || found.bridge_ports > 1 {
        if found.enterprise() == Some(CISCO) {
            at.cdp(reader);
        }
        at.bridge(reader);
    }
    if forwards {
        at.addresses(reader);
    }
    let told: BTreeSet<LinkSeen> = at
        .links
        .into_iter()
        .map(|link| without_secrets(link, secrets))
        .collect();
    told.into_iter().collect()
}

fn without_secrets(mut link: LinkSeen, secrets: &Secrets) -> LinkSeen {
    for text in [
        &mut link.device_name,
        &mut link.port,
        &mut link.name,
        &mut link.neighbour_port,
    ] {
        *text = secrets.without(text.take());
    }
    link
}

struct Told {
    device: IpAddr,
    name: Option<String>,
    links: BTreeSet<LinkSeen>,
}

/// The rows of a column by their index.
fn by_index(rows: Rows) -> BTreeMap<Vec<u32>, Value> {
    rows.into_iter().collect()
}

fn text_of(value: Option<&Value>) -> Option<String> {
    clean(value?.octets()?)
}

/// A MAC address where the subtype says so, else a text.
fn named(value: Option<&Value>, is_mac: bool) -> (Option<String>, Option<String>) {
    let octets = value.and_then(Value::octets);
    match is_mac {
        true => (octets.and_then(mac), None),
        false => (None, octets.and_then(clean)),
    }
}

impl Told {
    fn link(&self, by: LinkTable) -> LinkSeen {
        LinkSeen {
            device: Some(self.device),
            device_name: self.name.clone(),
            port: None,
            vlan: None,
            by,
            mac: None,
            address: None,
            name: None,
            neighbour_port: None,
        }
    }

    fn lldp(&mut self, reader: &mut Reader<'_>) {
        const REMOTE: &str = "1.0.8802.1.1.2.1.4.1.1";
        let column = |reader: &mut Reader<'_>, number: u32| {
            by_index(reader.column(
                "lldpRemTable",
                &format!("{REMOTE}.{number}"),
                NEIGHBOURS_MAX,
            ))
        };
        let chassis = column(reader, 5);
        if chassis.is_empty() {
            return;
        }
        let [chassis_kind, port_kind, port, port_words, name] =
            [4, 6, 7, 8, 9].map(|number| column(reader, number));
        let own =
            by_index(reader.column("lldpLocPortTable", "1.0.8802.1.1.2.1.3.7.1.3", PORTS_MAX));
        let own_kind =
            by_index(reader.column("lldpLocPortTable", "1.0.8802.1.1.2.1.3.7.1.2", PORTS_MAX));
        let own_words =
            by_index(reader.column("lldpLocPortTable", "1.0.8802.1.1.2.1.3.7.1.4", PORTS_MAX));
        let managed = reader.column(
            "lldpRemManAddrTable",
            "1.0.8802.1.1.2.1.4.2.1.3",
            NEIGHBOURS_MAX,
        );
        let is = |kinds: &BTreeMap<Vec<u32>, Value>, index: &[u32], kind| {
            kinds.get(index).and_then(Value::number) == Some(kind)
        };
        for (index, id) in &chassis {
            // The time it was heard stands first: it changes, and the rest does not.
            let [_, local, _] = index.as_slice() else {
                continue;
            };
            let local = [*local];
            let mut link = self.link(LinkTable::Lldp);
            let by_address = is(&chassis_kind, index, CHASSIS_ADDRESS);
            let (address, called) = named(Some(id), is(&chassis_kind, index, CHASSIS_MAC));
            link.mac = address;
            link.name = text_of(name.get(index)).or(called.filter(|_| !by_address));
            let (by_mac, called) = named(port.get(index), is(&port_kind, index, PORT_MAC));
            // A telephone's port is its hardware address, and its chassis an address that changes.
            link.mac = link.mac.or_else(|| by_mac.clone().filter(|_| by_address));
            link.neighbour_port = called.or_else(|| text_of(port_words.get(index))).or(by_mac);
            let (by_mac, called) = named(own.get(&local[..]), is(&own_kind, &local, PORT_MAC));
            link.port = called
                .or_else(|| text_of(own_words.get(&local[..])))
                .or(by_mac);
            link.address = managed.iter().find_map(|(managed, _)| {
                let rest = managed.strip_prefix(index.as_slice())?;
                let mut parts = rest.iter();
                parts.next()?;
                address_at(&mut parts, None)
            });
            if by_address && link.address.is_none() {
                link.address = id.octets().and_then(network_address);
            }
            self.links.insert(link);
        }
    }

    fn cdp(&mut self, reader: &mut Reader<'_>) {
        const CACHE: &str = "1.3.6.1.4.1.9.9.23.1.2.1.1";
        let column = |reader: &mut Reader<'_>, number: u32| {
            by_index(reader.column(
                "cdpCacheTable",
                &format!("{CACHE}.{number}"),
                NEIGHBOURS_MAX,
            ))
        };
        let name = column(reader, 6);
        if name.is_empty() {
            return;
        }
        let (address, port) = (column(reader, 4), column(reader, 7));
        let ports = port_names(reader);
        for (index, id) in &name {
            let mut link = self.link(LinkTable::Cdp);
            link.name = text_of(Some(id));
            link.neighbour_port = text_of(port.get(index));
            let octets = address.get(index).and_then(Value::octets);
            let octets = octets.and_then(|octets| <[u8; 4]>::try_from(octets).ok());
            link.address = octets.map(IpAddr::from);
            link.port = index.first().and_then(|at| ports.get(at).cloned());
            self.links.insert(link);
        }
    }

    /// Who is behind which port. Of a table that did not come whole nobody knows who stands behind a port besides.
    fn bridge(&mut self, reader: &mut Reader<'_>) {
        const BY_VLAN: &str = "1.3.6.1.2.1.17.7.1.2.2.1.2";
        const OF_ALL: &str = "1.3.6.1.2.1.17.4.3.1.2";
        let (rows, mut is_whole) = reader.column_and_end("dot1qTpFdbTable", BY_VLAN, FORWARDED_MAX);
        let mut known = forwarded(&rows, true);
        let mut vlans = BTreeMap::new();
        if is_whole && known.is_empty() {
            let (rows, end) = reader.column_and_end("dot1dTpFdbTable", OF_ALL, FORWARDED_MAX);
            (known, is_whole) = (forwarded(&rows, false), end);
        } else if is_whole {
            vlans = current_vlans(reader);
        }
        if !is_whole {
            return reader.misses(
                "who is plugged in at which port",
                "its forwarding table did not come whole: a port with few machines there may lead to another switch",
            );
        }
        if known.is_empty() {
            return;
        }
        let interfaces = reader.column("dot1dBasePortTable", "1.3.6.1.2.1.17.1.4.1.2", PORTS_MAX);
        let interfaces: BTreeMap<u32, u32> = interfaces
            .iter()
            .filter_map(|(index, value)| {
                Some((*index.first()?, u32::try_from(value.number()?).ok()?))
            })
            .collect();
        let names = port_names(reader);
        for (port, behind) in few_behind(&known) {
            let interface = interfaces.get(&port);
            for (forwarded, address) in behind {
                let mut link = self.link(LinkTable::Bridge);
                link.mac = Some(address.clone());
                link.port = interface.and_then(|interface| names.get(interface).cloned());
                link.vlan = forwarded.and_then(|id| vlans.get(&id).copied());
                self.links.insert(link);
            }
        }
    }

    fn addresses(&mut self, reader: &mut Reader<'_>) {
        let new = reader.column(
            "ipNetToPhysicalTable",
            "1.3.6.1.2.1.4.35.1.4",
            ADDRESSES_MAX,
        );
        let old = match new.is_empty() {
            true => reader.column("ipNetToMediaTable", "1.3.6.1.2.1.4.22.1.2", ADDRESSES_MAX),
            false => Vec::new(),
        };
        let new = new.iter().map(|(index, value)| (index, value, None));
        let old = old.iter().map(|(index, value)| (index, value, Some(4)));
        let neighbours: Vec<_> = new.chain(old).collect();
        for (index, value, length) in neighbours {
            let mut parts = index.iter();
            parts.next();
            if length.is_none() {
                parts.next();
            }
            let mut link = self.link(LinkTable::Neighbours);
            link.address = address_at(&mut parts, length);
            link.mac = value.octets().and_then(mac);
            if link.address.is_some() && link.mac.is_some() {
                self.links.insert(link);
            }
        }
    }
}

/// A chassis that is an address: its family (1 is IPv4, 2 IPv6), then its octets (IEEE 802.1AB §8.5.2.3).
fn network_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.split_first()? {
        (1, v4) => Some(IpAddr::from(<[u8; 4]>::try_from(v4).ok()?)),
        (2, v6) => Some(IpAddr::from(<[u8; 16]>::try_from(v6).ok()?)),
        _ => None,
    }
}

/// Port, forwarding database (of VLANs), MAC address.
type Forwarded = Vec<(u32, Option<u32>, String)>;

fn forwarded(rows: &Rows, with_database: bool) -> Forwarded {
    let each = rows.iter().filter_map(|(index, value)| {
        let (database, address) = match (with_database, index.as_slice()) {
            (true, [database, rest @ ..]) => (Some(*database), rest),
            (false, all) => (None, all),
            _ => return None,
        };
        let octets: Option<Vec<u8>> = address
            .iter()
            .map(|part| u8::try_from(*part).ok())
            .collect();
        // Port 0 is where the bridge itself lives, or nobody knows.
        let port = u32::try_from(value.number()?)
            .ok()
            .filter(|port| *port != 0)?;
        Some((port, database, mac(&octets?)?))
    });
    each.collect()
}

/// The VLANs of forwarding databases; none where the table was cut, for a database of several would look like one of one.
fn current_vlans(reader: &mut Reader<'_>) -> BTreeMap<u32, u16> {
    const CURRENT: &str = "1.3.6.1.2.1.17.7.1.4.2.1.3";
    let (rows, is_whole) = reader.column_and_end("dot1qVlanCurrentTable", CURRENT, 4_096);
    match is_whole {
        true => vlans_of(&rows),
        false => BTreeMap::new(),
    }
}

/// Which VLAN a forwarding database serves, where it serves one.
fn vlans_of(rows: &Rows) -> BTreeMap<u32, u16> {
    let mut served: BTreeMap<u32, BTreeSet<u16>> = BTreeMap::new();
    for (index, value) in rows {
        let vlan = index.last().and_then(|vlan| u16::try_from(*vlan).ok());
        let database = value.number().and_then(|id| u32::try_from(id).ok());
        if let (Some(vlan @ 1..=4094), Some(database)) = (vlan, database) {
            served.entry(database).or_default().insert(vlan);
        }
    }
    let one = served.into_iter().filter_map(|(database, vlans)| {
        let only = vlans.first().copied()?;
        (vlans.len() == 1).then_some((database, only))
    });
    one.collect()
}

/// Who is behind each port that no other switch is behind.
fn few_behind(known: &Forwarded) -> BTreeMap<u32, BTreeSet<(Option<u32>, &String)>> {
    let mut behind: BTreeMap<u32, BTreeSet<(Option<u32>, &String)>> = BTreeMap::new();
    for (port, database, address) in known {
        behind
            .entry(*port)
            .or_default()
            .insert((*database, address));
    }
    behind.retain(|_, all| {
        let machines: BTreeSet<&&String> = all.iter().map(|(_, address)| address).collect();
        machines.len() <= BEHIND_ONE_PORT
    });
    behind
}

/// What the device calls its interfaces.
fn port_names(reader: &mut Reader<'_>) -> BTreeMap<u32, String> {
    let mut names = reader.column("ifXTable", "1.3.6.1.2.1.31.1.1.1.1", PORTS_MAX);
    if names.is_empty() {
        names = reader.column("ifTable", "1.3.6.1.2.1.2.2.1.2", PORTS_MAX);
    }
    let named = names
        .iter()
        .filter_map(|(index, value)| Some((*index.first()?, text_of(Some(value))?)));
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_port_with_many_machines_stands_another_switch() {
        let row = |port: u32, last: u32| {
            (
                vec![1, 0, 0x26, 0x73, 0, 0, last],
                Value::Integer(port.into()),
            )
        };
        let mut rows: Rows = (1..=20).map(|last| row(24, last)).collect();
        rows.push(row(3, 77));
        rows.push(row(0, 78));
        let known = forwarded(&rows, true);
        let few = few_behind(&known);
        assert_eq!(few.keys().copied().collect::<Vec<_>>(), [3]);
        let only = few[&3].first().unwrap();
        assert_eq!((only.0, only.1.as_str()), (Some(1), "00:26:73:00:00:4d"));
    }

    #[test]
    fn a_database_of_several_vlans_says_none() {
        let rows: Rows = vec![
            (vec![0, 10], Value::Count(10)),
            (vec![0, 20], Value::Count(7)),
            (vec![0, 30], Value::Count(7)),
        ];
        assert_eq!(vlans_of(&rows), [(10, 10)].into());
    }
}
