//! Hosts that share their guests.

use std::collections::BTreeMap;

use groma_model::Foreign;
use groma_model::virtualization::{AffinityRule, AffinitySort, Cluster, Platform};

use super::answer::Object;
use super::element::Element;
use super::inventory::name;

/// Which guests are started again elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Restarts {
    usual: Option<bool>,
    others: BTreeMap<String, bool>,
}

impl Restarts {
    /// Whether the guest with `key` is; `None` where the cluster does not tell.
    pub(super) fn of(&self, key: &str) -> Option<bool> {
        self.others.get(key).copied().or(self.usual)
    }
}

pub(super) fn read(platform: &Platform, object: &Object) -> (Cluster, Restarts) {
    let nothing = Element::default();
    let settings = object.value("configurationEx").unwrap_or(&nothing);
    let restarts_guests = settings.truth("dasConfig/enabled");
    let cluster = Cluster {
        platform: platform.clone(),
        key: object.key.clone(),
        name: Foreign::from(name(object).unwrap_or_default()),
        restarts_guests,
        spreads_guests: spreads(settings),
        rules: rules(settings),
    };
    let restarts = match restarts_guests {
        Some(true) => restarts(settings),
        usual => Restarts {
            usual,
            ..Restarts::default()
        },
    };
    (cluster, restarts)
}

fn spreads(settings: &Element) -> Option<String> {
    if settings.truth("drsConfig/enabled") != Some(true) {
        return None;
    }
    let word = match settings.text("drsConfig/defaultVmBehavior")? {
        "manual" => "manual",
        "partiallyAutomated" => "partially-automated",
        "fullyAutomated" => "fully-automated",
        other => other,
    };
    Some(word.to_owned())
}

/// A guest whose priority is `disabled` stays down; `clusterRestartPriority` means what the cluster has.
fn restarts(settings: &Element) -> Restarts {
    let is_disabled = |word: Option<&str>| word == Some("disabled");
    let usual = settings.text("dasConfig/defaultVmSettings/restartPriority");
    let others = settings.all("dasVmConfig").filter_map(|one| {
        let word = one.text("dasSettings/restartPriority");
        let word = word.or_else(|| one.text("restartPriority"))?;
        (word != "clusterRestartPriority").then(|| {
            one.text("key")
                .map(|key| (key.to_owned(), word != "disabled"))
        })?
    });
    Restarts {
        usual: Some(!is_disabled(usual)),
        others: others.collect(),
    }
}

fn rules(settings: &Element) -> Vec<AffinityRule> {
    let mut all: Vec<AffinityRule> = settings
        .all("rule")
        .filter_map(|rule| affinity(rule, settings))
        .collect();
    all.sort();
    all
}

fn affinity(rule: &Element, settings: &Element) -> Option<AffinityRule> {
    let (sort, guests, hosts) = match rule.kind.as_str() {
        "ClusterAffinityRuleSpec" => (AffinitySort::Together, keys(rule, "vm"), Vec::new()),
        "ClusterAntiAffinityRuleSpec" => (AffinitySort::Apart, keys(rule, "vm"), Vec::new()),
        "ClusterVmHostRuleInfo" => {
            let (sort, hosts) = match rule.text("affineHostGroupName") {
                Some(group) => (AffinitySort::OnHosts, group),
                None => (
                    AffinitySort::OffHosts,
                    rule.text("antiAffineHostGroupName")?,
                ),
            };
            let guests = rule.text("vmGroupName").unwrap_or_default();
            (
                sort,
                group(settings, guests, "vm"),
                group(settings, hosts, "host"),
            )
        }
        _ => return None,
    };
    Some(AffinityRule {
        name: rule.text("name").unwrap_or_default().to_owned(),
        sort,
        enabled: rule.truth("enabled").unwrap_or(true),
        mandatory: rule.truth("mandatory") == Some(true),
        guests,
        hosts,
    })
}

/// The members of the group called `name`.
fn group(settings: &Element, name: &str, of: &str) -> Vec<String> {
    let found = settings
        .all("group")
        .find(|group| group.text("name") == Some(name));
    found.map(|group| keys(group, of)).unwrap_or_default()
}

fn keys(element: &Element, name: &str) -> Vec<String> {
    let all = element.all(name).filter_map(Element::own_text);
    let mut all: Vec<String> = all.map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}
