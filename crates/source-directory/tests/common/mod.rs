//! What the tests of this crate share: a look, and the little BER a made-up server needs.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses the part it needs; a skipped test says so"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{DirectoryNeed, DirectoryObject};
use groma_model::{Fact, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_directory::{DirectorySource, Journal, Limits, NAME, access};

/// This machine, with its network.
pub(crate) fn world() -> World {
    groma_sys::this_machine(false)
}

/// An access file in `at` with one directory, closed to others.
pub(crate) fn access_file(at: &Path, table: &str) -> std::path::PathBuf {
    let path = at.join("access.toml");
    closed(&path, &format!("[[directory]]\n{table}\n"));
    path
}

/// A file nobody else may read.
pub(crate) fn closed(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// One look at the directory that `table` describes.
pub(crate) fn look(table: &str, limits: Limits) -> Recorder {
    let at = tempfile::tempdir().unwrap();
    look_at(at.path(), table, limits)
}

/// The same, with files beside the access file.
pub(crate) fn look_at(at: &Path, table: &str, limits: Limits) -> Recorder {
    look_noting(at, table, limits, None)
}

/// The same, watching for some time.
pub(crate) fn look_watching(table: &str, limits: Limits, watch: Duration) -> Recorder {
    let at = tempfile::tempdir().unwrap();
    looking(at.path(), table, limits, None, watch)
}

/// The same, with notes of how far it came.
pub(crate) fn look_noting(
    at: &Path,
    table: &str,
    limits: Limits,
    journal: Option<Box<dyn Journal>>,
) -> Recorder {
    looking(at, table, limits, journal, Duration::ZERO)
}

fn looking(
    at: &Path,
    table: &str,
    limits: Limits,
    journal: Option<Box<dyn Journal>>,
    watch: Duration,
) -> Recorder {
    let world = world();
    let directories = access::read(world.disk.as_ref(), &access_file(at, table)).unwrap();
    let mut source = DirectorySource::new(world.clone(), directories).within(limits);
    if let Some(journal) = journal {
        source = source.noting(journal);
    }
    let mut recorder = Recorder::new(SourceName::new(NAME));
    let window = Window::open(
        Arc::clone(&world.clock),
        Stop::default(),
        watch,
        Duration::from_secs(300),
    );
    source.look(&window, &generous(), &mut recorder);
    recorder
}

/// A machine under load is slow to connect: no test waits for that on purpose.
pub(crate) fn generous() -> Budget {
    Budget {
        network_timeout_ms: 60_000,
        ..Budget::default()
    }
}

/// The gaps, each on a line.
pub(crate) fn gaps(seen: &Recorder) -> String {
    let line = |g: &groma_model::Gap| format!("{} | {} | {:?}\n", g.scope, g.what, g.reason);
    seen.gaps().map(line).collect()
}

/// The objects of a class.
pub(crate) fn objects<'a>(seen: &'a Recorder, class: &str) -> Vec<&'a DirectoryObject> {
    let of = |fact: &'a Fact| match fact {
        Fact::DirectoryObject(object) if object.class == class => Some(object),
        _ => None,
    };
    seen.facts().filter_map(of).collect()
}

/// The needs.
pub(crate) fn needs(seen: &Recorder) -> Vec<&DirectoryNeed> {
    fn of(fact: &Fact) -> Option<&DirectoryNeed> {
        match fact {
            Fact::DirectoryNeed(need) => Some(need),
            _ => None,
        }
    }
    seen.facts().filter_map(of).collect()
}

/// The number a look counted.
pub(crate) fn count(seen: &Recorder, what: &str) -> Option<f64> {
    seen.facts().find_map(|fact| match fact {
        Fact::Measurement(m) if m.metric == format!("directory_{what}") => Some(m.value),
        _ => None,
    })
}

/// True if the step was covered completely.
pub(crate) fn is_complete(seen: &Recorder, step: &str) -> bool {
    seen.coverage().any(|c| {
        c.scope.as_str().ends_with(&format!("/{step}"))
            && c.state == groma_model::CoverageState::Complete
    })
}

/// An element in BER.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(value);
    bytes
}
