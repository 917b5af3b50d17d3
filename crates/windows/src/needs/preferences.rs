//! Preferences of group policies: what the last policies that reached this machine and its people set up, as Windows keeps it in
//! `Group Policy\History` so that it can be taken back ([MS-GPPREF] 2.2.1: a file a kind, `<GPO>\<Machine or SID>\Preferences\Drives\
//! Drives.xml`).
//!
//! A policy sets drives, printers and data sources anew at each logon: whoever only mends the registry finds the old server there again
//! the next day. What an item holds of passwords (`cpassword`, which anybody can read) is neither kept nor looked at.

use groma_model::{Port, Reason};

use super::look::{Look, Need};
use super::value::{Target, account, peer, port, unc};
use super::{environment, odbc};
use crate::addressed::{Place, places};
use crate::markup::{Element, document};
use crate::{FolderEntry, Key, Kind, Value, joined};

/// Below `%ProgramData%`, and below `AppData\Local` of each person.
const HISTORY: &str = r"Microsoft\Group Policy\History";
/// Policies of one history, and whom one policy is for.
const FOLDERS_MAX: usize = 1_000;
/// Bytes of one file.
const FILE_MAX: u64 = 4 << 20;
/// Items of one file.
const ITEMS_MAX: usize = 10_000;
/// Collections within collections.
const DEPTH_MAX: usize = 32;
/// Kinds of preferences that are read; each is a folder with a file of its name.
const KINDS: &[&str] = &[
    "Drives",
    "Printers",
    "DataSources",
    "ScheduledTasks",
    "Files",
    "Folders",
    "Shortcuts",
    "EnvironmentVariables",
    "IniFiles",
    "Registry",
];
/// Where a printer of the kind TCP/IP is reached, and by its other protocol.
const RAW: u16 = 9100;
const LPR: u16 = 515;

/// What all histories set up.
pub(super) fn machine(look: &mut Look<'_>) {
    let mut roots = vec![joined(&look.expanded("%ProgramData%"), HISTORY)];
    let homes = look.homes();
    roots.extend(
        homes
            .iter()
            .map(|home| format!(r"{home}\AppData\Local\{HISTORY}")),
    );
    for root in roots {
        for policy in folders(look, &root) {
            for of_whom in folders(look, &policy) {
                files(look, &joined(&of_whom, "Preferences"));
            }
        }
    }
}

/// The folders right below one; a link is none.
fn folders(look: &mut Look<'_>, path: &str) -> Vec<String> {
    let listed = look.machine.files.list(path, FOLDERS_MAX);
    let entries: Vec<FolderEntry> = match listed {
        Ok(entries) => entries,
        Err(Reason::Vanished) => Vec::new(),
        Err(reason) => {
            look.missed(format!("policies in {path}"), reason);
            Vec::new()
        }
    };
    let folders = entries
        .into_iter()
        .filter(|entry| entry.kind == Kind::Folder);
    folders.map(|entry| entry.path).collect()
}

fn files(look: &mut Look<'_>, preferences: &str) {
    for kind in KINDS {
        let path = format!(r"{preferences}\{kind}\{kind}.xml");
        let bytes = match look.machine.files.read(&path, FILE_MAX) {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(Reason::Vanished) => continue,
            Err(reason) => {
                look.missed(path, reason);
                continue;
            }
        };
        match document(&bytes) {
            Ok(root) => {
                let mut items = Items {
                    look: &mut *look,
                    path: &path,
                    left: ITEMS_MAX,
                };
                items.all(&root, false, DEPTH_MAX);
            }
            Err(reason) => look.missed(path, reason),
        }
        look.stands_at(1);
    }
}

/// The items of one file.
struct Items<'l, 'a> {
    look: &'l mut Look<'a>,
    path: &'l str,
    left: usize,
}

impl Items<'_, '_> {
    /// All below `at`; `filtered` where somebody said whom they are for.
    fn all(&mut self, at: &Element, filtered: bool, deeper: usize) {
        for item in &at.children {
            if is_off(item) {
                continue;
            }
            let filtered = filtered || item.child("Filters").is_some();
            match item.child("Properties") {
                Some(properties) if self.left > 0 => {
                    self.left -= 1;
                    self.look.stands_at(item.line);
                    self.item(item, properties, filtered);
                }
                Some(_) => {
                    return self
                        .look
                        .missed(format!("all of {}", self.path), Reason::TooLarge);
                }
                None if deeper > 0 => self.all(item, filtered, deeper - 1),
                None => {}
            }
        }
    }

