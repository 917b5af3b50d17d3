//! `host.accounts`: local accounts, and the people of a domain who have a profile here.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::Account;
use groma_model::{Fact, Foreign};

use crate::{Area, Machine, Part, Said, is_of_a_person};

/// Accounts of the machine.
pub(crate) const AREA: Area = Area {
    name: "host.accounts",
    purpose: "Tells which local accounts there are, which of them somebody can log on with, and who of a domain has logged on here.",
    reads: &[
        "local accounts",
        r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList (whose profiles there are)",
    ],
    never_sends: &[
        "passwords and their hashes (the SAM is never opened)",
        "full names",
        "logon times",
    ],
    read: accounts,
};

const PROFILES: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

fn accounts(machine: &Machine<'_>) -> Vec<Said> {
    let mut part = Part::begin("accounts", "/");
    if let Some(reason) = machine.rows.missing("users") {
        part.missed("local accounts", reason.clone());
    }
    let mut homes = homes(machine, &mut part);
    for user in &machine.rows.users {
        let own = homes.remove(&user.sid.to_ascii_uppercase());
        part.saw(Fact::Account(Account {
            name: user.name.as_str().into(),
            id: user.sid.clone(),
            home: own.or_else(|| user.home.clone()).map(Foreign::from),
            shell: None,
            can_log_in: !user.disabled,
        }));
    }
    let local = local_authorities(machine);
    // A profile of the machine's own accounts that has none is what a deleted account left behind.
    let people = homes
        .into_iter()
        .filter(|(sid, _)| authority(sid).is_none_or(|of| !local.contains(of)));
    for (sid, home) in people {
        part.saw(Fact::Account(Account {
            name: machine.name_of(&sid).into(),
            id: sid,
            home: Some(home.into()),
            shell: None,
            can_log_in: true,
        }));
    }
    vec![part.close()]
}

/// Folders of profiles by the SID of whose they are.
fn homes(machine: &Machine<'_>, part: &mut Part) -> BTreeMap<String, String> {
    let expand = machine.expand();
    let list = part.or_missed(PROFILES, machine.registry.key(PROFILES));
    let mut homes = BTreeMap::new();
    for sid in list.unwrap_or_default().keys {
        // `S-1-5-…-1001.bak` is a profile that could not be loaded once.
        if !is_of_a_person(&sid) || sid.contains('.') {
            continue;
        }
        let at = format!(r"{PROFILES}\{sid}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        if let Some(path) = key.as_ref().and_then(|key| key.text("ProfileImagePath")) {
            homes.insert(sid.to_ascii_uppercase(), expand.text(path));
        }
    }
    homes
}

/// The part of a SID that its machine or domain gave all its accounts.
fn authority(sid: &str) -> Option<&str> {
    sid.rsplit_once('-').map(|(authority, _)| authority)
}

fn local_authorities<'a>(machine: &Machine<'a>) -> BTreeSet<&'a str> {
    let users = machine.rows.users.iter();
    users.filter_map(|user| authority(&user.sid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{facts, missed, said};
    use crate::{Missing, Rows, User, WrittenRegistry};
    use groma_model::Reason;

    const LOCAL: &str = "S-1-5-21-1-1-1";
    const DOMAIN: &str = "S-1-5-21-9-9-9";

    fn registry() -> WrittenRegistry {
        let profile = |registry: WrittenRegistry, sid: String, path: &str| {
            registry.with_text(&format!(r"{PROFILES}\{sid}"), "ProfileImagePath", path)
        };
        let mut registry = WrittenRegistry::default();
        registry = profile(registry, format!("{LOCAL}-1001"), r"C:\Users\ann");
        registry = profile(registry, format!("{LOCAL}-1002"), r"C:\Users\deleted");
        registry = profile(
            registry,
            format!("{DOMAIN}-1104"),
            r"%SystemDrive%\Users\bob",
        );
        registry = profile(registry, format!("{DOMAIN}-1104.bak"), r"C:\Users\bob.old");
        registry = profile(registry, format!("{DOMAIN}-1105"), r"C:\Users\carl");
        profile(
            registry,
            "S-1-5-18".into(),
            r"C:\Windows\system32\config\systemprofile",
        )
    }

    fn told(rows: &Rows) -> Vec<String> {
        let said = said(&AREA, &registry(), rows);
        let lines = facts(&said).map(|fact| match fact {
            Fact::Account(one) => {
                let home = one.home.as_ref().map(|home| home.lossy().into_owned());
                format!(
                    "{} {} {} {}",
                    one.name,
                    one.id,
                    home.unwrap_or_default(),
                    one.can_log_in
                )
            }
            other => format!("{other:?}"),
        });
        lines.collect()
    }

    #[test]
    fn local_accounts_and_people_of_the_domain_are_told() {
        let user = |name: &str, id: u32, disabled| User {
            name: name.into(),
            sid: format!("{LOCAL}-{id}"),
            disabled,
            home: None,
        };
        let mut rows = Rows {
            users: vec![user("Gast", 501, true), user("ann", 1001, false)],
            ..Rows::default()
        };
        rows.names
            .insert(format!("{DOMAIN}-1104"), r"CORP\bob".into());
        assert_eq!(
            told(&rows),
            [
                r"Gast S-1-5-21-1-1-1-501  false",
                r"ann S-1-5-21-1-1-1-1001 C:\Users\ann true",
                r"CORP\bob S-1-5-21-9-9-9-1104 C:\Users\bob true",
                r"S-1-5-21-9-9-9-1105 S-1-5-21-9-9-9-1105 C:\Users\carl true",
            ],
            "what a deleted account left, what was set aside and the system's own stay silent"
        );
    }

    #[test]
    fn accounts_nobody_could_list_are_a_gap() {
        let rows = Rows {
            missing: vec![Missing {
                table: "users".into(),
                reason: Reason::PermissionDenied,
            }],
            ..Rows::default()
        };
        let missed = missed(&said(&AREA, &registry(), &rows));
        assert_eq!(missed, ["accounts:: local accounts"]);
    }
}
