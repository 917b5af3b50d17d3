//! Freeing what the collector has: the watermark first, then the segments.

use super::Spool;
use crate::error::SpoolError;
use crate::numbers::Number;
use crate::watermark::{FILE, Place, Watermark};

impl Spool {
    /// Frees every frame up to this one, itself included, in order of appending. Returns how many frames of payload that were;
    /// 0 also where no such frame waits, which is normal for an acknowledgement that comes twice.
    ///
    /// The watermark is on the disk before anything is removed. After an error the frames are freed for this process, and
    /// after a restart some may come again, which is harmless; the next call tries again.
    pub fn free_through(&mut self, epoch: u64, sequence: u64) -> Result<u64, SpoolError> {
        let number = Number { epoch, sequence };
        let Some((place, frames)) = self.find(number)? else {
            // An earlier watermark may still wait for the disk.
            let waits = !self.settled && self.last_freed.is_some();
            return if waits { self.settle().map(|()| 0) } else { Ok(0) };
        };
        let mut freed = frames;
        for (segment, state) in &mut self.segments {
            if *segment < place.segment {
                freed += std::mem::take(&mut state.frames);
            } else if *segment == place.segment {
                state.frames = state.frames.saturating_sub(frames);
            }
        }
        self.start = place;
        self.last_freed = Some(number);
        self.settled = false;
        self.settle()?;
        Ok(freed)
    }

    /// Where the frame ends, and how many payload frames of its segment end there or before.
    fn find(&mut self, wanted: Number) -> Result<Option<(Place, u64)>, SpoolError> {
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        for segment in numbers {
            let mut at = self.begin_of(segment);
            let mut frames = 0;
            while let Some(header) = self.walk(segment, &mut at)? {
                frames += u64::from(header.kind == crate::layout::Kind::Payload);
                if header.number == wanted {
                    return Ok(Some((Place { segment, offset: at }, frames)));
                }
            }
        }
        Ok(None)
    }

    /// Makes the watermark durable and removes the segments below it.
    fn settle(&mut self) -> Result<(), SpoolError> {
        if self.write_mark().is_ok() {
            self.remove_freed(true);
            return Ok(());
        }
        // A full disk takes no new file, so room is made first. The newest segment stays: it keeps the numbers going on.
        self.remove_freed(false);
        self.write_mark().map_err(|source| SpoolError::Disk {
            doing: "replace",
            file: FILE.to_owned(),
            source,
        })
    }

    fn write_mark(&mut self) -> std::io::Result<()> {
        let mark = Watermark { place: self.start, last: self.last_freed };
        mark.write(self.disk.as_mut())?;
        self.settled = true;
        Ok(())
    }

    /// Removes what lies entirely below the watermark, oldest first; what the disk refuses now is removed later.
    pub(super) fn remove_freed(&mut self, marked: bool) {
        let newest = self.segments.last_key_value().map(|(n, _)| *n);
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        let mut removed = false;
        for number in numbers {
            let kept = self.writer == Some(number) || (!marked && newest == Some(number));
            if kept || !self.is_freed(number) {
                continue;
            }
            if self.discard(number).is_err() {
                break;
            }
            removed = true;
        }
        if removed {
            // Files that come back after a crash lie below the watermark and are removed again.
            let _ = self.disk.sync_dir();
        }
    }
}
