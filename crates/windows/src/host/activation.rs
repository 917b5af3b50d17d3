//! The server that activates licences of volume (Key Management Service), where somebody named one.

use std::collections::BTreeSet;

use groma_model::{Fact, Peer, Reason, Transport};

use super::stated::{Stated, is_somebody};
use super::units::unit_name;
use crate::{Key, Machine, Part, Said};

/// Of the system with the products in sub-keys, and of Office before it shared that.
const PLATFORMS: [(&str, &str); 2] = [
    (
        r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform",
        "sppsvc",
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\OfficeSoftwareProtectionPlatform",
        "osppsvc",
    ),
];
/// The port it has where none is written.
const PORT: u16 = 1688;
/// Applications and products; a machine has a handful.
const KEYS_MAX: usize = 512;

/// Reads both.
pub(super) fn look(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("registry", PLATFORMS[0].0);
    let mut told = BTreeSet::new();
    for (path, unit) in PLATFORMS {
        let mut left = KEYS_MAX;
        look_at(machine, &mut part, path, unit, 0, &mut left, &mut told);
    }
    part.close()
}

/// A platform has applications, an application has products: two levels below.
fn look_at(
    machine: &Machine<'_>,
    part: &mut Part,
    path: &str,
    unit: &str,
    depth: u8,
    left: &mut usize,
    told: &mut BTreeSet<(Peer, u16)>,
) {
    let Some(key) = part.or_missed(path, machine.registry.key(path)) else {
        return;
    };
    tell(part, path, unit, &key, told);
    let below = key.keys.iter().filter(|name| name.len() >= 36 && depth < 2);
    for name in below {
        if *left == 0 {
            return part.missed("more licensed products", Reason::TooLarge);
        }
        *left -= 1;
        look_at(
            machine,
            part,
            &format!(r"{path}\{name}"),
            unit,
            depth + 1,
            left,
            told,
        );
    }
}

fn tell(part: &mut Part, path: &str, unit: &str, key: &Key, told: &mut BTreeSet<(Peer, u16)>) {
    let Some(server) = key.text("KeyManagementServiceName").and_then(Peer::parse) else {
        return;
    };
    let port = key.number("KeyManagementServicePort");
    let port = port
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0);
    let port = port.unwrap_or(PORT);
    let stated = Stated {
        rule: "windows-activation",
        key: path,
        value: "KeyManagementServiceName",
        kind: "other",
        port: (port, Transport::Tcp),
        unit: &unit_name(unit),
    };
    if is_somebody(&server) && told.insert((server.clone(), port)) {
        part.saw(Fact::Reference(stated.of(server)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{references, said};
    use crate::host::units::AREA;
    use crate::{Rows, WrittenRegistry};

    fn told(registry: &WrittenRegistry) -> Vec<String> {
        references(&said(&AREA, registry, &Rows::default()))
    }

    #[test]
    fn a_server_of_licences_is_named_once() {
        let path = PLATFORMS[0].0;
        let product = format!(
            r"{path}\55c92734-d682-4d71-983e-d6ec3f16059f\73111121-5638-40f6-bc11-f1d7b0d64300"
        );
        let registry = WrittenRegistry::default()
            .with_text(path, "KeyManagementServiceName", "kms.corp.example")
            .with_text(&product, "KeyManagementServiceName", "kms.corp.example")
            .with_text(&product, "KeyManagementServicePort", "1688");
        assert_eq!(
            told(&registry),
            [
                "windows-activation KeyManagementServiceName -> other kms.corp.example:1688/tcp by sppsvc.service"
            ]
        );
    }

    #[test]
    fn a_machine_that_activates_itself_needs_nobody() {
        let path = PLATFORMS[0].0;
        let registry = WrittenRegistry::default()
            .with_text(path, "KeyManagementServiceName", "127.0.0.2")
            .with_text(
                path,
                "DiscoveredKeyManagementServiceName",
                "kms.corp.example",
            );
        assert!(told(&registry).is_empty());
    }
}
