//! Certificates: which end too soon, which lack a name, and who trusts one by its hash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::fact::{Certificate, CertificatePlace};
use groma_model::inventory::{Dependency, Entity, ListenerEntry};
use groma_model::name::Protection;
use groma_model::wording::count;
use groma_model::{EntityId, HostName, Port, Timestamp};

use super::item::{Draft, Topic, names};
use super::scene::{Moving, Scene};

/// Nobody wants a renewal in the weeks after a move.
const AFTER: Duration = Duration::from_secs(30 * 86_400);
/// Where no window is set, so far ahead is looked.
const AHEAD: Duration = Duration::from_secs(60 * 86_400);

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = dates(scene);
    drafts.extend(
        scene
            .moves
            .iter()
            .flat_map(|moving| held_names(scene, moving)),
    );
    drafts.extend(pins(scene));
    drafts
}

/// Certificates that machines of the wave, or what takes their place, serve or are set up to use.
fn of_the_wave<'a>(scene: &Scene<'a>) -> Vec<(&'a Entity, &'a Certificate)> {
    let new = scene.moves.iter().flat_map(|m| &m.new);
    let machines: BTreeSet<&EntityId> = scene.leaving.iter().chain(new).collect();
    let used = |e: &Entity| {
        let serves = |place: &CertificatePlace| !matches!(place, CertificatePlace::File { .. });
        let places = e.attributes.places.iter();
        let mut served = places.filter(|p| serves(&p.place)).map(|p| &p.host);
        let mut set_up = e
            .attributes
            .used_by
            .iter()
            .filter(|u| !u.idle)
            .map(|u| &u.host);
        served.any(|h| machines.contains(h)) || set_up.any(|h| machines.contains(h))
    };
    let certificates = scene
        .inventory
        .entities
        .iter()
        .filter(|e| e.kind == "certificate");
    certificates
        .filter_map(|e| Some((e, e.attributes.certificate.as_ref()?)))
        .filter(|(e, c)| !c.authority && used(e))
        .collect()
}

fn dates(scene: &Scene<'_>) -> Vec<Draft> {
    let until = scene
        .window()
        .map_or(scene.now.plus(AHEAD), |w| w.to.plus(AFTER));
    let all = of_the_wave(scene);
    let (ending, lasting): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, c)| c.not_after < until);
    let mut drafts: Vec<Draft> = ending
        .into_iter()
        .map(|(entity, c)| ends(scene, entity, c))
        .collect();
    if let Some(first) = lasting.iter().map(|(_, c)| c.not_after).min() {
        let says = format!(
            "{} of these machines {} past the month after the window.",
            count(lasting.len(), "certificate", "certificates"),
            if lasting.len() == 1 { "lasts" } else { "last" }
        );
        drafts.push(
            Draft::done(Topic::Certificates, &["lasting"], says)
                .because(format!("The first of them ends on {}.", first.day()))
                .on(lasting.iter().map(|(e, _)| &e.id)),
        );
    }
    drafts
}

fn ends(scene: &Scene<'_>, entity: &Entity, certificate: &Certificate) -> Draft {
    let hosts: BTreeSet<&EntityId> = entity
        .attributes
        .places
        .iter()
        .map(|p| &p.host)
        .chain(entity.attributes.used_by.iter().map(|u| &u.host))
        .collect();
    let on: BTreeSet<&str> = hosts
        .iter()
        .filter_map(|id| scene.inventory.entity(id))
        .map(|e| e.name.as_str())
        .collect();
    let ended = if certificate.not_after < scene.now {
        "ended"
    } else {
        "ends"
    };
    let says = format!(
        "Renew the certificate of {} before the wave, with the names it will need afterwards: it {ended} on {}.",
        names(held(certificate)),
        certificate.not_after.day()
    );
    Draft::to_do(Topic::Certificates, &["date", &certificate.sha256], says)
        .because(format!(
            "It is used on {}; the month after the window is no time for a renewal.",
            names(on)
        ))
        .who(scene.owner_of_all(hosts.iter().copied()))
        .on(hosts.iter().copied())
        .on([&entity.id])
        .cites(&entity.evidence)
        .by(earlier(certificate.not_after, scene.begins()))
}

fn earlier(one: Timestamp, other: Option<Timestamp>) -> Timestamp {
    other.map_or(one, |other| one.min(other))
}

/// Names a certificate holds; one without alternative names is judged by its common name, as old clients do.
fn held(certificate: &Certificate) -> Vec<&str> {
    if !certificate.names.is_empty() {
        return certificate.names.iter().map(String::as_str).collect();
    }
    let parts = certificate.subject.split(',');
    parts.filter_map(|p| p.trim().strip_prefix("CN=")).collect()
}

/// True if the certificate holds the name, also by a wildcard of one label (RFC 9525, 6.3).
fn covers(certificate: &Certificate, asked: &str) -> bool {
    held(certificate).iter().any(|written| {
        let written = written.trim_end_matches('.').to_ascii_lowercase();
        let parent = asked.split_once('.').map(|(_, parent)| parent);
        written == asked
            || written
                .strip_prefix("*.")
                .is_some_and(|rest| parent == Some(rest))
    })
}

