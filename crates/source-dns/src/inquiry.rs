//! Many questions, a few at a time, until all are answered or the window closes.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::NameAnswer;
use groma_model::{HostName, Peer, Reason};
use groma_source::{Budget, Window};
use tokio::task::JoinSet;

use crate::answer::{self, Reply};
use crate::ask::{Asker, Pace, Trouble};

/// Questions under way at one time.
const AT_ONCE: usize = 8;
/// A resolver that has answered nothing after so many questions is not asked again.
const SILENT_MAX: usize = 8;
/// How often the window is looked at while answers are awaited.
const TICK: Duration = Duration::from_millis(100);

/// One question, ready to be asked.
pub(crate) struct Task {
    pub(crate) question: Peer,
    pub(crate) servers: Vec<SocketAddr>,
    /// Names to try in order; empty for an address.
    pub(crate) candidates: Vec<HostName>,
}

/// What came of one question.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    pub(crate) answer: Option<NameAnswer>,
    pub(crate) troubles: Vec<Trouble>,
    /// True if the name exists and has no address.
    pub(crate) without_address: bool,
    /// The name as it was asked whose aliases lead in a circle.
    pub(crate) circle: Option<HostName>,
}

impl Finding {
    fn answered(answer: NameAnswer) -> Self {
        Self {
            answer: Some(answer),
            ..Self::default()
        }
    }

    /// True if a resolver said anything at all.
    fn heard(&self) -> bool {
        self.answer.is_some()
            || self.without_address
            || self.circle.is_some()
            || self.troubles.iter().any(|t| t.reason != Reason::TimedOut)
    }
}

/// Asks all of `tasks`. A question that is missing in the result was not answered in time.
pub(crate) fn run(
    tasks: Vec<Task>,
    window: &Window,
    budget: &Budget,
) -> io::Result<BTreeMap<Peer, Finding>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let findings = runtime.block_on(ask_all(tasks, window, budget));
    runtime.shutdown_background();
    Ok(findings)
}

async fn ask_all(tasks: Vec<Task>, window: &Window, budget: &Budget) -> BTreeMap<Peer, Finding> {
    let mut askers = Askers::new(budget);
    let mut findings = BTreeMap::new();
    let mut under_way: JoinSet<(Peer, Finding)> = JoinSet::new();
    let mut heard = false;
    let mut waiting = tasks.into_iter();
    loop {
        let silent = !heard && findings.len() >= SILENT_MAX;
        while under_way.len() < AT_ONCE && !silent && !window.is_over() {
            let Some(task) = waiting.next() else { break };
            match askers.of(&task.servers) {
                Ok(asker) => drop(
                    under_way
                        .spawn(async move { (task.question.clone(), ask(&asker, &task).await) }),
                ),
                Err(trouble) => drop(findings.insert(
                    task.question,
                    Finding {
                        troubles: vec![trouble],
                        ..Finding::default()
                    },
                )),
            }
        }
        if under_way.is_empty() || window.is_over() {
            return findings;
        }
        if let Ok(Some(Ok((question, finding)))) =
            tokio::time::timeout(TICK, under_way.join_next()).await
        {
            heard |= finding.heard();
            findings.insert(question, finding);
        }
    }
}

/// One asker for each set of resolvers: at most two, the private ones and all.
pub(crate) struct Askers {
    made: BTreeMap<Vec<SocketAddr>, Arc<Asker>>,
    timeout: Duration,
    pace: Arc<Pace>,
}

impl Askers {
    pub(crate) fn new(budget: &Budget) -> Self {
        let timeout = Duration::from_millis(budget.network_timeout_ms.max(1));
        Self {
            made: BTreeMap::new(),
            timeout,
            pace: Arc::new(Pace::of(budget.packets_per_second)),
        }
    }

    pub(crate) fn of(&mut self, servers: &[SocketAddr]) -> Result<Arc<Asker>, Trouble> {
        if let Some(asker) = self.made.get(servers) {
            return Ok(asker.clone());
        }
        let asker = Arc::new(Asker::new(servers, self.timeout, self.pace.clone())?);
        self.made.insert(servers.to_vec(), asker.clone());
        Ok(asker)
    }

    /// One asker of servers that speak for a zone.
    pub(crate) fn of_zone(&self, servers: &[SocketAddr]) -> Result<Asker, Trouble> {
        Asker::of_zone(servers, self.timeout, self.pace.clone())
    }
}

async fn ask(asker: &Asker, task: &Task) -> Finding {
    match &task.question {
        Peer::Name(name) => ask_name(asker, name, &task.candidates).await,
        Peer::Address(address) => match asker.names(*address).await {
            Ok(reply) => Finding::answered(answer::reverse(*address, &reply)),
            Err(trouble) => Finding {
                troubles: vec![trouble],
                ..Finding::default()
            },
        },
    }
}

/// Tries the candidates in order. The first that has an address is the answer; trouble ends the search,
/// because a later candidate might answer in the place of the one that is only broken today.
pub(crate) async fn ask_name(asker: &Asker, name: &HostName, candidates: &[HostName]) -> Finding {
    let mut without_address = false;
    for candidate in candidates {
        let replies = asker.addresses(candidate).await;
        let troubles: Vec<Trouble> = replies
            .iter()
            .filter_map(|reply| reply.as_ref().err().cloned())
            .collect();
        let replies: Vec<Reply> = replies.into_iter().flatten().collect();
        if replies.iter().any(Reply::has_address) {
            return Finding {
                answer: Some(answer::forward(name, candidate, &replies)),
                troubles,
                ..Finding::default()
            };
        }
        // Some servers follow a circle until they give up, and say only that they failed.
        let failed = troubles.iter().any(|t| t.reason == Reason::Refused);
        if failed && let Some(name) = circle(asker, std::slice::from_ref(candidate)).await {
            return Finding {
                circle: Some(name),
                ..Finding::default()
            };
        }
        if !troubles.is_empty() {
            return Finding {
                troubles: troubles.into_iter().take(1).collect(),
                ..Finding::default()
            };
        }
        without_address |= !replies.contains(&Reply::NoSuchName);
    }
    if without_address {
        let circle = circle(asker, candidates).await;
        return Finding {
            without_address: circle.is_none(),
            circle,
            ..Finding::default()
        };
    }
    Finding::answered(dead_end(asker, name, candidates).await)
}

/// Aliases that are followed one by one, to find out whether they come back.
const STEPS_MAX: usize = 16;

/// The name whose aliases lead back to a name met before, if one of these does.
async fn circle(asker: &Asker, candidates: &[HostName]) -> Option<HostName> {
    for candidate in candidates {
        let mut met = vec![candidate.clone()];
        while met.len() <= STEPS_MAX {
            let last = met.last()?;
            let Some(target) = answer::target(last, &asker.alias(last).await.ok()?) else {
                break;
            };
            if met.contains(&target) {
                return Some(candidate.clone());
            }
            met.push(target);
        }
    }
    None
}

/// The answer "it does not exist", with the alias that leads there if there is one: whoever reads it wants to
/// know that the record is there and its target is gone.
async fn dead_end(asker: &Asker, name: &HostName, candidates: &[HostName]) -> NameAnswer {
    for candidate in candidates {
        if let Ok(reply @ Reply::Records { .. }) = asker.alias(candidate).await {
            return answer::forward(name, candidate, &[reply]);
        }
    }
    answer::forward(name, name, &[])
}
