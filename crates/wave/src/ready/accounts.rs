//! Accounts that others log on with, accounts of the machine itself, and what the directory says about it.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{Account, DirectoryEntry};
use groma_model::inventory::{Dependency, Entity};
use groma_model::wording::{count, title};
use groma_model::{EntityId, EvidenceId};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

/// The first number Linux systems give to people and to what an administrator adds (`UID_MIN` of login.defs).
const FIRST_OWN: u32 = 1000;
/// `nobody`, on every system that has one.
const NOBODY: u32 = 65_534;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = logged_on(scene);
    drafts.extend(local(scene));
    drafts.extend(principals(scene));
    drafts.extend(delegations(scene));
    drafts
}

/// Accounts that consumers use at the old place: the new one must know them.
fn logged_on(scene: &Scene<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<(&EntityId, &str), Vec<&Dependency>> = BTreeMap::new();
    for need in scene
        .inward
        .iter()
        .filter(|d| !d.details.accounts.is_empty())
    {
        groups
            .entry((&need.provider.entity, &need.kind))
            .or_default()
            .push(need);
    }
    groups
        .into_iter()
        .map(|((old, kind), needs)| {
            let accounts: BTreeSet<&String> =
                needs.iter().flat_map(|d| &d.details.accounts).collect();
            let says = format!(
                "Have {} known at {}: {}.",
                count(accounts.len(), "account", "accounts"),
                scene.new_place(old),
                names(&accounts)
            );
            let who: BTreeSet<&str> = needs.iter().map(|d| d.consumer.name.as_str()).collect();
            Draft::to_do(Topic::Accounts, &["logon", old.as_str(), kind], says)
                .because(format!(
                    "{} with {} for {}.",
                    names(who),
                    if accounts.len() == 1 { "it" } else { "them" },
                    title(kind)
                ))
                .who(scene.owner_of(old))
                .on([old])
                .on(needs.iter().map(|d| &d.id))
                .cites(needs.iter().flat_map(|d| &d.evidence))
                .by(scene.begins())
        })
        .collect()
}

/// Accounts that live on the machine alone.
fn local(scene: &Scene<'_>) -> Vec<Draft> {
    let own = |account: &&Account| {
        let number = account.id.parse::<u32>().ok();
        account.can_log_in && number.is_some_and(|id| id >= FIRST_OWN && id != NOBODY)
    };
    scene
        .machines()
        .filter_map(|machine| {
            let accounts: BTreeSet<String> = machine
                .attributes
                .accounts
                .iter()
                .filter(own)
                .map(|a| a.name.to_string())
                .collect();
            (!accounts.is_empty()).then(|| {
                let says = format!(
                    "Which of the local accounts of {} are needed at {}: {}?",
                    machine.name,
                    scene.new_place(&machine.id),
                    names(&accounts)
                );
                Draft::ask(Topic::Accounts, &["local", machine.id.as_str()], says)
                    .who(scene.owner_of(&machine.id))
                    .on([&machine.id])
                    .by(scene.begins())
            })
        })
        .collect()
}

/// Services that are registered under the name of a machine that goes.
fn principals(scene: &Scene<'_>) -> Vec<Draft> {
    scene.machines().filter_map(|machine| {
        let said: Vec<&DirectoryEntry> = of_class(machine, "service-principal").collect();
        (!said.is_empty()).then(|| {
            let shown = said.iter().map(|entry| {
                let account = entry.object.account.as_ref().map(|a| format!(" (account {a})"));
                format!("{}{}", entry.object.name, account.unwrap_or_default())
            });
            let says = format!("Register for the new name what the directory knows by the name of {}: {}.", machine.name, names(shown));
            Draft::to_do(Topic::Accounts, &["principal", machine.id.as_str()], says)
                .because("The same name for two accounts stops single sign-on for everybody: take the old registration away in the same hour.")
                .who(scene.owner_of(&machine.id))
                .on([&machine.id])
                .cites(said.iter().flat_map(|entry| &entry.evidence))
                .by(scene.begins())
        })
    }).collect()
}

fn of_class<'a>(
    entity: &'a Entity,
    class: &'static str,
) -> impl Iterator<Item = &'a DirectoryEntry> {
    let objects = entity.attributes.directory_objects.iter();
    objects.filter(move |entry| entry.object.class == class)
}

/// The attribute in which a directory lists whom an account may act towards ([MS-ADA2] 2.432).
const ALLOWED: &str = "msDS-AllowedToDelegateTo";

/// What an account may act towards, where the directory says so, and by which facts.
type Acting<'a> = (
    BTreeSet<&'a str>,
    BTreeSet<&'a EntityId>,
    BTreeSet<&'a EvidenceId>,
);

/// Who may act for users towards a service on a machine that goes.
fn delegations(scene: &Scene<'_>) -> Vec<Draft> {
    let called: BTreeSet<String> = scene
        .machines()
        .flat_map(|m| m.names.iter().chain([&m.name]))
        .map(|n| n.to_lowercase())
        .collect();
    let leads = |principal: &&String| {
        let place = principal.split_once('/').map(|(_, rest)| rest);
        let host = place.and_then(|rest| rest.split(['/', '@', ':']).next());
        host.is_some_and(|host| called.contains(&host.to_lowercase()))
    };
    let mut acting: BTreeMap<String, Acting<'_>> = BTreeMap::new();
    for entity in &scene.inventory.entities {
        for entry in &entity.attributes.directory_objects {
            let targets: Vec<&String> = allowed(entry).iter().filter(leads).collect();
            if targets.is_empty() {
                continue;
            }
            let who = entry
                .object
                .account
                .as_ref()
                .unwrap_or(&entry.object.name)
                .to_string();
            let row = acting.entry(who).or_default();
            row.0.extend(targets.into_iter().map(String::as_str));
            row.1.insert(&entity.id);
            row.2.extend(&entry.evidence);
        }
    }
    acting
        .into_iter()
        .map(|(who, (targets, on, evidence))| {
            let says = format!(
                "Let {who} act for users towards the new name as well: the directory lists {}.",
                names(targets)
            );
            Draft::to_do(Topic::Accounts, &["delegation", &who], says)
                .because("Without it users reach the application and see no data.")
                .who(scene.owner_of_all(on.iter().copied()))
                .on(on)
                .cites(evidence)
                .by(scene.begins())
        })
        .collect()
}

fn allowed(entry: &DirectoryEntry) -> &[String] {
    let values = entry.object.attributes.get(ALLOWED);
    values.map_or(&[], Vec::as_slice)
}
