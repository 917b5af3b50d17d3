//! What a mounted device's text says: a server, an export, an account — and never a password. Pure.

use groma_model::fact::RemoteStorage;
use groma_model::{Foreign, Peer, Port};

/// Port of NFS (RFC 7530 §3.1), also the convention for version 3.
const NFS: Port = Port(2049);
/// Port of SMB over TCP.
const SMB: Port = Port(445);
/// Port of SSH.
const SSH: Port = Port(22);

/// A device without what must not leave the host, and what was learnt from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Device {
    pub(crate) text: Foreign,
    pub(crate) remote: Option<RemoteStorage>,
}

/// Reads the device of a mount of `kind` with its `options`.
pub(crate) fn read(kind: &str, device: &[u8], options: &[u8]) -> Device {
    let (clean, written_account) = without_credentials(device);
    let remote = match kind {
        "nfs" | "nfs4" => nfs(&clean, options),
        "cifs" | "smb3" | "smbfs" => smb(&clean, options, written_account),
        "fuse.sshfs" => sshfs(&clean, written_account),
        _ => iscsi(&clean),
    };
    Device {
        text: Foreign::from_bytes(clean),
        remote,
    }
}

/// Cuts `user:password@` out of a device. The password is dropped right here; the user is kept.
fn without_credentials(device: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    let Some(start) = authority_start(device) else {
        return (device.to_vec(), None);
    };
    let (head, rest) = device.split_at(start.min(device.len()));
    let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let at_sign = |text: &[u8]| text.iter().rposition(|b| *b == b'@');
    let cut = at_sign(authority).or_else(|| {
        // A password may hold a slash. Where it could as well be a port, the name is lost rather than the
        // password told; `server:/export` and `[address]:port` are neither.
        let ambiguous = start > 0 && authority.contains(&b':') && !authority.starts_with(b"[");
        at_sign(path).filter(|_| ambiguous).map(|at| at + end)
    });
    let Some(cut) = cut else {
        return (device.to_vec(), None);
    };
    let account = rest
        .get(..cut)
        .unwrap_or_default()
        .split(|b| matches!(b, b':' | b'%'))
        .next()
        .unwrap_or_default();
    let mut clean = head.to_vec();
    clean.extend_from_slice(rest.get(cut + 1..).unwrap_or_default());
    (clean, (!account.is_empty()).then(|| account.to_vec()))
}

/// Where the part with user and host begins: after `scheme://`, after `//`, or at once in `user@host:path`.
fn authority_start(device: &[u8]) -> Option<usize> {
    if device.starts_with(b"//") || device.starts_with(b"\\\\") {
        return Some(2);
    }
    if let Some(at) = device.windows(3).position(|w| w == b"://") {
        return Some(at + 3);
    }
    let local = device.first().is_none_or(|b| *b == b'/') || !device.contains(&b':');
    (!local).then_some(0)
}

/// The value of one mount option.
fn option<'a>(options: &'a [u8], names: &[&str]) -> Option<&'a [u8]> {
    options.split(|b| *b == b',').find_map(|one| {
        let at = one.iter().position(|b| *b == b'=')?;
        let (key, value) = one.split_at(at);
        let value = value.get(1..).filter(|v| !v.is_empty())?;
        names
            .iter()
            .any(|name| key == name.as_bytes())
            .then_some(value)
    })
}

fn port(options: &[u8]) -> Option<Port> {
    let text = std::str::from_utf8(option(options, &["port"])?).ok()?;
    text.parse().ok().filter(|port| *port != 0).map(Port)
}

fn peer(text: &[u8]) -> Option<Peer> {
    Peer::parse(std::str::from_utf8(text).ok()?)
}

