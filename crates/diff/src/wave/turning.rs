//! Who uses what goes, and is in no promise.
//!
//! Judged by the later needs themselves, whatever the plain diff chose to say of them: it keeps silent of what was only told
//! in other words, of what follows from another line, and of what a new look sees. The morning after a move each of these
//! is a client that still uses the old place.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::inventory::{Basis, Dependency, EvidenceEntry};
use groma_model::registry::REGISTRY;
use groma_model::{DependencyId, EntityId, EvidenceId};

use super::case::{Case, last_used};
use super::to_do::{Task, Tasks};
use crate::change::{Area, Change, Changes};
use crate::dependencies::{component, files, is_of_certificates, need as needs, user, written};
use crate::outcome::{Because, WaveLine, WaveOutcome};
use crate::retold::{is_unseen, is_whole};

/// What the new place fetches from the one whose place it takes: mailboxes and files.
const FETCHED_BY: &[&str] = &["ftp", "imap", "nfs", "pop3", "smb", "ssh"];

/// Who needs what of whom, whichever part of the consumer it is.
type Use<'a> = (&'a EntityId, &'a EntityId, &'a str);
type Uses<'a> = HashMap<Use<'a>, Vec<&'a Dependency>>;

/// The later needs at places that go, of those who stay, that the earlier side did not have.
pub(crate) struct Turning<'a> {
    new: Vec<&'a Dependency>,
    /// Those of them that were used since, or are written down. Asked one by one: the order cannot matter.
    since: Uses<'a>,
    /// The needs that the earlier side had there.
    earlier: Uses<'a>,
}

impl<'a> Turning<'a> {
    pub(crate) fn of(case: &Case<'a>) -> Self {
        let goes = |d: &&'a Dependency| case.leaving.contains(&d.provider.entity);
        let before = &case.pair.before.dependencies;
        let there = before.values().copied().filter(goes);
        let mut turning = Self {
            new: Vec::new(),
            since: Uses::new(),
            earlier: by_use(there),
        };
        let excluded = case.wave.exclusions.iter();
        let excluded: BTreeSet<EntityId> = excluded.flat_map(|n| case.everywhere(n)).collect();
        let counts = |d: &&'a Dependency| {
            let consumer = &d.consumer.entity;
            let stays = !case.leaving.contains(consumer) && !excluded.contains(consumer);
            stays && !d.details.local && !is_of_certificates(d) && !fetches(case, d)
        };
        let after = case.pair.after.dependencies.values().copied();
        let new = after.filter(|d| !before.contains_key(&d.id));
        let new = new.filter(goes).filter(counts);
        turning.new = new.filter(|d| !turning.is_explained(case, d)).collect();
        turning.forget_what_follows(case);
        let used = turning.new.iter().filter(|d| was_used_since(case, d));
        turning.since = by_use(used.copied());
        turning
    }

    /// The needs that make it doubtful whether `old` left: the same in other words, or of a part nobody could name.
    pub(crate) fn doubts(&self, old: &Dependency) -> Vec<DependencyId> {
        let there = self.since.get(&used(old)).into_iter().flatten();
        let doubtful = there.filter(|d| is_whole(d) || is_unseen(old) || share_a_file(d, old));
        doubtful.map(|d| d.id.clone()).collect()
    }

    /// True if the same use is known by a need that is judged for itself, and one of the two names no part.
    fn is_explained(&self, case: &Case<'_>, new: &Dependency) -> bool {
        let earlier = self.earlier.get(&used(new)).into_iter().flatten();
        let mut stays = earlier.filter_map(|old| case.pair.after.dependencies.get(&old.id));
        stays.any(|d| {
            let is_told = d.current && !case.is_of_yesterday(d) && !case.nobody_looked(d);
            // Of a place that nothing takes, no promise judges what was known.
            let is_promised = case.is_moved_from(&d.provider.entity);
            is_told && is_promised && (is_whole(d) || is_whole(new))
        })
    }

    /// What is concluded from a need that is judged, or goes over a machine whose own need is judged, is told by that one.
    fn forget_what_follows(&mut self, case: &Case<'a>) {
        let is_promised = |d: &&&Dependency| {
            let still = case.pair.after.dependencies.get(&d.id);
            let still = still.is_some_and(|d| d.current && !case.is_of_yesterday(d));
            still && case.is_moved_from(&d.provider.entity)
        };
        let earlier = self.earlier.values().flatten().filter(is_promised);
        let judged = self.new.iter().chain(earlier);
        let judged = judged.filter(|d| d.basis != Basis::Inferred);
        let (mut reasons, mut ends) = (HashSet::new(), HashSet::new());
        for d in judged {
            reasons.extend(d.evidence.iter().map(|e| (user(d), e)));
            ends.insert((&d.consumer.entity, &d.provider.entity));
        }
        let follows = |d: &Dependency| {
            let told = d.evidence.iter().any(|e| reasons.contains(&(user(d), e)));
            let mut over = d.details.through.iter();
            told || over.any(|relay| ends.contains(&(&relay.entity, &d.provider.entity)))
        };
        let stays = |d: &&Dependency| d.basis != Basis::Inferred || !follows(d);
        self.new = self.new.iter().copied().filter(stays).collect();
    }
}

