//! Who may do what: rights on content, delegates of mailboxes, members of groups.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Inventory, Right};
use groma_model::mailbox::{MailboxTieEntry, mailbox_key};

use super::case::Case;
use super::contents::{Contents, Handover, blank};
use super::matching::{label, root};
use crate::outcome::{ContentKind, ContentRow, Judgement};

/// Who, what, on which part.
type Key = (String, String, String);

/// Rights of the old place that are missing on the new one, and rights that came in addition.
pub(crate) fn of(
    old: &Entity,
    new: &Entity,
    handover: &Handover<'_>,
    before: &Contents<'_>,
    after: &Contents<'_>,
) -> Vec<ContentRow> {
    let had = rights(before.rights.get(&old.id), &root(old));
    let has = rights(after.rights.get(&new.id), &root(new));
    if had.is_empty() && has.is_empty() {
        return Vec::new();
    }
    let written = |rights: &BTreeMap<Key, &Right>| {
        rights
            .values()
            .map(|r| r.written_as.clone())
            .collect::<BTreeSet<_>>()
    };
    // A mode of nine letters and an access list say the same in other words: a person must compare them.
    let alike = !written(&had).is_disjoint(&written(&has));
    let mut rows = Vec::new();
    if !alike && !had.is_empty() {
        let mut row = blank(ContentKind::Right, label(old), handover);
        row.verdict = Judgement::Ask;
        row.before = Some(format!("{} rights", had.len()));
        row.after = Some(format!("{} rights", has.len()));
        row.says = match has.is_empty() {
            true => "no rights were read at the new place".to_owned(),
            false => "they are written in another way there: compare them by hand".to_owned(),
        };
        return vec![row];
    }
    for (key, right) in had
        .iter()
        .filter(|(k, r)| !has.contains_key(*k) && !r.orphan)
    {
        let mut row = blank(ContentKind::Right, subject(old, key), handover);
        row.before = Some(format!("{} for {}", right.right, right.principal));
        row.verdict = if handover.stays {
            Judgement::Ask
        } else {
            Judgement::Fail
        };
        row.says = format!("missing at {}", handover.to_name);
        row.evidence = right.evidence.clone();
        rows.push(row);
    }
    for (key, right) in has.iter().filter(|(k, _)| !had.contains_key(*k)) {
        let mut row = blank(ContentKind::Right, subject(old, key), handover);
        row.after = Some(format!("{} for {}", right.right, right.principal));
        row.verdict = Judgement::Ask;
        row.says = format!("in addition at {}", handover.to_name);
        row.evidence = right.evidence.clone();
        rows.push(row);
    }
    rows
}

fn subject(entity: &Entity, key: &Key) -> String {
    match key.2.as_str() {
        "" => label(entity),
        part => format!("{part} in {}", label(entity)),
    }
}

fn rights<'a>(list: Option<&Vec<&'a Right>>, root: &str) -> BTreeMap<Key, &'a Right> {
    let key = |right: &Right| {
        let path = right.path.as_deref().unwrap_or_default();
        let below = path
            .strip_prefix(root)
            .filter(|_| !root.is_empty())
            .unwrap_or(path);
        (
            right.principal.to_lowercase(),
            right.right.clone(),
            below.trim_matches('/').to_lowercase(),
        )
    };
    let list = list.into_iter().flatten();
    list.map(|right| (key(right), *right)).collect()
}