/// `server:/export` and `[fd00::1]:/export` (nfs(5)).
fn nfs(device: &[u8], options: &[u8]) -> Option<RemoteStorage> {
    let at = device.windows(2).position(|w| w == b":/")?;
    let (server, export) = device.split_at(at);
    // Replicas are written `a,b:/x`: the first is the one in use.
    let server = server.split(|b| *b == b',').next()?;
    Some(RemoteStorage {
        kind: "nfs".into(),
        peer: peer(server)?,
        port: Some(port(options).unwrap_or(NFS)),
        resource: Foreign::from_bytes(export.get(1..)?),
        account: None,
    })
}

/// `//server/share` (mount.cifs(8)).
fn smb(device: &[u8], options: &[u8], written: Option<Vec<u8>>) -> Option<RemoteStorage> {
    let bare = device
        .strip_prefix(b"//")
        .or_else(|| device.strip_prefix(b"\\\\"))?;
    let end = bare
        .iter()
        .position(|b| matches!(b, b'/' | b'\\'))
        .unwrap_or(bare.len());
    let (server, share) = bare.split_at(end);
    // `user=name%password` is an old spelling: nothing after the sign is looked at.
    let named = option(options, &["username", "user"])
        .map(|v| v.split(|b| *b == b'%').next().unwrap_or_default().to_vec());
    let domain = option(options, &["domain", "dom", "workgroup"]);
    let account =
        named
            .or(written)
            .filter(|account| !account.is_empty())
            .map(|name| match domain {
                Some(domain) if !name.contains(&b'\\') && !name.contains(&b'/') => {
                    [domain, b"\\", &name].concat()
                }
                _ => name,
            });
    Some(RemoteStorage {
        kind: "smb".into(),
        peer: peer(server)?,
        port: Some(port(options).unwrap_or(SMB)),
        resource: Foreign::from_bytes(share.get(1..).unwrap_or_default()),
        account: account.map(Foreign::from_bytes),
    })
}

/// `host:path` after the user was cut off (sshfs(1)).
fn sshfs(device: &[u8], account: Option<Vec<u8>>) -> Option<RemoteStorage> {
    let device = device.strip_prefix(b"sshfs#").unwrap_or(device);
    let at = device.iter().position(|b| *b == b':')?;
    let (server, path) = device.split_at(at);
    Some(RemoteStorage {
        kind: "ssh".into(),
        peer: peer(server)?,
        port: Some(SSH),
        resource: Foreign::from_bytes(path.get(1..)?),
        account: account.map(Foreign::from_bytes),
    })
}

