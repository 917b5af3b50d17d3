//! Shares of Samba, as `smb.conf` offers them (smb.conf(5)).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::Foreign;
use groma_model::fact::{Grant, Share};
use groma_source::disk::foreign;

use super::sids::Server;
use crate::reading::Reading;
use crate::text::{lossy, path};

/// The file a package puts there.
pub(super) const SETTINGS: &str = "/etc/samba/smb.conf";
/// Files one configuration may consist of, and sections of it.
const FILES_MAX: usize = 100;
const SECTIONS_MAX: usize = 10_000;

/// What was read, and what could not be.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Offered {
    pub(super) shares: Vec<Share>,
    /// What else may be offered, in words.
    pub(super) unread: Vec<String>,
    /// True if Windows ACLs are kept in attributes (`vfs objects = acl_xattr`), which a domain member and a
    /// domain controller have by themselves.
    pub(super) windows_rights: bool,
    /// Whose accounts count.
    pub(super) server: Server,
}

#[derive(Clone, Debug)]
struct Section {
    name: Foreign,
    file: PathBuf,
    line: u32,
    settings: BTreeMap<String, String>,
}

/// Reads `smb.conf` with everything it includes; `None` where there is none.
pub(super) fn read(reading: &mut Reading<'_>) -> Option<Offered> {
    let text = match reading.read_if_there(SETTINGS) {
        Ok(text) => text?,
        Err(error) => {
            let unread = vec![format!("shares of Samba ({}: {})", SETTINGS, error.reason)];
            return Some(Offered {
                unread,
                ..Offered::default()
            });
        }
    };
    let mut parser = Parser::default();
    parser.file(reading, Path::new(SETTINGS), &text);
    Some(parser.offered())
}

#[derive(Default)]
struct Parser {
    sections: Vec<Section>,
    at: Option<usize>,
    files: usize,
    unread: Vec<String>,
}

impl Parser {
    fn file(&mut self, reading: &mut Reading<'_>, file: &Path, text: &[u8]) {
        self.files += 1;
        for (line, text) in logical_lines(text) {
            if let Some(name) = text
                .strip_prefix('[')
                .and_then(|rest| rest.split(']').next())
            {
                self.section(name.trim(), file, line);
            } else if let Some((key, value)) = text.split_once('=') {
                let (key, value) = (normal(key), value.trim());
                match key.as_str() {
                    "include" | "configfile" => self.include(reading, value),
                    "configbackend" if value.eq_ignore_ascii_case("registry") => self.registry(),
                    _ => self.set(key, value),
                }
            }
        }
    }

    fn section(&mut self, name: &str, file: &Path, line: u32) {
        let known = self
            .sections
            .iter()
            .position(|s| s.name.lossy().eq_ignore_ascii_case(name));
        if known.is_none() && self.sections.len() < SECTIONS_MAX {
            self.sections.push(Section {
                name: name.into(),
                file: file.to_owned(),
                line,
                settings: BTreeMap::new(),
            });
        }
        self.at = known.or(self.sections.len().checked_sub(1));
    }

    fn set(&mut self, key: String, value: &str) {
        if let Some(section) = self.at.and_then(|at| self.sections.get_mut(at)) {
            section.settings.insert(key, value.to_owned());
        }
    }

    fn registry(&mut self) {
        self.unread
            .push("shares that Samba keeps in its registry".to_owned());
    }

    /// A file of its own for each client or account (`%m`, `%U`) cannot be told beforehand.
    fn include(&mut self, reading: &mut Reading<'_>, value: &str) {
        let value = value.trim_matches('"');
        if value.eq_ignore_ascii_case("registry") {
            return self.registry();
        }
        if value.contains('%') {
            self.unread.push(format!(
                "shares in {value}, a file that depends on who connects"
            ));
            return;
        }
        let file = Path::new("/etc/samba").join(value);
        if self.files >= FILES_MAX {
            self.unread
                .push(format!("shares in {value}: too many files"));
            return;
        }
        match reading.read_if_there(&file) {
            Ok(Some(text)) => self.file(reading, &file, &text),
            Ok(None) => {}
            Err(error) => self
                .unread
                .push(format!("shares in {value} ({})", error.reason)),
        }
    }

