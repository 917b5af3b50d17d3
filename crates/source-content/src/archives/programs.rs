//! Who uses which archive: profiles of Thunderbird, mailbox settings of Dovecot, Postfix and Exim.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::EntryKind;

use crate::accounts::Accounts;
use crate::part::Part;
use crate::reading::Reading;
use crate::text::{file_name, lossy, meaningful, pair, path, unquoted};

/// Where Thunderbird keeps its profiles, below a home.
const PROFILES: &[&str] = &[
    ".thunderbird",
    ".icedove",
    "snap/thunderbird/common/.thunderbird",
    ".var/app/org.mozilla.Thunderbird/.thunderbird",
];
const HOMES_MAX: usize = 5_000;
const INCLUDES_MAX: usize = 200;
/// Users of one list.
const LISTED_MAX: usize = 100_000;

/// What settings say about archives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    /// Profile → the directories its settings name, or none if nothing names the profile.
    profiles: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// Directories below which each person has a mailbox → who says so.
    pub(crate) stores: BTreeMap<PathBuf, BTreeSet<&'static str>>,
    /// Places in each home → who says so.
    in_homes: BTreeMap<PathBuf, BTreeSet<&'static str>>,
    /// Servers of mailboxes that are set up here.
    pub(crate) servers: BTreeSet<&'static str>,
    /// Where Dovecot asks for homes that no file says: `sql`, `ldap`, `lua`, …
    unknown: BTreeSet<String>,
    /// Files with the users of Dovecot, still to be read.
    lists: BTreeSet<PathBuf>,
}

/// What is known about who uses an archive.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Use {
    pub(crate) by: Vec<String>,
    pub(crate) orphan: bool,
}

impl Programs {
    pub(crate) fn read(reading: &mut Reading<'_>, accounts: &Accounts) -> Self {
        let mut programs = Self::default();
        for home in accounts.homes().map(|(home, ..)| home).take(HOMES_MAX) {
            for place in PROFILES {
                programs.thunderbird(reading, &home.join(place));
            }
        }
        programs.dovecot(reading);
        programs.postfix(reading);
        programs.others(reading);
        programs
    }

    /// Homes that stand in a database are a gap: mail in them may look as if nobody served it.
    pub(crate) fn say_unknown(&self, part: &mut Part<'_>) {
        if !self.unknown.is_empty() {
            let all: Vec<&str> = self.unknown.iter().map(String::as_str).collect();
            part.cannot(
                format!("homes of mail users that Dovecot asks for elsewhere ({})", all.join(", ")),
                Reason::Unsupported,
                "list them on the machine with `doveadm user '*'`; mail that Dovecot has served is known by its own files",
            );
        }
    }

    /// Who uses the archive at `at`.
    pub(crate) fn use_of(&self, at: &Path, accounts: &Accounts) -> Use {
        if let Some((profile, named)) = self.profiles.iter().find(|(p, _)| at.starts_with(p)) {
            let used = named.iter().any(|directory| at.starts_with(directory));
            let by = used.then(|| format!("Thunderbird profile {}", profile.display()));
            return Use {
                by: by.into_iter().collect(),
                orphan: !used,
            };
        }
        let elsewhere = self
            .profiles
            .iter()
            .filter(|(_, named)| named.iter().any(|d| at.starts_with(d)));
        let mut by: BTreeSet<String> = elsewhere
            .map(|(p, _)| format!("Thunderbird profile {}", p.display()))
            .collect();
        let stores = self.stores.iter().filter(|(base, _)| at.starts_with(base));
        by.extend(stores.flat_map(|(_, who)| who).map(|w| (*w).to_owned()));
        let at_home = accounts
            .homes()
            .find_map(|(home, ..)| at.strip_prefix(home).ok());
        if let Some(inner) = at_home {
            let named = self
                .in_homes
                .iter()
                .filter(|(place, _)| inner.starts_with(place));
            by.extend(named.flat_map(|(_, who)| who).map(|w| (*w).to_owned()));
        }
        Use {
            by: by.into_iter().collect(),
            orphan: false,
        }
    }

    /// `profiles.ini` names profiles; `prefs.js` of each names the directories of its accounts.
    fn thunderbird(&mut self, reading: &mut Reading<'_>, at: &Path) {
        let Ok(entries) = reading.list(at) else {
            return;
        };
        let listed = reading
            .read_if_there(at.join("profiles.ini"))
            .ok()
            .flatten();
        let listed = profiles_named(at, &listed.unwrap_or_default());
        let mut found: BTreeSet<PathBuf> = entries
            .into_iter()
            .filter(|e| e.kind == EntryKind::Directory)
            .map(|e| e.path)
            .collect();
        found.extend(listed.iter().cloned());
        for profile in found {
            let Ok(Some(prefs)) = reading.read_if_there(profile.join("prefs.js")) else {
                continue;
            };
            let named = match listed.contains(&profile) {
                true => directories_named(&profile, &prefs),
                false => BTreeSet::new(),
            };
            self.profiles.insert(profile, named);
        }
    }

