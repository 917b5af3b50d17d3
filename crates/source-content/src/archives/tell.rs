//! What was found, said: each archive by itself, and mailboxes below a common directory as one store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::fact::Archive;
use groma_model::{Fact, Foreign, Scope};
use groma_source::disk::foreign;

use super::SPOOLS;
use super::inspect::Found;
use super::programs::Programs;
use crate::accounts::Accounts;
use crate::mounts::Mounts;
use crate::part::Part;
use crate::text::file_name;

/// What tells whose an archive is.
pub(super) struct Known<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) programs: &'a Programs,
    pub(super) mounts: &'a Mounts,
}

/// Says all that was found in one tree.
pub(super) fn all(
    part: &mut Part<'_>,
    found: Vec<Found>,
    known: &Known<'_>,
    held: Option<&BTreeMap<PathBuf, u64>>,
) {
    let mut stores: BTreeMap<PathBuf, Vec<Found>> = BTreeMap::new();
    for one in found {
        match store_of(&one.path, known) {
            Some(base) => stores.entry(base).or_default().push(one),
            None => single(part, &one, known, held),
        }
    }
    for (base, mailboxes) in stores {
        store(part, &base, &mailboxes, known);
    }
}

/// The directory below which everybody has a mailbox, where settings or habit make it one.
fn store_of(path: &Path, known: &Known<'_>) -> Option<PathBuf> {
    let habit = SPOOLS.iter().map(PathBuf::from);
    let bases = known.programs.stores.keys().cloned().chain(habit);
    bases
        .filter(|base| path.starts_with(base) && path != base)
        .min_by_key(|base| base.as_os_str().len())
}

fn single(
    part: &mut Part<'_>,
    found: &Found,
    known: &Known<'_>,
    held: Option<&BTreeMap<PathBuf, u64>>,
) {
    let path = foreign(&found.path);
    let scope = Scope::new("archive", &found.path.to_string_lossy());
    let mut used = known.programs.use_of(&found.path, known.accounts);
    // In the home of an account settings say where its mail is; elsewhere the server's own files do.
    let told = known.accounts.at_home(&found.path).is_some();
    let server = found
        .served_by
        .filter(|server| !told && known.programs.servers.contains(server));
    if let Some(server) = server.filter(|server| !used.by.iter().any(|by| by == server)) {
        used.by.push(server.to_owned());
        used.by.sort();
    }
    let (owner, owner_by) = owner(found, known);
    part.saw_in(
        &scope,
        Fact::Archive(Archive {
            path: path.clone(),
            format: found.format.to_owned(),
            variant: found.variant.map(str::to_owned),
            encryption: found.encryption.map(str::to_owned),
            damaged: found.damaged,
            owner,
            owner_by: owner_by.map(str::to_owned),
            used_by: used.by,
            orphan: used.orphan,
            medium: known
                .mounts
                .is_removable(&found.path)
                .then(|| "removable".to_owned()),
        }),
    );
    numbers(part, &scope, &path, found);
    if let Some(key) = found.key {
        part.counted(&scope, "content_key", &path, key);
    }
    if let Some(count) = held.and_then(|held| held.get(&found.path)) {
        part.counted(&scope, "content_open", &path, *count);
    }
}

/// In a home it is the person's, whoever wrote the file; elsewhere the file's own owner tells.
fn owner(found: &Found, known: &Known<'_>) -> (Option<Foreign>, Option<&'static str>) {
    let home = known.accounts.at_home(&found.path);
    match (found.owner, home) {
        (Some(0) | None, Some(account)) => (Some(account.clone()), Some("home")),
        (Some(id), _) => (Some(known.accounts.user(id)), Some("file")),
        (None, None) => (None, None),
    }
}

fn numbers(part: &mut Part<'_>, scope: &Scope, subject: &Foreign, found: &Found) {
    part.counted(scope, "content_bytes", subject, found.bytes);
    if let Some(items) = found.items {
        let metric = if found.estimated {
            "content_items_estimated"
        } else {
            "content_items"
        };
        part.counted(scope, metric, subject, items);
    }
    if let Some(fresh) = found.fresh {
        part.counted(scope, "content_changed_bytes", subject, fresh);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 fit a floating number"
    )]
    part.measured(
        scope,
        "content_modified_seconds",
        subject,
        found.modified as f64,
    );
}

/// A store is one archive; each mailbox in it is a subject of its numbers, by its path below the store.
fn store(part: &mut Part<'_>, base: &Path, mailboxes: &[Found], known: &Known<'_>) {
    let Some(first) = mailboxes.first() else {
        return;
    };
    let path = foreign(base);
    let scope = Scope::new("archive", &base.to_string_lossy());
    let used = known.programs.use_of(&base.join("x"), known.accounts);
    part.saw_in(
        &scope,
        Fact::Archive(Archive {
            path: path.clone(),
            format: first.format.to_owned(),
            variant: Some("store".to_owned()),
            used_by: used.by,
            medium: known
                .mounts
                .is_removable(base)
                .then(|| "removable".to_owned()),
            ..Archive::default()
        }),
    );
    let all = mailboxes.iter().fold(empty(base, first), |mut all, one| {
        all.bytes = all.bytes.saturating_add(one.bytes);
        all.items = all.items.zip(one.items).map(|(a, b)| a.saturating_add(b));
        all.estimated |= one.estimated;
        all.fresh = all.fresh.zip(one.fresh).map(|(a, b)| a.saturating_add(b));
        all.modified = all.modified.max(one.modified);
        all
    });
    numbers(part, &scope, &path, &all);
    for one in mailboxes {
        numbers(part, &scope, &foreign(mailbox_name(base, &one.path)), one);
    }
}

fn empty(base: &Path, first: &Found) -> Found {
    Found {
        path: base.to_owned(),
        bytes: 0,
        items: Some(0),
        estimated: false,
        fresh: first.fresh.map(|_| 0),
        modified: 0,
        ..first.clone()
    }
}

/// `corp.example/anna` of `/var/vmail/corp.example/anna/Maildir`.
fn mailbox_name<'a>(base: &Path, path: &'a Path) -> &'a Path {
    let inner = path.strip_prefix(base).unwrap_or(path);
    match inner.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) if file_name(inner).eq_ignore_ascii_case(b"maildir") => parent,
        _ => inner,
    }
}
