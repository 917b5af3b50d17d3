//! The system's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use groma_model::Timestamp;
use groma_source::Clock;

/// Wall time and monotonic time of this machine.
#[derive(Debug)]
pub struct SystemClock {
    born: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            born: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    fn monotonic(&self) -> Duration {
        self.born.elapsed()
    }
    fn sleep(&self, length: Duration) {
        std::thread::sleep(length);
    }
}
