//! Servers that bring software: updates, distribution, signatures of malware, and shares that programs came from.

use std::collections::BTreeSet;

use super::look::Look;
use super::upkeep::{Line, url_or_host};
use super::url::urls;
use super::value::{resource, unc};

const UPDATES: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate";
/// Where clients of software distribution name their servers: key, value, service that reads it, whether it is a mere trace.
const SOFTWARE: &[(&str, &str, &str, bool)] = &[
    (r"HKLM\SOFTWARE\Microsoft\CCM", "SMSSLP", "CcmExec", false),
    (
        r"HKLM\SOFTWARE\Microsoft\CCM",
        "CMHttpsServer",
        "CcmExec",
        false,
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\CCM\FSP",
        "HostName",
        "CcmExec",
        false,
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\CCMSetup",
        "LastValidMP",
        "CcmExec",
        true,
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\SMS\DP",
        "Server",
        "CcmExec",
        false,
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\SMS\DP",
        "ManagementPoints",
        "CcmExec",
        false,
    ),
    (
        r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DeliveryOptimization",
        "DOCacheHost",
        "DoSvc",
        false,
    ),
];
const DEFENDER: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Signature Updates";
const INSTALLED: &str = r"HKLM\SOFTWARE\Classes\Installer\Products";
/// Values one list may hold.
const LISTED_MAX: usize = 256;
/// Installed programs that are looked at.
const PRODUCTS_MAX: usize = 4096;

/// What concerns the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    updates(look);
    software(look);
    signatures(look);
}

/// The server that hands out updates, unless the policy is not in force (`UseWUServer` 0).
fn updates(look: &mut Look<'_>) {
    let key = look.key(UPDATES);
    let switch = look.key(&format!(r"{UPDATES}\AU")).number("UseWUServer");
    if switch != Some(1) {
        return;
    }
    for value in ["WUServer", "WUStatusServer", "UpdateServiceUrlAlternate"] {
        let line = Line {
            rule: "windows-update-server",
            key: UPDATES,
            value,
            kind: "package-mirror",
            port: None,
            service: Some("wuauserv"),
            weak: false,
        };
        for mut target in urls(key.text(value).unwrap_or_default()) {
            target.kind = None;
            line.say(look, target);
        }
    }
}

/// Configuration Manager: management points, fallback points, distribution points.
fn software(look: &mut Look<'_>) {
    for (path, value, service, weak) in SOFTWARE {
        let key = look.key(path);
        let line = Line {
            rule: "windows-software-server",
            key: path,
            value,
            kind: "package-mirror",
            port: None,
            service: Some(service),
            weak: *weak,
        };
        let text = key.list(value).join(";");
        for word in text.split([';', '*', ',']).take(LISTED_MAX) {
            for mut target in url_or_host(word, 80) {
                target.kind = None;
                line.say(look, target);
            }
        }
    }
}

/// Shares with signatures of malware: `{\\server1\share|\\server2\share}`.
fn signatures(look: &mut Look<'_>) {
    let value = "DefinitionUpdateFileSharesSources";
    let key = look.key(DEFENDER);
    let text = key.text(value).unwrap_or_default();
    for path in text.trim_matches(['{', '}']).split('|').take(LISTED_MAX) {
        look.needs_share("windows-signature-share", DEFENDER, value, path);
    }
}

/// Shares that programs were installed from: to repair or remove one asks for them again. Each share once.
pub(super) fn installed(look: &mut Look<'_>) {
    let mut seen = BTreeSet::new();
    for name in look.key(INSTALLED).keys.into_iter().take(PRODUCTS_MAX) {
        let path = format!(r"{INSTALLED}\{name}\SourceList\Net");
        for (value, text) in look.key(&path).values {
            let Some(mut target) = text.text().and_then(unc) else {
                continue;
            };
            let share = target.resource.take().unwrap_or_default();
            target.resource = share.split('/').next().and_then(resource);
            if seen.insert((target.peer.clone(), target.resource.clone())) {
                let line = Line {
                    rule: "windows-installer-source",
                    key: &path,
                    value: &value,
                    kind: "smb",
                    port: Some(445),
                    service: Some("msiserver"),
                    weak: true,
                };
                line.say(look, target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};

    #[test]
    fn whoever_brings_software_is_a_need() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate]
"WUServer"="http://wsus1.corp.example:8530"
"WUStatusServer"="http://wsus1.corp.example:8530"
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU]
"UseWUServer"=dword:00000001

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\CCM]
"SMSSLP"="cm1.corp.example"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\CCMSetup]
"LastValidMP"="https://cm2.corp.example"

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DeliveryOptimization]
"DOCacheHost"="cache1.corp.example"
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows Defender\Signature Updates]
"DefinitionUpdateFileSharesSources"="{\\\\files2\\wdav|\\\\files3\\wdav}"
[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\Installer\Products\0123\SourceList\Net]
"1"="\\\\files4.corp.example\\install\\office\\"
"2"="C:\\Temp\\"
[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\Installer\Products\4567\SourceList\Net]
"1"="\\\\files4.corp.example\\install\\reader\\"

"#;
        assert_eq!(
            shown(&said(export)),
            [
                "windows-update-server WUServer -> package-mirror wsus1.corp.example 8530/tcp, None",
                "windows-update-server WUStatusServer -> package-mirror wsus1.corp.example 8530/tcp, None",
                "windows-software-server SMSSLP -> package-mirror cm1.corp.example 80/tcp",
                "windows-software-server LastValidMP -> package-mirror cm2.corp.example 443/tcp, Tls, weak",
                "windows-software-server DOCacheHost -> package-mirror cache1.corp.example 80/tcp",
                "windows-signature-share DefinitionUpdateFileSharesSources -> smb files2 445/tcp, resource wdav",
                "windows-signature-share DefinitionUpdateFileSharesSources -> smb files3 445/tcp, resource wdav",
                "windows-installer-source 1 -> smb files4.corp.example 445/tcp, resource install, weak",
            ]
        );
    }

    #[test]
    fn an_update_server_that_is_not_in_force_is_silent() {
        let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate]
"WUServer"="http://wsus1.corp.example:8530"
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU]
"UseWUServer"=dword:00000000
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\CCM]
"SMSSLP"="APP1"
[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\Installer\Products\0123\SourceList\Net]
"1"="C:\\Temp\\"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }
}
