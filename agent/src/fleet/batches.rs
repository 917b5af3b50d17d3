//! Batches on their way through the spool: cut to what travels, told when something was lost, and set right where a clock or a name was wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::{
    AgentId, Batch, BatchHeader, Gap, Reason, Scope, Seen, SiteId, SourceName, Timestamp,
};
use groma_ship::Identity;
use groma_spool::Loss;
use groma_wire::Limits;

/// The source that tells what never reached the collector.
pub(crate) const SPOOL_SOURCE: &str = "agent.spool";
/// A clock that is so far off was wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);
/// No look is older than this program: 2025-01-01T00:00:00Z.
const EARLIEST_MS: i64 = 1_735_689_600_000;
/// What lies so near to a look was seen in it.
const NEAR: Duration = Duration::from_secs(120);

/// A batch as bytes, under its number.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Packed {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Packs a look into as many batches as it takes: as a whole where it fits, else source by source. A source that says more than travels
/// becomes a gap, told in its own name.
pub(crate) fn pack(batch: Batch, next: &mut u64, limits: &Limits) -> Result<Vec<Packed>> {
    if let Some(bytes) = packed_within(&batch, limits)? {
        return Ok(vec![numbered(&batch, bytes, next)]);
    }
    let mut parts: BTreeMap<SourceName, Vec<Record>> = BTreeMap::new();
    for record in batch.records {
        parts.entry(record.source.clone()).or_default().push(record);
    }
    // A source that looked and said nothing is news too.
    for source in &batch.header.sources {
        parts.entry(source.clone()).or_default();
    }
    let mut all = Vec::new();
    for (source, records) in parts {
        let header = BatchHeader {
            sources: vec![source.clone()],
            sequence: *next,
            ..batch.header.clone()
        };
        let mut part = Batch { header, records };
        let bytes = match packed_within(&part, limits)? {
            Some(bytes) => bytes,
            None => {
                part.records = vec![too_much(&source, part.records.len())];
                encoded(&part)?
            }
        };
        all.push(numbered(&part, bytes, next));
    }
    Ok(all)
}

fn numbered(batch: &Batch, bytes: Vec<u8>, next: &mut u64) -> Packed {
    let sequence = batch.header.sequence;
    *next = (*next).max(sequence.saturating_add(1));
    Packed {
        epoch: batch.header.epoch,
        sequence,
        bytes,
    }
}

fn too_much(source: &SourceName, records: usize) -> Record {
    Record {
        source: source.clone(),
        said: Said::Missed(Gap {
            scope: Scope::new("source", source.as_str()),
            what: format!("a look of {records} records, more than travels in one batch"),
            reason: Reason::TooLarge,
            remedy: Some(
                "on that machine: groma-agent look --out FILE, and groma import FILE".to_owned(),
            ),
        }),
    }
}

/// The bytes of a batch that the collector will take; `None` if it is too much.
fn packed_within(batch: &Batch, limits: &Limits) -> Result<Option<Vec<u8>>> {
    let many = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
    if many > limits.records {
        return Ok(None);
    }
    let bytes = encoded(batch)?;
    // Asked of the decoder itself: nobody else knows what it takes.
    let fits = groma_wire::decode(&mut bytes.as_slice(), limits).is_ok();
    Ok(fits.then_some(bytes))
}

pub(crate) fn encoded(batch: &Batch) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    groma_wire::encode(batch, &mut bytes)?;
    Ok(bytes)
}

/// A batch that tells of something that never reached the collector.
pub(crate) fn telling(
    identity: &Identity,
    (epoch, sequence): (u64, u64),
    now: Timestamp,
    gap: Gap,
) -> Batch {
    let source = SourceName::new(SPOOL_SOURCE);
    Batch {
        header: BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: identity.agent.clone(),
            site: identity.site.clone(),
            epoch,
            sequence,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: now,
            ended: now,
            sources: vec![source.clone()],
        },
        records: vec![Record {
            source,
            said: Said::Missed(gap),
        }],
    }
}

/// What a spool lost, as a gap.
pub(crate) fn gap_of(loss: &Loss) -> Gap {
    use groma_spool::Reason as R;
    let (reason, remedy) = match loss.reason {
        R::DroppedForRoom => (
            Reason::BudgetExhausted,
            "the collector was away too long for the room there is; newer looks show what is there now",
        ),
        R::TornTail => (
            Reason::Vanished,
            "normal after a power cut; the next look shows what is there now",
        ),
        _ => (
            Reason::Malformed,
            "look after the disk of that machine; the next look shows what is there now",
        ),
    };
    let many = loss.frames.map_or_else(
        || "an unknown number of".to_owned(),
        |frames| frames.to_string(),
    );
    Gap {
        scope: Scope::new("spool", &loss.segment_first.to_string()),
        what: format!(
            "{many} batches that waited to be sent ({}, {} bytes)",
            loss.reason, loss.bytes
        ),
        reason,
        remedy: Some(remedy.to_owned()),
    }
}

