//! `mailboxes-tied`: mailboxes that must move together, because somebody works in more than one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::mailbox::{MailboxTieEntry, TieWay, mailbox_key_at};

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
        let ties: Vec<Told<'_>> = view
            .all(|i| &i.mailbox_ties)
            .filter(|tie| binds(tie))
            .map(|tie| Told::of(view, tie))
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

/// A tie, and the mail server whose own files alone say so.
struct Told<'a> {
    tie: &'a MailboxTieEntry,
    server: Option<&'a EntityId>,
}

impl<'a> Told<'a> {
    fn of(view: &View<'_>, tie: &'a MailboxTieEntry) -> Self {
        let is_server = |id: &&EntityId| view.entity(id).is_some_and(|e| e.kind != "list");
        let server = tie
            .lists
            .first()
            .filter(|_| tie.lists.iter().all(|id| is_server(&id)));
        Self { tie, server }
    }

    /// What makes two spellings of a mailbox one.
    fn key(&self, name: &str) -> String {
        mailbox_key_at(name, self.server)
    }
}

/// Keys of names that belong together, as a forest: each points towards one that stands for its group.
#[derive(Default)]
struct Forest {
    number_of: HashMap<String, usize>,
    towards: Vec<usize>,
}

impl Forest {
    fn number(&mut self, key: String) -> usize {
        let next = self.towards.len();
        let number = *self.number_of.entry(key).or_insert(next);
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

    fn top_of(&mut self, key: String) -> usize {
        let number = self.number(key);
        self.top(number)
    }

    fn join(&mut self, one: String, other: String) {
        let (one, other) = (self.number(one), self.number(other));
        let (one, other) = (self.top(one), self.top(other));
        if let Some(slot) = self.towards.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }
}

/// Names that are those of several mailboxes, as two people are called Anna Berg: mailboxes are told apart by their
/// addresses, and two addresses are one mailbox's where a list gives it both.
fn shared_names(ties: &[Told<'_>]) -> HashSet<String> {
    let is_address = |name: &&String| name.contains('@');
    let mut sure = Forest::default();
    for told in ties.iter().filter(|told| told.tie.mailbox.contains('@')) {
        for address in told.tie.names.iter().filter(is_address) {
            sure.join(told.key(&told.tie.mailbox), told.key(address));
        }
    }
    let mut mailbox_of: HashMap<String, usize> = HashMap::new();
    let mut shared = HashSet::new();
    for told in ties.iter().filter(|told| told.tie.mailbox.contains('@')) {
        let mailbox = sure.top_of(told.key(&told.tie.mailbox));
        for name in told.tie.names.iter().filter(|name| !is_address(name)) {
            let key = told.key(name);
            if *mailbox_of.entry(key.clone()).or_insert(mailbox) != mailbox {
                shared.insert(key);
            }
        }
    }
    shared
}

/// The groups: whoever is tied to one of a group belongs to it. Each by the names of its members, largest first.
fn groups<'a>(ties: &[Told<'a>]) -> Vec<BTreeSet<&'a str>> {
    // What a list calls one mailbox is one member; ties make groups of members.
    let (mut same, mut tied) = (Forest::default(), Forest::default());
    let shared = shared_names(ties);
    for told in ties {
        let mailbox = || told.key(&told.tie.mailbox);
        let keys = told.tie.names.iter().map(|name| told.key(name));
        for key in keys.filter(|key| !shared.contains(key)) {
            same.join(mailbox(), key.clone());
            tied.join(mailbox(), key);
        }
        tied.join(mailbox(), told.key(&told.tie.other));
    }
    let mut groups: BTreeMap<usize, BTreeMap<usize, &str>> = BTreeMap::new();
    let names = ties.iter().flat_map(|told| {
        let both = [told.tie.mailbox.as_str(), told.tie.other.as_str()];
        both.map(|name| (told.key(name), name))
    });
    for (key, name) in names {
        let (member, group) = (same.top_of(key.clone()), tied.top_of(key));
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

fn draft(view: &View<'_>, ties: &[Told<'_>]) -> Draft {
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
        .flat_map(|told| &told.tie.lists)
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
        .for_each(|told| draft.cites_evidence(&told.tie.evidence));
    draft
}
