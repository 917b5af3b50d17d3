//! `mail-runs-program`: mail to an address, or a rule, starts a program of the machine.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::inventory::{Likelihood, Severity};
use groma_model::route::MailRouteEntry;

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

/// Programs that only deliver or answer: they stand wherever mail does.
const DELIVERERS: &[&str] = &[
    "procmail",
    "maildrop",
    "dovecot-lda",
    "deliver",
    "vacation",
    "spamc",
    "rnews",
    "bsmtp",
    "uux",
];

pub(crate) struct MailRunsProgram;

impl Check for MailRunsProgram {
    fn name(&self) -> &'static str {
        "mail-runs-program"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut by: BTreeMap<&EntityId, Vec<(String, &MailRouteEntry)>> = BTreeMap::new();
        for entry in view.all(|i| &i.mail_routes) {
            if let Some(program) = program(entry) {
                by.entry(&entry.on).or_default().push((program, entry));
            }
        }
        by.into_iter()
            .filter_map(|(on, found)| draft(view, on, &found))
            .collect()
    }
}

/// The program of a rule, if it is one of somebody's own.
fn program(entry: &MailRouteEntry) -> Option<String> {
    let RouteTarget::Program { path } = &entry.route.to else {
        return None;
    };
    let by_mail = matches!(
        entry.route.rule,
        RouteRule::Alias
            | RouteRule::Forward
            | RouteRule::Sieve
            | RouteRule::Transport
            | RouteRule::Delivery
    );
    let path = path.to_string();
    let name = groma_model::path::file_name(&path);
    (by_mail && !DELIVERERS.contains(&name)).then_some(path)
}

fn draft(view: &View<'_>, on: &EntityId, found: &[(String, &MailRouteEntry)]) -> Option<Draft> {
    let machine = view.entity(on)?;
    let mut draft = Draft::about(&[machine.id.as_str()]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "Mail to {} starts {} on {}: on a new mail server it is not there.",
        agree(found.len(), "one address or rule", "some addresses"),
        count(found.len(), "program", "programs"),
        machine.name
    );
    draft.indicator =
        names(found.iter().map(|(program, entry)| {
            format!("{program} ({}:{})", entry.route.file, entry.route.line)
        }));
    "Tickets, orders or faxes that come by mail are no longer worked on; the mail bounces or lies in a box nobody reads.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out what each program does with the mail, and who waits for it.",
        "Move the program with its settings, or let it fetch its mail from a mailbox of its own.",
        "Send one test mail to each address after the switch.",
    ];
    draft.points_at(machine);
    found
        .iter()
        .for_each(|(_, entry)| draft.cites_evidence(&entry.evidence));
    Some(draft)
}
