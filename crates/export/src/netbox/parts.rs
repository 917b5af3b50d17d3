//! Interfaces, MAC addresses and addresses of machines and devices.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::catalogue::Catalogue;
use super::who::{DESCRIPTION, Estate, Who};
use crate::object::Object;
use crate::view::{addresses_of, called, is_reachable, qualified_name, reached_at};

/// Longest name of an interface.
const NAME: usize = 64;

/// Longest DNS name of an address.
const DNS_NAME: usize = 255;

/// The interface of what no interface is known for; NetBox assigns addresses to interfaces alone.
const NOWHERE: &str = "unknown";

/// One interface of one machine.
struct Card<'i> {
    id: &'i str,
    name: String,
    kind: &'static str,
    up: bool,
}

/// Who holds an address, on which interface, in a network of which length.
struct Held {
    card: usize,
    length: u8,
}

/// What stands on the machines and devices.
pub(super) struct Parts<'i> {
    cards: Vec<Card<'i>>,
    macs: BTreeSet<(String, usize)>,
    addresses: BTreeMap<IpAddr, Vec<Held>>,
}

impl<'i> Parts<'i> {
    pub(super) fn of(estate: &Estate<'i>) -> Self {
        let mut parts = Self {
            cards: Vec::new(),
            macs: BTreeSet::new(),
            addresses: BTreeMap::new(),
        };
        for who in estate.everybody() {
            parts.take(who);
        }
        parts
    }

    fn take(&mut self, who: &Who<'i>) {
        let entity = who.entity;
        let id = entity.id.as_str();
        let mut cards: Vec<_> = entity
            .attributes
            .interfaces
            .iter()
            .filter(|card| card.kind != "loopback")
            .collect();
        cards.sort_by(|a, b| (&a.name, &a.mac, &a.kind).cmp(&(&b.name, &b.mac, &b.kind)));
        let numbered = cards.iter().enumerate();
        let names = numbered
            .map(|(number, card)| (format!("{id} {number:05}"), card.name.lossy().into_owned()));
        let names = Catalogue::within(
            NAME,
            names.chain([(id.to_owned(), NOWHERE.to_owned())]).collect(),
        );
        let name_of = |key: &str| {
            names
                .named(key)
                .map_or_else(String::new, |named| named.name.clone())
        };
        let mut told = BTreeSet::new();
        let mut known_macs = BTreeSet::new();
        for (number, card) in cards.iter().enumerate() {
            let kind = match card.kind.as_str() {
                "physical" => "other",
                "bridge" => "bridge",
                _ => "virtual",
            };
            let at = self.cards.len();
            self.cards.push(Card {
                id,
                name: name_of(&format!("{id} {number:05}")),
                kind,
                up: card.up,
            });
            for (address, length) in addresses_of(card).filter(|(address, _)| is_reachable(address))
            {
                self.hold(address, at, length);
                told.insert(address);
            }
            if let Some(mac) = card.mac.as_deref().and_then(mac_of) {
                known_macs.insert(mac.clone());
                self.macs.insert((mac, at));
            }
        }
        let addresses: BTreeSet<IpAddr> = entity
            .addresses
            .iter()
            .copied()
            .filter(is_reachable)
            .collect();
        let addresses: Vec<IpAddr> = addresses.difference(&told).copied().collect();
        let macs: BTreeSet<String> = entity
            .attributes
            .macs
            .iter()
            .filter_map(|mac| mac_of(mac))
            .collect();
        let macs: Vec<String> = macs.difference(&known_macs).cloned().collect();
        if addresses.is_empty() && macs.is_empty() {
            return;
        }
        let at = self.cards.len();
        self.cards.push(Card {
            id,
            name: name_of(id),
            kind: "other",
            up: true,
        });
        for address in addresses {
            self.hold(address, at, if address.is_ipv6() { 128 } else { 32 });
        }
        self.macs.extend(macs.into_iter().map(|mac| (mac, at)));
    }

    /// An address of one machine on two of its interfaces is held once.
    fn hold(&mut self, address: IpAddr, card: usize, length: u8) {
        let id = self.cards.get(card).map(|card| card.id);
        let held = self.addresses.entry(address).or_default();
        let is_known = held
            .iter()
            .any(|held| self.cards.get(held.card).map(|card| card.id) == id);
        if !is_known {
            let length = if names_a_network(address, length) {
                whole(address)
            } else {
                length
            };
            held.push(Held { card, length });
        }
    }

