//! How long a look may last, and how it learns that it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groma_model::Timestamp;

/// The time, and waiting. The one clock of a program, or a made-up one in a test.
pub trait Clock: Send + Sync {
    /// Wall time.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes backwards.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, length: Duration);
}

/// A flag somebody else may set to end a look early.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks every holder of this flag to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The time given to a look: from `started`, to a deadline on the monotonic clock.
#[derive(Clone)]
pub struct Window {
    clock: Arc<dyn Clock>,
    stop: Stop,
    started: Timestamp,
    ends: Duration,
    watch: Duration,
}

impl Window {
    /// A window that begins now. `watch` is how long sources that sample should go on (`--for`);
    /// `limit` is when every source must be done.
    pub fn open(clock: Arc<dyn Clock>, stop: Stop, watch: Duration, limit: Duration) -> Self {
        let started = clock.now();
        Self::resume(clock, stop, started, watch, limit)
    }

    /// A window that somebody else opened at `started`: for a part of a look in a process of its own.
    pub fn resume(
        clock: Arc<dyn Clock>,
        stop: Stop,
        started: Timestamp,
        watch: Duration,
        limit: Duration,
    ) -> Self {
        let ends = clock.monotonic().saturating_add(limit);
        Self {
            clock,
            stop,
            started,
            ends,
            watch,
        }
    }

    /// The same window, over after `limit` if it would last longer: for one source of many.
    #[must_use]
    pub fn shortened(&self, limit: Duration) -> Self {
        let ends = self.clock.monotonic().saturating_add(limit);
        Self {
            ends: self.ends.min(ends),
            ..self.clone()
        }
    }

    /// Wall time at the begin.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Wall time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Monotonic time now.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// How long sources that sample should go on.
    pub fn watch(&self) -> Duration {
        self.watch
    }

    /// True when a source must stop.
    pub fn is_over(&self) -> bool {
        self.stop.is_asked() || self.clock.monotonic() >= self.ends
    }

    /// What is left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.ends.saturating_sub(self.clock.monotonic())
    }

    /// Waits `length`, in slices, and returns early when the window is over.
    pub fn sleep(&self, length: Duration) {
        let end = self.clock.monotonic().saturating_add(length);
        while !self.is_over() {
            let left = end.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return;
            }
            self.clock.sleep(left.min(Duration::from_millis(100)));
        }
    }
}
