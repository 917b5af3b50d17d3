//! Virtual machines of the wave: what stands in the way of their move, who must be kept apart, and how they would go.
//!
//! A guest that only hands its work on to another machine does not move itself: what its platform tells counts for members of the
//! wave that leave. How one would go is said where its new place is a guest or a host of a platform too.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::Entity;
use groma_model::virtualization::{
    AffinitySort, At, Blocker, BlockerSeverity, GuestRow, MoveWay, PlatformKind,
};
use groma_model::wording::count;

use super::item::{Draft, Topic, names};
use super::scene::Scene;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let rows: Vec<&GuestRow> = scene
        .inventory
        .guests
        .iter()
        .filter(|row| scene.leaving.contains(&row.entity))
        .collect();
    let mut drafts: Vec<Draft> = rows.iter().flat_map(|row| in_the_way(scene, row)).collect();
    drafts.extend(rows.iter().filter_map(|row| goes(scene, row)));
    drafts.extend(apart(scene));
    drafts.extend(free(scene, &rows));
    drafts
}

/// One item for each rule about a guest: what it is, what it does, and what to do about it.
fn in_the_way(scene: &Scene<'_>, row: &GuestRow) -> Vec<Draft> {
    let Some(guest) = scene.inventory.entity(&row.entity) else {
        return Vec::new();
    };
    row.blockers
        .iter()
        .map(|blocker| {
            let Blocker {
                severity,
                rule,
                what,
                because,
                remedy,
            } = blocker;
            let weight = match severity {
                BlockerSeverity::Critical => "stands in the way of its move",
                BlockerSeverity::Warning => "matters for its move",
            };
            let says = format!(
                "{remedy} {} of {} {weight}: {what}.",
                title(rule),
                guest.name
            );
            Draft::to_do(Topic::Guests, &[rule.as_str(), row.entity.as_str()], says)
                .because(because.clone())
                .who(scene.owner_of(&row.entity))
                .on([&row.entity])
                .cites(&guest.evidence)
                .by(scene.begins())
        })
        .collect()
}

/// A rule as words: `rdm_disk` is `RDM disk`.
fn title(rule: &str) -> String {
    let words: Vec<String> = rule
        .split('_')
        .map(|word| match word {
            "rdm" | "tpm" | "cpu" | "numa" | "usb" | "smb" | "ip" => word.to_uppercase(),
            "sriov" => "SR-IOV".to_owned(),
            word => word.to_owned(),
        })
        .collect();
    format!("\u{201c}{}\u{201d}", words.join(" "))
}

/// How it would go to the platform of its new place.
fn goes(scene: &Scene<'_>, row: &GuestRow) -> Option<Draft> {
    let guest = scene.inventory.entity(&row.entity)?;
    let target = new_platform(scene, &row.entity)?;
    let way = row.ways.iter().find(|way| way.target == target)?;
    let about = ["way", row.entity.as_str()];
    let says = format!("{} goes to {}: {}.", guest.name, target.title(), told(way));
    if way.exceeds.is_empty() {
        return Some(Draft::done(Topic::Guests, &about, says).on([&row.entity]));
    }
    let says = format!(
        "Make {} smaller or choose another place: {}.",
        guest.name,
        way.exceeds.join("; ")
    );
    let draft = Draft::to_do(Topic::Guests, &about, says).because(told(way));
    Some(
        draft
            .who(scene.owner_of(&row.entity))
            .on([&row.entity])
            .by(scene.begins()),
    )
}

fn told(way: &MoveWay) -> String {
    let disks = match way.converts {
        true => format!("its disks become {}", way.disk_format),
        false => format!("its disks stay {}", way.disk_format),
    };
    let off = match way.downtime_minutes {
        Some([low, high]) => format!("it stands still for {low:.0} to {high:.0} minutes"),
        None => "how long it stands still is not known, for nobody told its size".to_owned(),
    };
    format!("{}, {disks}, {off}", way.way.title())
}

/// The platform of what takes its place, where that is known: a guest, or a host of one.
fn new_platform(scene: &Scene<'_>, old: &EntityId) -> Option<PlatformKind> {
    let new = &scene.move_of(old)?.new;
    let mut kinds = new.iter().filter_map(|id| {
        let attributes = &scene.inventory.entity(id)?.attributes;
        let guest = attributes.guest.as_deref().map(|guest| guest.platform.kind);
        guest.or_else(|| {
            attributes
                .hypervisor
                .as_deref()
                .map(|host| host.platform.kind)
        })
    });
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

/// Rules that keep guests of this wave apart, or together: the new place does not know them.
fn apart(scene: &Scene<'_>) -> Vec<Draft> {
    let moved: BTreeMap<At<'_>, &Entity> = scene
        .machines()
        .filter_map(|entity| {
            let guest = entity.attributes.guest.as_deref()?;
            let at = (&entity.site, &guest.platform, guest.key.as_str());
            Some((at, entity))
        })
        .collect();
    let clusters = scene.inventory.entities.iter();
    let mut drafts = Vec::new();
    for entity in clusters {
        let Some(cluster) = entity.attributes.cluster.as_deref() else {
            continue;
        };
        let rules = cluster.rules.iter().filter(|rule| {
            rule.enabled && matches!(rule.sort, AffinitySort::Apart | AffinitySort::Together)
        });
        for rule in rules {
            let of_rule: Vec<&&Entity> = rule
                .guests
                .iter()
                .filter_map(|key| moved.get(&(&entity.site, &cluster.platform, key.as_str())))
                .collect();
            // One alone is beside nobody at the new place, and away from those it had to be with.
            let (enough, says) = match rule.sort {
                AffinitySort::Apart => (
                    of_rule.len() > 1,
                    "Keep them on different hosts at the new place, too",
                ),
                _ => (
                    !of_rule.is_empty(),
                    "Keep them together at the new place, too",
                ),
            };
            if !enough {
                continue;
            }
            let ids: BTreeSet<&EntityId> = of_rule.iter().map(|entity| &entity.id).collect();
            let says = format!(
                "{says}: {} (rule {:?} of {}).",
                names(of_rule.iter().map(|entity| &entity.name)),
                rule.name,
                entity.name
            );
            let about = ["rule", entity.id.as_str(), rule.name.as_str()];
            drafts.push(
                Draft::to_do(Topic::Guests, &about, says)
                    .because("Whoever wrote the rule did not want one failure to take all of them, or a line between them.")
                    .who(scene.owner_of_all(ids.iter().copied()))
                    .on(ids)
                    .cites(&entity.evidence)
                    .by(scene.begins()),
            );
        }
    }
    drafts
}

/// What was looked at and is as it must be.
fn free(scene: &Scene<'_>, rows: &[&GuestRow]) -> Option<Draft> {
    let free: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.blockers.is_empty())
        .filter_map(|row| scene.inventory.entity(&row.entity))
        .map(|entity| entity.name.as_str())
        .collect();
    let says = format!(
        "Nothing that its platform tells stands in the way of {}: {}.",
        count(free.len(), "virtual machine", "virtual machines"),
        names(free.iter())
    );
    (!free.is_empty()).then(|| Draft::done(Topic::Guests, &["free"], says))
}
