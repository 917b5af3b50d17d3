//! A row of a table becomes a declared machine.

use std::net::IpAddr;

use groma_model::fact::Declared;
use groma_model::{Foreign, HostName};
use groma_platform::mac_address;

use crate::Reading;
use crate::columns::{Field, Header, says_secret, speaks_of_secret};

/// Most addresses, names or MAC addresses taken from one cell.
const PARTS: usize = 64;

/// A row: where it stands, and its cells that are not empty.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) place: String,
    pub(crate) cells: Vec<(u32, String)>,
}

/// Reads `row` under `header`; `kind` is what it is unless a column says otherwise. Problems go to `reading`.
pub(crate) fn declared(
    header: &Header,
    row: &Row,
    list: &str,
    kind: &str,
    reading: &mut Reading,
) -> Option<Declared> {
    let mut machine = Declared {
        list: list.to_owned(),
        kind: kind.to_owned(),
        ..Declared::default()
    };
    let mut perhaps = Perhaps::default();
    for (column, text) in &row.cells {
        let text = text.trim();
        let Some((field, word)) = header.columns.get(column) else {
            continue;
        };
        if !text.is_empty() && !is_nothing(text) {
            cell(
                &mut machine,
                &mut perhaps,
                *field,
                word,
                text,
                &row.place,
                reading,
            );
        }
    }
    machine.smbios_uuid = machine.smbios_uuid.or(perhaps.uuid);
    machine.operating_system = machine.operating_system.or(perhaps.operating_system);
    if machine.name.is_empty() {
        match (machine.names.first(), machine.addresses.first()) {
            (Some(name), _) => machine.name = name.as_str().into(),
            (None, Some(address)) => machine.name = address.to_string().into(),
            (None, None) => {
                reading.problem(&row.place, "", "neither a name nor an address: left out");
                return None;
            }
        }
    }
    tidy(&mut machine);
    Some(machine)
}

/// What is taken only where nothing better is said.
#[derive(Default)]
struct Perhaps {
    uuid: Option<String>,
    operating_system: Option<String>,
}

