//! What comes first: risks by consequence, hidden dependencies by surprise.
//!
//! Ranks are worked out on one core. [`Index`] does it once, behind a lock that page and map both wait at: who waits for other cores
//! meanwhile may be handed the other one's work, and would wait at that lock for itself.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use groma_model::inventory::{Dependency, Finding, FindingState, Strength, VerdictWord};

use crate::index::{Index, is_wrong};

/// A risk of the first screen, with how many of the same check stand behind it.
pub(crate) struct Ranked<'a> {
    pub(crate) finding: &'a Finding,
    /// Entities that depend on its subjects.
    pub(crate) consumers: usize,
    /// Other findings of the same check and severity.
    pub(crate) alike: usize,
}

/// Positions of the open risks by severity, then likelihood, then number of consumers, which stands beside.
pub(crate) fn risks(index: &Index<'_>) -> Vec<(usize, usize)> {
    let all = index.inventory.findings.iter().enumerate();
    let mut ranked: Vec<(&Finding, usize, usize)> = all
        .filter(|(_, finding)| is_open(finding))
        .map(|(at, finding)| (finding, at, index.touched_by(finding)))
        .collect();
    ranked.sort_by_key(|(finding, _, consumers)| {
        (
            finding.severity as u8,
            Reverse(finding.likelihood as u8),
            Reverse(*consumers),
            &finding.id,
        )
    });
    let positions = ranked.into_iter();
    positions.map(|(_, at, touched)| (at, touched)).collect()
}

/// [`risks`] with the same check and severity said once, so that ten lines hold ten different things.
pub(crate) fn risks_by_kind<'a>(index: &Index<'a>) -> Vec<Ranked<'a>> {
    let mut kinds: BTreeMap<(&str, u8), usize> = BTreeMap::new();
    let mut first: Vec<Ranked<'a>> = Vec::new();
    for risk in index.risks() {
        let key = (risk.finding.check.as_str(), risk.finding.severity as u8);
        match kinds.get(&key).and_then(|at| first.get_mut(*at)) {
            Some(same) => same.alike += 1,
            None => {
                kinds.insert(key, first.len());
                first.push(risk);
            }
        }
    }
    first
}

/// True for what still asks for somebody: open, and not judged away.
pub(crate) fn is_open(finding: &Finding) -> bool {
    finding.state == FindingState::Open
        && finding
            .verdict
            .as_ref()
            .is_none_or(|v| v.verdict == VerdictWord::Confirmed)
}

/// True for what a person decided to live with.
pub(crate) fn is_accepted(finding: &Finding) -> bool {
    if finding.state == FindingState::Closed {
        return false;
    }
    let said = finding
        .verdict
        .as_ref()
        .is_some_and(|v| v.verdict == VerdictWord::Accepted);
    finding.state == FindingState::Accepted || said
}

/// Positions of the hidden dependencies that nobody judged wrong, the most surprising first.
pub(crate) fn hidden(index: &Index<'_>) -> Vec<usize> {
    let all = index.inventory.dependencies.iter().enumerate();
    let mut hidden: Vec<_> = all
        .filter(|(_, d)| d.hidden && !is_wrong(d))
        .map(|(at, d)| (Reverse(surprise(d, at, index)), &d.id, at))
        .collect();
    hidden.sort_unstable();
    hidden.into_iter().map(|(_, _, at)| at).collect()
}

/// Up to `most` hidden dependencies that surprise for different reasons.
pub(crate) fn surprises<'a>(ranked: &[&'a Dependency], most: usize) -> Vec<&'a Dependency> {
    let mut chosen: Vec<&Dependency> = Vec::new();
    let different = |d: &Dependency, c: &Dependency| {
        strongest_reason(d) != strongest_reason(c) && d.provider.entity != c.provider.entity
    };
    for dependency in ranked {
        if chosen.len() < most && chosen.iter().all(|c| different(dependency, c)) {
            chosen.push(dependency);
        }
    }
    for dependency in ranked {
        if chosen.len() < most && chosen.iter().all(|c| c.id != dependency.id) {
            chosen.push(dependency);
        }
    }
    chosen
}

/// How much it would surprise the person who switches the provider off.
fn surprise(dependency: &Dependency, at: usize, index: &Index<'_>) -> u32 {
    let reasons: u32 = dependency.hidden_because.iter().map(|r| weight(r)).sum();
    let strength = if dependency.strength == Strength::Blocking {
        4
    } else {
        0
    };
    let [_, provider] = index.ends(at);
    let wanted = provider.map_or(0, |provider| index.consumers(provider).min(8));
    let wanted = u32::try_from(wanted).unwrap_or(8);
    let ordinary = if dependency.shared_service { 8 } else { 0 }
        + if dependency.details.local { 6 } else { 0 };
    (reasons + strength + wanted / 2).saturating_sub(ordinary)
}

fn strongest_reason(dependency: &Dependency) -> Option<&String> {
    dependency
        .hidden_because
        .iter()
        .max_by_key(|r| (weight(r), Reverse(r.as_str())))
}

/// The `most` reasons that surprise most, the strongest first.
pub(crate) fn strongest_reasons(
    dependency: &Dependency,
    most: usize,
) -> impl Iterator<Item = &String> {
    let mut reasons: Vec<&String> = dependency.hidden_because.iter().collect();
    reasons.sort_by_key(|reason| (Reverse(weight(reason)), reason.as_str()));
    reasons.into_iter().take(most)
}

/// How far a reason lies from what people expect. Relays and clear-text logons stop silently; an alias is found soon.
fn weight(reason: &str) -> u32 {
    match reason {
        "unauthenticated-relay" | "scheduled" | "rare" => 9,
        "cleartext-bind" | "local-archive" | "log-only" => 8,
        "hosts-file-override" | "device-without-agent" | "pinned-certificate" | "netbios-name" => 7,
        "address-literal" | "cached-credential" | "short-lived" => 6,
        "config-only" => 5,
        "alias" | "directory-only" => 4,
        "undeclared" => 2,
        _ => 3,
    }
}
