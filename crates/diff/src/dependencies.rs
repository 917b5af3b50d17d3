//! Who needs whom, before and after: the same need is found again also where its port or host changed.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::Component;
use groma_model::inventory::{Basis, Dependency, Strength};
use groma_model::name::Protection;
use groma_model::registry::REGISTRY;
use groma_model::virtualization::is_foundation;
use groma_model::{DependencyId, EntityId, EvidenceId, Transport};

use crate::change::{Area, Change, Class, Detail};
use crate::pair::Pair;
use crate::retold::{Retold, told_anew};

/// How the needs of both sides belong together.
pub(crate) struct Moves<'a> {
    /// The same need at another place, or of another part of the consumer.
    pub(crate) moved: Vec<(&'a Dependency, &'a Dependency)>,
    gone: Vec<&'a Dependency>,
    new: Vec<&'a Dependency>,
    /// Needs of the earlier side that are still known, and whose files say another place now: told as moved.
    rewritten: BTreeSet<&'a DependencyId>,
    /// The same need on both sides in other words: of another part of the consumer, or of one that was seen on one side.
    retold: Vec<(&'a Dependency, &'a Dependency)>,
}

/// Kinds so general that two needs of one consumer have nothing to do with each other.
const GENERAL: &[&str] = &["other", "ssh", "http"];

/// Finds what belongs together. Each step looks at what the step before left over, and pairs only where
/// there is exactly one candidate on each side: with two it would be a guess.
pub(crate) fn compare<'a>(pair: &Pair<'a>) -> Moves<'a> {
    let (before, after) = (&pair.before.dependencies, &pair.after.dependencies);
    let listed = |d: &&Dependency| {
        pair.comparable(&d.consumer.entity) && !only_seen_from(pair, d) && !is_of_certificates(d)
    };
    let mut moves = Moves {
        moved: Vec::new(),
        gone: before
            .values()
            .copied()
            .filter(|d| !after.contains_key(&d.id))
            .filter(listed)
            .collect(),
        new: after
            .values()
            .copied()
            .filter(|d| !before.contains_key(&d.id))
            .filter(listed)
            .collect(),
        rewritten: BTreeSet::new(),
        retold: Vec::new(),
    };
    let retold = Retold::of(pair, &moves.gone, &moves.new);
    let known = moves.take_retold(&retold);
    moves.join(|d| {
        let name = d.reached_as.as_deref()?;
        Some((user(d), name, d.provider.port))
    });
    moves.join(|d| Some((same_place(d), Some(&d.consumer.component))));
    moves.join(|d| (d.kind != "other").then_some(user(d)));
    moves.join_rewritten(pair);
    moves.join(|d| Some(same_place(d)));
    moves.join(|d| {
        (!GENERAL.contains(&d.kind.as_str())).then_some((&d.consumer.entity, d.kind.as_str()))
    });
    moves.forget_what_follows(&known);
    moves
}

/// A part of a consumer, and for what it needs others.
pub(crate) type User<'a> = (&'a EntityId, &'a Component, &'a str);

pub(crate) fn user(d: &Dependency) -> User<'_> {
    (&d.consumer.entity, &d.consumer.component, &d.kind)
}

/// True if nobody used it since the earlier side was seen.
fn is_unused_since(before: &Dependency, after: &Dependency) -> bool {
    after.last_seen <= before.last_seen
}

/// Who issued and who presents a certificate is told by the line about the certificate or the listener.
pub(crate) fn is_of_certificates(d: &Dependency) -> bool {
    matches!(
        d.kind.as_str(),
        "certificate-issued-by" | "certificate-used"
    )
}

/// A need of an unwatched consumer that only a newly watched (or lost) provider tells about.
fn only_seen_from(pair: &Pair<'_>, d: &Dependency) -> bool {
    let consumer = &d.consumer.entity;
    let unwatched = |id: &EntityId| !pair.before.entities.get(id).is_some_and(|e| e.has_agent);
    let existed = |id: &EntityId| {
        pair.before.entities.contains_key(id) && pair.after.entities.contains_key(id)
    };
    let newly_watched = pair.folded.contains(&d.provider.entity) && existed(&d.provider.entity);
    newly_watched && unwatched(consumer)
}

type Place<'a> = (&'a EntityId, &'a str, &'a EntityId, Option<Transport>);

fn same_place(d: &Dependency) -> Place<'_> {
    (
        &d.consumer.entity,
        &d.kind,
        &d.provider.entity,
        d.provider.transport,
    )
}