/// A batch that the collector will never take, as a gap.
pub(crate) fn gap_of_refused(header: Option<&BatchHeader>, says: &str) -> Gap {
    Gap {
        scope: Scope::new("spool", "refused"),
        what: format!(
            "a batch {}, which cannot be kept: {says}",
            of_which_look(header)
        ),
        reason: Reason::Refused,
        remedy: Some(
            "see that agent and collector are of the same version and the clock of this machine is right; the next look shows what is there now"
                .to_owned(),
        ),
    }
}

/// A batch that the machine this one was copied from has too, and sends under its own name.
pub(crate) fn gap_of_another(header: &BatchHeader) -> Gap {
    Gap {
        scope: Scope::new("spool", "copied"),
        what: format!(
            "a batch {}, which the machine saw that this one was copied from",
            of_which_look(Some(header))
        ),
        reason: Reason::Refused,
        remedy: Some("nothing: that machine sends it itself".to_owned()),
    }
}

fn of_which_look(header: Option<&BatchHeader>) -> String {
    header.map_or_else(
        || "of a look".to_owned(),
        |header| format!("of the look that ended {}", header.ended),
    )
}

/// What a batch needs before it can travel: by whom it must be signed, and how far its clock was off.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Mending {
    agent: AgentId,
    site: SiteId,
    shift_ms: i64,
}

/// True if a clock so far off is right enough.
pub(crate) fn is_sound(off_ms: i64) -> bool {
    u128::from(off_ms.unsigned_abs()) <= CLOCK_TOLERANCE.as_millis()
}

/// What must be mended in a batch with this header, if anything. `ended` is when the look really ended, by the collector's clock, where that
/// is known; `now` is that clock.
pub(crate) fn mending(
    header: &BatchHeader,
    identity: &Identity,
    ended: Option<Timestamp>,
    now: Timestamp,
) -> Option<Mending> {
    let tolerance = i64::try_from(CLOCK_TOLERANCE.as_millis()).unwrap_or(i64::MAX);
    let is = header.ended.millis();
    let should = match ended {
        Some(ended) => ended.millis(),
        // Nobody knows any more: only what cannot be is set right.
        None if is > now.millis().saturating_add(tolerance) || is < EARLIEST_MS => now.millis(),
        None => is,
    };
    let shift_ms = match should.saturating_sub(is) {
        shift if shift.unsigned_abs() > tolerance.unsigned_abs() => shift,
        _ => 0,
    };
    let is_ours = header.agent == identity.agent && header.site == identity.site;
    (shift_ms != 0 || !is_ours).then(|| Mending {
        agent: identity.agent.clone(),
        site: identity.site.clone(),
        shift_ms,
    })
}

/// The batch under our name, with the moments of its look where they belong. Moments that a log tells are left: nobody knows what the clock was
/// then.
pub(crate) fn mended(mut batch: Batch, mending: &Mending) -> Batch {
    let header = &mut batch.header;
    let (from, to) = (
        header.started.millis() - near(),
        header.ended.millis() + near(),
    );
    let set = |at: &mut Timestamp| {
        if (from..=to).contains(&at.millis()) {
            *at = Timestamp::from_millis(at.millis().saturating_add(mending.shift_ms));
        }
    };
    if mending.shift_ms != 0 {
        for record in &mut batch.records {
            match &mut record.said {
                Said::Saw(observation) => set_seen(&mut observation.seen, &set),
                Said::Covered(coverage) => {
                    set(&mut coverage.from);
                    set(&mut coverage.to);
                }
                Said::Missed(_) => {}
            }
        }
        set(&mut header.started);
        set(&mut header.ended);
    }
    header.agent = mending.agent.clone();
    header.site = mending.site.clone();
    batch
}

fn set_seen(seen: &mut Seen, set: &impl Fn(&mut Timestamp)) {
    set(&mut seen.first);
    set(&mut seen.last);
}

