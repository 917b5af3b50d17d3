//! Which versions and protections settings let in or keep out: SCHANNEL, .NET, SMB, LDAP, NTLM.
//!
//! Only what somebody or a policy wrote is told. Meanings are those of Microsoft Learn: "Transport Layer Security (TLS) registry
//! settings" (`Enabled`: 0 is off, everything else on; `DisabledByDefault`: only who asks for it by name gets it), "Transport Layer
//! Security (TLS) best practices with .NET Framework" (`SchUseStrongCrypto`), "How to detect, enable and disable SMBv1, SMBv2, and
//! SMBv3" (`SMB1`, `mrxsmb10`), "Overview of Server Message Block signing" (`RequireSecuritySignature`), "How to enable LDAP signing"
//! (`LDAPServerIntegrity`: 2 is required; `LDAPClientIntegrity`: 1 if asked, 2 required), KB4520412 (`LdapEnforceChannelBinding`: 1 for
//! who can, 2 for everybody), "Network security: LAN Manager authentication level" (`LmCompatibilityLevel`).

use groma_model::Fact;
use groma_model::fact::{ProtocolSetting, ProtocolSide};

use super::look::Look;
use crate::Key;

const SCHANNEL: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols";
const LSA: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa";
const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
const DOTNET: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\.NETFramework\v2.0.50727",
    r"HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v2.0.50727",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319",
];
/// Names of SCHANNEL, in lower case, and ours.
const VERSIONS: &[(&str, &str)] = &[
    ("ssl 2.0", "ssl-2"),
    ("ssl 3.0", "ssl-3"),
    ("tls 1.0", "tls-1"),
    ("tls 1.1", "tls-1.1"),
    ("tls 1.2", "tls-1.2"),
    ("tls 1.3", "tls-1.3"),
];
const SIDES: [(&str, ProtocolSide); 2] = [
    ("server", ProtocolSide::Server),
    ("client", ProtocolSide::Client),
];
const DISABLED: u64 = 4;

/// A value whose numbers mean a state each.
struct Number {
    key: &'static str,
    value: &'static str,
    protocol: &'static str,
    side: ProtocolSide,
    /// By the number, from 0 on; a larger one says what the last one does.
    states: &'static [&'static str],
}

const NUMBERS: &[Number] = &[
    Number {
        key: r"LanmanServer\Parameters",
        value: "RequireSecuritySignature",
        protocol: "smb-signing",
        side: ProtocolSide::Server,
        states: &["if-asked", "required"],
    },
    Number {
        key: r"LanmanWorkstation\Parameters",
        value: "RequireSecuritySignature",
        protocol: "smb-signing",
        side: ProtocolSide::Client,
        states: &["if-asked", "required"],
    },
    Number {
        key: r"LanmanServer\Parameters",
        value: "SMB1",
        protocol: "smb-1",
        side: ProtocolSide::Server,
        states: &["off", "on"],
    },
    Number {
        key: r"NTDS\Parameters",
        value: "LDAPServerIntegrity",
        protocol: "ldap-signing",
        side: ProtocolSide::Server,
        // 1 is called "none" there, and means that a client which signs is answered so.
        states: &["if-asked", "if-asked", "required"],
    },
    Number {
        key: r"NTDS\Parameters",
        value: "LdapEnforceChannelBinding",
        protocol: "ldap-channel-binding",
        side: ProtocolSide::Server,
        states: &["never", "if-asked", "required"],
    },
    Number {
        key: "LDAP",
        value: "LDAPClientIntegrity",
        protocol: "ldap-signing",
        side: ProtocolSide::Client,
        states: &["never", "if-asked", "required"],
    },
];

/// By the level, what the machine sends, and the oldest it takes.
const LOGONS: &[(&str, &str)] = &[
    ("lm", "lm"),
    ("lm", "lm"),
    ("ntlm-1", "lm"),
    ("ntlm-2", "lm"),
    ("ntlm-2", "ntlm-1"),
    ("ntlm-2", "ntlm-2"),
];

/// All settings of the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    schannel(look);
    dotnet(look);
    for number in NUMBERS {
        let path = format!(r"{SERVICES}\{}", number.key);
        let written = look.key(&path).number(number.value);
        let state = written.and_then(|written| at(number.states, written).copied());
        say(
            look,
            &path,
            number.value,
            number.protocol,
            number.side,
            state,
        );
    }
    old_sharing(look);
    logons(look);
}

fn at<T>(all: &[T], number: u64) -> Option<&T> {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    all.get(number).or(all.last())
}

fn schannel(look: &mut Look<'_>) {
    for (path, version, _) in look.below(SCHANNEL) {
        let version = version.to_lowercase();
        let Some((_, protocol)) = VERSIONS.iter().find(|(name, _)| *name == version) else {
            continue;
        };
        for (path, name, key) in look.below(&path) {
            let name = name.to_lowercase();
            if let Some((_, side)) = SIDES.iter().find(|(side, _)| *side == name) {
                let (value, state) = version_state(&key);
                say(look, &path, value, protocol, *side, state);
            }
        }
    }
}

/// What a version may, with the value that says it.
fn version_state(key: &Key) -> (&'static str, Option<&'static str>) {
    let enabled = key.number("Enabled");
    match key.number("DisabledByDefault") {
        _ if enabled == Some(0) => ("Enabled", Some("off")),
        Some(withheld) if withheld != 0 => ("DisabledByDefault", Some("not-by-default")),
        _ if enabled.is_some() => ("Enabled", Some("on")),
        Some(_) => ("DisabledByDefault", Some("on")),
        None => ("Enabled", None),
    }
}