    fn dovecot(&mut self, reading: &mut Reading<'_>) {
        let mut open = vec![PathBuf::from("/etc/dovecot/dovecot.conf")];
        let mut read = 0;
        while let Some(file) = open.pop().filter(|_| read < INCLUDES_MAX) {
            read += 1;
            let Ok(Some(text)) = reading.read_if_there(&file) else {
                continue;
            };
            let mut section = Vec::new();
            for (_, line) in meaningful(&text, b"#") {
                self.servers.insert("Dovecot");
                let opened = line.strip_suffix(b"{").map(<[u8]>::trim_ascii);
                if let Some(opened) = opened {
                    self.dovecot_section(opened, &mut section);
                } else if line == b"}" {
                    section.clear();
                }
                if let Some(pattern) = line
                    .strip_prefix(b"!include_try")
                    .or_else(|| line.strip_prefix(b"!include"))
                {
                    open.extend(included(reading, &file, pattern.trim_ascii()));
                } else if let Some((key, value)) = pair(line, b'=') {
                    let value = without_comment(value);
                    match section.as_slice() {
                        b"userdb" => self.userdb(key, unquoted(value)),
                        _ => self.dovecot_setting(key, unquoted(value)),
                    }
                }
            }
        }
    }

    /// `userdb {`, and from 2.4 on `userdb static {` with `fields {` in it.
    fn dovecot_section(&mut self, opened: &[u8], section: &mut Vec<u8>) {
        let mut words = opened.split(u8::is_ascii_whitespace);
        if words.next() == Some(b"userdb") {
            *section = b"userdb".to_vec();
            words
                .next()
                .into_iter()
                .for_each(|driver| self.userdb(b"driver", driver));
        } else if section != b"userdb" {
            section.clear();
        }
    }

