//! `quiet-machine-still-calls`: the directory has not heard of a machine, and somebody else has.

use std::collections::{HashMap, HashSet};

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity};
use groma_model::{EntityId, EvidenceId};

use crate::view::{told, values, was_seen_alive};
use crate::{Check, Draft, View};

/// What was seen so many days ago is not quiet.
const DAYS_RECENT: i64 = 45;

/// Who was seen lately under a name, and at what.
struct Alive<'a> {
    machine: &'a Entity,
    says: String,
    evidence: &'a [EvidenceId],
}

pub(crate) struct QuietMachineStillCalls;

impl Check for QuietMachineStillCalls {
    fn name(&self) -> &'static str {
        "quiet-machine-still-calls"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let quiet: Vec<&DirectoryEntry> = told(view, &["computer"])
            .map(|(_, entry)| entry)
            .filter(|entry| is_quiet(entry))
            .collect();
        if quiet.is_empty() {
            return Vec::new();
        }
        let wanted = quiet.iter().flat_map(|entry| called(entry)).collect();
        let alive = alive(view, &wanted);
        let met = |entry: &DirectoryEntry| called(entry).iter().find_map(|n| alive.get(n));
        quiet
            .into_iter()
            .filter_map(|entry| Some(draft(entry, met(entry)?)))
            .collect()
    }
}

fn is_quiet(entry: &DirectoryEntry) -> bool {
    let quiet = ["quiet-over-180-days", "quiet-over-45-days", "never"];
    let activity = values(&entry.object, "activity").iter();
    let state = values(&entry.object, "state").iter();
    activity.into_iter().any(|a| quiet.contains(&a.as_str()))
        || state.into_iter().any(|s| s == "disabled")
}

/// The names it may go by: the short one and the one with the domain.
fn called(entry: &DirectoryEntry) -> [String; 2] {
    let short = entry.object.name.lossy().to_lowercase();
    let full = format!("{short}.{}", entry.object.directory);
    [short, full]
}

/// `APP7$` and `CORP\\APP7$` as `app7`: the account of a machine.
fn machine_of(account: &str) -> Option<String> {
    let bare = account.rsplit('\\').next().unwrap_or(account);
    let name = bare.split('@').next()?.strip_suffix('$')?;
    Some(name.to_lowercase())
}

/// Those of the wanted names under which somebody was seen lately: in a log first, else as a caller.
fn alive<'a>(view: &View<'a>, wanted: &HashSet<String>) -> HashMap<String, Alive<'a>> {
    let since = view.now.millis() - DAYS_RECENT * 86_400_000;
    let mut met = HashMap::new();
    let mut note =
        |id: &EntityId, account: Option<&String>, says: String, evidence: &'a [EvidenceId]| {
            let Some(machine) = view.entity(id) else {
                return;
            };
            let is_machine = matches!(machine.kind.as_str(), "host" | "device");
            let names = machine.names.iter().chain([&machine.name]);
            let names = names.filter(|_| is_machine).map(|n| n.to_lowercase());
            for name in names.chain(account.and_then(|a| machine_of(a))) {
                if wanted.contains(&name) {
                    met.entry(name).or_insert_with(|| Alive {
                        machine,
                        says: says.clone(),
                        evidence,
                    });
                }
            }
        };
    let used = view.all(|inventory| &inventory.ledger);
    for row in used.filter(|row| row.last_seen.millis() > since) {
        let provider = view.entity(&row.provider).map_or("", |p| p.name.as_str());
        let says = format!("used {} on {provider} on {}", row.kind, row.last_seen.day());
        note(&row.consumer, row.account.as_ref(), says, &row.evidence);
    }
    let recent = |d: &&Dependency| was_seen_alive(d) && d.last_seen.millis() > since;
    for need in view.dependencies().filter(recent) {
        let says = format!("called {} on {}", need.provider.name, need.last_seen.day());
        note(&need.consumer.entity, None, says, &need.evidence);
    }
    met
}

fn draft(entry: &DirectoryEntry, alive: &Alive<'_>) -> Draft {
    let object = &entry.object;
    let mut draft = Draft::about(&[&object.directory, &object.dn.lossy()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} counts as gone in {}, and is not: whoever clears up the directory or leaves it out of the plan stops something that still works.",
        object.name, object.directory
    );
    let quiet = values(object, "state")
        .iter()
        .chain(values(object, "activity"));
    draft.indicator = format!(
        "the directory says {}; {} {}",
        quiet.cloned().collect::<Vec<_>>().join(", "),
        alive.machine.name,
        alive.says
    );
    "What the machine does stops when its account is removed or its server moves, and nobody had it on a list."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out who owns it and what it does: it uses the service with an account of its own, or without one.",
        "Let it join the domain again, or write it down as a machine outside of it.",
        "Take it into the plan before objects nobody heard of are removed.",
    ];
    draft.points_at(alive.machine);
    draft.cites_evidence(&entry.evidence);
    draft.cites_evidence(alive.evidence);
    draft
}
