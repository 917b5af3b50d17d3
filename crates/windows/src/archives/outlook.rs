//! Profiles of Outlook in the registry of a person: which files, which servers, which accounts.
//!
//! Names of values are MAPI's: type (`001f` wide text, `001e` text, `0102` bytes), then the number of the property. Those of
//! Exchange and of personal folders stand in Microsoft's headers edkmdb.h and mspst.h, those of the address book in the PRF
//! templates of the Office Resource Kit. Values that hold passwords are never asked for.

use std::collections::BTreeSet;

use groma_model::Reason;

use super::people::Person;
use crate::registry::wide_text;
use crate::{Expand, Key, Machine, Part, Value};

/// Levels below a profile.
const DEPTH_MAX: usize = 6;
/// Keys of all profiles of one person.
const KEYS_MAX: usize = 20_000;
/// Bytes of a path or a name.
const TEXT_BYTES_MAX: usize = 65_536;

/// Before 2013 all versions shared this place.
const SHARED: &str =
    r"Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles";
/// The key of accounts of internet mail, below a profile.
const ACCOUNTS: &str = "9375cff0413111d3b88a00104b2a6676";

/// One profile.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Profile {
    pub(super) name: String,
    /// Stores it opens.
    pub(super) files: Vec<NamedFile>,
    /// Servers it names.
    pub(super) servers: Vec<NamedServer>,
}

/// A store that a profile opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NamedFile {
    pub(super) path: String,
    /// The key that says so.
    pub(super) key: String,
    /// The value that says so.
    pub(super) value: String,
}

/// A server that a profile names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct NamedServer {
    /// The key that says so.
    pub(super) key: String,
    /// The value that says so.
    pub(super) value: String,
    /// As written: a name, an address, a URL.
    pub(super) server: String,
    pub(super) kind: &'static str,
    pub(super) port: Option<u16>,
    /// `Some(true)` for TLS from the first byte, `Some(false)` for clear text.
    pub(super) tls: Option<bool>,
    pub(super) starttls: bool,
    pub(super) account: Option<String>,
    pub(super) resource: Option<String>,
}

/// Reads what belongs to one person.
pub(super) fn read(
    machine: &Machine<'_>,
    sid: &str,
    expand: &Expand,
    person: &mut Person,
    part: &mut Part,
) {
    let hive = format!(r"HKU\{sid}");
    let mut reading = Reading {
        machine,
        expand: at_home(expand, person.home.as_deref()),
        whole: true,
        keys_left: KEYS_MAX,
        part,
    };
    let mut places = vec![format!(r"{hive}\{SHARED}")];
    let office = format!(r"{hive}\Software\Microsoft\Office");
    for version in reading.key(&office).keys {
        let outlook = format!(r"{office}\{version}\Outlook");
        places.push(format!(r"{outlook}\Profiles"));
        let catalog = reading.key(&format!(r"{outlook}\Search\Catalog"));
        let paths = catalog.values.into_iter().map(|(path, _)| path);
        person
            .remembered
            .extend(paths.map(|path| path.to_lowercase()));
        let policies = format!(r"{hive}\Software\Policies\Microsoft\Office\{version}\Outlook");
        for at in [outlook, policies] {
            let folder = reading.folder_by_policy(&at);
            person.profiles.extend(folder);
        }
    }
    for place in places {
        for name in reading.key(&place).keys {
            let profile = reading.profile(&place, &name);
            person.profiles.push(profile);
        }
    }
    for drive in reading.key(&format!(r"{hive}\Network")).keys {
        let to = reading.key(&format!(r"{hive}\Network\{drive}"));
        if let Some(to) = to.text("RemotePath") {
            let letter = format!("{}:", drive.to_lowercase());
            person
                .drives
                .push((letter, to.trim_end_matches('\\').to_owned()));
        }
    }
    person.known = reading.whole;
}

/// The variables of somebody with this home.
fn at_home(expand: &Expand, home: Option<&str>) -> Expand {
    let mut expand = expand.clone();
    if let Some(home) = home {
        let mut add = |name: &str, below: &str| {
            expand
                .more
                .push((name.to_owned(), format!("{home}{below}")));
        };
        add("USERPROFILE", "");
        add("APPDATA", r"\AppData\Roaming");
        add("LOCALAPPDATA", r"\AppData\Local");
    }
    expand
}

