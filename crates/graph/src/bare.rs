//! Names without a port or a purpose: who is named in a list is not needed twice.
//!
//! A list of copiers, a variable that holds a host name: such a line says that two machines have to do with each
//! other and not in what. Where another line or connection of the same machine says it, reaching the provider by the same
//! word, the bare line is more evidence of that need. Alone it stays a need of an unknown kind, and so does one beside
//! what the whole machine shares: that a name server stands there says nothing of the licence that is fetched there.

use std::collections::{BTreeMap, HashSet};

use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Seen};

use crate::draft::{Draft, Drafts, Place, weakest};

/// Gives every bare name to the need that explains it.
pub(crate) fn explain(drafts: &mut Drafts) {
    let bare: HashSet<Place> = drafts
        .places
        .iter()
        .filter(|(place, there)| place.port.is_none() && there.iter().any(is_bare))
        .map(|(place, _)| place.clone())
        .collect();
    if bare.is_empty() {
        return;
    }
    let mut explaining: BTreeMap<(EntityId, EntityId), Vec<Place>> = BTreeMap::new();
    let pairs: HashSet<_> = bare.iter().map(|p| (&p.consumer, &p.provider)).collect();
    for place in drafts.places.keys().filter(|p| p.port.is_some()) {
        if pairs.contains(&(&place.consumer, &place.provider)) {
            let pair = (place.consumer.clone(), place.provider.clone());
            explaining.entry(pair).or_default().push(place.clone());
        }
    }
    for place in bare {
        let Some(places) = explaining.get_mut(&(place.consumer.clone(), place.provider.clone()))
        else {
            continue;
        };
        places.sort_by_key(|p| (p.port, p.transport));
        let there = drafts.places.remove(&place).unwrap_or_default();
        let (named, mut kept): (Vec<_>, Vec<_>) = there.into_iter().partition(is_bare);
        for draft in named {
            kept.extend(given(drafts, places, draft));
        }
        if !kept.is_empty() {
            drafts.places.insert(place, kept);
        }
    }
}

/// True for a line that names a machine and nothing else: who logs on there has a purpose of his own.
fn is_bare(draft: &Draft) -> bool {
    let logs_on = draft.secret || !draft.accounts.is_empty();
    draft.kind == "other" && !draft.is_alive() && draft.resources.is_empty() && !logs_on
}

/// The need of the same part that is reached by the same word, else the first of any part; the draft itself where there is none.
fn given(drafts: &mut Drafts, places: &[Place], bare: Draft) -> Option<Draft> {
    let explains = |d: &Draft| {
        d.kind != "other"
            && !REGISTRY.kind(&d.kind).shared
            && bare.reached.iter().any(|way| d.reached.contains(way))
    };
    let own = |d: &Draft| explains(d) && d.component == bare.component;
    let find = |fits: &dyn Fn(&Draft) -> bool| {
        places.iter().find_map(|place| {
            let at = drafts.places.get(place)?.iter().position(fits)?;
            Some((place.clone(), at))
        })
    };
    let Some((place, at)) = find(&own).or_else(|| find(&explains)) else {
        return Some(bare);
    };
    if let Some(draft) = drafts.places.get_mut(&place).and_then(|d| d.get_mut(at)) {
        mention(draft, bare);
    }
    None
}

/// Takes what a bare line knows: not its certainty, for it states no kind, nor its product, for it is of another. When it
/// runs and how it is protected is said of its own part only.
fn mention(draft: &mut Draft, bare: Draft) {
    draft.files.extend(bare.files);
    draft.written_in.extend(bare.written_in);
    draft.evidence.extend(bare.evidence);
    if draft.component == bare.component {
        draft.protection = weakest(draft.protection, bare.protection);
        draft.rhythm = draft.rhythm.take().or(bare.rhythm);
    }
    draft.seen = Seen {
        count: draft.seen.count,
        ..draft.seen.joined(bare.seen)
    };
    draft.current |= bare.current;
}
