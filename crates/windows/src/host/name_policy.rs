//! Name servers by policy: for the whole machine, or for names below a suffix (the Name Resolution Policy Table of MS-GPNRPT).

use groma_model::{Fact, Reason};

use super::resolvers::DNS;
use super::stated::{Stated, peers};
use super::units::unit_name;
use crate::{Key, Machine, Part, Said};

const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient";
/// Tables of the machine's own settings and of group policy; where the second has rules, the first is not used.
const LOCAL_TABLE: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\Dnscache\Parameters\DnsPolicyConfig";
const POLICY_TABLE: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient\DnsPolicyConfig";
/// More rules than a table has.
const RULES_MAX: usize = 1024;
/// The bit of `ConfigOptions` that says name servers are given.
const HAS_SERVERS: u64 = 0x8;

/// Reads the setting and both tables.
pub(super) fn look(machine: &Machine<'_>) -> Vec<Said> {
    let mut whole = Part::begin("registry", POLICY);
    let key = whole.or_missed(POLICY, machine.registry.key(POLICY));
    tell(
        &mut whole,
        POLICY,
        "NameServer",
        &key.unwrap_or_default(),
        None,
    );
    let by_policy = look_at_table(machine, POLICY_TABLE);
    let mut local = Part::begin("registry", LOCAL_TABLE).close();
    if by_policy.facts.is_empty() {
        local = look_at_table(machine, LOCAL_TABLE);
    }
    vec![whole.close(), by_policy, local]
}

fn look_at_table(machine: &Machine<'_>, path: &str) -> Said {
    let mut part = Part::begin("registry", path);
    let table = part.or_missed(path, machine.registry.key(path));
    let rules = table.unwrap_or_default().keys;
    if rules.len() > RULES_MAX {
        part.missed(
            "rules for names beyond the first thousand",
            Reason::TooLarge,
        );
    }
    for rule in rules.iter().take(RULES_MAX) {
        let at = format!(r"{path}\{rule}");
        let key = part.or_missed(&at, machine.registry.key(&at));
        let key = key.unwrap_or_default();
        let given = key.number("ConfigOptions");
        if given.is_none_or(|options| options & HAS_SERVERS != 0) {
            let names = key.list("Name").join(" ");
            tell(&mut part, &at, "GenericDNSServers", &key, Some(&names));
        }
    }
    part.close()
}

fn tell(part: &mut Part, at: &str, value: &str, key: &Key, names: Option<&str>) {
    let stated = Stated {
        rule: "windows-resolver-policy",
        key: at,
        value,
        kind: "dns",
        port: DNS,
        unit: &unit_name("Dnscache"),
    };
    let names = names.filter(|names| !names.is_empty());
    for server in key.text(value).into_iter().flat_map(peers) {
        let mut reference = stated.of(server);
        reference.resource = names.map(Into::into);
        part.saw(Fact::Reference(reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::network::AREA;
    use crate::host::testing::{references, said};
    use crate::{Rows, Value, WrittenRegistry};

    fn with_rule(
        registry: WrittenRegistry,
        table: &str,
        servers: &str,
        options: u64,
    ) -> WrittenRegistry {
        let at = format!(r"{table}\{{1}}");
        registry
            .with(&at, "Name", Value::List(vec![".lab.example".into()]))
            .with(&at, "ConfigOptions", Value::Number(options))
            .with_text(&at, "GenericDNSServers", servers)
    }

    #[test]
    fn names_below_a_suffix_are_asked_elsewhere() {
        let local = with_rule(
            WrittenRegistry::default(),
            LOCAL_TABLE,
            "10.1.0.1; 10.1.0.2",
            8,
        );
        assert_eq!(
            references(&said(&AREA, &local, &Rows::default())),
            [
                "windows-resolver-policy GenericDNSServers -> dns 10.1.0.1:53/udp by Dnscache.service [.lab.example]",
                "windows-resolver-policy GenericDNSServers -> dns 10.1.0.2:53/udp by Dnscache.service [.lab.example]",
            ]
        );
        let both = with_rule(local, POLICY_TABLE, "10.2.0.1", 8);
        assert_eq!(
            references(&said(&AREA, &both, &Rows::default())),
            [
                "windows-resolver-policy GenericDNSServers -> dns 10.2.0.1:53/udp by Dnscache.service [.lab.example]"
            ],
            "group policy wins"
        );
    }

    #[test]
    fn a_rule_that_gives_no_servers_names_nobody() {
        let only_signed = with_rule(WrittenRegistry::default(), LOCAL_TABLE, "10.1.0.1", 2);
        assert!(references(&said(&AREA, &only_signed, &Rows::default())).is_empty());
        let empty = with_rule(WrittenRegistry::default(), LOCAL_TABLE, "", 8);
        assert!(references(&said(&AREA, &empty, &Rows::default())).is_empty());
    }
}