    /// Settings of a user database: where the home of each user is, or who is asked for it.
    fn userdb(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"driver" if !matches!(value, b"passwd" | b"passwd-file" | b"static" | b"prefetch") => {
                self.unknown.insert(lossy(value));
            }
            b"args" | b"default_fields" | b"override_fields" => {
                for word in value.split(u8::is_ascii_whitespace) {
                    match word.strip_prefix(b"home=") {
                        Some(home) => self.place(home, "Dovecot"),
                        // The list of users, behind options of its own.
                        None if word.starts_with(b"/") && !word.ends_with(b".ext") => {
                            self.lists.insert(path(word));
                        }
                        None => {}
                    }
                }
            }
            b"home" => self.place(value, "Dovecot"),
            b"passwd_file_path" => drop(self.lists.insert(path(value))),
            _ => {}
        }
    }

    /// Homes in the lists of users (passwd-file: the sixth field; the second holds a password and is passed over).
    fn listed_homes(&mut self, reading: &mut Reading<'_>) {
        for list in std::mem::take(&mut self.lists) {
            // A name with a variable in it stands for many files.
            if list.as_os_str().as_encoded_bytes().contains(&b'%') {
                self.unknown
                    .insert(format!("lists of users in {}", list.display()));
                continue;
            }
            let bytes = reading
                .read_if_there(&list)
                .ok()
                .flatten()
                .unwrap_or_default();
            for (_, line) in meaningful(&bytes, b"#").take(LISTED_MAX) {
                let home = line
                    .split(|b| *b == b':')
                    .nth(5)
                    .filter(|h| h.starts_with(b"/"));
                let common = home
                    .map(path)
                    .and_then(|home| home.parent().map(Path::to_owned));
                // Of homes right below the top each stands for itself.
                if let Some(common) = common.filter(|c| c.components().count() > 2) {
                    self.stores.entry(common).or_default().insert("Dovecot");
                }
            }
        }
    }

    /// Places that other programs deliver to: Courier's mailbox, the choice of Debian's Exim, `DEFAULT` of procmail
    /// and maildrop.
    fn others(&mut self, reading: &mut Reading<'_>) {
        self.listed_homes(reading);
        let settings: [(&str, &[u8], &'static str); 4] = [
            ("/etc/courier/imapd", b"MAILDIRPATH", "Courier"),
            ("/etc/courier/pop3d", b"MAILDIRPATH", "Courier"),
            ("/etc/procmailrc", b"DEFAULT", "procmail"),
            ("/etc/maildroprc", b"DEFAULT", "maildrop"),
        ];
        for (file, wanted, who) in settings {
            let Ok(Some(text)) = reading.read_if_there(file) else {
                continue;
            };
            if who == "Courier" {
                self.servers.insert(who);
            }
            let values = meaningful(&text, b"#").filter_map(|(_, line)| pair(line, b'='));
            for (_, value) in values.filter(|(key, _)| *key == wanted) {
                self.delivered(unquoted(value), who);
            }
        }
        let exim = reading
            .read_if_there("/etc/exim4/update-exim4.conf.conf")
            .ok()
            .flatten();
        let chosen = |line: &[u8]| {
            pair(line, b'=')
                .is_some_and(|(k, v)| k == b"dc_localdelivery" && unquoted(v) == b"maildir_home")
        };
        if meaningful(&exim.unwrap_or_default(), b"#").any(|(_, line)| chosen(line)) {
            self.delivered(b"Maildir", "Exim");
        }
    }

    /// `$HOME/Maildir/`, `./Maildir` and `Maildir` are one place.
    fn delivered(&mut self, written: &[u8], who: &'static str) {
        let inner = [b"$HOME/".as_slice(), b"${HOME}/", b"~/", b"./"]
            .iter()
            .find_map(|home| written.strip_prefix(*home));
        match inner {
            None if written.starts_with(b"/") || written.starts_with(b"$") => {
                self.place(written, who)
            }
            inner => self.place(&[b"~/", inner.unwrap_or(written)].concat(), who),
        }
    }

    fn dovecot_setting(&mut self, key: &[u8], value: &[u8]) {
        // `mail_location = maildir:~/Maildir:INBOX=…`; from 2.4 on `mail_path = ~/Maildir`.
        match key {
            b"mail_location" => {
                let mut parts = value.split(|b| *b == b':');
                if parts.next().is_some_and(|driver| !driver.is_empty()) {
                    parts
                        .next()
                        .into_iter()
                        .for_each(|place| self.place(place, "Dovecot"));
                    let inbox = parts.filter_map(|p| p.strip_prefix(b"INBOX="));
                    inbox.for_each(|place| self.place(place, "Dovecot"));
                }
            }
            b"mail_path" | b"mail_inbox_path" | b"mail_home" => self.place(value, "Dovecot"),
            _ => {}
        }
    }

    fn postfix(&mut self, reading: &mut Reading<'_>) {
        let Ok(Some(text)) = reading.read_if_there("/etc/postfix/main.cf") else {
            return;
        };
        for (_, line) in meaningful(&text, b"#") {
            let Some((key, value)) = pair(line, b'=').filter(|(_, v)| !v.is_empty()) else {
                continue;
            };
            match key {
                b"virtual_mailbox_base" | b"mail_spool_directory" => self.place(value, "Postfix"),
                b"home_mailbox" => self.place(&[b"~/", value].concat(), "Postfix"),
                _ => {}
            }
        }
    }

    /// A place as settings write it: up to the first variable (`%u`, `%{user}`, `$x`) it is the same for everybody.
    fn place(&mut self, written: &[u8], who: &'static str) {
        let fixed = written
            .split(|b| matches!(b, b'%' | b'$'))
            .next()
            .unwrap_or_default();
        let fixed = match fixed.len() == written.len() {
            true => fixed,
            // The last part before a variable may be the begin of a name.
            false => fixed.rsplitn(2, |b| *b == b'/').nth(1).unwrap_or_default(),
        };
        if let Some(inner) = fixed.strip_prefix(b"~/") {
            let inner = path(inner);
            if inner.components().next().is_some() {
                self.in_homes.entry(inner).or_default().insert(who);
            }
        } else if fixed.starts_with(b"/") && fixed.len() > 1 && path(fixed) != Path::new("/home") {
            self.stores.entry(path(fixed)).or_default().insert(who);
        }
    }
}

/// A `#` behind a blank begins a comment, also at the end of a line.
fn without_comment(value: &[u8]) -> &[u8] {
    let end = value.windows(2).position(|w| w == b" #");
    value
        .get(..end.unwrap_or(value.len()))
        .unwrap_or_default()
        .trim_ascii_end()
}

