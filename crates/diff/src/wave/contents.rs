//! What lay on the old machines, and what lies on the new ones: mailboxes, archives, databases, shares.
//!
//! Items are counted one by one by whoever looks, so there must be as many as before. Bytes differ by how a product
//! stores the same; without a count of items they must not shrink by more than a tenth.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory, Volume};

use super::case::Case;
use super::matching::{kind, label, last_of, match_up, part_of, root, unique_last};
use super::rights;
use super::to_do::{Task, Tasks};
use crate::outcome::{Because, ContentKind, ContentRow, Judgement};

/// Of a hundred bytes so many must be there again, where nobody counted items.
const BYTES_PERCENT: u128 = 90;

/// One place and the one that took over.
pub(crate) struct Handover<'h> {
    pub(crate) from: &'h BTreeSet<EntityId>,
    pub(crate) to: &'h BTreeSet<EntityId>,
    pub(crate) from_name: String,
    pub(crate) to_name: String,
    /// True for a member that stays where it is: people work on it, so less may be meant.
    pub(crate) stays: bool,
}

/// One row per mailbox, share, database, right, delegate and member.
pub(crate) fn compare(case: &Case<'_>, tasks: &mut Tasks) -> Vec<ContentRow> {
    let (old, new) = (Contents::of(case.before), Contents::of(case.after));
    let members: Vec<BTreeSet<EntityId>> = case
        .members
        .iter()
        .map(|id| BTreeSet::from([id.clone()]))
        .collect();
    let moves = case.moves.iter().map(|m| Handover {
        from: &m.from,
        to: &m.to,
        from_name: m.promise.from.clone(),
        to_name: m.promise.to.clone(),
        stays: false,
    });
    let taken: BTreeSet<&EntityId> = case.moves.iter().flat_map(|m| &m.to).collect();
    let staying = members
        .iter()
        .filter(|m| !m.iter().all(|id| taken.contains(id)));
    let staying = staying.map(|m| Handover {
        from: m,
        to: m,
        from_name: m.iter().map(|id| case.name(id)).collect(),
        to_name: m.iter().map(|id| case.name(id)).collect(),
        stays: true,
    });
    let mut rows = Vec::new();
    for handover in moves.chain(staying) {
        rows.extend(handed_over(case, &old, &new, &handover));
    }
    rows.extend(rights::delegates(case));
    rows.extend(rights::members(case));
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows.dedup();
    remind(case, &rows, tasks);
    rows
}

fn order(row: &ContentRow) -> (Judgement, ContentKind, &str, &str, &str, &str) {
    (
        row.verdict,
        row.kind,
        &row.from,
        &row.to,
        &row.subject,
        &row.says,
    )
}

/// What lies on each machine of one document.
pub(crate) struct Contents<'a> {
    lying: BTreeMap<&'a EntityId, Vec<&'a Entity>>,
    volumes: BTreeMap<&'a EntityId, Vec<&'a Volume>>,
    pub(crate) rights: BTreeMap<&'a EntityId, Vec<&'a groma_model::inventory::Right>>,
}

impl<'a> Contents<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut contents = Self {
            lying: BTreeMap::new(),
            volumes: BTreeMap::new(),
            rights: BTreeMap::new(),
        };
        for entity in &inventory.entities {
            if let Some(on) = entity
                .attributes
                .lies_on
                .as_ref()
                .filter(|_| kind(entity).is_some())
            {
                contents.lying.entry(on).or_default().push(entity);
            }
        }
        for list in contents.lying.values_mut() {
            list.sort_by(|a, b| a.id.cmp(&b.id));
        }
        for volume in &inventory.volumes {
            contents
                .volumes
                .entry(&volume.entity)
                .or_default()
                .push(volume);
        }
        for right in &inventory.rights {
            contents.rights.entry(&right.on).or_default().push(right);
        }
        contents
    }

    fn on(&self, machines: &BTreeSet<EntityId>) -> Vec<&'a Entity> {
        let lists = machines.iter().filter_map(|m| self.lying.get(m));
        lists.flatten().copied().collect()
    }
}

