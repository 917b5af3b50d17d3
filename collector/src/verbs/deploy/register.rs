//! The fleet's list, as a deployment changes it: a token for who comes, a revocation for who goes.
//!
//! What a host says of itself is a stranger's word, and by it an agent may be revoked. So it counts only where our own record says the same: an id that is
//! enrolled here, at that site, on a machine that looks like that one. Who was enrolled by the same run is known by the token we made for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use groma_deploy::{Claim, Host, HostResult, Identity};
use groma_model::fleet::{AgentRecord, AgentState, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use groma_store::{Fleet, StoreError};

use crate::verbs::FleetStore;
use crate::verbs::agents::revoke_one;

const REMOVED: &str = "removed by groma deploy";
const ROLLED_BACK: &str = "rolled back by groma deploy";

/// What a run has to do with the list, and what it said about each host.
pub(super) struct Register {
    work: Work,
    pages: Mutex<Pages>,
}

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Work {
    /// The agents are taken off.
    pub(super) is_removal: bool,
    /// Nothing is changed.
    pub(super) is_trial: bool,
}

/// What there is to say about the agent of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Note {
    pub(super) text: String,
    /// Somebody has to revoke it by hand.
    pub(super) is_open: bool,
}

struct Pages {
    /// None if nobody was ever enrolled here.
    store: Option<Box<dyn FleetStore>>,
    /// The digest of the token that was made for a host.
    tokens: BTreeMap<Host, String>,
    notes: BTreeMap<Host, Note>,
}

impl Register {
    pub(super) fn new(store: Option<Box<dyn FleetStore>>, work: Work) -> Self {
        Self {
            work,
            pages: Mutex::new(Pages {
                store,
                tokens: BTreeMap::new(),
                notes: BTreeMap::new(),
            }),
        }
    }

    /// Keeps the token that was made for a host.
    pub(super) fn expect(&self, host: &Host, token: &TokenRecord) -> Result<(), String> {
        let mut pages = self.pages();
        let store = pages.store.as_mut().ok_or("there is no store")?;
        store.add_token(token).map_err(|error| error.to_string())?;
        pages.tokens.insert(host.clone(), token.digest.clone());
        Ok(())
    }

    /// Revokes the agent whose identity went with this host's work, as soon as it is done: a run that is ended later takes nothing along.
    pub(super) fn settle(&self, result: &HostResult, now: Timestamp) {
        let mut pages = self.pages();
        let token = pages.tokens.get(&result.host).cloned();
        let fleet = pages.store.as_mut();
        let fleet = fleet.map(|store| -> &mut dyn Fleet { store.as_mut() });
        if let Some(note) = settled(fleet, token.as_deref(), result, self.work, now) {
            pages.notes.insert(result.host.clone(), note);
        }
    }

    /// What there is to say about the agent of a host.
    pub(super) fn note(&self, host: &Host) -> Option<Note> {
        self.pages().notes.get(host).cloned()
    }

