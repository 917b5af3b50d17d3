//! Whom the machine asks for the time (Windows Time service, `W32Time`).

use groma_model::{Fact, Peer, Transport};

use super::SERVICES;
use super::stated::{Stated, is_somebody};
use super::units::unit_name;
use crate::{Machine, Part, Said};

const PARAMETERS: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time\Parameters";
const CLIENT: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time\TimeProviders\NtpClient";
const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters";
const CLIENT_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\TimeProviders\NtpClient";
const IS_DISABLED: u64 = 4;

/// Reads the settings; those of group policy win, value by value. A member that follows its domain (`NT5DS`) names nobody:
/// its domain is named elsewhere.
pub(super) fn look(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("registry", PARAMETERS);
    let mut key = |path: &str| {
        let found = part.or_missed(path, machine.registry.key(path));
        found.unwrap_or_default()
    };
    let (own, policy) = (key(PARAMETERS), key(POLICY));
    let (client, client_policy) = (key(CLIENT), key(CLIENT_POLICY));
    let service = key(&format!(r"{SERVICES}\W32Time"));
    let is_on = service.number("Start") != Some(IS_DISABLED)
        && client_policy
            .number("Enabled")
            .or_else(|| client.number("Enabled"))
            != Some(0);
    let kind = policy
        .text("Type")
        .or_else(|| own.text("Type"))
        .unwrap_or_default();
    let (at, servers) = match policy.text("NtpServer") {
        Some(servers) => (POLICY, Some(servers)),
        None => (PARAMETERS, own.text("NtpServer")),
    };
    let asks = ["NTP", "AllSync"]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known));
    let stated = Stated {
        rule: "windows-time",
        key: at,
        value: "NtpServer",
        kind: "ntp",
        port: (123, Transport::Udp),
        unit: &unit_name("W32Time"),
    };
    for peer in servers
        .filter(|_| asks && is_on)
        .into_iter()
        .flat_map(servers_of)
    {
        part.saw(Fact::Reference(stated.of(peer)));
    }
    part.close()
}

/// `a.example,0x9 10.0.0.1`: parted by spaces, flags after a comma.
fn servers_of(text: &str) -> impl Iterator<Item = Peer> {
    let names = text
        .split_whitespace()
        .filter_map(|word| word.split(',').next());
    names.filter_map(Peer::parse).filter(is_somebody)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{references, said};
    use crate::host::units::AREA;
    use crate::{Rows, Value, WrittenRegistry};

    fn clock(kind: &str) -> WrittenRegistry {
        WrittenRegistry::default()
            .with_text(PARAMETERS, "Type", kind)
            .with_text(
                PARAMETERS,
                "NtpServer",
                "ntp1.corp.example,0x9 10.0.0.1,0x8 127.0.0.1",
            )
    }

    fn told(registry: &WrittenRegistry) -> Vec<String> {
        references(&said(&AREA, registry, &Rows::default()))
    }

    #[test]
    fn servers_of_the_time_are_named_without_their_flags() {
        let expected = [
            "windows-time NtpServer -> ntp ntp1.corp.example:123/udp by W32Time.service",
            "windows-time NtpServer -> ntp 10.0.0.1:123/udp by W32Time.service",
        ];
        assert_eq!(told(&clock("NTP")), expected);
        assert_eq!(told(&clock("AllSync")), expected);
        let by_policy = clock("NT5DS").with_text(POLICY, "Type", "NTP").with_text(
            POLICY,
            "NtpServer",
            "10.0.0.9,0x9",
        );
        assert_eq!(
            told(&by_policy),
            ["windows-time NtpServer -> ntp 10.0.0.9:123/udp by W32Time.service"]
        );
    }

    #[test]
    fn a_clock_that_follows_its_domain_or_is_off_asks_nobody() {
        assert!(told(&clock("NT5DS")).is_empty());
        assert!(told(&clock("NoSync")).is_empty());
        let path = format!(r"{SERVICES}\W32Time");
        let off = clock("NTP").with(&path, "Start", Value::Number(4));
        assert!(told(&off).is_empty());
        let no_client = clock("NTP").with(CLIENT, "Enabled", Value::Number(0));
        assert!(told(&no_client).is_empty());
    }
}
