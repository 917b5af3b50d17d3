//! What must be let through: from those who need the new place, from the new place to what it needs, and rules that name
//! the old address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::inventory::{Dependency, Entity};
use groma_model::wording::{agree, count, place, title};
use groma_model::{EntityId, Port, Transport};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = inward(scene);
    drafts.extend(outward(scene));
    drafts.extend(rules(scene));
    drafts
}

/// Where it leads to: a place, a port, a transport.
type Door<'a> = (&'a EntityId, Port, Option<Transport>);

fn doors<'a>(needs: &[&'a Dependency]) -> BTreeMap<Door<'a>, Vec<&'a Dependency>> {
    let mut doors: BTreeMap<Door<'a>, Vec<&Dependency>> = BTreeMap::new();
    for need in needs {
        let Some(port) = need.provider.port else {
            continue;
        };
        let door = (&need.provider.entity, port, need.provider.transport);
        doors.entry(door).or_default().push(need);
    }
    doors
}

fn transport(transport: Option<Transport>) -> String {
    transport
        .map(|t| format!("/{}", t.as_str()))
        .unwrap_or_default()
}

/// Consumers of the old place must reach the new one.
fn inward(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let arrived = arrivals(scene);
    let (mut through, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for ((old, port, over), needs) in doors(&scene.inward) {
        let to = scene.new_place(old);
        let waiting: Vec<&Dependency> = needs
            .iter()
            .copied()
            .filter(|d| !has_arrived(scene, &arrived, d, old))
            .collect();
        if waiting.is_empty() {
            through.insert(format!("{to}:{}", port.0));
            reached.extend(needs.iter().map(|d| d.consumer.name.as_str()));
            continue;
        }
        let kinds: BTreeSet<&str> = waiting.iter().map(|d| title(&d.kind)).collect();
        let who = consumers(&waiting);
        let says = format!(
            "Let {} through to {to} at {}{}: {}.",
            count(who.len(), "machine", "machines"),
            port.0,
            transport(over),
            names(who.values())
        );
        let about = ["in", old.as_str(), &port.0.to_string(), &transport(over)];
        drafts.push(
            Draft::to_do(Topic::Ports, &about, says)
                .because(format!(
                    "{} {} at port {} of the old place today, from {}.",
                    agree(who.len(), "It uses", "They use"),
                    names(kinds),
                    port.0,
                    networks(&waiting)
                ))
                .who(scene.wave.owner.clone())
                .on(who.keys())
                .on(waiting.iter().map(|d| &d.id))
                .cites(waiting.iter().flat_map(|d| &d.evidence))
                .by(scene.begins()),
        );
    }
    if !through.is_empty() {
        let says = format!(
            "{} already {} {}.",
            names(&reached),
            agree(reached.len(), "reaches", "reach"),
            names(&through)
        );
        drafts.push(
            Draft::done(Topic::Ports, &["reached"], says)
                .because("Connections of them were seen there."),
        );
    }
    drafts
}

/// Who was seen at the new places already, and for what: consumer, kind, and the new place.
type Arrived<'a> = BTreeSet<(&'a EntityId, &'a str, &'a EntityId)>;

fn arrivals<'a>(scene: &Scene<'a>) -> Arrived<'a> {
    let new: BTreeSet<&EntityId> = scene.moves.iter().flat_map(|m| &m.new).collect();
    let all = scene.inventory.dependencies.iter();
    all.filter(|d| d.details.last_used.is_some() && new.contains(&d.provider.entity))
        .map(|d| (&d.consumer.entity, d.kind.as_str(), &d.provider.entity))
        .collect()
}

/// True if the same consumer was seen at the new place already, for the same.
fn has_arrived(
    scene: &Scene<'_>,
    arrived: &Arrived<'_>,
    need: &Dependency,
    old: &EntityId,
) -> bool {
    let (who, kind) = (&need.consumer.entity, need.kind.as_str());
    let moving = scene.move_of(old);
    moving.is_some_and(|m| m.new.iter().any(|new| arrived.contains(&(who, kind, new))))
}

