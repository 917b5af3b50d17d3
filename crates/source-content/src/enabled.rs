//! Which units of the service manager start by themselves.

use std::collections::BTreeSet;
use std::path::Path;

use crate::reading::Reading;
use crate::text::{extension, file_name};

const PLACES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
];
const LEVELS: &[&str] = &["/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d"];

/// Units that something wants, and units that are known at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Enabled {
    wanted: BTreeSet<Vec<u8>>,
    known: BTreeSet<Vec<u8>>,
    running: BTreeSet<Vec<u8>>,
}

impl Enabled {
    /// Reads the links of systemd.unit(5) (`…/NAME.wants/UNIT`) and those of the levels of System V.
    pub(crate) fn read(reading: &mut Reading<'_>) -> Self {
        let mut enabled = Self::default();
        for place in PLACES {
            for entry in reading.list(Path::new(place)).unwrap_or_default() {
                match extension(&entry.path).as_slice() {
                    b"wants" | b"requires" => enabled.links(reading, &entry.path),
                    _ => drop(enabled.known.insert(file_name(&entry.path).to_vec())),
                }
            }
        }
        // Whoever started it: a unit that runs has a group of its own.
        for entry in reading
            .list(Path::new("/sys/fs/cgroup/system.slice"))
            .unwrap_or_default()
        {
            enabled.running.insert(file_name(&entry.path).to_vec());
        }
        for level in LEVELS {
            for entry in reading.list(Path::new(level)).unwrap_or_default() {
                if let [b'S', b'0'..=b'9', b'0'..=b'9', name @ ..] = file_name(&entry.path) {
                    enabled.wanted.insert([name, b".service"].concat());
                }
            }
        }
        enabled
    }

    fn links(&mut self, reading: &mut Reading<'_>, directory: &Path) {
        let entries = reading.list(directory).unwrap_or_default();
        let names = entries.iter().map(|e| file_name(&e.path).to_vec());
        self.wanted.extend(names);
    }

    /// True if something starts the unit.
    pub(crate) fn is_wanted(&self, unit: &str) -> bool {
        self.wanted.contains(unit.as_bytes())
    }

    /// True if one of these units is installed, none runs, and nothing starts any of them. What no unit is known of may be
    /// started in another way.
    pub(crate) fn is_off(&self, units: &[&str]) -> bool {
        let mut known = units.iter().filter(|u| self.known.contains(u.as_bytes()));
        let mut on = units
            .iter()
            .filter(|u| self.is_wanted(u) || self.running.contains(u.as_bytes()));
        known.next().is_some() && on.next().is_none()
    }

    /// The units that something starts whose name ends so.
    pub(crate) fn wanted_ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let all = self.wanted.iter().map(Vec::as_slice);
        all.filter(move |unit| unit.ends_with(end.as_bytes()))
    }
}
