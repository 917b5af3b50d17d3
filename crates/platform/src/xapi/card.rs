//! Network cards of a guest.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::virtualization::GuestNic;
use serde_json::Value;

use super::class::Class;
use super::inside::Inside;
use super::network::{Networks, vlan};
use super::table::{Tables, reference};
use crate::json::{flag, text};
use crate::words::{mac_address, reachable, steady};

/// The cards of a guest by their numbers. Whether one is plugged in says something only while the guest runs: at every stop
/// all of them are unplugged.
pub(super) fn cards(
    tables: &Tables,
    networks: &Networks<'_>,
    record: &Value,
    inside: &Inside,
    runs: bool,
) -> Vec<GuestNic> {
    let mut cards: Vec<(u32, GuestNic)> = tables
        .each(record, "VIFs", Class::Vif)
        .map(|vif| {
            let number = text(vif, "device").unwrap_or_default();
            let order = number.parse().unwrap_or(u32::MAX);
            let mut card = card(tables, networks, record, vif);
            card.connected = flag(vif, "currently_attached").filter(|_| runs);
            card.addresses = addresses(inside, &number, card.mac.as_deref());
            card.name = format!("vif{number}");
            (order, card)
        })
        .collect();
    cards.sort_by(|a, b| (a.0, &a.1.name, &a.1.mac).cmp(&(b.0, &b.1.name, &b.1.mac)));
    cards.into_iter().map(|(_, card)| card).collect()
}

fn card(tables: &Tables, networks: &Networks<'_>, record: &Value, vif: &Value) -> GuestNic {
    let network = tables.follow(vif, "network", Class::Network);
    let host = reference(record, "resident_on");
    let ways = reference(vif, "network").map(|at| networks.ways(at));
    GuestNic {
        mac: text(vif, "MAC").and_then(|mac| mac_address(&mac)),
        switch: network.and_then(|network| text(network, "bridge")),
        network: network.and_then(|network| text(network, "name_label")),
        vlan: ways.and_then(|ways| vlan(ways, host)),
        ..GuestNic::default()
    }
}

fn addresses(inside: &Inside, number: &str, mac: Option<&str>) -> Vec<IpAddr> {
    let told = inside.addresses_of(number);
    let steady = told.filter(|text| steady(text, mac));
    let found: BTreeSet<IpAddr> = steady.filter_map(reachable).collect();
    found.into_iter().collect()
}
