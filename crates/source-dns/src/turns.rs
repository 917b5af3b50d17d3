//! One name, asked of one resolver after the other until one of them has a word to say.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use groma_model::{HostName, Reason};
use tokio::time::Instant;

use crate::ask::{Asker, Pace, Trouble};
use crate::inquiry::{Finding, ask_name};

/// How often a resolver that says nothing is asked: a datagram may be lost.
const ROUNDS: u32 = 2;
/// Questions of one turn that may each take its time: one for IPv4, one for IPv6.
const QUESTIONS: u32 = 2;
/// As in a look.
const PACKETS_PER_SECOND: u32 = 200;
/// Names in a sentence.
const TOLD_MAX: usize = 3;
/// The port that goes without saying.
const DOMAIN: u16 = 53;

/// What came of asking one resolver.
pub(crate) struct Turn {
    server: SocketAddr,
    pub(crate) came: Result<Finding, Trouble>,
}

impl Turn {
    /// The addresses that were told, if any were.
    pub(crate) fn addresses(&self) -> Option<Vec<IpAddr>> {
        let answer = self.came.as_ref().ok()?.answer.as_ref()?;
        Some(answer.addresses.clone()).filter(|all| !all.is_empty())
    }

    /// Whom was asked, and what he said that was no address; `asked` are the names that were tried.
    pub(crate) fn in_words(&self, asked: &[HostName]) -> String {
        let server = match self.server.port() {
            DOMAIN => self.server.ip().to_string(),
            _ => self.server.to_string(),
        };
        let said = match &self.came {
            Err(trouble) => trouble.what.clone(),
            Ok(finding) => said(finding, asked),
        };
        format!("{server} ({said})")
    }
}

fn said(finding: &Finding, asked: &[HostName]) -> String {
    if let Some(name) = &finding.circle {
        return format!("the aliases of {name} lead in a circle");
    }
    if finding.without_address {
        return "the name exists, without an address".to_owned();
    }
    if finding
        .answer
        .as_ref()
        .is_some_and(|a| !a.addresses.is_empty())
    {
        return "its address leads nowhere".to_owned();
    }
    let told: Vec<&str> = asked.iter().take(TOLD_MAX).map(HostName::as_str).collect();
    let more = match asked.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        more => format!(", nor {more} more"),
    };
    format!("knows no {}{more}", told.join(", no "))
}

/// Asks `servers` in their order for `name`, under each of `candidates`, and again those who said nothing. The last turn is that
/// of who had a word to say, or of who had none either. All of it ends within `timeout`.
pub(crate) fn take(
    name: &HostName,
    candidates: &[HostName],
    servers: &[SocketAddr],
    timeout: Duration,
) -> io::Result<Vec<Turn>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let turns = runtime.block_on(in_turn(name, candidates, servers, timeout));
    runtime.shutdown_background();
    Ok(turns)
}

async fn in_turn(
    name: &HostName,
    candidates: &[HostName],
    servers: &[SocketAddr],
    timeout: Duration,
) -> Vec<Turn> {
    let ends = Instant::now() + timeout;
    let pace = Arc::new(Pace::of(PACKETS_PER_SECOND));
    let mut turns: Vec<Turn> = Vec::new();
    let mut left = ROUNDS.saturating_mul(u32::try_from(servers.len()).unwrap_or(u32::MAX));
    for server in (0..ROUNDS).flat_map(|_| servers).copied() {
        let patience = ends.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        let before = turns.iter().position(|turn| turn.server == server);
        if let Some(before) = before {
            if !turns.get(before).is_some_and(was_silent) {
                continue;
            }
            turns.remove(before);
        }
        let came = one_turn(name, candidates, server, patience, &pace).await;
        let is_settled = came.is_ok();
        turns.push(Turn { server, came });
        if is_settled {
            break;
        }
    }
    turns
}

fn was_silent(turn: &Turn) -> bool {
    matches!(&turn.came, Err(trouble) if trouble.reason == Reason::TimedOut)
}

/// A word on the name, be it that there is none; or why there was no word.
async fn one_turn(
    name: &HostName,
    candidates: &[HostName],
    server: SocketAddr,
    patience: Duration,
    pace: &Arc<Pace>,
) -> Result<Finding, Trouble> {
    let asker = Asker::new(&[server], patience / QUESTIONS, pace.clone())?;
    let asked = tokio::time::timeout(patience, ask_name(&asker, name, candidates)).await;
    let finding = asked.map_err(|_| Trouble {
        reason: Reason::TimedOut,
        what: "the resolver did not answer in time".into(),
    })?;
    let has_word = finding.answer.is_some() || finding.without_address || finding.circle.is_some();
    match finding.troubles.first() {
        Some(trouble) if !has_word => Err(trouble.clone()),
        _ => Ok(finding),
    }
}
