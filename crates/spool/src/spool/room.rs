//! Room: the oldest frames give way, and the record of it is on the disk before they are gone.

use super::Spool;
use super::write::Item;
use crate::error::SpoolError;
use crate::layout::{ASIDE, FRAME_HEADER, SEGMENT_BYTES_MAX, SEGMENT_HEADER};
use crate::loss::{Loss, Reason};
use crate::numbers::Number;

/// What must be written before segments may go: records of older losses that lie in them, and the new one.
#[derive(Default)]
struct Farewell {
    dropped: Option<Loss>,
    /// What of it is new.
    news: Vec<Loss>,
    /// Records under their own numbers.
    carried: Vec<(Option<Number>, Loss)>,
}

impl Spool {
    /// Makes room for `need` bytes under the ceiling and above the floor.
    pub(super) fn make_room(&mut self, need: u64) -> Result<(), SpoolError> {
        let space = self.disk.space().map_err(|source| SpoolError::Disk {
            doing: "ask for the free space of the disk under",
            file: "the directory".to_owned(),
            source,
        })?;
        let under_floor = (self.limits.floor(space) + need).saturating_sub(space.free);
        if self.short_of(need, under_floor) == 0 {
            return Ok(());
        }
        // What is freed goes first, and never before the watermark says so.
        self.settle_if_due()?;
        let set_free = self.give_up_aside();
        self.drop_oldest(need, under_floor.saturating_sub(set_free))
    }

    /// How many bytes are missing.
    fn short_of(&self, need: u64, under_floor: u64) -> u64 {
        let over = (self.bytes() + need).saturating_sub(self.limits.for_frames());
        over.max(under_floor)
    }

    fn give_up_aside(&mut self) -> u64 {
        let Some((file, bytes)) = self.aside.take() else {
            return 0;
        };
        if self.remove(&file).is_ok() {
            return bytes;
        }
        self.aside = Some((file, bytes));
        0
    }

    fn drop_oldest(&mut self, need: u64, under_floor: u64) -> Result<(), SpoolError> {
        let short = self.short_of(need, under_floor);
        if short == 0 {
            return Ok(());
        }
        let mut victims = Vec::new();
        let mut farewell = Farewell::default();
        let mut gained = 0;
        let numbers: Vec<u64> = self.segments.keys().copied().collect();
        for number in numbers {
            gained += self.segments.get(&number).map_or(0, |s| s.length);
            self.part_from(number, &mut farewell)?;
            victims.push(number);
            if gained >= short + farewell.bytes() {
                return self.drop_all(&victims, farewell);
            }
        }
        let bytes = need;
        let room = (need + gained).saturating_sub(short);
        Err(SpoolError::Full { bytes, room })
    }

    /// Adds to the farewell what is lost with a segment.
    fn part_from(&mut self, number: u64, farewell: &mut Farewell) -> Result<(), SpoolError> {
        let mut dropped = Loss::within(Reason::DroppedForRoom, number, 0..0);
        dropped.frames = Some(0);
        self.acquaint(number)?;
        let mut at = self.begin_of(number);
        dropped.range = at..at;
        while let Some(header) = self.walk(number, &mut at)? {
            if let Some(loss) = self.record(number, at, &header)? {
                let unseen = !self.seen.contains(&header.number);
                farewell.carry(header.number, loss, unseen);
                continue;
            }
            dropped.frames = dropped.frames.map(|f| f + 1);
            dropped.numbers.push(header.number);
            dropped.bytes += header.total();
            dropped.range.end = at;
        }
        if dropped.bytes > 0 {
            farewell.news.push(dropped.clone());
            farewell.drop(dropped);
        }
        farewell.condense(self.limits.reserve() / 2);
        Ok(())
    }

    fn drop_all(&mut self, victims: &[u64], farewell: Farewell) -> Result<(), SpoolError> {
        if victims.last().is_some_and(|n| self.writer == Some(*n)) {
            self.roll();
        }
        let mut records = farewell.carried;
        // The one that says what is dropped comes last: whoever reads it may rely on all others.
        records.extend(farewell.dropped.map(|loss| (None, loss)));
        let encoded: Vec<_> = records.iter().map(|(n, l)| (*n, l.encode())).collect();
        if !encoded.is_empty() {
            let items = encoded.iter().map(|(number, bytes)| Item {
                number: *number,
                ..Item::record(bytes)
            });
            self.store(&items.collect::<Vec<_>>())?;
        }
        for loss in &farewell.news {
            self.count(loss);
        }
        for number in victims {
            if let Some(segment) = self.segments.remove(number)
                && self.remove(&segment.file).is_err()
            {
                self.litter.push(segment.file);
            }
        }
        // A file that comes back after a crash is named by the record, and removed again.
        let _ = self.disk.sync_dir();
        Ok(())
    }

    /// Puts a file aside for a person; only one is kept.
    pub(super) fn set_aside(&mut self, file: &str, length: u64) -> std::io::Result<()> {
        if length > SEGMENT_BYTES_MAX {
            return self.remove(file);
        }
        let name = format!("{file}{ASIDE}");
        self.disk.rename(file, &name)?;
        if let Some((older, _)) = self.aside.replace((name.clone(), length))
            && older != name
            && self.remove(&older).is_err()
        {
            self.litter.push(older);
        }
        Ok(())
    }
}

impl Farewell {
    fn drop(&mut self, loss: Loss) {
        match &mut self.dropped {
            Some(dropped) => dropped.fold(&loss),
            None => self.dropped = Some(loss),
        }
    }

    /// A record goes on under its number, but one of an earlier drop that nobody has seen becomes part of the new one.
    fn carry(&mut self, number: Number, loss: Loss, unseen: bool) {
        if unseen && loss.reason == Reason::DroppedForRoom {
            self.drop(loss);
        } else {
            self.carried.push((Some(number), loss));
        }
    }

    fn bytes(&self) -> u64 {
        let records = self.carried.iter().map(|(_, l)| l).chain(&self.dropped);
        let bytes: usize = records.map(|l| FRAME_HEADER + l.encode().len()).sum();
        if bytes == 0 {
            0
        } else {
            (bytes + SEGMENT_HEADER) as u64
        }
    }

    /// Makes few records of many, when they alone would fill the spool.
    fn condense(&mut self, bytes_max: u64) {
        if self.bytes() <= bytes_max {
            return;
        }
        let mut several: Option<Loss> = None;
        for (_, loss) in std::mem::take(&mut self.carried) {
            if loss.reason == Reason::DroppedForRoom {
                self.drop(loss);
                continue;
            }
            match &mut several {
                Some(one) => one.fold(&loss),
                None => several = Some(loss),
            }
        }
        self.carried.extend(several.map(|loss| (None, loss)));
    }
}
