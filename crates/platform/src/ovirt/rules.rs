//! Who must run beside whom, and where.

use std::collections::BTreeSet;

use groma_model::virtualization::{AffinityRule, AffinitySort};
use serde_json::Value;

use super::answer::{at, id, within};
use crate::json::{flag, text};

/// Most groups of a cluster, and members of a group.
const GROUPS_MAX: usize = 20_000;

/// The rules of the affinity groups of a cluster, and the names of groups that have members by label: who those are is told
/// nowhere near.
pub(super) fn rules(cluster: &Value) -> (Vec<AffinityRule>, BTreeSet<String>) {
    let (mut rules, mut labelled) = (Vec::new(), BTreeSet::new());
    for group in within(cluster, "affinity_groups", "affinity_group", GROUPS_MAX) {
        let Some(name) = text(group, "name") else {
            continue;
        };
        let guests = members(group, "vms", "vm");
        let hosts = members(group, "hosts", "host");
        let labels = members(group, "vm_labels", "affinity_label").len()
            + members(group, "host_labels", "affinity_label").len();
        if labels > 0 {
            labelled.insert(name.clone());
        }
        rules.extend(beside(group, &name, &guests));
        rules.extend(onto(group, &name, &guests, &hosts));
    }
    (rules, labelled)
}

/// Machines beside each other. Until version 4.0 the rule stood in the group itself.
fn beside(group: &Value, name: &str, guests: &[String]) -> Option<AffinityRule> {
    let rule = group.get("vms_rule").unwrap_or(group);
    let is_on = flag(rule, "enabled") != Some(false);
    let is_positive = flag(rule, "positive")?;
    (is_on && guests.len() > 1).then(|| AffinityRule {
        name: name.to_owned(),
        sort: match is_positive {
            true => AffinitySort::Together,
            false => AffinitySort::Apart,
        },
        enabled: true,
        mandatory: flag(rule, "enforcing") == Some(true),
        guests: guests.to_vec(),
        hosts: Vec::new(),
    })
}

/// Machines on hosts, or not on them.
fn onto(group: &Value, name: &str, guests: &[String], hosts: &[String]) -> Option<AffinityRule> {
    let rule = at(group, "hosts_rule");
    let is_on = flag(rule, "enabled") != Some(false);
    let is_positive = flag(rule, "positive")?;
    (is_on && !guests.is_empty() && !hosts.is_empty()).then(|| AffinityRule {
        name: name.to_owned(),
        sort: match is_positive {
            true => AffinitySort::OnHosts,
            false => AffinitySort::OffHosts,
        },
        enabled: true,
        mandatory: flag(rule, "enforcing") == Some(true),
        guests: guests.to_vec(),
        hosts: hosts.to_vec(),
    })
}

/// The hosts a machine's own settings name (`placement_policy`): it starts there, and one that is pinned runs nowhere else.
pub(super) fn placed(machine: &Value, name: &str) -> Option<AffinityRule> {
    let policy = at(machine, "placement_policy");
    let hosts = members(policy, "hosts", "host");
    let affinity = super::answer::word(policy, "affinity");
    Some(AffinityRule {
        name: format!("placement of {name}"),
        sort: AffinitySort::OnHosts,
        enabled: true,
        mandatory: affinity.as_deref() == Some("pinned"),
        guests: vec![id(machine)?],
        hosts,
    })
    .filter(|rule| !rule.hosts.is_empty())
}

/// Ids, sorted.
fn members(of: &Value, all: &str, one: &str) -> Vec<String> {
    let ids: BTreeSet<String> = within(of, all, one, GROUPS_MAX).filter_map(id).collect();
    ids.into_iter().collect()
}
