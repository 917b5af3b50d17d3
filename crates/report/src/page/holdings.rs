//! Volumes with the hours they take, who may what, and what is copied and was ever restored.

use std::collections::BTreeMap;

use groma_model::inventory::{Backup, Right, Volume, WaveEntry};
use serde::Serialize;

use super::Rows;
use super::data::{growth, hours, items};
use crate::human::size;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Paths of one job that a row prints.
const COVERS_MAX: usize = 6;

/// Data on one thing, as it was measured.
#[derive(Serialize)]
pub(crate) struct VolumeRow {
    pub(crate) on: String,
    pub(crate) subject: String,
    pub(crate) size: String,
    pub(crate) items: Option<String>,
    pub(crate) growth: Option<String>,
    pub(crate) changed: Option<String>,
    pub(crate) hours: Option<String>,
    pub(crate) catch_up: Option<String>,
    /// True if a day's changes take a day or longer: no copy ever catches up.
    pub(crate) never: bool,
    pub(crate) measured: String,
}

/// Who may do what.
#[derive(Serialize)]
pub(crate) struct RightRow {
    pub(crate) on: String,
    pub(crate) principal: String,
    pub(crate) right: String,
    pub(crate) place: Vec<String>,
    pub(crate) orphan: bool,
}

/// A job that copies something.
#[derive(Serialize)]
pub(crate) struct BackupRow {
    pub(crate) of: String,
    pub(crate) job: String,
    pub(crate) by: Option<String>,
    pub(crate) rhythm: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) unscheduled: bool,
    pub(crate) target: Option<String>,
    pub(crate) covers: Vec<String>,
    /// What the wave of its machine says of a restore.
    pub(crate) restore: String,
    /// True if no restore was ever tried, as far as a wave says.
    pub(crate) untested: bool,
}

/// Everything that was measured, the longest to carry first, then the largest.
pub(crate) fn volumes(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<VolumeRow> {
    let mut all: Vec<&Volume> = index.inventory.volumes.iter().collect();
    all.sort_by(|a, b| {
        let longest = |v: &Volume| v.transfer_hours.map_or(0.0, |[_, high]| high);
        let key = |v: &Volume| (std::cmp::Reverse(v.bytes), v.entity.clone());
        longest(b)
            .total_cmp(&longest(a))
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| a.subject.cmp(&b.subject))
    });
    Rows::first(&all, limit, |volume| VolumeRow {
        on: index.name(&volume.entity),
        subject: visible(&volume.subject),
        size: size(volume.bytes),
        items: items(volume, words),
        growth: growth(volume, words),
        changed: volume.changed_per_day.map(|bytes| size(whole(bytes))),
        hours: hours(volume, words),
        catch_up: catch_up(volume, words),
        never: volume.catch_up_hours.is_some_and(|[low, _]| low >= 24.0),
        measured: volume.measured_at.minute(),
    })
}

fn catch_up(volume: &Volume, words: &Catalogue) -> Option<String> {
    let [low, high] = volume.catch_up_hours?;
    Some(fill(
        words.data_hours,
        &[&low.to_string(), &high.to_string()],
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of a day; what is no number or below none is none"
)]
fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}

/// Rights that stand for nobody first, then by what they are on.
pub(crate) fn rights(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<RightRow> {
    let mut all: Vec<(String, &Right)> = index
        .inventory
        .rights
        .iter()
        .map(|right| (index.name(&right.on), right))
        .collect();
    all.sort_by(|(a, x), (b, y)| {
        let key = |r: &Right| (r.path.clone(), r.principal.clone(), r.right.clone());
        let orphan = y.orphan.cmp(&x.orphan);
        orphan
            .then_with(|| a.cmp(b))
            .then_with(|| key(x).cmp(&key(y)))
    });
    Rows::first(&all, limit, |(on, right)| RightRow {
        on: cut(on, 160),
        principal: visible(&right.principal),
        right: visible(&right.right),
        place: place(right, words),
        orphan: right.orphan,
    })
}

fn place(right: &Right, words: &Catalogue) -> Vec<String> {
    let written = Some(right.written_as.as_str()).filter(|w| !w.is_empty());
    let written = written.map(|written| match written {
        "share-acl" => words.rights_whole_share.to_owned(),
        "files" => words.rights_files.to_owned(),
        written => visible(written),
    });
    let path = right.path.as_deref().map(visible);
    path.into_iter().chain(written).collect()
}

/// Jobs whose copy was never restored first, as far as waves say, then by name.
pub(crate) fn backups(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<BackupRow> {
    let waves: BTreeMap<usize, &WaveEntry> = index.plan().waves(index.inventory).collect();
    let mut rows: Vec<BackupRow> = index
        .inventory
        .backups
        .iter()
        .map(|backup| {
            let position = index.place(&backup.entity);
            let place = position.and_then(|at| index.plan().wave_of(at));
            let wave = place.and_then(|place| waves.get(&place).copied());
            row(backup, wave, index, words)
        })
        .collect();
    rows.sort_by(|a, b| {
        let key = |r: &BackupRow| (!r.untested, r.of.clone(), r.job.clone());
        key(a).cmp(&key(b))
    });
    let total = rows.len();
    rows.truncate(limit);
    Rows { total, rows }
}

fn row(
    backup: &Backup,
    wave: Option<&WaveEntry>,
    index: &Index<'_>,
    words: &Catalogue,
) -> BackupRow {
    let (restore, untested) = restore(wave, words);
    let mut covers: Vec<String> = backup
        .covers
        .iter()
        .take(COVERS_MAX)
        .map(|c| visible(c))
        .collect();
    let more = backup.covers.len().saturating_sub(COVERS_MAX);
    if more > 0 {
        covers.push(words.count(words.more, more));
    }
    BackupRow {
        of: cut(&index.name(&backup.entity), 160),
        job: visible(&backup.job),
        by: backup.by.as_ref().map(|id| index.name(id)),
        rhythm: backup.rhythm.as_deref().map(visible),
        last: backup.last_success.map(|at| at.minute()),
        unscheduled: backup.unscheduled,
        target: backup.target.as_deref().map(visible),
        covers,
        restore,
        untested,
    }
}

/// When a restore was last tried, which only the wave file of the machine tells.
fn restore(wave: Option<&WaveEntry>, words: &Catalogue) -> (String, bool) {
    let Some(wave) = wave else {
        return (words.backup_no_wave.to_owned(), false);
    };
    let name = visible(&wave.name);
    let tested = wave.rollback.as_ref().and_then(|r| r.restore_tested_on);
    match tested {
        Some(day) => (fill(words.backup_tested, &[&day.day(), &name]), false),
        None => {
            let who = wave.owner.as_deref().filter(|o| !o.trim().is_empty());
            let who = who.map_or_else(|| words.nobody_named.to_owned(), visible);
            (fill(words.backup_untested, &[&who, &name]), true)
        }
    }
}
