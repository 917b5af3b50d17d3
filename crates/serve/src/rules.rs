//! What becomes of an agent's record when it says something: pure, so that copies, restarts and doubts are tested without a socket.
//!
//! An agent is known by its key, and a key can be copied with the disk it lies on. So each start of the agent's program takes a random
//! number, its *run*, and only the newest run of an agent is listened to. A run that was followed by another one and speaks again is alive
//! beside it: two machines have one key. The one that speaks again has to become an agent of its own; neither is locked out.
//!
//! A run that comes from a machine which looks different waits until the run before it had time to speak: what a copy says must not be kept
//! under the name of the machine it was copied from.

use std::time::Duration;

use groma_model::Timestamp;
use groma_model::fleet::{AgentHost, AgentRecord, AgentState, RefusalWord};
use groma_wire::talk::Beat;

/// Runs that are remembered: as many copies of one disk are told apart within two beats.
pub(crate) const FORMER_RUNS_MAX: usize = 1024;
/// Authorities that one may say it believes: more than there ever are at once.
const BELIEVES_MAX: usize = 8;
/// Letters of a word somebody said of a machine that are kept.
const WORDS_MAX: usize = 200;

/// Takes in a beat. `beat_every` is how often this agent should say something.
///
/// # Errors
/// It is revoked, or a copy; the record is as it was.
pub(crate) fn beats(
    record: &mut AgentRecord,
    beat: &Beat,
    now: Timestamp,
    beat_every: Duration,
) -> Result<(), RefusalWord> {
    if let AgentState::Revoked { .. } = record.state {
        return Err(RefusalWord::Revoked);
    }
    record.held_until = record.held_until.filter(|until| *until > now);
    if record.run != Some(beat.run) {
        match record.former_runs.contains(&beat.run) {
            true if is_the_first_one(record, beat) => takes_back(record, beat.run),
            true => return Err(RefusalWord::Copy),
            false => begins(record, beat, now, beat_every),
        }
    }
    if record.held_until.is_none() {
        record.host = told(&beat.host);
    }
    record.seen_at = Some(now);
    record.status = beat.status.clone();
    record.status.trouble = record.status.trouble.as_deref().map(plain);
    let believes = record.status.believes.iter().take(BELIEVES_MAX);
    record.status.believes = believes.map(|pin| plain(pin)).collect();
    Ok(())
}

/// A run begins that was never heard of.
fn begins(record: &mut AgentRecord, beat: &Beat, now: Timestamp, beat_every: Duration) {
    if let Some(former) = record.run.replace(beat.run) {
        record.former_runs.push(former);
        let surplus = record.former_runs.len().saturating_sub(FORMER_RUNS_MAX);
        record.former_runs.drain(..surplus);
        if record.host.fingerprint != plain(&beat.host.fingerprint) {
            record.held_until = Some(now.plus(beat_every.saturating_mul(2)));
        }
    }
}

/// While a newcomer from a machine that looks different waits, the machine that was known before speaks again: the name is its.
fn is_the_first_one(record: &AgentRecord, beat: &Beat) -> bool {
    record.held_until.is_some() && record.host.fingerprint == plain(&beat.host.fingerprint)
}

fn takes_back(record: &mut AgentRecord, run: u64) {
    record.former_runs.retain(|former| *former != run);
    record.former_runs.extend(record.run.replace(run));
    record.held_until = None;
}

/// Whether a batch from this run is taken now.
///
/// # Errors
/// Why not.
pub(crate) fn takes(record: &AgentRecord, run: u64, now: Timestamp) -> Result<(), RefusalWord> {
    match record.state {
        AgentState::Revoked { .. } => return Err(RefusalWord::Revoked),
        AgentState::Waiting => return Err(RefusalWord::Waiting),
        AgentState::Active => {}
    }
    if record.run != Some(run) {
        // Whoever was never heard of says so first; whoever was followed is told at its next beat.
        return Err(RefusalWord::Held);
    }
    match record.held_until.is_some_and(|until| until > now) {
        true => Err(RefusalWord::Held),
        false => Ok(()),
    }
}

/// Whether a copy may become an agent of its own: only a run that another one has followed.
///
/// # Errors
/// It is revoked, or no copy.
pub(crate) fn may_split(record: &AgentRecord, run: u64) -> Result<(), RefusalWord> {
    match record.state {
        AgentState::Revoked { .. } => Err(RefusalWord::Revoked),
        _ if record.former_runs.contains(&run) => Ok(()),
        _ => Err(RefusalWord::Malformed),
    }
}

/// Takes a run out of those that may ask to be split off: it has.
pub(crate) fn splits(record: &mut AgentRecord, run: u64) {
    record.former_runs.retain(|former| *former != run);
}