impl<'a> Moves<'a> {
    fn join<K: Ord>(&mut self, key: impl Fn(&'a Dependency) -> Option<K>) {
        let mut groups: BTreeMap<K, (Vec<&'a Dependency>, Vec<&'a Dependency>)> = BTreeMap::new();
        for d in &self.gone {
            key(d)
                .into_iter()
                .for_each(|k| groups.entry(k).or_default().0.push(d));
        }
        for d in &self.new {
            key(d)
                .into_iter()
                .for_each(|k| groups.entry(k).or_default().1.push(d));
        }
        for (gone, new) in groups.into_values() {
            if let ([gone], [new]) = (gone.as_slice(), new.as_slice()) {
                self.moved.push((gone, new));
            }
        }
        self.forget_paired();
    }

    /// A file that named one place and names another now. The old need may be remembered for long: somebody saw it once.
    fn join_rewritten(&mut self, pair: &Pair<'a>) {
        type Written<'a> = (User<'a>, String);
        type Sides<'a> = (Vec<&'a Dependency>, Vec<&'a Dependency>);
        let mut groups: BTreeMap<Written<'a>, Sides<'a>> = BTreeMap::new();
        for d in &self.new {
            for file in files(d) {
                groups.entry((user(d), file)).or_default().1.push(d);
            }
        }
        let consumers: BTreeSet<&EntityId> = groups.keys().map(|(user, _)| user.0).collect();
        let known = pair.before.dependencies.iter();
        for (id, before) in known.filter(|(_, d)| consumers.contains(&d.consumer.entity)) {
            // As long as another file names the old place, it did not move.
            let left =
                |after: &&&Dependency| files(after).is_empty() && is_unused_since(before, after);
            if pair.after.dependencies.get(id).filter(left).is_none() {
                continue;
            }
            for file in files(before) {
                // Only where somebody is new there.
                groups
                    .entry((user(before), file))
                    .and_modify(|sides| sides.0.push(before));
            }
        }
        for (old, new) in groups.into_values() {
            if let ([old], [new]) = (old.as_slice(), new.as_slice())
                && self.rewritten.insert(&old.id)
            {
                self.moved.push((old, new));
            }
        }
        self.forget_paired();
    }

    /// Takes out what is no change, because the other side knows it in other words. Returns what was taken out.
    fn take_retold(&mut self, retold: &Retold<'_, 'a>) -> Vec<&'a Dependency> {
        let mut known = Vec::new();
        self.gone.retain(|old| {
            let other = retold.is_still_known(old);
            self.retold.extend(other.map(|new| (*old, new)));
            known.extend(other.map(|_| *old));
            other.is_none()
        });
        self.new.retain(|new| {
            let other = retold.was_known(new);
            self.retold.extend(other.map(|old| (old, *new)));
            known.extend(other.map(|_| *new));
            other.is_none()
        });
        self.retold.sort_by_key(|(old, new)| (&old.id, &new.id));
        self.retold.dedup_by_key(|(old, new)| (&old.id, &new.id));
        known
    }

    /// True for what is told in other words of one need alone. Where several parts became one (or one several), or one of the two
    /// stands on both sides, each has the accounts and resources of its own, and none was lost.
    fn alone_retold(&self, pair: &Pair<'a>) -> impl Fn(&Dependency, &Dependency) -> bool + use<'a> {
        let mut ends: BTreeMap<&'a DependencyId, usize> = BTreeMap::new();
        for (old, new) in &self.retold {
            *ends.entry(&old.id).or_default() += 1;
            *ends.entry(&new.id).or_default() += 1;
            let on_both = pair.after.dependencies.contains_key(&old.id)
                || pair.before.dependencies.contains_key(&new.id);
            *ends.entry(&new.id).or_default() += usize::from(on_both);
        }
        move |old, new| {
            [&old.id, &new.id]
                .iter()
                .all(|id| ends.get(*id) == Some(&1))
        }
    }

    /// What is concluded from a need that has a line, or is `known` in other words, is no line of its own.
    fn forget_what_follows(&mut self, known: &[&'a Dependency]) {
        let moved = self.moved.iter().flat_map(|(gone, new)| [*gone, *new]);
        let one_sided = self.gone.iter().chain(&self.new).chain(known).copied();
        let told = moved
            .chain(one_sided)
            .filter(|d| d.basis != Basis::Inferred);
        let mut reasons: BTreeMap<User<'a>, BTreeSet<&EvidenceId>> = BTreeMap::new();
        for d in told {
            reasons.entry(user(d)).or_default().extend(&d.evidence);
        }
        let follows = |d: &Dependency| {
            let because =
                |reasons: &BTreeSet<&EvidenceId>| d.evidence.iter().any(|e| reasons.contains(e));
            d.basis == Basis::Inferred && reasons.get(&user(d)).is_some_and(because)
        };
        self.gone.retain(|d| !follows(d));
        self.new.retain(|d| !follows(d));
        self.moved
            .retain(|(gone, new)| !(follows(gone) && follows(new)));
    }

    /// The needs that came, went or moved: each has a line, or stands under the one of a listener.
    pub(crate) fn lines(&self) -> BTreeSet<&'a DependencyId> {
        let moved = self.moved.iter().flat_map(|(gone, new)| [*gone, *new]);
        let one_sided = self.gone.iter().chain(&self.new).copied();
        moved.chain(one_sided).map(|d| &d.id).collect()
    }

    fn forget_paired(&mut self) {
        let paired: BTreeSet<&DependencyId> = self
            .moved
            .iter()
            .flat_map(|(g, n)| [&g.id, &n.id])
            .collect();
        self.gone.retain(|d| !paired.contains(&d.id));
        self.new.retain(|d| !paired.contains(&d.id));
    }
}

