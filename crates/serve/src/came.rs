//! A batch that has come: it is read, kept, and held as the base of the next one.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use groma_model::batch::FactKey;
use groma_model::fleet::{AgentRecord, RefusalWord};
use groma_wire::talk::Kept;
use groma_wire::{Limits, Received, Told, against};

use crate::agents::admitted;
use crate::bases::{Known, Last, unread, whole};
use crate::metrics::count;
use crate::refusal::Refusal;
use crate::rules;
use crate::serving::Shared;
use crate::tls::Caller;

/// A batch that ends so much later than now was made by a clock nobody should believe.
const FUTURE: Duration = Duration::from_secs(86_400);
/// A whole turn at keeping, which the largest batch takes, has so many parts.
pub(crate) const TURN_PARTS: u32 = 16;

/// All its bytes, and what is needed to read them.
pub(crate) struct Came {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    /// The run of the agent's program that sent it.
    pub(crate) run: u64,
    pub(crate) bytes: Bytes,
    /// The name of the text it is written against, if it is not whole.
    pub(crate) base: Option<String>,
    /// What its agent sent before.
    pub(crate) last: Option<Last>,
    /// The parts of a turn that it was given.
    pub(crate) parts: u32,
}

impl Came {
    /// Reads and keeps it; what is answered, and how many records it had.
    pub(crate) fn keep(&self) -> Result<(Kept, u64), Refusal> {
        let shared = &*self.shared;
        let text = self.text()?;
        let received = text.received(self.last.as_ref(), self.parts)?;
        // Minutes may lie between its first byte and now.
        let record = admitted(shared, &self.caller)?;
        rules::takes(&record, self.run, shared.journal.now())?;
        let (mut kept, records, known) = kept(shared, &record, received, text.digest())?;
        // Only what is kept is a base: it is what the agent has our word for.
        if let Some(packed) = text.packed() {
            let bases = &shared.bases;
            kept.base = bases.hold(&record.agent, &packed, known, Instant::now());
            self.count_spared(packed.len());
        }
        Ok((kept, records))
    }

    fn text(&self) -> Result<Text<'_>, Refusal> {
        let Some(name) = &self.base else {
            return Ok(Text::Whole(&self.bytes));
        };
        let told = whole(&self.bytes, name, self.last.as_ref())?;
        if parts_of(told.text().len() as u64) > self.parts {
            let why = "it comes to more than such a patch may: send it whole";
            return Err(Refusal::saying(RefusalWord::TooLarge, why));
        }
        Ok(Text::Against(told))
    }

    /// What came as what is new in it would have been so long.
    fn count_spared(&self, packed: usize) {
        if self.base.is_none() {
            return;
        }
        let metrics = &self.shared.metrics;
        count(&metrics.batches_against);
        let spared = u64::try_from(packed.saturating_sub(self.bytes.len())).unwrap_or(0);
        metrics.bytes_spared.fetch_add(spared, Ordering::Relaxed);
    }
}

/// A batch as it is read.
enum Text<'b> {
    Whole(&'b [u8]),
    /// The text that came as what is new in it.
    Against(Told),
}

impl Text<'_> {
    /// What it says; what the last batch of its agent said too is left as text.
    fn received(&self, last: Option<&Last>, parts: u32) -> Result<Received, Refusal> {
        let last = last.map(Last::knows);
        let knows = |key: &FactKey| last.as_ref().is_some_and(|knows| knows(key));
        let mut limits = Limits::network();
        if let Self::Against(_) = self {
            // What came whole may expand as its bytes allow; a text comes to what its share of a turn has room for.
            limits.expanded_bytes = u64::from(parts) * part_bytes();
        }
        let received = match self {
            Self::Whole(bytes) => groma_wire::receive(&mut &**bytes, &limits, &knows),
            Self::Against(told) => groma_wire::receive_told(told, &limits, &knows),
        };
        received.map_err(unread)
    }

    /// The first bytes of the digest of the text, if that had to be made.
    fn digest(&self) -> Option<[u8; 16]> {
        match self {
            Self::Whole(_) => None,
            Self::Against(told) => Some(told.digest()),
        }
    }

    fn packed(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Whole(bytes) => Some(Cow::Borrowed(bytes)),
            Self::Against(told) => against::packed(told.text()).ok().map(Cow::Owned),
        }
    }
}

/// Keeps a batch under the name of who sent it, and no other. Says how many records it had, and what is known of it.
fn kept(
    shared: &Shared,
    record: &AgentRecord,
    mut received: Received,
    digest: Option<[u8; 16]>,
) -> Result<(Kept, u64, Known), Refusal> {
    let header = received.batch.header.clone();
    if header.agent != record.agent || header.site != record.site {
        return Err(RefusalWord::NotYours.into());
    }
    if header.ended > shared.journal.now().plus(FUTURE) {
        return Err(RefusalWord::Clock.into());
    }
    let records = received.batch.records.len() + received.quoted.len();
    let marks = std::mem::take(&mut received.marks);
    let durable = shared.keeper.keep(received).inspect_err(|error| {
        let (agent, why) = (record.agent.as_str(), error.to_string());
        shared
            .journal
            .tell_now_and_then("batch-not-kept", &[("agent", agent), ("because", &why)]);
    })?;
    let kept = Kept {
        epoch: header.epoch,
        sequence: header.sequence,
        again: durable.again,
        base: false,
    };
    let records = u64::try_from(records).unwrap_or(u64::MAX);
    Ok((kept, records, Known::of(digest, marks, durable.keys)))
}

/// How many parts of a turn a batch of so many bytes takes: as much of the memory of the largest one as it may unpack to.
pub(crate) fn share(bytes: usize) -> u32 {
    let limits = Limits::network();
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    parts_of(bytes.saturating_mul(limits.ratio).max(limits.ratio_floor))
}

/// How many parts of a turn a text of so many bytes takes.
fn parts_of(text: u64) -> u32 {
    let parts = u32::try_from(text.div_ceil(part_bytes())).unwrap_or(u32::MAX);
    parts.clamp(1, TURN_PARTS)
}

/// What a part of a turn has room for.
fn part_bytes() -> u64 {
    Limits::network().expanded_bytes / u64::from(TURN_PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of one long fact that is said again so many times.
    fn endless(times: usize) -> Vec<u8> {
        let header = r#"{"schema":"groma.batch/1","agent":"agt-a","site":"default","epoch":1,"sequence":1,"version":"0","started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:01Z","sources":["host.system"]}"#;
        let seen = r#"{"first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","count":1}"#;
        let long = "x".repeat(50_000);
        let saw = format!(
            r#"{{"n":1,"source":"host.system","scope":"a:b","seen":{seen},"saw":{{"fact":"of tomorrow","says":"{long}"}}}}"#
        );
        let again = format!("{{\"again\":1,\"seen\":{seen}}}\n").repeat(times);
        let records = times + 1;
        format!("{header}\n{saw}\n{again}{{\"records\":{records}}}\n").into_bytes()
    }

    #[test]
    fn what_comes_as_what_is_new_may_come_to_no_more_than_its_share_of_a_turn() {
        let text = Text::Against(Told::of(endless(30)));
        let read = text.received(None, 1).unwrap();
        assert_eq!(read.batch.records.len(), 31);
        let text = Text::Against(Told::of(endless(60)));
        let refused = text.received(None, 1).unwrap_err();
        assert_eq!(refused.word, RefusalWord::TooLarge);
        assert!(text.received(None, 2).is_ok());
    }
}
