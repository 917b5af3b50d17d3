//! The list of machines: one a line, `[user@]host[:port] [site=NAME] [sudo]`.

use std::collections::BTreeMap;
use std::fmt;

/// The largest list that is read, in bytes, and the most machines in it.
const BYTES_MAX: usize = 1 << 20;
const HOSTS_MAX: usize = 10_000;
const WORD_MAX: usize = 255;

/// One machine, and how it is reached.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Host {
    /// The account, if not what ssh's own configuration says.
    pub user: Option<String>,
    /// A name of ssh's configuration, a name, or an address.
    pub name: String,
    /// The port, if not what ssh's own configuration says.
    pub port: Option<u16>,
    /// The site the agent belongs to, if one is named.
    pub site: Option<String>,
    /// True if root's rights come by `sudo` without a password.
    pub sudo: bool,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.port, self.name.contains(':')) {
            (Some(port), true) => write!(f, "[{}]:{port}", self.name),
            (Some(port), false) => write!(f, "{}:{port}", self.name),
            (None, true) => write!(f, "[{}]", self.name),
            (None, false) => f.write_str(&self.name),
        }
    }
}

/// Why a list of machines is not followed. Nothing is done with the rest of it either.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HostsError {
    /// It is longer than any list of machines.
    #[error("the list of hosts has {0} bytes; more than 1 MiB is taken for a mistake")]
    TooLong(usize),
    /// It names more machines than one run is for.
    #[error("the list names more than 10000 hosts; make several of it")]
    TooMany,
    /// It names nobody.
    #[error(
        "the list of hosts names nobody; write one host a line: [user@]host[:port] [site=NAME] [sudo]"
    )]
    Empty,
    /// A line is not understood.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// Reads a list of machines. `#` begins a comment; empty lines are nothing.
///
/// # Errors
/// A line is not understood, names a machine a second time, or the list is too long.
pub fn hosts(text: &str) -> Result<Vec<Host>, HostsError> {
    if text.len() > BYTES_MAX {
        return Err(HostsError::TooLong(text.len()));
    }
    let mut found = Vec::new();
    let mut lines = BTreeMap::new();
    for (line, written) in (1..).zip(text.lines()) {
        let written = written.split('#').next().unwrap_or_default().trim();
        if written.is_empty() {
            continue;
        }
        let host = host(written).map_err(|why| HostsError::Line { line, why })?;
        if let Some(before) = lines.insert(host.to_string(), line) {
            let why = format!("{host} stands in line {before} already");
            return Err(HostsError::Line { line, why });
        }
        if found.len() == HOSTS_MAX {
            return Err(HostsError::TooMany);
        }
        found.push(host);
    }
    if found.is_empty() {
        return Err(HostsError::Empty);
    }
    Ok(found)
}

fn host(written: &str) -> Result<Host, String> {
    let mut words = written.split_whitespace();
    let place = words.next().unwrap_or_default();
    // An account of a directory may have an @ in its own name.
    let (user, place) = match place.rsplit_once('@') {
        Some((user, place)) => (Some(account(user)?), place),
        None => (None, place),
    };
    let (name, port) = name_and_port(place)?;
    let mut host = Host {
        user,
        name,
        port,
        site: None,
        sudo: false,
    };
    for word in words {
        match word.split_once('=') {
            None if word == "sudo" => host.sudo = true,
            Some(("site", site)) if host.site.is_none() => host.site = Some(site_name(site)?),
            Some(("site", _)) => return Err("site= stands there twice".to_owned()),
            _ => {
                return Err(format!(
                    "{word:?} is not understood; behind a host may stand site=NAME and sudo"
                ));
            }
        }
    }
    Ok(host)
}

fn account(user: &str) -> Result<String, String> {
    word(user, "account", |c| "._-+$@\\".contains(c))
}

fn site_name(site: &str) -> Result<String, String> {
    word(site, "site", |c| "._-".contains(c))
}

/// A word that can neither be taken for an option nor for anything a shell acts on.
fn word(text: &str, what: &str, more: impl Fn(char) -> bool) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || more(c);
    if text.is_empty()
        || text.len() > WORD_MAX
        || text.starts_with('-')
        || !text.chars().all(is_allowed)
    {
        return Err(format!("{text:?} is no {what}"));
    }
    Ok(text.to_owned())
}

fn name_and_port(place: &str) -> Result<(String, Option<u16>), String> {
    let (name, port) = if let Some(rest) = place.strip_prefix('[') {
        let (name, rest) = rest
            .split_once(']')
            .ok_or_else(|| format!("{place:?} lacks a closing bracket"))?;
        match rest {
            "" => (name, None),
            _ => (
                name,
                Some(rest.strip_prefix(':').ok_or_else(|| {
                    format!("{place:?}: behind the bracket only :PORT may stand")
                })?),
            ),
        }
    } else {
        match place.split_once(':') {
            Some((_, rest)) if rest.contains(':') => (place, None),
            Some((name, port)) => (name, Some(port)),
            None => (place, None),
        }
    };
    let name = word(name, "host", |c| "._-:%".contains(c))?;
    let port = port
        .map(|port| {
            port.parse::<u16>()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("{port:?} is no port"))
        })
        .transpose()?;
    Ok((name, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_who_how_and_where() {
        let text = "# web\nweb1\nroot@10.0.0.5:2222 site=branch sudo # by hand\n\n[2001:db8::1]:22\nfe80::1%eth0\nanna@corp.example@db1\n";
        let all = hosts(text).unwrap();
        let shown: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "web1",
                "root@10.0.0.5:2222",
                "[2001:db8::1]:22",
                "[fe80::1%eth0]",
                "anna@corp.example@db1"
            ]
        );
        let second = &all[1];
        assert_eq!(
            (second.site.as_deref(), second.sudo),
            (Some("branch"), true)
        );
        assert_eq!(all[4].user.as_deref(), Some("anna@corp.example"));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (text, line, says) in [
            ("a\n-oProxyCommand=x", 2, "no host"),
            ("-l@a", 1, "no account"),
            ("a:0", 1, "no port"),
            ("a:99999", 1, "no port"),
            ("[::1", 1, "bracket"),
            ("a site=b/../c", 1, "no site"),
            ("a site=x site=y", 1, "twice"),
            ("a port=3", 1, "not understood"),
            ("a\nb\na", 3, "line 1 already"),
            ("a;reboot", 1, "no host"),
            ("$(x)", 1, "no host"),
            ("@a", 1, "no account"),
        ] {
            match hosts(text) {
                Err(HostsError::Line { line: at, why }) => {
                    assert_eq!(at, line, "{text}");
                    assert!(why.contains(says), "{text}: {why}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(hosts("# nobody\n"), Err(HostsError::Empty));
        assert!(matches!(
            hosts(&"#".repeat(BYTES_MAX + 1)),
            Err(HostsError::TooLong(_))
        ));
        let many: String = (0..=HOSTS_MAX).map(|n| format!("h{n}\n")).collect();
        assert_eq!(hosts(&many), Err(HostsError::TooMany));
    }

    proptest::proptest! {
        #[test]
        fn no_list_makes_a_word_a_shell_or_ssh_acts_on(text in "\\PC{0,80}") {
            for host in hosts(&text).unwrap_or_default() {
                proptest::prop_assert!(!host.name.starts_with('-'));
                proptest::prop_assert!(!host.to_string().contains(['\'', '"', ';', '`', ' ', '\n']));
            }
        }
    }
}
