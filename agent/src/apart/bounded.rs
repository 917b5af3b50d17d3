//! Doing something within this process, and not waiting for it longer than is bearable.
//!
//! A thread that hangs in the kernel cannot be ended: it is left behind, and ends with the program. So this is for what
//! cannot be done in a child, and for machines where there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::batch::Record;
use groma_model::{Coverage, Gap, Observation};
use groma_source::{Budget, Recorder, Sink, Source, Window};

/// A source that keeps its own time ends before this; then it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the clock of the look is asked, at first; then ever less often, up to this.
const TICK: Duration = Duration::from_millis(200);
const QUIET_TICK: Duration = Duration::from_millis(1600);

/// How an act came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End<T> {
    /// It is done.
    Done(T),
    /// It panicked.
    Failed,
    /// It is still under way after so long.
    Stuck(Duration),
}

/// Does `act` on a thread of its own, and waits for it `limit` and a little.
pub(crate) fn within<T: Send + 'static>(
    window: &Window,
    limit: Duration,
    act: impl FnOnce() -> T + Send + 'static,
) -> End<T> {
    let begin = window.monotonic();
    let (tell, heard) = channel();
    let thread = std::thread::Builder::new().name("groma-look".to_owned());
    let started = thread.spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(act));
        let _ = tell.send(done);
    });
    if started.is_err() {
        return End::Stuck(Duration::ZERO);
    }
    let mut tick = TICK;
    loop {
        match heard.recv_timeout(tick) {
            Ok(Ok(done)) => return End::Done(done),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return End::Failed,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let passed = window.monotonic().saturating_sub(begin);
        if passed >= limit.saturating_add(PATIENCE) {
            return End::Stuck(passed);
        }
        tick = tick.saturating_mul(2).min(QUIET_TICK);
    }
}

/// What a source said that looked within this process.
pub(crate) struct Heard {
    /// What it said, also if it did not come to its end.
    pub(crate) records: Vec<Record>,
    /// What it wants back at its next look.
    pub(crate) kept: Vec<String>,
    /// How it ended.
    pub(crate) end: End<()>,
}

/// Lets `source` look, on a thread of its own.
pub(crate) fn look(
    mut source: Box<dyn Source>,
    window: &Window,
    limit: Duration,
    budget: &Budget,
) -> Heard {
    let shared = Shared(Arc::new(Mutex::new(Recorder::new(source.name()))));
    let (mut sink, own, budget) = (shared.clone(), window.shortened(limit), *budget);
    let end = within(window, limit, move || source.look(&own, &budget, &mut sink));
    // Whoever is left behind goes on talking to nobody.
    let take = |recorder: &mut Recorder| {
        (
            std::mem::take(&mut recorder.records),
            std::mem::take(&mut recorder.kept),
        )
    };
    let (records, kept) = shared.with(take);
    Heard { records, kept, end }
}

/// A recorder both sides hold.
#[derive(Clone)]
struct Shared(Arc<Mutex<Recorder>>);

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Recorder) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Shared {
    fn saw(&mut self, observation: Observation) {
        self.with(|recorder| recorder.saw(observation));
    }
    fn missed(&mut self, gap: Gap) {
        self.with(|recorder| recorder.missed(gap));
    }
    fn covered(&mut self, coverage: Coverage) {
        self.with(|recorder| recorder.covered(coverage));
    }
    fn keeps(&mut self, line: String) {
        self.with(|recorder| recorder.keeps(line));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use groma_model::{CoverageState, Scope, SourceName};
    use groma_source::testing::{FakeDisk, window, world};
    use groma_source::{Clock, Explanation, SinkExt};

    use super::*;

    /// A source that says something, and does not end before the test does.
    struct Hangs(Arc<Barrier>, Arc<dyn Clock>);

    impl Source for Hangs {
        fn name(&self) -> SourceName {
            SourceName::new("test.hangs")
        }
        fn explain(&self) -> Explanation {
            Explanation::default()
        }
        fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
            let scope = Scope::new("test", "hangs");
            sink.covered_now(window, &scope, CoverageState::Complete);
            sink.keeps("a line".to_owned());
            // Told, and the time that passes is the clock's of the test: nothing here waits for a machine.
            // Not by the window, which would wake it when it is over.
            self.1.sleep(Duration::from_secs(60));
            self.0.wait();
        }
    }

    #[test]
    fn a_source_that_hangs_within_the_process_is_left_with_what_it_had_said() {
        let let_go = Arc::new(Barrier::new(2));
        let world = world(FakeDisk::new());
        let window = window(&world);
        let source = Box::new(Hangs(Arc::clone(&let_go), world.clock));
        let heard = look(source, &window, Duration::from_secs(50), &Budget::default());
        assert!(matches!(heard.end, End::Stuck(passed) if passed >= Duration::from_secs(53)));
        assert_eq!((heard.records.len(), heard.kept.len()), (1, 1));
        let_go.wait();
    }

    #[test]
    fn a_panic_is_told_and_what_is_done_is_done() {
        let second = Duration::from_secs(1);
        let window = window(&world(FakeDisk::new()));
        assert_eq!(within(&window, second, || 7), End::Done(7));
        let failed: End<()> = within(&window, second, || std::panic::resume_unwind(Box::new(())));
        assert_eq!(failed, End::Failed);
    }
}
