//! The listener for agents: they say that they are there, and what they saw.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use groma_model::AgentId;
use groma_model::fleet::{AgentRecord, AgentState, AgentStatus, RefusalWord};
use groma_wire::Limits;
use groma_wire::talk::{self, Kept, Lease, LeaseAsked, Renew, Split};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::came::{Came, share};
use crate::enrolment::{enrolled, issue, read_key, renewed};
use crate::metrics::count;
use crate::refusal::{Refusal, answer};
use crate::serving::Shared;
use crate::tls::Caller;
use crate::{beats, rules};

/// Copies of one agent that are let in without a person.
const COPIES_MAX: usize = 100;
/// A share of packets is given for so long at most.
const LEASE_SECONDS_MAX: u32 = 6 * 3600;

type Asked = State<Arc<Shared>>;

/// The routes of the agents' listener.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(talk::BEAT, post(beats::beat))
        .route(talk::BATCHES, post(batch))
        .route(talk::RENEW, post(renew))
        .route(talk::SPLIT, post(split))
        .route(talk::LEASE, post(lease))
        .with_state(shared)
}

/// The agent behind a certificate, if it is still welcome. Asked at every request: a revocation counts at
/// the next word after whoever keeps has seen it.
pub(crate) fn admitted(shared: &Shared, caller: &Caller) -> Result<AgentRecord, Refusal> {
    welcome(
        shared,
        shared.keeper.agent(&caller.site, &caller.agent)?,
        caller,
    )
}

/// The agent that was found, if it is this caller's, and welcome.
pub(crate) fn welcome(
    shared: &Shared,
    found: Option<AgentRecord>,
    caller: &Caller,
) -> Result<AgentRecord, Refusal> {
    let current = shared.current();
    if current.authority.roots().signer(&caller.made_by).is_none() {
        // Its connection is older than the end of that authority.
        let why = "the authority that made this agent's certificate was retired: enrol this machine again with a new token";
        return Err(Refusal::saying(RefusalWord::NotEnrolled, why));
    }
    let record = found
        .filter(|record| record.key == caller.key)
        .ok_or(RefusalWord::NotEnrolled)?;
    match record.state {
        AgentState::Revoked { .. } => Err(RefusalWord::Revoked.into()),
        _ => Ok(record),
    }
}

/// Does what may block where that is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(RefusalWord::Other.into()))
}

/// A small document out of a body.
pub(crate) async fn document<T: DeserializeOwned>(
    shared: &Shared,
    body: Body,
) -> Result<T, Refusal> {
    let bytes = bytes_of(shared, body, talk::DOCUMENT_BYTES_MAX).await?;
    talk::read(&bytes).map_err(|why| Refusal::saying(RefusalWord::Malformed, why))
}

async fn bytes_of(shared: &Shared, body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let read =
        tokio::time::timeout(body_time(shared, limit), axum::body::to_bytes(body, limit)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(Refusal::saying(
            RefusalWord::TooLarge,
            format!("more than {limit} bytes"),
        )),
        // The way, not the batch: what broke off or was too slow comes again.
        _ => Err(Refusal::saying(
            RefusalWord::Busy,
            "the body did not come whole and in time: come again",
        )),
    }
}

/// How long a body may take: slow lines exist, and 32 KiB a second is one.
fn body_time(shared: &Shared, bytes: usize) -> Duration {
    let slow = Duration::from_secs(u64::try_from(bytes >> 15).unwrap_or(u64::MAX));
    shared.limits.body_time.max(slow)
}

