//! The authority as its directory has it now: a collector that serves takes up a roll-over without a new start.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use groma_model::Timestamp;
use rustls::ServerConfig;

use crate::authority::{Authority, AuthorityError, Phase, names_in};
use crate::serving::Shared;
use crate::standing::ending;
use crate::tls::{Asks, settings};
use crate::{Clock, Journal};

/// How often the directory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is said that the authority ends.
const WARN_EVERY: Duration = Duration::from_secs(86_400);

/// An authority, and the settings of TLS that follow from it.
pub(crate) struct Current {
    pub(crate) authority: Authority,
    open: Arc<ServerConfig>,
    closed: Arc<ServerConfig>,
}

impl Current {
    pub(crate) fn of(
        authority: Authority,
        names: &[String],
        clock: &Clock,
    ) -> Result<Self, AuthorityError> {
        let of = |asks| settings(&authority, asks, names, clock).map(Arc::new);
        let (open, closed) = (of(Asks::Nothing)?, of(Asks::Certificate)?);
        Ok(Self {
            authority,
            open,
            closed,
        })
    }

    pub(crate) fn settings(&self, asks: Asks) -> Arc<ServerConfig> {
        match asks {
            Asks::Nothing => self.open.clone(),
            Asks::Certificate => self.closed.clone(),
        }
    }
}

/// Looks at the directory now and then, and takes up what changed; says in time when the authority ends.
pub(crate) async fn keep_up(shared: Arc<Shared>, names: Vec<String>) {
    let directory = shared.current().authority.directory().to_owned();
    // The first look always reads: something may have changed since this collector was started.
    let mut seen = Stamp::new();
    let mut last = Stamp::new();
    let mut warned = None;
    loop {
        warn(&shared, &mut warned);
        tokio::time::sleep(LOOK_EVERY).await;
        let work = (shared.clone(), directory.clone(), names.clone());
        let before = (seen.clone(), last.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let (shared, directory, names) = work;
            take_up(&shared, &directory, &names, before)
        });
        if let Ok((taken, now)) = looked.await {
            last = now;
            seen = taken;
        }
    }
}

/// Takes up what the directory has, if that changed and lies still: somebody may be in the middle of copying it. Which state of it was taken up
/// last, and the one it is in.
fn take_up(
    shared: &Shared,
    directory: &Path,
    names: &[String],
    (seen, last): (Stamp, Stamp),
) -> (Stamp, Stamp) {
    let now = stamp(directory);
    if now == seen || now != last {
        return (seen, now);
    }
    let journal = &shared.journal;
    let read = Authority::read(directory)
        .and_then(|authority| Current::of(authority, names, journal.clock()));
    match read {
        Ok(current) => {
            if current.authority.roots() != shared.current().authority.roots() {
                tell_phase(journal, &current.authority);
                shared.replace(current);
            }
            (now.clone(), now)
        }
        // Half a copy, perhaps: what was believed before is believed on.
        Err(error) => {
            let why = error.to_string();
            journal.tell_now_and_then("authority-not-read", &[("because", &why)]);
            (seen, now)
        }
    }
}

fn tell_phase(journal: &Journal, authority: &Authority) {
    let roots = authority.roots();
    let phase = match roots.phase() {
        Phase::Alone => "one authority",
        Phase::Prepared => "the next authority is announced",
        Phase::Switched => "the next authority signs, the former one is believed still",
    };
    let pin = roots.present.pin();
    journal.tell("authority-read", &[("authority", &pin), ("phase", phase)]);
}

fn warn(shared: &Shared, warned: &mut Option<Timestamp>) {
    let now = shared.journal.now();
    let roots = shared.current().authority.roots().clone();
    let is_due = warned.is_none_or(|at| at.plus(WARN_EVERY) <= now);
    let Some(ending) = ending(&roots, now).filter(|_| is_due) else {
        return;
    };
    *warned = Some(now);
    let fields = [
        ("until", roots.present.until().to_string()),
        ("days", ending.days.to_string()),
        ("within_days", ending.within_days.to_string()),
        ("do", ending.what_to_do.to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    shared.journal.tell("authority-ends", &fields);
}

/// When each file of an authority was written, and how long it is.
type Stamp = Vec<Option<(SystemTime, u64)>>;

fn stamp(directory: &Path) -> Stamp {
    let of = |path: &Path| {
        let met = fs::metadata(path).ok()?;
        Some((met.modified().ok()?, met.len()))
    };
    names_in(directory).all().into_iter().map(of).collect()
}