struct Reading<'a, 'b> {
    machine: &'a Machine<'a>,
    expand: Expand,
    /// False once something could not be read.
    whole: bool,
    keys_left: usize,
    part: &'b mut Part,
}

impl Reading<'_, '_> {
    fn key(&mut self, path: &str) -> Key {
        let read = self.machine.registry.key(path);
        self.whole &= read.is_ok();
        self.part.or_missed(path, read).unwrap_or_default()
    }

    fn profile(&mut self, place: &str, name: &str) -> Profile {
        let mut profile = Profile {
            name: name.to_owned(),
            ..Profile::default()
        };
        let mut open = vec![(format!(r"{place}\{name}"), 0)];
        while let Some((path, depth)) = open.pop() {
            if self.keys_left == 0 || depth > DEPTH_MAX {
                self.whole = false;
                self.part.missed(path, Reason::TooLarge);
                break;
            }
            self.keys_left -= 1;
            let key = self.key(&path);
            self.files(&path, &key, &mut profile);
            exchange(&path, &key, &mut profile.servers);
            address_book(&path, &key, &mut profile.servers);
            if path.to_lowercase().contains(ACCOUNTS) {
                accounts(&path, &key, &mut profile.servers);
            }
            let below = key.keys.iter().rev();
            open.extend(below.map(|name| (format!(r"{path}\{name}"), depth + 1)));
        }
        profile.servers.sort();
        profile.servers.dedup();
        profile
    }

    /// Personal folders (PR_PST_PATH) and the copy of a mailbox (PR_PROFILE_OFFLINE_STORE_PATH).
    fn files(&mut self, path: &str, key: &Key, profile: &mut Profile) {
        for number in ["6700", "6610"] {
            let Some((value, written)) = property(key, number) else {
                continue;
            };
            let file = NamedFile {
                path: local(&self.expand.text(&written)),
                key: path.to_owned(),
                value,
            };
            let known = profile
                .files
                .iter()
                .any(|known| known.path.eq_ignore_ascii_case(&file.path));
            if is_a_path(&file.path) && !known {
                profile.files.push(file);
            }
        }
    }

    /// Where new personal folders or copies of mailboxes must lie, if somebody decided it (`ForcePSTPath`, `ForceOSTPath`) and it
    /// is another machine: told as a profile without a name.
    fn folder_by_policy(&mut self, at: &str) -> Option<Profile> {
        let key = self.key(at);
        let named = ["ForcePSTPath", "ForceOSTPath"]
            .into_iter()
            .filter_map(|value| {
                let path = local(&self.expand.text(key.text(value)?));
                path.starts_with(r"\\").then(|| NamedFile {
                    path,
                    key: at.to_owned(),
                    value: value.to_owned(),
                })
            });
        let files: Vec<NamedFile> = named.collect();
        (!files.is_empty()).then(|| Profile {
            files,
            ..Profile::default()
        })
    }
}

