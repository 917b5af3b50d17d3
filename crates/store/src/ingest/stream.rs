//! One source's part of a batch against what the store knows of that stream.

use std::collections::{BTreeMap, HashMap};

use groma_model::batch::BatchHeader;
use groma_model::fact::Measurement;
use groma_model::{Coverage, Fact, Foreign, Gap, Observation, Seen, SourceName};

use super::{ATTEMPT, LookRow, NumberRow, Place, Writer};
use crate::extent::Extent;
use crate::looks::{StreamKey, signed};
use crate::place::{Event, Flow, Standing, Word, hash};
use crate::report::{self, Span};
use crate::{StoreError, Tally};

/// One source's part of the batch.
pub(super) struct Stream {
    key: StreamKey,
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
    pub(super) fn open(
        writer: &mut impl Writer,
        header: &BatchHeader,
        source: &SourceName,
    ) -> Result<Self, StoreError> {
        let span = Span {
            started: header.started.millis(),
            ended: header.ended.millis(),
        };
        let key = StreamKey {
            site: header.site.as_str().to_owned(),
            vantage: header.agent.as_str().to_owned(),
            source: source.as_str().to_owned(),
        };
        let later = writer.later_looks(&key, span.ended)?.into_iter();
        let later = later.map(|(span, json)| Ok((span.ended, extent(&json, span)?)));
        let later = later.collect::<Result<_, StoreError>>()?;
        let mut places: HashMap<Place, Vec<Event>> = HashMap::new();
        writer.events(&key, &mut |place, event| {
            places.entry(place).or_default().push(event);
        })?;
        let known = places
            .into_iter()
            .map(|(place, events)| (place, Known::of(events, span.ended)));
        Ok(Self {
            span,
            later,
            known: known.collect(),
            seen: BTreeMap::new(),
            measured: BTreeMap::new(),
            coverage: Vec::new(),
            gaps: Vec::new(),
            key,
        })
    }

    pub(super) fn missed(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    pub(super) fn covered(&mut self, coverage: Coverage) {
        self.coverage.push(coverage);
    }

    pub(super) fn saw(
        &mut self,
        writer: &mut impl Writer,
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
            writer.add_fact(&self.key.site, place.0, json)?;
        }
        self.seen
            .entry(place)
            .and_modify(|before| *before = before.joined(seen))
            .or_insert(seen);
        Ok(())
    }

    /// Writes the look and all that it changes.
    pub(super) fn close(
        &self,
        writer: &mut impl Writer,
        header: &BatchHeader,
        look: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        self.write_look(writer, header, look)?;
        for (place, seen) in &self.seen {
            tally.facts += 1;
            self.write_seen(writer, look, place, *seen, tally)?;
        }
        self.write_unseen(writer, look, tally)?;
        for ((scope, metric, subject), (at, value)) in &self.measured {
            tally.measurements += 1;
            let number = NumberRow {
                scope,
                metric,
                subject: subject.as_bytes(),
                look,
                at: *at,
                value: *value,
            };
            writer.add_number(&self.key, &number)?;
        }
        Ok(())
    }

    fn write_look(
        &self,
        writer: &mut impl Writer,
        header: &BatchHeader,
        look: i64,
    ) -> Result<(), StoreError> {
        let json = report::write(&self.coverage, &self.gaps, self.span)
            .map_err(|error| StoreError::Input(Box::new(error)))?;
        writer.add_look(&LookRow {
            stream: &self.key,
            number: look,
            epoch: signed(header.epoch),
            sequence: signed(header.sequence),
            span: self.span,
            report: (hash(&json), json),
        })
    }

    /// What a fact that was seen adds: nothing, if all of it was known.
    fn write_seen(
        &self,
        writer: &mut impl Writer,
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
        writer.add_event(&self.key, place, &event)?;
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
                writer.add_event(
                    &self.key,
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
        writer: &mut impl Writer,
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
            writer.add_event(&self.key, place, &event)?;
            // Late news: it was open at the look after this one, so it came back there.
            if let (Word::Seen, Some((ended, _))) = (standing.word, self.later.first())
                && known.next.is_none_or(|next| next > *ended)
            {
                let back = Event {
                    word: Word::Seen,
                    at: *ended,
                    ..event
                };
                writer.add_event(&self.key, place, &back)?;
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
