//! Where the mailboxes of Dovecot lie, as its settings say (`mail_location` before 2.4, `mail_path` since), and which of
//! these places are of a form whose folders keep their rights where they are looked for.

use std::path::PathBuf;

use super::dovecot::Setting;

/// A place written with variables.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Place {
    /// In the home of its owner.
    InHome(PathBuf),
    /// So many levels below a directory, and a path from there.
    Below(PathBuf, usize, PathBuf),
}

/// What a setting says of the place of mailboxes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Told {
    /// There.
    At(Place),
    /// On another server, or in mailboxes of others, which are found where their owners have them.
    Elsewhere,
    /// In a form whose folders are not looked into: the setting as it is written, and where at least the mailbox begins.
    Unknown(String, Option<Place>),
}

/// Characters of a setting that a gap repeats.
const SHOWN_MAX: usize = 200;

/// Options after the path that move no folder and no file of rights.
const HARMLESS: &[&str] = &[
    "INDEX",
    "INDEXPVT",
    "INDEXCACHE",
    "LISTINDEX",
    "ITERINDEX",
    "ALT",
    "UTF-8",
    "SUBSCRIPTIONS",
    "VOLATILEDIR",
    "CONTROL",
    "KEEP-NOSELECT",
    "NO-NOSELECT",
    "BROKENCHAR",
];

/// Everything the settings say of where mailboxes lie.
pub(super) fn locations(settings: &[Setting]) -> Vec<Told> {
    let has = |key: &str, value: &str| settings.iter().any(|s| s.key == key && s.value == value);
    // Since 2.4 form, layout and path are settings of their own.
    let odd = has("mail_driver", "mbox")
        || (has("mail_driver", "maildir") && has("mailbox_list_layout", "fs"));
    let mut out = Vec::new();
    for setting in settings {
        let value = setting.value.trim();
        match setting.key.as_str() {
            _ if value.is_empty() => {}
            "mail_location" => out.push(location(value)),
            "location" if setting.is_in("namespace") => out.push(location(value)),
            "mail_path" if odd => out.push(unknown(value, place(value))),
            "mail_path" => out.push(path(value)),
            "args" | "default_fields" | "override_fields" if setting.is_in("userdb") => {
                let of_user = |word: &str| word.strip_prefix("mail=").map(location);
                out.extend(value.split_ascii_whitespace().filter_map(of_user));
            }
            _ => {}
        }
    }
    out.sort();
    out.dedup();
    out
}

fn unknown(value: &str, place: Option<Place>) -> Told {
    Told::Unknown(value.chars().take(SHOWN_MAX).collect(), place)
}

/// `maildir:~/Maildir:INDEX=/var/index/%u`.
fn location(value: &str) -> Told {
    let mut parts = value.split(':').map(str::trim);
    let form = parts.next().unwrap_or_default();
    let layout = match form {
        "imapc" | "pop3c" => return Told::Elsewhere,
        "maildir" => "maildir++",
        "mdbox" | "sdbox" | "dbox" => "fs",
        // The folders of an mbox are files, and their rights lie beside its indexes.
        _ => return unknown(value, parts.next().and_then(place)),
    };
    let at = path(parts.next().unwrap_or_default());
    let moves_nothing = |option: &str| {
        let (name, said) = option.split_once('=').unwrap_or((option, ""));
        HARMLESS.contains(&name) || (name == "LAYOUT" && said.eq_ignore_ascii_case(layout))
    };
    match at {
        Told::At(place) if !parts.all(moves_nothing) => unknown(value, Some(place)),
        Told::Unknown(_, place) => unknown(value, place),
        at => at,
    }
}

fn path(value: &str) -> Told {
    // `%%h` and `%{owner_home}` are the home of whoever shares.
    if value.contains("%%") || value.contains("%{owner") {
        return Told::Elsewhere;
    }
    place(value).map_or_else(|| unknown(value, None), Told::At)
}

fn place(path: &str) -> Option<Place> {
    const HOMES: &[&str] = &["~", "%h", "%{home}"];
    let is_variable = |part: &str| part.contains(['%', '$']);
    if let Some(inner) = HOMES.iter().find_map(|home| path.strip_prefix(home)) {
        let inside = inner.is_empty() || inner.starts_with('/');
        let inner = inner.trim_matches('/');
        return (inside && !is_variable(inner)).then(|| Place::InHome(inner.into()));
    }
    let parts: Vec<&str> = path
        .strip_prefix('/')?
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let first = parts.iter().position(|part| is_variable(part))?;
    let last = parts.iter().rposition(|part| is_variable(part))?;
    let base = PathBuf::from(format!("/{}", parts.get(..first)?.join("/")));
    let inner = parts.get(last + 1..)?.join("/").into();
    (first > 0 && last - first < 4).then_some(Place::Below(base, last + 1 - first, inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_in_a_home_or_below_a_directory() {
        assert_eq!(place("~/Maildir"), Some(Place::InHome("Maildir".into())));
        assert_eq!(
            place("/var/vmail/%d/%n/Maildir"),
            Some(Place::Below("/var/vmail".into(), 2, "Maildir".into()))
        );
        assert_eq!(
            place("/srv/mail/%{user}"),
            Some(Place::Below("/srv/mail".into(), 1, "".into()))
        );
        for nowhere in ["/var/mail/all", "%d/%n", "~/%n", "", "/%u"] {
            assert_eq!(place(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_form_whose_rights_lie_elsewhere_is_not_taken_for_one_that_was_looked_into() {
        let home = |inner: &str| Told::At(Place::InHome(inner.into()));
        for (value, told) in [
            ("maildir:~/Maildir", home("Maildir")),
            (
                "maildir:~/Maildir:LAYOUT=Maildir++:INDEX=/var/index/%u",
                home("Maildir"),
            ),
            ("mdbox:~/mdbox:ALT=/srv/alt/%u:LAYOUT=fs", home("mdbox")),
            ("maildir:%h", home("")),
            ("maildir:~/", home("")),
            ("imapc:~/imapc", Told::Elsewhere),
            ("maildir:%%h/Maildir:INDEXPVT=~/shared/%%u", Told::Elsewhere),
        ] {
            assert_eq!(location(value), told, "{value}");
        }
        for value in [
            "maildir:~/Maildir:LAYOUT=fs",
            "maildir:~/Maildir:INBOX=~/in",
            "mbox:~/mail:CONTROL=~/control",
            "mbox:~/mail:INBOX=/var/mail/%u",
            "maildir:/var/mail/public",
            "~/Maildir",
            "maildir:~else/Maildir",
            "maildir:",
            "",
        ] {
            let told = location(value);
            assert!(
                matches!(&told, Told::Unknown(as_written, _) if as_written == value),
                "{told:?}"
            );
        }
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"maildir:/var/vmail/%d/%n/Maildir:LAYOUT=fs"],
            |bytes| {
                location(&String::from_utf8_lossy(bytes));
            },
        );
    }
}
