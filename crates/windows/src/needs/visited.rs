//! Machines a person once spoke to with a remote desktop, PuTTY or WinSCP: traces, no needs.

use groma_model::Port;

use super::look::{Look, Need};
use super::value::{Target, account, host, peer, port};
use crate::Key;

const REMOTE_DESKTOP: &str = r"Software\Microsoft\Terminal Server Client";
/// PuTTY, and programs that took its registry along.
const PUTTY: &[&str] = &[r"Software\SimonTatham\PuTTY", r"Software\9bis.com\KiTTY"];
const WINSCP: &str = r"Software\Martin Prikryl\WinSCP 2\Sessions";

/// Traces of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    remote_desktops(look, &format!(r"{hive}\{REMOTE_DESKTOP}"));
    for program in PUTTY {
        for (at, _, key) in look.below(&format!(r"{hive}\{program}\Sessions")) {
            if let Some((kind, target)) = putty(&key) {
                trace(look, "windows-putty-session", &at, "HostName", kind, target);
            }
        }
        let keys = format!(r"{hive}\{program}\SshHostKeys");
        for (name, _) in look.key(&keys).values {
            if let Some(target) = host_key(&name) {
                trace(look, "windows-putty-host-key", &keys, &name, "ssh", target);
            }
        }
    }
    for (at, _, key) in look.below(&format!(r"{hive}\{WINSCP}")) {
        if let Some((kind, target)) = winscp(&key) {
            trace(
                look,
                "windows-winscp-session",
                &at,
                "HostName",
                kind,
                target,
            );
        }
    }
}

fn remote_desktops(look: &mut Look<'_>, path: &str) {
    for (at, name, key) in look.below(&format!(r"{path}\Servers")) {
        if let Some(mut target) = host(&name) {
            target.account = key.text("UsernameHint").and_then(account);
            trace(
                look,
                "windows-remote-desktop",
                &at,
                "UsernameHint",
                "rdp",
                target,
            );
        }
    }
    let typed = format!(r"{path}\Default");
    let key = look.key(&typed);
    for (name, value) in &key.values {
        let is_typed = name.to_ascii_uppercase().starts_with("MRU");
        if let Some(target) = value.text().filter(|_| is_typed).and_then(host) {
            trace(look, "windows-remote-desktop", &typed, name, "rdp", target);
        }
    }
}

fn trace(
    look: &mut Look<'_>,
    rule: &'static str,
    key: &str,
    value: &str,
    kind: &str,
    mut target: Target,
) {
    let usual = match kind {
        "rdp" => 3389,
        "telnet" => 23,
        "ftp" => 21,
        _ => 22,
    };
    target.default_port = target.default_port.or(Some(Port(usual)));
    look.needs(Need {
        rule,
        key,
        value,
        kind,
        port: None,
        target,
        reader: None,
        weak: true,
    });
}

/// A session of PuTTY; a serial line is no machine.
fn putty(key: &Key) -> Option<(&'static str, Target)> {
    let kind = match key.text("Protocol").unwrap_or("ssh") {
        "ssh" => "ssh",
        "telnet" => "telnet",
        "raw" | "rlogin" | "supdup" => "other",
        _ => return None,
    };
    let mut target = with_account(key.text("HostName")?)?;
    target.port = key.number("PortNumber").and_then(number);
    target.account = key.text("UserName").and_then(account).or(target.account);
    Some((kind, target))
}

/// `account@host`.
fn with_account(text: &str) -> Option<Target> {
    let (name, server) = text.rsplit_once('@').unwrap_or(("", text));
    let mut target = Target::new(peer(server)?, None);
    target.account = account(name);
    Some(target)
}

/// `ssh-ed25519@22:host`, the name of a value.
fn host_key(name: &str) -> Option<Target> {
    let (digits, server) = name.split_once('@')?.1.split_once(':')?;
    Some(Target::new(peer(server)?, port(digits)))
}

/// A session of WinSCP: 5 is FTP, 6 WebDAV, 7 S3, everything else speaks SSH.
fn winscp(key: &Key) -> Option<(&'static str, Target)> {
    let (kind, usual) = match key.number("FSProtocol") {
        Some(5) => ("ftp", 21),
        Some(6 | 7) => ("http", 443),
        _ => ("ssh", 22),
    };
    let mut target = Target::new(peer(key.text("HostName")?)?, None);
    target.port = key.number("PortNumber").and_then(number);
    target.default_port = Some(Port(usual));
    target.account = key.text("UserName").and_then(account);
    target.has_secret = key.text("Password").is_some();
    Some((kind, target))
}

fn number(number: u64) -> Option<Port> {
    port(&number.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};

    #[test]
    fn whom_a_person_visited_is_a_trace() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Terminal Server Client\Servers\ts1.corp.example]
"UsernameHint"="CORP\\leo"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Terminal Server Client\Default]
"MRU0"="ts2:3390"
"Other"="ghost"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\SimonTatham\PuTTY\Sessions\web%20server]
"HostName"="root@web1.corp.example"
"PortNumber"=dword:000008ae
"Protocol"="ssh"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\SimonTatham\PuTTY\SshHostKeys]
"ssh-ed25519@22:192.0.2.30"="0x0,0x1"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Martin Prikryl\WinSCP 2\Sessions\upload]
"HostName"="ftp1.corp.example"
"FSProtocol"=dword:00000005
"UserName"="upload"
"Password"="canary"
"#;
        let found = said(export);
        assert_eq!(
            shown(&found),
            [
                r"windows-remote-desktop UsernameHint -> rdp ts1.corp.example 3389/tcp, account CORP\leo, weak",
                "windows-remote-desktop MRU0 -> rdp ts2 3390/tcp, weak",
                "windows-putty-session HostName -> ssh web1.corp.example 2222/tcp, account root, weak",
                "windows-putty-host-key ssh-ed25519@22:192.0.2.30 -> ssh 192.0.2.30 22/tcp, weak",
                "windows-winscp-session HostName -> ftp ftp1.corp.example 21/tcp, account upload, secret, weak",
            ]
        );
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn sessions_without_a_machine_are_silent() {
        let export = r#"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\SimonTatham\PuTTY\Sessions\Default%20Settings]
"HostName"=""
"Protocol"="ssh"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\SimonTatham\PuTTY\Sessions\console]
"HostName"="switch1"
"Protocol"="serial"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Terminal Server Client\Servers\localhost]
"UsernameHint"="a"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Martin Prikryl\WinSCP 2\Sessions\Default%20Settings]
"PortNumber"=dword:00000016
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            let _ = (super::host_key(&text), super::with_account(&text));
            let _ = super::host_key(&format!("x@{text}:{text}"));
        }
    }
}
