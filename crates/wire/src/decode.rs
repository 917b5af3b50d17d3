//! Lines become a batch, or a refusal that says where and why.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use groma_model::batch::{
    BATCH_SCHEMA, Batch, BatchHeader, FactKey, Quoted, Record, Said, fact_key,
};
use groma_model::{Fact, Observation, Scope, Seen, SourceName};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::brief;
use crate::line::{AnyLine, Weighed, weigh};
use crate::marks::{Mark, Told};
use crate::openings::{self, Opening, Openings};
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

/// A batch of which a part is left as text.
#[derive(Debug)]
pub struct Received {
    /// What was built.
    pub batch: Batch,
    /// What was read before.
    pub quoted: Vec<Quoted>,
    /// What is known now of the lines, for whoever puts the next text together out of them. It holds for facts that are written as their text
    /// stood there: whoever keeps them knows which are.
    pub marks: Vec<Mark>,
}

/// Which texts of facts were read before, and are what their facts are written as.
pub type Knows<'k> = dyn Fn(&FactKey) -> bool + 'k;

/// As [`decode`], without building the facts that whoever receives them knows already; all bounds hold for those too.
pub fn receive(
    input: &mut dyn Read,
    limits: &Limits,
    knows: &Knows<'_>,
) -> Result<Received, WireError> {
    Decoder::open(input, limits)?.receive(knows, None)
}

/// As [`receive`], for a text that is unpacked already.
pub fn receive_text(
    text: &[u8],
    limits: &Limits,
    knows: &Knows<'_>,
) -> Result<Received, WireError> {
    Decoder::over(Lines::plain(text, limits), limits)?.receive(knows, None)
}

/// As [`receive_text`], for the text of a batch that came as what is new in it. What is known of its lines is not read again, so `knows` must
/// know every key that was in the marks of the base, and the base have been read within the same limits on lines, strings and nesting.
pub fn receive_told(
    told: &Told,
    limits: &Limits,
    knows: &Knows<'_>,
) -> Result<Received, WireError> {
    Decoder::over(Lines::plain(told.text(), limits), limits)?.receive(knows, Some(told))
}

/// Reads a batch record by record. The batch counts only if the last record was followed by `None`:
/// an error is the last item, and whoever keeps records must then forget them.
pub struct Decoder<'r> {
    lines: Lines<'r>,
    limits: Limits,
    header: BatchHeader,
    numbered: HashMap<u64, Numbered>,
    sources: HashSet<SourceName>,
    /// How lines begin; `None` where no line is known anyway.
    openings: Option<Openings>,
    values: u64,
    records: u64,
    done: bool,
}

/// A fact that may be said again, with the size of the line that said it first.
struct Numbered {
    source: SourceName,
    scope: Scope,
    fact: Content,
    bytes: u64,
}

/// A fact, or the text of one that is known.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart on the next line"
)]
enum Content {
    Fact(Fact),
    Known(FactKey, Box<str>),
}

/// What a line says.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart on the next line"
)]
enum Line {
    Record(Record),
    Quoted(Quoted),
}

impl Line {
    fn saw(source: SourceName, scope: Scope, seen: Seen, content: Content) -> Self {
        match content {
            Content::Fact(fact) => Self::Record(Record {
                source,
                said: Said::Saw(Observation { scope, fact, seen }),
            }),
            Content::Known(key, text) => Self::Quoted(Quoted {
                source,
                scope,
                seen,
                key,
                text,
            }),
        }
    }
}

impl<'r> Decoder<'r> {
    /// Reads the header of a batch.
    pub fn open(input: &'r mut dyn Read, limits: &Limits) -> Result<Self, WireError> {
        Self::over(Lines::open(input, limits)?, limits)
    }

