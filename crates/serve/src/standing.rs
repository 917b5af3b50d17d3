//! How far the agents have come with a roll-over of the authority, and how near its end is: pure.

use std::time::Duration;

use groma_model::fleet::{AgentRecord, AgentState};
use groma_model::{AgentId, Timestamp};

use crate::authority::{Phase, Roots};

/// Who was heard within this time speaks to us, and hears of the next authority at its next word.
const HEARD: Duration = Duration::from_secs(86_400);
const DAY_MS: i64 = 86_400_000;
/// The end of an authority is told when it is so many days away, more urgently each time.
const WARNINGS_DAYS: [u64; 3] = [7, 30, 90];

/// How far the agents are with the step that is under way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Agents that are not revoked.
    pub agents: usize,
    /// Those among them that are not ready for the next step.
    pub behind: Vec<Behind>,
}

/// One agent that is not ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Behind {
    /// Which.
    pub agent: AgentId,
    /// Its machine.
    pub name: String,
    /// When it last said anything.
    pub seen_at: Option<Timestamp>,
    /// True if it was heard within a day and says whom it believes: then the next step is not far.
    pub soon: bool,
}

/// Which agents are not ready for the next step: in the first phase those that do not say they believe the next authority, in the second those
/// that have shown no certificate of the present one.
pub fn standing(roots: &Roots, agents: &[AgentRecord], now: Timestamp) -> Standing {
    let mut standing = Standing::default();
    for agent in agents {
        if let AgentState::Revoked { .. } = agent.state {
            continue;
        }
        standing.agents += 1;
        if !is_ready(roots, agent) {
            standing.behind.push(Behind {
                agent: agent.agent.clone(),
                name: agent.host.name.clone(),
                seen_at: agent.seen_at,
                soon: agent.seen_at.is_some_and(|seen| seen.plus(HEARD) > now)
                    && !agent.status.believes.is_empty(),
            });
        }
    }
    standing
}

fn is_ready(roots: &Roots, agent: &AgentRecord) -> bool {
    match (roots.phase(), &roots.next) {
        (Phase::Prepared, Some(next)) => agent.status.believes.contains(&next.pin()),
        (Phase::Switched, _) => agent.certified_by.as_ref() == Some(&roots.present.pin()),
        _ => true,
    }
}

/// That an authority ends soon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// Whole days that are left.
    pub days: u64,
    /// Within which of 90, 30 and 7 days that is.
    pub within_days: u64,
    /// What helps.
    pub what_to_do: &'static str,
}

/// The end of the authority that signs, if it is near enough to be told.
pub fn ending(roots: &Roots, now: Timestamp) -> Option<Ending> {
    let left = roots.present.until().millis().saturating_sub(now.millis());
    let days = u64::try_from(left.div_euclid(DAY_MS)).unwrap_or(0);
    let within_days = WARNINGS_DAYS.into_iter().find(|within| days < *within)?;
    Some(Ending {
        days,
        within_days,
        what_to_do: match roots.phase() {
            Phase::Alone => "groma authority prepare",
            Phase::Prepared => "groma authority switch",
            Phase::Switched => "groma authority retire, then groma authority prepare",
        },
    })
}

#[cfg(test)]
mod tests;