    /// How many agents somebody has to revoke by hand.
    pub(super) fn open(&self) -> usize {
        let pages = self.pages();
        pages.notes.values().filter(|note| note.is_open).count()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Revokes who is gone; what there is to say about it, if anything.
fn settled(
    fleet: Option<&mut dyn Fleet>,
    token: Option<&str>,
    result: &HostResult,
    work: Work,
    now: Timestamp,
) -> Option<Note> {
    if result.identity == Identity::Kept {
        return None;
    }
    match (work.is_removal, token) {
        (true, _) => Some(taken_off(fleet, result, work.is_trial, now)),
        (false, Some(token)) => taken_back(fleet?, token, result.identity, now),
        // Nobody was to come, so nobody came.
        (false, None) => None,
    }
}

/// Of a removal. Where a host was lost on the way the agent is revoked too: nobody wants it, whatever is left of it.
fn taken_off(
    fleet: Option<&mut dyn Fleet>,
    result: &HostResult,
    is_trial: bool,
    now: Timestamp,
) -> Note {
    let record = match claimed(fleet.as_deref(), result.claim.as_ref()) {
        Ok(record) => record,
        Err(note) => return note,
    };
    let agent = &record.agent;
    if let AgentState::Revoked { .. } = record.state {
        return said(format!("{agent} was revoked before"));
    }
    if is_trial {
        return said(format!("would revoke {agent}"));
    }
    let revoked = fleet.map(|fleet| revoke_one(fleet, &record, REMOVED, now));
    match revoked {
        Some(Err(error)) => open(format!(
            "{error}: groma agents revoke {agent} --because {REMOVED:?}"
        )),
        _ => said(format!("{agent} revoked")),
    }
}

/// Of an installation that failed: whoever came with the token we made for it, and nobody comes with it any more.
fn taken_back(
    fleet: &mut dyn Fleet,
    token: &str,
    identity: Identity,
    now: Timestamp,
) -> Option<Note> {
    let ended = fleet.end_token(token, now).and_then(|()| fleet.agents());
    let agents = match ended {
        Ok(agents) => agents,
        Err(error) => {
            return Some(open(format!(
                "{error}: whether it was enrolled, groma agents list says"
            )));
        }
    };
    let came = |agent: &AgentRecord| {
        let is_welcome = !matches!(agent.state, AgentState::Revoked { .. });
        is_welcome && token.starts_with(&agent.token) && !agent.token.is_empty()
    };
    // Whoever split off from it has its key, and was let in by it.
    let came: Vec<AgentRecord> = agents.into_iter().filter(came).collect();
    let names: Vec<&str> = came.iter().map(|agent| agent.agent.as_str()).collect();
    let names = names.join(" ");
    if came.is_empty() {
        return None;
    }
    if identity == Identity::Unknown {
        return Some(open(format!(
            "whether it is {names} still is not known: deploy again, or groma agents revoke {names} --because {ROLLED_BACK:?}"
        )));
    }
    let mut each = came.iter();
    let revoked = each.try_for_each(|agent| revoke_one(fleet, agent, ROLLED_BACK, now));
    Some(match revoked {
        Ok(()) => said(format!("{names} revoked")),
        Err(error) => open(format!(
            "{error}: groma agents revoke {names} --because {ROLLED_BACK:?}"
        )),
    })
}

fn said(text: String) -> Note {
    Note {
        text,
        is_open: false,
    }
}

fn open(text: String) -> Note {
    Note {
        text,
        is_open: true,
    }
}

/// The agent that a host said it was, if our record of it says the same.
fn claimed(fleet: Option<&dyn Fleet>, claim: Option<&Claim>) -> Result<AgentRecord, Note> {
    let Some(claim) = claim else {
        let note = "which agent it was it could not say: find it in groma agents list, then groma agents revoke ID";
        return Err(open(note.to_owned()));
    };
    let agent = &claim.agent;
    let (site, id) = (SiteId::new(&claim.site), AgentId::new(agent));
    let known = fleet.map_or(Ok(None), |fleet| fleet.agent(&site, &id));
    let failed = |error: StoreError| {
        open(format!(
            "{error}: groma agents revoke {agent} --because {REMOVED:?}"
        ))
    };
    let record = known.map_err(failed)?.ok_or_else(|| {
        said(format!(
            "{agent}, which it said it was, is not enrolled here: where it is, groma agents revoke {agent}"
        ))
    })?;
    if record.host.fingerprint != claim.fingerprint {
        return Err(open(format!(
            "{agent}, which it said it was, is on a machine that looks different ({}): if it was this one, groma agents revoke {agent}",
            record.host.name
        )));
    }
    // A disk that was copied says the name of the one it was copied from, on a machine that may look the same.
    let all = fleet.map_or(Ok(Vec::new()), Fleet::agents);
    let all = all.map_err(failed)?;
    if all.iter().any(|one| one.copied_from.as_ref() == Some(&id)) {
        return Err(open(format!(
            "{agent}, which it said it was, has been copied: if it was this one and no copy of it, groma agents revoke {agent}"
        )));
    }
    Ok(record)
}

#[cfg(test)]
mod tests;
