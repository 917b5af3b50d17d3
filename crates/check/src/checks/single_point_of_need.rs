//! `single-point-of-need`: many machines need one, and have no second one to turn to.

use std::collections::HashMap;

use groma_model::EntityId;
use groma_model::fact::Component;
use groma_model::inventory::{Dependency, Likelihood, Severity, Strength};

use crate::view::is_outside;
use crate::wording::{count, kinds_of, names};
use crate::{Check, Draft, View};

/// From this many consumers on, always.
const CONSUMERS_MANY: usize = 5;
/// Half of the machines counts only where there are at least so many, and so many consumers.
const WATCHED_MIN: usize = 4;
const CONSUMERS_MIN: usize = 2;
/// Kinds of which a client keeps a list and turns to the next entry.
const IN_LISTS: &[&str] = &[
    "dns",
    "ntp",
    "ldap-bind",
    "kerberos",
    "radius",
    "dhcp",
    "http-proxy",
];

pub(crate) struct SinglePointOfNeed;

impl Check for SinglePointOfNeed {
    fn name(&self) -> &'static str {
        "single-point-of-need"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let seconds = providers_by_part(view);
        let needs = |d: &Dependency| {
            let blocks = d.strength != Strength::Degrading && !d.details.local;
            blocks && !d.is_carried() && !has_second(&seconds, d)
        };
        let outside =
            |d: &Dependency| is_outside(view.entity(&d.provider.entity), &d.provider.addresses);
        let groups = view.by_provider(|d| needs(d) && !outside(d));
        groups
            .values()
            .filter_map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

type Part<'a> = (&'a EntityId, &'a Component, &'a str);

/// A provider each part of a machine has for each kind that comes in lists, and whether it has another.
type Seconds<'a> = HashMap<Part<'a>, (&'a EntityId, bool)>;

fn providers_by_part<'a>(view: &View<'a>) -> Seconds<'a> {
    let mut parts = Seconds::new();
    for d in view.dependencies().filter(|d| comes_in_lists(d)) {
        let provider = &d.provider.entity;
        let (first, second) = parts.entry(part(d)).or_insert((provider, false));
        *second |= *first != provider;
    }
    parts
}

fn comes_in_lists(d: &Dependency) -> bool {
    IN_LISTS.contains(&d.kind.as_str())
}

fn part(d: &Dependency) -> Part<'_> {
    (&d.consumer.entity, &d.consumer.component, &d.kind)
}

fn has_second(seconds: &Seconds<'_>, d: &Dependency) -> bool {
    comes_in_lists(d) && seconds.get(&part(d)).is_some_and(|(_, second)| *second)
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Option<Draft> {
    let provider = &dependencies.first()?.provider;
    let machines: HashMap<&EntityId, &str> = dependencies
        .iter()
        .map(|d| (&d.consumer.entity, d.consumer.name.as_str()))
        .collect();
    let watched = view.watched_hosts();
    let half =
        watched >= WATCHED_MIN && machines.len() >= CONSUMERS_MIN && machines.len() * 2 >= watched;
    if machines.len() < CONSUMERS_MANY && !half {
        return None;
    }
    let blocking = dependencies
        .iter()
        .any(|d| d.strength == Strength::Blocking);
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = if blocking {
        Severity::High
    } else {
        Severity::Medium
    };
    draft
        .layer
        .clone_from(&dependencies.iter().map(|d| &d.layer).min()?.to_owned());
    draft.likelihood = Likelihood::Medium;
    draft.risk = match blocking {
        true => format!(
            "{} need {}, and nothing takes its place: when it stops, they stop.",
            count(machines.len(), "machine", "machines"),
            provider.name
        ),
        false => format!(
            "{} use {}, and nothing takes its place: nobody knows yet what they lose without it.",
            count(machines.len(), "machine", "machines"),
            provider.name
        ),
    };
    let kinds = kinds_of(dependencies);
    draft.indicator = format!("{kinds} for {}", names(machines.values()));
    draft.impact = format!(
        "An hour of {} is an hour of all of them; moving it needs a date that suits every owner.",
        provider.name
    );
    draft.mitigations = vec![
        "Build the replacement beside it and move the consumers over one by one.",
        "Agree on the window with the owner of every machine that needs it.",
        "Write down how to go back, and try it once, before the window.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    Some(draft)
}