/// Tells of each of them that no promise speaks of. Returns those that were told.
pub(crate) fn judge(
    case: &Case<'_>,
    turning: &Turning<'_>,
    changes: &Changes,
    spoken_of: &BTreeSet<DependencyId>,
    outcome: &mut WaveOutcome,
    tasks: &mut Tasks,
) -> BTreeSet<DependencyId> {
    let needs = changes.changes.iter();
    let needs = needs.filter(|c| c.area == Area::Dependency);
    let mut judge = Judge {
        case,
        lines: needs.map(|c| (c.id.as_str(), c)).collect(),
        facts: case.after.evidence.iter().map(|e| (&e.id, e)).collect(),
        outcome,
        tasks,
    };
    let new = turning.new.iter().copied();
    let new = new.filter(|d| !spoken_of.contains(&d.id));
    let mut told = BTreeSet::new();
    for need in new {
        let known = turning.earlier.get(&used(need));
        match (known, !was_used_since(case, need)) {
            (Some(known), true) if is_memory(case, need, known) => continue,
            (known, true) => judge.of_before(need, known.is_some()),
            (Some(known), false) => judge.stayed(need, known),
            (None, false) => judge.began(need),
        }
        told.insert(need.id.clone());
    }
    told
}

/// True if it was used after the move, or is written down still. What the newest look did not meet again (a short connection) was
/// used when it was used.
fn was_used_since(case: &Case<'_>, need: &Dependency) -> bool {
    match need.current {
        true => !case.is_unused_since(need),
        false => last_used(need) > case.moved(),
    }
}

/// True if whoever saw the consumer before remembers it, and somebody looked who would have seen it again.
fn is_memory(case: &Case<'_>, need: &Dependency, known: &[&Dependency]) -> bool {
    let ends = [&need.consumer.entity, &need.provider.entity];
    let looked = ends.iter().any(|end| case.was_looked_at_since(end));
    looked && (is_whole(need) || known.iter().any(|d| is_whole(d)))
}

struct Judge<'j, 'a> {
    case: &'j Case<'a>,
    lines: BTreeMap<&'j str, &'j Change>,
    facts: HashMap<&'j EvidenceId, &'j EvidenceEntry>,
    outcome: &'j mut WaveOutcome,
    tasks: &'j mut Tasks,
}

impl Judge<'_, '_> {
    /// It needed the place for the same before, and did not leave it.
    fn stayed(&mut self, need: &Dependency, known: &[&Dependency]) {
        let (at, title) = (self.case.name(&need.provider.entity), title(need));
        let same_part = |d: &&Dependency| d.consumer.component == need.consumer.component;
        let how = match known.iter().any(same_part) {
            true => "at another port than before",
            false => "by another part than before",
        };
        let says = format!("{}: still at {at}, {how}", said(need));
        self.outcome.missing.push(WaveLine::about(need, says));
        let after = &self.case.pair.after.dependencies;
        let remains = |old: &&Dependency| after.get(&old.id).is_some_and(|d| d.current);
        let but = match known.iter().any(remains) {
            true => "",
            false => ": what was known has been led elsewhere",
        };
        let action = format!("find out what on it still uses {at} for {title}{but}");
        self.ask(Because::Missing, need, action);
    }

