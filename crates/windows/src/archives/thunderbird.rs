//! Profiles of Thunderbird: `profiles.ini` names them, `prefs.js` of each names its servers and where their mail lies. Names and
//! numbers are those of the rule `mozilla` that reads the same files on Linux; other lines are never kept.

use std::collections::BTreeMap;

use groma_model::Reason;

use super::outlook::{NamedFile, Profile};
use super::people::Person;
use super::servers::NamedServer;
use crate::{Kind, Machine, Part, base_name, joined};

/// Where profiles lie, below a home.
const PLACE: &str = r"AppData\Roaming\Thunderbird";
const BYTES_MAX: u64 = 8 << 20;
const PROFILES_MAX: usize = 200;
/// Settings of one profile that are kept.
const SETTINGS_MAX: usize = 20_000;

/// Reads what belongs to one person.
pub(super) fn read(machine: &Machine<'_>, person: &mut Person, part: &mut Part) {
    let Some(home) = person.home.clone() else {
        return;
    };
    let place = joined(&home, PLACE);
    let ini = text(machine, &joined(&place, "profiles.ini"), part);
    let listed = profiles_named(&place, &ini.unwrap_or_default());
    let mut folders = below(machine, &joined(&place, "Profiles"), part);
    folders.extend(listed.iter().cloned());
    folders.sort_by_key(|folder| folder.to_lowercase());
    folders.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    for folder in folders.into_iter().take(PROFILES_MAX) {
        let file = joined(&folder, "prefs.js");
        let Some(prefs) = text(machine, &file, part) else {
            continue;
        };
        let is_listed = listed.iter().any(|one| one.eq_ignore_ascii_case(&folder));
        let profile = match is_listed {
            true => profile(&folder, &file, &prefs),
            // Nothing opens it any more: what lies in it is left over.
            false => Profile::default(),
        };
        person.folders.push(folder);
        person.profiles.push(profile);
    }
}

