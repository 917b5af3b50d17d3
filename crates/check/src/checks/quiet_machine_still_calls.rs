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
        let met = |entry: &DirectoryEntry| {
            let [whole @ .., account, short] = &called(entry);
            let sure = whole.iter().find_map(|name| Some(&alive.get(name)?.first));
            let alone = |name: &String| alive.get(name)?.alone_in(&entry.object.directory);
            sure.or_else(|| alone(account)).or_else(|| alone(short))
        };
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

/// The names it may go by: with the domain as a host and as an account, and the two short ones, which others may share.
fn called(entry: &DirectoryEntry) -> [String; 4] {
    let short = entry.object.name.lossy().to_lowercase();
    let directory = entry.object.directory.to_string().to_lowercase();
    let first = directory.split('.').next().unwrap_or_default();
    [
        format!("{short}.{directory}"),
        format!("{first}\\{short}$"),
        format!("{short}$"),
        short,
    ]
}

/// Who was seen lately under one name: a short one may be that of several.
struct Met<'a> {
    first: Alive<'a>,
    /// Another machine came under this name as well.
    are_several: bool,
}

impl<'a> Met<'a> {
    /// The one machine of this name, unless it says that it is of another domain.
    fn alone_in(&self, directory: &str) -> Option<&Alive<'a>> {
        let is_alone = !self.are_several && !is_elsewhere(self.first.machine, directory);
        is_alone.then_some(&self.first)
    }
}

/// True if a machine has names with a domain, and none of them is below `directory`.
fn is_elsewhere(machine: &Entity, directory: &str) -> bool {
    let end = format!(".{}", directory.to_lowercase());
    let names = machine.names.iter().chain([&machine.name]);
    let is_address = |name: &&String| name.parse::<std::net::IpAddr>().is_ok();
    let full: Vec<String> = names
        .filter(|name| name.contains('.') && !is_address(name))
        .map(|name| name.to_lowercase())
        .collect();
    !full.is_empty() && !full.iter().any(|name| name.ends_with(&end))
}

/// `APP7$`, `CORP\\APP7$` and `APP7$@CORP.EXAMPLE`, the account of a machine, as `app7$` and with its domain as
/// `corp\\app7$`.
fn machine_of(account: &str) -> Vec<String> {
    let account = account.to_lowercase();
    let (domain, name) = match (account.rsplit_once('\\'), account.split_once('@')) {
        (Some((domain, name)), _) => (Some(domain), name),
        (None, Some((name, realm))) => (Some(realm), name),
        (None, None) => (None, account.as_str()),
    };
    if !name.ends_with('$') {
        return Vec::new();
    }
    let first = domain.and_then(|domain| domain.split('.').next());
    let whole = first.map(|domain| format!("{domain}\\{name}"));
    whole.into_iter().chain([name.to_owned()]).collect()
}

/// Those of the wanted names under which somebody was seen lately: in a log first, else as a caller.
fn alive<'a>(view: &View<'a>, wanted: &HashSet<String>) -> HashMap<String, Met<'a>> {
    let since = view.now.millis() - DAYS_RECENT * 86_400_000;
    let mut met: HashMap<String, Met<'a>> = HashMap::new();
    let mut note =
        |id: &EntityId, account: Option<&String>, says: String, evidence: &'a [EvidenceId]| {
            let Some(machine) = view.entity(id) else {
                return;
            };
            let is_machine = matches!(machine.kind.as_str(), "host" | "device");
            let names = machine.names.iter().chain([&machine.name]);
            let names = names.filter(|_| is_machine).map(|n| n.to_lowercase());
            for name in names.chain(account.into_iter().flat_map(|a| machine_of(a))) {
                if wanted.contains(&name) {
                    met.entry(name)
                        .and_modify(|met| met.are_several |= met.first.machine.id != machine.id)
                        .or_insert_with(|| Met {
                            first: Alive {
                                machine,
                                says: says.clone(),
                                evidence,
                            },
                            are_several: false,
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
