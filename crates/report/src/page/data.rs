//! Data that must move: archives, databases and shares with sizes, growth, hours, rights and backups.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::{Backup, Entity, Inventory, Right, Volume};
use serde::Serialize;

use super::Rows;
use crate::human::{number, size};
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Rights of one share, and jobs of one thing, that a row prints.
const PRINTED_MAX: usize = 6;

/// One archive, database or share.
#[derive(Serialize)]
pub(crate) struct DataRow {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) owner: Option<String>,
    pub(crate) size: String,
    /// `12 345 items`, with `about` where they were reckoned.
    pub(crate) items: Option<String>,
    pub(crate) growth: Option<String>,
    pub(crate) hours: Option<String>,
    /// Hours for what changes in one day.
    pub(crate) catch_up: Option<String>,
    pub(crate) rights: Vec<String>,
    pub(crate) backups: Vec<String>,
}

/// What the section shows, and for which line its hours are reckoned.
pub(crate) fn lead(inventory: &Inventory, words: &Catalogue) -> String {
    fill(words.data_lead_link, &[&speed(inventory.link_bps)])
}

/// The same for all that was measured.
pub(crate) fn volumes_lead(inventory: &Inventory, words: &Catalogue) -> String {
    fill(words.volumes_lead, &[&speed(inventory.link_bps)])
}

/// `100 Mbit/s`.
fn speed(bps: u64) -> String {
    let units = [
        (1_000_000_000, "Gbit/s"),
        (1_000_000, "Mbit/s"),
        (1_000, "kbit/s"),
    ];
    let fitting = units.into_iter().find(|(unit, _)| bps >= *unit);
    let (unit, name) = fitting.unwrap_or((1, "bit/s"));
    let (whole, tenth) = (bps / unit, bps % unit * 10 / unit);
    match tenth {
        0 => format!("{whole} {name}"),
        tenth => format!("{whole}.{tenth} {name}"),
    }
}

/// Mail archives, and whatever else exists to be kept; the largest first.
pub(crate) fn archives(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<DataRow> {
    rows(index, words, limit, is_archive)
}

/// Databases, shares and the like, the largest first.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<DataRow> {
    rows(index, words, limit, |entity| !is_archive(entity))
}

fn is_archive(entity: &Entity) -> bool {
    entity.kind == "archive" || entity.attributes.archive.is_some()
}

fn rows(
    index: &Index<'_>,
    words: &Catalogue,
    limit: usize,
    belongs: impl Fn(&Entity) -> bool,
) -> Rows<DataRow> {
    let inventory = index.inventory;
    let mut volumes: BTreeMap<&EntityId, &Volume> = BTreeMap::new();
    for volume in &inventory.volumes {
        let slot = volumes.entry(&volume.entity).or_insert(volume);
        // Of a store and its mailboxes, of a server and its databases, the whole counts.
        if volume.bytes > slot.bytes {
            *slot = volume;
        }
    }
    let mut rights: BTreeMap<&EntityId, Vec<&Right>> = BTreeMap::new();
    for right in &inventory.rights {
        rights.entry(&right.on).or_default().push(right);
    }
    let mut backups: BTreeMap<&EntityId, Vec<&Backup>> = BTreeMap::new();
    for backup in &inventory.backups {
        backups.entry(&backup.entity).or_default().push(backup);
    }
    let sessions: BTreeMap<&EntityId, f64> = inventory
        .measurements
        .iter()
        .filter(|m| m.metric == "share_sessions")
        .map(|m| (&m.entity, m.value))
        .collect();
    let mut data: Vec<&Entity> = inventory
        .entities
        .iter()
        .filter(|e| e.attributes.lies_on.is_some() && belongs(e))
        .collect();
    data.sort_by_key(|e| {
        let bytes = volumes.get(&e.id).map_or(0, |v| v.bytes);
        (std::cmp::Reverse(bytes), &e.id)
    });
    Rows::first(&data, limit, |entity| {
        let volume = volumes.get(&entity.id).copied();
        DataRow {
            name: cut(&visible(&entity.name), 160),
            what: match sessions.get(&entity.id) {
                Some(count) => format!("{}, {}", what(entity), connected(*count, words)),
                None => what(entity),
            },
            owner: owner(entity),
            size: volume.map(|v| size(v.bytes)).unwrap_or_default(),
            items: volume.and_then(|v| items(v, words)),
            growth: volume.and_then(|v| growth(v, words)),
            hours: volume.and_then(|v| hours(v, words)),
            catch_up: volume.and_then(|v| v.catch_up_hours).map(|[low, high]| {
                fill(words.data_catch_up, &[&low.to_string(), &high.to_string()])
            }),
            rights: printed(rights.get(&entity.id), words, |r| right(r, words)),
            backups: printed(backups.get(&entity.id), words, |b| backup(b, words)),
        }
    })
}