/// A path without the prefixes that switch off its parsing.
fn local(path: &str) -> String {
    if let Some(rest) = path.strip_prefix(r"\\?\UNC\") {
        return format!(r"\\{rest}");
    }
    path.strip_prefix(r"\\?\").unwrap_or(path).to_owned()
}

fn is_a_path(path: &str) -> bool {
    let drive = path.as_bytes().get(1..3) == Some(br":\");
    (drive || path.starts_with(r"\\")) && path.encode_utf16().count() <= 32_767
}

/// The text of a property and the name of its value, wide or not.
fn property(key: &Key, number: &str) -> Option<(String, String)> {
    let find = |kind: &str| {
        let name = format!("{kind}{number}");
        let text = match key.value(&name)? {
            Value::Bytes(bytes) => text_of(bytes, kind == "001f")?,
            other => other.text()?.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| (name, text.to_owned()))
    };
    find("001f").or_else(|| find("001e"))
}

/// Text of either width, up to its NUL. Which code page narrow text is in is not said: what is no UTF-8 is read as Latin-1.
fn text_of(bytes: &[u8], wide: bool) -> Option<String> {
    let bytes = bytes.get(..bytes.len().min(TEXT_BYTES_MAX))?;
    if wide {
        return Some(wide_text(bytes));
    }
    let narrow = bytes.split(|byte| *byte == 0).next()?;
    let text = std::str::from_utf8(narrow).map(str::to_owned);
    Some(text.unwrap_or_else(|_| narrow.iter().map(|byte| char::from(*byte)).collect()))
}

/// The mailbox server of Exchange. 662a and 6622 are its alone; the others only beside a name of its directory, as other
/// services use these numbers for other things.
fn exchange(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let has_name = ["6603", "6612", "6614"].iter().any(|number| {
        property(key, number).is_some_and(|(_, text)| text.to_lowercase().starts_with("/o="))
    });
    let always = ["662a", "6622"].as_slice();
    let beside = ["6602", "660c", "6608"].as_slice();
    let numbers = always
        .iter()
        .chain(has_name.then_some(beside).into_iter().flatten());
    let account = property(key, "6641").map(|(_, address)| address);
    let mut names: Vec<String> = Vec::new();
    for number in numbers {
        let Some((value, server)) = property(key, number) else {
            continue;
        };
        let lower = server.to_lowercase();
        // The short form of a name that was told already, and the mailbox that stands in for a server from 2013 on.
        let told = names
            .iter()
            .any(|name| *name == lower || name.starts_with(&format!("{lower}.")));
        if told || lower.contains('@') {
            continue;
        }
        names.push(lower);
        servers.push(NamedServer {
            key: path.to_owned(),
            value,
            server,
            kind: "http",
            account: account.clone(),
            ..NamedServer::default()
        });
    }
}

/// An address book asked over LDAP: server (6600), port (6601), base (6603).
fn address_book(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let Some((value, server)) = property(key, "6600") else {
        return;
    };
    let port = property(key, "6601").and_then(|(_, port)| port.parse().ok());
    if port.is_none() {
        return;
    }
    let tls = key.bytes("000b6613").map(|flag| flag.first() == Some(&1));
    servers.push(NamedServer {
        key: path.to_owned(),
        value,
        server,
        kind: "ldap-bind",
        port,
        tls: tls.filter(|tls| *tls),
        account: property(key, "6602").map(|(_, account)| account),
        resource: property(key, "6603").map(|(_, base)| base),
        ..NamedServer::default()
    });
}

/// An account of internet mail; texts are bytes in wide letters.
fn accounts(path: &str, key: &Key, servers: &mut Vec<NamedServer>) {
    let text = |name: &str| {
        let text = match key.value(name)? {
            Value::Bytes(bytes) => text_of(bytes, true)?,
            other => other.text()?.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let address = text("Email").or_else(|| text("Account Name").filter(|name| name.contains('@')));
    for (protocol, kind) in [("POP3", "pop3"), ("IMAP", "imap"), ("SMTP", "smtp")] {
        let value = format!("{protocol} Server");
        let Some(server) = text(&value) else {
            continue;
        };
        let number = |what: &str| key.number(&format!("{protocol} {what}"));
        let secure = number("Secure Connection");
        let tls = match (secure, number("Use SSL")) {
            (Some(1), _) | (None, Some(1)) => Some(true),
            (Some(0), _) | (None, Some(0)) => Some(false),
            _ => None,
        };
        let port = number("Port").and_then(|port| u16::try_from(port).ok());
        let usual = match (protocol, tls == Some(true)) {
            ("POP3", false) => 110,
            ("POP3", true) => 995,
            ("IMAP", false) => 143,
            ("IMAP", true) => 993,
            (_, true) => 465,
            (_, false) => 25,
        };
        let port = port.filter(|port| *port > 0).unwrap_or(usual);
        let kind = match (kind, port) {
            ("smtp", 465 | 587) => "smtp-submission",
            ("smtp", _) => "smtp-relay",
            (other, _) => other,
        };
        servers.push(NamedServer {
            key: path.to_owned(),
            value,
            server,
            kind,
            port: Some(port),
            tls,
            starttls: secure == Some(2),
            account: address
                .clone()
                .or_else(|| text(&format!("{protocol} User"))),
            ..NamedServer::default()
        });
    }
    if let Some(server) = text("EAS Server URL") {
        servers.push(NamedServer {
            key: path.to_owned(),
            value: "EAS Server URL".to_owned(),
            server,
            kind: "http",
            account: address,
            ..NamedServer::default()
        });
    }
}

/// True if a folder of Outlook itself: what lies there and no profile names is left over.
pub(super) fn is_own_folder(path: &str, home: &str) -> bool {
    let own = BTreeSet::from([
        r"\AppData\Local\Microsoft\Outlook",
        r"\Local Settings\Application Data\Microsoft\Outlook",
    ]);
    own.iter()
        .any(|own| super::people::lies_in(path, &format!("{home}{own}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Value {
        let units = text.encode_utf16().chain([0]);
        Value::Bytes(units.flat_map(u16::to_le_bytes).collect())
    }

    fn key(values: &[(&str, Value)]) -> Key {
        let own = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        Key {
            values: values.iter().map(own).collect(),
            ..Key::default()
        }
    }

    fn told(servers: &[NamedServer]) -> Vec<String> {
        let one = |s: &NamedServer| format!("{} {} {:?} {:?}", s.kind, s.server, s.port, s.tls);
        servers.iter().map(one).collect()
    }

    #[test]
    fn an_account_of_internet_mail_names_its_servers_and_no_password() {
        let mut servers = Vec::new();
        let values = [
            ("Email", wide("anna@corp.example")),
            ("IMAP Server", wide("imap.corp.example")),
            ("IMAP Use SSL", Value::Number(1)),
            ("IMAP Password", Value::Bytes(b"canary".to_vec())),
            ("SMTP Server", wide("smtp.corp.example")),
            ("SMTP Port", Value::Number(587)),
            ("SMTP Secure Connection", Value::Number(2)),
        ];
        accounts("K", &key(&values), &mut servers);
        assert_eq!(
            told(&servers),
            [
                "imap imap.corp.example Some(993) Some(true)",
                "smtp-submission smtp.corp.example Some(587) None"
            ]
        );
        assert!(servers[1].starttls);
        assert_eq!(servers[0].account.as_deref(), Some("anna@corp.example"));
        assert!(!format!("{servers:?}").contains("canary"));
    }

    #[test]
    fn the_server_of_exchange_is_told_once_and_its_stand_in_is_not() {
        let mut servers = Vec::new();
        let name = ("001f6603", wide("/o=Corp/ou=x/cn=Recipients/cn=anna"));
        let values = [
            name.clone(),
            ("001f662a", wide("mail1.corp.example")),
            ("001e6602", Value::Bytes(b"MAIL1\0".to_vec())),
        ];
        exchange("K", &key(&values), &mut servers);
        assert_eq!(told(&servers), ["http mail1.corp.example None None"]);
        servers.clear();
        let stand_in = wide("1f0c8a4e-0000-4000-8000-000000000001@corp.example");
        exchange("K", &key(&[name, ("001f6602", stand_in)]), &mut servers);
        // Of another service: the account of an address book.
        exchange("K", &key(&[("001f6602", wide("anna"))]), &mut servers);
        assert!(servers.is_empty(), "{servers:?}");
    }

    #[test]
    fn an_address_book_has_a_port() {
        let mut servers = Vec::new();
        let book = [
            ("001e6600", wide("x")),
            ("001f6600", wide("ldap.corp.example")),
        ];
        address_book("K", &key(&book), &mut servers);
        assert!(servers.is_empty());
        let book = [
            ("001f6600", wide("ldap.corp.example")),
            ("001f6601", wide("636")),
            ("001f6603", wide("ou=people,o=corp")),
            ("000b6613", Value::Bytes(vec![1, 0])),
        ];
        address_book("K", &key(&book), &mut servers);
        assert_eq!(
            told(&servers),
            ["ldap-bind ldap.corp.example Some(636) Some(true)"]
        );
    }

    #[test]
    fn no_bytes_of_a_profile_make_it_panic() {
        let corpus: &[&[u8]] = &[b"a\0b\0\0\0", b"C:\\a.pst\0", b"\\\\?\\UNC\\a\\b"];
        groma_fuzz::hammer(1000, corpus, |bytes| {
            for wide in [true, false] {
                let text = text_of(bytes, wide).unwrap_or_default();
                is_a_path(&local(&text));
            }
        });
    }
}