    pub(super) fn interfaces(&self, estate: &Estate<'i>, of_virtual: bool) -> Vec<Object> {
        let of = |card: &Card<'i>| {
            let who = estate.who_by(card.id)?;
            let object = Object::default().with(owner_key(of_virtual), who.reference(estate));
            let object = object.text("name", &card.name).with("enabled", card.up);
            let kind = (!of_virtual).then_some(card.kind);
            (who.is_virtual == of_virtual).then(|| object.maybe("type", kind))
        };
        self.cards.iter().filter_map(of).collect()
    }

    pub(super) fn macs(&self, estate: &Estate<'i>) -> Vec<Object> {
        let of = |(mac, card): &(String, usize)| {
            let object = Object::default().text("mac_address", mac);
            self.assigned(object, *card, estate)
        };
        self.macs.iter().map(of).collect()
    }

    pub(super) fn addresses(&self, estate: &Estate<'i>) -> Vec<Object> {
        let of = |(address, held): (&IpAddr, &Vec<Held>)| {
            let object = Object::default().with("status", "active");
            match held.as_slice() {
                [one] => {
                    let object = object.text("address", &format!("{address}/{}", one.length));
                    let name = self.dns_name(*address, one, estate).unwrap_or_default();
                    self.assigned(object.text("dns_name", &name), one.card, estate)
                }
                several => object
                    .text("address", &format!("{address}/{}", whole(*address)))
                    .short("description", &self.holders(several, estate), DESCRIPTION),
            }
        };
        self.addresses.iter().map(of).collect()
    }

    /// The object with what it is assigned to.
    fn assigned(&self, object: Object, card: usize, estate: &Estate<'i>) -> Object {
        let Some(card) = self.cards.get(card) else {
            return object;
        };
        let Some(who) = estate.who_by(card.id) else {
            return object;
        };
        let kind = if who.is_virtual {
            "virtualization.vminterface"
        } else {
            "dcim.interface"
        };
        let at = Object::default().with(owner_key(who.is_virtual), who.reference(estate));
        object
            .with("assigned_object_type", kind)
            .with("assigned_object", at.text("name", &card.name))
    }

    fn holders(&self, held: &[Held], estate: &Estate<'i>) -> String {
        let cards = held.iter().filter_map(|held| self.cards.get(held.card));
        let names = cards.filter_map(|card| estate.who_by(card.id));
        let names: BTreeSet<String> = names
            .map(|who| called(&who.entity.name, &who.entity.id))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        format!("held by {}: {}", held.len(), names.join(", "))
    }

    /// The machine's name, on the address it is reached at.
    fn dns_name(&self, address: IpAddr, held: &Held, estate: &Estate<'i>) -> Option<String> {
        let who = estate.who_by(self.cards.get(held.card)?.id)?;
        let name = qualified_name(who.entity)?.to_string();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_fit = name.len() <= DNS_NAME && name.chars().all(fits);
        (is_fit && reached_at(who.entity) == Some(address)).then_some(name)
    }
}

fn owner_key(of_virtual: bool) -> &'static str {
    if of_virtual {
        "virtual_machine"
    } else {
        "device"
    }
}

fn whole(address: IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

/// True for the first and, in IPv4, the last address of a network: NetBox assigns those to nobody.
fn names_a_network(address: IpAddr, length: u8) -> bool {
    match address {
        IpAddr::V4(v4) if length < 31 => {
            let hosts = u32::MAX >> length;
            let own = v4.to_bits() & hosts;
            own == 0 || own == hosts
        }
        IpAddr::V6(v6) if length < 127 => v6.to_bits() & (u128::MAX >> length) == 0,
        _ => false,
    }
}

/// A MAC address of six octets, as written; what is none is left out.
fn mac_of(text: &str) -> Option<String> {
    let octets: Vec<&str> = text.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_hexdigit());
    (octets.len() == 6 && octets.iter().all(is_octet)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_names_its_network_is_known() {
        let is = |text: &str, length| names_a_network(text.parse().unwrap(), length);
        assert!(is("10.0.0.0", 24) && is("10.0.0.255", 24) && is("2001:db8::", 64));
        assert!(
            !is("10.0.0.5", 24)
                && !is("10.0.0.0", 31)
                && !is("10.0.0.0", 32)
                && !is("2001:db8::1", 64)
        );
    }

    #[test]
    fn what_is_no_mac_address_is_left_out() {
        assert_eq!(
            mac_of("02:00:00:00:00:0A").as_deref(),
            Some("02:00:00:00:00:0a")
        );
        assert_eq!(mac_of("02-00"), None);
        assert_eq!(mac_of("<script>"), None);
    }
}
