//! Lines become a batch, or a refusal that says where and why.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::{Fact, Observation, Scope, SourceName};
use serde::Deserialize;

use crate::error::brief;
use crate::line::{AnyLine, weigh};
use crate::unpack::Lines;
use crate::{Limits, WireError};

/// Longest agent, site or source name in bytes.
const NAME_BYTES: usize = 128;
/// Sources in a batch: there are dozens of ways of looking, and each costs whoever keeps it a look.
const SOURCES_MAX: usize = 1024;

/// Reads a whole batch. Everything is within `limits`, or nothing is returned.
pub fn decode(input: &mut dyn Read, limits: &Limits) -> Result<Batch, WireError> {
    let mut decoder = Decoder::open(input, limits)?;
    let records = decoder.by_ref().collect::<Result<_, _>>()?;
    Ok(Batch {
        header: decoder.header,
        records,
    })
}

/// Reads a batch record by record. The batch counts only if the last record was followed by `None`:
/// an error is the last item, and whoever keeps records must then forget them.
pub struct Decoder<'r> {
    lines: Lines<'r>,
    limits: Limits,
    header: BatchHeader,
    numbered: HashMap<u64, Numbered>,
    sources: HashSet<SourceName>,
    values: u64,
    records: u64,
    done: bool,
}

/// A fact that may be said again, with the size of the line that said it first.
struct Numbered {
    source: SourceName,
    scope: Scope,
    fact: Fact,
    bytes: u64,
}

impl<'r> Decoder<'r> {
    /// Reads the header of a batch.
    pub fn open(input: &'r mut dyn Read, limits: &Limits) -> Result<Self, WireError> {
        let mut lines = Lines::open(input, limits)?;
        let header = match lines.next_line()? {
            Some(line) => read_header(line, limits)?,
            None => return Err(WireError::Truncated { line: 0 }),
        };
        Ok(Self {
            lines,
            limits: *limits,
            numbered: HashMap::new(),
            sources: header.sources.iter().cloned().collect(),
            header,
            values: 0,
            records: 0,
            done: false,
        })
    }

    /// Who looked, when, and which batch this is.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The next record, or `None` after a trailer that counts right and has nothing behind it.
    fn step(&mut self) -> Result<Option<Record>, WireError> {
        let Some(line) = self.lines.next_line()? else {
            return Err(WireError::Truncated {
                line: self.lines.number(),
            });
        };
        let bytes = line.len() as u64;
        let weighed = weigh(line, &self.limits);
        let parsed = weighed.map(|values| (values, serde_json::from_slice::<AnyLine>(line)));
        let (values, parsed) =
            parsed.map_err(|excess| self.too_large(excess.what, excess.limit))?;
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            return Err(self.too_large("values", self.limits.values));
        }
        let said = parsed.map_err(|error| self.malformed(brief(&error)))?;
        if let Some(records) = said.records {
            return self.end(records);
        }
        self.records += 1;
        if self.records > self.limits.records {
            return Err(self.too_large("records", self.limits.records));
        }
        self.record(said, bytes).map(Some)
    }

    fn end(&mut self, records: u64) -> Result<Option<Record>, WireError> {
        if records != self.records {
            return Err(self.malformed(format!(
                "the last line counts {records} records, {} came",
                self.records
            )));
        }
        self.lines.finish()?;
        Ok(None)
    }

    fn record(&mut self, said: AnyLine, bytes: u64) -> Result<Record, WireError> {
        if let Some(again) = said.again {
            return self.again(again, said);
        }
        let source = said
            .source
            .ok_or_else(|| self.malformed("no source is named".to_owned()))?;
        if !is_plain_name(source.as_str()) {
            return Err(self.malformed("the name of the source is none".to_owned()));
        }
        if !self.sources.contains(&source) {
            if self.sources.len() >= SOURCES_MAX {
                return Err(self.too_large("sources", SOURCES_MAX as u64));
            }
            self.sources.insert(source.clone());
        }
        let said = match (said.saw, said.missed, said.covered) {
            (Some(fact), None, None) => {
                let (Some(scope), Some(seen)) = (said.scope, said.seen) else {
                    return Err(self.malformed("a fact without its scope or its times".to_owned()));
                };
                if let Some(n) = said.n {
                    let known = Numbered {
                        source: source.clone(),
                        scope: scope.clone(),
                        fact: fact.clone(),
                        bytes,
                    };
                    self.numbered.insert(n, known);
                }
                Said::Saw(Observation { scope, fact, seen })
            }
            (None, Some(gap), None) => Said::Missed(gap),
            (None, None, Some(coverage)) => Said::Covered(coverage),
            _ => {
                return Err(self.malformed(
                    "neither a fact, nor a gap, nor coverage, or several at once".to_owned(),
                ));
            }
        };
        Ok(Record { source, said })
    }

    /// A fact named by its number. It counts with its full size, or two short lines would be a bomb.
    fn again(&mut self, number: u64, said: AnyLine) -> Result<Record, WireError> {
        let Some(known) = self.numbered.get(&number) else {
            return Err(self.malformed(format!("fact {number} is said again but was never said")));
        };
        let Some(seen) = said.seen else {
            return Err(self.malformed("a fact without its times".to_owned()));
        };
        self.lines.expand(known.bytes)?;
        Ok(Record {
            source: known.source.clone(),
            said: Said::Saw(Observation {
                scope: known.scope.clone(),
                fact: known.fact.clone(),
                seen,
            }),
        })
    }

    fn malformed(&self, why: String) -> WireError {
        WireError::Malformed {
            line: self.lines.number(),
            why,
        }
    }

    fn too_large(&self, what: &'static str, limit: u64) -> WireError {
        WireError::TooLarge {
            line: self.lines.number(),
            what,
            limit,
        }
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<Record, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl std::fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("header", &self.header)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

fn read_header(line: &[u8], limits: &Limits) -> Result<BatchHeader, WireError> {
    #[derive(Deserialize)]
    struct Version {
        schema: String,
    }
    weigh(line, limits).map_err(|excess| WireError::TooLarge {
        line: 1,
        what: excess.what,
        limit: excess.limit,
    })?;
    let version: Version = serde_json::from_slice(line)
        .map_err(|error| WireError::NotABatch { why: brief(&error) })?;
    if version.schema != BATCH_SCHEMA {
        return Err(
            match version
                .schema
                .strip_prefix("groma.batch/")
                .map(str::parse::<u32>)
            {
                Some(Ok(number)) if number > 1 => WireError::Newer {
                    schema: brief(&version.schema),
                },
                _ => WireError::NotABatch {
                    why: format!("its first line says {:?}", brief(&version.schema)),
                },
            },
        );
    }
    let malformed = |why: String| WireError::Malformed { line: 1, why };
    let header: BatchHeader =
        serde_json::from_slice(line).map_err(|error| malformed(brief(&error)))?;
    if !is_plain_name(header.agent.as_str())
        || !header.sources.iter().all(|s| is_plain_name(s.as_str()))
    {
        return Err(malformed(
            "the agent or a source has a name that is none".to_owned(),
        ));
    }
    if header.sources.len() > SOURCES_MAX {
        return Err(WireError::TooLarge {
            line: 1,
            what: "sources",
            limit: SOURCES_MAX as u64,
        });
    }
    let site = header.site.as_str();
    if site.is_empty() || site.len() > NAME_BYTES || site.chars().any(char::is_control) {
        return Err(malformed("the site has a name that is none".to_owned()));
    }
    Ok(header)
}

/// Agents and sources have names of ASCII letters, digits, dots, dashes and underscores: nothing that could be a path.
fn is_plain_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