    fn offered(self) -> Offered {
        let global = self
            .sections
            .iter()
            .find(|s| s.name.lossy().eq_ignore_ascii_case("global"));
        let global = global.map(|s| s.settings.clone()).unwrap_or_default();
        let copied = |section: &Section| {
            let from = section.settings.get("copy").map(|s| s.to_lowercase());
            let from = self
                .sections
                .iter()
                .find(|s| Some(s.name.lossy().to_lowercase()) == from);
            let mut settings = from.map(|s| s.settings.clone()).unwrap_or_default();
            settings.extend(section.settings.clone());
            settings
        };
        let shares = self
            .sections
            .iter()
            .filter(|s| !s.name.lossy().eq_ignore_ascii_case("global"));
        let shares = shares.filter_map(|s| {
            share(
                s,
                &Settings {
                    own: copied(s),
                    global: global.clone(),
                },
            )
        });
        let controller = global
            .get("serverrole")
            .is_some_and(|r| r.to_lowercase().contains("domain controller"));
        let member = global
            .get("security")
            .is_some_and(|s| s.eq_ignore_ascii_case("ads"));
        let windows = self.sections.iter().any(|s| {
            s.settings
                .get("vfsobjects")
                .is_some_and(|v| v.contains("acl_xattr"))
        });
        let whole = self.unread.is_empty();
        Offered {
            shares: shares.collect(),
            unread: self.unread,
            windows_rights: controller || member || windows,
            // What stands elsewhere may say anything about accounts.
            server: if whole {
                server(&global)
            } else {
                Server::default()
            },
        }
    }
}

/// What `[global]` says about accounts. Whatever is set to something unknown makes nobody an orphan.
fn server(global: &BTreeMap<String, String>) -> Server {
    let is = |key: &str, usual: &[&str]| {
        let value = global.get(key).map(|value| value.to_lowercase());
        value.is_none_or(|value| usual.contains(&value.as_str()))
    };
    let at = |key: &str| {
        let place = global.get(key)?.trim_matches('"');
        (place.starts_with('/') && !place.contains('%')).then(|| path(place.as_bytes()))
    };
    let role = is("serverrole", &["auto", "standalone", "standalone server"]);
    let own = is("passdbbackend", &["tdbsam"]);
    let alone = role && is("security", &["auto", "user"]) && is("domainlogons", &["no", "false"]);
    let member = is(
        "serverrole",
        &[
            "auto",
            "member",
            "member server",
            "standalone",
            "standalone server",
        ],
    );
    Server {
        name: global.get("netbiosname").cloned(),
        private: at("privatedir").or_else(|| at("privatedirectory")),
        state: at("statedirectory"),
        own_accounts: own && member,
        standalone: alone && own,
    }
}

/// Lines without comments, a `\` at the end joined with the next one; the number is that of the first.
fn logical_lines(text: &[u8]) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in crate::text::lines(text) {
        let line = lossy(line.trim_ascii());
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line.to_owned(), true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, before)) => before.push_str(&line),
            None if line.is_empty() || line.starts_with(['#', ';']) => continue,
            None => lines.push((number, line)),
        }
        open = more;
    }
    lines
}

/// Names of settings without blanks and case, and of several names the one this module uses.
fn normal(key: &str) -> String {
    let key: String = key
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    let name = match key.as_str() {
        "directory" => "path",
        "public" => "guestok",
        "writable" | "writeok" => "writeable",
        "allowhosts" => "hostsallow",
        "denyhosts" => "hostsdeny",
        "user" | "users" => "username",
        "printok" => "printable",
        "root" | "rootdir" => "rootdirectory",
        _ => return key,
    };
    name.to_owned()
}

/// Settings of a share, and of `[global]` where the share says nothing.
struct Settings {
    own: BTreeMap<String, String>,
    global: BTreeMap<String, String>,
}

impl Settings {
    fn text(&self, key: &str) -> Option<&str> {
        self.own
            .get(key)
            .or_else(|| self.global.get(key))
            .map(String::as_str)
    }

    fn is(&self, key: &str) -> Option<bool> {
        match self.text(key)?.to_lowercase().as_str() {
            "yes" | "true" | "1" | "on" => Some(true),
            "no" | "false" | "0" | "off" => Some(false),
            _ => None,
        }
    }

    /// Of two settings that are each other's opposite the share's own counts before that of `[global]`.
    fn is_read_only(&self) -> bool {
        let writeable = |settings: &BTreeMap<String, String>| {
            let one = Self {
                own: settings.clone(),
                global: BTreeMap::new(),
            };
            one.is("writeable").or(one.is("readonly").map(|only| !only))
        };
        !writeable(&self.own)
            .or_else(|| writeable(&self.global))
            .unwrap_or(false)
    }

    fn names(&self, key: &str) -> Vec<String> {
        split(self.text(key).unwrap_or_default())
    }
}