fn dotnet(look: &mut Look<'_>) {
    for path in DOTNET {
        let strong = look.key(path).number("SchUseStrongCrypto");
        let state = strong.map(|strong| if strong == 0 { "off" } else { "on" });
        let side = ProtocolSide::Client;
        say(
            look,
            path,
            "SchUseStrongCrypto",
            "dotnet-strong-tls",
            side,
            state,
        );
    }
}

/// The driver that calls others by SMB 1 is there where the feature is.
fn old_sharing(look: &mut Look<'_>) {
    let path = format!(r"{SERVICES}\mrxsmb10");
    let start = look.key(&path).number("Start");
    let state = start.map(|start| if start == DISABLED { "off" } else { "on" });
    say(look, &path, "Start", "smb-1", ProtocolSide::Client, state);
}

fn logons(look: &mut Look<'_>) {
    let name = "LmCompatibilityLevel";
    let level = look.key(LSA).number(name);
    let Some((sends, takes)) = level.and_then(|level| at(LOGONS, level).copied()) else {
        return;
    };
    say(look, LSA, name, "ntlm", ProtocolSide::Client, Some(sends));
    say(look, LSA, name, "ntlm", ProtocolSide::Server, Some(takes));
}

fn say(
    look: &mut Look<'_>,
    path: &str,
    value: &str,
    protocol: &str,
    side: ProtocolSide,
    state: Option<&str>,
) {
    let Some(state) = state else {
        return;
    };
    look.saw(Fact::ProtocolSetting(ProtocolSetting {
        protocol: protocol.to_owned(),
        side,
        state: state.to_owned(),
        file: path.into(),
        // A registry has no lines.
        line: 0,
        key: value.to_owned(),
    }));
}

#[cfg(test)]
mod tests {
    use groma_model::Fact;
    use groma_model::protocol::{PROTOCOLS, STATES};

    use super::super::testing::said;

    fn told(export: &str) -> Vec<String> {
        let facts: Vec<Fact> = said(export)
            .into_iter()
            .flat_map(|said| said.facts)
            .collect();
        let settings = facts.iter().filter_map(|fact| match fact {
            Fact::ProtocolSetting(setting) => Some(setting),
            _ => None,
        });
        let settings = settings.inspect(|s| {
            assert!(PROTOCOLS.contains(&s.protocol.as_str()), "{}", s.protocol);
            assert!(STATES.contains(&s.state.as_str()), "{}", s.state);
        });
        settings
            .map(|s| format!("{} {} {}: {}", s.protocol, s.side, s.state, s.key))
            .collect()
    }

    #[test]
    fn what_a_hardening_policy_wrote_is_told() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\SSL 2.0\Client]
"DisabledByDefault"=dword:00000001

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.0\Server]
"Enabled"=dword:00000000
"DisabledByDefault"=dword:00000001

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client]
"Enabled"=dword:ffffffff
"DisabledByDefault"=dword:00000000

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\.NETFramework\v4.0.30319]
"SchUseStrongCrypto"=dword:00000001

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters]
"RequireSecuritySignature"=dword:00000001
"SMB1"=dword:00000000

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\mrxsmb10]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\NTDS\Parameters]
"LDAPServerIntegrity"=dword:00000001
"LdapEnforceChannelBinding"=dword:00000002

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\LDAP]
"LDAPClientIntegrity"=dword:00000001

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa]
"LmCompatibilityLevel"=dword:00000005
"#;
        assert_eq!(
            told(export),
            [
                "ssl-2 client not-by-default: DisabledByDefault",
                "tls-1 server off: Enabled",
                "tls-1.2 client on: Enabled",
                "dotnet-strong-tls client on: SchUseStrongCrypto",
                "smb-signing server required: RequireSecuritySignature",
                "smb-1 server off: SMB1",
                "ldap-signing server if-asked: LDAPServerIntegrity",
                "ldap-channel-binding server required: LdapEnforceChannelBinding",
                "ldap-signing client if-asked: LDAPClientIntegrity",
                "smb-1 client off: Start",
                "ntlm client ntlm-2: LmCompatibilityLevel",
                "ntlm server ntlm-2: LmCompatibilityLevel",
            ]
        );
    }

    #[test]
    fn an_old_machine_says_what_it_still_does() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server]
"Enabled"=dword:00000000
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\mrxsmb10]
"Start"=dword:00000002
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa]
"LmCompatibilityLevel"=dword:00000000
"#;
        assert_eq!(
            told(export),
            [
                "tls-1.2 server off: Enabled",
                "smb-1 client on: Start",
                "ntlm client lm: LmCompatibilityLevel",
                "ntlm server lm: LmCompatibilityLevel",
            ]
        );
    }

    #[test]
    fn where_nothing_is_written_nothing_is_told() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2]
"Enabled"=dword:00000000
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server]
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\Multi-Protocol Unified Hello\Client]
"Enabled"=dword:00000000
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters]
"EnableSecuritySignature"=dword:00000001
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\.NETFramework\v4.0.30319]
"SchUseStrongCrypto"="yes"
"#;
        assert!(told(export).is_empty());
    }
}
