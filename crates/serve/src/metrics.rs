//! Numbers for those who watch the collector, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use groma_model::Timestamp;
use groma_model::fleet::AgentRecord;

use crate::authority::Roots;
use crate::standing::standing;

/// An agent is silent if it missed so many of its beats.
const SILENT_AFTER: Duration = Duration::from_secs(600);
/// Upper bounds of the buckets of a batch's time, in milliseconds.
const BUCKETS_MS: [u64; 8] = [5, 10, 25, 50, 100, 200, 500, 1000];

/// What is counted while the collector serves.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) connections: AtomicI64,
    pub(crate) handshakes_failed: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) enrolled: AtomicU64,
    pub(crate) enrolments_refused: AtomicU64,
    pub(crate) beats: AtomicU64,
    pub(crate) copies: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) batches_again: AtomicU64,
    pub(crate) batches_refused: AtomicU64,
    pub(crate) batches_against: AtomicU64,
    pub(crate) bases_unknown: AtomicU64,
    pub(crate) bytes_spared: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    kept_ms: [AtomicU64; BUCKETS_MS.len()],
    kept_ms_sum: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Metrics {
    /// A batch was kept in this time, from its last byte to the answer.
    pub(crate) fn kept_in(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        for (bound, bucket) in BUCKETS_MS.iter().zip(&self.kept_ms) {
            if ms <= *bound {
                count(bucket);
            }
        }
        self.kept_ms_sum.fetch_add(ms, Ordering::Relaxed);
    }

    /// All of it as text.
    pub fn render(&self, agents: &[AgentRecord], is_ready: bool, now: Timestamp) -> String {
        let mut text = String::new();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters: [(&str, &str, u64); 14] = [
            (
                "handshakes_failed",
                "TLS handshakes that failed or took too long",
                read(&self.handshakes_failed),
            ),
            (
                "connections_turned_away",
                "Connections beyond the limit",
                read(&self.turned_away),
            ),
            (
                "enrolled",
                "Agents let in since the start",
                read(&self.enrolled),
            ),
            (
                "enrolments_refused",
                "Enrolments refused since the start",
                read(&self.enrolments_refused),
            ),
            (
                "beats",
                "Heartbeats answered since the start",
                read(&self.beats),
            ),
            (
                "copies",
                "Copies of agents told apart since the start",
                read(&self.copies),
            ),
            (
                "batches",
                "Batches kept since the start",
                read(&self.batches),
            ),
            (
                "batches_again",
                "Batches that were kept before",
                read(&self.batches_again),
            ),
            (
                "batches_refused",
                "Batches refused or put off since the start",
                read(&self.batches_refused),
            ),
            (
                "batches_against",
                "Batches that came as what is new against the one before",
                read(&self.batches_against),
            ),
            (
                "bases_unknown",
                "Batches asked for whole, because the one before was not remembered",
                read(&self.bases_unknown),
            ),
            (
                "bytes_spared",
                "Bytes that batches would have taken more, had they come whole",
                read(&self.bytes_spared),
            ),
            (
                "records",
                "Records of batches kept since the start",
                read(&self.records),
            ),
            (
                "bytes",
                "Bytes of batches as they came, since the start",
                read(&self.bytes),
            ),
        ];
        for (name, help, value) in counters {
            let _ = writeln!(
                text,
                "# HELP groma_{name}_total {help}\n# TYPE groma_{name}_total counter\ngroma_{name}_total {value}"
            );
        }
        let connections = self.connections.load(Ordering::Relaxed);
        gauge(&mut text, "connections", "Open connections", connections);
        gauge(
            &mut text,
            "ready",
            "1 if something can be kept now",
            i64::from(is_ready),
        );
        self.histogram(&mut text);
        by_state(&mut text, agents, now);
        text
    }

    fn histogram(&self, text: &mut String) {
        let name = "groma_batch_kept_milliseconds";
        let _ = writeln!(
            text,
            "# HELP {name} From a batch's last byte to its acknowledgement\n# TYPE {name} histogram"
        );
        for (bound, bucket) in BUCKETS_MS.iter().zip(&self.kept_ms) {
            let _ = writeln!(
                text,
                "{name}_bucket{{le=\"{bound}\"}} {}",
                bucket.load(Ordering::Relaxed)
            );
        }
        let all = self.batches.load(Ordering::Relaxed) + self.batches_again.load(Ordering::Relaxed);
        let sum = self.kept_ms_sum.load(Ordering::Relaxed);
        let _ = writeln!(
            text,
            "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {sum}\n{name}_count {all}"
        );
    }
}

fn gauge(text: &mut String, name: &str, help: &str, value: i64) {
    let _ = writeln!(
        text,
        "# HELP groma_{name} {help}\n# TYPE groma_{name} gauge\ngroma_{name} {value}"
    );
}

fn by_state(text: &mut String, agents: &[AgentRecord], now: Timestamp) {
    let _ = writeln!(
        text,
        "# HELP groma_agents Agents by state\n# TYPE groma_agents gauge"
    );
    for state in ["waiting", "active", "revoked"] {
        let all = agents
            .iter()
            .filter(|agent| agent.state.word() == state)
            .count();
        let _ = writeln!(text, "groma_agents{{state=\"{state}\"}} {all}");
    }
    let silent = agents.iter().filter(|agent| is_silent(agent, now)).count();
    gauge(
        text,
        "agents_silent",
        "Active agents not heard of for ten minutes",
        i64::try_from(silent).unwrap_or(i64::MAX),
    );
    let spooled: u64 = agents
        .iter()
        .map(|agent| agent.status.spool_bytes)
        .fold(0, u64::saturating_add);
    gauge(
        text,
        "agents_spool_bytes",
        "Bytes that wait at the agents",
        i64::try_from(spooled).unwrap_or(i64::MAX),
    );
}

/// When the authority ends, and who is behind in a roll-over of it.
pub(crate) fn of_authority(
    text: &mut String,
    roots: &Roots,
    agents: &[AgentRecord],
    now: Timestamp,
) {
    gauge(
        text,
        "authority_ends_seconds",
        "When the authority that signs ends, in seconds since 1970",
        roots.present.until().millis().div_euclid(1000),
    );
    let behind = standing(roots, agents, now).behind.len();
    gauge(
        text,
        "agents_behind_authority",
        "Agents that are not ready for the next step of a roll-over of the authority",
        i64::try_from(behind).unwrap_or(i64::MAX),
    );
}

/// True for an active agent that should have said something by now.
pub fn is_silent(agent: &AgentRecord, now: Timestamp) -> bool {
    agent.state.word() == "active"
        && agent
            .seen_at
            .is_none_or(|seen| seen.plus(SILENT_AFTER) < now)
}
