//! What the collector says of its work: a line of JSON for each event, for a journal and whoever searches it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::Timestamp;
use serde_json::{Map, Value};

/// Lines that wait to be written.
const LINES_MAX: usize = 1024;
/// One cause is said once in this time; the next line counts what was not.
const QUIET: Duration = Duration::from_secs(60);

/// Where events are written.
pub struct Journal {
    out: SyncSender<String>,
    said: Mutex<HashMap<&'static str, (Timestamp, u64)>>,
    clock: Clock,
}

/// The time, as the collector's world has it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// A journal over `out`; moments come from `clock`.
    pub fn new(
        out: Box<dyn Write + Send>,
        clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        let (lines, written) = sync_channel::<String>(LINES_MAX);
        let mut out = out;
        // Whoever reads the journal may be slow; listeners do not wait for him.
        std::thread::spawn(move || {
            for line in written {
                let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
            }
        });
        Self {
            out: lines,
            said: Mutex::default(),
            clock: Clock(clock.into()),
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Says that something happened.
    pub fn tell(&self, event: &'static str, fields: &[(&str, &str)]) {
        self.write(event, fields, 0);
    }

    /// The same for what strangers can cause: once a minute for each event.
    pub(crate) fn tell_now_and_then(&self, event: &'static str, fields: &[(&str, &str)]) {
        let now = self.now();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = said.entry(event).or_insert((Timestamp::from_millis(0), 0));
        // A clock that went back is no reason to be silent.
        if *last <= now && now < last.plus(QUIET) {
            *unsaid += 1;
            return;
        }
        let before = std::mem::replace(unsaid, 0);
        *last = now;
        drop(said);
        self.write(event, fields, before);
    }

    fn write(&self, event: &str, fields: &[(&str, &str)], unsaid: u64) {
        let mut line = Map::new();
        line.insert("at".to_owned(), Value::String(self.now().to_string()));
        line.insert("event".to_owned(), Value::String(event.to_owned()));
        for (name, value) in fields {
            line.insert((*name).to_owned(), Value::String((*value).to_owned()));
        }
        if unsaid > 0 {
            line.insert("unsaid_before".to_owned(), Value::from(unsaid));
        }
        let text = format!("{}\n", Value::Object(line));
        // Too many wait already: the work goes on.
        let _ = self.out.try_send(text);
    }
}
