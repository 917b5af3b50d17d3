//! Data that must be carried over: how much, how long that takes, and what lies where nobody looks for it.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Volume};
use groma_model::wording::{bytes, count};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

/// Formats of a person's own mail archive: what a move of a server leaves behind on workstations.
const PERSONAL: [&str; 4] = ["pst", "ost", "nsf", "dbx"];
/// Kinds of needs by which people read their mail.
const READING: [&str; 4] = ["imap", "pop3", "mapi", "ews"];

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = to_carry(scene);
    drafts.extend(durations(scene));
    drafts.extend(personal(scene));
    drafts
}

/// What lies on a machine that goes, by sort: one item each.
fn to_carry(scene: &Scene<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<(&EntityId, &str), Vec<&Entity>> = BTreeMap::new();
    for (machine, held) in scene.held() {
        groups
            .entry((&machine.id, &held.kind))
            .or_default()
            .push(held);
    }
    groups
        .into_iter()
        .map(|((machine, kind), held)| {
            let sizes = volumes(scene, held.iter().map(|e| &e.id));
            let known: u64 = sizes.iter().map(|v| v.bytes).sum();
            let size = match sizes.is_empty() {
                true => "size not measured".to_owned(),
                false => bytes(known),
            };
            let (one, many) = words(kind);
            let from = scene
                .inventory
                .entity(machine)
                .map_or("", |m| m.name.as_str());
            let says = format!(
                "Carry over {} of {from} to {} ({size}): {}.",
                count(held.len(), one, many),
                scene.new_place(machine),
                names(held.iter().map(|e| &e.name))
            );
            let mut draft = Draft::to_do(Topic::Archives, &["held", machine.as_str(), kind], says);
            let unmeasured = held.len() - measured(&sizes, &held);
            if unmeasured > 0 && !sizes.is_empty() {
                draft = draft.because(format!(
                    "{} not measured: the size is a lower bound.",
                    count(unmeasured, "of them was", "of them were")
                ));
            }
            draft
                .who(scene.owner_of(machine))
                .on([machine])
                .on(held.iter().map(|e| &e.id))
                .cites(held.iter().flat_map(|e| &e.evidence))
                .by(scene.window().map(|w| w.to))
        })
        .collect()
}

fn words(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "archive" => ("mail archive", "mail archives"),
        "database" => ("database", "databases"),
        "share" => ("share", "shares"),
        _ => ("thing", "things"),
    }
}

fn volumes<'a>(scene: &Scene<'a>, of: impl Iterator<Item = &'a EntityId>) -> Vec<&'a Volume> {
    let of: BTreeSet<&EntityId> = of.collect();
    scene
        .inventory
        .volumes
        .iter()
        .filter(|v| of.contains(&v.entity))
        .collect()
}

fn measured(sizes: &[&Volume], held: &[&Entity]) -> usize {
    let known: BTreeSet<&EntityId> = sizes.iter().map(|v| &v.entity).collect();
    held.iter().filter(|e| known.contains(&e.id)).count()
}

/// Volumes whose copy does not fit into the window, or that change faster than they are copied.
fn durations(scene: &Scene<'_>) -> Vec<Draft> {
    let Some(window) = scene.window() else {
        return Vec::new();
    };
    let hours = window.to.since(window.from).as_secs_f64() / 3_600.0;
    let held: BTreeMap<&EntityId, &Entity> =
        scene.held().map(|(machine, e)| (&e.id, machine)).collect();
    let machine_of = |v: &Volume| {
        held.get(&v.entity).copied().or_else(|| {
            scene
                .leaving
                .contains(&v.entity)
                .then(|| scene.inventory.entity(&v.entity))?
        })
    };
    let mut drafts = Vec::new();
    let (mut fits, mut longest, mut sum) = (0_usize, 0.0_f64, 0.0_f64);
    let measured: BTreeSet<&EntityId> = scene
        .inventory
        .volumes
        .iter()
        .filter_map(|v| held.get(&v.entity).map(|machine| &machine.id))
        .collect();
    for volume in &scene.inventory.volumes {
        // A file system and what lies on it are the same bytes.
        if measured.contains(&volume.entity) {
            continue;
        }
        let (Some(machine), Some([low, high])) = (machine_of(volume), volume.transfer_hours) else {
            continue;
        };
        let endless = volume.catch_up_hours.is_some_and(|[_, high]| high >= 24.0);
        if high <= hours && !endless {
            (fits, longest, sum) = (fits + 1, longest.max(high), sum + high);
            continue;
        }
        let name = scene
            .inventory
            .entity(&volume.entity)
            .map_or("", |e| e.name.as_str());
        let subject = if volume.subject.is_empty() || volume.subject == name {
            String::new()
        } else {
            format!(" {}", volume.subject)
        };
        let says = match endless {
            true => format!(
                "Find a faster line or a quiet day for{subject} of {}: it changes faster than it is copied.",
                machine.name
            ),
            false => format!(
                "Copy{subject} of {} before the window, and only what changed within it: {} take {} to {}.",
                machine.name,
                bytes(volume.bytes),
                shown(low),
                shown(high)
            ),
        };
        drafts.push(
            Draft::to_do(
                Topic::Archives,
                &["hours", volume.entity.as_str(), &volume.subject],
                says,
            )
            .because(format!(
                "The window has {}; reckoned for a line of {}.",
                shown(hours),
                line(scene.inventory.link_bps)
            ))
            .who(scene.owner_of(&machine.id))
            .on([&volume.entity, &machine.id])
            .by(scene.begins()),
        );
    }
    drafts.extend(together(scene, fits, (sum, longest), hours));
    drafts
}

