//! Facts that tell of one thing: said again, said by two who asked, or met on one host and later on another.

use std::collections::BTreeMap;

use groma_model::store::IdentityKey;
use groma_model::virtualization::{Guest, GuestSort, Power};
use groma_model::{EvidenceId, SiteId};

use crate::gather::{Newness, OnPlatform};
use crate::hosts::uuid_either_order;
use crate::ledger::platform_key;

/// A thing a platform tells of, as it was told last, and all that was ever said of it.
pub(super) struct Told<'a, T> {
    pub(super) newest: &'a OnPlatform<T>,
    /// Its subject, and for one that several platforms know, theirs.
    pub(super) subjects: Vec<String>,
    /// Of its own, in either byte order.
    pub(super) uuid: Option<String>,
    pub(super) evidence: Vec<EvidenceId>,
}

impl<T> Told<'_, T> {
    pub(super) fn site(&self) -> &SiteId {
        &self.newest.site
    }

    /// True if the newest look at it still saw it.
    pub(super) fn is_current(&self) -> bool {
        self.newest.new.is_current()
    }

    /// What the ledger knows it by. A platform may give the key of a guest that is gone to the next one (Proxmox VE gives the
    /// lowest free number): with another UUID it is another guest.
    pub(super) fn marks(&self, site: &SiteId) -> Vec<IdentityKey> {
        let mark = |subject: &String| match &self.uuid {
            Some(uuid) => platform_key(site, &format!("{subject} {uuid}")),
            None => platform_key(site, subject),
        };
        self.subjects.iter().map(mark).collect()
    }
}

/// The newest of each subject, in the order of subjects.
pub(super) fn newest<T>(
    all: &[OnPlatform<T>],
    subject: impl Fn(&T) -> String,
    uuid: impl Fn(&T) -> Option<&str>,
) -> Vec<Told<'_, T>> {
    let mut by_subject: BTreeMap<(&SiteId, String), Vec<&OnPlatform<T>>> = BTreeMap::new();
    for one in all {
        let at = (&one.site, subject(&one.what));
        by_subject.entry(at).or_default().push(one);
    }
    let told = by_subject.into_iter().filter_map(|((_, subject), said)| {
        let newest = *said.iter().max_by(|a, b| a.new.cmp(&b.new))?;
        Some(Told {
            newest,
            subjects: vec![subject],
            uuid: uuid(&newest.what).map(uuid_either_order),
            evidence: said.iter().map(|one| one.evidence.clone()).collect(),
        })
    });
    told.collect()
}

/// Guests that two platforms know under one name, with one UUID and the same MAC addresses, are one: it moved from one lone
/// host to another, or one is kept ready to stand in for the other. The one that runs speaks for both, else the one told last.
pub(super) fn joined(guests: Vec<Told<'_, Guest>>) -> Vec<Told<'_, Guest>> {
    let mut joined: Vec<Told<'_, Guest>> = Vec::new();
    let mut known: BTreeMap<(SiteId, String, Vec<String>, String), usize> = BTreeMap::new();
    for guest in guests {
        let at = mark(&guest).map(|mark| (known.get(&mark).copied(), mark));
        match at {
            Some((Some(at), _)) if joined.get(at).is_some_and(|one| is_elsewhere(one, &guest)) => {
                if let Some(before) = joined.get_mut(at) {
                    take_in(before, guest);
                }
            }
            Some((_, mark)) => {
                known.insert(mark, joined.len());
                joined.push(guest);
            }
            None => joined.push(guest),
        }
    }
    joined
}

fn mark(guest: &Told<'_, Guest>) -> Option<(SiteId, String, Vec<String>, String)> {
    let what = &guest.newest.what;
    let mut macs: Vec<String> = what.macs().map(str::to_owned).collect();
    macs.sort();
    let uuid = what.uuid.as_deref().map(uuid_either_order)?;
    let usable = what.sort == GuestSort::Machine && !macs.is_empty();
    usable.then(|| (guest.site().clone(), uuid, macs, what.name.to_string()))
}

/// Two of one platform are two: it tells them apart itself.
fn is_elsewhere(one: &Told<'_, Guest>, other: &Told<'_, Guest>) -> bool {
    one.newest.what.platform != other.newest.what.platform
}

fn take_in<'a>(before: &mut Told<'a, Guest>, guest: Told<'a, Guest>) {
    if speaks(guest.newest) > speaks(before.newest) {
        before.newest = guest.newest;
    }
    before.subjects.extend(guest.subjects);
    before.evidence.extend(guest.evidence);
}

fn speaks(one: &OnPlatform<Guest>) -> (bool, &Newness) {
    (one.what.power == Some(Power::On), &one.new)
}
