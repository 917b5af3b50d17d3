//! Whom to ask and as whom: the `[[directory]]` tables of the access file.
//!
//! A password goes nowhere but into one bind.

use std::path::{Path, PathBuf};

use groma_model::{Peer, Port};
use groma_source::Disk;
pub use groma_source::access::AccessError;
use groma_source::access::{Place, password, tables};
pub use groma_trust::Trust;
use serde::Deserialize;

/// A text nobody prints and nothing serialises.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one bind.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How the server is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS on the open port.
    StartTls,
    /// Clear text.
    Open,
    /// A socket in the file system of this machine.
    Local(PathBuf),
}

/// As whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Logon {
    /// As nobody.
    Anonymous,
    /// As whoever runs this, as the system tells the server (SASL EXTERNAL over a local socket).
    External,
    /// A name, whose password somebody at the terminal is asked for ([`Directory::answered`]).
    Asked {
        /// Distinguished name or user principal name.
        user: String,
    },
    /// A name and a password, once.
    Simple {
        /// Distinguished name or user principal name.
        user: String,
        /// Its password.
        password: Secret,
    },
}

/// One directory to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// The server.
    pub peer: Peer,
    /// Its port.
    pub port: Port,
    /// How it is reached.
    pub way: Way,
    /// As whom.
    pub logon: Logon,
    /// How it is known.
    pub trust: Trust,
    /// Below which name, where it is not what the server says of itself.
    pub base: Option<String>,
}

impl Directory {
    /// True if bytes of it stay on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.way, Way::Local(_)) || self.peer.is_loopback()
    }

    /// Whose password must be asked for, if its table names none.
    pub fn asks_for(&self) -> Option<&str> {
        match &self.logon {
            Logon::Asked { user } => Some(user),
            _ => None,
        }
    }

    /// The same with the password that somebody typed.
    ///
    /// # Errors
    /// The password is empty: the server would take it for nobody, and say success (RFC 4513 §5.1.2).
    pub fn answered(self, password: String) -> Result<Self, AccessError> {
        let Logon::Asked { user } = self.logon else {
            return Ok(self);
        };
        if password.is_empty() {
            return Err(AccessError::NoPassword { user });
        }
        Ok(Self {
            logon: Logon::Simple {
                user,
                password: Secret(password),
            },
            ..self
        })
    }

    /// What an operator calls it.
    pub fn label(&self) -> String {
        match &self.way {
            Way::Local(path) => format!("{}", path.display()),
            _ => match &self.peer {
                Peer::Address(address) if address.is_ipv6() => format!("[{address}]:{}", self.port),
                peer => format!("{peer}:{}", self.port),
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    #[serde(default)]
    bind: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
    #[serde(default)]
    starttls: bool,
    #[serde(default)]
    pin: Option<String>,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default)]
    base: Option<String>,
}

/// The directories an access file names, in its order.
///
/// # Errors
/// It cannot be read, is open to others, or a table says something else than it must.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<Directory>, AccessError> {
    let tables = tables(disk, path, "directory")?.into_iter();
    tables
        .map(|(table, place)| meant(disk, table, &place))
        .collect()
}

fn meant(disk: &dyn Disk, table: Table, place: &Place) -> Result<Directory, AccessError> {
    let wrong = |why: String| place.wrong(why);
    let (way, peer, port) = address(&table.url, table.starttls).map_err(wrong)?;
    let (text, file) = (table.password.as_deref(), table.password_file.as_deref());
    let password = password(disk, place, "password", text, file)?;
    let password = password.map(|password| password.to_string());
    let logon = logon(&table, password).map_err(wrong)?;
    if logon == Logon::External && !matches!(way, Way::Local(_)) {
        return Err(wrong(
            "bind = \"external\" needs an ldapi:// URL".to_owned(),
        ));
    }
    let (pin, ca) = (table.pin.as_deref(), table.ca.as_deref());
    let trust = Trust::named(disk, place, pin, ca)?;
    Ok(Directory {
        peer,
        port,
        way,
        logon,
        trust,
        base: table.base,
    })
}

fn logon(table: &Table, password: Option<String>) -> Result<Logon, String> {
    let word = table.bind.as_deref();
    match (word, &table.user, password) {
        (Some("anonymous"), None, None) => Ok(Logon::Anonymous),
        (Some("external"), None, None) => Ok(Logon::External),
        (None | Some("simple"), Some(user), Some(password)) => {
            // RFC 4513 §5.1.2: with an empty password the server would take it for nobody, and say success.
            if user.is_empty() || password.is_empty() {
                return Err("user and password must not be empty".to_owned());
            }
            Ok(Logon::Simple {
                user: user.clone(),
                password: Secret(password),
            })
        }
        (None | Some("simple"), Some(user), None) if !user.is_empty() => {
            Ok(Logon::Asked { user: user.clone() })
        }
        (None, None, None) => Err(
            "nobody to log on as: write user (and password_file, or the password is asked for), or bind = \"anonymous\"".to_owned(),
        ),
        (Some("anonymous" | "external"), _, _) => {
            Err("bind says one thing, user and password another".to_owned())
        }
        (None | Some("simple"), _, _) => Err("a password belongs to a user".to_owned()),
        (Some(_), _, _) => Err("bind is \"simple\", \"anonymous\" or \"external\"".to_owned()),
    }
}

