//! Network cards of a guest.

use groma_model::virtualization::GuestNic;

use super::tree::Element;

/// Cards in the order of the description. libvirt names them only while the guest runs, so each is called by its place.
pub(super) fn cards(devices: &Element) -> Vec<GuestNic> {
    devices.all("interface").enumerate().map(made).collect()
}

fn made((place, card): (usize, &Element)) -> GuestNic {
    let source = card.child("source");
    let of_source = |name: &str| source.and_then(|source| source.attribute(name));
    let group = of_source("portgroup").or_else(|| of_source("network"));
    let switch = of_source("bridge").or_else(|| match card.attribute("type") {
        Some("direct") => of_source("dev"),
        _ => None,
    });
    GuestNic {
        name: format!("net{place}"),
        mac: card
            .child("mac")
            .and_then(|mac| crate::mac_address(mac.attribute("address")?)),
        model: card
            .child("model")
            .and_then(|model| model.attribute("type"))
            .map(str::to_owned),
        switch: switch.map(str::to_owned),
        network: group.map(str::to_owned),
        vlan: card.child("vlan").and_then(vlan),
        connected: card.child("link").map(|link| !link.says("state", "down")),
        ..GuestNic::default()
    }
}

/// The tags of a card, a network or a port group: one, or those of a trunk.
pub(super) fn vlan(vlan: &Element) -> Option<String> {
    let tags: Vec<&str> = vlan
        .all("tag")
        .filter_map(|tag| tag.attribute("id"))
        .collect();
    (!tags.is_empty()).then(|| tags.join(","))
}
