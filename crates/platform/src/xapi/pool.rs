//! The pool: hosts that share their guests, and what keeps guests apart or near a host.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{AffinityRule, AffinitySort, Cluster, Platform};
use groma_model::{Fact, Foreign};
use serde_json::Value;

use super::class::Class;
use super::reader::Machines;
use super::table::{Tables, reference, uuid};
use crate::Read;
use crate::json::{flag, text};

/// True for a pool somebody made: one of several hosts, or one with a name. A lone host is a pool of one without a name.
pub(super) fn is_cluster(tables: &Tables) -> bool {
    let several = tables.all(Class::Host).nth(1).is_some();
    let mut pools = tables.all(Class::Pool);
    let is_named = pools
        .next()
        .is_some_and(|(_, pool)| text(pool, "name_label").is_some());
    several || is_named
}

/// The fact of the pool.
pub(super) fn tell_pool(
    tables: &Tables,
    platform: &Platform,
    machines: &Machines<'_>,
    read: &mut Read,
) {
    let Some((_, pool)) = tables
        .all(Class::Pool)
        .next()
        .filter(|_| is_cluster(tables))
    else {
        return;
    };
    let name = text(pool, "name_label").unwrap_or_else(|| platform.id.clone());
    let mut rules = apart(tables, machines);
    rules.extend(near(tables, machines));
    rules.sort();
    rules.dedup();
    read.facts.push(Fact::Cluster(Box::new(Cluster {
        platform: platform.clone(),
        key: platform.id.clone(),
        name: Foreign::from(name),
        restarts_guests: flag(pool, "ha_enabled"),
        spreads_guests: None,
        rules,
    })));
}

/// Groups whose guests are kept apart, as far as that goes: a guest is rather started than kept apart.
fn apart(tables: &Tables, machines: &Machines<'_>) -> Vec<AffinityRule> {
    let groups = tables.all(Class::VmGroup).map(|(_, group)| group);
    let apart = groups.filter(|group| text(group, "placement").as_deref() == Some("anti_affinity"));
    let rules = apart.map(|group| AffinityRule {
        name: text(group, "name_label").unwrap_or_default(),
        sort: AffinitySort::Apart,
        enabled: true,
        mandatory: false,
        guests: machines.keys(group, "VMs"),
        hosts: Vec::new(),
    });
    rules.filter(|rule| rule.guests.len() > 1).collect()
}

/// The host a guest is started on where that can be: one rule for all guests of a host.
fn near(tables: &Tables, machines: &Machines<'_>) -> Vec<AffinityRule> {
    let mut by_host: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for record in machines.running() {
        if let (Some(host), Some(key)) = (reference(record, "affinity"), uuid(record)) {
            by_host.entry(host).or_default().insert(key);
        }
    }
    let rules = by_host.into_iter().filter_map(|(host, guests)| {
        let host = tables.at(Class::Host, host)?;
        Some(AffinityRule {
            name: format!("home server {}", name(host)?),
            sort: AffinitySort::OnHosts,
            enabled: true,
            mandatory: false,
            guests: guests.into_iter().collect(),
            hosts: vec![uuid(host)?],
        })
    });
    rules.collect()
}

fn name(host: &Value) -> Option<String> {
    text(host, "name_label").or_else(|| uuid(host))
}
