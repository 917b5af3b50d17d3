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
            return self.settle_if_due().map(|()| 0);
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

    /// Writes a watermark that could not be written before.
    pub(super) fn settle_if_due(&mut self) -> Result<(), SpoolError> {
        if self.settled || self.last_freed.is_none() {
            return Ok(());
        }
        self.settle()
    }

    /// Where the frame ends, and how many payload frames of its segment end there or before.
    fn find(&mut self, wanted: Number) -> Result<Option<(Place, u64)>, SpoolError> {
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        for segment in numbers {
            self.acquaint(segment)?;
            let mut at = self.begin_of(segment);
            let mut frames = 0;
            while let Some(header) = self.walk(segment, &mut at)? {
                frames += u64::from(header.kind == crate::layout::Kind::Payload);
                if header.number == wanted {
                    return Ok(Some((
                        Place {
                            segment,
                            offset: at,
                        },
                        frames,
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Makes the watermark durable and removes the segments below it.
    pub(super) fn settle(&mut self) -> Result<(), SpoolError> {
        let mark = Watermark {
            place: self.start,
            last: self.last_freed,
        };
        mark.write(self.disk.as_mut())
            .map_err(|source| SpoolError::Disk {
                doing: "replace",
                file: FILE.to_owned(),
                source,
            })?;
        self.settled = true;
        self.remove_freed();
        Ok(())
    }

    /// Removes what lies entirely below the watermark, oldest first; what the disk refuses now is removed later.
    pub(super) fn remove_freed(&mut self) {
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        let mut removed = false;
        for number in numbers {
            if self.writer == Some(number) || !self.is_freed(number) {
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
