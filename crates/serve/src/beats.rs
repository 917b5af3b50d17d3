//! An agent says that it is there, and how it is.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use groma_model::Timestamp;
use groma_model::fleet::{AgentRecord, Policy, RefusalWord};
use groma_wire::talk::{Beat, Beaten};

use crate::agents::{admitted, blocking, document, welcome};
use crate::authority::{Root, Roots};
use crate::current::Current;
use crate::metrics::count;
use crate::refusal::{Refusal, answer};
use crate::rules;
use crate::serving::Shared;
use crate::tls::Caller;

pub(crate) async fn beat(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Refusal> {
    let said: Beat = document(&shared, body).await?;
    let beaten = match beaten_at_hand(&shared, &caller, &said) {
        Some(beaten) => beaten?,
        None => {
            let work = shared.clone();
            blocking(move || beaten(&work, &caller, &said)).await?
        }
    };
    count(&shared.metrics.beats);
    Ok(answer(&beaten))
}

/// Most beats change nothing but when they came: those wait for nobody.
fn beaten_at_hand(
    shared: &Shared,
    caller: &Caller,
    said: &Beat,
) -> Option<Result<Beaten, Refusal>> {
    let (known, policy) = shared.keeper.at_hand(&caller.site, &caller.agent)?;
    if let Err(refusal) = welcome(shared, Some(known), caller) {
        return Some(Err(refusal));
    }
    let mut hearing = Hearing::of(shared, caller, said, policy);
    let mut change = |record: &mut AgentRecord| hearing.change(record);
    let record = shared
        .keeper
        .hear_at_hand(&caller.site, &caller.agent, &mut change)?;
    Some(hearing.answer(&record))
}

fn beaten(shared: &Shared, caller: &Caller, said: &Beat) -> Result<Beaten, Refusal> {
    let known = admitted(shared, caller)?;
    let policy = shared.keeper.policy(&known.site, &known.agent)?;
    let mut hearing = Hearing::of(shared, caller, said, policy);
    let mut change = |record: &mut AgentRecord| hearing.change(record);
    let record = shared.keeper.hear(&known.site, &known.agent, &mut change)?;
    hearing.answer(&record.ok_or(RefusalWord::NotEnrolled)?)
}

/// What a beat changes, and what is answered to it.
struct Hearing<'b> {
    shared: &'b Shared,
    said: &'b Beat,
    policy: Policy,
    current: Arc<Current>,
    /// Whose certificate it came with, by the key.
    signer: Option<String>,
    now: Timestamp,
    verdict: Result<(), RefusalWord>,
}

impl<'b> Hearing<'b> {
    fn of(shared: &'b Shared, caller: &Caller, said: &'b Beat, policy: Policy) -> Self {
        let current = shared.current();
        let signer = current.authority.roots().signer(&caller.made_by);
        Self {
            shared,
            said,
            policy,
            signer: signer.map(Root::pin),
            current,
            now: shared.journal.now(),
            verdict: Ok(()),
        }
    }

    fn change(&mut self, record: &mut AgentRecord) {
        let every = Duration::from_secs(self.policy.beat_every_s);
        self.verdict = rules::beats(record, self.said, self.now, every);
        if self.verdict.is_ok() {
            record.certified_by.clone_from(&self.signer);
        }
    }

    /// What is answered when this record was left.
    fn answer(self, record: &AgentRecord) -> Result<Beaten, Refusal> {
        if let Err(word) = self.verdict {
            if word == RefusalWord::Copy {
                count(&self.shared.metrics.copies);
                let (agent, host) = (record.agent.as_str(), record.host.name.as_str());
                let told = [("agent", agent), ("host", host)];
                self.shared.journal.tell_now_and_then("copy-met", &told);
            }
            return Err(word.into());
        }
        let takes = rules::takes(record, self.said.run, self.now);
        let (said, policy, signer) = (self.said, self.policy, self.signer);
        let roots = self.current.authority.roots();
        Ok(Beaten {
            takes: takes.is_ok(),
            because: takes.err(),
            policy: (policy.version != said.policy).then_some(policy),
            authorities: is_to_learn(roots, &said.status.believes).then(|| roots.pem()),
            // Only backwards: a collector that did not hear of the switch yet asks nobody to go back to the former one.
            renew: signer.is_some() && signer == roots.former.as_ref().map(Root::pin),
            now: self.now,
        })
    }
}

/// Whoever says whom it believes is told where we believe others; whoever says nothing of it would not understand.
fn is_to_learn(roots: &Roots, believes: &[String]) -> bool {
    !believes.is_empty() && !roots.are(believes)
}
