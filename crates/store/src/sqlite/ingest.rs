//! A batch comes in: what is new becomes events, what is as before becomes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::batch::{BatchHeader, Said};
use groma_model::fact::Measurement;
use groma_model::{Coverage, Fact, Foreign, Gap, Observation, Seen, SourceName};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::looks::watermark;
use super::place::{Event, Flow, Hash, Standing, Word, hash};
use super::signed;
use crate::extent::Extent;
use crate::report::{self, Span};
use crate::{Ingested, Records, StoreError, Tally};

pub(super) const ATTEMPT: &str = "keep a batch";

/// A fact at a place, within one stream: its content, its scope.
type Place = (Hash, String);

/// Keeps a batch; the caller's transaction makes it whole or nothing.
pub(super) fn ingest(
    connection: &Connection,
    header: &BatchHeader,
    records: &mut Records<'_>,
) -> Result<Ingested, StoreError> {
    if is_kept(connection, header)? {
        return Ok(Ingested::AlreadyKept);
    }
    let mut statements = Statements::prepare(connection)?;
    let mut streams: BTreeMap<SourceName, Stream> = BTreeMap::new();
    for record in records {
        let record = record.map_err(StoreError::Input)?;
        if !streams.contains_key(&record.source) {
            let stream = Stream::open(connection, header, &record.source)?;
            streams.insert(record.source.clone(), stream);
        }
        let Some(stream) = streams.get_mut(&record.source) else {
            continue;
        };
        match record.said {
            Said::Saw(observation) => stream.saw(&mut statements, observation)?,
            Said::Missed(gap) => stream.gaps.push(gap),
            Said::Covered(coverage) => stream.coverage.push(coverage),
        }
    }
    for silent in header.sources.iter().collect::<BTreeSet<_>>() {
        if !streams.contains_key(silent) {
            streams.insert(silent.clone(), Stream::open(connection, header, silent)?);
        }
    }
    let mut tally = Tally::default();
    let mut look = watermark(connection)?;
    for stream in streams.values() {
        look += 1;
        stream.close(&mut statements, header, look, &mut tally)?;
    }
    Ok(Ingested::Kept(tally))
}

/// True if a look of this batch is in the store. All looks of a batch come in one transaction, so one is enough.
fn is_kept(connection: &Connection, header: &BatchHeader) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM look WHERE site_id = ?1 AND vantage = ?2 AND epoch = ?3 AND sequence = ?4 LIMIT 1";
    let key = params![
        header.site.as_str(),
        header.agent.as_str(),
        signed(header.epoch),
        signed(header.sequence)
    ];
    let found = connection.query_row(sql, key, |_| Ok(())).optional();
    found
        .map(|row| row.is_some())
        .map_err(StoreError::of(ATTEMPT))
}

/// One source's part of the batch.
struct Stream {
    site: String,
    vantage: String,
    source: String,
    span: Span,
    /// Looks of this stream that ended after this one, if it comes late: when, and how far they reached.
    later: Vec<(i64, Extent)>,
    /// What became of each place.
    known: HashMap<Place, Known>,
    seen: BTreeMap<Place, Seen>,
    measured: BTreeMap<(String, String, Foreign), (i64, f64)>,
    coverage: Vec<Coverage>,
    gaps: Vec<Gap>,
}

/// A place as the store knows it.
struct Known {
    /// What is true of it at the end of this look; `None` if it was first seen later.
    standing: Option<Standing>,
    /// The earliest moment after this look at which something became of it; only a late look has that.
    next: Option<i64>,
}

impl Stream {
    fn open(
        connection: &Connection,
        header: &BatchHeader,
        source: &SourceName,
    ) -> Result<Self, StoreError> {
        let span = Span {
            started: header.started.millis(),
            ended: header.ended.millis(),
        };
        let mut stream = Self {
            site: header.site.as_str().to_owned(),
            vantage: header.agent.as_str().to_owned(),
            source: source.as_str().to_owned(),
            span,
            later: Vec::new(),
            known: HashMap::new(),
            seen: BTreeMap::new(),
            measured: BTreeMap::new(),
            coverage: Vec::new(),
            gaps: Vec::new(),
        };
        stream.load_later(connection)?;
        stream.load_known(connection)?;
        Ok(stream)
    }

