//! The same content on two machines: a store under another path, a share under its name, a database by its engine.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Entity, Volume};
use groma_model::{EntityId, path};

use crate::outcome::ContentKind;

/// Content that was found again, or not.
pub(crate) struct Matched<'a> {
    pub(crate) old: &'a Entity,
    pub(crate) new: Option<&'a Entity>,
}

pub(crate) fn kind(entity: &Entity) -> Option<ContentKind> {
    match entity.kind.as_str() {
        "archive" => Some(ContentKind::Archive),
        "database" => Some(ContentKind::Database),
        "share" => Some(ContentKind::Share),
        _ => None,
    }
}

/// What a person calls it: without the machine, which stands beside it.
pub(crate) fn label(entity: &Entity) -> String {
    let a = &entity.attributes;
    if let Some(archive) = &a.archive {
        return archive.path.to_string();
    }
    if let Some(database) = &a.database {
        return format!("{} in {}", database.engine, database.directory);
    }
    match &a.share {
        Some(share) if !share.name.is_empty() => share.name.to_string(),
        Some(share) => share.path.to_string(),
        None => entity.name.clone(),
    }
}

pub(crate) fn root(entity: &Entity) -> String {
    let a = &entity.attributes;
    let archive = a.archive.as_ref().map(|x| x.path.to_string());
    let database = || a.database.as_ref().map(|x| x.directory.to_string());
    let share = || a.share.as_ref().map(|x| x.path.to_string());
    archive.or_else(database).or_else(share).unwrap_or_default()
}

/// Keys by which content is found again, the surest first; of a less sure one there must be exactly one on each side.
fn keys(entity: &Entity) -> [Option<String>; 3] {
    let a = &entity.attributes;
    let lower = |f: &groma_model::Foreign| f.to_string().to_lowercase();
    let last = |f: &groma_model::Foreign| lower(&f.file_name());
    if let Some(archive) = &a.archive {
        let owner = archive.owner.as_ref().map(lower).unwrap_or_default();
        let is_store = archive.variant.as_deref() == Some("store");
        return [
            Some(format!("archive path {}", lower(&archive.path))),
            Some(format!("archive of {owner} {}", last(&archive.path))),
            is_store.then(|| "archive store".to_owned()),
        ];
    }
    if let Some(database) = &a.database {
        let engine = match database.engine.as_str() {
            "mysql" => "mariadb",
            engine => engine,
        };
        let names: Vec<String> = database.names.iter().map(lower).collect();
        let named = format!("database {engine} {}", names.join(" "));
        return [
            Some(format!("database {engine} {}", lower(&database.directory))),
            (!names.is_empty()).then_some(named),
            Some(format!("database {engine}")),
        ];
    }
    let Some(share) = &a.share else {
        return [None, None, None];
    };
    let path = Some(last(&share.path)).filter(|p| !p.is_empty());
    [
        Some(lower(&share.name))
            .filter(|n| !n.is_empty())
            .map(|n| format!("share {n}")),
        path.map(|path| format!("share path {path}")),
        None,
    ]
}

/// Finds each old content among the new ones, sure keys first.
pub(crate) fn match_up<'a>(old: &[&'a Entity], new: &[&'a Entity]) -> Vec<Matched<'a>> {
    let olds: BTreeMap<&EntityId, &'a Entity> = old.iter().map(|e| (&e.id, *e)).collect();
    // The very same thing, where its machine stayed.
    let same = new.iter().filter(|e| olds.contains_key(&e.id));
    let mut found: BTreeMap<&EntityId, &'a Entity> = same.map(|e| (&e.id, *e)).collect();
    let mut taken: BTreeSet<&EntityId> = found.keys().copied().collect();
    for sureness in 0..3 {
        let mut groups: BTreeMap<String, (Vec<&'a Entity>, Vec<&'a Entity>)> = BTreeMap::new();
        let key = |e: &Entity| keys(e).into_iter().nth(sureness).flatten();
        for e in olds.values().filter(|e| !found.contains_key(&e.id)) {
            key(e)
                .into_iter()
                .for_each(|k| groups.entry(k).or_default().0.push(e));
        }
        for e in new.iter().filter(|e| !taken.contains(&e.id)) {
            key(e)
                .into_iter()
                .for_each(|k| groups.entry(k).or_default().1.push(e));
        }
        for (olds, news) in groups.into_values() {
            if let ([old], [new]) = (olds.as_slice(), news.as_slice()) {
                found.insert(&old.id, new);
                taken.insert(&new.id);
            }
        }
    }
    let matched = olds.values().map(|old| Matched {
        old,
        new: found.get(&old.id).copied(),
    });
    matched.collect()
}

/// The part of a content that a number is of: its path below the root; empty for the whole.
pub(crate) fn part_of(subject: &str, root: &str) -> String {
    if path::is_of_windows(root.as_bytes())
        && let Some(rest) = path::below(subject.as_bytes(), root.as_bytes())
    {
        return String::from_utf8_lossy(rest)
            .replace('\\', "/")
            .to_lowercase();
    }
    let below = subject.strip_prefix(root).filter(|_| !root.is_empty());
    below.unwrap_or(subject).trim_matches('/').to_lowercase()
}

pub(crate) fn last_of(part: &str) -> String {
    let last = path::file_name(part);
    last.split('@').next().unwrap_or(last).to_owned()
}

/// Parts by their last word; none where two have the same.
pub(crate) fn unique_last<'v>(
    volumes: &[&'v Volume],
    root: &str,
) -> BTreeMap<String, Option<&'v Volume>> {
    let mut found: BTreeMap<String, Option<&Volume>> = BTreeMap::new();
    for volume in volumes {
        let last = last_of(&part_of(&volume.subject, root));
        found
            .entry(last)
            .and_modify(|slot| *slot = None)
            .or_insert(Some(*volume));
    }
    found
}