/// The names a protected service of the old machine is asked for, by port, beside those that must follow.
fn asked_for(scene: &Scene<'_>, moving: &Moving<'_>) -> BTreeMap<Port, BTreeSet<String>> {
    let mut asked: BTreeMap<Port, BTreeSet<String>> = BTreeMap::new();
    let protected =
        |d: &&&Dependency| !matches!(d.details.protection, None | Some(Protection::None));
    for need in scene
        .inward
        .iter()
        .filter(|d| moving.old.contains(&d.provider.entity))
        .filter(protected)
    {
        let name = need.reached_as.as_deref().and_then(HostName::parse);
        if let (Some(port), Some(name)) = (need.provider.port, name.filter(HostName::is_qualified))
        {
            asked
                .entry(port)
                .or_default()
                .insert(name.as_str().to_lowercase());
        }
    }
    for listener in moving
        .old
        .iter()
        .flat_map(|old| scene.listeners(old))
        .filter(|l| l.certificate.is_some())
    {
        let follow = moving
            .promise
            .names_that_follow
            .iter()
            .map(|n| n.trim_end_matches('.').to_lowercase());
        asked.entry(listener.port).or_default().extend(follow);
    }
    asked.retain(|_, names| !names.is_empty());
    asked
}

/// What the new place must be able to prove.
fn held_names(scene: &Scene<'_>, moving: &Moving<'_>) -> Vec<Draft> {
    // One certificate, or one that is missing, is one thing to do however many ports it serves.
    let mut groups: BTreeMap<Option<&EntityId>, (BTreeSet<Port>, BTreeSet<String>)> =
        BTreeMap::new();
    let mut covered: BTreeSet<String> = BTreeSet::new();
    for (port, asked) in asked_for(scene, moving) {
        let presented = moving
            .new
            .iter()
            .flat_map(|new| scene.listeners(new))
            .find(|l| l.port == port && l.certificate.is_some());
        let certificate = presented.and_then(|l| certificate_of(scene, l));
        let lacks: BTreeSet<String> = asked
            .iter()
            .filter(|name| !certificate.is_some_and(|c| covers(c, name)))
            .cloned()
            .collect();
        covered.extend(asked.difference(&lacks).cloned());
        if !lacks.is_empty() {
            let group = groups
                .entry(presented.and_then(|l| l.certificate.as_ref()))
                .or_default();
            group.0.insert(port);
            group.1.extend(lacks);
        }
    }
    let to = &moving.promise.to;
    let mut drafts: Vec<Draft> = groups
        .into_iter()
        .map(|(certificate, (ports, lacks))| {
            let says = match certificate {
                Some(_) => format!("Issue the certificate of {to} again: it lacks {}.", names(&lacks)),
                None => format!("Give {to} a certificate that holds {}.", names(&lacks)),
            };
            let shown = ports.iter().map(|p| p.0.to_string());
            let because = match certificate {
                Some(_) => format!("It presents one at {} without {}.", names(shown), if lacks.len() == 1 { "that name" } else { "those names" }),
                None => format!("{} is asked for by {} with TLS at {}, and nothing was seen at the new place yet.", moving.promise.from, if lacks.len() == 1 { "that name" } else { "those names" }, names(shown)),
            };
            Draft::to_do(Topic::Certificates, &["names", &moving.promise.from, to, certificate.map_or("", EntityId::as_str)], says)
                .because(because)
                .who(scene.owner_of_all(&moving.new))
                .on(&moving.new)
                .on(certificate)
                .by(scene.begins())
        })
        .collect();
    if drafts.is_empty() && !covered.is_empty() {
        let says = format!("The certificate of {to} holds {}.", names(&covered));
        drafts.push(
            Draft::done(
                Topic::Certificates,
                &["held", &moving.promise.from, to],
                says,
            )
            .on(&moving.new),
        );
    }
    drafts
}

fn certificate_of<'a>(scene: &Scene<'a>, listener: &ListenerEntry) -> Option<&'a Certificate> {
    let entity = scene.inventory.entity(listener.certificate.as_ref()?)?;
    entity.attributes.certificate.as_ref()
}

/// Who trusts a certificate of the wave by its hash: a new one is refused there.
fn pins(scene: &Scene<'_>) -> Vec<Draft> {
    let ours: BTreeMap<&EntityId, &Certificate> = of_the_wave(scene)
        .into_iter()
        .map(|(e, c)| (&e.id, c))
        .collect();
    let mut drafts = Vec::new();
    for host in &scene.inventory.entities {
        let pins: Vec<_> = host
            .attributes
            .pins
            .iter()
            .filter(|p| p.certificates.iter().any(|c| ours.contains_key(c)))
            .collect();
        if pins.is_empty() {
            continue;
        }
        let places: BTreeSet<String> = pins
            .iter()
            .map(|p| format!("{}:{}", p.pin.file, p.pin.line))
            .collect();
        let of: BTreeSet<&str> = pins
            .iter()
            .flat_map(|p| &p.certificates)
            .filter_map(|c| ours.get(c))
            .flat_map(|c| held(c))
            .collect();
        let says = format!(
            "Take the key of {} along, or change the pin on {} in the same hour: it trusts the certificate by its hash.",
            names(of),
            host.name
        );
        drafts.push(
            Draft::to_do(Topic::Certificates, &["pin", host.id.as_str()], says)
                .because(format!("{}.", names(places)))
                .who(scene.owner_of(&host.id))
                .on([&host.id])
                .cites(pins.iter().map(|p| &p.evidence))
                .by(scene.begins()),
        );
    }
    drafts
}
