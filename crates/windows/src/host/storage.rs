//! `host.storage`: drives, which of them live on another machine, and how full the local ones are.

use groma_model::fact::{FileSystem, Measurement, RemoteStorage};
use groma_model::{Fact, Foreign, Peer, Port, Reason};

use super::{SERVICES, measured};
use crate::{Area, Machine, Part, Said, Volume, VolumeKind};

/// Drives of the machine.
pub(crate) const AREA: Area = Area {
    name: "host.storage",
    purpose: "Tells which drives the machine has, which of them live on another machine, and how full the local ones are.",
    reads: &[
        "the drives with type, size and free space; a remote one is never asked, it may hang",
        r"HKLM\SYSTEM\CurrentControlSet\Services\MSiSCSI (whether it starts)",
    ],
    never_sends: &[
        "names of files on a drive",
        "secrets of the iSCSI initiator",
    ],
    read: storage,
};

/// Port of SMB over TCP.
const SMB: Port = Port(445);
/// Port of NFS (RFC 7530 §3.1).
const NFS: Port = Port(2049);

fn storage(machine: &Machine<'_>) -> Vec<Said> {
    let mut part = Part::begin("mounts", "/");
    if let Some(reason) = machine.rows.missing("volumes") {
        part.missed("drives", reason.clone());
    }
    for volume in &machine.rows.volumes {
        tell(&mut part, volume);
    }
    vec![part.close(), look_at_initiator(machine)]
}

fn tell(part: &mut Part, volume: &Volume) {
    let is_remote = volume.kind == VolumeKind::Remote;
    // A partition nobody can enter is no file system, and neither is an empty tray.
    if volume.mount_point.is_empty() {
        return;
    }
    if !is_remote && volume.bytes.is_none_or(|bytes| bytes == 0) {
        let may_be_empty = matches!(volume.kind, VolumeKind::Removable | VolumeKind::Optical);
        if may_be_empty || volume.file_system.is_empty() {
            return;
        }
    }
    let mount_point = Foreign::from(volume.mount_point.as_str());
    let remote = match is_remote {
        true => remote(volume),
        false => None,
    };
    if is_remote && remote.is_none() {
        part.missed(format!("the server of {mount_point}"), Reason::Unsupported);
    }
    part.saw(Fact::FileSystem(FileSystem {
        mount_point: mount_point.clone(),
        device: volume.device.as_str().into(),
        kind: kind(volume, remote.as_ref()),
        bytes: volume.bytes.filter(|_| !is_remote),
        remote,
    }));
    let space = volume.bytes.zip(volume.free_bytes);
    for (metric, value) in space.filter(|_| !is_remote).into_iter().flat_map(metrics) {
        part.saw(Fact::Measurement(Measurement {
            metric: metric.into(),
            subject: mount_point.clone(),
            value,
        }));
    }
}

