//! passwd and shadow → accounts. Pure. A password hash is looked at and dropped in the same line.

use std::collections::BTreeMap;

use groma_model::Foreign;

use crate::text::{lines, lossy};

/// Accounts of one file that are read at all.
const ACCOUNTS_MAX: usize = 200_000;

/// One line of passwd(5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Foreign,
    pub(crate) id: String,
    pub(crate) home: Foreign,
    pub(crate) shell: Foreign,
    /// The second field says that no password is needed, or that there is no valid one.
    pub(crate) password: Password,
}

/// What can be said of a password without keeping any of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Password {
    /// It stands in the shadow file.
    Elsewhere,
    /// Some password opens the account, or none is needed.
    Usable,
    /// No password can open it; a key still may.
    Locked,
}

/// Reads passwd(5): entries and how many lines were not understood.
pub(crate) fn passwd(bytes: &[u8]) -> (Vec<Entry>, usize) {
    let (mut entries, mut unread) = (Vec::new(), 0);
    for (_, line) in lines(bytes).take(ACCOUNTS_MAX) {
        // `+` and `-` lines ask the directory for more accounts (nsswitch "compat"); they name nobody.
        if line.trim_ascii().is_empty() || matches!(line.first(), Some(b'#' | b'+' | b'-')) {
            continue;
        }
        match entry(line) {
            Some(entry) => entries.push(entry),
            None => unread += 1,
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    (entries, unread)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
    let id = lossy(fields.get(2)?);
    let numeric = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    let name = fields.first().filter(|name| !name.is_empty())?;
    let fits = numeric && fields.len() == 7;
    fits.then(|| Entry {
        name: Foreign::from_bytes(*name),
        id,
        password: password(fields.get(1).copied().unwrap_or_default()),
        home: Foreign::from_bytes(fields.get(5).copied().unwrap_or_default()),
        shell: Foreign::from_bytes(fields.get(6).copied().unwrap_or_default().trim_ascii()),
    })
}

fn password(field: &[u8]) -> Password {
    match field {
        b"x" => Password::Elsewhere,
        [b'!' | b'*', ..] => Password::Locked,
        _ => Password::Usable,
    }
}

/// What the shadow file says about one account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shadow {
    pub(crate) password: Password,
    /// Day since 1970 after which nobody logs in.
    pub(crate) expires_on_day: Option<i64>,
}

/// Reads shadow(5) by account name.
pub(crate) fn shadow(bytes: &[u8]) -> BTreeMap<Foreign, Shadow> {
    let mut by_name = BTreeMap::new();
    for (_, line) in lines(bytes).take(ACCOUNTS_MAX) {
        let mut fields = line.split(|b| *b == b':');
        let (Some(name), Some(field)) = (fields.next(), fields.next()) else {
            continue;
        };
        let expires = fields
            .nth(5)
            .and_then(|day| std::str::from_utf8(day).ok()?.parse().ok());
        let password = match field {
            b"x" => Password::Usable,
            other => password(other),
        };
        by_name.insert(
            Foreign::from_bytes(name),
            Shadow {
                password,
                expires_on_day: expires,
            },
        );
    }
    by_name
}

/// True for a shell that lets somebody in. An empty field means `/bin/sh` (passwd(5)).
pub(crate) fn is_login_shell(shell: &Foreign) -> bool {
    let name = shell.file_name();
    !matches!(
        name.as_bytes(),
        b"nologin"
            | b"false"
            | b"true"
            | b"sync"
            | b"shutdown"
            | b"halt"
            | b"git-shell"
            | b"noshell"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n+::::::\n\
        anna:x:1000:1000:Anna \xff,,,:/home/anna:/bin/zsh\nbroken line\nold:$6$abc$def:1001:1001::/home/old:\n";

    #[test]
    fn accounts_are_read_and_directory_lines_are_not() {
        let (entries, unread) = passwd(PASSWD);
        let names: Vec<_> = entries
            .iter()
            .map(|e| e.name.lossy().into_owned())
            .collect();
        assert_eq!(names, ["anna", "old", "root", "www-data"]);
        assert_eq!(unread, 1);
        assert!(
            is_login_shell(&entries[1].shell),
            "an empty shell is /bin/sh"
        );
        assert!(!is_login_shell(&entries[3].shell));
    }

    #[test]
    fn a_hash_never_stays() {
        let said = format!(
            "{:?} {:?}",
            passwd(PASSWD),
            shadow(b"old:$6$abc$def:19000:0:99999:7::20000:\n")
        );
        assert!(!said.contains("$6$") && !said.contains("abc"), "{said}");
    }

    #[test]
    fn locked_expired_and_open_are_told_apart() {
        let shadow = shadow(b"a:!$6$x:1:::::1:\nb:*:1::::::\nc:$y$z:1::::::\nd::1::::::\n");
        assert_eq!(
            shadow[&"a".into()],
            Shadow {
                password: Password::Locked,
                expires_on_day: Some(1)
            }
        );
        assert_eq!(shadow[&"b".into()].password, Password::Locked);
        assert_eq!(shadow[&"c".into()].password, Password::Usable);
        assert_eq!(shadow[&"d".into()].password, Password::Usable);
    }

    #[test]
    fn hammered_account_files_never_panic() {
        groma_fuzz::hammer(
            2000,
            &[PASSWD, b"old:$6$abc$def:19000:0:99999:7::20000:\n"],
            |bytes| {
                passwd(bytes);
                shadow(bytes);
            },
        );
    }
}
