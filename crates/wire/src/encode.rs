//! A batch becomes lines.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};

use groma_model::batch::{Batch, Record, Said};
use groma_model::{Fact, Gap, Observation, Reason};
use serde::Serialize;

use crate::line::{AgainLine, CoveredLine, Excess, MissedLine, SawLine, Trailer, weigh};
use crate::{Limits, WireError};

/// Level 3: what levels beyond it save in bytes they cost the host several times in processor time.
pub(crate) const LEVEL: i32 = 3;

/// Writes `batch` as one zstd frame of JSON lines.
///
/// A measurement that is not a finite number says nothing and is left out; a fact no receiver would take becomes
/// a gap of its scope. The only error is a receiver that fails.
pub fn encode(batch: &Batch, out: &mut dyn Write) -> Result<(), WireError> {
    write(batch, out).map_err(WireError::Write)
}

fn write(batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
    let mut packer = zstd::Encoder::new(out, LEVEL)?;
    packer.include_checksum(true)?;
    put(&mut packer, &batch.header)?;
    let mut numbers = Numbers::of(&batch.records);
    let mut records = 0;
    for (index, record) in batch.records.iter().enumerate() {
        records += u64::from(put_record(&mut packer, &mut numbers, index, record)?);
    }
    put(&mut packer, &Trailer { records })?;
    packer.finish()?.flush()
}

/// Writes one record; `false` if it says nothing.
fn put_record(
    out: &mut impl Write,
    numbers: &mut Numbers,
    index: usize,
    record: &Record,
) -> io::Result<bool> {
    let source = &record.source;
    let line = match &record.said {
        Said::Saw(observation) if says_nothing(&observation.fact) => return Ok(false),
        Said::Saw(observation) => match numbers.role(index) {
            // What is said again was left out the first time.
            Role::Again(0) => return Ok(false),
            Role::Again(again) => line(&AgainLine {
                again,
                seen: observation.seen,
            })?,
            Role::First(n) => line(&SawLine::new(Some(n), source, observation))?,
            Role::Only => line(&SawLine::new(None, source, observation))?,
        },
        Said::Missed(missed) => line(&MissedLine { source, missed })?,
        Said::Covered(covered) => line(&CoveredLine { source, covered })?,
    };
    if let (Said::Saw(observation), Some(excess)) = (&record.said, excess(&line)) {
        numbers.take_back(index);
        let missed = left_out(observation, &excess);
        out.write_all(&self::line(&MissedLine {
            source,
            missed: &missed,
        })?)?;
        return Ok(true);
    }
    out.write_all(&line)?;
    Ok(true)
}

/// What no receiver would take: bounds on one line are the same for all of them.
fn excess(line: &[u8]) -> Option<Excess> {
    let limits = Limits::local();
    if line.len() >= limits.line_bytes {
        let limit = limits.line_bytes as u64;
        return Some(Excess {
            what: "bytes in a line",
            limit,
        });
    }
    // Our own facts are flat; a line no longer than a string may be holds no string that is too long.
    if line.len() <= limits.string_bytes {
        return None;
    }
    weigh(line, &limits).err()
}

/// One thing that is too large must not cost everything else: it becomes a gap of its scope.
fn left_out(observation: &Observation, excess: &Excess) -> Gap {
    let fact = serde_json::to_value(&observation.fact).ok();
    let kind = fact.as_ref().and_then(|fact| fact.get("fact")?.as_str());
    Gap {
        scope: observation.scope.clone(),
        what: format!(
            "a fact ({}) of more than {} {}",
            kind.unwrap_or("of no known kind"),
            excess.limit,
            excess.what
        ),
        reason: Reason::TooLarge,
        remedy: Some("see what is there by hand: nothing well-meant is so long".to_owned()),
    }
}

fn put(out: &mut impl Write, words: &impl Serialize) -> io::Result<()> {
    out.write_all(&line(words)?)
}

fn line(words: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(words).map_err(io::Error::from)?;
    line.push(b'\n');
    Ok(line)
}

fn says_nothing(fact: &Fact) -> bool {
    match fact {
        Fact::Measurement(measurement) => !measurement.value.is_finite(),
        Fact::Unknown(value) => value.is_null(),
        _ => false,
    }
}

/// Which facts of a batch are said more than once, and under which number.
struct Numbers {
    /// Index of a later saying → index of the first.
    first_of: HashMap<usize, usize>,
    /// Index of a first saying → its number, 0 as long as it has none.
    number_of: HashMap<usize, u64>,
    last: u64,
}

enum Role {
    Only,
    First(u64),
    Again(u64),
}

impl Numbers {
    fn of(records: &[Record]) -> Self {
        let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut numbers = Self {
            first_of: HashMap::new(),
            number_of: HashMap::new(),
            last: 0,
        };
        for (index, record) in records.iter().enumerate() {
            let Said::Saw(observation) = &record.said else {
                continue;
            };
            if says_nothing(&observation.fact) {
                continue;
            }
            let candidates = by_hash.entry(hash(record, observation)).or_default();
            let first = candidates
                .iter()
                .find(|&&other| records.get(other).is_some_and(|o| same_fact(o, record)));
            match first {
                Some(&first) => {
                    numbers.first_of.insert(index, first);
                    numbers.number_of.insert(first, 0);
                }
                None => candidates.push(index),
            }
        }
        numbers
    }

    fn role(&mut self, index: usize) -> Role {
        if let Some(first) = self.first_of.get(&index) {
            return Role::Again(self.number_of.get(first).copied().unwrap_or_default());
        }
        match self.number_of.get_mut(&index) {
            None => Role::Only,
            Some(number) => {
                self.last += 1;
                *number = self.last;
                Role::First(self.last)
            }
        }
    }

    /// The first saying was left out after all, and so is every later one.
    fn take_back(&mut self, index: usize) {
        if let Some(number) = self.number_of.get_mut(&index) {
            *number = 0;
            self.last -= 1;
        }
    }
}

/// A hash of what a record says, by the bytes it would be written as.
fn hash(record: &Record, observation: &Observation) -> u64 {
    struct Sink(DefaultHasher);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sink = Sink(DefaultHasher::new());
    sink.0.write(record.source.as_str().as_bytes());
    sink.0.write(observation.scope.as_str().as_bytes());
    // A fact always serialises; if one day it did not, equal hashes only cost a comparison.
    let _ = serde_json::to_writer(&mut sink, &observation.fact);
    sink.0.finish()
}

fn same_fact(one: &Record, other: &Record) -> bool {
    match (&one.said, &other.said) {
        (Said::Saw(a), Said::Saw(b)) => {
            one.source == other.source && a.scope == b.scope && a.fact == b.fact
        }
        _ => false,
    }
}