/// What somebody says of a machine, on one line and not too long.
pub(crate) fn told(host: &AgentHost) -> AgentHost {
    AgentHost {
        name: plain(&host.name),
        system: plain(&host.system),
        fingerprint: plain(&host.fingerprint),
        version: plain(&host.version),
    }
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(WORDS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use groma_model::fleet::AgentStatus;
    use groma_model::{AgentId, SiteId};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: u32) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000).plus(MINUTE * minutes)
    }

    fn record() -> AgentRecord {
        AgentRecord {
            agent: AgentId::from_random([1; 16]),
            site: SiteId::default(),
            key: "k".to_owned(),
            state: AgentState::Active,
            host: host("here"),
            enrolled_at: at(0),
            token: "t".to_owned(),
            copied_from: None,
            generation: 1,
            certificate_until: at(1440),
            certified_by: None,
            run: None,
            former_runs: Vec::new(),
            held_until: None,
            seen_at: None,
            status: AgentStatus::default(),
        }
    }

    fn host(fingerprint: &str) -> AgentHost {
        AgentHost {
            fingerprint: fingerprint.to_owned(),
            ..AgentHost::default()
        }
    }

    fn beat(run: u64, fingerprint: &str) -> Beat {
        Beat {
            run,
            host: host(fingerprint),
            status: AgentStatus::default(),
            policy: 0,
            now: at(0),
        }
    }

    #[test]
    fn an_agent_that_starts_again_goes_on_at_once() {
        let mut record = record();
        for run in 1..50 {
            assert_eq!(
                beats(&mut record, &beat(run, "here"), at(run as u32), MINUTE),
                Ok(())
            );
            assert_eq!(takes(&record, run, at(run as u32)), Ok(()));
        }
    }

    #[test]
    fn fifty_copies_are_told_apart_at_their_second_beat() {
        let mut record = record();
        for run in 1..=50 {
            assert_eq!(
                beats(&mut record, &beat(run, "here"), at(1), MINUTE),
                Ok(())
            );
        }
        for run in 1..50 {
            assert_eq!(
                beats(&mut record, &beat(run, "here"), at(2), MINUTE),
                Err(RefusalWord::Copy)
            );
            assert_eq!(may_split(&record, run), Ok(()));
            splits(&mut record, run);
            assert_eq!(
                may_split(&record, run),
                Err(RefusalWord::Malformed),
                "once each"
            );
        }
        assert_eq!(beats(&mut record, &beat(50, "here"), at(2), MINUTE), Ok(()));
    }

    #[test]
    fn a_copy_on_another_machine_keeps_nothing_under_the_first_ones_name() {
        let mut record = record();
        beats(&mut record, &beat(1, "here"), at(1), MINUTE).unwrap();
        beats(&mut record, &beat(2, "there"), at(1), MINUTE).unwrap();
        assert_eq!(takes(&record, 2, at(1)), Err(RefusalWord::Held));
        // The first one speaks again: the name stays its, and the copy has to become another.
        assert_eq!(beats(&mut record, &beat(1, "here"), at(2), MINUTE), Ok(()));
        assert_eq!(takes(&record, 1, at(2)), Ok(()));
        assert_eq!(
            beats(&mut record, &beat(2, "there"), at(2), MINUTE),
            Err(RefusalWord::Copy)
        );
        assert_eq!(may_split(&record, 2), Ok(()));
    }

    #[test]
    fn a_machine_that_changed_waits_two_beats_and_is_itself() {
        let mut record = record();
        beats(&mut record, &beat(1, "here"), at(1), MINUTE).unwrap();
        beats(&mut record, &beat(2, "new network card"), at(10), MINUTE).unwrap();
        assert_eq!(takes(&record, 2, at(11)), Err(RefusalWord::Held));
        beats(&mut record, &beat(2, "new network card"), at(12), MINUTE).unwrap();
        assert_eq!(takes(&record, 2, at(12)), Ok(()));
    }

    #[test]
    fn who_is_revoked_or_waits_is_not_listened_to() {
        let mut record = record();
        beats(&mut record, &beat(1, "here"), at(1), MINUTE).unwrap();
        record.state = AgentState::Waiting;
        assert_eq!(takes(&record, 1, at(1)), Err(RefusalWord::Waiting));
        record.state = AgentState::Revoked {
            at: at(1),
            because: String::new(),
        };
        assert_eq!(
            beats(&mut record, &beat(1, "here"), at(2), MINUTE),
            Err(RefusalWord::Revoked)
        );
        assert_eq!(takes(&record, 1, at(2)), Err(RefusalWord::Revoked));
        assert_eq!(record.seen_at, Some(at(1)));
    }

    #[test]
    fn words_of_strangers_are_short_and_on_one_line() {
        let mut record = record();
        let mut loud = beat(1, "here");
        loud.host.name = format!("a\n\x1b[31m{}", "b".repeat(10_000));
        beats(&mut record, &loud, at(1), MINUTE).unwrap();
        assert!(
            record.host.name.starts_with("a[31mb") && record.host.name.chars().count() == WORDS_MAX
        );
    }
}