/// Names between commas and blanks; one in quotes may hold blanks.
fn split(list: &str) -> Vec<String> {
    let (mut names, mut name, mut quoted) = (Vec::new(), String::new(), false);
    for c in list.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | ' ' | '\t' if !quoted => names.push(std::mem::take(&mut name)),
            c => name.push(c),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

fn share(section: &Section, settings: &Settings) -> Option<Share> {
    let name = section.name.lossy().to_lowercase();
    let printers = settings.is("printable") == Some(true) || name == "printers";
    // A name that ends in `$` is only hidden; `available = no` offers nothing.
    if settings.is("available") == Some(false) {
        return None;
    }
    let sort = match (printers, name.as_str()) {
        (true, _) => "printers",
        (_, "homes") => "homes",
        _ => "disk",
    };
    let at = settings
        .own
        .get("path")
        .map(String::as_str)
        .unwrap_or_default();
    let at = at.trim_matches('"');
    // A path for each user, host or share is none that can be looked at.
    let at = if sort != "disk" || at.contains('%') {
        ""
    } else {
        at
    };
    Some(Share {
        protocol: "smb".to_owned(),
        name: section.name.clone(),
        path: foreign(&path(without_slash(at).as_bytes())),
        sort: sort.to_owned(),
        read_only: settings.is_read_only(),
        guest: settings.is("guestok") == Some(true),
        grants: grants(settings),
        file: foreign(&section.file),
        line: section.line,
    })
}

/// A path without slashes at its end; the root is one.
fn without_slash(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        trimmed => trimmed,
    }
}

fn grants(settings: &Settings) -> Vec<Grant> {
    let lists = [
        ("validusers", "connect"),
        ("readlist", "read"),
        ("writelist", "write"),
        ("adminusers", "admin"),
        ("invalidusers", "denied"),
        ("hostsallow", "connect"),
        ("hostsdeny", "denied"),
    ];
    let mut grants: Vec<Grant> = lists
        .iter()
        .flat_map(|(key, right)| {
            settings
                .names(key)
                .into_iter()
                .map(|name| grant(&name, right))
        })
        .collect();
    if settings.names("validusers").is_empty() {
        grants.push(grant("*", "connect"));
    }
    grants.sort();
    grants.dedup();
    grants
}

fn grant(principal: &str, right: &str) -> Grant {
    Grant {
        principal: principal.into(),
        right: right.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(text: &str) -> Offered {
        let mut parser = Parser::default();
        let world = groma_source::testing::world(groma_source::testing::FakeDisk::new());
        let window = groma_source::testing::window(&world);
        let budget = groma_source::Budget::default();
        let mut reading = Reading::begin(
            world.disk.as_ref(),
            &window,
            &budget,
            std::time::Duration::from_secs(9),
        );
        parser.file(&mut reading, Path::new(SETTINGS), text.as_bytes());
        parser.offered()
    }

    #[test]
    fn a_share_of_the_root_has_a_path() {
        let offered = offered("[all]\npath = /\n[one]\npath = \"/srv/a//\"\n");
        let paths: Vec<String> = offered.shares.iter().map(|s| s.path.to_string()).collect();
        assert_eq!(paths, ["/", "/srv/a"]);
    }

    #[test]
    fn a_share_says_who_may_do_what() {
        let text = "[global]\nhosts allow = 192.0.2. 127.\n[Projects]\n  Path = /srv/projects/\n  valid users = @sales, \"old team\"\n\
            write list = anna \\\n  boris\n; read only = no\nwriteable = Yes\n[gone]\npath = /x\navailable = no\n";
        let offered = offered(text);
        let [share] = offered.shares.as_slice() else {
            panic!("{offered:?}")
        };
        assert_eq!(
            (share.path.to_string().as_str(), share.read_only, share.line),
            ("/srv/projects", false, 3)
        );
        let said: Vec<String> = share
            .grants
            .iter()
            .map(|g| format!("{} {}", g.principal, g.right))
            .collect();
        assert_eq!(
            said,
            [
                "127. connect",
                "192.0.2. connect",
                "@sales connect",
                "anna write",
                "boris write",
                "old team connect"
            ]
        );
    }

    #[test]
    fn what_depends_on_the_client_is_said_and_not_guessed() {
        let offered = offered(
            "[global]\ninclude = /etc/samba/%m.conf\nconfig backend = registry\n[homes]\nread only = no\n[x]\npath = /srv/%U\n",
        );
        assert_eq!(offered.unread.len(), 2);
        assert!(offered.shares.iter().all(|s| s.path.is_empty()));
    }

    #[test]
    fn no_settings_make_it_panic() {
        groma_fuzz::hammer(
            1000,
            &[b"[a]\npath=/x\nvalid users = \"a b\", @c\\\n d\ninclude=%m\n"],
            |bytes| {
                offered(&lossy(bytes));
            },
        );
    }
}
