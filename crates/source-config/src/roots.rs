//! Where to look on a machine of Windows: the drives, and what stands at the top of each.

use std::path::{Path, PathBuf};

use groma_knowledge::rules::SILENCE;
use groma_source::{Disk, EntryKind};

use crate::judged::{is_on_a_drive, judged};
use crate::silence::is_silent_name;

/// Directories at the top of one drive.
const TOPS_MAX: usize = 256;

/// What to look at on `drives`: each drive for the files at its top, and every directory there but those that hold nobody's
/// settings.
pub(crate) fn of_drives(disk: &dyn Disk, drives: &[PathBuf]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for drive in drives {
        out.push(drive.clone());
        let tops = disk.list(drive, TOPS_MAX).unwrap_or_default();
        let tops = tops
            .into_iter()
            .filter(|top| top.kind == EntryKind::Directory);
        out.extend(tops.map(|top| top.path).filter(|path| !is_nobodys(path)));
    }
    out
}

/// True for the bin of a drive and the like, and for copies.
fn is_nobodys(path: &Path) -> bool {
    let path = judged(path);
    let name = path.rsplit('/').next().unwrap_or(&path);
    is_silent_name(name) || SILENCE.drive_tops.iter().any(|top| top == name)
}

/// True for a whole drive: its directories are roots of their own.
pub(crate) fn is_drive(path: &Path) -> bool {
    let path = judged(path);
    is_on_a_drive(&path) && !path.trim_end_matches('/').contains('/')
}

/// True for a directory at the top of a drive that no set-up of Windows makes: `d:/apps`, `c:/scripts`.
pub(crate) fn is_own_top(path: &Path) -> bool {
    let path = judged(path);
    let Some((drive, name)) = path.split_once('/') else {
        return false;
    };
    let made = [
        "windows",
        "program files",
        "program files (x86)",
        "programdata",
        "users",
        "inetpub",
    ];
    is_on_a_drive(drive) && !name.contains('/') && !made.contains(&name)
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    #[test]
    fn drives_give_their_tops_without_what_is_nobodys() {
        let disk = FakeDisk::new()
            .file("C:/Windows/x", "")
            .file("C:/$Recycle.Bin/x", "")
            .file("C:/System Volume Information/x", "")
            .file("C:/backup.cmd", "")
            .file("D:/Apps/x", "")
            .file("D:/Backup/x", "")
            .file("D:/Temp/x", "");
        let drives = groma_source::disk::drives(&disk);
        let roots = of_drives(&disk, &drives);
        let shown: Vec<_> = roots
            .iter()
            .map(|r| judged(r).trim_end_matches('/').to_owned())
            .collect();
        assert_eq!(shown, ["c:", "c:/windows", "d:", "d:/apps"]);
        assert!(
            is_drive(Path::new(r"C:\"))
                && !is_drive(Path::new(r"C:\Apps"))
                && !is_drive(Path::new("/"))
        );
        assert!(is_own_top(Path::new(r"D:\Apps")) && !is_own_top(Path::new(r"C:\Users")));
        assert!(!is_own_top(Path::new(r"D:\Apps\Erp")) && !is_own_top(Path::new("/srv")));
    }
}
