//! `directory-binds-move`: machines log on at a directory server that a wave takes away, and do not move with it.

use std::collections::BTreeSet;

use groma_model::EntityId;
use groma_model::inventory::{Dependency, Entity, Likelihood, Severity, WaveEntry};
use groma_model::name::Protection;

use crate::view::{consumers, directory_objects, was_seen_alive};
use crate::waves::Moves;
use crate::wording::{agree, consumers_of, names};
use crate::{Check, Draft, View};

/// Needs that are a logon at a directory server, or its word on one.
const BINDS: [&str; 2] = ["ldap-bind", "kerberos"];

pub(crate) struct DirectoryBindsMove;

impl Check for DirectoryBindsMove {
    fn name(&self) -> &'static str {
        "directory-binds-move"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let moves = Moves::ahead(view);
        if moves.is_empty() {
            return Vec::new();
        }
        let groups = view.by_provider(|d| stays_behind(d, &moves, view));
        groups
            .iter()
            .filter_map(|(provider, found)| draft(view, provider, moves.of(provider)?, found))
            .collect()
    }
}

/// What moves with its server keeps it.
fn stays_behind(d: &Dependency, moves: &Moves<'_>, view: &View<'_>) -> bool {
    let wave = |id: &EntityId| moves.of(id).map(|wave| &wave.name);
    let there = wave(&d.provider.entity);
    is_bind(d)
        && !d.details.local
        && there.is_some()
        && wave(&d.consumer.entity) != there
        && !are_replicas(d, view)
}

fn is_bind(d: &Dependency) -> bool {
    BINDS.contains(&d.kind.as_str())
}

/// True if both are servers of one directory. What such servers send each other is their own affair: they are moved one after
/// the other, and each holds what the other does. Where no directory names them, they log on at each other.
fn are_replicas(d: &Dependency, view: &View<'_>) -> bool {
    let (consumer, provider) = (&d.consumer.entity, &d.provider.entity);
    let serves = |id| view.entity(id).map(directories_of).unwrap_or_default();
    let in_return = |other: &Dependency| is_bind(other) && other.consumer.entity == *provider;
    !serves(consumer).is_disjoint(&serves(provider)) || view.needs_for(consumer).any(in_return)
}

/// The directories an entity is a server of.
fn directories_of(entity: &Entity) -> BTreeSet<&str> {
    directory_objects(entity)
        .filter(|object| object.class == "domain-controller")
        .map(|object| object.directory.as_str())
        .collect()
}

fn draft(
    view: &View<'_>,
    provider: &EntityId,
    wave: &WaveEntry,
    found: &[&Dependency],
) -> Option<Draft> {
    let server = view.entity(provider)?;
    let mut draft = Draft::about(&[provider.as_str()]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = match found.iter().any(|d| was_seen_alive(d)) {
        true => Likelihood::High,
        false => Likelihood::Medium,
    };
    draft.control_date = wave.window.map(|window| window.from);
    draft.risk = format!(
        "{} {} on at {}, which moves in {}: without it nobody is let in there.",
        consumers_of(found),
        agree(consumers(found), "logs", "log"),
        server.name,
        wave.name
    );
    let said: BTreeSet<String> = found
        .iter()
        .map(|d| match d.details.protection {
            Some(Protection::None) => format!("{} ({}, in clear text)", d.consumer.name, d.kind),
            _ => format!("{} ({})", d.consumer.name, d.kind),
        })
        .collect();
    draft.indicator = names(said.iter().map(String::as_str));
    "Programs that know only this server let nobody in from the first minute; those with a second one are slow until it is taken out."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Give each of them a name that can be pointed elsewhere, or the new server beside the old one, before the wave.",
        "Where the new server wants TLS or signing, try each logon against it first.",
        "Log on once through each of these programs after the move.",
    ];
    draft.points_at(server);
    found.iter().for_each(|d| draft.cites(d));
    Some(draft)
}
