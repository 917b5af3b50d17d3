//! Shares a person uses: drives, folders and profiles that lie elsewhere, and traces of shares that were visited.

use std::collections::BTreeSet;

use groma_model::name::Protection;
use groma_model::{Peer, Port};

use super::look::{Look, Need};
use super::url::urls;
use super::value::{Target, account, unc};
use crate::Key;

const PROFILES: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
const EXPLORER: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer";
/// Providers whose "servers" are no machines: remote desktops and the host of a guest.
const NO_SERVERS: &[&str] = &[
    "terminal services",
    "vmware",
    "virtualbox",
    "parallels",
    "spice",
];

/// Profiles that are kept on a share (roaming profiles).
pub(super) fn machine(look: &mut Look<'_>) {
    for (at, _, key) in look.below(PROFILES) {
        let path = key.text("CentralProfile").unwrap_or_default().to_owned();
        look.needs_share("windows-profile", &at, "CentralProfile", &path);
    }
}

/// Drives, folders and traces of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    let mut told = BTreeSet::new();
    for (at, _, key) in look.below(&format!(r"{hive}\Network")) {
        if let Some(target) = drive(&key) {
            told.insert((target.peer.clone(), target.resource.clone()));
            look.needs(need("windows-drive", &at, "RemotePath", target, false));
        }
    }
    let folders = format!(r"{hive}\{EXPLORER}\User Shell Folders");
    for (name, value) in look.key(&folders).values {
        let path = value.text().unwrap_or_default();
        look.needs_share("windows-folder", &folders, &name, path);
    }
    visited(look, hive, &told);
}

/// Shares somebody opened once. One that is a drive as well is told already.
fn visited(look: &mut Look<'_>, hive: &str, told: &BTreeSet<(Peer, Option<String>)>) {
    let mounts = format!(r"{hive}\{EXPLORER}\MountPoints2");
    for name in look.key(&mounts).keys {
        // `##server#share` stands for `\\server\share`.
        let target = name
            .starts_with("##")
            .then(|| unc(&name.replace('#', "\\")));
        trace(look, &mounts, &name, target.flatten(), told);
    }
    let typed = format!(r"{hive}\{EXPLORER}\Map Network Drive MRU");
    for (name, value) in look.key(&typed).values {
        let target = value.text().and_then(unc);
        trace(look, &typed, &name, target, told);
    }
}

fn trace(
    look: &mut Look<'_>,
    key: &str,
    value: &str,
    target: Option<Target>,
    told: &BTreeSet<(Peer, Option<String>)>,
) {
    let is_new = |t: &Target| !told.contains(&(t.peer.clone(), t.resource.clone()));
    if let Some(target) = target.filter(is_new) {
        look.needs(need("windows-share-visited", key, value, target, true));
    }
}

fn need<'n>(
    rule: &'static str,
    key: &'n str,
    value: &'n str,
    target: Target,
    weak: bool,
) -> Need<'n> {
    Need {
        rule,
        key,
        value,
        kind: "smb",
        port: Some(445),
        target,
        reader: None,
        weak,
    }
}

/// A drive that is connected at logon: where it leads, and as whom.
fn drive(key: &Key) -> Option<Target> {
    let path = key.text("RemotePath")?;
    let provider = key.text("ProviderName").unwrap_or_default().to_lowercase();
    if NO_SERVERS.iter().any(|name| provider.contains(name)) {
        return None;
    }
    let mut target = unc(path).or_else(|| urls(path).into_iter().next())?;
    if provider.contains("nfs") {
        target.kind = Some("nfs");
        target.default_port = Some(Port(2049));
    }
    // The WebDAV provider takes `\\server\folder` for `http://server/folder`.
    if provider.contains("web client") && target.kind.is_none() {
        target.kind = Some("http");
        let is_tls = target.protection == Some(Protection::Tls);
        target.default_port = Some(Port(if is_tls { 443 } else { 80 }));
    }
    target.account = key.text("UserName").and_then(account);
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, shown};

    #[test]
    fn drives_folders_and_visits_name_file_servers() {
        let export = r#"Windows Registry Editor Version 5.00

[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\P]
"RemotePath"="\\\\files1.corp.example\\projects"
"UserName"="CORP\\leo"
"ProviderName"="Microsoft Windows Network"
"ConnectionType"=dword:00000001

[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\Q]
"RemotePath"="\\\\corp.example\\dfs\\office"
"UserName"=dword:00000000

[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\W]
"RemotePath"="\\\\web1.corp.example@SSL\\DavWWWRoot\\team"
"ProviderName"="Web Client Network"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\N]
"RemotePath"="\\\\nas1\\export"
"ProviderName"="NFS Network"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2\##files1.corp.example#projects]
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2\##files2#scan#in]
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\Map Network Drive MRU]
"a"="\\\\files3\\old"
"MRUList"="a"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders]
"Personal"="\\\\files1.corp.example\\home$\\leo\\Documents"

[HKEY_USERS\S-1-5-18\Network\S]
"RemotePath"="\\\\files9\\spool"

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001]
"CentralProfile"="\\\\files1.corp.example\\profiles$\\leo.V6"
"#;
        assert_eq!(
            shown(&said(export)),
            [
                "windows-profile CentralProfile -> smb files1.corp.example 445/tcp, resource profiles$/leo.V6",
                "windows-drive RemotePath -> nfs nas1 2049/tcp, resource export",
                r"windows-drive RemotePath -> smb files1.corp.example 445/tcp, resource projects, account CORP\leo",
                "windows-drive RemotePath -> smb corp.example 445/tcp, resource dfs/office",
                "windows-drive RemotePath -> http web1.corp.example 443/tcp, resource team, Tls",
                "windows-folder Personal -> smb files1.corp.example 445/tcp, resource home$/leo/Documents",
                "windows-share-visited ##files2#scan#in -> smb files2 445/tcp, resource scan/in, weak",
                "windows-share-visited a -> smb files3 445/tcp, resource old, weak",
                "windows-drive RemotePath -> smb files9 445/tcp, resource spool",
            ]
        );
    }

    #[test]
    fn drives_that_lead_nowhere_else_are_silent() {
        let export = r#"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\P]
"RemotePath"="\\\\tsclient\\C"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\Q]
"RemotePath"="\\\\APP1\\projects"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\R]
"RemotePath"="\\\\host1\\Shared Folders"
"ProviderName"="VMware Shared Folders"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Network\T]
"RemotePath"="\\\\localhost\\c$"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders]
"Personal"=hex(2):25,00,55,00,53,00,45,00,52,00,50,00,52,00,4f,00,46,00,49,00,4c,00,45,00,25,00,5c,00,44,00,00,00
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2\{0b0e0f10-0000-0000-0000-000000000000}]
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2\##tsclient#D]
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001]
"ProfileImagePath"="C:\\Users\\leo"
"#;
        assert_eq!(shown(&said(export)), Vec::<String>::new());
    }
}