    fn load_later(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "SELECT l.started, l.ended, r.json FROM look l JOIN report r ON r.site_id = l.site_id AND r.hash = l.report
             WHERE l.site_id = ?1 AND l.vantage = ?2 AND l.source = ?3 AND l.ended > ?4 ORDER BY l.ended, l.id";
        let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
        let key = params![self.site, self.vantage, self.source, self.span.ended];
        let read = |r: &rusqlite::Row<'_>| {
            Ok((
                Span {
                    started: r.get(0)?,
                    ended: r.get(1)?,
                },
                r.get::<_, String>(2)?,
            ))
        };
        for look in statement
            .query_map(key, read)
            .map_err(StoreError::of(ATTEMPT))?
        {
            let (span, json) = look.map_err(StoreError::of(ATTEMPT))?;
            self.later.push((span.ended, extent(&json, span)?));
        }
        Ok(())
    }

    fn load_known(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "SELECT fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms FROM event
                   WHERE site_id = ?1 AND vantage = ?2 AND source = ?3";
        let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
        let mut rows = statement
            .query([&self.site, &self.vantage, &self.source])
            .map_err(StoreError::of(ATTEMPT))?;
        let mut places: HashMap<Place, Vec<Event>> = HashMap::new();
        while let Some(row) = rows.next().map_err(StoreError::of(ATTEMPT))? {
            let read = || {
                Ok::<_, rusqlite::Error>((
                    (row.get::<_, Hash>(0)?, row.get(1)?),
                    Event::read(row, 2)?,
                ))
            };
            let (place, event) = read().map_err(StoreError::of(ATTEMPT))?;
            places.entry(place).or_default().push(event);
        }
        self.known = places
            .into_iter()
            .map(|(place, events)| (place, Known::of(events, self.span.ended)))
            .collect();
        Ok(())
    }

    fn saw(
        &mut self,
        statements: &mut Statements<'_>,
        observation: Observation,
    ) -> Result<(), StoreError> {
        let Observation { scope, fact, seen } = observation;
        if let Fact::Measurement(Measurement {
            metric,
            subject,
            value,
        }) = fact
        {
            if value.is_finite() {
                let newest = self
                    .measured
                    .entry((scope.as_str().to_owned(), metric, subject))
                    .or_insert((i64::MIN, value));
                if seen.last.millis() >= newest.0 {
                    *newest = (seen.last.millis(), value);
                }
            }
            return Ok(());
        }
        let json =
            serde_json::to_string(&fact).map_err(|error| StoreError::Input(Box::new(error)))?;
        let place = (hash(&json), scope.as_str().to_owned());
        if !self.known.contains_key(&place) && !self.seen.contains_key(&place) {
            statements
                .fact
                .execute(params![self.site, place.0, json])
                .map_err(StoreError::of(ATTEMPT))?;
        }
        self.seen
            .entry(place)
            .and_modify(|before| *before = before.joined(seen))
            .or_insert(seen);
        Ok(())
    }

    /// Writes the look and all that it changes.
    fn close(
        &self,
        statements: &mut Statements<'_>,
        header: &BatchHeader,
        look: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        self.write_look(statements, header, look)?;
        for (place, seen) in &self.seen {
            tally.facts += 1;
            self.write_seen(statements, look, place, *seen, tally)?;
        }
        self.write_unseen(statements, look, tally)?;
        for ((scope, metric, subject), (at, value)) in &self.measured {
            tally.measurements += 1;
            let key = params![
                self.site,
                self.vantage,
                self.source,
                scope,
                metric,
                subject.as_bytes()
            ];
            let series = statements.series(key)?;
            let row = params![self.site, series, look, at, value];
            statements
                .measurement
                .execute(row)
                .map_err(StoreError::of(ATTEMPT))?;
        }
        Ok(())
    }

    fn write_look(
        &self,
        statements: &mut Statements<'_>,
        header: &BatchHeader,
        look: i64,
    ) -> Result<(), StoreError> {
        let json = report::write(&self.coverage, &self.gaps, self.span)
            .map_err(|error| StoreError::Input(Box::new(error)))?;
        let report = hash(&json);
        let wrote = StoreError::of(ATTEMPT);
        let (epoch, sequence) = (signed(header.epoch), signed(header.sequence));
        let mut write = || {
            statements
                .report
                .execute(params![self.site, report, json])?;
            statements
                .stream
                .execute(params![self.site, self.vantage, self.source])?;
            let (site, vantage, source) = (&self.site, &self.vantage, &self.source);
            statements.look.execute(params![
                site,
                look,
                vantage,
                epoch,
                sequence,
                source,
                self.span.started,
                self.span.ended,
                report
            ])
        };
        write().map(drop).map_err(wrote)
    }

    /// What a fact that was seen adds: nothing, if all of it was known.
    fn write_seen(
        &self,
        statements: &mut Statements<'_>,
        look: i64,
        place: &Place,
        seen: Seen,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let known = self.known.get(place);
        let event = self.event(look, seen);
        match known
            .and_then(|known| known.standing)
            .filter(|standing| standing.word == Word::Seen)
        {
            None => tally.appeared += 1,
            Some(standing) if self.later.is_empty() && is_news(&standing, &event) => {}
            Some(_) => return Ok(()),
        }
        self.write(statements, place, &event)?;
        // Late news: the looks that came before it in time of arrival, but after it in time, did not see the fact.
        let mut word = Word::Seen;
        for (ended, reach) in &self.later {
            if known
                .and_then(|known| known.next)
                .is_some_and(|next| next <= *ended)
                || word == Word::Removed
            {
                break;
            }
            let now = gone(reach, &place.1);
            if now != word {
                self.write(
                    statements,
                    place,
                    &Event {
                        word: now,
                        at: *ended,
                        ..event
                    },
                )?;
            }
            word = now;
        }
        Ok(())
    }

    /// Closes what was open and was not seen.
    fn write_unseen(
        &self,
        statements: &mut Statements<'_>,
        look: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let reach = Extent::of(&self.coverage, &self.gaps);
        let mut absent: Vec<_> = self
            .known
            .iter()
            .filter(|(place, _)| !self.seen.contains_key(*place))
            .collect();
        absent.sort_by_key(|(place, _)| *place);
        for (place, known) in absent {
            let Some(standing) = known.standing else {
                continue;
            };
            let word = gone(&reach, &place.1);
            match (standing.word, word) {
                (Word::Removed, _) | (Word::NotSeen, Word::NotSeen | Word::Seen) => continue,
                (_, Word::Removed) => tally.removed += 1,
                _ => tally.not_seen += 1,
            }
            let Standing {
                first,
                last,
                count,
                flow,
                ..
            } = standing;
            let event = Event {
                look,
                word,
                at: self.span.ended,
                first,
                last,
                count,
                flow,
            };
            self.write(statements, place, &event)?;
            // Late news: it was open at the look after this one, so it came back there.
            if let (Word::Seen, Some((ended, _))) = (standing.word, self.later.first())
                && known.next.is_none_or(|next| next > *ended)
            {
                let back = Event {
                    word: Word::Seen,
                    at: *ended,
                    ..event
                };
                self.write(statements, place, &back)?;
            }
        }
        Ok(())
    }

    fn event(&self, look: i64, seen: Seen) -> Event {
        let live = seen.last.millis() >= self.span.started;
        let last = (!live).then(|| seen.last.millis());
        let count = i64::try_from(seen.count).unwrap_or(i64::MAX);
        Event {
            look,
            word: Word::Seen,
            at: self.span.ended,
            first: seen.first.millis(),
            last,
            count,
            flow: Flow::of(&seen),
        }
    }

    fn write(
        &self,
        statements: &mut Statements<'_>,
        place: &Place,
        event: &Event,
    ) -> Result<(), StoreError> {
        let Event {
            look,
            word,
            at,
            first,
            last,
            count,
            flow,
        } = event;
        let hours = (!flow.hours.is_empty()).then(|| flow.hours.as_bytes());
        let row = params![
            self.site,
            self.vantage,
            self.source,
            place.0,
            place.1,
            look,
            word.as_str(),
            at,
            first,
            last,
            count,
            hours,
            flow.bytes,
            flow.lasted.map(|l| l.shortest_ms),
            flow.lasted.map(|l| l.longest_ms)
        ];
        statements
            .event
            .execute(row)
            .map(drop)
            .map_err(StoreError::of(ATTEMPT))
    }
}

