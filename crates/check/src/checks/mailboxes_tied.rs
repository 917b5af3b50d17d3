//! `mailboxes-tied`: mailboxes that must move together, because somebody works in more than one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::mailbox::{MailboxTieEntry, TieWay, mailbox_key};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

/// Groups that are told by name.
const GROUPS_TOLD: usize = 3;

pub(crate) struct MailboxesTied;

impl Check for MailboxesTied {
    fn name(&self) -> &'static str {
        "mailboxes-tied"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let ties: Vec<&MailboxTieEntry> = view
            .all(|i| &i.mailbox_ties)
            .filter(|tie| binds(tie))
            .collect();
        match ties.is_empty() {
            true => Vec::new(),
            false => vec![draft(view, &ties)],
        }
    }
}

/// True if the two must be on one side. What everybody may, a calendar that is only read and mail that is handed on work
/// over the border too.
fn binds(tie: &MailboxTieEntry) -> bool {
    const READS: &[&str] = &[
        "reviewer",
        "readitems",
        "contributor",
        "lookup",
        "read",
        "write-seen",
    ];
    let keeps = || {
        tie.rights
            .iter()
            .any(|right| !READS.contains(&right.to_lowercase().as_str()))
    };
    tie.other != "everybody"
        && tie.ways.iter().any(|way| match way {
            TieWay::FullAccess | TieWay::SendAs | TieWay::SendOnBehalf => true,
            TieWay::Calendar | TieWay::Folder => keeps(),
            TieWay::Forward => false,
        })
}

/// Names that belong together, as a forest: each points towards one that stands for its group.
#[derive(Default)]
struct Forest {
    number_of: HashMap<String, usize>,
    towards: Vec<usize>,
}

impl Forest {
    fn number(&mut self, name: &str) -> usize {
        let next = self.towards.len();
        let number = *self.number_of.entry(mailbox_key(name)).or_insert(next);
        if number == next {
            self.towards.push(next);
        }
        number
    }

    /// The one that stands for the group of `at`; whom it passes is led halfway there.
    fn top(&mut self, mut at: usize) -> usize {
        while let Some(next) = self.towards.get(at).copied().filter(|next| *next != at) {
            let further = self.towards.get(next).copied().unwrap_or(next);
            if let Some(slot) = self.towards.get_mut(at) {
                *slot = further;
            }
            at = further;
        }
        at
    }

    fn top_of(&mut self, name: &str) -> usize {
        let number = self.number(name);
        self.top(number)
    }

    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.number(one), self.number(other));
        let (one, other) = (self.top(one), self.top(other));
        if let Some(slot) = self.towards.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }
}

/// Names that are those of several mailboxes, as two people are called Anna Berg: mailboxes are told apart by their
/// addresses, and two addresses are one mailbox's where a list gives it both.
fn shared_names(ties: &[&MailboxTieEntry]) -> HashSet<String> {
    let is_address = |name: &&String| name.contains('@');
    let mut sure = Forest::default();
    for tie in ties.iter().filter(|tie| tie.mailbox.contains('@')) {
        for address in tie.names.iter().filter(is_address) {
            sure.join(&tie.mailbox, address);
        }
    }
    let mut mailbox_of: HashMap<String, usize> = HashMap::new();
    let mut shared = HashSet::new();
    for tie in ties.iter().filter(|tie| tie.mailbox.contains('@')) {
        let mailbox = sure.top_of(&tie.mailbox);
        for name in tie.names.iter().filter(|name| !is_address(name)) {
            let key = mailbox_key(name);
            if *mailbox_of.entry(key.clone()).or_insert(mailbox) != mailbox {
                shared.insert(key);
            }
        }
    }
    shared
}

/// The groups: whoever is tied to one of a group belongs to it. Each by the names of its members, largest first.
fn groups<'a>(ties: &[&'a MailboxTieEntry]) -> Vec<BTreeSet<&'a str>> {
    // What a list calls one mailbox is one member; ties make groups of members.
    let (mut same, mut tied) = (Forest::default(), Forest::default());
    let shared = shared_names(ties);
    for tie in ties {
        for name in tie
            .names
            .iter()
            .filter(|name| !shared.contains(&mailbox_key(name)))
        {
            same.join(&tie.mailbox, name);
            tied.join(&tie.mailbox, name);
        }
        tied.join(&tie.mailbox, &tie.other);
    }
    let mut groups: BTreeMap<usize, BTreeMap<usize, &str>> = BTreeMap::new();
    for name in ties.iter().flat_map(|tie| [&tie.mailbox, &tie.other]) {
        let (member, group) = (same.top_of(name), tied.top_of(name));
        groups
            .entry(group)
            .or_default()
            .entry(member)
            .or_insert(name);
    }
    let mut out: Vec<BTreeSet<&str>> = groups
        .into_values()
        .map(|group| group.into_values().collect())
        .collect();
    out.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    out
}

fn draft(view: &View<'_>, ties: &[&MailboxTieEntry]) -> Draft {
    let groups = groups(ties);
    let largest = groups.first().map_or(0, BTreeSet::len);
    let mut draft = Draft::about(&["mailboxes"]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} must move together: people work in each other's mailboxes, and such rights do not reach from one mail system into another.",
        count(groups.len(), "group of mailboxes", "groups of mailboxes")
    );
    let told: Vec<String> = groups
        .iter()
        .take(GROUPS_TOLD)
        .map(|group| names(group.iter().copied()))
        .collect();
    let lists: BTreeMap<&EntityId, &Entity> = ties
        .iter()
        .flat_map(|tie| &tie.lists)
        .filter_map(|id| Some((id, view.entity(id)?)))
        .collect();
    draft.indicator = format!(
        "{}, the largest of {largest}: {} (as {} says)",
        count(ties.len(), "tie", "ties"),
        told.join("; "),
        names(lists.values().map(|list| list.name.as_str()))
    );
    "On the morning after, assistants stand before closed calendars and shared mailboxes answer nobody.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Put each group into one wave; split a large one only where its people agree.",
        "Export the rights again right before the wave, and set them on the other side.",
    ];
    lists.values().for_each(|list| draft.points_at(list));
    ties.iter()
        .for_each(|tie| draft.cites_evidence(&tie.evidence));
    draft
}