    /// Nobody planned it.
    fn began(&mut self, need: &Dependency) {
        let (at, on) = (self.case.name(&need.provider.entity), &need.consumer.name);
        let what = match self.lines.get(need.id.as_str()) {
            Some(line) => format!("needs {}, {}", line.class.word(), line.says),
            None => format!("needs added, {}{}", needs(need), written(need)),
        };
        let (begins, but) = match self.is_newly_looked(need) {
            true => (
                "uses",
                "; only the way of looking is new, it may have used it before",
            ),
            false => ("begins to use", ""),
        };
        let says = format!("{on}: {what}, which goes with this wave{but}");
        self.outcome.unexpected.push(WaveLine::about(need, says));
        let action = match self.case.is_moved_from(&need.provider.entity) {
            true => format!("{what}: it {begins} {at}, which goes: lead it to the new place"),
            false => format!(
                "{what}: it {begins} {at}, which is of this wave, and nothing takes its place: find out where it is to go"
            ),
        };
        self.ask(Because::Unexpected, need, action);
    }

    /// It came when the promises were made already, and was not seen since the window.
    fn of_before(&mut self, need: &Dependency, is_known: bool) {
        let case = self.case;
        let at = case.name(&need.provider.entity);
        let began = match need.first_seen > case.before.window.to {
            true => "began to use",
            false => "used",
        };
        let when = match (case.wave.window, case.is_of_before(need)) {
            (None, _) => "before the earlier look",
            (_, true) => "before the window",
            (_, false) => "in the window",
        };
        let since = match case.was_looked_at_since(&need.provider.entity) {
            true => "not seen since".to_owned(),
            false => format!("and nobody has looked at {at} since"),
        };
        let promised = match is_known {
            true => "promised only of another part",
            false => "in no promise",
        };
        let says = format!("{}: {began} {at} {when}, {promised}, {since}", said(need));
        self.outcome.not_seen.push(WaveLine::about(need, says));
        let action = format!(
            "ask whether it still needs {at} for {}: it {began} it {when}, {promised}",
            title(need)
        );
        self.ask(Because::NotSeen, need, action);
    }

    fn ask(&mut self, because: Because, need: &Dependency, action: String) {
        let task = Task::of(because, action).on(&need.consumer.name, &need.consumer.entity);
        let task = task.about(Some(&need.id)).citing(&need.evidence);
        self.tasks.add(task);
    }

    /// True if whoever tells of it was not asked before, or not in this way.
    fn is_newly_looked(&self, need: &Dependency) -> bool {
        let case = self.case;
        let newly = |id: &EntityId| {
            let watched = |side: &crate::pair::Index<'_>| {
                side.entities.get(id).is_some_and(|entity| entity.has_agent)
            };
            watched(&case.pair.after) && !watched(&case.pair.before)
        };
        let facts: Option<Vec<_>> = need.evidence.iter().map(|e| self.facts.get(e)).collect();
        let is_new = |e: &&&EvidenceEntry| case.looks.is_new_way(&e.vantage, &e.source);
        let facts = facts.filter(|facts| !facts.is_empty());
        facts.is_some_and(|facts| facts.iter().all(is_new)) || case.teller(need).is_some_and(newly)
    }
}

/// True if the new place fetches what lies on the one whose place it takes.
fn fetches(case: &Case<'_>, d: &Dependency) -> bool {
    let ends = (&d.consumer.entity, &d.provider.entity);
    let mut moves = case.moves.iter();
    FETCHED_BY.contains(&d.kind.as_str())
        && moves.any(|m| m.to.contains(ends.0) && m.from.contains(ends.1))
}

fn share_a_file(one: &Dependency, other: &Dependency) -> bool {
    let others = files(other);
    files(one).iter().any(|file| others.contains(file))
}

fn used(d: &Dependency) -> Use<'_> {
    (&d.consumer.entity, &d.provider.entity, &d.kind)
}

fn by_use<'a>(needs: impl Iterator<Item = &'a Dependency>) -> Uses<'a> {
    let mut uses = Uses::new();
    for d in needs {
        uses.entry(used(d)).or_default().push(d);
    }
    uses
}

/// `app1 (app1.service) for mail relay`.
fn said(d: &Dependency) -> String {
    format!("{} ({}) for {}", d.consumer.name, component(d), title(d))
}

fn title(d: &Dependency) -> &'static str {
    &REGISTRY.kind(&d.kind).title
}
