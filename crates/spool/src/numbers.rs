//! Numbers of frames, and runs of them.

use std::fmt;

/// What names a frame: the epoch its sender drew at random, and a count within it.
///
/// The order of a spool is the order of appending. Epochs are random, so comparing two numbers says nothing about time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number {
    /// Drawn at random by the sender.
    pub epoch: u64,
    /// Counts within the epoch.
    pub sequence: u64,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{}", self.epoch, self.sequence)
    }
}

/// Frames of one epoch whose sequences follow each other without a hole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The epoch.
    pub epoch: u64,
    /// The first sequence.
    pub first: u64,
    /// The last sequence, itself included.
    pub last: u64,
}

/// Known numbers, shortened to runs, of which at most [`Runs::MAX`] are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Runs {
    runs: Vec<Run>,
    cut: bool,
}

impl Runs {
    /// How many runs are kept; senders count up, so one or two are usual.
    pub const MAX: usize = 64;

    /// The runs, in no order that means anything.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether there were more than are kept.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether a number is known to be among them.
    pub fn contains(&self, number: Number) -> bool {
        self.runs
            .iter()
            .any(|r| r.epoch == number.epoch && (r.first..=r.last).contains(&number.sequence))
    }

    pub(crate) fn of(runs: Vec<Run>, cut: bool) -> Self {
        Self { runs, cut }
    }

    pub(crate) fn push(&mut self, number: Number) {
        self.push_run(Run {
            epoch: number.epoch,
            first: number.sequence,
            last: number.sequence,
        });
    }

    pub(crate) fn push_run(&mut self, run: Run) {
        let touches = |r: &Run| {
            r.epoch == run.epoch
                && run.first <= r.last.saturating_add(1)
                && r.first <= run.last.saturating_add(1)
        };
        match self.runs.iter().position(touches) {
            // What was two runs may be one now, so it is put in again.
            Some(at) => {
                let other = self.runs.swap_remove(at);
                self.push_run(Run {
                    epoch: run.epoch,
                    first: run.first.min(other.first),
                    last: run.last.max(other.last),
                });
            }
            None if self.runs.len() < Self::MAX => self.runs.push(run),
            None => self.cut = true,
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for run in &other.runs {
            self.push_run(*run);
        }
        self.cut |= other.cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_that_follow_each_other_are_one_run_and_runs_are_bounded() {
        let mut runs = Runs::default();
        for sequence in 5..9 {
            runs.push(Number { epoch: 7, sequence });
        }
        assert_eq!(runs.runs().len(), 1);
        assert!(runs.contains(Number {
            epoch: 7,
            sequence: 8
        }));
        assert!(!runs.contains(Number {
            epoch: 7,
            sequence: 9
        }));
        for epoch in 0..100 {
            runs.push(Number { epoch, sequence: 1 });
        }
        assert_eq!(runs.runs().len(), Runs::MAX);
        assert!(runs.is_cut());
    }

    #[test]
    fn what_lay_between_two_runs_makes_them_one() {
        let mut runs = Runs::default();
        for sequence in [1, 2, 5, 6, 3, 4] {
            runs.push(Number { epoch: 7, sequence });
        }
        assert_eq!(
            runs.runs(),
            [Run {
                epoch: 7,
                first: 1,
                last: 6
            }]
        );
    }

    #[test]
    fn the_last_sequence_of_all_does_not_overflow() {
        let mut runs = Runs::default();
        runs.push(Number {
            epoch: 1,
            sequence: u64::MAX,
        });
        runs.push(Number {
            epoch: 1,
            sequence: 0,
        });
        assert_eq!(runs.runs().len(), 2);
    }
}