/// The name udev gives a disk by its path: `ip-10.0.0.5:3260-iscsi-iqn.2026-11.example:disk1-lun-0-part1`.
pub(crate) fn iscsi(device: &[u8]) -> Option<RemoteStorage> {
    let name = device.rsplit(|b| *b == b'/').next()?;
    let text = std::str::from_utf8(name.strip_prefix(b"ip-")?).ok()?;
    let (portal, rest) = text.split_once("-iscsi-")?;
    let (target, _) = rest.rsplit_once("-lun-")?;
    let (address, port) = portal.rsplit_once(':')?;
    Some(RemoteStorage {
        kind: "iscsi".into(),
        peer: Peer::parse(address)?,
        port: Some(Port(port.parse().ok()?)),
        resource: target.into(),
        account: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(kind: &str, device: &str, options: &str) -> RemoteStorage {
        read(kind, device.as_bytes(), options.as_bytes())
            .remote
            .unwrap()
    }

    #[test]
    fn an_nfs_export_names_its_server() {
        let nfs = remote(
            "nfs4",
            "nas1.corp.example:/vol/home",
            "rw,vers=4.2,addr=10.0.0.7",
        );
        assert_eq!(
            (nfs.peer.to_string().as_str(), nfs.port, nfs.resource),
            ("nas1.corp.example", Some(Port(2049)), "/vol/home".into())
        );
        let v6 = remote("nfs", "[fd00::7]:/x", "rw,port=20490");
        assert_eq!(
            (v6.peer.to_string().as_str(), v6.port),
            ("fd00::7", Some(Port(20490)))
        );
    }

    #[test]
    fn a_share_names_server_share_and_account() {
        let smb = remote(
            "cifs",
            "//files1/scans",
            "rw,username=svc-scan,domain=CORP,password=hunter2",
        );
        assert_eq!(
            (smb.kind.as_str(), smb.peer.to_string().as_str()),
            ("smb", "files1")
        );
        assert_eq!(
            (smb.resource, smb.account.unwrap()),
            ("scans".into(), "CORP\\svc-scan".into())
        );
    }

    #[test]
    fn no_spelling_of_a_password_survives() {
        let spellings: &[(&str, &str, &str)] = &[
            ("cifs", "//bob:s3cr3t@files1/scans", "rw"),
            ("cifs", "//bob:s3c/r3t@files1/scans", "rw"),
            ("cifs", "//bob:12/s3c@files1/scans", "rw"),
            ("cifs", "//bob:s3c@r3t@files1/scans", "rw"),
            ("cifs", "//files1/scans", "rw,user=bob%s3cr3t,pass=s3cr3t"),
            ("cifs", "//bob%s3cr3t@files1/scans", "rw,password2=s3cr3t"),
            ("fuse.sshfs", "bob:s3cr3t@files1:/srv", "rw"),
            ("davfs", "https://bob:s3cr3t@files1/dav", "rw"),
            ("fuse", "curlftpfs#ftp://bob:s3c/r3t@files1/", "rw"),
        ];
        for (kind, device, options) in spellings {
            let said = format!("{:?}", read(kind, device.as_bytes(), options.as_bytes()));
            assert!(
                !said.contains("s3c") && !said.contains("r3t"),
                "{device} {options}: {said}"
            );
            assert!(said.contains("files1"), "{said}");
        }
    }

    #[test]
    fn an_at_sign_in_a_path_is_no_password() {
        for device in [
            "//files1/a@b",
            "https://[fd00::1]:443/a@b",
            "/dev/mapper/x@y",
            "nas1:/vol@2",
        ] {
            assert_eq!(read("cifs", device.as_bytes(), b"").text, device.into());
        }
    }

    #[test]
    fn a_disk_by_path_names_its_portal_and_target() {
        let iscsi = iscsi(b"/dev/disk/by-path/ip-10.0.0.5:3260-iscsi-iqn.2026-11.example.corp:db-disk-lun-0-part1").unwrap();
        assert_eq!(
            (iscsi.peer.to_string().as_str(), iscsi.port),
            ("10.0.0.5", Some(Port(3260)))
        );
        assert_eq!(iscsi.resource, "iqn.2026-11.example.corp:db-disk".into());
        assert_eq!(
            super::iscsi(b"/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
            None
        );
    }

    #[test]
    fn a_local_device_has_no_other_end() {
        assert_eq!(read("ext4", b"/dev/mapper/vg0-root", b"rw").remote, None);
        assert_eq!(read("nfs", b"not an export", b"rw").remote, None);
    }

    #[test]
    fn hammered_devices_never_panic() {
        let corpus: &[&[u8]] = &[
            b"//bob:s3c/r3t@files1/scans",
            b"nas1:/vol",
            b"ip-10.0.0.5:3260-iscsi-iqn.x-lun-0",
            b"user=bob%x,port=1",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            for kind in ["nfs", "cifs", "fuse.sshfs", "ext4"] {
                read(kind, bytes, bytes);
            }
        });
    }

    proptest::proptest! {
        #[test]
        fn a_password_between_colon_and_at_never_survives(user in "[a-z]{1,8}", password in "[A-Z/%:@]{1,12}X", host in "[a-z]{1,8}") {
            let device = format!("//{user}:{password}@{host}/share");
            let said = format!("{:?}", read("cifs", device.as_bytes(), b""));
            proptest::prop_assert!(!said.contains(&password), "{}", said);
        }
    }
}
