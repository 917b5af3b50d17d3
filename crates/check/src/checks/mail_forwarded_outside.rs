//! `mail-forwarded-outside`: an alias, a forward or a filter rule sends mail to a domain that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::inventory::{Likelihood, Severity};
use groma_model::route::{MailRouteEntry, is_own, own_domains};

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailForwardedOutside;

impl Check for MailForwardedOutside {
    fn name(&self) -> &'static str {
        "mail-forwarded-outside"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let asked = view.all(|i| &i.mail_records).map(|r| &r.domain);
        let mut own = own_domains(view.all(|i| &i.mail_routes), asked);
        own.extend(homes(view));
        let mut by: BTreeMap<(&EntityId, bool), Vec<(&str, &MailRouteEntry)>> = BTreeMap::new();
        for entry in view.all(|i| &i.mail_routes) {
            let RouteTarget::Domain { domain } = &entry.route.to else {
                continue;
            };
            let of_a_person = match entry.route.rule {
                RouteRule::Alias | RouteRule::Redirect => false,
                RouteRule::Forward | RouteRule::Sieve => true,
                _ => continue,
            };
            if !is_own(domain.as_str(), &own) {
                let group = by.entry((&entry.on, of_a_person)).or_default();
                group.push((domain.as_str(), entry));
            }
        }
        let drafts = by.into_iter();
        drafts
            .filter_map(|((on, of_a_person), found)| draft(view, on, of_a_person, &found))
            .collect()
    }
}

/// Domains in which machines that were looked at have their names: mail to them stays in the house, even where the server
/// that takes it was not looked at.
fn homes(view: &View<'_>) -> BTreeSet<String> {
    let looked_at = view.entities().filter(|entity| entity.has_agent);
    let names = looked_at.flat_map(|entity| entity.names.iter().chain([&entity.name]));
    let domains = names.filter_map(|name| name.split_once('.').map(|(_, domain)| domain));
    domains
        .filter(|domain| domain.contains('.') && domain.bytes().any(|b| b.is_ascii_alphabetic()))
        .map(str::to_lowercase)
        .filter(|domain| !is_of_many(domain))
        .collect()
}

/// First parts below which a country's registry gives out names: `co.uk`, `com.br`, `or.at`.
const REGISTRIES: &[&str] = &[
    "ac", "co", "com", "edu", "gob", "gov", "gv", "ltd", "mil", "ne", "net", "nom", "or", "org",
    "plc", "sch",
];

/// True for a domain that is everybody's in a country: a machine called `corp.co.uk` makes not all of `co.uk` its house.
fn is_of_many(domain: &str) -> bool {
    domain
        .split_once('.')
        .is_some_and(|(first, country)| country.len() == 2 && REGISTRIES.contains(&first))
}

fn draft(
    view: &View<'_>,
    on: &EntityId,
    of_a_person: bool,
    found: &[(&str, &MailRouteEntry)],
) -> Option<Draft> {
    let machine = view.entity(on)?;
    let group = if of_a_person { "users" } else { "aliases" };
    let mut draft = Draft::about(&[machine.id.as_str(), group]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let mut entries: BTreeMap<&str, u32> = BTreeMap::new();
    for (domain, entry) in found {
        let sum = entries.entry(domain).or_default();
        *sum = sum.saturating_add(entry.route.entries.max(1));
    }
    let all = entries
        .values()
        .fold(0_u32, |sum, n| sum.saturating_add(*n)) as usize;
    let what = match of_a_person {
        true => count(all, "rule of a user", "rules of users"),
        false => count(all, "alias", "aliases"),
    };
    draft.risk = format!(
        "{what} on {} {} mail out of the house: after the move it goes nowhere, or still goes where nobody wants it any more.",
        machine.name,
        agree(all, "sends", "send")
    );
    let lead = |(domain, n): (&str, u32)| {
        format!("{n} {} to {domain}", agree(n as usize, "leads", "lead"))
    };
    let places = names(found.iter().map(|(_, entry)| entry.route.file.to_string()));
    draft.indicator = format!(
        "{}; written in {places}",
        names(entries.into_iter().map(lead))
    );
    "Mail of customers or of one's own people leaves by a way nobody listed; who relied on it notices days later.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask the owner of each whether it is still wanted; take out what is not.",
        "Set up what stays on the new system before the switch, and send a test through each.",
        "Where mail must not leave the house, have somebody decide who answers for that.",
    ];
    draft.points_at(machine);
    found
        .iter()
        .for_each(|(_, entry)| draft.cites_evidence(&entry.evidence));
    Some(draft)
}
