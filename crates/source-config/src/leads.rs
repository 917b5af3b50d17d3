//! The way to files that rules name within directories that are silent otherwise: a profile in a home, the
//! settings of a working copy.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use groma_knowledge::RULES;

use crate::glob::{literal_prefix, matches};
use crate::judged::{ON_A_DRIVE, is_on_a_drive, lowered_glob};

/// Globs over whole paths, without `**`, and those over the directories on the way to them.
struct Leads {
    files: Vec<&'static str>,
    directories: Vec<String>,
}

static ON_UNIX: LazyLock<Leads> = LazyLock::new(|| leads("/"));
static ON_WINDOWS: LazyLock<Leads> = LazyLock::new(|| leads(ON_A_DRIVE));

fn leads_of(path: &str) -> &'static Leads {
    match is_on_a_drive(path) {
        true => &ON_WINDOWS,
        false => &ON_UNIX,
    }
}

fn leads(begin: &str) -> Leads {
    let files: Vec<&'static str> = RULES
        .iter()
        .flat_map(|rule| &rule.files)
        .map(String::as_str)
        .filter(|glob| glob.starts_with(begin) && !glob.contains("**"))
        .map(|glob| {
            if begin == ON_A_DRIVE {
                lowered_glob(glob)
            } else {
                glob
            }
        })
        .collect();
    let above = |glob: &&'static str| {
        let glob: &'static str = glob;
        glob.match_indices('/')
            .filter_map(move |(at, _)| glob.get(..at))
    };
    let directories: BTreeSet<String> = files.iter().flat_map(above).map(str::to_owned).collect();
    Leads {
        files,
        directories: directories.into_iter().filter(|d| !d.is_empty()).collect(),
    }
}

/// True if a rule names the file at `path` by its place.
pub(crate) fn is_named(path: &str) -> bool {
    leads_of(path).files.iter().any(|glob| fits(glob, path))
}

/// True if a rule names files below the silent directory at `path`. Where the silence begins (`within` is
/// false), the rule must spell the directory's own name: a `*` never opens a cache or a copy.
pub(crate) fn leads_to_rule(path: &str, within: bool) -> bool {
    leads_of(path)
        .directories
        .iter()
        .filter(|glob| within || !glob.rsplit('/').next().unwrap_or(glob).contains('*'))
        .any(|glob| fits(glob, path))
}

fn fits(glob: &str, path: &str) -> bool {
    path.starts_with(literal_prefix(glob)) && matches(glob, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_spelt_name_opens_a_silent_directory() {
        assert!(leads_to_rule("/home/anna/.thunderbird", false));
        assert!(leads_to_rule("/home/anna/.thunderbird/x.default", true));
        assert!(!leads_to_rule(
            "/home/anna/.thunderbird/x.default/Mail",
            true
        ));
        assert!(!leads_to_rule("/srv/backup", false));
        assert!(is_named("/home/anna/.thunderbird/x.default/prefs.js"));
        assert!(!is_named("/home/anna/.thunderbird/x.default/other.js"));
        assert!(leads_to_rule("c:/windows/system32", true));
        assert!(is_named(
            "c:/windows/system32/inetsrv/config/applicationhost.config"
        ));
        assert!(!leads_to_rule("c:/windows/winsxs", true));
        assert!(!leads_to_rule("/windows/system32", true));
    }
}
