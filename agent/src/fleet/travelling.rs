//! How what waits in the spool reaches the collector, over a line or in somebody's pocket: as it was kept, unless a clock or a name has to be set
//! right. What is no batch any more is told in its place.

use groma_model::{Batch, BatchHeader, Gap, Timestamp};
use groma_ship::Identity;
use groma_spool::{Body, Frame};
use groma_wire::{Decoder, Limits};

use super::batches::{gap_of, gap_of_another, gap_of_refused, mended, mending, telling};

/// Under which name, and by which clock.
pub(crate) struct Sender<'a> {
    pub(crate) identity: &'a Identity,
    /// The run that goes on, if one does: what it kept is this machine's, under whatever name.
    pub(crate) run: Option<u64>,
    /// By the collector's clock, where that is known.
    pub(crate) now: Timestamp,
}

/// What travels.
pub(crate) enum Travels<'f> {
    /// The bytes that were kept; nobody has unpacked more of them than this header.
    AsKept(BatchHeader, &'f [u8]),
    /// Another batch in their place.
    InPlace(Batch),
}

impl Sender<'_> {
    /// What travels of a frame. `ended` is when its look really ended, where that is known better than it says itself.
    pub(crate) fn travels<'f>(&self, frame: &'f Frame, ended: Option<Timestamp>) -> Travels<'f> {
        let told = |gap| Travels::InPlace(self.telling(frame, gap));
        let bytes = match &frame.body {
            Body::Payload(bytes) => bytes,
            Body::Loss(loss) => return told(gap_of(loss)),
            Body::Unknown { .. } => return told(gap_of_refused(None, "a frame of a newer agent")),
        };
        let Some(header) = header_of(bytes) else {
            return told(gap_of_refused(None, "it cannot be read any more"));
        };
        let is_of_former = self.identity.copied_from.as_ref() == Some(&header.agent);
        if is_of_former && self.run != Some(frame.epoch) {
            return told(gap_of_another(&header));
        }
        let Some(mending) = mending(&header, self.identity, ended, self.now) else {
            return Travels::AsKept(header, bytes);
        };
        match groma_wire::decode(&mut bytes.as_slice(), &Limits::local()) {
            Ok(batch) => Travels::InPlace(mended(batch, &mending)),
            Err(error) => told(gap_of_refused(Some(&header), &error.to_string())),
        }
    }

    /// A batch of the frame's number that tells what became of it.
    pub(crate) fn telling(&self, frame: &Frame, gap: Gap) -> Batch {
        telling(self.identity, (frame.epoch, frame.sequence), self.now, gap)
    }
}

/// The header of a batch, without the rest of it.
pub(crate) fn header_of(mut bytes: &[u8]) -> Option<BatchHeader> {
    let read: &mut dyn std::io::Read = &mut bytes;
    let decoder = Decoder::open(read, &Limits::local()).ok()?;
    Some(decoder.header().clone())
}
