//! The listener for those who are not in yet: a token for a certificate, and the way back for who was away too long.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use groma_model::fleet::{AgentRecord, AgentState, AgentStatus, RefusalWord, TokenRecord};
use groma_model::foreign::hex;
use groma_model::{AgentId, Timestamp};
use groma_wire::talk::{self, Enrol, Enrolled, Renew};
use groma_wire::token::bits;
use sha2::{Digest, Sha256};

use crate::authority::{AskedKey, Issued};
use crate::metrics::count;
use crate::refusal::{Refusal, answer};
use crate::serving::Shared;
use crate::tls::Caller;
use crate::{agents, rules};

/// How long somebody waits who came with a wrong token.
const WRONG_TOKEN: Duration = Duration::from_millis(500);

/// The routes of the enrolment listener, and the pages it hands out besides.
pub(crate) fn router(shared: Arc<Shared>, pages: Vec<(String, &'static str, Vec<u8>)>) -> Router {
    let mut router = Router::new()
        .route(talk::ENROL, post(enrol))
        .route(talk::REJOIN, post(rejoin));
    for (path, kind, bytes) in pages {
        let bytes = axum::body::Bytes::from(bytes);
        let page = move || {
            let bytes = bytes.clone();
            async move { ([(header::CONTENT_TYPE, kind)], bytes).into_response() }
        };
        router = router.route(&path, get(page));
    }
    router.with_state(shared)
}

async fn enrol(State(shared): State<Arc<Shared>>, body: Body) -> Result<Response, Refusal> {
    let asked: Enrol = agents::document(&shared, body).await?;
    let work = shared.clone();
    let done = agents::blocking(move || let_in(&work, &asked)).await;
    match &done {
        Ok((record, _)) => {
            count(&shared.metrics.enrolled);
            let who = [
                ("agent", record.agent.as_str()),
                ("site", record.site.as_str()),
                ("host", &record.host.name),
            ];
            shared.journal.tell("agent-enrolled", &who);
        }
        Err(refusal) => {
            count(&shared.metrics.enrolments_refused);
            let why = format!("{:?}", refusal.word);
            shared
                .journal
                .tell_now_and_then("enrolment-refused", &[("because", &why)]);
            tokio::time::sleep(WRONG_TOKEN).await;
        }
    }
    done.map(|(record, issued)| answer(&enrolled(&shared, &record, issued)))
}

/// Burns the token and keeps the agent in one act. Whoever comes again with the same key has not heard our answer, and hears it again.
fn let_in(shared: &Shared, asked: &Enrol) -> Result<(AgentRecord, Issued), Refusal> {
    let secret = bits(&asked.secret).ok_or(RefusalWord::TokenUnknown)?;
    let digest = hex(&Sha256::digest(secret));
    let key = read_key(&asked.request)?;
    let now = shared.journal.now();
    let mut random = [0; 16];
    (shared.random)(&mut random);
    let agent = AgentId::from_random(random);
    let candidate = |token: &TokenRecord| AgentRecord {
        agent: agent.clone(),
        site: token.site.clone(),
        key: key.digest.clone(),
        state: if token.approve {
            AgentState::Waiting
        } else {
            AgentState::Active
        },
        host: rules::told(&asked.host),
        enrolled_at: now,
        token: token.name().to_owned(),
        copied_from: None,
        generation: 1,
        certificate_until: now.plus(crate::AGENT_LIFE),
        certified_by: None,
        run: None,
        former_runs: Vec::new(),
        held_until: None,
        seen_at: Some(now),
        status: AgentStatus::default(),
    };
    let mut candidate = candidate;
    let record = match shared.keeper.enrol(&digest, now, &mut candidate)? {
        Ok(record) => record,
        Err(RefusalWord::TokenUsed) => known_already(shared, &digest, &key)?,
        Err(word) => return Err(word.into()),
    };
    let issued = issue(shared, &key, &record, now)?;
    Ok((record, issued))
}

/// The agent with this key that came with this very token.
fn known_already(shared: &Shared, digest: &str, key: &AskedKey) -> Result<AgentRecord, Refusal> {
    let came_so = |record: &AgentRecord| {
        record.key == key.digest
            && digest.starts_with(&record.token)
            && record.copied_from.is_none()
    };
    let found = shared.keeper.agents()?.into_iter().find(came_so);
    found.ok_or_else(|| Refusal::of(RefusalWord::TokenUsed))
}

async fn rejoin(
    State(shared): State<Arc<Shared>>,
    caller: Option<Extension<Caller>>,
    body: Body,
) -> Result<Response, Refusal> {
    let Some(Extension(caller)) = caller else {
        return Err(RefusalWord::NotEnrolled.into());
    };
    let asked: Renew = agents::document(&shared, body).await?;
    let work = shared.clone();
    let (record, issued) = agents::blocking(move || renewed(&work, &caller, &asked)).await?;
    shared.journal.tell(
        "agent-back",
        &[
            ("agent", record.agent.as_str()),
            ("site", record.site.as_str()),
        ],
    );
    Ok(answer(&enrolled(&shared, &record, issued)))
}

/// The next certificate of an agent, over the key it is known by.
pub(crate) fn renewed(
    shared: &Shared,
    caller: &Caller,
    asked: &Renew,
) -> Result<(AgentRecord, Issued), Refusal> {
    let known = agents::admitted(shared, caller)?;
    let key = read_key(&asked.request)?;
    if key.digest != known.key {
        return Err(Refusal::saying(
            RefusalWord::Malformed,
            "a certificate is renewed over the key it was made for",
        ));
    }
    let now = shared.journal.now();
    let signer = shared.current().authority.roots().present.pin();
    let mut next = |record: &mut AgentRecord| {
        // What it had shown counts no more once it has another one.
        record.certified_by = record.certified_by.take().filter(|shown| *shown == signer);
        // Whoever is behind by more than a lost answer was put back in time, or is a copy that shows so at its next beat.
        if asked.generation.saturating_add(1) < record.generation && record.held_until.is_none() {
            record.held_until = Some(now.plus(Duration::from_secs(120)));
        }
        record.generation = record.generation.max(asked.generation).saturating_add(1);
        record.certificate_until = now.plus(crate::AGENT_LIFE);
    };
    let changed = shared
        .keeper
        .change_agent(&known.site, &known.agent, &mut next)?;
    let record = changed.ok_or(RefusalWord::NotEnrolled)?;
    let issued = issue(shared, &key, &record, now)?;
    Ok((record, issued))
}

pub(crate) fn read_key(request: &str) -> Result<AskedKey, Refusal> {
    AskedKey::read(request).map_err(|why| Refusal::saying(RefusalWord::Malformed, why.to_string()))
}

pub(crate) fn issue(
    shared: &Shared,
    key: &AskedKey,
    record: &AgentRecord,
    now: Timestamp,
) -> Result<Issued, Refusal> {
    let issued = shared
        .current()
        .authority
        .issue(key, &record.site, &record.agent, now);
    issued.map_err(|error| {
        shared
            .journal
            .tell("certificate-failed", &[("because", &error.to_string())]);
        Refusal::of(RefusalWord::Other)
    })
}

/// What an agent is told of itself.
pub(crate) fn enrolled(shared: &Shared, record: &AgentRecord, issued: Issued) -> Enrolled {
    Enrolled {
        agent: record.agent.clone(),
        site: record.site.clone(),
        waiting: record.state == AgentState::Waiting,
        certificate: issued.certificate,
        renew_at: issued.renew_at,
        until: issued.until,
        authorities: shared.current().authority.roots().pem(),
        agents_port: shared.agents_port,
        generation: record.generation,
    }
}
