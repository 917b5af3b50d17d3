//! `written.registry`: whom the registry says this machine needs. One file a topic.
//!
//! What concerns the machine is one scope a topic (`registry:odbc`); what concerns a person or a service account is one
//! scope a hive (`registry:HKU/S-1-5-21-…`), so that somebody who is not logged on is not taken for gone.

mod connection;
mod drives;
mod environment;
mod hosts;
mod look;
mod odbc;
mod preferences;
mod printers;
mod products;
mod protocols;
mod proxies;
mod software;
mod sql_server;
mod starts;
mod upkeep;
mod url;
mod value;
mod visited;

use crate::{Area, Machine, Said};
use look::{Look, Surroundings};
pub(crate) use url::logon_of;

/// Needs that stand in the registry.
pub(crate) const AREA: Area = Area {
    name: "written.registry",
    purpose: "Tells which other machines the registry names: data sources, drives, printers, proxies, update servers; and which old ways of speaking it lets in.",
    reads: &[
        r"HKLM and each account's SOFTWARE\ODBC\ODBC.INI: server, port, database, account, driver",
        r"HKLM\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo",
        r"HKU\…\Network, User Shell Folders, MountPoints2, Map Network Drive MRU; ProfileList: CentralProfile",
        r"…\Control\Print: queues with their ports, connections to print servers; …\Enum\SWD\DAFWSDProvider",
        r"Internet Settings of machine and accounts: ProxyServer, AutoConfigURL, WinHttpSettings; the same in policies of browsers",
        r"Environment of machine and accounts: variables that name a machine",
        r"policies of Windows Update, event forwarding, certificate enrolment and remote desktop licences; …\Group Policy; …\CCM; …\Services\SNMP",
        r"Terminal Server Client, PuTTY and WinSCP of each account: hosts they met",
        r"Run, RunOnce and Winlogon: programs that a logon starts",
        r"settings of agents, of products with a database of their own, of Office: servers and folders they name",
        r"…\SCHANNEL\Protocols, …\.NETFramework, LanmanServer, LanmanWorkstation, mrxsmb10, NTDS, LDAP, …\Control\Lsa: which old or unprotected ways of speaking are let in",
        r"…\Group Policy\History of the machine and of people: drives, printers, data sources, tasks and files that policies set up",
        r"the files hosts and lmhosts in the folder that Tcpip\Parameters: DataBasePath names",
    ],
    never_sends: &[
        "passwords (cpassword, too), communities and keys; arguments of commands; values that name no other machine",
    ],
    read: registry,
};

