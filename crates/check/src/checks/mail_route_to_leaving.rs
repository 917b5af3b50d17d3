//! `mail-route-to-leaving`: mail is handed on to a machine that is to be retired, replaced or moved.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::{Disposition, Likelihood, Severity};
use groma_model::route::MailRouteEntry;

use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailRouteToLeaving;

impl Check for MailRouteToLeaving {
    fn name(&self) -> &'static str {
        "mail-route-to-leaving"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let leaving = leaving(view);
        let mut by: BTreeMap<&EntityId, Vec<&MailRouteEntry>> = BTreeMap::new();
        for entry in view.all(|i| &i.mail_routes) {
            if let Some(next) = entry
                .next
                .as_ref()
                .filter(|next| leaving.contains_key(*next))
                && *next != entry.on
            {
                by.entry(next).or_default().push(entry);
            }
        }
        by.into_iter()
            .filter_map(|(next, found)| draft(view, next, leaving.get(next)?, &found))
            .collect()
    }
}

/// The machines that go, and why we say so.
fn leaving(view: &View<'_>) -> BTreeMap<EntityId, String> {
    let mut leaving = BTreeMap::new();
    for system in view.all(|i| &i.systems) {
        let word = match system.disposition {
            Some(Disposition::Retire) => "is to be retired",
            Some(Disposition::Replace) => "is to be replaced",
            _ => continue,
        };
        for member in &system.members {
            leaving.insert(member.clone(), word.to_owned());
        }
    }
    for (wave, machines) in view.waves() {
        for machine in machines {
            leaving
                .entry(machine)
                .or_insert_with(|| format!("moves with wave {}", wave.name));
        }
    }
    leaving
}

fn draft(view: &View<'_>, next: &EntityId, why: &str, found: &[&MailRouteEntry]) -> Option<Draft> {
    let machine = view.entity(next)?;
    let mut draft = Draft::about(&[machine.id.as_str()]);
    draft.severity = Severity::High;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} hand mail on to {}, which {why}: without a change it waits in queues and comes back.",
        count(
            found.len(),
            "rule of mail servers does",
            "rules of mail servers"
        ),
        machine.name
    );
    if found.len() == 1 {
        draft.risk = format!(
            "A rule of a mail server hands mail on to {}, which {why}: without a change it waits in a queue and comes back.",
            machine.name
        );
    }
    let on = |entry: &MailRouteEntry| view.entity(&entry.on).map_or("", |e| e.name.as_str());
    draft.indicator = names(found.iter().map(|entry| {
        let route = &entry.route;
        let (rule, file, line) = (route.rule.as_str(), &route.file, route.line);
        format!(
            "{} on {}: {rule} to {} ({file}:{line})",
            route.product,
            on(entry),
            route.to
        )
    }));
    "Mail for these domains stops with the old machine; senders hear of it after days."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Write each of these lines on the list for the night of the move.",
        "Let the new machine answer at the same name and port before the old one goes.",
        "Watch the queues of these servers for a day after the switch.",
    ];
    draft.points_at(machine);
    for entry in found {
        draft.cites_evidence(&entry.evidence);
        if let Some(on) = view.entity(&entry.on) {
            draft.points_at(on);
        }
    }
    Some(draft)
}
