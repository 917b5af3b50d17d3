//! Backups, and the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::EntityId;
use groma_model::inventory::Backup;
use groma_model::wave::Rollback;
use groma_model::wording::count;

use super::item::{Draft, Topic, names};
use super::scene::Scene;

/// A restore that was tried longer ago than this proves little about the backup of today.
const TESTED: Duration = Duration::from_secs(90 * 86_400);
/// A backup of the week before is what one goes back to.
const RECENT: Duration = Duration::from_secs(7 * 86_400);

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = way_back(scene);
    drafts.extend(restore(scene));
    drafts.extend(last_success(scene));
    drafts
}

fn way_back(scene: &Scene<'_>) -> Vec<Draft> {
    let Some(rollback) = &scene.wave.rollback else {
        let says = "What is the way back: what is done, what makes us go back, how long does it take, who decides? The file has no rollback.";
        return vec![
            Draft::ask(Topic::Backup, &["rollback"], says)
                .who(scene.wave.owner.clone())
                .by(scene.begins()),
        ];
    };
    let mut drafts: Vec<Draft> = incomplete(scene, rollback).into_iter().collect();
    if let (Some(minutes), Some(window)) = (rollback.minutes, scene.window()) {
        let length = window.to.since(window.from).as_secs() / 60;
        if u64::from(minutes) >= length {
            let says = format!(
                "Shorten the way back or widen the window: going back takes {minutes} minutes, the window has {length}."
            );
            drafts.push(Draft::to_do(Topic::Backup, &["too-long"], says));
        } else {
            let last = groma_model::Timestamp::from_millis(
                window.to.millis() - i64::from(minutes) * 60_000,
            );
            let says = format!(
                "The way back fits into the window: whoever decides does so before {} UTC.",
                last.minute()
            );
            drafts.push(Draft::done(Topic::Backup, &["point"], says));
        }
    }
    drafts
}

fn incomplete(scene: &Scene<'_>, rollback: &Rollback) -> Option<Draft> {
    let fields = [
        (rollback.what.is_none(), "what is done to go back"),
        (rollback.trigger.is_none(), "what makes us go back"),
        (rollback.minutes.is_none(), "how many minutes it takes"),
        (rollback.decides.is_none(), "who decides"),
        (rollback.backup.is_none(), "on which backup it relies"),
    ];
    let open: Vec<&str> = fields
        .into_iter()
        .filter_map(|(open, ask)| open.then_some(ask))
        .collect();
    (!open.is_empty()).then(|| {
        let says = format!("The way back is not complete: {}?", open.join(", "));
        Draft::ask(Topic::Backup, &["rollback"], says)
            .who(
                rollback
                    .decides
                    .clone()
                    .or_else(|| scene.wave.owner.clone()),
            )
            .by(scene.begins())
    })
}

/// A backup that nobody has restored is a hope.
fn restore(scene: &Scene<'_>) -> Option<Draft> {
    let rollback = scene.wave.rollback.as_ref()?;
    let about = ["restore"];
    let who = scene.wave.owner.clone();
    let draft = match rollback.restore_tested_on {
        None => Draft::to_do(Topic::Backup, &about, "Restore something from the backup the way back relies on, and write the day into the file.").because("restore_tested_on is empty."),
        Some(day) if day > scene.now => Draft::to_do(Topic::Backup, &about, format!("Test the restore that is planned for {}.", day.day())),
        Some(day) if scene.now.since(day) > TESTED => Draft::to_do(Topic::Backup, &about, format!("Test the restore again: the last test was on {}.", day.day())),
        Some(day) => Draft::done(Topic::Backup, &about, format!("A restore was tested on {}.", day.day())),
    };
    Some(draft.who(who).by(scene.begins()))
}

/// When what goes was last copied away, as far as a backup tells.
fn last_success(scene: &Scene<'_>) -> Vec<Draft> {
    let held: BTreeMap<&EntityId, &EntityId> = scene.held().map(|(m, e)| (&e.id, &m.id)).collect();
    let mut machines: BTreeMap<&EntityId, Vec<&Backup>> = BTreeMap::new();
    for backup in &scene.inventory.backups {
        let machine = held
            .get(&backup.entity)
            .copied()
            .or_else(|| scene.leaving.get(&backup.entity));
        if let Some(machine) = machine {
            machines.entry(machine).or_default().push(backup);
        }
    }
    let (mut drafts, mut fresh) = (Vec::new(), BTreeSet::new());
    for (machine, backups) in machines {
        let name = scene
            .inventory
            .entity(machine)
            .map_or("", |e| e.name.as_str());
        let old = |b: &&&Backup| {
            b.last_success
                .is_some_and(|at| scene.now.since(at) > RECENT)
        };
        let stale: Vec<&&Backup> = backups.iter().filter(old).collect();
        let untold = backups.iter().all(|b| b.last_success.is_none());
        let about = ["old", machine.as_str()];
        let draft = match stale.iter().filter_map(|b| b.last_success).min() {
            Some(last) => {
                let jobs = names(stale.iter().map(|b| &b.job));
                let says = format!(
                    "Make a backup of {name} by {jobs}: the last that ended well is of {}.",
                    last.day()
                );
                Draft::to_do(Topic::Backup, &about, says)
            }
            None if untold => {
                let jobs = names(backups.iter().map(|b| &b.job));
                let says = format!(
                    "When did the backup of {name} ({jobs}) last end well? Nothing that was looked at tells."
                );
                Draft::ask(Topic::Backup, &about, says)
            }
            None => {
                fresh.insert(name);
                continue;
            }
        };
        drafts.push(
            draft
                .who(scene.owner_of(machine))
                .on([machine])
                .cites(backups.iter().flat_map(|b| &b.evidence))
                .by(scene.begins()),
        );
    }
    if !fresh.is_empty() {
        let says = format!(
            "{} of the last seven days: {}.",
            count(fresh.len(), "machine has a backup", "machines have backups"),
            names(fresh)
        );
        drafts.push(Draft::done(Topic::Backup, &["fresh"], says));
    }
    drafts
}
