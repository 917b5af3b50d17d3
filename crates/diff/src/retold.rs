//! The same need told in other words: no change of the estate.
//!
//! Who used a port is seen when somebody looks at the right moment; at the next look only the other end may tell, and then
//! the machine as a whole stands where its part stood.

use std::collections::{HashMap, HashSet};

use groma_model::fact::ComponentClass;
use groma_model::inventory::Dependency;
use groma_model::{EntityId, Port, Transport};

use crate::dependencies::files;
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

    /// True if `new` is a need that the earlier side knew by another part of the consumer.
    pub(crate) fn was_known(&self, new: &'a Dependency) -> bool {
        if !new.details.written_in.is_empty() {
            return false;
        }
        others(&self.before, new).any(|old| {
            let stays = self.pair.after.dependencies.contains_key(&old.id);
            match (is_whole(old), is_whole(new)) {
                // What nobody wrote down, or what was not used since, is the memory of the same.
                (false, true) => stays || files(old).is_empty() || new.last_seen <= old.last_seen,
                (true, false) => !stays,
                _ => false,
            }
        })
    }

    /// True if `gone` is a need that the later side knows by another part of the consumer.
    pub(crate) fn is_still_known(&self, gone: &'a Dependency) -> bool {
        let came = |new: &Dependency| !self.pair.before.dependencies.contains_key(&new.id);
        gone.details.written_in.is_empty()
            && others(&self.after, gone).any(|new| match (is_whole(gone), is_whole(new)) {
                (true, false) => true,
                (false, true) => came(new),
                _ => false,
            })
    }
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
    for d in side.dependencies.values().copied() {
        if let Some(place) = place(d).filter(|place| places.contains(place)) {
            found.entry(place).or_default().push(d);
        }
    }
    found
}

/// The needs at the place of `d`, without itself.
fn others<'s, 'a>(
    side: &'s HashMap<Place<'a>, Vec<&'a Dependency>>,
    d: &'a Dependency,
) -> impl Iterator<Item = &'a Dependency> + 's {
    let all = place(d).and_then(|place| side.get(&place));
    let all = all.into_iter().flatten().copied();
    all.filter(|other| other.id != d.id)
}
