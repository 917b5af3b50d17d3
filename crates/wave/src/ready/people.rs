//! Whom to ask: owners, criticality and the time a thing may be down.

use std::collections::BTreeMap;

use groma_model::inventory::{Entity, System};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if is_blank(scene.wave.owner.as_ref()) {
        let says = "Who answers for this wave? The file names no owner.";
        drafts.push(Draft::ask(Topic::People, &["wave"], says).by(scene.begins()));
    }
    if scene.wave.communications.is_empty() && !scene.inward.is_empty() {
        let says = "Who is told what, and when? The file has no communications.";
        drafts.push(
            Draft::ask(Topic::People, &["communications"], says)
                .who(scene.wave.owner.clone())
                .by(scene.begins()),
        );
    }
    drafts.extend(of_systems(scene));
    drafts.extend(of_machines(scene));
    drafts
}

fn is_blank(text: Option<&String>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

/// What is not known of a system with machines in this wave: one question for all of it.
fn of_systems(scene: &Scene<'_>) -> Vec<Draft> {
    let touched = scene
        .inventory
        .systems
        .iter()
        .filter(|s| s.members.iter().any(|m| scene.leaving.contains(m)));
    touched.map(|system| of_system(scene, system)).collect()
}

fn of_system(scene: &Scene<'_>, system: &System) -> Draft {
    let fields = [
        (&system.owner, "who owns it"),
        (&system.criticality, "how critical is it"),
        (
            &system.allowed_downtime,
            "how long may it be down, and when",
        ),
    ];
    let open: Vec<&str> = fields
        .into_iter()
        .filter_map(|(field, ask)| is_blank(field.as_ref()).then_some(ask))
        .collect();
    let about = ["system", system.id.as_str()];
    let draft = match open.is_empty() {
        true => Draft::done(
            Topic::People,
            &about,
            format!(
                "{} has an owner, a criticality and a time it may be down.",
                system.name
            ),
        )
        .because(answers(system)),
        false => Draft::ask(
            Topic::People,
            &about,
            format!("{}: {}?", system.name, open.join(", ")),
        )
        .by(scene.begins()),
    };
    draft.who(system.owner.clone()).on(&system.members)
}

fn answers(system: &System) -> String {
    let known = [&system.owner, &system.criticality, &system.allowed_downtime];
    let known: Vec<&str> = known.into_iter().flatten().map(String::as_str).collect();
    format!("{}.", known.join(", "))
}

/// Machines of no system that nobody owns: one question.
fn of_machines(scene: &Scene<'_>) -> Option<Draft> {
    let alone: BTreeMap<(&str, &groma_model::EntityId), &Entity> = scene
        .machines()
        .filter(|m| m.system.is_none() && is_blank(m.owner.as_ref()))
        .map(|m| ((m.name.as_str(), &m.id), m))
        .collect();
    (!alone.is_empty()).then(|| {
        let says = format!(
            "Who owns {}, how critical are they, and how long may they be down?",
            names(alone.keys().map(|(name, _)| name))
        );
        Draft::ask(Topic::People, &["machines"], says)
            .on(alone.values().map(|m| &m.id))
            .by(scene.begins())
    })
}
