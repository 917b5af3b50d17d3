//! MongoDB: WiredTiger's files; names of databases stand inside and are not told.

use std::path::Path;

use super::places::{Places, Processes};
use super::{Seen, bytes_below};
use crate::reading::Reading;
use crate::text::{lossy, meaningful, pair, path, unquoted};

pub(super) fn places(reading: &mut Reading<'_>, processes: &Processes) -> Places {
    let mut places = Places::default();
    for directory in processes.option(&[b"mongod"], b"--dbpath") {
        places.named(&directory, Path::new("a running process"), None);
    }
    for file in ["/etc/mongod.conf", "/etc/mongodb.conf"].map(Path::new) {
        let text = places.text(reading, file);
        for (_, line) in meaningful(&text, b"#") {
            let setting = pair(line, b':').filter(|(key, _)| *key == b"dbPath");
            let setting = setting.or_else(|| pair(line, b'=').filter(|(key, _)| *key == b"dbpath"));
            if let Some((_, directory)) = setting {
                places.named(&path(unquoted(directory)), file, None);
            }
        }
    }
    places
}

pub(super) fn read(reading: &mut Reading<'_>, at: &Path) -> Option<Seen> {
    // `WiredTiger` and a line `WiredTiger 11.0.0: (…)`.
    let mark = reading.read(&at.join("WiredTiger")).ok()?;
    if !mark.starts_with(b"WiredTiger") {
        return None;
    }
    let storage = lossy(&mark)
        .lines()
        .nth(1)
        .map(|line| line.split(':').next().unwrap_or_default().to_owned());
    let (bytes, whole) = bytes_below(reading, at);
    Some(Seen {
        engine: "mongodb",
        version: storage,
        bytes,
        cut: !whole,
        closed: Some("databases, replica sets and accounts"),
        ..Seen::default()
    })
}
