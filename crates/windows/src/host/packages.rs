//! `host.packages`: programs that entered themselves for removal, and roles and features of a server.
//!
//! What the machine has is one scope (`packages:windows`), what each person installed for himself another
//! (`packages:HKU/S-1-5-21-…`): nothing of somebody who is not logged on is gone. They do not lie within the machine's scope,
//! for a scope that was wholly seen says that what it no longer shows is gone.

use std::collections::BTreeSet;

use groma_model::Fact;
use groma_model::fact::Package;

use super::release::architecture;
use super::units::plain;
use crate::{Area, Key, Machine, Part, Said};

/// What is installed.
pub(crate) const AREA: Area = Area {
    name: "host.packages",
    purpose: "Tells which programs, roles and features are installed.",
    reads: &[
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall and the same below WOW6432Node (DisplayName, DisplayVersion)",
        r"HKU\…\Software\Microsoft\Windows\CurrentVersion\Uninstall of each person (DisplayName, DisplayVersion)",
        r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache (InstallState)",
    ],
    never_sends: &["product keys", "uninstall commands", "who installed it"],
    read: packages,
};

const UNINSTALL: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
const UNINSTALL_32: &str = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
const FEATURES: &str =
    r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache";

/// Name, version, architecture.
type Installed = BTreeSet<(String, String, String)>;

fn packages(machine: &Machine<'_>) -> Vec<Said> {
    // The list of people comes first: what is in doubt about people is said of the first scope.
    let mut list = Part::begin("packages", "people");
    let people = machine.people(&mut list);
    let mut said = vec![
        list.close(),
        look_at_programs(machine),
        look_at_features(machine),
    ];
    said.extend(people.iter().map(|sid| look_at_person(machine, sid)));
    said
}

fn look_at_person(machine: &Machine<'_>, sid: &str) -> Said {
    let mut part = Part::begin("packages", &format!("HKU/{sid}"));
    let mut found = Installed::new();
    let path = format!(r"HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Uninstall");
    // Keys of people are not parted by architecture.
    gather(machine, &mut part, &path, "", &mut found);
    tell(&mut part, found, "windows");
    part.close()
}

fn look_at_programs(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("packages", "windows");
    let mut found = Installed::new();
    gather(
        machine,
        &mut part,
        UNINSTALL,
        &architecture(machine),
        &mut found,
    );
    gather(machine, &mut part, UNINSTALL_32, "x86", &mut found);
    tell(&mut part, found, "windows");
    part.close()
}

fn tell(part: &mut Part, found: Installed, manager: &str) {
    for (name, version, architecture) in found {
        part.saw(Fact::Package(Package {
            name,
            version,
            architecture,
            manager: manager.to_owned(),
        }));
    }
}

fn gather(
    machine: &Machine<'_>,
    part: &mut Part,
    path: &str,
    architecture: &str,
    found: &mut Installed,
) {
    let list = part.or_missed(path, machine.registry.key(path));
    for name in list.unwrap_or_default().keys {
        let at = format!(r"{path}\{name}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        let Some(key) = key.filter(is_a_program) else {
            continue;
        };
        if let Some(name) = key.text("DisplayName").and_then(plain) {
            let version = key.text("DisplayVersion").unwrap_or_default();
            found.insert((name.to_owned(), version.to_owned(), architecture.to_owned()));
        }
    }
}

/// False for parts of another program, and for updates, which name what they update.
fn is_a_program(key: &Key) -> bool {
    let is_part = key.number("SystemComponent").is_some_and(|part| part != 0);
    let is_update = ["ParentKeyName", "ParentDisplayName"]
        .iter()
        .any(|name| key.text(name).is_some());
    let release = key.text("ReleaseType").unwrap_or_default();
    let is_fix = release.contains("Update") || release.contains("Hotfix");
    !is_part && !is_update && !is_fix
}

