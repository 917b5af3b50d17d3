//! A large estate: hosts of one network and layer share a box; those that most others need stand alone.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use groma_model::inventory::Entity;
use groma_model::registry::REGISTRY;

use super::picture::{Boxes, offers};
use super::{Band, Node, Shape};
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// So many things that others need stay boxes of their own.
const ALONE: usize = 32;
/// Boxes at most, before networks are taken coarser.
const MOST_GROUPS: usize = 60;
/// Fewer consumers than this do not make anybody stand alone.
const WANTED: usize = 3;

/// How coarse a network is: prefix lengths for IPv4 and IPv6; the last step puts a whole site into one box per layer.
const STEPS: [(u8, u8); 4] = [(24, 64), (16, 48), (8, 32), (0, 0)];

/// The boxes of a large estate.
pub(super) fn boxes(
    index: &Index<'_>,
    things: &[usize],
    bands: &[Band],
    words: &Catalogue,
) -> Boxes {
    let alone = alone(index, things);
    let offers = offers(index, words);
    let mut boxes = Boxes::default();
    for at in things.iter().filter(|at| alone.contains(at)) {
        boxes.add_thing(index, *at, bands, &offers, words);
    }
    let rest: Vec<usize> = things
        .iter()
        .copied()
        .filter(|at| !alone.contains(at))
        .collect();
    for (key, members) in grouped(index, &rest, bands) {
        for member in &members {
            boxes.of_entity.insert(*member, boxes.nodes.len());
        }
        boxes.nodes.push(node(&key, members, index, words));
    }
    boxes
}

/// Those that most others need, and not only the shared services.
fn alone(index: &Index<'_>, things: &[usize]) -> HashSet<usize> {
    let mut wanted: Vec<(usize, usize)> = things
        .iter()
        .map(|at| (index.consumers(*at), *at))
        .filter(|(n, _)| *n >= WANTED)
        .collect();
    wanted.sort_by_key(|(n, at)| (std::cmp::Reverse(*n), *at));
    wanted.into_iter().take(ALONE).map(|(_, at)| at).collect()
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    band: Band,
    site: String,
    network: Option<String>,
    kind: String,
}

fn grouped(index: &Index<'_>, things: &[usize], bands: &[Band]) -> BTreeMap<Key, Vec<usize>> {
    let mut groups = BTreeMap::new();
    for step in STEPS {
        groups = group_by(index, things, bands, step);
        if groups.len() <= MOST_GROUPS {
            break;
        }
    }
    groups
}

fn group_by(
    index: &Index<'_>,
    things: &[usize],
    bands: &[Band],
    step: (u8, u8),
) -> BTreeMap<Key, Vec<usize>> {
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for at in things {
        let (Some(entity), Some(band)) = (index.inventory.entities.get(*at), bands.get(*at)) else {
            continue;
        };
        // Beyond the estate networks say nothing: all of it is one box.
        let network = if *band == Band::Outside {
            None
        } else {
            network(entity, step)
        };
        let key = Key {
            band: *band,
            site: entity.site.as_str().to_owned(),
            network,
            kind: entity.kind.clone(),
        };
        groups.entry(key).or_default().push(*at);
    }
    groups
}

/// The network of an entity's first private address, else of its first one.
fn network(entity: &Entity, step: (u8, u8)) -> Option<String> {
    let usable = |a: &&IpAddr| {
        !a.is_loopback() && !matches!(a, IpAddr::V6(six) if six.is_unicast_link_local())
    };
    let private = |a: &&IpAddr| matches!(a, IpAddr::V4(four) if four.is_private());
    let mut addresses = entity.addresses.iter().filter(usable);
    let address = addresses
        .clone()
        .find(private)
        .or_else(|| addresses.next())?;
    match (address, step) {
        (_, (0, _)) => None,
        (IpAddr::V4(four), (bits, _)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Some(format!(
                "{}/{bits}",
                std::net::Ipv4Addr::from_bits(four.to_bits() & mask)
            ))
        }
        (IpAddr::V6(six), (_, bits)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            Some(format!(
                "{}/{bits}",
                std::net::Ipv6Addr::from_bits(six.to_bits() & mask)
            ))
        }
    }
}

fn node(key: &Key, members: Vec<usize>, index: &Index<'_>, words: &Catalogue) -> Node {
    let site = index
        .inventory
        .sites
        .iter()
        .find(|s| s.id.as_str() == key.site)
        .map_or(key.site.as_str(), |s| &s.name);
    let forms = match key.kind.as_str() {
        "device" => words.device,
        kind if REGISTRY.is_machine(kind) => words.host,
        "external" => words.outside_thing,
        _ => words.thing,
    };
    let many = words.count(forms, members.len());
    let place = key
        .network
        .clone()
        .unwrap_or_else(|| words.anywhere.to_owned());
    Node {
        key: visible(&format!(
            "group/{}/{}/{}/{:?}",
            key.site, place, key.kind, key.band
        )),
        full: fill(words.group_in, &[&many, &place]),
        title: many,
        subtitle: if index.inventory.sites.len() > 1 {
            visible(&format!("{place}, {site}"))
        } else {
            place
        },
        band: key.band,
        shape: if key.band == Band::Outside {
            Shape::Outside
        } else {
            Shape::Group
        },
        members,
        badges: Vec::new(),
    }
}