impl Known {
    fn of(mut events: Vec<Event>, moment: i64) -> Self {
        let next = events
            .iter()
            .map(|event| event.at)
            .filter(|at| *at > moment)
            .min();
        events.retain(|event| event.at <= moment);
        Self {
            standing: Standing::of(&mut events),
            next,
        }
    }
}

/// The word for a fact that a look with this reach did not see.
fn gone(reach: &Extent, scope: &str) -> Word {
    if reach.is_complete(scope) {
        Word::Removed
    } else {
        Word::NotSeen
    }
}

/// True if a fact that is open tells something new. A live fact does so when its count doubles, or it would
/// at every look; and any fact when it is seen in an hour of the week that was not known.
fn is_news(standing: &Standing, event: &Event) -> bool {
    let magnitude = |count: i64| count.max(1).ilog2();
    if standing.flow.learns_from(event.flow) {
        return true;
    }
    match (standing.last, event.last) {
        (None, None) => magnitude(event.count) > magnitude(standing.count),
        (before, now) => {
            before != now || standing.count != event.count || event.first < standing.first
        }
    }
}

fn extent(json: &str, span: Span) -> Result<Extent, StoreError> {
    let read = report::read(json, span);
    let (coverage, gaps) = read.map_err(|error| StoreError::Damaged {
        attempt: ATTEMPT,
        why: error.to_string(),
    })?;
    Ok(Extent::of(&coverage, &gaps))
}

