//! The SSH client's configuration (ssh_config(5)): what a session to an alias forwards besides its command line.
//!
//! Only sessions that a unit, a job or a running process keeps open ask here: an alias nobody uses forwards nothing.

use std::collections::BTreeSet;
use std::path::Path;

use groma_model::{Peer, Reason};
use groma_source::DiskError;

use crate::command::Session;
use crate::read::{Reading, Text, fits};

const INCLUDES_DEEP_MAX: usize = 4;
/// Files one session reads, and patterns of includes it follows.
const FILES_MAX: usize = 64;

/// Adds what the configuration says of the session's destination, and returns the machine it leads to.
/// The account's own file comes first; of a name, the first value counts, of forwards all.
pub(crate) fn configured(
    reading: &mut Reading<'_>,
    session: &mut Session,
    user: Option<&str>,
) -> Option<Peer> {
    let alias = session.host().to_owned();
    let home = home(reading, user.unwrap_or("root"));
    let own = session
        .config
        .clone()
        .or_else(|| home.as_ref().map(|h| format!("{h}/.ssh/config")));
    let base = home
        .as_ref()
        .map_or_else(String::new, |h| format!("{h}/.ssh"));
    let mut said = Said {
        home: home.unwrap_or_default(),
        ..Said::default()
    };
    let files = [
        own,
        session
            .config
            .is_none()
            .then(|| "/etc/ssh/ssh_config".to_owned()),
    ];
    for (path, base) in files.into_iter().flatten().zip([base.as_str(), "/etc/ssh"]) {
        said.file(reading, &path, &alias, base, 0);
    }
    if !session.clears {
        for (key, value) in &said.forwards {
            session.setting(key, value);
        }
    }
    Peer::parse(&said.host_name.unwrap_or(alias))
}

#[derive(Default)]
struct Said {
    host_name: Option<String>,
    forwards: Vec<(String, String)>,
    home: String,
    /// Files that were read: what one says again is said already, and a circle of includes ends.
    files: BTreeSet<String>,
    patterns: usize,
}

impl Said {
    /// One file, unless it was read or too many were, which is a gap.
    fn file(
        &mut self,
        reading: &mut Reading<'_>,
        path: &str,
        alias: &str,
        base: &str,
        depth: usize,
    ) {
        if self.files.contains(path) {
            return;
        }
        if self.files.len() >= FILES_MAX {
            return too_many(reading, path);
        }
        self.files.insert(path.to_owned());
        if let Some(text) = reading.text(path) {
            self.read(reading, &text, alias, base, depth);
        }
    }

    /// The files of one pattern of an `Include`: absolute, below the home, or beside the file that includes.
    fn include(
        &mut self,
        reading: &mut Reading<'_>,
        pattern: &str,
        alias: &str,
        base: &str,
        depth: usize,
    ) {
        let pattern = match pattern.strip_prefix("~/") {
            Some(below) => format!("{}/{below}", self.home),
            None if pattern.starts_with('/') => pattern.to_owned(),
            None => format!("{base}/{pattern}"),
        };
        if self.files.contains(&pattern) {
            return;
        }
        if self.patterns >= FILES_MAX {
            return too_many(reading, &pattern);
        }
        self.patterns += 1;
        for path in reading.glob(&pattern) {
            self.file(reading, &path, alias, base, depth);
        }
    }

    fn read(
        &mut self,
        reading: &mut Reading<'_>,
        text: &Text,
        alias: &str,
        base: &str,
        depth: usize,
    ) {
        let mut applies = true;
        for line in text.text.lines().take(20_000) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
            let value = value
                .trim_start_matches([' ', '\t', '='])
                .trim()
                .trim_matches('"');
            match key.to_ascii_lowercase().as_str() {
                "host" => applies = matches(value, alias),
                // What a `Match` depends on is not known here.
                "match" => applies = value.eq_ignore_ascii_case("all"),
                _ if !applies => {}
                "hostname" if !value.contains('%') => {
                    self.host_name.get_or_insert_with(|| value.to_owned());
                }
                "localforward" | "remoteforward" | "dynamicforward"
                    if self.forwards.len() < 256 =>
                {
                    self.forwards.push((key.to_owned(), value.to_owned()));
                }
                "include" if depth < INCLUDES_DEEP_MAX => {
                    for pattern in value.split_whitespace().map(|w| w.trim_matches('"')) {
                        self.include(reading, pattern, alias, base, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Says once that files were left out.
fn too_many(reading: &mut Reading<'_>, path: &str) {
    let is_said = |e: &DiskError| e.reason == Reason::BudgetExhausted;
    if !reading.missed.iter().any(is_said) {
        let error = DiskError::because(Path::new(path), Reason::BudgetExhausted);
        reading.missed.push(error);
    }
}

/// `Host a *.b !c`.
fn matches(patterns: &str, alias: &str) -> bool {
    let words = || patterns.split_whitespace();
    let refused = words()
        .filter_map(|w| w.strip_prefix('!'))
        .any(|w| fits(w, alias));
    !refused && words().any(|w| !w.starts_with('!') && fits(w, alias))
}

/// The home of an account; `root`'s is known without a list.
fn home(reading: &mut Reading<'_>, user: &str) -> Option<String> {
    if user == "root" || user == "0" {
        return Some("/root".to_owned());
    }
    let accounts = reading.text("/etc/passwd")?;
    let home = accounts.text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?);
        (name == user || uid == user).then(|| fields.nth(2).map(str::to_owned))?
    });
    home.filter(|h| h.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;
    use crate::command::told;
    use crate::handed::unit;

    fn read(disk: FakeDisk) -> (Option<String>, Vec<Reason>) {
        let world = world(disk);
        let window = window(&world);
        let mut reading = Reading::new(world.disk.as_ref(), &window, &Budget::default());
        let words = ["ssh", "-N", "far"].map(str::to_owned);
        let mut session = told(&words, &unit("t.service")).session.unwrap();
        let peer = configured(&mut reading, &mut session, Some("root"));
        let missed = reading.missed.into_iter().map(|e| e.reason).collect();
        (peer.map(|p| p.to_string()), missed)
    }

    #[test]
    fn a_file_that_includes_itself_is_read_once() {
        let circle = format!(
            "{}Host far\n HostName h1\n",
            "Include config\n".repeat(10_000)
        );
        let disk = FakeDisk::new().file("/root/.ssh/config", circle);
        assert_eq!(read(disk), (Some("h1".into()), vec![]));
    }

    #[test]
    fn many_includes_are_cut_with_a_gap_and_a_few_are_followed() {
        let few = FakeDisk::new()
            .file("/root/.ssh/config", "Include a.conf ~/b/*.conf\n")
            .file("/root/.ssh/a.conf", "Host near\n HostName h0\n")
            .file("/root/b/x.conf", "Host far\n HostName h2\n");
        assert_eq!(read(few), (Some("h2".into()), vec![]));
        let lines: String = (0..100).map(|n| format!("Include f{n}\n")).collect();
        let many = FakeDisk::new().file("/root/.ssh/config", lines);
        assert_eq!(
            read(many),
            (Some("far".into()), vec![Reason::BudgetExhausted])
        );
    }
}