fn is_too_long(error: &axum::Error) -> bool {
    use std::error::Error;
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn batch(
    State(shared): Asked,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let kept = taken(&shared, caller, &headers, body).await;
    if let Err(refusal) = &kept {
        let metrics = &shared.metrics;
        count(match refusal.word {
            RefusalWord::UnknownBase => &metrics.bases_unknown,
            _ => &metrics.batches_refused,
        });
    }
    kept.map(|kept| answer(&kept))
}

async fn taken(
    shared: &Arc<Shared>,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Kept, Refusal> {
    let run = run_of(headers)?;
    // Who may not send is told before a byte of the body is read.
    let record = match shared.keeper.at_hand(&caller.site, &caller.agent) {
        Some((record, _)) => welcome(shared, Some(record), &caller)?,
        None => {
            let work = shared.clone();
            let caller = caller.clone();
            blocking(move || admitted(&work, &caller)).await?
        }
    };
    rules::takes(&record, run, shared.journal.now())?;
    let place = Place::of(shared, &record.agent)?;
    let limit = usize::try_from(Limits::network().wire_bytes).unwrap_or(usize::MAX);
    let length = announced(headers).unwrap_or(limit);
    if length > limit {
        return Err(Refusal::saying(
            RefusalWord::TooLarge,
            format!("more than {limit} bytes"),
        ));
    }
    let last = shared.bases.of(&record.agent);
    let base = named_base(headers);
    let old = last.as_ref().filter(|_| base.is_some());
    let old = old.map_or(0, |last| last.frame.len());
    let weight = u32::try_from((length + old).div_ceil(1 << 20)).unwrap_or(u32::MAX);
    let flight = in_time(shared, &shared.in_flight, weight.max(1)).await?;
    let bytes = bytes_of(shared, body, limit).await?;
    let begun = Instant::now();
    let parts = share(bytes.len().saturating_add(old));
    let turn = in_time(shared, &shared.keeping, parts).await?;
    let size = bytes.len();
    let came = Came {
        shared: shared.clone(),
        caller,
        run,
        bytes,
        base,
        last,
        parts,
    };
    let (kept, records) = blocking(move || {
        // Whoever hangs up is not waited for, but what he handed in is still worked at, and counts until it is done.
        let _held = (flight, turn, place);
        came.keep()
    })
    .await?;
    let metrics = &shared.metrics;
    metrics.kept_in(begun.elapsed());
    count(if kept.again {
        &metrics.batches_again
    } else {
        &metrics.batches
    });
    if !kept.again {
        metrics.records.fetch_add(records, Ordering::Relaxed);
    }
    metrics
        .bytes
        .fetch_add(u64::try_from(size).unwrap_or(u64::MAX), Ordering::Relaxed);
    Ok(kept)
}

/// A share of something there is little of, if it can be had soon.
async fn in_time(
    shared: &Shared,
    of: &Arc<Semaphore>,
    parts: u32,
) -> Result<OwnedSemaphorePermit, Refusal> {
    let share = of.clone().acquire_many_owned(parts);
    match tokio::time::timeout(shared.limits.patience, share).await {
        Ok(Ok(share)) => Ok(share),
        _ => Err(RefusalWord::Busy.into()),
    }
}

/// Batches of one agent that are read or kept at once: it sends one after the other.
const AT_ONCE_MAX: u32 = 2;

/// A place among the batches that are in work; given back when it is dropped.
struct Place {
    shared: Arc<Shared>,
    agent: AgentId,
}

impl Place {
    fn of(shared: &Arc<Shared>, agent: &AgentId) -> Result<Self, Refusal> {
        let mut busy = shared.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let places = busy.entry(agent.clone()).or_default();
        if *places >= AT_ONCE_MAX {
            return Err(RefusalWord::Busy.into());
        }
        *places += 1;
        Ok(Self {
            shared: shared.clone(),
            agent: agent.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut busy = self
            .shared
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = busy.get_mut(&self.agent) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                busy.remove(&self.agent);
            }
        }
    }
}

fn run_of(headers: &HeaderMap) -> Result<u64, Refusal> {
    let word = headers.get(talk::RUN).and_then(|value| value.to_str().ok());
    let run = word.and_then(|word| u64::from_str_radix(word, 16).ok());
    run.ok_or_else(|| Refusal::saying(RefusalWord::Malformed, "the header groma-run is missing"))
}

/// The name of the text that a batch is written against, if it is not whole.
fn named_base(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(talk::BASE)?;
    // A name that is no text is the name of nothing.
    Some(name.to_str().unwrap_or_default().to_owned())
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn renew(
    State(shared): Asked,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: Renew = document(&shared, body).await?;
    let work = shared.clone();
    let (record, issued) = blocking(move || renewed(&work, &caller, &asked)).await?;
    Ok(answer(&enrolled(&shared, &record, issued)))
}

async fn split(
    State(shared): Asked,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: Split = document(&shared, body).await?;
    let work = shared.clone();
    let (record, issued) = blocking(move || split_off(&work, &caller, &asked)).await?;
    let from = record.copied_from.as_ref().map_or("", AgentId::as_str);
    shared.journal.tell(
        "copy-became-an-agent",
        &[("agent", record.agent.as_str()), ("from", from)],
    );
    Ok(answer(&enrolled(&shared, &record, issued)))
}

/// A copy becomes an agent of its own. If we end between the two acts, the copy is heard as the newest run again, and the other one
/// splits off instead: nobody is locked out.
fn split_off(
    shared: &Shared,
    caller: &Caller,
    asked: &Split,
) -> Result<(AgentRecord, crate::authority::Issued), Refusal> {
    let known = admitted(shared, caller)?;
    let key = read_key(&asked.request)?;
    if key.digest == known.key {
        return Err(Refusal::saying(
            RefusalWord::Malformed,
            "a copy needs a key of its own",
        ));
    }
    let now = shared.journal.now();
    let copies = shared.keeper.agents()?;
    let copies = copies
        .iter()
        .filter(|one| one.copied_from.as_ref() == Some(&known.agent))
        .count();
    let mut may = Ok(());
    let (site, parent) = (known.site.clone(), known.agent.clone());
    let mut known = known;
    let mut leave = |record: &mut AgentRecord| {
        may = rules::may_split(record, asked.run);
        if may.is_ok() {
            rules::splits(record, asked.run);
            known = record.clone();
        }
    };
    shared.keeper.change_agent(&site, &parent, &mut leave)?;
    may?;
    let mut random = [0; 16];
    (shared.random)(&mut random);
    let record = AgentRecord {
        agent: AgentId::from_random(random),
        key: key.digest.clone(),
        host: rules::told(&asked.host),
        enrolled_at: now,
        // A disk is copied fifty times; whoever comes a thousand times is looked at by a person.
        state: match copies >= COPIES_MAX {
            true => AgentState::Waiting,
            false => known.state.clone(),
        },
        copied_from: Some(parent),
        generation: 1,
        certificate_until: now.plus(crate::AGENT_LIFE),
        certified_by: None,
        run: Some(asked.run),
        former_runs: Vec::new(),
        held_until: None,
        seen_at: Some(now),
        status: AgentStatus::default(),
        ..known
    };
    shared.keeper.add_agent(&record)?;
    let issued = issue(shared, &key, &record, now)?;
    Ok((record, issued))
}

async fn lease(
    State(shared): Asked,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: LeaseAsked = document(&shared, body).await?;
    let work = shared.clone();
    let lease = blocking(move || {
        let record = admitted(&work, &caller)?;
        if record.state != AgentState::Active {
            return Err(RefusalWord::Waiting.into());
        }
        let now = work.journal.now();
        let until = now.plus(Duration::from_secs(u64::from(
            asked.seconds.min(LEASE_SECONDS_MAX),
        )));
        let cap = work.limits.packets_per_second;
        let given = work
            .keeper
            .lease(&record.agent, asked.packets_per_second, cap, now, until);
        Ok(Lease {
            packets_per_second: given?,
            until,
        })
    });
    Ok(answer(&lease.await?))
}
