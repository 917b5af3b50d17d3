//! Profiles of Mozilla programs: which of them a program still opens (`profiles.ini`, `installs.ini`).

use std::path::Path;

use groma_knowledge::rules::Format;
use groma_source::Disk;

use crate::format;
use crate::text::decode;

/// A list of profiles is a page; what is longer is none.
const LIST_MAX: u64 = 64 << 10;

/// True for the settings of a profile that lies beside the one in use and is not opened by itself.
pub(crate) fn is_idle(disk: &dyn Disk, path: &Path) -> bool {
    if path.file_name().is_none_or(|name| name != "prefs.js") {
        return false;
    }
    let Some(directory) = path.parent() else {
        return false;
    };
    // Firefox on Windows and Mac puts profiles one level deeper, below `Profiles`.
    let lists = directory.ancestors().skip(1).take(2);
    let Some(name) = directory.file_name().and_then(|n| n.to_str()) else {
        return false;
    };
    lists
        .into_iter()
        .map(|at| in_use(disk, at))
        .find(|used| !used.is_empty())
        .is_some_and(|used| !used.iter().any(|u| u == name))
}

/// Names of the profiles the lists in `directory` open by default; none where there is no list.
fn in_use(disk: &dyn Disk, directory: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for list in ["installs.ini", "profiles.ini"] {
        let Ok(read) = disk.read(&directory.join(list), LIST_MAX) else {
            continue;
        };
        let Some(text) = decode(&read.bytes) else {
            continue;
        };
        let settings = format::read(Format::Ini, &[], &text).all;
        for setting in settings.iter().filter(|s| s.key == "Default") {
            if setting.value != "1" {
                out.push(last(&setting.value));
                continue;
            }
            let path = settings
                .iter()
                .find(|s| s.group == setting.group && s.key == "Path");
            out.extend(path.map(|p| last(&p.value)));
        }
    }
    out
}

fn last(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    #[test]
    fn a_profile_nobody_opens_is_idle() {
        let disk = FakeDisk::new()
            .file(
                "/home/a/.thunderbird/profiles.ini",
                "[Profile0]\nPath=new.default\nDefault=1\n[Profile1]\nPath=old.default\n",
            )
            .file("/home/a/.mozilla/firefox/x.default/prefs.js", "");
        let idle = |path: &str| is_idle(&disk, Path::new(path));
        assert!(idle("/home/a/.thunderbird/old.default/prefs.js"));
        assert!(!idle("/home/a/.thunderbird/new.default/prefs.js"));
        assert!(!idle("/home/a/.mozilla/firefox/x.default/prefs.js"));
        assert!(!idle("/home/a/.thunderbird/old.default/user.js"));
    }
}
