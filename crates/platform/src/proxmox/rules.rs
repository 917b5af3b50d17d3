//! High availability: which guests are started elsewhere, and who must run where or beside whom.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{AffinityRule, AffinitySort};
use serde_json::Value;

use crate::json::{flag, items, list, text};

/// Most guests and rules of a cluster.
const RULES_MAX: usize = 20_000;

/// What the cluster watches over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Availability {
    /// Keys of the guests it starts elsewhere.
    watched: BTreeSet<String>,
    /// Guests by their group.
    groups: BTreeMap<String, BTreeSet<String>>,
    rules: Vec<AffinityRule>,
    /// Whether it answered at all.
    is_told: bool,
}

impl Availability {
    /// `/cluster/ha/resources`.
    pub(crate) fn resources(&mut self, answer: &Value) {
        self.is_told = true;
        for entry in items(answer, RULES_MAX) {
            let Some(guest) = text(entry, "sid").and_then(|sid| key(&sid)) else {
                continue;
            };
            if let Some(group) = text(entry, "group") {
                self.groups.entry(group).or_default().insert(guest.clone());
            }
            let state = text(entry, "state").unwrap_or_else(|| "started".to_owned());
            if matches!(state.as_str(), "started" | "enabled") {
                self.watched.insert(guest);
            }
        }
    }

    /// `/cluster/ha/groups`, until version 8: nodes that guests stay on. Asked after [`Availability::resources`].
    pub(crate) fn groups(&mut self, answer: &Value) {
        for entry in items(answer, RULES_MAX) {
            let Some(name) = text(entry, "group") else {
                continue;
            };
            let guests = self
                .groups
                .get(&name)
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            self.rules.push(AffinityRule {
                sort: AffinitySort::OnHosts,
                enabled: true,
                mandatory: flag(entry, "restricted") == Some(true),
                guests,
                hosts: nodes(entry),
                name,
            });
        }
    }

    /// `/cluster/ha/rules`, from version 9 on.
    pub(crate) fn rules(&mut self, answer: &Value) {
        for entry in items(answer, RULES_MAX) {
            let sort = match (
                text(entry, "type").as_deref(),
                text(entry, "affinity").as_deref(),
            ) {
                (Some("node-affinity"), _) => AffinitySort::OnHosts,
                (Some("resource-affinity"), Some("positive")) => AffinitySort::Together,
                (Some("resource-affinity"), Some("negative")) => AffinitySort::Apart,
                _ => continue,
            };
            let resources = text(entry, "resources").unwrap_or_default();
            let guests: BTreeSet<String> = resources
                .split(',')
                .filter_map(|sid| key(sid.trim()))
                .collect();
            self.rules.push(AffinityRule {
                name: text(entry, "rule").unwrap_or_default(),
                sort,
                enabled: flag(entry, "disable") != Some(true),
                // Guests that belong together or apart are not started otherwise; nodes may be a wish.
                mandatory: sort != AffinitySort::OnHosts || flag(entry, "strict") == Some(true),
                guests: guests.into_iter().collect(),
                hosts: nodes(entry),
            });
        }
    }

    /// Whether the guest `key` is started elsewhere when its node fails; `None` where nobody told.
    pub(crate) fn watches(&self, key: &str) -> Option<bool> {
        self.is_told.then(|| self.watched.contains(key))
    }

    /// Whether any guest is.
    pub(crate) fn is_used(&self) -> Option<bool> {
        self.is_told.then_some(!self.watched.is_empty())
    }

    /// The rules, sorted.
    pub(crate) fn sorted(&self) -> Vec<AffinityRule> {
        let mut rules = self.rules.clone();
        rules.sort();
        rules.dedup();
        rules
    }
}

/// Names of the nodes of `/cluster/ha/status/manager_status` that are in maintenance.
pub(crate) fn in_maintenance(answer: &Value) -> Vec<String> {
    let inner = answer.get("manager_status").unwrap_or(answer);
    let states = inner
        .get("node_status")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let resting = states.filter(|(_, state)| state.as_str() == Some("maintenance"));
    resting.map(|(node, _)| node.clone()).collect()
}

/// `vm:100` and `ct:101` as keys of guests.
fn key(sid: &str) -> Option<String> {
    let (kind, number) = sid.split_once(':').unwrap_or(("vm", sid));
    let number: u32 = number.parse().ok()?;
    match kind {
        "vm" => Some(format!("qemu/{number}")),
        "ct" => Some(format!("lxc/{number}")),
        _ => None,
    }
}

/// `pve1:2,pve2` without the weights, sorted.
fn nodes(entry: &Value) -> Vec<String> {
    let text: Vec<String> = list(entry, "nodes", RULES_MAX)
        .filter_map(crate::json::as_text)
        .collect();
    let names = text.iter().flat_map(|text| text.split(','));
    let names = names.filter_map(|node| node.split(':').next());
    let names: BTreeSet<&str> = names
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.into_iter().map(str::to_owned).collect()
}
