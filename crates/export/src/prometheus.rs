//! Targets for Prometheus (`file_sd_configs`, prometheus.io/docs/prometheus/latest/configuration), so that there is
//! monitoring before the first wave moves.
//!
//! A list of groups, each with one target and its labels. `groma_probe` says which job may take it: `tcp` for a
//! listener as `host:port`, to be tried by the blackbox exporter; `icmp` for a machine, as a bare address. A
//! configuration keeps the ones it means by that label and hands the address on (`__address__` to `__param_target`).
//! There are no `__meta` labels: those are dropped before anybody could see them.
//!
//! Never a target at TCP 515, 9100 to 9116 or 9999, on any host: whoever connects there may print. 9100 is the habit of
//! node_exporter as well; it is not written either. Left out are listeners that only their own machine reaches, UDP
//! (nothing answers a connection there), and dynamic ports (49152 and above) of which nobody knows what they speak:
//! they are others after the next start.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use groma_model::Transport;
use groma_model::inventory::{Entity, Inventory, ListenerEntry};
use serde::Serialize;

use crate::view::{View, called, is_reachable, qualified_name, reached_at};
use crate::visible::visible;

/// The first port that machines hand out as they come (RFC 6335 §6).
const DYNAMIC: u16 = 49_152;

/// Who listens, and what is spoken there.
type Tried<'i> = (&'i Entity, BTreeSet<&'i str>);

/// One group of the list.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Group {
    targets: [String; 1],
    labels: BTreeMap<&'static str, String>,
}

/// Targets of machines and listeners for `file_sd_configs`, as JSON.
pub fn prometheus_sd(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let mut groups: BTreeSet<Group> = BTreeSet::new();
    for machine in view.machines() {
        if let Some(target) = host_of(machine) {
            groups.insert(group(&view, machine, "icmp", target, &BTreeSet::new()));
        }
    }
    for ((_, target), (entity, services)) in listeners(&view) {
        groups.insert(group(&view, entity, "tcp", target, &services));
    }
    let mut text = serde_json::to_string_pretty(&groups).unwrap_or_default();
    text.push('\n');
    text
}

/// True for a port of printing: whatever arrives there may come out as paper.
fn may_print(port: u16) -> bool {
    matches!(port, 515 | 9100..=9116 | 9999)
}

/// Where listeners are tried, and what they speak. Two sockets of one port are one target.
fn listeners<'i>(view: &View<'i>) -> BTreeMap<(&'i str, String), Tried<'i>> {
    let mut found: BTreeMap<(&str, String), Tried<'i>> = BTreeMap::new();
    for listener in &view.inventory.listeners {
        let Some(entity) = view.entity(&listener.entity) else {
            continue;
        };
        if let Some(target) = target(entity, listener) {
            let none = (entity, BTreeSet::new());
            let tried = found.entry((entity.id.as_str(), target)).or_insert(none);
            tried.1.extend(listener.service.as_deref());
        }
    }
    found
}

/// `host:port` of a listener others can reach; none for every other one.
fn target(entity: &Entity, listener: &ListenerEntry) -> Option<String> {
    let port = listener.port.0;
    let is_passing = port >= DYNAMIC && listener.service.is_none();
    if listener.transport != Transport::Tcp || port == 0 || may_print(port) || is_passing {
        return None;
    }
    let address = match listener.address.to_canonical() {
        own if is_reachable(&own) => Some(own),
        every if every.is_unspecified() => reached_by(entity, every),
        _ => return None,
    };
    match address {
        Some(address) => Some(SocketAddr::new(address, port).to_string()),
        None => qualified_name(entity).map(|name| format!("{name}:{port}")),
    }
}

/// The address a listener of every address is reached at: `0.0.0.0` takes no IPv6, `::` takes both.
fn reached_by(entity: &Entity, every: IpAddr) -> Option<IpAddr> {
    reached_at(entity).filter(|address| every.is_ipv6() || address.is_ipv4())
}

fn host_of(machine: &Entity) -> Option<String> {
    let address = reached_at(machine).map(|address| address.to_string());
    address.or_else(|| qualified_name(machine).map(|name| name.to_string()))
}

fn group(
    view: &View<'_>,
    entity: &Entity,
    probe: &str,
    target: String,
    services: &BTreeSet<&str>,
) -> Group {
    let services: Vec<&str> = services.iter().copied().collect();
    let system = view.system(entity).map(|system| system.name.as_str());
    let labels = [
        ("groma_id", entity.id.as_str()),
        ("groma_name", &called(&entity.name, &entity.id)),
        ("groma_kind", &entity.kind),
        ("groma_probe", probe),
        ("site", view.site(entity)),
        ("layer", &entity.layer),
        ("system", system.unwrap_or_default()),
        ("service", &services.join(" ")),
        ("owner", entity.owner.as_deref().unwrap_or_default()),
        (
            "criticality",
            entity.criticality.as_deref().unwrap_or_default(),
        ),
    ];
    let told = labels.into_iter().filter(|(_, value)| !value.is_empty());
    Group {
        targets: [target],
        labels: told.map(|(name, value)| (name, visible(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_printing_is_known_and_no_neighbour() {
        let prints: Vec<u16> = (0..=u16::MAX).filter(|port| may_print(*port)).collect();
        assert_eq!(prints.len(), 19);
        for port in [514, 516, 9099, 9117, 9998, 10_000, 631] {
            assert!(!may_print(port), "{port}");
        }
    }
}
