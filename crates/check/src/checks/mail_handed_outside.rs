//! `mail-handed-on-outside`: mailboxes that hand their mail on to somebody outside.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Likelihood, Severity};
use groma_model::mailbox::{MailboxTieEntry, TieWay};

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailHandedOutside;

impl Check for MailHandedOutside {
    fn name(&self) -> &'static str {
        "mail-handed-on-outside"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let own = own_domains(view);
        let outside = |tie: &&MailboxTieEntry| {
            tie.ways.contains(&TieWay::Forward)
                && domain(&tie.other).is_some_and(|domain| !is_own(&domain, &own))
        };
        let ties: Vec<&MailboxTieEntry> = view.all(|i| &i.mailbox_ties).filter(outside).collect();
        match ties.is_empty() || own.is_empty() {
            true => Vec::new(),
            false => vec![draft(view, &ties)],
        }
    }
}

fn domain(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    Some(domain.trim_end_matches('>').to_lowercase())
}

/// Domains of mailboxes that have one in a list, and those whose mail was asked about. Where nobody says, nobody is judged.
fn own_domains(view: &View<'_>) -> BTreeSet<String> {
    let ties = view.all(|i| &i.mailbox_ties);
    let mailboxes = ties.flat_map(|tie| std::iter::once(&tie.mailbox).chain(&tie.names));
    let asked = view
        .all(|i| &i.mail_records)
        .map(|r| r.domain.as_str().to_owned());
    mailboxes
        .filter_map(|name| domain(name))
        .chain(asked)
        .collect()
}

fn is_own(domain: &str, own: &BTreeSet<String>) -> bool {
    own.iter()
        .any(|known| domain == known || domain.ends_with(&format!(".{known}")))
}

fn draft(view: &View<'_>, ties: &[&MailboxTieEntry]) -> Draft {
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    for domain in ties.iter().filter_map(|tie| domain(&tie.other)) {
        *domains.entry(domain).or_default() += 1;
    }
    let mailboxes: BTreeSet<&str> = ties.iter().map(|tie| tie.mailbox.as_str()).collect();
    let mut draft = Draft::about(&["mailboxes"]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} mail on to addresses outside: a rule that is lost in the move ends it without a word, and one that is kept takes mail out of the house.",
        count(mailboxes.len(), "mailbox", "mailboxes"),
        agree(mailboxes.len(), "hands", "hand"),
    );
    let to = domains
        .iter()
        .map(|(domain, number)| format!("{domain} ({number})"));
    draft.indicator = format!("from {} to {}", names(mailboxes.iter().copied()), names(to));
    "Orders and alarms that somebody outside waits for stop arriving; new mail systems often refuse such rules, and answers from the new address fail SPF at the other end.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask each owner whether it is still wanted; who outside relies on it must hear the date.",
        "Make those that stay known to the new system before the wave: it may forbid them until told otherwise.",
    ];
    for tie in ties {
        let lists = tie.lists.iter().filter_map(|id| view.entity(id));
        lists.for_each(|list| draft.points_at(list));
        draft.cites_evidence(&tie.evidence);
    }
    draft
}
