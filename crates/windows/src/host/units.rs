//! `host.units`: services, what they need, and as whom they run; the domain the machine belongs to, its clock, its licences.

use std::collections::BTreeMap;

use groma_model::fact::Unit;
use groma_model::{Fact, Foreign, Peer, Transport};

use super::domain::{Domain, ShortNames};
use super::stated::Stated;
use super::version::{stem, without_versions};
use super::{SERVICES, activation, clock, domain};
use crate::{Area, Expand, Key, Machine, Part, Said, base_name, program_of, settled};

/// Services of the machine.
pub(crate) const AREA: Area = Area {
    name: "host.units",
    purpose: "Tells which services the machine has, which start with it, as whom they run, and which domain, clock and licence server the machine needs.",
    reads: &[
        r"HKLM\SYSTEM\CurrentControlSet\Services (type, start, program, account, what it depends on; ServiceDll and Application of Parameters)",
        r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters, …\Control\ProductOptions, HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History and …\State\Machine (whether it belongs to a domain)",
        r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time and HKLM\SOFTWARE\Policies\Microsoft\W32Time (whom it asks for the time)",
        r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform (KeyManagementServiceName)",
    ],
    never_sends: &[
        "arguments of programs",
        "Environment values of services",
        "passwords of service accounts (they stand elsewhere and are not looked for)",
    ],
    read: units,
};

/// A program of its own, and one that shares its process.
const IS_SERVICE: u64 = 0x10 | 0x20;
/// A template for services of each person (0x40), and such a service (0x80): it comes and goes with a logon.
const IS_OF_A_PERSON: u64 = 0x40 | 0x80;
/// Boot, system and automatic.
const STARTS_BY_ITSELF: u64 = 2;
const IS_DISABLED: u64 = 4;

/// What a service is called as a unit: its key, as `MSSQL$ERP.service`, without a version at its end
/// (`GoogleUpdaterService129.0.6651.0`): each update would be another unit.
pub(crate) fn unit_name(key: &str) -> String {
    format!("{}.service", stem(key))
}

fn units(machine: &Machine<'_>) -> Vec<Said> {
    vec![
        look_at_services(machine),
        domain::look(machine),
        clock::look(machine),
        activation::look(machine),
    ]
}

fn look_at_services(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("registry", SERVICES);
    let all = Catalogue::of(machine, &mut part);
    let expand = machine.expand();
    let domain = Domain::of(machine);
    let mut unresolved = ShortNames::default();
    for (name, key) in all.0.values().filter(|(_, key)| is_service(key)) {
        let at = format!(r"{SERVICES}\{name}");
        let executable = executable(machine, &mut part, &at, key, &expand);
        part.saw(Fact::Unit(Unit {
            name: unit_name(name).into(),
            enabled: key
                .number("Start")
                .is_some_and(|start| start <= STARTS_BY_ITSELF),
            description: key.text("DisplayName").and_then(plain).map(str::to_owned),
            // An update moves the program into another folder and changes nothing else.
            executable: executable.map(|path| without_versions(&path).into()),
            user: key.text("ObjectName").map(Foreign::from),
            requires: all.required(key),
            file: at.as_str().into(),
        }));
        if is_off(key) {
            continue;
        }
        unresolved.add(&domain, key.text("ObjectName").unwrap_or_default());
        if let Some(fact) = logon(name, &at, key, &domain) {
            part.saw(fact);
        }
    }
    unresolved.say(&mut part);
    part.close()
}

/// Keys of services and drivers by name in lower case.
struct Catalogue(BTreeMap<String, (String, Key)>);

impl Catalogue {
    fn of(machine: &Machine<'_>, part: &mut Part) -> Self {
        let whole = part.or_missed("services", machine.registry.key(SERVICES));
        let mut all = BTreeMap::new();
        for name in whole.unwrap_or_default().keys {
            let path = format!(r"{SERVICES}\{name}");
            if let Some(key) = part.or_missed(&path, machine.registry.key(&path)) {
                all.insert(name.to_lowercase(), (name, key));
            }
        }
        Self(all)
    }

    /// Services it cannot run without, by the names of their own keys. Drivers are parts of the system, no units.
    fn required(&self, key: &Key) -> Vec<Foreign> {
        let names = key.list("DependOnService").into_iter().map(str::trim);
        // A plus begins the name of a group of services.
        let names = names.filter(|name| !name.is_empty() && !name.starts_with('+'));
        let unit = |name: &str| match self.0.get(&name.to_lowercase()) {
            Some((_, known)) if !is_service(known) => None,
            Some((own, _)) => Some(unit_name(own).into()),
            None => Some(unit_name(name).into()),
        };
        names.filter_map(unit).collect()
    }
}

fn is_service(key: &Key) -> bool {
    let kind = key.number("Type").unwrap_or(0);
    kind & IS_SERVICE != 0 && kind & IS_OF_A_PERSON == 0
}

/// A text for people; of one that stands in a file (`@file,-123;text`) what follows, if anything does.
pub(super) fn plain(text: &str) -> Option<&str> {
    let plain = match text.starts_with('@') {
        true => text.split_once(';').map_or("", |(_, text)| text),
        false => text,
    };
    let plain = plain.trim();
    (!plain.is_empty()).then_some(plain)
}

/// The program; of a host process the library it loads, of a wrapper the program it wraps.
fn executable(
    machine: &Machine<'_>,
    part: &mut Part,
    at: &str,
    key: &Key,
    expand: &Expand,
) -> Option<String> {
    let program = program_of(key.text("ImagePath")?, expand)?;
    let name = match base_name(&program).to_ascii_lowercase().as_str() {
        "svchost.exe" => "ServiceDll",
        "nssm.exe" | "srvany.exe" | "srvany-ng.exe" => "Application",
        // Settings of other programs are none of our business.
        _ => return Some(program),
    };
    let own = format!(r"{at}\Parameters");
    let own = part.or_missed(&own, machine.registry.key(&own));
    let inner = own.as_ref().and_then(|own| own.text(name));
    let inner = inner.or_else(|| key.text(name));
    let inner = inner.map(|path| settled(path.trim_matches('"'), expand));
    inner.or(Some(program))
}

/// True for a service that is switched off: it never logs on.
fn is_off(key: &Key) -> bool {
    let start = key.number("Start");
    start.is_some_and(|start| start >= IS_DISABLED)
}

/// The logon of a service that runs as an account of a domain.
fn logon(name: &str, at: &str, key: &Key, domain: &Domain) -> Option<Fact> {
    let account = key.text("ObjectName")?;
    let of = domain.of_account(account)?;
    let stated = Stated {
        rule: "windows-service-account",
        key: at,
        value: "ObjectName",
        kind: "kerberos",
        port: (88, Transport::Tcp),
        unit: &unit_name(name),
    };
    let mut reference = stated.of(Peer::Name(of));
    reference.account = Some(account.into());
    Some(Fact::Reference(reference))
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