/// The first of them, and how many are left.
fn printed<T>(all: Option<&Vec<&T>>, words: &Catalogue, say: impl Fn(&T) -> String) -> Vec<String> {
    let all = all.map(Vec::as_slice).unwrap_or_default();
    let mut said: Vec<String> = all.iter().take(PRINTED_MAX).map(|one| say(one)).collect();
    let more = all.len().saturating_sub(PRINTED_MAX);
    if more > 0 {
        said.push(words.count(words.more, more));
    }
    said
}

fn what(entity: &Entity) -> String {
    let attributes = &entity.attributes;
    let text = if let Some(archive) = &attributes.archive {
        let parts = [Some(archive.format.as_str()), archive.variant.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    } else if let Some(database) = &attributes.database {
        let version = database.version.as_deref().unwrap_or_default();
        format!("{} {version}", database.engine)
    } else if let Some(share) = &attributes.share {
        format!("{} {}", share.protocol, share.sort)
    } else {
        entity.kind.clone()
    };
    visible(text.trim())
}

/// `3 connected at the time`.
fn connected(count: f64, words: &Catalogue) -> String {
    fill(words.data_connected, &[&count.to_string()])
}

fn owner(entity: &Entity) -> Option<String> {
    let archive = entity.attributes.archive.as_ref();
    let written = archive
        .and_then(|a| a.owner.as_ref())
        .map(ToString::to_string);
    entity.owner.clone().or(written).map(|o| visible(&o))
}

/// `0.5 to 1.8 h` to carry it over.
pub(super) fn hours(volume: &Volume, words: &Catalogue) -> Option<String> {
    let [low, high] = volume.transfer_hours?;
    Some(fill(
        words.data_hours,
        &[&low.to_string(), &high.to_string()],
    ))
}

pub(super) fn items(volume: &Volume, words: &Catalogue) -> Option<String> {
    let items = usize::try_from(volume.items?).unwrap_or(usize::MAX);
    let form = match volume.items_estimated {
        true => words.data_about,
        false => words.data_items,
    };
    Some(fill(form, &[&number(items)]))
}

pub(super) fn growth(volume: &Volume, words: &Catalogue) -> Option<String> {
    let per_day = volume.growth_per_day?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes of a day, without their sign"
    )]
    let bytes = size(per_day.abs() as u64);
    let form = match per_day < 0.0 {
        true => words.data_shrinks,
        false => words.data_grows,
    };
    Some(fill(form, &[&bytes]))
}

fn right(right: &Right, words: &Catalogue) -> String {
    let mut said = format!("{} {}", right.principal, right.right);
    if let Some(path) = &right.path {
        said.push_str(&format!(" ({path})"));
    }
    if right.orphan {
        said.push_str(&format!(", {}", words.data_nobody));
    }
    cut(&visible(&said), 120)
}

fn backup(backup: &Backup, words: &Catalogue) -> String {
    let mut said = backup.job.clone();
    if let Some(rhythm) = &backup.rhythm {
        said.push_str(&format!(", {rhythm}"));
    }
    if let Some(last) = backup.last_success {
        said.push_str(&format!(", {}", fill(words.data_last, &[&last.day()])));
    }
    if backup.unscheduled {
        said.push_str(&format!(", {}", words.data_not_started));
    }
    cut(&visible(&said), 160)
}