/// Clients have no such key.
fn look_at_features(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("packages", "windows-feature");
    let mut found = Installed::new();
    let list = part.or_missed(FEATURES, machine.registry.key(FEATURES));
    for name in list.unwrap_or_default().keys {
        let at = format!(r"{FEATURES}\{name}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        if key.is_some_and(|key| key.number("InstallState") == Some(1)) {
            found.insert((name, String::new(), String::new()));
        }
    }
    tell(&mut part, found, "windows-feature");
    part.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{facts, missed, said};
    use crate::{Rows, Value, WrittenRegistry};
    use groma_model::{CoverageState, Reason, Scope};

    fn told(registry: &WrittenRegistry) -> Vec<String> {
        let mut rows = Rows::default();
        rows.system.architecture = "x86_64".into();
        let said = said(&AREA, registry, &rows);
        let lines = facts(&said).map(|fact| match fact {
            Fact::Package(one) => format!(
                "{}|{}|{}|{}",
                one.manager, one.name, one.version, one.architecture
            ),
            other => format!("{other:?}"),
        });
        lines.collect()
    }

    fn program(registry: WrittenRegistry, at: &str, name: &str, version: &str) -> WrittenRegistry {
        registry
            .with_text(at, "DisplayName", name)
            .with_text(at, "DisplayVersion", version)
    }

    #[test]
    fn programs_of_the_machine_and_of_people_are_told() {
        let mut registry = WrittenRegistry::default();
        registry = program(
            registry,
            &format!(r"{UNINSTALL}\{{1}}"),
            "ERP client",
            "7.1",
        );
        registry = program(registry, &format!(r"{UNINSTALL_32}\Old"), "Old tool", "2");
        for sid in ["S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002", "S-1-5-18"] {
            let at = format!(r"HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Uninstall\T");
            registry = program(registry, &at, &format!("Chat{}", sid.len()), "1.0");
        }
        assert_eq!(
            told(&registry),
            [
                "windows|ERP client|7.1|x86_64",
                "windows|Old tool|2|x86",
                "windows|Chat19|1.0|",
                "windows|Chat19|1.0|",
            ],
            "the system is no person"
        );
    }

    #[test]
    fn parts_updates_and_nameless_keys_are_no_programs() {
        let at = |name: &str| format!(r"{UNINSTALL}\{name}");
        let mut registry = WrittenRegistry::default();
        for name in ["part", "update", "fix"] {
            registry = program(registry, &at(name), name, "1");
        }
        let registry = registry
            .with(&at("part"), "SystemComponent", Value::Number(1))
            .with_text(&at("update"), "ParentKeyName", "OperatingSystem")
            .with_text(&at("fix"), "ReleaseType", "Security Update")
            .with_text(&at("nameless"), "DisplayVersion", "1");
        assert!(told(&registry).is_empty());
    }

    #[test]
    fn roles_that_are_installed_are_told_and_those_on_offer_are_not() {
        let state = |registry: WrittenRegistry, name: &str, state| {
            registry.with(
                &format!(r"{FEATURES}\{name}"),
                "InstallState",
                Value::Number(state),
            )
        };
        let registry = state(WrittenRegistry::default(), "Web-Server", 1);
        let registry = state(registry, "DHCP", 0);
        assert_eq!(told(&registry), ["windows-feature|Web-Server||"]);
    }

    #[test]
    fn what_a_person_installed_is_not_of_the_machine() {
        let sid = "S-1-5-21-1-2-3-1001";
        let at = format!(r"HKU\{sid}\Software\Microsoft\Windows\CurrentVersion\Uninstall\T");
        let registry = program(WrittenRegistry::default(), &at, "Chat", "1.0");
        let of = |registry: &WrittenRegistry| {
            let said = said(&AREA, registry, &Rows::default());
            let shown = said
                .iter()
                .map(|said| (said.scope.clone(), said.facts.len()));
            shown.collect::<Vec<_>>()
        };
        let [with, without] = [of(&registry), of(&WrittenRegistry::default())];
        let own = Scope::new("packages", &format!("HKU/{sid}"));
        assert_eq!(with.iter().find(|(scope, _)| *scope == own).unwrap().1, 1);
        // Whoever logged off took his scope with him, and none that is still looked at contains it.
        assert!(without.iter().all(|(scope, _)| !scope.contains(&own)));
        assert!(without.iter().all(|(_, count)| *count == 0));
    }

    #[test]
    fn doubts_about_people_reach_the_packages() {
        assert!(AREA.reads.iter().any(|line| line.contains("HKU")));
        let registry = WrittenRegistry::default().refused("HKU", Reason::PermissionDenied);
        let said = said(&AREA, &registry, &Rows::default());
        assert_eq!(missed(&said).len(), 1);
        assert_eq!(said[0].scope, Scope::new("packages", "people"));
        assert_eq!(said[0].state, CoverageState::Partial);
        assert!(
            said[1..]
                .iter()
                .all(|said| said.state == CoverageState::Complete)
        );
    }

    #[test]
    fn a_list_nobody_may_read_is_a_gap() {
        let registry = WrittenRegistry::default().refused(UNINSTALL_32, Reason::PermissionDenied);
        assert_eq!(
            missed(&said(&AREA, &registry, &Rows::default())),
            [format!("packages:windows: {UNINSTALL_32}")]
        );
    }
}