fn consumers<'a>(needs: &[&'a Dependency]) -> BTreeMap<&'a EntityId, &'a str> {
    needs
        .iter()
        .map(|d| (&d.consumer.entity, d.consumer.name.as_str()))
        .collect()
}

/// The networks consumers stand in, as a firewall is asked for them: `/24` of IPv4, `/64` of IPv6.
fn networks(needs: &[&Dependency]) -> String {
    let addresses = needs.iter().flat_map(|d| &d.consumer.addresses);
    let networks: BTreeSet<String> = addresses.map(network).collect();
    match networks.is_empty() {
        true => "an address nobody told".to_owned(),
        false => names(networks),
    }
}

fn network(address: &IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The new place must reach what the old one reaches.
fn outward(scene: &Scene<'_>) -> Vec<Draft> {
    let mut machines: BTreeMap<&EntityId, Vec<&Dependency>> = BTreeMap::new();
    for need in scene.outward.iter().filter(|d| d.provider.port.is_some()) {
        machines
            .entry(&need.consumer.entity)
            .or_default()
            .push(need);
    }
    machines
        .into_iter()
        .map(|(old, needs)| {
            let to = scene.new_place(old);
            let places: BTreeSet<String> = needs
                .iter()
                .map(|d| format!("{}{}", place(&d.provider), transport(d.provider.transport)))
                .collect();
            let says = format!("Let {to} through to what it needs: {}.", all(&places));
            Draft::to_do(Topic::Ports, &["out", old.as_str()], says)
                .because(format!(
                    "{} of the old place, seen or written down.",
                    count(needs.len(), "need", "needs")
                ))
                .who(scene.wave.owner.clone())
                .on([old])
                .on(needs.iter().map(|d| &d.id))
                .cites(needs.iter().flat_map(|d| &d.evidence))
                .by(scene.begins())
        })
        .collect()
}

/// Whoever opens ports needs every one of them: this list has no "and 3 more".
fn all(places: &BTreeSet<String>) -> String {
    places
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Rules of packet filters on other machines that name the old address alone.
fn rules(scene: &Scene<'_>) -> Vec<Draft> {
    let old: BTreeMap<IpAddr, &str> = scene
        .machines()
        .flat_map(|m| {
            m.addresses
                .iter()
                .map(|a| (a.to_canonical(), m.name.as_str()))
        })
        .collect();
    let others = scene
        .inventory
        .entities
        .iter()
        .filter(|e| !scene.leaving.contains(&e.id));
    others
        .filter_map(|host| rules_of(scene, host, &old))
        .collect()
}

fn rules_of(scene: &Scene<'_>, host: &Entity, old: &BTreeMap<IpAddr, &str>) -> Option<Draft> {
    let named = |network: &str| {
        let (address, length) = network.split_once('/').unwrap_or((network, ""));
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let whole = matches!(
            (length, address),
            ("", _) | ("32", IpAddr::V4(_)) | ("128", IpAddr::V6(_))
        );
        old.get(&address).filter(|_| whole)
    };
    let mut chains: BTreeSet<String> = BTreeSet::new();
    let mut machines: BTreeSet<&str> = BTreeSet::new();
    for rule in &host.attributes.filter_rules {
        let Some(machine) = named(&rule.network) else {
            continue;
        };
        machines.insert(machine);
        let at = match (&rule.file, rule.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.to_string(),
            _ => rule.chain.clone(),
        };
        let port = rule
            .port
            .map(|p| format!(" port {}", p.0))
            .unwrap_or_default();
        chains.insert(format!("{} {}{port} ({at})", rule.verdict, rule.network));
    }
    (!machines.is_empty()).then(|| {
        let says = format!(
            "Add the new address to the packet filter of {}: it names that of {}.",
            host.name,
            names(&machines)
        );
        Draft::to_do(Topic::Ports, &["rule", host.id.as_str()], says)
            .because(format!("{}.", names(&chains)))
            .who(scene.owner_of(&host.id))
            .on([&host.id])
            .by(scene.begins())
    })
}
