//! Servers that keep this machine in order: policies, events, licences, monitoring, certificates.

use groma_model::Fact;
use groma_model::fact::{Watch, WatchPurpose};
use groma_model::name::Protection;
use groma_model::{Peer, Port, Transport};

use super::look::{Look, Need, unit};
use super::url::urls;
use super::value::{Target, host, peer, resource};
use crate::Key;

const POLICIES: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy";
const EVENTS: &str =
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog\EventForwarding\SubscriptionManager";
const SNMP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters";
const SNMP_POLICY: &str = r"HKLM\SOFTWARE\Policies\SNMP\Parameters";
const LICENCES: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\TermService\Parameters\LicenseServers";
const LICENCES_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services";
const ENROLMENT: &str = r"SOFTWARE\Policies\Microsoft\Cryptography\PolicyServers";
const REALMS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa\Kerberos\Domains";
/// Scripts one policy may name, each way.
const LISTED_MAX: usize = 256;

/// One need, in few words.
pub(super) struct Line<'n> {
    pub(super) rule: &'static str,
    pub(super) key: &'n str,
    pub(super) value: &'n str,
    pub(super) kind: &'n str,
    pub(super) port: Option<u16>,
    pub(super) service: Option<&'n str>,
    pub(super) weak: bool,
}

impl Line<'_> {
    /// Says it of one machine.
    pub(super) fn say(&self, look: &mut Look<'_>, target: Target) {
        look.needs(Need {
            rule: self.rule,
            key: self.key,
            value: self.value,
            kind: self.kind,
            port: self.port,
            target,
            reader: self.service.and_then(unit),
            weak: self.weak,
        });
    }
}

/// What concerns the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    scripts(look, &format!(r"{POLICIES}\State\Machine\Scripts"));
    scripts(look, &format!(r"{POLICIES}\Scripts"));
    events(look);
    for path in [SNMP, SNMP_POLICY] {
        snmp(look, path);
    }
    licences(look);
    realms(look);
    enrolment(look, &format!(r"HKLM\{ENROLMENT}"));
}

/// What concerns one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    let policies = format!(r"{hive}\Software\Microsoft\Windows\CurrentVersion\Group Policy");
    scripts(look, &format!(r"{policies}\Scripts"));
    enrolment(look, &format!(r"{hive}\{ENROLMENT}"));
    let name = hive.rsplit('\\').next().unwrap_or_default();
    // Scripts of logon stand beside those of the machine, by SID.
    scripts(look, &format!(r"{POLICIES}\State\{name}\Scripts"));
}

/// `Scripts\Startup\0\0` with `Script`: a path; its parameters stay here. `FileSysPath` tells the folder of the policy.
fn scripts(look: &mut Look<'_>, path: &str) {
    for (kind, ..) in look.below(path).into_iter().take(LISTED_MAX) {
        for (policy, _, key) in look.below(&kind).into_iter().take(LISTED_MAX) {
            let folder = key.text("FileSysPath").unwrap_or_default().to_owned();
            look.needs_share("windows-policy-script", &policy, "FileSysPath", &folder);
            for (at, _, key) in look.below(&policy).into_iter().take(LISTED_MAX) {
                let script = key.text("Script").unwrap_or_default().to_owned();
                look.needs_share("windows-policy-script", &at, "Script", &script);
            }
        }
    }
}

/// Key distribution centres of realms that are no domain of Windows (`ksetup /addkdc`).
fn realms(look: &mut Look<'_>) {
    for (at, realm, key) in look.below(REALMS) {
        let line = Line {
            rule: "windows-kerberos-realm",
            key: &at,
            value: "KdcNames",
            kind: "kerberos",
            port: Some(88),
            service: None,
            weak: false,
        };
        for name in key.list("KdcNames").into_iter().take(LISTED_MAX) {
            if let Some(mut target) = host(name) {
                target.resource = resource(&realm);
                line.say(look, target);
            }
        }
    }
}

/// `http://host:port/…` or a name alone.
pub(super) fn url_or_host(word: &str, default: u16) -> Vec<Target> {
    if word.contains("://") {
        return urls(word);
    }
    let mut target = host(word);
    if let Some(target) = &mut target {
        target.default_port = Some(Port(default));
    }
    target.into_iter().collect()
}

