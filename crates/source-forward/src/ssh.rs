//! The SSH client's configuration (ssh_config(5)): what a session to an alias forwards besides its command line.
//!
//! Only sessions that a unit, a job or a running process keeps open ask here: an alias nobody uses forwards nothing.

use groma_model::Peer;

use crate::command::Session;
use crate::read::{Reading, Text, fits};

const INCLUDES_DEEP_MAX: usize = 4;

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
    let base = home.map_or_else(String::new, |h| format!("{h}/.ssh"));
    let mut said = Said::default();
    let files = [
        own,
        session
            .config
            .is_none()
            .then(|| "/etc/ssh/ssh_config".to_owned()),
    ];
    for (path, base) in files.into_iter().flatten().zip([base.as_str(), "/etc/ssh"]) {
        if let Some(text) = reading.text(&path) {
            said.read(reading, &text, &alias, base, 0);
        }
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
}

impl Said {
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
                    let pattern = if value.starts_with('/') {
                        value.to_owned()
                    } else {
                        format!("{base}/{value}")
                    };
                    for text in reading.texts(&pattern) {
                        self.read(reading, &text, alias, base, depth + 1);
                    }
                }
                _ => {}
            }
        }
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