/// Scheme, host and port; no path, no query, no user: what else a URL may hold has a key of its own.
pub(crate) fn address(url: &str, starttls: bool) -> Result<(Way, Peer, Port), String> {
    let usage = || "url is ldaps://HOST[:PORT], ldap://HOST[:PORT] or ldapi://PATH".to_owned();
    let (scheme, rest) = url.split_once("://").ok_or_else(usage)?;
    if scheme == "ldapi" {
        let path = rest.replace("%2F", "/").replace("%2f", "/");
        if !path.starts_with('/') || starttls {
            return Err(usage());
        }
        let this = Peer::parse("localhost").ok_or_else(usage)?;
        return Ok((Way::Local(path.into()), this, Port(389)));
    }
    let (way, habit) = match (scheme, starttls) {
        ("ldaps", false) => (Way::Tls, 636),
        ("ldap", true) => (Way::StartTls, 389),
        ("ldap", false) => (Way::Open, 389),
        _ => return Err(usage()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| usage())?)
        }
        _ => (rest, habit),
    };
    if port == 0 || groma_source::forbidden_port(Port(port)) {
        return Err(format!("port {port} is never contacted"));
    }
    let peer = Peer::parse(host).ok_or_else(usage)?;
    Ok((way, peer, Port(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<Vec<Directory>, AccessError> {
        use std::os::unix::fs::PermissionsExt;
        let at = tempfile::tempdir().unwrap();
        for (name, text, mode) in [
            ("access.toml", text, 0o600),
            ("pw", "s3cret-of-a-test\n", 0o600),
            ("open", "x", 0o644),
        ] {
            let path = at.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let world = groma_sys::this_machine(true);
        read(world.disk.as_ref(), &at.path().join("access.toml"))
    }

    #[test]
    fn a_directory_is_named_with_everything_it_needs() {
        let pin = "ab".repeat(32);
        let read = reads(&format!(
            "[[directory]]\nurl = \"ldaps://dc1.corp.example\"\nuser = \"reader@corp.example\"\npassword_file = \"pw\"\npin = \"sha256:{pin}\"\n[[snmp]]\nrange = \"10.0.0.0/8\"\n"
        ))
        .unwrap();
        let [one] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!(one.label(), "dc1.corp.example:636");
        assert_eq!(one.trust, Trust::Fingerprint([0xab; 32]));
        assert!(
            matches!(&one.logon, Logon::Simple { user, password } if user == "reader@corp.example" && password.reveal() == "s3cret-of-a-test")
        );
        assert!(!format!("{one:?}").contains("s3cret"));
    }

    #[test]
    fn ways_and_ports_are_told_apart() {
        let way = |url: &str, tls| {
            address(url, tls).map(|(way, peer, port)| (way, peer.to_string(), port.0))
        };
        assert_eq!(
            way("ldap://h:3890", true),
            Ok((Way::StartTls, "h".into(), 3890))
        );
        assert_eq!(
            way("ldaps://[fd00::1]", false),
            Ok((Way::Tls, "fd00::1".into(), 636))
        );
        assert_eq!(
            way("ldapi://%2Frun%2Fslapd%2Fldapi", false),
            Ok((
                Way::Local("/run/slapd/ldapi".into()),
                "localhost".into(),
                389
            ))
        );
        for bad in [
            "ldap:///",
            "ldap:x",
            "ldaps://",
            "ldap://h:0",
            "ldap://h:9100",
            "http://h",
            "ldap://h/dc=x",
        ] {
            assert!(address(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_half_said_or_open_to_others_is_refused() {
        let directory = |rest: &str| reads(&format!("[[directory]]\nurl = \"ldaps://h\"\n{rest}"));
        for bad in [
            "",
            "user = \"\"",
            "password = \"b\"",
            "user = \"a\"\npassword = \"\"",
            "bind = \"external\"",
            "bind = \"anonymous\"\nuser = \"a\"",
            "bind = \"ntlm\"",
            "user = \"a\"\npassword_file = \"open\"",
            "user = \"a\"\npassword = \"b\"\npassword_file = \"pw\"",
            "bind = \"anonymous\"\npasswrod = \"x\"",
        ] {
            assert!(directory(bad).is_err(), "{bad}");
        }
        let said = directory("password = \"hunter2-of-a-test\nbind = 3")
            .unwrap_err()
            .to_string();
        assert!(!said.contains("hunter2"), "{said}");
        let said = directory("user = \"a\"\npassword = 4711471147")
            .unwrap_err()
            .to_string();
        assert!(!said.contains("4711"), "a password of digits: {said}");
        assert!(directory("bind = \"anonymous\"").is_ok());
        // A name alone: somebody is asked, and an empty answer is none.
        let asked = directory("user = \"a\"").unwrap().remove(0);
        assert_eq!(asked.asks_for(), Some("a"));
        assert!(asked.clone().answered(String::new()).is_err());
        let known = asked.answered("typed-in-a-test".to_owned()).unwrap();
        assert_eq!(known.asks_for(), None);
        assert!(!format!("{known:?}").contains("typed"));
        assert!(reads("[[printer]]\n").is_err());
    }
}
