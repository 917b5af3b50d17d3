//! What the truth is, and whether a spool says it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "not every test asks for everything"
)]

use std::collections::{BTreeMap, BTreeSet};

use groma_fuzz::Chance;
use groma_spool::testing::ModelDisk;
use groma_spool::{Body, Limits, Loss, Number, Reason, Spool};

/// How many times more than by default.
pub fn factor() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how hard to test is asked of the surroundings"
    )]
    let factor = std::env::var("GROMA_FUZZ_FACTOR");
    factor.ok().and_then(|f| f.parse().ok()).unwrap_or(1)
}

/// Small enough that segments roll and the ceiling is met.
pub fn small() -> Limits {
    Limits {
        bytes_max: 48 << 10,
        keep_free_bytes: 0,
        keep_free_percent: 0,
        segment_bytes: 6 << 10,
        frame_bytes_max: 16 << 10,
    }
}

/// Bytes that belong to a number and to no other.
pub fn payload(number: Number, length: usize) -> Vec<u8> {
    let mut chance = Chance::new(number.epoch ^ number.sequence.rotate_left(32) ^ 0x5eed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(chance.next_bits().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The append has not returned well: the frame may be there or not.
    Maybe,
    /// The append returned.
    Kept,
    /// It was freed, and freeing returned well.
    Freed,
    /// It was freed, and freeing failed; it may come again.
    FreedMaybe,
}

#[derive(Default)]
pub struct Truth {
    /// In order of appending: what was tried, and what became of it.
    pub order: Vec<(Number, usize)>,
    pub fates: BTreeMap<Number, (usize, Fate)>,
    /// Numbers that records of losses call dropped.
    pub dropped: BTreeSet<Number>,
    /// Records that were freed.
    pub records_freed: BTreeSet<(u64, u64)>,
    /// Whether the disk refused to read while the spool was opened: then the watermark may count as missing, and what was freed
    /// may come again.
    pub unreadable: bool,
    /// Whether calls were done and called failures for long: then a piece may be called unreadable that is not.
    pub doubtful: bool,
}

impl Truth {
    pub fn try_append(&mut self, number: Number, length: usize) {
        self.fates.entry(number).or_insert_with(|| {
            self.order.push((number, length));
            (self.order.len() - 1, Fate::Maybe)
        });
    }

    pub fn kept(&mut self, number: Number) {
        self.fates.get_mut(&number).unwrap().1 = Fate::Kept;
    }

    /// Everything up to this one that was there is freed.
    pub fn free_through(&mut self, index: usize, well: bool) {
        for (_, (at, fate)) in self.fates.iter_mut().filter(|(_, (at, _))| *at <= index) {
            let _ = at;
            if *fate != Fate::Freed {
                *fate = if well { Fate::Freed } else { Fate::FreedMaybe };
            }
        }
    }

    /// A call failed. On a full disk the watermark is written over in place, and a power cut may tear it then.
    pub fn failed(&mut self) {
        self.records_freed.clear();
        for (_, fate) in self.fates.values_mut().filter(|(_, f)| *f == Fate::Freed) {
            *fate = Fate::FreedMaybe;
        }
    }

    pub fn tell(&mut self, loss: &Loss, seed: u64) {
        let expected = matches!(loss.reason, Reason::TornTail | Reason::DroppedForRoom)
            || (self.doubtful && loss.reason == Reason::Unreadable);
        assert!(
            expected,
            "seed {seed}: no disk was damaged, and yet: {loss} {loss:?}"
        );
        if loss.reason == Reason::DroppedForRoom {
            assert!(!loss.numbers.is_cut(), "seed {seed}: {loss:?}");
            for run in loss.numbers.runs() {
                self.dropped
                    .extend((run.first..=run.last).map(|sequence| Number {
                        epoch: run.epoch,
                        sequence,
                    }));
            }
        }
    }

    /// Reads everything and holds it against the truth.
    pub fn check(&mut self, spool: &mut Spool, seed: u64) {
        let mut seen = BTreeSet::new();
        let mut last = None;
        let frames: Vec<_> = spool
            .frames()
            .map(|f| f.expect("a disk that does not fail"))
            .collect();
        let mut payloads = 0;
        for frame in frames {
            let number = Number {
                epoch: frame.epoch,
                sequence: frame.sequence,
            };
            match frame.body {
                Body::Loss(loss) => {
                    let again = self.records_freed.contains(&(frame.epoch, frame.sequence));
                    assert!(
                        !again || self.unreadable,
                        "seed {seed}: a freed record came again: {loss}"
                    );
                    self.tell(&loss, seed);
                }
                Body::Payload(bytes) => {
                    payloads += 1;
                    let (index, fate) = *self
                        .fates
                        .get(&number)
                        .unwrap_or_else(|| panic!("seed {seed}: {number} is invented"));
                    assert!(
                        bytes == payload(number, self.order[index].1),
                        "seed {seed}: {number} came with other bytes"
                    );
                    assert!(
                        last < Some(index),
                        "seed {seed}: {number} came out of order or twice"
                    );
                    assert!(
                        fate != Fate::Freed || self.unreadable,
                        "seed {seed}: {number} came again after it was freed"
                    );
                    last = Some(index);
                    seen.insert(number);
                }
                Body::Unknown { kind, .. } => panic!("seed {seed}: unknown kind {kind}"),
            }
        }
        for (number, (_, fate)) in &self.fates {
            let there = seen.contains(number);
            let dropped = self.dropped.contains(number);
            assert!(
                *fate != Fate::Kept || there || dropped,
                "seed {seed}: {number} is lost and nobody tells"
            );
            let doubly = there && dropped && *fate == Fate::Kept;
            assert!(
                !doubly || self.unreadable,
                "seed {seed}: {number} is there, and called dropped"
            );
        }
        let status = spool.status();
        if !self.unreadable {
            assert_eq!(status.frames, payloads, "seed {seed}: the count of frames");
        }
        assert!(
            status.bytes <= spool.limits().bytes_max,
            "seed {seed}: {} bytes",
            status.bytes
        );
    }
}

pub fn open(disk: &ModelDisk, limits: Limits) -> (Spool, Vec<Loss>) {
    Spool::open(Box::new(disk.clone()), limits).expect("a directory that can be listed")
}