fn cell(
    machine: &mut Declared,
    perhaps: &mut Perhaps,
    field: Field,
    word: &str,
    text: &str,
    place: &str,
    reading: &mut Reading,
) {
    let mut wrong = |why: &str| reading.problem(place, word, format!("{why}: {}", shown(text)));
    match field {
        Field::Secret | Field::Ignored => {}
        Field::Name => {
            machine.name = Foreign::from(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        Field::OtherName => match HostName::parse(text) {
            Some(name) => machine.names.push(name),
            None => more(machine, word, text, place, reading),
        },
        Field::Alias => match names(text) {
            names if names.is_empty() => wrong("not a host name"),
            names => machine.names.extend(names),
        },
        Field::Address => match addresses(text) {
            addresses if addresses.is_empty() => wrong("not an address"),
            addresses => machine.addresses.extend(addresses),
        },
        Field::Place => match addresses(text) {
            addresses if addresses.is_empty() => more(machine, word, text, place, reading),
            addresses => machine.addresses.extend(addresses),
        },
        Field::Mac => match macs(text) {
            macs if macs.is_empty() => wrong("not a MAC address"),
            macs => machine.macs.extend(macs),
        },
        Field::Uuid | Field::UuidPerhaps => match (uuid(text), field) {
            (None, _) => wrong("not a UUID"),
            (found, Field::Uuid) => machine.smbios_uuid = found,
            (found, _) => perhaps.uuid = found,
        },
        // Names of people and offices may speak of secrets; what follows a colon may be one.
        Field::RunsOn
        | Field::OperatingSystem
        | Field::OperatingSystemPerhaps
        | Field::Owner
        | Field::Criticality
            if speaks_of_secret(text) && text.contains([':', '=']) =>
        {
            reading.problem(place, word, SPEAKS_OF_A_PASSWORD);
        }
        Field::RunsOn => machine.runs_on = Some(Foreign::from(text)),
        Field::OperatingSystem => machine.operating_system = Some(text.to_owned()),
        Field::OperatingSystemPerhaps => perhaps.operating_system = Some(text.to_owned()),
        Field::Owner => join(&mut machine.owner, text),
        Field::Criticality => machine.criticality = Some(text.to_owned()),
        Field::Kind => match kind_of(text) {
            Some(kind) => machine.kind = kind.to_owned(),
            None => more(machine, word, text, place, reading),
        },
        Field::More => more(machine, word, text, place, reading),
    }
}

const SPEAKS_OF_A_PASSWORD: &str = "the text speaks of a password: not kept";

fn more(machine: &mut Declared, word: &str, text: &str, place: &str, reading: &mut Reading) {
    if says_secret(text) {
        reading.problem(place, word, SPEAKS_OF_A_PASSWORD);
        return;
    }
    let kept = machine.more.entry(word.to_owned()).or_default();
    if !kept.is_empty() {
        kept.push_str("; ");
    }
    kept.push_str(text);
}

fn join(kept: &mut Option<String>, text: &str) {
    match kept {
        Some(kept) if kept != text => {
            kept.push_str("; ");
            kept.push_str(text);
        }
        Some(_) => {}
        None => *kept = Some(text.to_owned()),
    }
}

/// Everything sorted and once; the name itself is not another name.
pub(crate) fn tidy(machine: &mut Declared) {
    let own = machine.name.as_str().and_then(HostName::parse);
    machine.names.retain(|name| Some(name) != own.as_ref());
    machine.names.sort();
    machine.names.dedup();
    machine.addresses.sort();
    machine.addresses.dedup();
    machine.macs.sort();
    machine.macs.dedup();
}

/// A dash and the like stand for "nothing".
fn is_nothing(text: &str) -> bool {
    let lower = text.to_lowercase();
    matches!(
        lower.as_str(),
        "-" | "–" | "—" | "n/a" | "na" | "null" | "none" | "#n/a" | "нет" | "?"
    )
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', ' ', '\n', '\r', '\t', '|'])
        .filter(|part| !part.is_empty())
        .take(PARTS)
}

fn names(text: &str) -> Vec<HostName> {
    parts(text).filter_map(HostName::parse).collect()
}

/// Addresses, also with a prefix length or a zone; unspecified and loopback ones name no machine.
fn addresses(text: &str) -> Vec<IpAddr> {
    let bare = |part: &str| {
        part.split(['/', '%'])
            .next()
            .and_then(|bare| bare.parse::<IpAddr>().ok())
    };
    let names_one = |address: &IpAddr| !address.is_unspecified() && !address.is_loopback();
    parts(text)
        .filter_map(bare)
        .map(|address| address.to_canonical())
        .filter(names_one)
        .collect()
}

/// MAC addresses in any of the usual spellings, as `02:00:00:00:00:01`; the two that mean nobody are left out.
pub(crate) fn macs(text: &str) -> Vec<String> {
    parts(text).filter_map(mac).collect()
}

/// Some lists write the address of everybody for none.
fn mac(text: &str) -> Option<String> {
    mac_address(text).filter(|mac| mac != "ff:ff:ff:ff:ff:ff")
}

/// A UUID, lower case with dashes; the two that makers write when they have none are left out. What begins with `VMware-` is a
/// serial number to a list.
pub(crate) fn uuid(text: &str) -> Option<String> {
    let is_serial = text.trim_start().starts_with("VMware-");
    groma_platform::uuid(text).filter(|_| !is_serial)
}

/// The kind of thing that words like "virtual server" mean; `None` where they say nothing of it.
pub(crate) fn kind_of(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Short words stand within others: "ups" in "groups".
    let is_word = |word: &str| {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|w| w == word)
    };
    let is_real = says(&[
        "physical",
        "bare metal",
        "bare-metal",
        "physique",
        "физическ",
        "no vm",
        "not virtual",
    ]);
    if says(&["hypervis", "esx", "гипервизор"]) {
        Some("hypervisor")
    } else if !is_real
        && (says(&["virtual", "virtuel", "виртуальн", "vmware"]) || is_word("vm") || is_word("vms"))
    {
        Some("vm")
    } else if says(&[
        "printer",
        "copier",
        "switch",
        "router",
        "firewall",
        "camera",
        "imprimante",
        "commutateur",
        "routeur",
        "принтер",
        "коммутатор",
    ]) || is_word("ups")
    {
        Some("device")
    } else if is_real
        || says(&[
            "server",
            "host",
            "workstation",
            "desktop",
            "laptop",
            "serveur",
            "poste",
            "сервер",
            "хост",
            "компьютер",
        ])
    {
        Some("host")
    } else {
        None
    }
}

/// A cell in a message: short, on one line, and nothing at all if it may hold a password.
fn shown(text: &str) -> String {
    if says_secret(text) {
        return "…".to_owned();
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(40)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nobody_is_no_mark_and_every_usual_writing_is_one() {
        assert_eq!(
            macs("0200.0000.0001, 02-00-00-00-00-02"),
            ["02:00:00:00:00:01", "02:00:00:00:00:02"]
        );
        assert!(macs("00:00:00:00:00:00 FF:FF:FF:FF:FF:FF 02:00:00").is_empty());
        let written = "{420E0001-0002-4003-8004-000000000005}";
        let known = "420e0001-0002-4003-8004-000000000005";
        assert_eq!(uuid(written).as_deref(), Some(known));
        for none in [
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "VMware-42 0e 00 01 00 02 40 03-80 04 00 00 00 00 00 05",
            "7",
        ] {
            assert_eq!(uuid(none), None, "{none}");
        }
    }
}