/// Files behind an include: a file, or the part behind the last `/` as a pattern with one `*`.
fn included(reading: &mut Reading<'_>, from: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    let target = from.parent().unwrap_or(Path::new("/")).join(path(pattern));
    let name = file_name(&target).to_vec();
    let Some(star) = name.iter().position(|b| *b == b'*') else {
        return vec![target];
    };
    let (start, end) = (
        name.get(..star).unwrap_or_default(),
        name.get(star + 1..).unwrap_or_default(),
    );
    let inside = reading
        .list(target.parent().unwrap_or(Path::new("/")))
        .unwrap_or_default();
    let fits = |p: &PathBuf| file_name(p).starts_with(start) && file_name(p).ends_with(end);
    inside.into_iter().map(|e| e.path).filter(fits).collect()
}

/// Profiles that `profiles.ini` names: `Path=…`, relative to the folder where `IsRelative=1`.
fn profiles_named(at: &Path, ini: &[u8]) -> BTreeSet<PathBuf> {
    meaningful(ini, b"#;")
        .filter_map(|(_, line)| line.strip_prefix(b"Path="))
        .map(|named| at.join(path(named)))
        .collect()
}

/// Directories that accounts of a profile use: `user_pref("mail.server.server1.directory", "/…");` and its
/// twin `directory-rel` that begins with `[ProfD]`. Other lines are never kept.
fn directories_named(profile: &Path, prefs: &[u8]) -> BTreeSet<PathBuf> {
    let mut named = BTreeSet::new();
    for (_, line) in meaningful(prefs, b"/#") {
        let Some(rest) = line.strip_prefix(b"user_pref(\"mail.server.server") else {
            continue;
        };
        let text = lossy(rest);
        let mut quoted = text.split('"');
        let (Some(key), Some(value)) = (quoted.next(), quoted.nth(1)) else {
            continue;
        };
        if key.ends_with(".directory-rel") {
            if let Some(inner) = value.strip_prefix("[ProfD]") {
                named.insert(profile.join(inner));
            }
        } else if key.ends_with(".directory") && value.starts_with('/') {
            named.insert(PathBuf::from(value));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_before_a_variable_is_the_same_for_everybody() {
        let mut programs = Programs::default();
        programs.place(b"/var/vmail/%d/%n/Maildir", "Dovecot");
        programs.place(b"/var/mail/%u", "Dovecot");
        programs.place(b"~/Maildir", "Postfix");
        programs.place(b"/home/%u/mail", "Dovecot");
        programs.place(b"%h/mail", "Dovecot");
        let stores: Vec<_> = programs
            .stores
            .keys()
            .map(|p| p.display().to_string())
            .collect();
        assert_eq!(stores, ["/var/mail", "/var/vmail"]);
        assert_eq!(programs.in_homes.len(), 1);
    }

    #[test]
    fn a_profile_names_the_directories_of_its_accounts() {
        let prefs = br#"user_pref("mail.server.server1.directory", "/srv/old mail/anna");
user_pref("mail.server.server1.directory-rel", "[ProfD]ImapMail/mail1");
user_pref("mail.server.server1.password", "/canary");
// user_pref("mail.server.server2.directory", "/ghost");"#;
        let named = directories_named(Path::new("/p"), prefs);
        let named: Vec<_> = named.iter().map(|p| p.display().to_string()).collect();
        assert_eq!(named, ["/p/ImapMail/mail1", "/srv/old mail/anna"]);
    }

    #[test]
    fn a_place_at_home_is_written_in_many_ways() {
        for written in ["Maildir", "./Maildir", "$HOME/Maildir/", "~/Maildir"] {
            let mut programs = Programs::default();
            programs.delivered(written.as_bytes(), "Courier");
            assert!(
                programs.in_homes.contains_key(Path::new("Maildir")),
                "{written}"
            );
        }
    }

    #[test]
    fn a_user_database_says_where_homes_are_or_that_it_does_not() {
        let mut programs = Programs::default();
        let mut section = Vec::new();
        programs.dovecot_section(b"userdb", &mut section);
        programs.userdb(b"driver", b"static");
        programs.userdb(b"args", b"uid=vmail gid=vmail home=/srv/vmail/%d/%n");
        assert!(
            programs.stores.contains_key(Path::new("/srv/vmail")) && programs.unknown.is_empty()
        );
        programs.userdb(b"driver", b"sql");
        programs.userdb(b"args", b"/etc/dovecot/dovecot-sql.conf.ext");
        assert!(programs.unknown.contains("sql") && programs.lists.is_empty());
    }

    #[test]
    fn no_settings_make_it_panic() {
        groma_fuzz::hammer(
            1000,
            &[b"user_pref(\"mail.server.server1.directory\", \"/a\");\nPath=x\n"],
            |bytes| {
                directories_named(Path::new("/p"), bytes);
                profiles_named(Path::new("/p"), bytes);
                Programs::default().dovecot_setting(b"mail_location", bytes);
            },
        );
    }
}