fn handed_over(
    case: &Case<'_>,
    old: &Contents<'_>,
    new: &Contents<'_>,
    handover: &Handover<'_>,
) -> Vec<ContentRow> {
    let mut rows = Vec::new();
    let matched = match_up(&old.on(handover.from), &new.on(handover.to));
    let mut unlooked: BTreeMap<ContentKind, usize> = BTreeMap::new();
    for pair in matched {
        let Some(kind) = kind(pair.old) else { continue };
        let Some(new_one) = pair.new else {
            if looked_at(case, handover, kind) {
                rows.push(absent(pair.old, kind, handover, old));
            } else {
                *unlooked.entry(kind).or_default() += 1;
            }
            continue;
        };
        rows.extend(sizes(pair.old, new_one, kind, handover, old, new));
        rows.extend(rights::of(pair.old, new_one, handover, old, new));
    }
    let unlooked = unlooked.into_iter();
    rows.extend(unlooked.map(|(kind, number)| nobody_looked(kind, number, handover)));
    rows
}

/// True if somebody looked for this sort of content at the new place.
fn looked_at(case: &Case<'_>, handover: &Handover<'_>, kind: ContentKind) -> bool {
    let source = match kind {
        ContentKind::Database => "host.databases",
        ContentKind::Share => "host.shares",
        _ => "host.archives",
    };
    handover
        .to
        .iter()
        .any(|id| case.looks.has_source(id, source))
}

/// A row with nothing in it yet.
pub(crate) fn blank(kind: ContentKind, subject: String, handover: &Handover<'_>) -> ContentRow {
    ContentRow {
        kind,
        subject,
        from: handover.from_name.clone(),
        to: handover.to_name.clone(),
        bytes_before: None,
        bytes_after: None,
        items_before: None,
        items_after: None,
        before: None,
        after: None,
        verdict: Judgement::Pass,
        says: String::new(),
        evidence: Vec::new(),
    }
}

fn nobody_looked(kind: ContentKind, number: usize, handover: &Handover<'_>) -> ContentRow {
    let many = if number == 1 { "" } else { "s" };
    let subject = format!("{number} {}{many}", kind.word());
    let mut row = blank(kind, subject, handover);
    row.verdict = Judgement::Ask;
    row.says = format!(
        "nobody looked for it at {}: look there with the rights to read it",
        handover.to_name
    );
    row
}

fn absent(
    old: &Entity,
    kind: ContentKind,
    handover: &Handover<'_>,
    contents: &Contents<'_>,
) -> ContentRow {
    let whole = contents.volumes.get(&old.id).and_then(|v| v.first());
    let mut row = blank(kind, label(old), handover);
    row.bytes_before = whole.map(|v| v.bytes);
    row.items_before = whole.and_then(|v| v.items);
    row.evidence = few(old);
    row.verdict = less(handover);
    row.says = format!("not found at {}", handover.to_name);
    row
}

/// Less than before: on a machine that stays, a person may have tidied up.
fn less(handover: &Handover<'_>) -> Judgement {
    if handover.stays {
        Judgement::Ask
    } else {
        Judgement::Fail
    }
}

fn few(entity: &Entity) -> Vec<groma_model::EvidenceId> {
    entity.evidence.get(..1).unwrap_or_default().to_vec()
}

/// Each volume of the old one against that of the new one.
fn sizes(
    old: &Entity,
    new: &Entity,
    kind: ContentKind,
    handover: &Handover<'_>,
    before: &Contents<'_>,
    after: &Contents<'_>,
) -> Vec<ContentRow> {
    let (old_root, new_root) = (root(old), root(new));
    let there = after
        .volumes
        .get(&new.id)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let by_part: BTreeMap<String, &Volume> = there
        .iter()
        .map(|v| (part_of(&v.subject, &new_root), *v))
        .collect();
    let by_last = unique_last(there, &new_root);
    let mut rows = Vec::new();
    let volumes = before
        .volumes
        .get(&old.id)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let old_last = unique_last(volumes, &old_root);
    for volume in volumes {
        let part = part_of(&volume.subject, &old_root);
        let last = last_of(&part);
        let like = || {
            by_last
                .get(&last)
                .copied()
                .flatten()
                .filter(|_| old_last.get(&last).is_some_and(Option::is_some))
        };
        let other = by_part.get(&part).copied().or_else(like);
        let subject = if part.is_empty() {
            label(old)
        } else {
            format!("{part} in {}", label(old))
        };
        let kind = if kind == ContentKind::Archive && !part.is_empty() {
            ContentKind::Mailbox
        } else {
            kind
        };
        let mut row = blank(kind, subject, handover);
        row.evidence = few(new);
        fill(&mut row, volume, other, handover);
        let told = !handover.stays || row.verdict != Judgement::Pass;
        if told {
            rows.push(row);
        }
    }
    if volumes.is_empty() && !handover.stays {
        let mut row = blank(kind, label(old), handover);
        row.verdict = Judgement::Ask;
        row.says = format!(
            "it is at {}, but nobody measured how much there was",
            handover.to_name
        );
        row.evidence = few(new);
        rows.push(row);
    }
    rows
}

