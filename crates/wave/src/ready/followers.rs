//! Clients that name an address, or whose own hosts file decides: a changed record does not reach them. And clients that
//! nobody can look into, of whom only their panel tells it.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Basis, Dependency, ReachedBy};
use groma_model::wording::{count, title};

use super::item::{Draft, Topic, names};
use super::scene::Scene;
use crate::machines;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<Place<'_>, Vec<&Dependency>> = BTreeMap::new();
    let mut follows = 0;
    for need in &scene.inward {
        match place(need) {
            Some(place) => groups.entry(place).or_default().push(need),
            None if need.reached_by.is_some() => follows += 1,
            None => {}
        }
    }
    let mut drafts: Vec<Draft> = groups
        .iter()
        .map(|(place, needs)| draft(scene, place, needs))
        .collect();
    if follows > 0 {
        let says = format!(
            "{} by name: {} the record.",
            count(
                follows,
                "need reaches its machine",
                "needs reach their machines"
            ),
            if follows == 1 {
                "it follows"
            } else {
                "they follow"
            }
        );
        drafts.push(Draft::done(Topic::Followers, &["by-name"], says));
    }
    drafts.extend(panels(scene));
    drafts.extend(mentions(scene));
    drafts
}

/// Machines that nobody can look into: whether a record reaches them is set at their panel. One question for each place.
fn panels(scene: &Scene<'_>) -> Vec<Draft> {
    let mut places: BTreeMap<&EntityId, Vec<&Dependency>> = BTreeMap::new();
    for need in &scene.inward {
        let consumer = scene.inventory.entity(&need.consumer.entity);
        let closed = consumer.is_some_and(|e| machines::is_machine(e) && !e.has_agent);
        if closed && need.reached_by.is_none() && need.basis == Basis::Observed {
            let place = places.entry(&need.provider.entity).or_default();
            place.push(need);
        }
    }
    let drafts = places
        .iter()
        .map(|(place, needs)| panel(scene, place, needs));
    drafts.collect()
}

fn panel(scene: &Scene<'_>, place: &EntityId, needs: &[&Dependency]) -> Draft {
    let consumers: BTreeMap<_, &str> = needs
        .iter()
        .map(|d| (&d.consumer.entity, d.consumer.name.as_str()))
        .collect();
    let target: BTreeSet<&str> = needs.iter().map(|d| d.provider.name.as_str()).collect();
    let machines: BTreeSet<&str> = consumers.values().copied().collect();
    let says = format!(
        "How {} {} find {}, by name or by address? Look at the panel.",
        if machines.len() == 1 { "does" } else { "do" },
        names(&machines),
        names(&target)
    );
    let kinds: BTreeSet<&str> = needs.iter().map(|d| title(&d.kind)).collect();
    Draft::ask(Topic::Followers, &["panel", place.as_str()], says)
        .because(format!(
            "No agent looks into {}, and an address that is set there does not follow a record. Seen in use: {}.",
            if machines.len() == 1 { "it" } else { "them" },
            names(kinds)
        ))
        .who(scene.owner_of_all(consumers.keys().copied()))
        .on(consumers.keys())
        .on(needs.iter().map(|d| &d.id))
        .cites(needs.iter().flat_map(|d| &d.evidence))
        .by(scene.begins())
}

/// What must be edited: the way it is named, what is written, and the file without its line.
type Place<'a> = (&'static str, &'a str, String);

fn place(need: &Dependency) -> Option<Place<'_>> {
    let way = match need.reached_by? {
        ReachedBy::AddressLiteral => "address",
        ReachedBy::HostsFile => "hosts file",
        ReachedBy::Name | ReachedBy::Alias | ReachedBy::Broadcast => return None,
    };
    let written = need.details.written_in.first();
    let file = written.map(|place| {
        place
            .rsplit_once(':')
            .map_or(place.as_str(), |(file, _)| file)
    });
    let file = match way {
        "hosts file" => "the hosts file",
        _ => file.unwrap_or_default(),
    };
    Some((
        way,
        need.reached_as.as_deref().unwrap_or_default(),
        file.to_owned(),
    ))
}

fn draft(scene: &Scene<'_>, (way, written, file): &Place<'_>, needs: &[&Dependency]) -> Draft {
    let consumers: BTreeMap<_, &str> = needs
        .iter()
        .map(|d| (&d.consumer.entity, d.consumer.name.as_str()))
        .collect();
    let machines: BTreeSet<&str> = consumers.values().copied().collect();
    let target: BTreeSet<&str> = needs.iter().map(|d| d.provider.name.as_str()).collect();
    let place = match file.is_empty() {
        true => "a setting nobody has found".to_owned(),
        false => file.clone(),
    };
    let says = format!(
        "Change {place} on {}: it names {written}, which goes with {}.",
        names(&machines),
        names(&target)
    );
    let lines: BTreeSet<&String> = needs.iter().flat_map(|d| &d.details.written_in).collect();
    let kinds: BTreeSet<&str> = needs.iter().map(|d| title(&d.kind)).collect();
    let mut because = format!(
        "{} reached by {way}: {}",
        count(needs.len(), "need is", "needs are"),
        names(kinds)
    );
    if !lines.is_empty() {
        because.push_str(&format!("; written in {}", names(lines)));
    }
    because.push('.');
    let about = [*way, *written, file.as_str()];
    // Where no file is known, only whoever set it up can say where it stands.
    let draft = match file.is_empty() {
        true => Draft::ask(
            Topic::Followers,
            &about,
            format!(
                "Where is {written} written down on {}? It goes with {}, and a changed record does not reach who calls it by {way}.",
                names(&machines),
                names(&target)
            ),
        ),
        false => Draft::to_do(Topic::Followers, &about, says),
    };
    draft
        .because(because)
        .who(scene.owner_of_all(consumers.keys().copied()))
        .on(consumers.keys())
        .on(needs.iter().map(|d| &d.id))
        .cites(needs.iter().flat_map(|d| &d.evidence))
        .by(scene.begins())
}

/// Places a search met that name what goes, and that no need stands for.
fn mentions(scene: &Scene<'_>) -> Vec<Draft> {
    let known: BTreeSet<&str> = scene
        .inward
        .iter()
        .flat_map(|d| &d.details.written_in)
        .map(String::as_str)
        .collect();
    let called: BTreeSet<String> = scene
        .machines()
        .flat_map(|m| {
            m.names
                .iter()
                .map(|n| n.to_lowercase())
                .chain(m.addresses.iter().map(ToString::to_string))
        })
        .collect();
    let mut drafts = Vec::new();
    for host in scene
        .inventory
        .entities
        .iter()
        .filter(|e| !scene.leaving.contains(&e.id))
    {
        let places: BTreeSet<String> = host
            .attributes
            .mentions
            .iter()
            .filter(|m| called.contains(&m.peer.to_string().to_lowercase()))
            .map(|m| format!("{}:{}", m.file, m.line))
            .filter(|place| !known.contains(place.as_str()))
            .collect();
        if places.is_empty() {
            continue;
        }
        let says = format!(
            "Does {} still use what {} say{}?",
            host.name,
            names(&places),
            if places.len() == 1 { "s" } else { "" }
        );
        drafts.push(
            Draft::ask(Topic::Followers, &["mention", host.id.as_str()], says)
                .because("A search met a name or an address of this wave there; nothing shows that it is used.")
                .who(scene.owner_of(&host.id))
                .on([&host.id]),
        );
    }
    drafts
}