/// Ties between mailboxes that went with the old place, and did not come along.
pub(crate) fn delegates(case: &Case<'_>) -> Vec<ContentRow> {
    if case.before.mailbox_ties == case.after.mailbox_ties && case.moves.is_empty() {
        return Vec::new();
    }
    let mail = is_about_mail(case);
    let gone: BTreeSet<&EntityId> = case.moves.iter().flat_map(|m| &m.from).collect();
    let here: BTreeSet<&EntityId> = case.moves.iter().flat_map(|m| &m.to).collect();
    let has = ties(
        case.after
            .mailbox_ties
            .iter()
            .filter(|t| t.lists.is_empty() || t.lists.iter().any(|l| !gone.contains(l))),
    );
    let mut rows = Vec::new();
    for tie in &case.before.mailbox_ties {
        let of_server = tie.lists.iter().any(|l| gone.contains(l));
        if !of_server && !mail {
            continue;
        }
        let now = has.get(&tie_key(tie));
        let missing: Vec<&str> = tie
            .ways
            .iter()
            .filter(|w| !now.is_some_and(|n| n.contains(w.as_str())))
            .map(|w| w.as_str())
            .collect();
        if !missing.is_empty() {
            rows.push(tied(case, tie, &missing, of_server, &here));
        }
    }
    let had = ties(case.before.mailbox_ties.iter());
    for tie in case.after.mailbox_ties.iter().filter(|_| mail) {
        let before = had.get(&tie_key(tie));
        let new: Vec<&str> = tie
            .ways
            .iter()
            .filter(|w| !before.is_some_and(|n| n.contains(w.as_str())))
            .map(|w| w.as_str())
            .collect();
        if !new.is_empty() {
            let mut row = blank(
                ContentKind::Delegate,
                tie.mailbox.clone(),
                &lists(case, tie),
            );
            row.after = Some(format!("{} for {}", new.join(", "), tie.other));
            row.verdict = Judgement::Ask;
            row.says = "in addition".to_owned();
            row.evidence = tie.evidence.clone();
            rows.push(row);
        }
    }
    rows
}

fn tied(
    case: &Case<'_>,
    tie: &MailboxTieEntry,
    missing: &[&str],
    of_server: bool,
    here: &BTreeSet<&EntityId>,
) -> ContentRow {
    let mut row = blank(
        ContentKind::Delegate,
        tie.mailbox.clone(),
        &lists(case, tie),
    );
    row.before = Some(format!("{} for {}", missing.join(", "), tie.other));
    row.evidence = tie.evidence.clone();
    let looked = !of_server
        || here
            .iter()
            .any(|id| case.looks.has_source(id, "host.mailbox-rights"))
        || case
            .after
            .mailbox_ties
            .iter()
            .any(|t| t.lists.iter().any(|l| here.contains(l)));
    (row.verdict, row.says) = if looked {
        (Judgement::Fail, "missing afterwards".to_owned())
    } else {
        (
            Judgement::Ask,
            "nobody read the rights of mailboxes at the new place".to_owned(),
        )
    };
    if of_server {
        row.to = here
            .iter()
            .map(|id| case.name(id))
            .collect::<Vec<_>>()
            .join(", ");
    }
    row
}

/// The place of a row that stands in a list, before and after.
fn lists<'h>(case: &Case<'_>, tie: &MailboxTieEntry) -> Handover<'h> {
    static NOWHERE: BTreeSet<EntityId> = BTreeSet::new();
    let names: Vec<String> = tie.lists.iter().map(|l| case.name(l)).collect();
    Handover {
        from: &NOWHERE,
        to: &NOWHERE,
        from_name: names.join(", "),
        to_name: names.join(", "),
        stays: false,
    }
}

fn tie_key(tie: &MailboxTieEntry) -> (String, String) {
    (mailbox_key(&tie.mailbox), mailbox_key(&tie.other))
}

fn ties<'a>(
    entries: impl Iterator<Item = &'a MailboxTieEntry>,
) -> BTreeMap<(String, String), BTreeSet<&'static str>> {
    let mut all: BTreeMap<_, BTreeSet<&'static str>> = BTreeMap::new();
    for tie in entries {
        let ways = tie.ways.iter().map(|w| w.as_str());
        all.entry(tie_key(tie)).or_default().extend(ways);
    }
    all
}

