//! Whom a cell of such a table names.

/// Longest name.
const NAME_MAX: usize = 512;
/// Most values of one cell.
const VALUES_MAX: usize = 500;

/// Who has a right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// A person, a group or an address.
    Person(String),
    /// Whoever has an account: the default of a folder.
    Everybody,
    /// The mailbox's own account, the server itself, its administrators: nobody who would be missed.
    System,
    /// Nobody.
    Missing,
}

/// Groups and accounts Exchange gives rights to by itself.
const OF_THE_SYSTEM: &[&str] = &[
    "exchange servers",
    "exchange trusted subsystem",
    "exchange windows permissions",
    "exchange domain servers",
    "exchange services",
    "exchange enterprise servers",
    "organization management",
    "public folder management",
    "delegated setup",
    "discovery management",
    "managed availability servers",
    "domain admins",
    "enterprise admins",
    "administrators",
    "system",
    "self",
];

/// The default entry of a folder, and the one of strangers, in the languages Outlook makes mailboxes in.
const DEFAULTS: &[&str] = &[
    "default",
    "standard",
    "défaut",
    "par défaut",
    "predeterminado",
    "predefinito",
    "по умолчанию",
];
const STRANGERS: &[&str] = &[
    "anonymous",
    "anonym",
    "anonyme",
    "anónimo",
    "anonimo",
    "аноним",
    "анонимный",
];

/// Calendars by the name Outlook gives them.
const CALENDARS: &[&str] = &[
    "calendar",
    "kalender",
    "calendrier",
    "calendario",
    "agenda",
    "календарь",
    "calendário",
    "kalendarz",
    "naptár",
];

pub(super) fn holder(cell: &str) -> Holder {
    let name = cell.trim();
    if name.is_empty() {
        return Holder::Missing;
    }
    // A calendar somebody outside subscribed to.
    let name = name.strip_prefix("ExchangePublishedUser.").unwrap_or(name);
    let lower = name.to_lowercase();
    let (domain, last) = lower.rsplit_once('\\').unwrap_or(("", &lower));
    if DEFAULTS.contains(&lower.as_str()) {
        return Holder::Everybody;
    }
    let of_the_machine = domain.starts_with("nt ")
        || domain.starts_with("nt-")
        || domain.ends_with(" nt")
        || domain == "builtin";
    let by_number = lower.starts_with("s-1-5-") && !lower.starts_with("s-1-5-21-");
    let known = OF_THE_SYSTEM.contains(&last)
        || last.starts_with("discoverysearchmailbox")
        || STRANGERS.contains(&last);
    if of_the_machine || by_number || known {
        return Holder::System;
    }
    let shown = name.strip_prefix("NT User:").unwrap_or(name);
    Holder::Person(clipped(shown))
}

/// True where `Export-Csv` wrote what sort of list it had in place of what was in it.
pub(super) fn lost(cell: &str) -> bool {
    let sorts = [
        "System.Collections.",
        "System.Object[",
        "System.String[",
        "Microsoft.Exchange.Data.",
    ];
    sorts.iter().any(|sort| cell.starts_with(sort))
}

/// Words of a cell of several values: `Editor`, `{Editor, Delegate}`, `FullAccess; ReadPermission`.
pub(super) fn words(cell: &str) -> Vec<String> {
    let inner = cell.trim_matches(['{', '}', '"']);
    let words = inner.split([',', ';', '|', '\n']).map(str::trim);
    words
        .filter(|word| !word.is_empty() && word.len() <= NAME_MAX)
        .take(VALUES_MAX)
        .map(str::to_owned)
        .collect()
}

/// Names in a cell; a comma may stand within a name (`Berg, Anna`), so only what separates paths does.
pub(super) fn people(cell: &str) -> Vec<String> {
    let inner = cell.trim_matches(['{', '}']);
    let marks: &[char] = match inner.contains([';', '\n', '|']) {
        true => &[';', '\n', '|'],
        false if inner.contains('/') || inner.contains('@') => &[','],
        false => &['\n'],
    };
    let names = inner.split(marks).map(|name| name.trim().trim_matches('"'));
    names
        .filter(|name| !name.is_empty())
        .take(VALUES_MAX)
        .map(clipped)
        .collect()
}