/// `Server=https://collector:5986/wsman/SubscriptionManager/WEC,Refresh=60,IssuerCA=…`.
fn events(look: &mut Look<'_>) {
    for (name, value) in look.key(EVENTS).values {
        let text = value.text().unwrap_or_default();
        let server = text.split(',').map(str::trim).find_map(|part| {
            let (key, server) = part.split_once('=')?;
            key.eq_ignore_ascii_case("Server").then_some(server)
        });
        let line = Line {
            rule: "windows-event-collector",
            key: EVENTS,
            value: &name,
            kind: "syslog",
            port: None,
            service: Some("WinRM"),
            weak: false,
        };
        for mut target in url_or_host(server.unwrap_or(text), 5985) {
            target.kind = None;
            let is_tls = target.protection == Some(Protection::Tls);
            target.default_port = Some(Port(if is_tls { 5986 } else { 5985 }));
            line.say(look, target);
        }
    }
}

/// Who may ask the SNMP service, and who gets its traps. A community is a password: also where it is the name of a key.
fn snmp(look: &mut Look<'_>, path: &str) {
    let managers = format!(r"{path}\PermittedManagers");
    for (_, value) in look.key(&managers).values {
        let found = value.text().and_then(peer);
        if let Some(peer) = found.filter(|peer| !look.is_own(peer)) {
            look.saw(Fact::Watch(asked_by(peer, &managers)));
        }
    }
    let traps = format!(r"{path}\TrapConfiguration");
    for community in look.key(&traps).keys {
        // No gap may name it either: it is read past the ways that say what could not be read.
        let at = format!(r"{traps}\{community}");
        let key = match look.machine.registry.key(&at) {
            Ok(key) => key.unwrap_or_default(),
            Err(reason) => {
                look.missed(format!(r"{traps}\…"), reason);
                Key::default()
            }
        };
        for (number, value) in key.values {
            let Some(peer) = value.text().and_then(peer) else {
                continue;
            };
            let mut target = Target::new(peer, None);
            target.transport = Some(Transport::Udp);
            target.has_secret = true;
            let line = Line {
                rule: "windows-snmp-traps",
                key: &traps,
                value: &number,
                kind: "snmp",
                port: Some(162),
                service: Some("SNMP"),
                weak: false,
            };
            line.say(look, target);
        }
    }
}

fn asked_by(peer: Peer, file: &str) -> Watch {
    Watch {
        purpose: WatchPurpose::WatchedBy,
        product: "SNMP agent".to_owned(),
        peer: Some(peer),
        network: None,
        port: Some(Port(161)),
        transport: Transport::Udp,
        file: file.into(),
        line: 1,
    }
}

/// Licence servers of remote desktops: values, a policy's list, or the names of keys.
fn licences(look: &mut Look<'_>) {
    let specified = look.key(LICENCES);
    let mut named: Vec<(&str, &str, String)> = Vec::new();
    for text in specified.list("SpecifiedLicenseServers") {
        named.push((LICENCES, "SpecifiedLicenseServers", text.to_owned()));
    }
    for name in &specified.keys {
        named.push((LICENCES, "", name.clone()));
    }
    for text in look.key(LICENCES_POLICY).list("LicenseServers") {
        named.push((LICENCES_POLICY, "LicenseServers", text.to_owned()));
    }
    for (key, value, text) in named {
        for word in text.split([',', ';']).take(LISTED_MAX) {
            let Some(mut target) = host(word) else {
                continue;
            };
            target.resource = Some("licences".to_owned());
            let line = Line {
                rule: "windows-licence-server",
                key,
                value,
                kind: "other",
                port: Some(135),
                service: Some("TermService"),
                weak: false,
            };
            line.say(look, target);
        }
    }
}

/// Where certificates are asked for; `ldap:` alone means the domain.
fn enrolment(look: &mut Look<'_>, path: &str) {
    for (at, _, key) in look.below(path) {
        let line = Line {
            rule: "windows-certificate-enrolment",
            key: &at,
            value: "URL",
            kind: "http",
            port: None,
            service: Some("CertPropSvc"),
            weak: false,
        };
        for target in urls(key.text("URL").unwrap_or_default()) {
            line.say(look, target);
        }
    }
}

#[cfg(test)]
mod tests;
