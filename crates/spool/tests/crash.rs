//! A spool on a disk that is cut off, killed and made to fail at random, held against the truth.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

mod common;

use common::{Fate, Truth, factor, open, payload, small};
use groma_fuzz::Chance;
use groma_spool::testing::{Fault, Manner, ModelDisk};
use groma_spool::{Body, Number, Spool};

const ERRNOS: [i32; 4] = [28, 5, 30, 122];
const MANNERS: [Manner; 3] = [Manner::Plain, Manner::DoneAnyway, Manner::Short];

struct Machine {
    seed: u64,
    chance: Chance,
    disk: ModelDisk,
    spool: Option<Spool>,
    truth: Truth,
    next: Number,
    retry: Option<(Number, usize)>,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let disk = ModelDisk::new();
        let spool = Some(open(&disk, small()).0);
        let epoch = chance.next_bits();
        Self {
            seed,
            chance,
            disk,
            spool,
            truth: Truth::default(),
            next: Number { epoch, sequence: 0 },
            retry: None,
        }
    }

    fn append(&mut self) {
        let (number, length) = self.retry.take().unwrap_or_else(|| {
            if self.chance.below(40) == 0 {
                self.next = Number {
                    epoch: self.chance.next_bits(),
                    sequence: 0,
                };
            }
            let number = self.next;
            self.next.sequence += 1;
            let length = match self.chance.below(10) {
                0 => 0,
                1 => self.chance.below(9000),
                _ => self.chance.below(700),
            };
            (number, length)
        });
        self.truth.try_append(number, length);
        let bytes = payload(number, length);
        let spool = self.spool.as_mut().unwrap();
        match spool.append(number.epoch, number.sequence, &bytes) {
            Ok(()) => self.truth.kept(number),
            Err(_) => {
                self.truth.failed();
                if self.chance.below(2) == 0 {
                    self.retry = Some((number, length));
                }
            }
        }
    }

    /// Frees up to a frame a few behind the oldest; a record of a loss now and then.
    fn free(&mut self) {
        let many = 1 + self.chance.below(12);
        let spool = self.spool.as_mut().unwrap();
        let frames: Vec<_> = spool.frames().take(many).map_while(Result::ok).collect();
        let Some(frame) = frames.last() else { return };
        let seed = self.seed;
        for frame in &frames {
            if let Body::Loss(loss) = &frame.body {
                self.truth.tell(loss, seed);
            }
        }
        let well = spool.free_through(frame.epoch, frame.sequence).is_ok();
        if !well {
            self.truth.failed();
        }
        for frame in &frames {
            match &frame.body {
                Body::Loss(_) if well => {
                    self.truth
                        .records_freed
                        .insert((frame.epoch, frame.sequence));
                }
                Body::Payload(_) => {
                    let number = Number {
                        epoch: frame.epoch,
                        sequence: frame.sequence,
                    };
                    let index = self.truth.fates[&number].0;
                    self.truth.free_through(index, well);
                }
                _ => {}
            }
        }
    }

    fn reopen(&mut self) {
        let (spool, losses) = open(&self.disk, small());
        for loss in &losses {
            self.truth.tell(loss, self.seed);
        }
        self.spool = Some(spool);
        // Whoever restarts does not know what it was about to try again.
        self.retry = None;
    }

    fn check(&mut self) {
        let spool = self.spool.as_mut().unwrap();
        self.truth.check(spool, self.seed);
    }

    fn work(&mut self, steps: usize) {
        for _ in 0..steps {
            match self.chance.below(10) {
                0 | 1 => self.free(),
                _ => self.append(),
            }
        }
    }

    fn fault(&mut self, lasts: bool) {
        let fault = Fault {
            at: self.chance.below(30) as u64,
            errno: ERRNOS[self.chance.below(ERRNOS.len())],
            lasts,
            manner: MANNERS[self.chance.below(MANNERS.len())],
        };
        self.truth.doubtful |= lasts && fault.manner == Manner::DoneAnyway;
        self.disk.fail(fault);
    }

    fn power_cut(&mut self) {
        let mut chance = self.chance.clone();
        self.disk.crash(&mut |bound| chance.below(bound));
        self.chance = chance;
    }

    /// Works, is cut off in the middle of a call, and starts again; sometimes cut off while starting, too.
    fn cut(&mut self) {
        self.fault(true);
        self.work(6);
        self.disk.mend();
        self.spool = None;
        self.power_cut();
        if self.chance.below(3) == 0 {
            self.fault(true);
            self.truth.unreadable = true;
            let _ = Spool::open(Box::new(self.disk.clone()), small());
            self.disk.mend();
            self.power_cut();
        }
        self.reopen();
        self.check();
    }

    fn step(&mut self) {
        match self.chance.below(12) {
            0 => self.cut(),
            1 => {
                // Killed, and started again on a machine that never stopped.
                self.spool = None;
                self.disk.kill();
                self.reopen();
                self.check();
            }
            2 => {
                self.fault(false);
                self.work(6);
                self.disk.mend();
                self.check();
            }
            3 => {
                self.fault(true);
                self.work(4);
                self.disk.mend();
                self.append();
                self.check();
            }
            _ => self.work(5),
        }
    }
}

#[test]
fn nothing_that_was_kept_is_lost_whatever_happens_to_the_machine() {
    for seed in 0..200 * factor() {
        let mut machine = Machine::new(seed);
        for _ in 0..60 {
            machine.step();
        }
        machine.check();
    }
}

#[test]
fn a_spool_works_again_after_a_failure_at_any_call() {
    for errno in ERRNOS {
        for manner in MANNERS {
            for lasts in [false, true] {
                let mut at = 0;
                while one_failure(Fault {
                    at,
                    errno,
                    lasts,
                    manner,
                }) {
                    at += 1;
                }
                assert!(at > 60, "a run of the script takes more calls than {at}");
            }
        }
    }
}

/// A fixed script with one failure; `false` if the script ended before the failing call.
fn one_failure(fault: Fault) -> bool {
    let mut machine = Machine::new(fault.at);
    for _ in 0..12 {
        machine.append();
    }
    machine.spool = None;
    machine.disk.kill();
    machine.disk.fail(fault);
    let opened = Spool::open(Box::new(machine.disk.clone()), small());
    machine.truth.unreadable = true;
    let Ok((spool, losses)) = opened else {
        machine.disk.mend();
        machine.reopen();
        machine.check();
        return true;
    };
    assert!(losses.is_empty(), "{fault:?}: {losses:?}");
    machine.spool = Some(spool);
    for round in 0..30 {
        machine.append();
        if round % 5 == 4 {
            machine.free();
        }
    }
    let calls = machine.disk.mend();
    let before = machine
        .truth
        .fates
        .values()
        .filter(|f| f.1 == Fate::Kept)
        .count();
    machine.append();
    let after = machine
        .truth
        .fates
        .values()
        .filter(|f| f.1 == Fate::Kept)
        .count();
    assert_eq!(
        after,
        before + 1,
        "{fault:?}: the disk is well, and yet it does not take a frame"
    );
    machine.check();
    machine.spool = None;
    machine.power_cut();
    machine.reopen();
    machine.check();
    calls > fault.at
}
