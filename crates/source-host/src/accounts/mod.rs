//! `host.accounts`: local accounts, and which of them somebody can log in with.

mod parse;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use groma_model::fact::Account;
use groma_model::{Fact, Foreign, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, Source, Window, World};

use crate::part::{BE_ROOT, Part};
use crate::reader::Reader;
use parse::{Entry, Password, Shadow};

/// Local accounts of this machine.
pub struct AccountsSource {
    world: World,
}

impl AccountsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for AccountsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.accounts")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose:
                "Tells which local accounts there are and which of them somebody can log in with."
                    .into(),
            reads: words(&[
                "/etc/passwd",
                "/etc/shadow: only whether an entry is locked or expired",
                "whether ~/.ssh/authorized_keys of a locked account is empty (not its content)",
            ]),
            contacts: Vec::new(),
            sends: words(&["account name, uid, home directory, shell, whether it can log in"]),
            never_sends: words(&[
                "password hashes",
                "full names and telephone numbers of the comment field",
                "keys",
                "login times",
            ]),
            rights: words(&[
                "root (or CAP_DAC_READ_SEARCH) for /etc/shadow; without it an account counts as open if it has a login shell",
            ]),
            cost: "two small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut part = Part::begin(window, sink, Scope::new("accounts", "/"));
        let entries = match reader.read(Path::new("/etc/passwd")) {
            Ok(read) => {
                let (entries, unread) = parse::passwd(&read.bytes);
                if unread > 0 {
                    part.missed(format!("{unread} lines of /etc/passwd"), Reason::Malformed);
                }
                entries
            }
            Err(error) => {
                part.refused("local accounts", &error);
                Vec::new()
            }
        };
        let shadow = match reader.read_if_there("/etc/shadow") {
            Ok(bytes) => bytes.map(|bytes| parse::shadow(&bytes)).unwrap_or_default(),
            Err(error) => {
                part.missed_with(
                    "which accounts are locked (/etc/shadow)",
                    error.reason,
                    BE_ROOT,
                );
                Default::default()
            }
        };
        let today = window.started().millis().div_euclid(86_400_000);
        for entry in entries {
            let can_log_in = can_log_in(&reader, &entry, shadow.get(&entry.name), today);
            let some = |text: Foreign| (!text.is_empty()).then_some(text);
            part.saw(Fact::Account(Account {
                name: entry.name,
                id: entry.id,
                home: some(entry.home),
                shell: some(entry.shell),
                can_log_in,
            }));
        }
        part.close();
    }
}

/// A login shell, not expired, and a password or a key that may open it. What could not be seen does not
/// count against it.
fn can_log_in(reader: &Reader<'_>, entry: &Entry, shadow: Option<&Shadow>, today: i64) -> bool {
    let expired = shadow
        .and_then(|s| s.expires_on_day)
        .is_some_and(|day| day <= today);
    if !parse::is_login_shell(&entry.shell) || expired {
        return false;
    }
    let password = match (entry.password, shadow) {
        (Password::Elsewhere, Some(shadow)) => shadow.password,
        (own, _) => own,
    };
    password != Password::Locked || may_have_keys(reader, &entry.home)
}

/// Cloud images lock every password and let people in by key.
fn may_have_keys(reader: &Reader<'_>, home: &Foreign) -> bool {
    let home = PathBuf::from(OsString::from_vec(home.as_bytes().to_vec()));
    match reader.disk().metadata(&home.join(".ssh/authorized_keys")) {
        Ok(metadata) => metadata.bytes > 0,
        Err(error) => !error.is_absent(),
    }
}
