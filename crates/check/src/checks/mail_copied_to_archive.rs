//! `mail-copied-to-archive`: a rule copies mail, all or that of some, to a place of its own.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::RouteRule;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::route::MailRouteEntry;

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailCopiedToArchive;

impl Check for MailCopiedToArchive {
    fn name(&self) -> &'static str {
        "mail-copied-to-archive"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut by: BTreeMap<&EntityId, Vec<&MailRouteEntry>> = BTreeMap::new();
        let routes = view.all(|i| &i.mail_routes);
        for entry in routes.filter(|entry| entry.route.rule == RouteRule::Archive) {
            by.entry(&entry.on).or_default().push(entry);
        }
        by.into_iter()
            .filter_map(|(on, found)| draft(view, on, &found))
            .collect()
    }
}

fn draft(view: &View<'_>, on: &EntityId, found: &[&MailRouteEntry]) -> Option<Draft> {
    let machine = view.entity(on)?;
    let mut draft = Draft::about(&[machine.id.as_str()]);
    let everything = found.iter().any(|entry| entry.route.from.is_none());
    draft.severity = match everything {
        true => Severity::High,
        false => Severity::Medium,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} on {} {} mail to an archive or a journal: a new server does not do so unless somebody tells it.",
        count(found.len(), "rule", "rules"),
        machine.name,
        agree(found.len(), "copies", "copy")
    );
    draft.indicator = names(found.iter().map(|entry| {
        let route = &entry.route;
        let whose = route.from.as_deref().map(|from| format!("mail for {from}"));
        let whose = whose.unwrap_or_else(|| "mail".to_owned());
        format!("{whose} to {} ({}:{})", route.to, route.file, route.line)
    }));
    "What must be kept by law or contract is not kept from the night of the move on, and nobody sees it missing.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out who asked for the copy and for how long it must be kept.",
        "Set up the same copy on the new system before it takes the first mail, and compare counts for a day.",
        "If the archive stays, let it take mail from the new machine too.",
    ];
    draft.points_at(machine);
    found
        .iter()
        .for_each(|entry| draft.cites_evidence(&entry.evidence));
    Some(draft)
}
