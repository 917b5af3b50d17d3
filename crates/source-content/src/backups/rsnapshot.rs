//! When rsnapshot last copied, by its own log.
//!
//! `[2026-11-21T00:23:54] /usr/bin/rsnapshot alpha: completed successfully`. Only the first of the intervals copies (or
//! `sync`, with `sync_first`): the others move directories about, and end well however long nothing was copied. A run in
//! which one of several sources failed ends with `completed, but with some errors`.

use std::path::Path;

use groma_model::Timestamp;

use crate::reading::Reading;
use crate::text::lossy;

/// The end of the last run that copied everything; the newest directory of copies where no log is kept.
pub(super) fn last_success(
    reading: &mut Reading<'_>,
    settings: &Path,
    newest: impl FnOnce(&mut Reading<'_>) -> Option<i64>,
) -> Option<i64> {
    let text = |reading: &mut Reading<'_>, path: &Path| {
        let bytes = reading.read_if_there(path).ok().flatten()?;
        Some(lossy(&bytes))
    };
    let settings = text(reading, settings).unwrap_or_default();
    let (Some(log), Some(copies)) = (value(&settings, "logfile"), copies(&settings)) else {
        return newest(reading);
    };
    let turned = format!("{log}.1");
    let logs: Vec<String> = [log.as_str(), &turned]
        .iter()
        .filter_map(|path| text(reading, Path::new(path)))
        .collect();
    match logs.iter().any(|log| tells_runs(log)) {
        true => logs.iter().filter_map(|log| ended_well(log, &copies)).max(),
        false => newest(reading),
    }
}

/// The word of the command that copies.
fn copies(settings: &str) -> Option<String> {
    if value(settings, "sync_first").is_some_and(|v| v == "1") {
        return Some("sync".to_owned());
    }
    value(settings, "retain").or_else(|| value(settings, "interval"))
}

/// The first value of a key; words stand between tabs.
fn value(settings: &str, key: &str) -> Option<String> {
    settings.lines().find_map(|line| {
        let mut words = line.split('\t').filter(|word| !word.is_empty());
        (words.next()? == key).then(|| words.next().map(|word| word.trim().to_owned()))?
    })
}

/// True if a run stands in it whose time is understood.
fn tells_runs(log: &str) -> bool {
    log.lines().any(|line| {
        let stamped = line.strip_prefix('[').and_then(|l| l.split_once("] "));
        stamped.is_some_and(|(at, rest)| rest.ends_with(": started") && stamp(at).is_some())
    })
}

/// `2026-11-21T00:23:54`, before 1.4 `21/Nov/2026:00:23:54`: the wall clock of the machine, told as if it were UTC. A
/// day more or less is what a backup is judged by.
fn stamp(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let iso = match text.split_once('/') {
        None => text.to_owned(),
        Some((day, rest)) => {
            let (month, rest) = rest.split_once('/')?;
            let (year, clock) = rest.split_once(':')?;
            let at = MONTHS
                .find(month)
                .filter(|at| month.len() == 3 && at % 3 == 0)?;
            format!("{year}-{:02}-{day}T{clock}", at / 3 + 1)
        }
    };
    let at: Timestamp = format!("{iso}Z").parse().ok()?;
    Some(at.millis() / 1000)
}

fn ended_well(log: &str, copies: &str) -> Option<i64> {
    let ends = log.lines().filter_map(|line| {
        let (at, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let command = rest
            .strip_suffix(": completed successfully")
            .or_else(|| rest.strip_suffix(": completed, but with some warnings"))?;
        if command.rsplit(' ').next() != Some(copies) || !command.contains("rsnapshot") {
            return None;
        }
        stamp(at)
    });
    ends.max()
}

#[cfg(test)]
mod tests {
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    const RECORDED: &str = include_str!("../../tests/fixtures/backups/rsnapshot-1.4/rsnapshot.log");

    #[test]
    fn a_run_that_failed_and_one_that_only_moved_directories_are_no_success() {
        let (failed, rest) = RECORDED.split_once("but with some errors\n").unwrap();
        assert_eq!(ended_well(failed, "alpha"), None);
        // The next run only rotates.
        let (rotated, _) = rest.split_once("alpha: started").unwrap();
        assert!(rotated.contains("beta: completed successfully"));
        assert_eq!(ended_well(rotated, "alpha"), None);
        assert_eq!(ended_well(RECORDED, "alpha"), Some(1_795_221_045));
    }

    #[test]
    fn stamps_of_older_versions_are_read_and_a_log_without_any_tells_no_run() {
        let log = |at: &str| {
            format!(
                "[{at}] /usr/bin/rsnapshot daily: started\n[{at}] /usr/bin/rsnapshot daily: completed successfully\n"
            )
        };
        let (old, new) = (log("21/Nov/2026:00:30:45"), log("2026-11-21T00:30:45"));
        for text in [&old, &new] {
            assert!(tells_runs(text), "{text}");
            assert_eq!(ended_well(text, "daily"), Some(1_795_221_045), "{text}");
        }
        for at in [
            "21.11.2026 00:30",
            "21/Foo/2026:00:30:45",
            "21/anF/2026:00:30:45",
        ] {
            assert!(!tells_runs(&log(at)), "{at}");
        }
        assert!(tells_runs(RECORDED));
    }

    #[test]
    fn the_copies_are_asked_where_no_stamp_of_the_log_is_understood() {
        let ended = |at: &str| {
            let settings = "retain\tdaily\t7\nlogfile\t/var/log/r\n";
            let log = format!("[{at}] /usr/bin/rsnapshot daily: started\n");
            let disk = FakeDisk::new().file("/etc/rsnapshot.conf", settings);
            let world = world(disk.file("/var/log/r", log.as_str()));
            let (window, budget) = (window(&world), groma_source::Budget::default());
            let hour = std::time::Duration::from_secs(3600);
            let mut reading = Reading::begin(world.disk.as_ref(), &window, &budget, hour);
            last_success(&mut reading, Path::new("/etc/rsnapshot.conf"), |_| Some(7))
        };
        assert_eq!(ended("21.11.2026 00:30"), Some(7));
        // Twin: a run that is understood and did not end is no success, whatever lies there.
        assert_eq!(ended("21/Nov/2026:00:30:45"), None);
    }

    #[test]
    fn the_first_interval_copies_unless_a_command_of_its_own_does() {
        let settings = "#retain\tghost\t1\nretain\t\talpha\t6\nretain\tbeta\t7\nlogfile\t/var/log/rsnapshot.log\n";
        assert_eq!(copies(settings).as_deref(), Some("alpha"));
        assert_eq!(
            copies(&format!("{settings}sync_first\t1\n")).as_deref(),
            Some("sync")
        );
        assert_eq!(
            value(settings, "logfile").as_deref(),
            Some("/var/log/rsnapshot.log")
        );
        assert_eq!(copies("retain alpha 6\n"), None);
    }

    #[test]
    fn no_log_makes_it_panic() {
        groma_fuzz::hammer(
            1000,
            &[RECORDED.as_bytes(), b"retain\ta\t1\nlogfile\t/x\n"],
            |bytes| {
                let text = lossy(bytes);
                ended_well(&text, "alpha");
                tells_runs(&text);
                copies(&text);
            },
        );
    }
}