/// The statements of an ingest, prepared once for a batch.
struct Statements<'c> {
    fact: Statement<'c>,
    report: Statement<'c>,
    stream: Statement<'c>,
    look: Statement<'c>,
    event: Statement<'c>,
    find_series: Statement<'c>,
    new_series: Statement<'c>,
    measurement: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self, StoreError> {
        let prepare = |sql| connection.prepare(sql).map_err(StoreError::of(ATTEMPT));
        Ok(Self {
            fact: prepare("INSERT OR IGNORE INTO fact (site_id, hash, json) VALUES (?1, ?2, ?3)")?,
            report: prepare("INSERT OR IGNORE INTO report (site_id, hash, json) VALUES (?1, ?2, ?3)")?,
            stream: prepare("INSERT OR IGNORE INTO stream (site_id, vantage, source) VALUES (?1, ?2, ?3)")?,
            look: prepare(
                "INSERT INTO look (site_id, id, vantage, epoch, sequence, source, started, ended, report)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            event: prepare(
                "INSERT INTO event (site_id, vantage, source, fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?,
            find_series: prepare(
                "SELECT id FROM series
                 WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND scope = ?4 AND metric = ?5 AND subject = ?6",
            )?,
            new_series: prepare(
                "INSERT INTO series (site_id, id, vantage, source, scope, metric, subject)
                 VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM series WHERE site_id = ?1), ?2, ?3, ?4, ?5, ?6) RETURNING id",
            )?,
            measurement: prepare("INSERT INTO measurement (site_id, series, look, at, value) VALUES (?1, ?2, ?3, ?4, ?5)")?,
        })
    }

    /// The number of a series, given to it at its first value.
    fn series(&mut self, key: &[&dyn rusqlite::ToSql]) -> Result<i64, StoreError> {
        let found = self
            .find_series
            .query_row(key, |r| r.get(0))
            .optional()
            .map_err(StoreError::of(ATTEMPT))?;
        match found {
            Some(id) => Ok(id),
            None => self
                .new_series
                .query_row(key, |r| r.get(0))
                .map_err(StoreError::of(ATTEMPT)),
        }
    }
}