    fn over(mut lines: Lines<'r>, limits: &Limits) -> Result<Self, WireError> {
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
            openings: None,
            values: 0,
            records: 0,
            done: false,
        })
    }

    /// Who looked, when, and which batch this is.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    fn receive(mut self, knows: &Knows<'_>, told: Option<&Told>) -> Result<Received, WireError> {
        let (mut records, mut quoted) = (Vec::new(), Vec::new());
        // Nothing is known of the header.
        let mut marks = vec![Mark::default()];
        self.openings = told.is_some().then(Openings::default);
        loop {
            let hint = told.and_then(|told| told.line(self.lines.number()));
            if let Some((known, mark)) = hint.and_then(|(length, mark)| self.known(length, mark)) {
                quoted.push(known);
                marks.push(mark);
                continue;
            }
            let Some((told, mark)) = self.step(Some(knows))? else {
                break;
            };
            marks.push(mark.unwrap_or_default());
            match told {
                Line::Record(record) => records.push(record),
                Line::Quoted(known) => quoted.push(known),
            }
        }
        let batch = Batch {
            header: self.header,
            records,
        };
        Ok(Received {
            batch,
            quoted,
            marks,
        })
    }

    /// The next line, if it begins as one before it and ends in a fact that is known, and is within all bounds: what it comes to when it is
    /// read in full, and nothing else.
    fn known(&mut self, length: usize, mark: &Mark) -> Option<(Quoted, Mark)> {
        let key = *mark.key()?;
        let line = self.lines.at_hand(length)?;
        let head = line.get(..mark.begins(line)?)?;
        let (opening, seen) = self.openings.as_ref()?.find(head)?;
        let (seen, values) = openings::seen(seen, &self.limits)?;
        let values = openings::VALUES + values + mark.values();
        let (values, records) = (self.values.saturating_add(values), self.records + 1);
        let text = std::str::from_utf8(mark.fact(line)?).ok()?;
        if values > self.limits.values || records > self.limits.records {
            return None;
        }
        let quoted = Quoted {
            source: opening.source.clone(),
            scope: opening.scope.clone(),
            seen,
            key,
            text: text.into(),
        };
        (self.values, self.records) = (values, records);
        self.lines.pass(length);
        Some((quoted, *mark))
    }

    /// What the next line says and what is known of it, or `None` after a trailer that counts right and has nothing behind it.
    fn step(
        &mut self,
        knows: Option<&Knows<'_>>,
    ) -> Result<Option<(Line, Option<Mark>)>, WireError> {
        let Some(line) = self.lines.next_line()? else {
            return Err(WireError::Truncated {
                line: self.lines.number(),
            });
        };
        let bytes = line.len() as u64;
        let weighed = weigh(line, &self.limits);
        let parsed = weighed.map(|weighed| (weighed.values, parsed(line, weighed, knows)));
        let opening = match (&parsed, &self.openings) {
            (Ok((_, Ok((said, Some(_))))), Some(openings)) => said.opening(line, openings),
            _ => None,
        };
        let (values, parsed) =
            parsed.map_err(|excess| self.too_large(excess.what, excess.limit))?;
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            return Err(self.too_large("values", self.limits.values));
        }
        let (said, mark) = parsed.map_err(|error| self.malformed(brief(&error)))?;
        if let Some(records) = said.records {
            self.end(records)?;
            return Ok(None);
        }
        self.records += 1;
        if self.records > self.limits.records {
            return Err(self.too_large("records", self.limits.records));
        }
        let told = self.record(said, bytes)?;
        if let (Some(openings), Some(opening)) = (&mut self.openings, opening) {
            openings.learn(opening);
        }
        Ok(Some((told, mark)))
    }

    fn end(&mut self, records: u64) -> Result<(), WireError> {
        if records != self.records {
            return Err(self.malformed(format!(
                "the last line counts {records} records, {} came",
                self.records
            )));
        }
        self.lines.finish()
    }

    fn record(&mut self, said: AnyLine<Content>, bytes: u64) -> Result<Line, WireError> {
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
                return Ok(Line::saw(source, scope, seen, fact));
            }
            (None, Some(gap), None) => Said::Missed(gap),
            (None, None, Some(coverage)) => Said::Covered(coverage),
            _ => {
                return Err(self.malformed(
                    "neither a fact, nor a gap, nor coverage, or several at once".to_owned(),
                ));
            }
        };
        Ok(Line::Record(Record { source, said }))
    }

    /// A fact named by its number. It counts with its full size, or two short lines would be a bomb.
    fn again(&mut self, number: u64, said: AnyLine<Content>) -> Result<Line, WireError> {
        let Some(known) = self.numbered.get(&number) else {
            return Err(self.malformed(format!("fact {number} is said again but was never said")));
        };
        let Some(seen) = said.seen else {
            return Err(self.malformed("a fact without its times".to_owned()));
        };
        self.lines.expand(known.bytes)?;
        let (source, scope) = (known.source.clone(), known.scope.clone());
        Ok(Line::saw(source, scope, seen, known.fact.clone()))
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
        let step = self.step(None).transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step.map(|told| match told?.0 {
            Line::Record(record) => Ok(record),
            Line::Quoted(_) => {
                unreachable!("nothing is left as text where nobody said that anything was known")
            }
        })
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

impl AnyLine<Content> {
    /// How this line begins, if that is new.
    fn opening(&self, line: &[u8], known: &Openings) -> Option<Opening> {
        let (source, scope) = (self.source.as_ref()?, self.scope.as_ref()?);
        let is_new = known.find(line).is_none();
        is_new.then(|| Opening::of(line, source, scope)).flatten()
    }
}

/// A line, and what is known of it then. Its fact is built unless its text is known.
fn parsed(
    line: &[u8],
    weighed: Weighed,
    knows: Option<&Knows<'_>>,
) -> serde_json::Result<(AnyLine<Content>, Option<Mark>)> {
    let saw = weighed.saw;
    let text = saw.as_ref().and_then(|at| line.get(at.clone()));
    let text = text.and_then(|text| std::str::from_utf8(text).ok());
    let (Some(text), Some(saw)) = (text, &saw) else {
        // No fact, or one whose name is written in a roundabout way.
        let line: AnyLine<Fact> = serde_json::from_slice(line)?;
        return Ok((line.with(|fact| Ok(Content::Fact(fact)))?, None));
    };
    let said: AnyLine<IgnoredAny> = serde_json::from_slice(line)?;
    let mut mark = None;
    let said = said.with(|_| {
        let Some(knows) = knows else {
            return Fact::from_json(text).map(Content::Fact);
        };
        let key = fact_key(text.as_bytes());
        mark = Mark::of(line, saw, key, weighed.within);
        match knows(&key) {
            true => Ok(Content::Known(key, text.into())),
            false => Fact::from_json(text).map(Content::Fact),
        }
    })?;
    Ok((said, mark))
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