/// True if a machine of the wave serves mail, or mail lies on it: then mailboxes and their groups are this wave's matter.
fn is_about_mail(case: &Case<'_>) -> bool {
    let machines: BTreeSet<&EntityId> = case
        .moves
        .iter()
        .flat_map(|m| &m.from)
        .chain(&case.members)
        .collect();
    let serves = |d: &&groma_model::inventory::Dependency| {
        d.layer == "mail" && machines.contains(&d.provider.entity)
    };
    let is_mail = |e: &&Entity| {
        let lies = e
            .attributes
            .lies_on
            .as_ref()
            .is_some_and(|id| machines.contains(id));
        (e.layer == "mail" && machines.contains(&e.id)) || (e.kind == "archive" && lies)
    };
    case.before.entities.iter().any(|e| is_mail(&e))
        || case.before.dependencies.iter().any(|d| serves(&d))
}

/// Classes of a directory whose objects are about people who use mail, and whether a value that is gone is a loss.
const CLASSES: &[(&str, bool)] = &[
    ("mailbox", false),
    ("mailbox-rights", true),
    ("mail-group", true),
];

type Objects<'a> = BTreeMap<(&'a str, &'a str, String), (&'a EntityId, &'a DirectoryEntry)>;

/// Mailboxes, rights in them and groups that a directory knew before and does not know now, and what they say.
pub(crate) fn members(case: &Case<'_>) -> Vec<ContentRow> {
    let had = objects(case.before);
    if had.is_empty() || !is_about_mail(case) {
        return Vec::new();
    }
    let has = objects(case.after);
    let told: BTreeSet<(&str, &str)> = has
        .keys()
        .map(|(directory, class, _)| (*directory, *class))
        .collect();
    let mut rows = Vec::new();
    for (key, (directory, entry)) in &had {
        let (class, name) = (key.1, entry.object.name.to_string());
        let place = Handover {
            from: &BTreeSet::new(),
            to: &BTreeSet::new(),
            from_name: case.name(directory),
            to_name: case.name(directory),
            stays: false,
        };
        let Some((_, now)) = has.get(key) else {
            if told.contains(&(key.0, class)) {
                let mut row = blank(ContentKind::Member, name, &place);
                row.before = Some(class.to_owned());
                row.verdict = Judgement::Fail;
                row.says = "the directory does not hold it any more".to_owned();
                row.evidence = entry.evidence.clone();
                rows.push(row);
            }
            continue;
        };
        let counts = CLASSES
            .iter()
            .any(|(word, counts)| *word == class && *counts);
        if counts {
            rows.extend(values(&name, entry, now, &place));
        }
    }
    rows
}

fn objects(inventory: &Inventory) -> Objects<'_> {
    let mut objects = Objects::new();
    for entity in &inventory.entities {
        for entry in &entity.attributes.directory_objects {
            let object = &entry.object;
            if CLASSES.iter().any(|(class, _)| *class == object.class) {
                let key = (
                    object.directory.as_str(),
                    object.class.as_str(),
                    object.dn.to_string().to_lowercase(),
                );
                objects.insert(key, (&entity.id, entry));
            }
        }
    }
    objects
}

fn values(
    name: &str,
    old: &DirectoryEntry,
    new: &DirectoryEntry,
    place: &Handover<'_>,
) -> Vec<ContentRow> {
    let said = |entry: &DirectoryEntry| -> BTreeSet<(String, String)> {
        let each = entry.object.attributes.iter();
        each.flat_map(|(k, list)| list.iter().map(move |v| (k.clone(), v.clone())))
            .collect()
    };
    let (had, has) = (said(old), said(new));
    let row = |(attribute, value): &(String, String), is_gone: bool| {
        let mut row = blank(ContentKind::Member, name.to_owned(), place);
        let what = Some(format!("{attribute} {value}"));
        (row.before, row.after) = if is_gone { (what, None) } else { (None, what) };
        row.verdict = if is_gone {
            Judgement::Fail
        } else {
            Judgement::Ask
        };
        row.says = if is_gone {
            "missing afterwards"
        } else {
            "in addition"
        }
        .to_owned();
        row.evidence = old.evidence.iter().chain(&new.evidence).cloned().collect();
        row.evidence.sort();
        row.evidence.dedup();
        row
    };
    let gone = had.difference(&has).map(|v| row(v, true));
    gone.chain(has.difference(&had).map(|v| row(v, false)))
        .collect()
}