/// A topic of the machine: its name, and who reads it.
type OfMachine = (&'static str, fn(&mut Look<'_>));
/// A topic of one hive below `HKU`.
type OfHive = fn(&mut Look<'_>, &str);

const OF_MACHINE: &[OfMachine] = &[
    ("odbc", odbc::machine),
    ("sql-aliases", sql_server::read),
    ("drives", drives::machine),
    ("printers", printers::machine),
    ("proxies", proxies::machine),
    ("environment", environment::machine),
    ("upkeep", upkeep::machine),
    ("software", software::machine),
    ("installer", software::installed),
    ("starts", starts::machine),
    ("products", products::machine),
    ("protocols", protocols::machine),
    ("policies", preferences::machine),
];

const OF_HIVE: &[OfHive] = &[
    odbc::hive,
    drives::hive,
    printers::hive,
    proxies::hive,
    environment::hive,
    upkeep::hive,
    visited::hive,
    starts::hive,
    products::hive,
];

/// Accounts of the system whose hives may hold settings of services: LocalSystem, LocalService, NetworkService.
const SERVICES: &[&str] = &["S-1-5-18", "S-1-5-19", "S-1-5-20"];

fn registry(machine: &Machine<'_>) -> Vec<Said> {
    let around = Surroundings::of(machine);
    let mut said = Vec::new();
    for (name, read) in OF_MACHINE {
        let mut look = Look::begin(machine, &around, name);
        read(&mut look);
        said.push(look.close());
    }
    let mut people = Look::begin(machine, &around, "people");
    let hives = people.hives();
    said.push(people.close());
    for hive in hives {
        let mut look = Look::begin(machine, &around, &format!("HKU/{hive}"));
        let hive = format!(r"HKU\{hive}");
        // One gap for all of it, not one for each key.
        if look.may_enter(&hive) {
            OF_HIVE.iter().for_each(|read| read(&mut look, &hive));
        }
        said.push(look.close());
    }
    said.extend(hosts::read(machine));
    said
}

#[cfg(test)]
pub(crate) mod testing {
    use groma_model::Fact;

    use super::AREA;
    use crate::{Machine, Rows, Said, WrittenFiles, WrittenRegistry};

    /// What the area says of an export, on a machine called APP1 at 192.0.2.10.
    pub(crate) fn said(export: &str) -> Vec<Said> {
        said_with(export, &WrittenFiles::default())
    }

    /// The same, with files.
    pub(crate) fn said_with(export: &str, files: &WrittenFiles) -> Vec<Said> {
        let (registry, wrong) = WrittenRegistry::of_export(export);
        assert_eq!(wrong, [], "the fixture is an export");
        of(&registry, files)
    }

    /// The same of a registry.
    pub(crate) fn of(registry: &WrittenRegistry, files: &WrittenFiles) -> Vec<Said> {
        let mut rows = Rows::default();
        rows.system.host_name = "APP1".into();
        rows.adapters = vec![crate::Adapter {
            addresses: vec!["192.0.2.10/24".into()],
            ..crate::Adapter::default()
        }];
        let certificate = |_: &[u8]| None;
        let machine = Machine {
            registry,
            files,
            rows: &rows,
            certificate: &certificate,
        };
        (AREA.read)(&machine)
    }

    /// References as `rule key -> kind peer port`, with what else they say.
    pub(crate) fn shown(said: &[Said]) -> Vec<String> {
        let facts = said.iter().flat_map(|said| &said.facts);
        facts.map(show).collect()
    }

    fn show(fact: &Fact) -> String {
        let Fact::Reference(r) = fact else {
            return fact.says();
        };
        let mut text = format!("{} {} -> {} {}", r.rule, r.key, r.kind, r.peer);
        if let Some(port) = r.port {
            text.push_str(&format!(" {port}/{}", r.transport));
        }
        for (name, value) in [("resource", &r.resource), ("account", &r.account)] {
            if let Some(value) = value {
                text.push_str(&format!(", {name} {value}"));
            }
        }
        if let Some(protection) = r.protection {
            text.push_str(&format!(", {protection:?}"));
        }
        for (name, is) in [("secret", r.has_secret), ("weak", r.weak)] {
            if is {
                text.push_str(&format!(", {name}"));
            }
        }
        text
    }

    /// What could not be seen.
    pub(crate) fn missed(said: &[Said]) -> Vec<String> {
        let gaps = said.iter().flat_map(|said| &said.gaps);
        gaps.map(|gap| format!("{} {}: {}", gap.scope, gap.what, gap.reason))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use groma_model::{CoverageState, Reason};

    use super::*;
    use crate::{WrittenFiles, WrittenRegistry};

    #[test]
    fn every_topic_and_every_hive_is_a_scope_of_its_own() {
        let registry = WrittenRegistry::default()
            .with_text(r"HKU\.DEFAULT\Software", "a", "b")
            .with_text(r"HKU\S-1-5-18\Software", "a", "b")
            .with_text(r"HKU\S-1-5-21-1-2-3-1001\Software", "a", "b")
            .with_text(r"HKU\S-1-5-21-1-2-3-1001_Classes", "a", "b");
        let said = testing::of(&registry, &WrittenFiles::default());
        let scopes: Vec<&str> = said.iter().map(|said| said.scope.as_str()).collect();
        let hives: Vec<&&str> = scopes.iter().filter(|s| s.contains("HKU/")).collect();
        assert_eq!(
            hives,
            [
                &"registry:HKU/S-1-5-21-1-2-3-1001",
                &"registry:HKU/S-1-5-18"
            ]
        );
        assert_eq!(scopes.len(), OF_MACHINE.len() + 5);
        assert!(said.iter().all(|said| said.facts.is_empty()));
    }

    #[test]
    fn people_that_cannot_be_listed_are_a_gap() {
        let registry = WrittenRegistry::default().refused("HKU", Reason::PermissionDenied);
        let said = testing::of(&registry, &WrittenFiles::default());
        let partial = said.iter().filter(|s| s.state == CoverageState::Partial);
        let partial: Vec<&str> = partial.map(|said| said.scope.as_str()).collect();
        assert_eq!(partial, ["registry:people"]);
    }

    #[test]
    fn an_export_of_a_whole_tree_says_what_was_put_into_it() {
        let said = testing::said(include_str!("../../tests/fixtures/wine-8.0/needs.reg"));
        let shown: Vec<String> = testing::shown(&said)
            .iter()
            .map(|text| {
                text.split(", used in ")
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        assert_eq!(
            shown,
            [
                "windows-odbc-sqlserver Server -> sql sql1.corp.example 1444/tcp, resource orders, secret",
                "network HP Universal Printing PCL 6 (printer) as Front at socket://192.0.2.71:9100",
                "windows-printer HostName -> print 192.0.2.71 9100/tcp",
                "windows-proxy WinHttpSettings -> http-proxy proxy1.corp.example 3128/tcp",
                "windows-environment TOOLS -> smb files1.corp.example 445/tcp, resource tools",
                "windows-licence-server SpecifiedLicenseServers -> other lic1.corp.example 135/tcp, resource licences",
                "windows-licence-server SpecifiedLicenseServers -> other lic2.corp.example 135/tcp, resource licences",
            ]
        );
        assert!(!format!("{said:?}").contains("canary"));
    }

    #[test]
    fn no_export_makes_a_topic_panic() {
        let whole = include_bytes!("../../tests/fixtures/wine-8.0/needs.reg");
        groma_fuzz::hammer(300, &[whole], |bytes| {
            let (registry, _) = WrittenRegistry::of_export(&String::from_utf8_lossy(bytes));
            let said = testing::of(&registry, &WrittenFiles::default());
            assert!(said.len() < 100);
        });
    }
}
