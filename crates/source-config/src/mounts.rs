//! Directories of this machine that lie on another one: the file system table and the automounter's maps.

use std::path::Path;

use groma_knowledge::rules::{Format, Rule};
use groma_source::Disk;

use crate::format;
use crate::glob::capture;
use crate::settings::{Setting, Settings};
use crate::text::decode;

const FILE_MAX: u64 = 1 << 20;
/// Mounts of one machine.
const MOUNTS_MAX: usize = 4_096;
/// The kind of a reference that says where something is kept, not who is called.
const STORED_ON: &str = "stored-on";

/// Where remote directories are mounted.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    /// Mount point, and what lies there as `//host/share`.
    points: Vec<(String, String)>,
}

impl Mounts {
    /// Reads `/etc/fstab`, `/etc/auto.master` and the maps it names.
    pub(crate) fn look(disk: &dyn Disk) -> Self {
        let mut mounts = Self::default();
        for row in rows(disk, "/etc/fstab") {
            if let [what, point, kind, ..] = row.as_slice()
                && is_remote(kind)
            {
                mounts.add(point, what);
            }
        }
        for row in rows(disk, "/etc/auto.master") {
            if let [point, map, ..] = row.as_slice() {
                mounts.look_at_map(disk, point, map.trim_start_matches("file:"));
            }
        }
        mounts
    }

    /// Key, options (perhaps) and location, below `point`; of a direct map (`/-`) the key is the whole path.
    fn look_at_map(&mut self, disk: &dyn Disk, point: &str, map: &str) {
        if !map.starts_with('/') {
            return;
        }
        for row in rows(disk, map) {
            let (Some(key), Some(location)) = (row.first(), row.last()) else {
                continue;
            };
            let location = location.trim_start_matches(':');
            if point == "/-" {
                self.add(key, location);
            } else if key != "*" {
                self.add(&format!("{}/{key}", point.trim_end_matches('/')), location);
            }
        }
    }

    fn add(&mut self, point: &str, what: &str) {
        let point = point.trim_end_matches('/');
        if point.is_empty() || self.points.len() >= MOUNTS_MAX {
            return;
        }
        let share = if what.starts_with("//") {
            what.to_owned()
        } else if let Some((host, path)) = what.split_once(":/") {
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("//{host}/{path}")
        } else {
            return;
        };
        self.points.push((point.to_owned(), share));
    }

    /// Paths that say where something is stored are spelt as the share they lie on.
    pub(crate) fn spell_out(&self, rule: &Rule, settings: &mut Settings) {
        if self.points.is_empty() {
            return;
        }
        for take in rule.take.iter().filter(|take| take.kind == STORED_ON) {
            let stored = |setting: &&mut Setting| {
                let key = setting.key.to_ascii_lowercase();
                setting.value.starts_with('/')
                    && take.keys.iter().any(|k| capture(k, &key).is_some())
            };
            for setting in settings.all.iter_mut().filter(stored) {
                if let Some(share) = self.share_of(&setting.value) {
                    setting.value = share;
                }
            }
        }
    }

    fn share_of(&self, path: &str) -> Option<String> {
        let below = |point: &str| {
            let rest = path.strip_prefix(point)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        self.points
            .iter()
            .filter_map(|(point, share)| below(point).map(|rest| (point.len(), share, rest)))
            .max_by_key(|(length, _, _)| *length)
            .map(|(_, share, rest)| format!("{}{rest}", share.trim_end_matches('/')))
    }
}

fn is_remote(kind: &str) -> bool {
    matches!(
        kind,
        "cifs" | "smbfs" | "smb3" | "nfs" | "nfs4" | "fuse.sshfs" | "sshfs"
    )
}

/// Columns of every line, without their options' parts.
fn rows(disk: &dyn Disk, path: &str) -> Vec<Vec<String>> {
    let Ok(read) = disk.read(Path::new(path), FILE_MAX) else {
        return Vec::new();
    };
    let Some(text) = decode(&read.bytes) else {
        return Vec::new();
    };
    let mut rows: Vec<(u32, Vec<String>)> = Vec::new();
    let settings = format::read(Format::Columns, &[], &text);
    for setting in settings.all.into_iter().filter(|s| !s.key.contains('.')) {
        match rows.last_mut() {
            Some((group, row)) if *group == setting.group => row.push(setting.value),
            _ => rows.push((setting.group, vec![setting.value])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    #[test]
    fn a_path_below_a_mount_is_the_share_it_lies_on() {
        let disk = FakeDisk::new()
            .file(
                "/etc/fstab",
                "UUID=1 / ext4 defaults 0 1\n//files1/projects /media/projects cifs user,vers=3.0 0 0\nnas1:/export/mail /srv/mail nfs4 ro 0 0\n#//old/x /media/x cifs user 0 0\n",
            )
            .file("/etc/auto.master", "/net/house /etc/auto.house --timeout=60\n+dir:/etc/auto.master.d\n")
            .file("/etc/auto.house", "scan -fstype=cifs ://files2/scan\n");
        let mounts = Mounts::look(&disk);
        let of = |path: &str| mounts.share_of(path);
        assert_eq!(
            of("/media/projects/a").as_deref(),
            Some("//files1/projects/a")
        );
        assert_eq!(of("/srv/mail").as_deref(), Some("//nas1/export/mail"));
        assert_eq!(of("/net/house/scan/b").as_deref(), Some("//files2/scan/b"));
        assert_eq!(of("/media/projects2/a"), None);
        assert_eq!(of("/media/x/a"), None);
    }

    #[test]
    fn no_table_breaks_the_reader() {
        groma_fuzz::hammer(
            200,
            &[b"//a/b /c cifs x=1,y 0 0\nh:/e /m nfs\n".as_slice()],
            |bytes| {
                let disk = FakeDisk::new().file("/etc/fstab", bytes.to_vec());
                let _ = Mounts::look(&disk).share_of("/c/d");
            },
        );
    }
}
