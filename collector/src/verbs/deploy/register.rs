//! The fleet's list, as a deployment changes it: a token for who comes, a revocation for who goes.
//!
//! What a host says of itself is a stranger's word, and by it an agent may be revoked. So it counts only where our own record says the same: an id that is
//! enrolled here, at that site, on a machine that looks like that one. Who was enrolled by the same run is known by the token we made for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use groma_deploy::{Claim, Host, HostResult, Identity};
use groma_model::fleet::{AgentRecord, AgentState, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use groma_store::Fleet;

use crate::verbs::FleetStore;
use crate::verbs::agents::revoke_one;

const REMOVED: &str = "removed by groma deploy";
const ROLLED_BACK: &str = "rolled back by groma deploy";

/// What a run has to do with the list, and what it said about each host.
pub(super) struct Register {
    is_trial: bool,
    pages: Mutex<Pages>,
}

struct Pages {
    /// None if nobody was ever enrolled here.
    store: Option<Box<dyn FleetStore>>,
    /// The public name of the token that was made for a host.
    tokens: BTreeMap<Host, String>,
    notes: BTreeMap<Host, String>,
}

impl Register {
    pub(super) fn new(store: Option<Box<dyn FleetStore>>, is_trial: bool) -> Self {
        Self {
            is_trial,
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
        pages.tokens.insert(host.clone(), token.name().to_owned());
        Ok(())
    }

    /// Revokes the agent whose identity went with this host's work, as soon as it is done: a run that is ended later takes nothing along.
    pub(super) fn settle(&self, result: &HostResult, now: Timestamp) {
        let mut pages = self.pages();
        let token = pages.tokens.get(&result.host).cloned();
        let fleet = pages.store.as_mut();
        let fleet = fleet.map(|store| -> &mut dyn Fleet { store.as_mut() });
        if let Some(note) = settled(fleet, token.as_deref(), result, self.is_trial, now) {
            pages.notes.insert(result.host.clone(), note);
        }
    }

    /// What there is to say about the agent of a host.
    pub(super) fn note(&self, host: &Host) -> Option<String> {
        self.pages().notes.get(host).cloned()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nobody is revoked, and who may be.
enum Doubt {
    /// There is nobody to revoke.
    Nobody,
    /// Somebody has to see to it; a sentence.
    Says(String),
}

/// Revokes who is gone; what there is to say about it, if anything.
fn settled(
    fleet: Option<&mut dyn Fleet>,
    token: Option<&str>,
    result: &HostResult,
    is_trial: bool,
    now: Timestamp,
) -> Option<String> {
    if result.identity == Identity::Kept {
        return None;
    }
    let found = match token {
        Some(token) => enrolled_with(fleet.as_deref(), token),
        None => claimed(fleet.as_deref(), result.claim.as_ref()),
    };
    let record = match found {
        Ok(record) => record,
        Err(Doubt::Nobody) => return None,
        Err(Doubt::Says(note)) => return Some(note),
    };
    let agent = &record.agent;
    let because = token.map_or(REMOVED, |_| ROLLED_BACK);
    if let AgentState::Revoked { .. } = record.state {
        return Some(format!("{agent} was revoked before"));
    }
    if is_trial {
        return Some(format!("would revoke {agent}"));
    }
    if result.identity == Identity::Unknown {
        return Some(format!(
            "whether it is {agent} still is not known: try again, or groma agents revoke {agent} --because {because:?}"
        ));
    }
    let revoked = fleet.map(|fleet| revoke_one(fleet, &record, because, now));
    Some(match revoked {
        Some(Err(error)) => {
            format!("{error}: groma agents revoke {agent} --because {because:?}")
        }
        _ => format!("{agent} revoked"),
    })
}

/// The agent that came with this token.
fn enrolled_with(fleet: Option<&dyn Fleet>, token: &str) -> Result<AgentRecord, Doubt> {
    let agents = fleet.map_or(Ok(Vec::new()), Fleet::agents);
    let agents = agents.map_err(|error| {
        Doubt::Says(format!(
            "{error}: whether it was enrolled, groma agents list says"
        ))
    })?;
    let came = |agent: &AgentRecord| agent.token == token && agent.copied_from.is_none();
    agents.into_iter().find(came).ok_or(Doubt::Nobody)
}

/// The agent that a host said it was, if our record of it says the same.
fn claimed(fleet: Option<&dyn Fleet>, claim: Option<&Claim>) -> Result<AgentRecord, Doubt> {
    let Some(claim) = claim else {
        let note = "which agent it was it could not say: find it in groma agents list, then groma agents revoke ID";
        return Err(Doubt::Says(note.to_owned()));
    };
    let agent = &claim.agent;
    let (site, id) = (SiteId::new(&claim.site), AgentId::new(agent));
    let known = fleet.map_or(Ok(None), |fleet| fleet.agent(&site, &id));
    let known = known.map_err(|error| {
        Doubt::Says(format!(
            "{error}: groma agents revoke {agent} --because {REMOVED:?}"
        ))
    })?;
    let record = known.ok_or_else(|| {
        Doubt::Says(format!(
            "{agent}, which it said it was, is not enrolled here: where it is, groma agents revoke {agent}"
        ))
    })?;
    if record.host.fingerprint != claim.fingerprint {
        return Err(Doubt::Says(format!(
            "{agent}, which it said it was, is on a machine that looks different ({}): if it was this one, groma agents revoke {agent}",
            record.host.name
        )));
    }
    Ok(record)
}

#[cfg(test)]
mod tests;