/// Whom mail is handed on to: `"Anna" [SMTP:anna@elsewhere.example]`, `"Berg" [EX:/o=Corp/ou=…/cn=berg]`, `smtp:a@b.example`.
pub(super) fn recipients(cell: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = cell;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((inside, behind)) = after.split_once(']') else {
            break;
        };
        rest = behind;
        let shown = before.rsplit(['{', ';', '\n']).next().unwrap_or(before);
        let shown = shown.trim_matches([',', ' ', '"', '\'']);
        match inside.split_once(':') {
            Some((sort, address)) if sort.eq_ignore_ascii_case("smtp") => {
                out.push(clipped(address))
            }
            Some((sort, path)) if sort.eq_ignore_ascii_case("ex") && shown.is_empty() => {
                out.push(clipped(path.rsplit('=').next().unwrap_or(path)));
            }
            Some(_) => out.push(clipped(shown)),
            None => {}
        }
        if out.len() >= VALUES_MAX {
            return out;
        }
    }
    if !out.is_empty() {
        return out;
    }
    let plain = |name: String| {
        let bare = name
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("smtp:"));
        if bare {
            name.get(5..).unwrap_or_default().to_owned()
        } else {
            name
        }
    };
    people(cell).into_iter().map(plain).collect()
}

/// True for a calendar by the name of its folder.
pub(super) fn is_calendar(folder: &str) -> bool {
    let last = folder.rsplit(['\\', '/']).next().unwrap_or(folder);
    CALENDARS.contains(&last.trim().to_lowercase().as_str())
}

fn clipped(name: &str) -> String {
    let end = name.floor_char_boundary(NAME_MAX);
    name.get(..end).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_be_missed_is_told_from_who_always_has_rights() {
        for system in [
            "NT AUTHORITY\\SELF",
            "NT-AUTORITÄT\\SELBST",
            "AUTORITE NT\\SYSTEM",
            "CORP\\Exchange Servers",
            "CORP\\Domain Admins",
            "BUILTIN\\Administratoren",
            "S-1-5-10",
            "Anonymous",
        ] {
            assert_eq!(holder(system), Holder::System, "{system}");
        }
        assert_eq!(holder("Standard"), Holder::Everybody);
        for (cell, person) in [
            ("CORP\\anna", "CORP\\anna"),
            ("Berg, Anna", "Berg, Anna"),
            ("S-1-5-21-1-2-3-1107", "S-1-5-21-1-2-3-1107"),
            (
                "ExchangePublishedUser.eve@elsewhere.example",
                "eve@elsewhere.example",
            ),
        ] {
            assert_eq!(holder(cell), Holder::Person(person.to_owned()));
        }
    }

    #[test]
    fn whom_a_rule_hands_mail_on_to() {
        let cell = "{\"Berg, Anna\" [EX:/o=Corp/ou=Exchange/cn=Recipients/cn=anna], \"home\" [SMTP:anna@elsewhere.example]}";
        assert_eq!(recipients(cell), ["Berg, Anna", "anna@elsewhere.example"]);
        assert_eq!(recipients("smtp:x@y.example"), ["x@y.example"]);
        assert_eq!(
            recipients("corp.example/Users/Anna"),
            ["corp.example/Users/Anna"]
        );
        assert_eq!(recipients("[EX:/o=Corp/cn=bert]"), ["bert"]);
        assert_eq!(recipients(""), [""; 0]);
    }

    #[test]
    fn no_cell_makes_it_panic() {
        let seeds: &[&[u8]] = &[
            b"{\"a\" [SMTP:a@b], \"c\" [EX:/o=x/cn=y]}",
            b"NT AUTHORITY\\SELF",
            b"smtp:\xc3\xa4",
        ];
        groma_fuzz::hammer(2_000, seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (
                holder(&text),
                words(&text),
                people(&text),
                recipients(&text),
                is_calendar(&text),
            );
        });
    }
}