    fn item(&mut self, item: &Element, properties: &Element, filtered: bool) {
        // What a policy takes away is no need.
        let action = properties.attribute("action").unwrap_or_default();
        if action.eq_ignore_ascii_case("D") {
            return;
        }
        let kind = item.name.to_ascii_lowercase();
        match kind.as_str() {
            "drive" => self.share("windows-policy-drive", "smb", properties, filtered),
            "sharedprinter" => self.share("windows-policy-printer", "print", properties, filtered),
            "portprinter" => self.printer(properties, filtered),
            "datasource" => self.source(properties),
            "environmentvariable" => self.variable(properties),
            _ => self.places(item, properties, filtered),
        }
    }

    fn say(&mut self, rule: &'static str, value: &str, kind: &str, target: Target, weak: bool) {
        self.look.needs(Need {
            rule,
            key: self.path,
            value,
            kind,
            port: (kind == "smb" || rule == "windows-policy-printer").then_some(445),
            target,
            reader: None,
            weak,
        });
    }

    /// `path="\\server\share"`, and as whom.
    fn share(&mut self, rule: &'static str, kind: &str, properties: &Element, weak: bool) {
        let path = properties
            .attribute("path")
            .map(|path| self.look.expanded(path));
        let Some(mut target) = path.and_then(|path| unc(&path)) else {
            return;
        };
        target.account = properties.attribute("userName").and_then(account);
        target.has_secret = properties.attribute("cpassword").is_some();
        self.say(rule, "path", kind, target, weak);
    }

    /// A printer with an address of its own; its driver may come from a share.
    fn printer(&mut self, properties: &Element, weak: bool) {
        let address = properties.attribute("ipAddress");
        if let Some(peer) = address.and_then(peer) {
            let protocol = properties.attribute("protocol").unwrap_or_default();
            let usual = if protocol.to_ascii_uppercase().contains("LPR") {
                LPR
            } else {
                RAW
            };
            let written = properties.attribute("portNumber").and_then(port);
            let target = Target::new(peer, Some(written.unwrap_or(Port(usual))));
            self.say("windows-policy-port", "ipAddress", "print", target, weak);
        }
        self.share("windows-policy-printer", "print", properties, weak);
    }

    /// A data source: its driver, and the values that the driver keeps.
    fn source(&mut self, properties: &Element) {
        let text = |name: &str| properties.attribute(name).map(str::to_owned);
        let mut key = Key::default();
        let mut add =
            |name: &str, text: String| key.values.push((name.to_owned(), Value::Text(text)));
        for attribute in properties
            .child("Attributes")
            .iter()
            .flat_map(|all| all.all("Attribute"))
        {
            let name = attribute.attribute("name").unwrap_or_default();
            if let Some(value) = attribute.attribute("value") {
                add(name, value.to_owned());
            }
        }
        if let Some(user) = text("username") {
            add("UID", user);
        }
        if properties.attribute("cpassword").is_some() {
            add("PWD", "present".to_owned());
        }
        let driver = text("driver").unwrap_or_default();
        odbc::source(self.look, self.path, &key, &driver);
    }

    fn variable(&mut self, properties: &Element) {
        let name = properties.attribute("name").unwrap_or_default();
        let value = properties.attribute("value").unwrap_or_default();
        let value = self.look.expanded(value);
        environment::variable(self.look, self.path, name, &value);
    }

    /// Every share and link that a task, a file, a shortcut or a value of the registry names.
    fn places(&mut self, item: &Element, properties: &Element, weak: bool) {
        const NAMES: &[&str] = &[
            "path",
            "fromPath",
            "targetPath",
            "startIn",
            "arguments",
            "appName",
            "args",
            "value",
        ];
        let named = NAMES
            .iter()
            .filter_map(|name| Some((*name, properties.attribute(name)?)));
        let mut texts: Vec<(&str, String)> = named
            .map(|(name, text)| (name, self.look.expanded(text)))
            .collect();
        for exec in properties
            .at(&["Task", "Actions"])
            .iter()
            .flat_map(|all| all.all("Exec"))
        {
            for name in ["Command", "Arguments", "WorkingDirectory"] {
                if let Some(text) = exec.text_at(&[name]) {
                    texts.push((name, self.look.expanded(text)));
                }
            }
        }
        let rule = match item.name.to_ascii_lowercase().contains("task") {
            true => "windows-policy-task",
            false => "windows-policy",
        };
        for (name, text) in texts {
            for place in places(&text) {
                let kind = place.kind;
                self.say(rule, name, kind, target_of(place), weak);
            }
        }
    }
}

fn is_off(item: &Element) -> bool {
    let disabled = item.attribute("disabled");
    disabled.is_some_and(|word| word == "1" || word.eq_ignore_ascii_case("true"))
}

fn target_of(place: Place) -> Target {
    Target {
        resource: place.resource,
        account: place.account,
        has_secret: place.has_secret,
        protection: place.protection,
        ..Target::new(place.peer, place.port)
    }
}

#[cfg(test)]
#[path = "preferences_tests.rs"]
mod tests;