/// The lines about needs, without those a line about a listener already speaks of.
pub(crate) fn changes(
    pair: &Pair<'_>,
    moves: &Moves<'_>,
    absorbed: &BTreeSet<DependencyId>,
) -> Vec<Change> {
    let free = |d: &Dependency| !absorbed.contains(&d.id);
    let moved = moves
        .moved
        .iter()
        .filter(|(_, after)| free(after))
        .map(|(b, a)| moved(b, a));
    let gone = moves.gone.iter().filter(|d| free(d)).map(|d| removed(d));
    let new = moves.new.iter().filter(|d| free(d)).map(|d| added(d));
    let kept = pair.before.dependencies.iter().filter_map(|(id, before)| {
        let after = pair.after.dependencies.get(id)?;
        if moves.rewritten.contains(*id) {
            return None;
        }
        let listed = pair.comparable(&before.consumer.entity) && !is_of_certificates(before);
        if listed { same(before, after) } else { None }
    });
    let lines = moves.lines();
    let quiet = |d: &Dependency| !lines.contains(&d.id);
    let retold = moves.retold.iter().filter(|(b, a)| quiet(b) && quiet(a));
    let is_pair = moves.alone_retold(pair);
    let retold = retold.filter_map(|(b, a)| {
        let mut details = told_anew(b, a);
        details.retain(|d| is_pair(b, a) || !matches!(d.what.as_str(), "account" | "resource"));
        (!details.is_empty()).then(|| changed(b, a, details))
    });
    let changes = moved.chain(gone).chain(new).chain(kept);
    changes.chain(retold).collect()
}

fn line(d: &Dependency, class: Class, says: String) -> Change {
    let change = Change::new(
        class,
        Area::Dependency,
        &d.consumer.name,
        d.id.as_str(),
        says,
    );
    change
        .involves([&d.consumer.entity, &d.provider.entity])
        .because(&[&d.evidence])
}

fn added(d: &Dependency) -> Change {
    let act = (!d.shared_service && !d.details.local)
        .then_some("make sure that somebody meant it, and that the plan knows it");
    line(d, Class::Added, format!("{}{}", need(d), written(d))).act(act)
}

fn removed(d: &Dependency) -> Change {
    let act =
        (d.strength != Strength::Degrading).then_some("make sure that it is not needed any more");
    line(d, Class::Removed, format!("{}{}", need(d), written(d))).act(act)
}

fn moved(before: &Dependency, after: &Dependency) -> Change {
    let (from, to) = (place(before), place(after));
    let kind = title(&after.kind);
    let parts = (component(before), component(after));
    let details: Vec<Detail> = Detail::of("used by", Some(parts.0), Some(parts.1.clone()))
        .into_iter()
        .collect();
    if from == to {
        let says = format!("{kind} at {to} is used by another part: {}", parts.1);
        return line(after, Class::Changed, says)
            .details(details)
            .because(&[&before.evidence, &after.evidence]);
    }
    if before.is_carried() && after.is_carried() {
        let says = format!("{} {kind} {to}, before on {from}", parts.1);
        return line(after, Class::Changed, says)
            .details(details)
            .because(&[&before.evidence, &after.evidence]);
    }
    let says = match is_foundation(&after.kind) {
        true => format!("{} {kind} {to}, before on {from}", parts.1),
        false => format!("{} uses {kind} at {to}, before at {from}", parts.1),
    };
    let act = (!after.shared_service).then_some(
        "check that it works at the new place, and that firewalls and monitoring know it",
    );
    let moved = line(after, Class::Moved, says).details(details).act(act);
    moved
        .involves([&before.provider.entity])
        .because(&[&before.evidence, &after.evidence])
}

