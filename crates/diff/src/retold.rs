//! The same need told in other words: no change of the estate.
//!
//! Who used a port is seen when somebody looks at the right moment; at the next look only the other end may tell, and then
//! the machine as a whole stands where its part stood.

use std::collections::{HashMap, HashSet};

use groma_model::fact::ComponentClass;
use groma_model::inventory::{Basis, Dependency, ReachedBy};
use groma_model::{EntityId, Port, Transport};

use crate::change::Detail;
use crate::dependencies::{differences, files};
use crate::pair::{Index, Pair, endpoint};

/// Who needs what of whom at which port, whichever part of the consumer it is.
type Place<'a> = (&'a EntityId, &'a EntityId, Port, Transport, &'a str);

/// The needs of both sides at the places where something came or went. Asked one by one: its order cannot matter.
pub(crate) struct Retold<'p, 'a> {
    pair: &'p Pair<'a>,
    before: HashMap<Place<'a>, Vec<&'a Dependency>>,
    after: HashMap<Place<'a>, Vec<&'a Dependency>>,
}

impl<'p, 'a> Retold<'p, 'a> {
    pub(crate) fn of(pair: &'p Pair<'a>, gone: &[&'a Dependency], new: &[&'a Dependency]) -> Self {
        let places: HashSet<Place<'a>> = gone.iter().chain(new).filter_map(|d| place(d)).collect();
        Self {
            pair,
            before: at(&pair.before, &places),
            after: at(&pair.after, &places),
        }
    }

    /// The need by which the earlier side knew `new`, as one of another part of the consumer.
    pub(crate) fn was_known(&self, new: &'a Dependency) -> Option<&'a Dependency> {
        let old = others(&self.before, new);
        if !new.details.written_in.is_empty() {
            return carrier(new, old);
        }
        old.into_iter().find(|old| {
            let stays = self.pair.after.dependencies.get(&old.id);
            match (is_whole(old), is_whole(new)) {
                // What nobody wrote down, or what was not used since, is the memory of the same.
                (false, true) => {
                    stays.is_some() || files(old).is_empty() || new.last_seen <= old.last_seen
                }
                (true, false) => stays.is_none(),
                // A file was seen in use by somebody, and now it is seen by whom.
                (false, false) => stays.is_some_and(|after| handed_over(old, after)),
                (true, true) => false,
            }
        })
    }

    /// The need by which the later side knows `gone`, as one of another part of the consumer.
    pub(crate) fn is_still_known(&self, gone: &'a Dependency) -> Option<&'a Dependency> {
        let new = others(&self.after, gone);
        if !gone.details.written_in.is_empty() {
            return carrier(gone, new);
        }
        new.into_iter().find(|new| {
            let was = self.pair.before.dependencies.get(&new.id);
            match (is_whole(gone), is_whole(new)) {
                (true, false) => true,
                (false, true) => was.is_none(),
                (false, false) => was.is_some_and(|before| handed_over(new, before)),
                (true, true) => false,
            }
        })
    }
}

/// The need of the other side that stands for `one`, where that side knows each of its files.
fn carrier<'a>(one: &Dependency, others: Vec<&'a Dependency>) -> Option<&'a Dependency> {
    let is_known = is_written_by(one, &others);
    let first = files(one).into_iter().next()?;
    let mut others = others.into_iter().filter(|_| is_known);
    others.find(|other| files(other).contains(&first))
}

/// What is known of both and is another: what a need told in other words may still tell. What only one of the two
/// ends can know is no difference.
pub(crate) fn told_anew(old: &Dependency, new: &Dependency) -> Vec<Detail> {
    let is_known = |d: &Detail| match d.what.as_str() {
        "written in" => false,
        "account" => !old.details.accounts.is_empty() && !new.details.accounts.is_empty(),
        "resource" => !old.details.resources.is_empty() && !new.details.resources.is_empty(),
        _ => true,
    };
    let mut details = differences(old, new);
    details.retain(is_known);
    let by = |d: &Dependency| d.reached_by.map(|by| found_by(by).to_owned());
    details.extend(Detail::known("reached by", by(old), by(new)));
    details
}

fn found_by(by: ReachedBy) -> &'static str {
    match by {
        ReachedBy::Name => "its own name",
        ReachedBy::Alias => "another name",
        ReachedBy::AddressLiteral => "address",
        ReachedBy::HostsFile => "a hosts file",
        ReachedBy::Broadcast => "broadcast",
    }
}

/// True if the other side knows each file of `one` at the same place, and one of the two sides did not see who reads it.
fn is_written_by(one: &Dependency, others: &[&Dependency]) -> bool {
    files(one).iter().all(|file| {
        let carries = |other: &&&Dependency| files(other).contains(file);
        let mut carriers = others.iter().filter(carries).peekable();
        carriers.peek().is_some() && (is_unseen(one) || carriers.all(|c| is_unseen(c)))
    })
}

/// True if nobody saw who reads the file, and it was `seen` in use on the one side, and not on the `other`.
fn handed_over(seen: &Dependency, other: &Dependency) -> bool {
    is_unseen(seen) && seen.basis == Basis::Observed && other.basis != Basis::Observed
}

/// True if nobody saw which program it was: a file, or the machine, stands for it.
pub(crate) fn is_unseen(d: &Dependency) -> bool {
    is_whole(d) || d.consumer.component.class == ComponentClass::File
}

/// True if nobody saw which part of the consumer it was.
pub(crate) fn is_whole(d: &Dependency) -> bool {
    d.consumer.component.class == ComponentClass::Device
}

fn place(d: &Dependency) -> Option<Place<'_>> {
    let (port, transport) = endpoint(d)?;
    Some((
        &d.consumer.entity,
        &d.provider.entity,
        port,
        transport,
        &d.kind,
    ))
}

fn at<'a>(
    side: &Index<'a>,
    places: &HashSet<Place<'a>>,
) -> HashMap<Place<'a>, Vec<&'a Dependency>> {
    let mut found: HashMap<Place<'a>, Vec<&'a Dependency>> = HashMap::new();
    // Most consumers have nothing new: one look at their name is enough.
    let consumers: HashSet<&EntityId> = places.iter().map(|place| place.0).collect();
    let all = side.dependencies.values().copied();
    for d in all.filter(|d| consumers.contains(&d.consumer.entity)) {
        if let Some(place) = place(d).filter(|place| places.contains(place)) {
            found.entry(place).or_default().push(d);
        }
    }
    found
}

/// The needs at the place of `d`, without itself.
fn others<'a>(
    side: &HashMap<Place<'a>, Vec<&'a Dependency>>,
    d: &'a Dependency,
) -> Vec<&'a Dependency> {
    let all = place(d).and_then(|place| side.get(&place));
    let all = all.into_iter().flatten().copied();
    all.filter(|other| other.id != d.id).collect()
}