fn fill(row: &mut ContentRow, old: &Volume, new: Option<&Volume>, handover: &Handover<'_>) {
    row.bytes_before = Some(old.bytes);
    row.items_before = old.items;
    let Some(new) = new else {
        row.verdict = less(handover);
        row.says = format!("not found at {}", handover.to_name);
        return;
    };
    row.bytes_after = Some(new.bytes);
    row.items_after = new.items;
    let shrunk = u128::from(new.bytes) * 100 < u128::from(old.bytes) * BYTES_PERCENT;
    let (verdict, says) = match (old.items, new.items) {
        (Some(b), Some(a)) if a < b => {
            let estimated = old.items_estimated || new.items_estimated;
            let fewer = b - a;
            let says = format!("{fewer} fewer than before");
            match estimated {
                true => (
                    Judgement::Ask,
                    format!("{says}, and a count is an estimate: count them"),
                ),
                false => (less(handover), says),
            }
        }
        (Some(_), Some(_)) => (Judgement::Pass, "as many as before or more".to_owned()),
        _ if shrunk => (
            less(handover),
            format!(
                "more than {} % smaller, and nobody counted items",
                100 - BYTES_PERCENT
            ),
        ),
        _ => (
            Judgement::Pass,
            "as large as before, within a tenth".to_owned(),
        ),
    };
    row.verdict = verdict;
    row.says = says;
    if old.measured_at >= new.measured_at && old.entity == new.entity && verdict == Judgement::Pass
    {
        row.says.push_str(", measured before the move");
    }
}

/// Rows of one sort between the same two places are one thing to do.
fn remind(case: &Case<'_>, rows: &[ContentRow], tasks: &mut Tasks) {
    let mut groups: BTreeMap<(Judgement, ContentKind, &str, &str), Vec<&ContentRow>> =
        BTreeMap::new();
    for row in rows.iter().filter(|r| r.verdict != Judgement::Pass) {
        groups
            .entry((row.verdict, row.kind, &row.from, &row.to))
            .or_default()
            .push(row);
    }
    for ((verdict, kind, from, to), rows) in groups {
        let what = match (verdict, kind) {
            (Judgement::Fail, ContentKind::Right | ContentKind::Delegate | ContentKind::Member) => {
                "give again what is missing"
            }
            (Judgement::Fail, _) => "bring over again what is missing",
            _ => "check whether it is meant",
        };
        let first: Vec<String> = rows.iter().take(3).map(|r| r.told()).collect();
        let more = match rows.len().saturating_sub(first.len()) {
            0 => String::new(),
            n => format!("; and {n} more in the table of contents"),
        };
        let places = if from == to {
            from.to_owned()
        } else {
            format!("{from} to {to}")
        };
        let says = format!(
            "{what}, {} ({places}): {}{more}",
            kind.word(),
            first.join("; ")
        );
        let mut task = Task::of(Because::Contents, says);
        let evidence: Vec<_> = rows.iter().flat_map(|r| r.evidence.clone()).collect();
        task = task.citing(&evidence);
        if let Some(id) = case.everywhere(to).first() {
            task = task.for_owner_of(id);
        }
        tasks.add(task);
    }
}

impl ContentRow {
    fn told(&self) -> String {
        let what = self.before.as_ref().or(self.after.as_ref());
        let what = what.map(|w| format!(" {w}")).unwrap_or_default();
        format!("{}{what}, {}", self.subject, self.says)
    }
}