fn text(machine: &Machine<'_>, path: &str, part: &mut Part) -> Option<String> {
    let bytes = part.or_missed(path, machine.files.read(path, BYTES_MAX))?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn below(machine: &Machine<'_>, folder: &str, part: &mut Part) -> Vec<String> {
    let entries = match machine.files.list(folder, PROFILES_MAX) {
        Ok(entries) => entries,
        Err(Reason::Vanished) => return Vec::new(),
        Err(reason) => {
            part.missed(format!("profiles of Thunderbird in {folder}"), reason);
            return Vec::new();
        }
    };
    let folders = entries
        .into_iter()
        .filter(|entry| entry.kind == Kind::Folder);
    folders.map(|entry| entry.path).collect()
}

/// Profiles that `profiles.ini` names: `Path=…`, relative to its folder unless it begins with a drive.
fn profiles_named(place: &str, ini: &str) -> Vec<String> {
    let lines = ini.lines().take(SETTINGS_MAX);
    let paths = lines.filter_map(|line| line.trim().strip_prefix("Path="));
    let absolute = |path: &str| match path.as_bytes().get(1) {
        Some(b':') => path.to_owned(),
        _ => joined(place, path),
    };
    let paths = paths.map(|path| absolute(&path.trim().replace('/', "\\")));
    paths.take(PROFILES_MAX).collect()
}

fn profile(folder: &str, file: &str, prefs: &str) -> Profile {
    let settings = settings(prefs);
    let mut profile = Profile {
        name: base_name(folder).to_owned(),
        program: "Thunderbird",
        ..Profile::default()
    };
    for (key, (value, line)) in &settings {
        let Some((group, last)) = key.rsplit_once('.') else {
            continue;
        };
        let is_server = group.starts_with("mail.server.");
        let is_sender = group.starts_with("mail.smtpserver.");
        match last {
            "directory-rel" if is_server => {
                let inner = value.strip_prefix("[ProfD]");
                let inner = inner.map(|inner| joined(folder, &inner.replace('/', "\\")));
                profile.folders.extend(inner);
            }
            "directory" if is_server => {
                profile.folders.push(value.clone());
                if value.starts_with(r"\\") {
                    profile.files.push(NamedFile {
                        path: value.clone(),
                        key: file.to_owned(),
                        value: key.clone(),
                        line: *line,
                    });
                }
            }
            "hostname" if is_server || is_sender => {
                let server = server(&settings, group, value);
                profile.servers.extend(server.map(|server| NamedServer {
                    key: file.to_owned(),
                    value: key.clone(),
                    line: *line,
                    ..server
                }));
            }
            _ => {}
        }
    }
    profile
}

/// What a setting is, and in which line.
type Settings = BTreeMap<String, (String, u32)>;

fn server(settings: &Settings, group: &str, host: &str) -> Option<NamedServer> {
    let of = |name: &str| {
        settings
            .get(&format!("{group}.{name}"))
            .map(|(value, _)| value.as_str())
    };
    let (secure, user) = match group.starts_with("mail.smtpserver.") {
        true => (of("try_ssl"), of("username")),
        false => (of("socketType"), of("userName")),
    };
    let tls = secure == Some("3");
    let port = of("port").and_then(|port| port.parse().ok());
    let (kind, usual) = match (of("type"), tls) {
        (Some("imap"), false) => ("imap", 143),
        (Some("imap"), true) => ("imap", 993),
        (Some("pop3"), false) => ("pop3", 110),
        (Some("pop3"), true) => ("pop3", 995),
        (None, _) if group.starts_with("mail.smtpserver.") => match port {
            Some(465 | 587) => ("smtp-submission", 587),
            _ => ("smtp-relay", 25),
        },
        // Folders of this machine, news, feeds.
        _ => return None,
    };
    Some(NamedServer {
        server: host.to_owned(),
        kind,
        port: Some(port.unwrap_or(usual)),
        tls: tls.then_some(true),
        starttls: secure == Some("2"),
        account: user.map(str::to_owned),
        ..NamedServer::default()
    })
}

/// `user_pref("name", "text");` and `user_pref("name", 993);` of the settings that are told, by name.
fn settings(prefs: &str) -> Settings {
    let wanted = [
        "type",
        "hostname",
        "port",
        "userName",
        "username",
        "socketType",
        "try_ssl",
        "directory",
        "directory-rel",
    ];
    let mut settings = Settings::new();
    for (number, line) in (1..).zip(prefs.lines()) {
        let Some(rest) = line.trim().strip_prefix("user_pref(\"mail.") else {
            continue;
        };
        let Some((name, value)) = rest.split_once("\",") else {
            continue;
        };
        let is_group = name.starts_with("server.server") || name.starts_with("smtpserver.smtp");
        let is_told = name
            .rsplit('.')
            .next()
            .is_some_and(|last| wanted.contains(&last));
        if !is_group || !is_told || settings.len() >= SETTINGS_MAX {
            continue;
        }
        let value = value
            .trim()
            .trim_end_matches(';')
            .trim_end()
            .trim_end_matches(')');
        let value = value.trim();
        let bare = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let value = bare.unwrap_or(value).replace(r"\\", r"\");
        settings.insert(format!("mail.{name}"), (value, number));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFS: &str = r#"// user_pref("mail.server.server9.hostname", "ghost");
user_pref("mail.server.server1.directory", "D:\\mail\\anna");
user_pref("mail.server.server1.directory-rel", "[ProfD]ImapMail/imap.corp.example");
user_pref("mail.server.server1.hostname", "imap.corp.example");
user_pref("mail.server.server1.socketType", 3);
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.userName", "anna");
user_pref("mail.server.server1.password", "canary");
user_pref("mail.server.server2.hostname", "Local Folders");
user_pref("mail.server.server2.type", "none");
user_pref("mail.smtpserver.smtp1.hostname", "smtp.corp.example");
user_pref("mail.smtpserver.smtp1.port", 587);
user_pref("mail.smtpserver.smtp1.try_ssl", 2);
"#;

    #[test]
    fn a_profile_names_its_servers_and_folders_and_no_secret() {
        let profile = profile(r"C:\p", r"C:\p\prefs.js", PREFS);
        let servers: Vec<String> = profile
            .servers
            .iter()
            .map(|s| format!("{} {} {:?} {}", s.kind, s.server, s.port, s.line))
            .collect();
        assert_eq!(
            servers,
            [
                "imap imap.corp.example Some(993) 4",
                "smtp-submission smtp.corp.example Some(587) 11"
            ]
        );
        assert_eq!(
            profile.folders,
            [r"D:\mail\anna", r"C:\p\ImapMail\imap.corp.example"]
        );
        assert!(!format!("{profile:?}").contains("canary"));
    }

    #[test]
    fn profiles_are_named_beside_the_list_or_anywhere() {
        let ini = "[Profile0]\nIsRelative=1\nPath=Profiles/a.default\n[Profile1]\nPath=D:\\tb\n";
        assert_eq!(
            profiles_named(r"C:\t", ini),
            [r"C:\t\Profiles\a.default", r"D:\tb"]
        );
    }

    #[test]
    fn no_settings_make_it_panic() {
        groma_fuzz::hammer(1000, &[PREFS.as_bytes(), b"Path=x\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            profile(r"C:\p", r"C:\p\prefs.js", &text);
            profiles_named(r"C:\t", &text);
        });
    }
}
