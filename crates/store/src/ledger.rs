//! What every engine decides alike about identities, named moments and people's words.

use std::collections::BTreeMap;

use groma_model::store::{Annotation, Identities, IdentityKey, NewIdentities, Snapshot};
use groma_model::{EntityId, SiteId, Timestamp};

use crate::StoreError;

/// The site under which stands what concerns all sites.
pub(crate) const EVERYWHERE: &str = "*";

/// The marks that say something the ledger does not.
pub(crate) fn new_marks<'n>(
    known: &Identities,
    new: &'n NewIdentities,
) -> Vec<(&'n IdentityKey, &'n EntityId)> {
    let is_news = |(key, entity): &(&IdentityKey, &EntityId)| known.known.get(key) != Some(entity);
    new.known.iter().filter(is_news).collect()
}

/// One merge: where it belongs, who goes, who stays, why.
pub(crate) struct Merge<'n> {
    pub(crate) site: String,
    pub(crate) entity: &'n EntityId,
    pub(crate) survivor: &'n EntityId,
    pub(crate) why: &'n str,
}

/// The merges that say something the ledger does not.
pub(crate) fn new_merges<'n>(known: &Identities, new: &'n NewIdentities) -> Vec<Merge<'n>> {
    if new.merged.is_empty() {
        return Vec::new();
    }
    let sites = sites_of(known, new);
    let news = new
        .merged
        .iter()
        .filter(|(entity, (survivor, _))| known.merged.get(entity) != Some(survivor));
    news.map(|(entity, (survivor, why))| Merge {
        site: sites
            .get(entity)
            .map_or(EVERYWHERE, |site| site.as_str())
            .to_owned(),
        entity,
        survivor,
        why,
    })
    .collect()
}

/// The site of each entity, by any mark it has.
fn sites_of<'n>(
    known: &'n Identities,
    new: &'n NewIdentities,
) -> BTreeMap<&'n EntityId, &'n SiteId> {
    new.known
        .iter()
        .chain(&known.known)
        .map(|(key, entity)| (entity, &key.site))
        .collect()
}

/// Refuses a name that cannot name a snapshot, or that names one of `taken`.
pub(crate) fn check_name(name: &str, taken: Vec<Snapshot>) -> Result<(), StoreError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) || name.starts_with(['.', '-']) {
        return Err(StoreError::BadName {
            name: name.to_owned(),
        });
    }
    match taken.into_iter().find(|snapshot| snapshot.name == name) {
        Some(taken) => Err(StoreError::NameTaken {
            name: taken.name,
            taken_at: taken.taken_at,
        }),
        None => Ok(()),
    }
}

/// What a person said, out of its columns.
pub(crate) fn annotation(
    about: String,
    by: String,
    at: i64,
    word: &str,
) -> Result<Annotation, StoreError> {
    let word = serde_json::from_str(word).map_err(|error| StoreError::Damaged {
        attempt: "read annotations",
        why: error.to_string(),
    })?;
    Ok(Annotation {
        about,
        by,
        at: Timestamp::from_millis(at),
        word,
    })
}
