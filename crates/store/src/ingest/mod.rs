//! A batch comes in: what is new becomes events, what is as before becomes nothing.
//!
//! What a look changes is decided here, once for all engines; a [`Writer`] only reads what was and adds rows.

#[cfg(test)]
mod arrival;
mod packed;
mod part;
mod standings;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use groma_model::SourceName;
use groma_model::batch::BatchHeader;

use crate::looks::StreamKey;
use crate::place::{Event, Hash};
use crate::report::Span;
use crate::{Ingested, Records, StoreError, Tally};

pub use part::Ready;
use part::{Part, placed};
pub(crate) use standings::Standings;
pub(crate) use stream::Known;
use stream::Stream;

pub(crate) const ATTEMPT: &str = "keep a batch";

/// The most bytes that the name of a site, an agent or a source may have: they stand in every key, and an engine
/// bounds what fits into one.
const NAME_BYTES: usize = 200;

/// A fact at a place, within one stream: its content, its scope. Many places have one scope, and it is written down once for all of them.
pub(crate) type Place = (Hash, Arc<str>);

/// What an engine does while a batch comes in, all of it in one transaction.
///
/// An engine may gather rows and write them later, as long as they keep their order and [`Writer::finish`] leaves none behind.
pub(crate) trait Writer {
    /// True if a look of this batch is in the store. All looks of a batch come in one transaction, so one is enough.
    fn is_kept(&mut self, header: &BatchHeader) -> Result<bool, StoreError>;

    /// When the looks of `stream` that ended after `ended` were, and what they said about themselves; by their ends.
    fn later_looks(
        &mut self,
        stream: &StreamKey,
        ended: i64,
    ) -> Result<Vec<(Span, String)>, StoreError>;

    /// Hands over all that ever became of the places of `stream`, in any order.
    fn events(
        &mut self,
        stream: &StreamKey,
        each: &mut dyn FnMut(Place, Event),
    ) -> Result<(), StoreError>;

    /// The number of the newest look. Until this transaction ends nobody else gives one.
    fn watermark(&mut self) -> Result<i64, StoreError>;

    /// Adds the content of a fact, unless it is there.
    fn add_fact(&mut self, site: &str, hash: Hash, json: String) -> Result<(), StoreError>;

    /// Adds a look, its stream and what it said about itself.
    fn add_look(&mut self, look: &LookRow<'_>) -> Result<(), StoreError>;

    /// Adds what became of a place.
    fn add_event(
        &mut self,
        stream: &StreamKey,
        place: &Place,
        event: &Event,
    ) -> Result<(), StoreError>;

    /// Adds a value to the series it belongs to.
    fn add_number(&mut self, stream: &StreamKey, number: &NumberRow<'_>) -> Result<(), StoreError>;

    /// What stands in `stream` since its newest look, if that is remembered; it is remembered no more until it is given back. An engine
    /// that remembers nothing says nothing.
    fn recall(&mut self, _stream: &StreamKey) -> Option<Known> {
        None
    }

    /// Gives what stands in `stream` after this look; it holds if the transaction does.
    fn remember(&mut self, _stream: &StreamKey, _known: Known) {}

    /// Writes whatever was gathered.
    fn finish(&mut self) -> Result<(), StoreError>;
}

/// A look as it is kept.
pub(crate) struct LookRow<'r> {
    pub(crate) stream: &'r StreamKey,
    pub(crate) number: i64,
    pub(crate) epoch: i64,
    pub(crate) sequence: i64,
    pub(crate) span: Span,
    /// Coverage and gaps, and the key of that text.
    pub(crate) report: (Hash, String),
}

/// A value of a number that moves.
pub(crate) struct NumberRow<'r> {
    pub(crate) scope: &'r str,
    pub(crate) metric: &'r str,
    pub(crate) subject: &'r [u8],
    pub(crate) look: i64,
    pub(crate) at: i64,
    pub(crate) value: f64,
}

/// Keeps a batch while it is read; the caller's transaction makes it whole or nothing.
pub(crate) fn ingest(
    writer: &mut impl Writer,
    header: &BatchHeader,
    records: &mut Records<'_>,
) -> Result<Ingested, StoreError> {
    check_names(header)?;
    if writer.is_kept(header)? {
        return Ok(Ingested::AlreadyKept);
    }
    let mut streams: BTreeMap<SourceName, (Stream, Part)> = BTreeMap::new();
    for record in records {
        let record = record.map_err(StoreError::Input)?;
        if !streams.contains_key(&record.source) {
            let stream = open(writer, header, &record.source)?;
            streams.insert(record.source.clone(), (stream, Part::default()));
        }
        let Some((stream, part)) = streams.get_mut(&record.source) else {
            continue;
        };
        let Some(observation) = part.hears(record.said) else {
            continue;
        };
        // A batch may be larger than memory, so what is new goes at once.
        let (place, json) = placed(&observation)?;
        if !stream.knows(&place) && !part.seen.contains_key(&place) {
            writer.add_fact(stream.site(), place.0, json)?;
        }
        part.saw(place, observation.seen, None);
    }
    for silent in &header.sources {
        if !streams.contains_key(silent) {
            let stream = open(writer, header, silent)?;
            streams.insert(silent.clone(), (stream, Part::default()));
        }
    }
    let mut tally = Tally::default();
    let mut look = writer.watermark()?;
    for (stream, part) in streams.into_values() {
        look += 1;
        stream.close(writer, (header, &part), look, &mut tally)?;
    }
    writer.finish()?;
    Ok(Ingested::Kept(tally))
}

/// Keeps a batch that was made ready. What is gathered is left to whoever ends the transaction.
pub(crate) fn ingest_ready(
    writer: &mut impl Writer,
    ready: &Ready,
) -> Result<Ingested, StoreError> {
    let header = &ready.header;
    check_names(header)?;
    if writer.is_kept(header)? {
        return Ok(Ingested::AlreadyKept);
    }
    let mut streams = Vec::with_capacity(ready.parts.len());
    for (source, part) in &ready.parts {
        streams.push((open(writer, header, source)?, part));
    }
    let mut tally = Tally::default();
    let mut look = writer.watermark()?;
    for (stream, part) in streams {
        look += 1;
        stream.close(writer, (header, part), look, &mut tally)?;
    }
    Ok(Ingested::Kept(tally))
}

fn check_names(header: &BatchHeader) -> Result<(), StoreError> {
    check_length("site", header.site.as_str())?;
    check_length("agent", header.agent.as_str())
}

fn open(
    writer: &mut impl Writer,
    header: &BatchHeader,
    source: &SourceName,
) -> Result<Stream, StoreError> {
    check_length("source", source.as_str())?;
    Stream::open(writer, header, source)
}

fn check_length(what: &str, name: &str) -> Result<(), StoreError> {
    if name.len() <= NAME_BYTES {
        return Ok(());
    }
    let begin: String = name.chars().take(40).collect();
    let why = format!(
        "the name of the {what} is {} bytes long and begins with {begin:?}: give it one of at most {NAME_BYTES} bytes",
        name.len()
    );
    Err(StoreError::Input(why.into()))
}
