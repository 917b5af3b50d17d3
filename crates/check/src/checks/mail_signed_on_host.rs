//! `mail-signed-on-host`: a machine signs mail with a key that lies on it (DKIM).

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::{MailPurpose, RouteRule, RouteTarget};
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};
use groma_model::route::MailRouteEntry;

use crate::wording::{names, place_of};
use crate::{Check, Draft, View};

pub(crate) struct MailSignedOnHost;

/// A rule by which a machine signs.
pub(crate) struct Signature<'a> {
    /// The domain; `None` where the settings leave it open.
    pub(crate) domain: Option<&'a str>,
    pub(crate) selector: &'a str,
    pub(crate) entry: &'a MailRouteEntry,
}

/// Every rule by which somebody signs.
pub(crate) fn signatures<'a>(view: &View<'a>) -> Vec<Signature<'a>> {
    let routes = view.all(|i| &i.mail_routes);
    let signing = routes.filter(|entry| entry.route.rule == RouteRule::Signing);
    let signature = |entry: &'a MailRouteEntry| match &entry.route.to {
        RouteTarget::Selector { name } => Some(Signature {
            domain: entry.route.from.as_deref(),
            selector: name,
            entry,
        }),
        _ => None,
    };
    signing.filter_map(signature).collect()
}

impl Check for MailSignedOnHost {
    fn name(&self) -> &'static str {
        "mail-signed-on-host"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let records = view.all(|i| &i.mail_records);
        let strict: BTreeSet<&str> = records
            .filter(|record| record.purpose == MailPurpose::Dmarc && is_strict(record))
            .map(|record| record.domain.as_str())
            .collect();
        let mut by: BTreeMap<&EntityId, Vec<Signature<'_>>> = BTreeMap::new();
        for signature in signatures(view) {
            by.entry(&signature.entry.on).or_default().push(signature);
        }
        let drafts = by.into_iter();
        drafts
            .filter_map(|(on, found)| draft(view, on, &found, &strict))
            .collect()
    }
}

/// True if receivers are asked to refuse or put aside what fails (RFC 7489 §6.3).
fn is_strict(record: &MailRecordEntry) -> bool {
    let policies = record.values.iter().flat_map(|text| text.split(';'));
    policies
        .filter_map(|tag| tag.split_once('='))
        .any(|(tag, value)| {
            let value = value.trim().to_ascii_lowercase();
            tag.trim().eq_ignore_ascii_case("p") && matches!(&*value, "reject" | "quarantine")
        })
}

fn draft(
    view: &View<'_>,
    on: &EntityId,
    found: &[Signature<'_>],
    strict: &BTreeSet<&str>,
) -> Option<Draft> {
    let machine = view.entity(on)?;
    let mut draft = Draft::about(&[machine.id.as_str()]);
    let strictly = found
        .iter()
        .filter_map(|s| s.domain.filter(|domain| strict.contains(domain)));
    let strictly: BTreeSet<&str> = strictly.collect();
    draft.severity = match strictly.is_empty() {
        true => Severity::Medium,
        false => Severity::High,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let domains: BTreeSet<&str> = found.iter().filter_map(|s| s.domain).collect();
    let whose = match domains.is_empty() {
        true => "mail".to_owned(),
        false => format!("mail of {}", names(domains)),
    };
    draft.risk = format!(
        "{} signs {whose} with a key that lies on it: what another server sends is not signed, or with a key nobody can check.",
        machine.name
    );
    draft.indicator = names(found.iter().map(|s| {
        let route = &s.entry.route;
        let place = place_of(&route.file, route.line);
        let whose = s.domain.map(|domain| format!(" for {domain}"));
        let whose = whose.unwrap_or_default();
        format!(
            "{}: selector {}{whose} ({place})",
            route.product, s.selector
        )
    }));
    draft.impact = match strictly.is_empty() {
        true => "From the night of the move on, mail lies in junk with some receivers.".to_owned(),
        false => format!(
            "{} asks receivers to refuse or put aside mail without a good signature (DMARC): from the night of the move on they may.",
            names(strictly)
        ),
    };
    draft.mitigations = vec![
        "Give the new server a key and a selector of its own, and publish it before the switch; leave the old one published for a week.",
        "Or carry the key over by a way nobody else can read, with the table that says which domain is signed with which.",
        "Send a mail to a mailbox outside from the new server and read what its receiver says of the signature.",
    ];
    draft.points_at(machine);
    found
        .iter()
        .for_each(|s| draft.cites_evidence(&s.entry.evidence));
    Some(draft)
}
