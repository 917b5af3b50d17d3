//! How many frames in any second: arithmetic alone, with the time as an argument.
//!
//! A cap that is counted at the sender is not one on the wire: a program is put to sleep between reading the clock and
//! sending, and the kernel sends frames nobody asked for (the end of a handshake, a reset). So a frame is *reserved*
//! before anything can cause it, with the time from before, and counts from the moment it *has* left, with the time from
//! after. Reserved and counted frames together never exceed the cap, so whatever happens in between, no second on the wire
//! holds more.

use std::collections::VecDeque;
use std::time::Duration;

/// A little over a second: what a switch or a slow receiver may push together.
const SECOND: Duration = Duration::from_millis(1_020);

/// Frames to one host, or of one agent.
#[derive(Clone, Debug)]
pub struct Pace {
    cap: u32,
    /// When the frames of the last second left, at most `cap` of them.
    left: VecDeque<Duration>,
    reserved: u32,
}

/// When frames may be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Now.
    Now,
    /// Not before this moment.
    At(Duration),
    /// Not before frames that were promised have left, or it is clear that they will not.
    AfterOthers,
}

impl Pace {
    /// At most `cap` frames in any second; 0 counts as 1.
    pub fn new(cap: u32) -> Self {
        Self {
            cap: cap.max(1),
            left: VecDeque::new(),
            reserved: 0,
        }
    }

    /// The cap.
    pub fn cap(&self) -> u32 {
        self.cap
    }

    /// A lower cap from now on; never a higher one.
    pub fn lower(&mut self, cap: u32) {
        self.cap = self.cap.min(cap.max(1));
    }

    /// When `frames` more may be reserved. More than the cap at a time are asked for like the cap.
    pub fn when(&self, frames: u32, now: Duration) -> When {
        let frames = frames.min(self.cap);
        let room = self.cap.saturating_sub(self.reserved);
        if frames > room {
            return When::AfterOthers;
        }
        // This many of the last second's frames may stay in it.
        let may_stay = usize::try_from(room - frames).unwrap_or(usize::MAX);
        let Some(newest_to_go) = self.left.len().checked_sub(may_stay + 1) else {
            return When::Now;
        };
        let gone = self.left.get(newest_to_go).map(|left| *left + SECOND);
        match gone {
            Some(at) if at > now => When::At(at),
            _ => When::Now,
        }
    }

    /// Reserves frames. Ask [`Pace::when`] first.
    pub fn reserve(&mut self, frames: u32) {
        self.reserved = self.reserved.saturating_add(frames.min(self.cap));
    }

    /// One reserved frame has left, by `now`.
    pub fn left(&mut self, now: Duration) {
        self.reserved = self.reserved.saturating_sub(1);
        while self.left.len() >= usize::try_from(self.cap).unwrap_or(usize::MAX) {
            self.left.pop_front();
        }
        // What is told late must not stand before what was told in time.
        let now = self.left.back().map_or(now, |last| now.max(*last));
        self.left.push_back(now);
    }

    /// Reserved frames that will not be sent after all.
    pub fn released(&mut self, frames: u32) {
        self.reserved = self.reserved.saturating_sub(frames);
    }

    /// True if nothing of the last second is known, and nothing promised.
    pub fn is_idle(&self, now: Duration) -> bool {
        let old = self.left.back().is_none_or(|last| *last + SECOND <= now);
        self.reserved == 0 && old
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn most_in_a_second(wire: &[Duration]) -> usize {
        let within = |from: &Duration| {
            let mut later = wire.iter().filter(|at| *at >= from);
            later
                .by_ref()
                .filter(|at| **at < *from + Duration::from_secs(1))
                .count()
        };
        wire.iter().map(within).max().unwrap_or(0)
    }

    /// What happens between two steps of a sender.
    #[derive(Clone, Debug)]
    struct Step {
        frames: u32,
        idle: u64,
        /// How long each frame takes from the decision to the wire, and from the wire to the note.
        late: [u64; 2],
        kept: bool,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (
            1_u32..4,
            0_u64..400,
            [0_u64..900, 0_u64..900],
            any::<bool>(),
        );
        let step = step.prop_map(|(frames, idle, late, kept)| Step {
            frames,
            idle,
            late,
            kept,
        });
        prop::collection::vec(step, 1..300)
    }

    proptest! {
        #[test]
        fn no_second_on_the_wire_holds_more_than_the_cap(cap in 3_u32..24, steps in steps()) {
            let mut pace = Pace::new(cap);
            let mut now = Duration::ZERO;
            let mut wire: Vec<Duration> = Vec::new();
            // Frames that were promised and are on their way: when on the wire, when noted.
            let mut promised: Vec<(Duration, Duration)> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step.idle);
                let noted = |pace: &mut Pace, promised: &mut Vec<(Duration, Duration)>, now| {
                    promised.sort_by_key(|(_, noted)| *noted);
                    while promised.first().is_some_and(|(_, noted)| *noted <= now) {
                        let (_, noted) = promised.remove(0);
                        pace.left(noted);
                    }
                };
                noted(&mut pace, &mut promised, now);
                loop {
                    match pace.when(step.frames, now) {
                        When::Now => break,
                        When::At(at) => now = at,
                        When::AfterOthers => now = promised.iter().map(|(_, n)| *n).min().expect("somebody was promised"),
                    }
                    noted(&mut pace, &mut promised, now);
                }
                pace.reserve(step.frames);
                for frame in 0..step.frames {
                    // The first leaves at once; others may be the kernel's, much later, or never.
                    let (to_wire, to_note) = (step.late[0], step.late[1]);
                    let later = u64::from(frame) * to_wire;
                    if frame > 0 && !step.kept {
                        pace.released(1);
                        continue;
                    }
                    let on_wire = now + Duration::from_millis(later + to_wire);
                    wire.push(on_wire);
                    promised.push((on_wire, on_wire + Duration::from_millis(to_note)));
                }
            }
            wire.sort();
            prop_assert!(most_in_a_second(&wire) <= usize::try_from(cap).unwrap());
        }
    }

    #[test]
    fn a_steady_sender_reaches_the_cap() {
        let mut pace = Pace::new(200);
        let mut now = Duration::ZERO;
        let mut sent = 0;
        while now < Duration::from_secs(10) {
            match pace.when(1, now) {
                When::Now => {
                    pace.reserve(1);
                    pace.left(now);
                    sent += 1;
                }
                When::At(at) => now = at,
                When::AfterOthers => unreachable!("nothing is promised"),
            }
        }
        assert!((1_950..=2_000).contains(&sent), "{sent}");
    }

    #[test]
    fn what_is_promised_and_never_sent_holds_nobody_back() {
        let mut pace = Pace::new(2);
        pace.reserve(2);
        assert_eq!(pace.when(1, Duration::ZERO), When::AfterOthers);
        pace.released(2);
        assert_eq!(pace.when(2, Duration::ZERO), When::Now);
        assert!(pace.is_idle(Duration::ZERO));
    }
}
