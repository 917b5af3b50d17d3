//! Profiles of Outlook in the registry of a person: which files, which servers, which accounts.
//!
//! Names of values are MAPI's: type (`001f` wide text, `001e` text, `0102` bytes), then the number of the property. Those of
//! Exchange and of personal folders stand in Microsoft's headers edkmdb.h and mspst.h, those of the address book in the PRF
//! templates of the Office Resource Kit. Values that hold passwords are never asked for.

use std::collections::BTreeSet;

use groma_model::Reason;

use super::people::Person;
use super::servers::{self, NamedServer};
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
            servers::all(&path, &key, &mut profile.servers);
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
pub(super) fn property(key: &Key, number: &str) -> Option<(String, String)> {
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
pub(super) fn text_of(bytes: &[u8], wide: bool) -> Option<String> {
    let bytes = bytes.get(..bytes.len().min(TEXT_BYTES_MAX))?;
    if wide {
        return Some(wide_text(bytes));
    }
    let narrow = bytes.split(|byte| *byte == 0).next()?;
    let text = std::str::from_utf8(narrow).map(str::to_owned);
    Some(text.unwrap_or_else(|_| narrow.iter().map(|byte| char::from(*byte)).collect()))
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
