//! One source's part of a batch against what the store knows of that stream.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use groma_model::batch::BatchHeader;
use groma_model::{Seen, SourceName};

use super::part::Part;
use super::{ATTEMPT, LookRow, NumberRow, Place, Writer};
use crate::extent::Extent;
use crate::looks::{StreamKey, signed};
use crate::place::{Event, Flow, Standing, Word, hash};
use crate::report::{self, Span};
use crate::{StoreError, Tally};

/// What the store knows of one stream, as a look of it comes in.
pub(super) struct Stream {
    key: StreamKey,
    span: Span,
    /// Looks of this stream that ended after this one, if it comes late: when, and how far they reached.
    later: Vec<(i64, Extent)>,
    known: Known,
}

/// What became of each place of a stream.
#[derive(Default, Debug)]
pub(crate) struct Known(pub(super) HashMap<Place, KnownPlace>);

/// A place as the store knows it.
#[derive(Debug)]
pub(super) struct KnownPlace {
    /// What is true of it at the end of this look; `None` if it was first seen later.
    pub(super) standing: Option<Standing>,
    /// What became of it after this look, by time; only a late look has that.
    pub(super) since: Vec<(i64, Word)>,
}

impl KnownPlace {
    /// What is kept of it at `moment`; the last word of several.
    fn word_at(&self, moment: i64) -> Option<Word> {
        let kept = self.since.iter().rev().find(|(at, _)| *at == moment);
        kept.map(|(_, word)| *word)
    }
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
        let later: Vec<_> = later.collect::<Result<_, StoreError>>()?;
        // What is remembered is what stands now; a late look asks what stood then.
        let remembered = writer.recall(&key).filter(|_| later.is_empty());
        let known = match remembered {
            Some(known) => known,
            None => read(writer, &key, span.ended)?,
        };
        Ok(Self {
            span,
            later,
            known,
            key,
        })
    }

    pub(super) fn site(&self) -> &str {
        &self.key.site
    }

    /// True if something became of this place before.
    pub(super) fn knows(&self, place: &Place) -> bool {
        self.known.0.contains_key(place)
    }

    /// Writes the look and all that it changes.
    pub(super) fn close(
        mut self,
        writer: &mut impl Writer,
        (header, part): (&BatchHeader, &Part),
        look: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        self.write_look(writer, (header, part), look)?;
        for (place, sighting) in &part.seen {
            tally.facts += 1;
            if let Some(json) = sighting.json.as_ref().filter(|_| !self.knows(place)) {
                writer.add_fact(&self.key.site, place.0, json.clone())?;
            }
            self.write_seen(writer, look, place, sighting.seen, tally)?;
        }
        self.write_unseen(writer, part, look, tally)?;
        for ((scope, metric, subject), (at, value)) in &part.measured {
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
        if self.later.is_empty() {
            writer.remember(&self.key, self.known);
        }
        Ok(())
    }

    fn write_look(
        &self,
        writer: &mut impl Writer,
        (header, part): (&BatchHeader, &Part),
        look: i64,
    ) -> Result<(), StoreError> {
        let json = report::write(&part.coverage, &part.gaps, self.span)
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
        &mut self,
        writer: &mut impl Writer,
        look: i64,
        place: &Place,
        seen: Seen,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let known = self.known.0.get(place);
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
        if self.later.is_empty() {
            self.known.learns(place, event);
            return Ok(());
        }
        self.write_since(writer, place, event)
    }

    /// Late news: the looks that ended after this one and came before it did not see the fact, up to the one that says it did.
    fn write_since(
        &self,
        writer: &mut impl Writer,
        place: &Place,
        event: Event,
    ) -> Result<(), StoreError> {
        let known = self.known.0.get(place);
        let mut word = Word::Seen;
        for (ended, reach) in &self.later {
            // A word that is kept may have been void until now: what is gone cannot be unseen. So it is no end.
            let now = match known.and_then(|known| known.word_at(*ended)) {
                Some(Word::Seen | Word::Removed) => return Ok(()),
                Some(Word::NotSeen) => {
                    word = Word::NotSeen;
                    continue;
                }
                None => gone(reach, &place.1),
            };
            if now != word {
                let at = *ended;
                writer.add_event(
                    &self.key,
                    place,
                    &Event {
                        word: now,
                        at,
                        ..event
                    },
                )?;
            }
            if now == Word::Removed {
                return Ok(());
            }
            word = now;
        }
        Ok(())
    }

    /// Closes what was open and was not seen.
    fn write_unseen(
        &mut self,
        writer: &mut impl Writer,
        part: &Part,
        look: i64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let reach = Extent::of(&part.coverage, &part.gaps);
        let absent = self.known.0.iter();
        let absent = absent.filter(|(place, _)| !part.seen.contains_key(*place));
        let absent = absent.filter_map(|(place, known)| {
            let standing = known.standing?;
            Some((place.clone(), standing, known.since.first().copied()))
        });
        let mut absent: Vec<_> = absent.collect();
        absent.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        for (place, standing, next) in absent {
            let place = &place;
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
            self.known.learns(place, event);
            // Late news: it was open at the look after this one, so it came back there.
            if let (Word::Seen, Some((ended, _))) = (standing.word, self.later.first())
                && next.is_none_or(|(next, _)| next > *ended)
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

/// The events of a place as they are read: most have one.
enum Told {
    Once(Event),
    Often(Vec<Event>),
}

impl Told {
    fn again(&mut self, event: Event) {
        match self {
            Self::Once(first) => *self = Self::Often(vec![*first, event]),
            Self::Often(events) => events.push(event),
        }
    }

    /// What they come to at `moment`.
    fn known(self, moment: i64) -> KnownPlace {
        match self {
            Self::Once(event) => KnownPlace::of(&mut [event], moment),
            Self::Often(mut events) => KnownPlace::of(&mut events, moment),
        }
    }
}

impl KnownPlace {
    fn of(events: &mut [Event], moment: i64) -> Self {
        events.sort_by_key(|event| event.at > moment);
        let past = events.partition_point(|event| event.at <= moment);
        let (past, future) = events.split_at_mut(past);
        future.sort_by_key(Event::order);
        Self {
            standing: Standing::of(past),
            since: future.iter().map(|event| (event.at, event.word)).collect(),
        }
    }
}

impl Known {
    /// Forgets what is gone: when it is seen again, that is news whatever was known.
    pub(super) fn forget_removed(&mut self) {
        let stands = |place: &KnownPlace| {
            let standing = place.standing.as_ref();
            standing.is_some_and(|standing| standing.word != Word::Removed)
        };
        self.0.retain(|_, place| stands(place));
    }

    /// One more event, newer than all before.
    fn learns(&mut self, place: &Place, event: Event) {
        let known = self.0.entry(place.clone());
        let known = known.or_insert(KnownPlace {
            standing: None,
            since: Vec::new(),
        });
        known.standing = Standing::after(known.standing, &event);
    }
}

/// Reads all that became of the places of a stream.
fn read(writer: &mut impl Writer, key: &StreamKey, moment: i64) -> Result<Known, StoreError> {
    let mut places: HashMap<Place, Told> = HashMap::new();
    writer.events(key, &mut |place, event| match places.entry(place) {
        Entry::Vacant(entry) => drop(entry.insert(Told::Once(event))),
        Entry::Occupied(mut entry) => entry.get_mut().again(event),
    })?;
    let known = places
        .into_iter()
        .map(|(place, told)| (place, told.known(moment)));
    Ok(Known(known.collect()))
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