fn near() -> i64 {
    i64::try_from(NEAR.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use groma_model::{Coverage, CoverageState, Fact, Observation};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + second * 1000)
    }

    fn identity(agent: u8) -> Identity {
        Identity {
            agent: AgentId::from_random([agent; 16]),
            site: SiteId::new("north"),
            copied_from: None,
            collector: "https://collector".to_owned(),
            agents_port: 1,
            generation: 1,
            renew_at: at(0),
            until: at(0),
            key: String::new(),
            certificate: String::new(),
            authorities: String::new(),
        }
    }

    fn account(name: &str) -> Fact {
        Fact::Unknown(serde_json::json!({"fact": "of-tomorrow", "name": name}))
    }

    fn batch(sources: &[(&str, usize)]) -> Batch {
        let mut records = Vec::new();
        for (source, many) in sources {
            let source = SourceName::new(source);
            let scope = Scope::new("s", source.as_str());
            for index in 0..*many {
                let fact = account(&format!("{source}-{index}"));
                let seen = Seen::once(at(5));
                records.push(Record {
                    source: source.clone(),
                    said: Said::Saw(Observation {
                        scope: scope.clone(),
                        fact,
                        seen,
                    }),
                });
            }
            let covered = Coverage {
                scope,
                state: CoverageState::Complete,
                from: at(0),
                to: at(10),
                how: None,
            };
            records.push(Record {
                source,
                said: Said::Covered(covered),
            });
        }
        let mut header = telling(&identity(1), (7, 3), at(10), gap_of_refused(None, "")).header;
        header.started = at(0);
        header.sources = sources
            .iter()
            .map(|(source, _)| SourceName::new(source))
            .collect();
        Batch { header, records }
    }

    #[test]
    fn a_small_look_travels_whole() {
        let mut next = 3;
        let packed = pack(batch(&[("a", 3), ("b", 3)]), &mut next, &Limits::network()).unwrap();
        assert_eq!((packed.len(), next), (1, 4));
    }

    #[test]
    fn a_large_look_travels_source_by_source_and_what_is_too_much_is_told() {
        let limits = Limits {
            records: 10,
            ..Limits::network()
        };
        let mut next = 3;
        let packed = pack(batch(&[("a", 8), ("b", 50), ("c", 0)]), &mut next, &limits).unwrap();
        let read: Vec<Batch> = packed
            .iter()
            .map(|p| groma_wire::decode(&mut p.bytes.as_slice(), &limits).unwrap())
            .collect();
        let of = |index: usize| (read[index].header.sequence, read[index].records.len());
        assert_eq!((of(0), of(1), of(2), next), ((3, 9), (4, 1), (5, 1), 6));
        assert!(
            matches!(&read[1].records[0].said, Said::Missed(gap) if gap.reason == Reason::TooLarge)
        );
    }

    #[test]
    fn a_batch_of_a_sound_clock_under_our_name_is_left_as_it_is() {
        let header = batch(&[("a", 1)]).header;
        assert_eq!(mending(&header, &identity(1), Some(at(40)), at(60)), None);
        assert_eq!(mending(&header, &identity(1), None, at(86_400)), None);
    }

    #[test]
    fn what_a_clock_said_twenty_years_ago_is_set_right_and_a_logs_moments_are_left() {
        let years = 20 * 365 * 86_400;
        for wrong in [-years, years] {
            let mut made = batch(&[("a", 1)]);
            let there = |t: Timestamp| Timestamp::from_millis(t.millis() + wrong * 1000);
            made.header.started = there(made.header.started);
            made.header.ended = there(made.header.ended);
            let told_by_a_log = at(-5_000_000);
            if let Said::Saw(seen) = &mut made.records[0].said {
                seen.seen.first = told_by_a_log;
                seen.seen.last = there(at(5));
            }
            let mending = mending(&made.header, &identity(1), Some(at(10)), at(60)).unwrap();
            let right = mended(made, &mending);
            assert_eq!((right.header.started, right.header.ended), (at(0), at(10)));
            let Said::Saw(seen) = &right.records[0].said else {
                panic!("the first record is a fact")
            };
            assert_eq!((seen.seen.first, seen.seen.last), (told_by_a_log, at(5)));
        }
    }

    #[test]
    fn what_was_made_before_a_copy_had_its_own_name_travels_under_its_own() {
        let made = batch(&[("a", 1)]);
        let mending = mending(&made.header, &identity(2), None, at(60)).unwrap();
        let right = mended(made.clone(), &mending);
        assert_eq!(right.header.agent, identity(2).agent);
        assert_eq!(right.records, made.records);
    }
}