/// Volumes that fit one by one share a line, and may not fit together.
fn together(
    scene: &Scene<'_>,
    fits: usize,
    (sum, longest): (f64, f64),
    hours: f64,
) -> Option<Draft> {
    let reckoned = format!(
        "Reckoned for a line of {}; groma takes another with --link.",
        line(scene.inventory.link_bps)
    );
    let how_many = count(fits, "volume is copied", "volumes are each copied");
    if fits > 1 && sum > hours {
        let says = format!(
            "Begin to copy before the window: {how_many} within it, and all of them over one line take up to {}.",
            shown(sum)
        );
        let because = format!("The window has {}. {reckoned}", shown(hours));
        return Some(
            Draft::to_do(Topic::Archives, &["together"], says)
                .because(because)
                .by(scene.begins()),
        );
    }
    (fits > 0).then(|| {
        let says = format!(
            "{how_many} within the window: the longest takes {}, all of them {}.",
            shown(longest),
            shown(sum)
        );
        Draft::done(Topic::Archives, &["fits"], says).because(reckoned)
    })
}

fn shown(hours: f64) -> String {
    match hours {
        ..1.0 => format!("{:.0} minutes", (hours * 60.0).max(1.0)),
        1.0..48.0 => format!("{hours:.1} hours"),
        _ => format!("{:.1} days", hours / 24.0),
    }
}

fn line(bps: u64) -> String {
    match bps {
        1_000_000_000.. => format!("{} Gbit/s", bps / 1_000_000_000),
        1_000_000.. => format!("{} Mbit/s", bps / 1_000_000),
        _ => format!("{} kbit/s", bps / 1_000),
    }
}

/// Archives on the machines of those who read their mail at a server that goes.
fn personal(scene: &Scene<'_>) -> Option<Draft> {
    let readers: BTreeSet<&EntityId> = scene
        .inward
        .iter()
        .filter(|d| READING.contains(&d.kind.as_str()))
        .map(|d| &d.consumer.entity)
        .collect();
    let mut machines: BTreeSet<&str> = BTreeSet::new();
    let mut archives: Vec<&Entity> = Vec::new();
    for entity in &scene.inventory.entities {
        let (Some(archive), Some(on)) = (&entity.attributes.archive, &entity.attributes.lies_on)
        else {
            continue;
        };
        if PERSONAL.contains(&archive.format.as_str()) && readers.contains(on) {
            machines.extend(scene.inventory.entity(on).map(|m| m.name.as_str()));
            archives.push(entity);
        }
    }
    (!archives.is_empty()).then(|| {
        let size: u64 = volumes(scene, archives.iter().map(|e| &e.id)).iter().map(|v| v.bytes).sum();
        let says = format!("Decide what becomes of {} on {} of people who read their mail there: no move of the server takes them along.", count(archives.len(), "mail archive", "mail archives"), names(machines));
        Draft::ask(Topic::Archives, &["personal"], says)
            .because(format!("{}: {}.", bytes(size), names(archives.iter().map(|e| &e.name))))
            .who(scene.wave.owner.clone())
            .on(archives.iter().map(|e| &e.id))
            .cites(archives.iter().flat_map(|e| &e.evidence))
            .by(scene.begins())
    })
}
