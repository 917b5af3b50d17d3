//! Which names belong to zones this server answers for: of all that is asked, those alone are kept.

use std::collections::BTreeSet;
use std::path::Path;

use groma_knowledge::named_conf;
use groma_model::HostName;
use groma_source::Disk;

use crate::knot::{self, Knot};

const KNOT: &str = "/etc/knot/knot.conf";
const SETTINGS_BYTES_MAX: u64 = 8 << 20;
/// Roles in which a server answers for a zone itself.
const ANSWERS: &[&str] = &["primary", "secondary", "mirror"];

/// The zones of this machine's name server.
#[derive(Default, Debug)]
pub(crate) struct Zones {
    names: BTreeSet<String>,
    /// True if settings were not read: there may be further zones.
    is_in_part: bool,
    /// What BIND's settings say behind `dnstap-output`.
    pub(crate) tap: Option<Vec<String>>,
    /// True if it writes down every question of its clients there.
    pub(crate) is_tap_whole: bool,
    /// Where the names of files in them are counted from.
    pub(crate) folder: Option<String>,
    /// What Knot DNS is set to.
    pub(crate) knot: Knot,
}

impl Zones {
    /// As the settings of BIND and Knot DNS have them.
    pub(crate) fn read(disk: &dyn Disk) -> Self {
        let knot = disk.read(Path::new(KNOT), SETTINGS_BYTES_MAX);
        let is_knot_unread = knot.as_ref().is_err_and(|error| !error.is_absent());
        let knot = knot.map(|read| knot::settings(&String::from_utf8_lossy(&read.bytes)));
        let knot = knot.unwrap_or_default();
        let settings = named_conf::all(&mut |path| {
            let read = disk.read(Path::new(path), SETTINGS_BYTES_MAX);
            let read = read.map_err(|error| error.reason)?;
            Ok(String::from_utf8_lossy(&read.bytes).into_owned())
        });
        let is_tap_whole = settings.taps_every_question();
        let own = settings
            .zones
            .into_iter()
            .filter(|zone| ANSWERS.contains(&zone.role.as_str()) && !zone.name.is_empty());
        Self {
            names: own
                .map(|zone| zone.name)
                .chain(knot.zones.iter().cloned())
                .collect(),
            is_in_part: !settings.unread.is_empty() || knot.has_more || is_knot_unread,
            tap: settings.dnstap,
            is_tap_whole,
            folder: settings.directory,
            knot,
        }
    }

    /// True if all settings were read, so that no zone is missing.
    pub(crate) fn are_whole(&self) -> bool {
        !self.is_in_part
    }

    /// The name, if it lies in one of them.
    pub(crate) fn own(&self, name: &str) -> Option<HostName> {
        if self.names.is_empty() {
            return None;
        }
        let lower = name.trim_end_matches('.').to_ascii_lowercase();
        let mut rest = lower.as_str();
        loop {
            if self.names.contains(rest) {
                return HostName::parse(&lower);
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_own_within_a_zone_and_nowhere_else() {
        let zones = Zones {
            names: BTreeSet::from(["corp.example".to_owned()]),
            ..Zones::default()
        };
        let own = |name| zones.own(name).map(|name| name.to_string());
        assert_eq!(
            own("WWW.Corp.Example.").as_deref(),
            Some("www.corp.example")
        );
        assert_eq!(own("corp.example").as_deref(), Some("corp.example"));
        for other in [
            "xcorp.example",
            "example",
            "corp.example.net",
            "",
            "a\\.corp.example",
        ] {
            assert_eq!(own(other), None, "{other}");
        }
    }
}