fn metrics((bytes, free): (u64, u64)) -> [(&'static str, f64); 2] {
    [
        (
            "file_system_used_bytes",
            measured(bytes.saturating_sub(free)),
        ),
        ("file_system_free_bytes", measured(free)),
    ]
}

fn kind(volume: &Volume, remote: Option<&RemoteStorage>) -> String {
    match remote {
        Some(remote) => remote.kind.clone(),
        None => volume.file_system.to_ascii_lowercase(),
    }
}

/// The other end of `\\server\share\…`. `\\server@SSL@8443\…` is WebDAV, of which no more is known here.
fn remote(volume: &Volume) -> Option<RemoteStorage> {
    let path = volume.device.strip_prefix(r"\\")?;
    let (server, resource) = path.split_once('\\')?;
    let is_nfs = volume.file_system.eq_ignore_ascii_case("NFS");
    let (kind, port) = if is_nfs { ("nfs", NFS) } else { ("smb", SMB) };
    let resource = resource.trim_end_matches('\\');
    let named = !server.contains('@') && !server.starts_with(['?', '.']) && !resource.is_empty();
    let peer = literal(server).or_else(|| Peer::parse(server));
    Some(RemoteStorage {
        kind: kind.into(),
        peer: peer.filter(|_| named)?,
        port: Some(port),
        resource: resource.into(),
        account: None,
    })
}

/// An address of IPv6 as it stands in a path: `fd00--1.ipv6-literal.net`, dashes for colons.
fn literal(server: &str) -> Option<Peer> {
    let lower = server.to_ascii_lowercase();
    let address = lower.strip_suffix(".ipv6-literal.net")?;
    let address = address.split('s').next()?.replace('-', ":");
    address.parse().ok().map(Peer::Address)
}

/// The initiator keeps its targets in a form no page of the vendor describes; that it starts with the machine says that
/// somebody uses it.
fn look_at_initiator(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("iscsi", "/");
    let path = format!(r"{SERVICES}\MSiSCSI");
    let service = part.or_missed(&path, machine.registry.key(&path));
    let starts = service.and_then(|key| key.number("Start"));
    if starts.is_some_and(|start| start <= 2) {
        part.missed_with(
            "targets of the iSCSI initiator, which starts with the machine",
            Reason::Unsupported,
            "look at Get-IscsiTargetPortal and Get-IscsiSession on the machine",
        );
    }
    part.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{facts, missed, said};
    use crate::{Rows, Value, WrittenRegistry};

    fn volume(mount_point: &str, device: &str, kind: VolumeKind, file_system: &str) -> Volume {
        Volume {
            mount_point: mount_point.into(),
            device: device.into(),
            kind,
            file_system: file_system.into(),
            bytes: Some(100),
            free_bytes: Some(40),
        }
    }

    fn told(volumes: Vec<Volume>) -> (Vec<String>, Vec<String>) {
        let rows = Rows {
            volumes,
            ..Rows::default()
        };
        let said = said(&AREA, &WrittenRegistry::default(), &rows);
        let lines = facts(&said).map(|fact| match fact {
            Fact::FileSystem(one) => {
                let remote = one.remote.as_ref();
                let remote = remote.map(|far| {
                    format!(
                        " {} {}:{} {}",
                        far.kind,
                        far.peer,
                        far.port.unwrap(),
                        far.resource
                    )
                });
                let (at, kind, bytes) = (&one.mount_point, &one.kind, one.bytes);
                format!("{at} {kind} {bytes:?}{}", remote.unwrap_or_default())
            }
            Fact::Measurement(one) => format!("{} {} {}", one.metric, one.subject, one.value),
            other => format!("{other:?}"),
        });
        (lines.collect(), missed(&said))
    }

    #[test]
    fn a_drive_says_its_size_and_how_full_it_is() {
        let (lines, gaps) = told(vec![volume(
            r"C:\",
            r"\\?\Volume{1}\",
            VolumeKind::Fixed,
            "NTFS",
        )]);
        assert_eq!(
            lines,
            [
                r"C:\ ntfs Some(100)",
                r"file_system_used_bytes C:\ 60",
                r"file_system_free_bytes C:\ 40"
            ]
        );
        assert!(gaps.is_empty());
    }

    #[test]
    fn a_remote_drive_names_its_server_and_no_size() {
        let (lines, gaps) = told(vec![
            volume(
                r"X:\",
                r"\\fs1.corp.example\plans\a",
                VolumeKind::Remote,
                "NTFS",
            ),
            volume(r"Y:\", r"\\10.0.0.9\export", VolumeKind::Remote, "NFS"),
            volume(
                r"Z:\",
                r"\\fd00--9.ipv6-literal.net\s",
                VolumeKind::Remote,
                "",
            ),
        ]);
        assert_eq!(
            lines,
            [
                r"X:\ smb None smb fs1.corp.example:445 plans\a",
                r"Y:\ nfs None nfs 10.0.0.9:2049 export",
                r"Z:\ smb None smb fd00::9:445 s"
            ]
        );
        assert!(gaps.is_empty());
    }

    #[test]
    fn a_folder_of_the_web_is_no_share_and_an_empty_tray_is_nothing() {
        let mut empty = volume(r"D:\", "", VolumeKind::Optical, "");
        empty.bytes = None;
        let web = volume(
            r"W:\",
            r"\\dav.example@SSL\DavWWWRoot",
            VolumeKind::Remote,
            "",
        );
        let hidden = volume("", r"\\?\Volume{2}\", VolumeKind::Fixed, "NTFS");
        let (lines, gaps) = told(vec![empty, web, hidden]);
        assert_eq!(lines, [r"W:\  None"]);
        assert_eq!(gaps, [r"mounts:: the server of W:\"]);
    }

    #[test]
    fn an_initiator_that_starts_has_targets_we_do_not_know() {
        let initiator = |start| {
            let path = format!(r"{SERVICES}\MSiSCSI");
            let registry = WrittenRegistry::default().with(&path, "Start", Value::Number(start));
            missed(&said(&AREA, &registry, &Rows::default())).len()
        };
        assert_eq!((initiator(2), initiator(3)), (1, 0));
    }
}