/// A need both sides have: not seen any more, or used in another way.
fn same(before: &Dependency, after: &Dependency) -> Option<Change> {
    if before.current && !after.current {
        let says = format!("{}, last seen {}", need(after), after.last_seen.minute());
        return Some(line(after, Class::NotSeen, says));
    }
    let details = differences(before, after);
    (!details.is_empty()).then(|| changed(before, after, details))
}

/// It is used in another way.
fn changed(before: &Dependency, after: &Dependency, details: Vec<Detail>) -> Change {
    let weaker = details
        .iter()
        .any(|d| d.what == "protection" && d.after.as_deref() == Some("clear text"));
    let unwritten = details
        .iter()
        .any(|d| d.what == "written in" && d.after.is_none());
    let act = match (weaker, unwritten) {
        (true, _) => Some("protect it again: it now travels in clear text"),
        (_, true) => Some("make sure that the configuration was meant to change"),
        _ => None,
    };
    // Which file still names it is what somebody must know who changed another one.
    let remaining = if unwritten {
        written(after)
    } else {
        String::new()
    };
    line(after, Class::Changed, need(after) + &remaining)
        .details(details)
        .act(act)
        .because(&[&before.evidence, &after.evidence])
}

/// What is compared of one need. Witnesses, counts, times and programs come and go with every look.
pub(crate) fn differences(before: &Dependency, after: &Dependency) -> Vec<Detail> {
    let (b, a) = (&before.details, &after.details);
    if b == a && before.reached_as == after.reached_as && before.rhythm == after.rhythm {
        return Vec::new();
    }
    let word = |text: &Option<String>| text.clone();
    let mut found = Vec::new();
    found.extend(Detail::members("written in", &files(before), &files(after)));
    found.extend(Detail::members("account", &b.accounts, &a.accounts));
    found.extend(Detail::members("resource", &b.resources, &a.resources));
    found.extend(Detail::known(
        "protection",
        protection(b.protection),
        protection(a.protection),
    ));
    found.extend(Detail::known(
        "logon",
        word(&b.mechanism),
        word(&a.mechanism),
    ));
    found.extend(Detail::known(
        "reached as",
        word(&before.reached_as),
        word(&after.reached_as),
    ));
    found.extend(Detail::known(
        "rhythm",
        word(&before.rhythm),
        word(&after.rhythm),
    ));
    found
}

fn protection(protection: Option<Protection>) -> Option<String> {
    let word = match protection? {
        Protection::None => "clear text",
        Protection::Starttls => "STARTTLS",
        Protection::Tls => "TLS",
    };
    Some(word.to_owned())
}

/// The files that write it down, without lines: a comment above must not make a change.
pub(crate) fn files(d: &Dependency) -> Vec<String> {
    let without_line = |place: &String| match place.rsplit_once(':') {
        Some((file, line)) if !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()) => {
            file.to_owned()
        }
        _ => place.clone(),
    };
    let files: BTreeSet<String> = d.details.written_in.iter().map(without_line).collect();
    files.into_iter().collect()
}

pub(crate) fn component(d: &Dependency) -> String {
    d.consumer.component.name.to_string()
}

/// `/usr/bin/app needs database at db1:5432`.
pub(crate) fn need(d: &Dependency) -> String {
    // The title of a foundation is a verb: runs on, is stored on, is plugged into.
    match is_foundation(&d.kind) {
        true => format!("{} {} {}", component(d), title(&d.kind), place(d)),
        false => format!("{} needs {} at {}", component(d), title(&d.kind), place(d)),
    }
}

pub(crate) fn written(d: &Dependency) -> String {
    let files = files(d);
    match files.as_slice() {
        [] => String::new(),
        [only] => format!(" (written in {only})"),
        [first, rest @ ..] => format!(" (written in {first} and {} more)", rest.len()),
    }
}

fn title(kind: &str) -> &'static str {
    &REGISTRY.kind(kind).title
}

/// `db1:5432`, or `db1` where no port is known.
pub(crate) fn place(d: &Dependency) -> String {
    match d.provider.port {
        Some(port) if d.provider.name.contains(':') => format!("[{}]:{port}", d.provider.name),
        Some(port) => format!("{}:{port}", d.provider.name),
        None => d.provider.name.clone(),
    }
}
