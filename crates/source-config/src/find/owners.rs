//! Which package brought a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_source::Disk;

const LISTS: &str = "/var/lib/dpkg/info";
const LISTS_MAX: usize = 100_000;
const LIST_BYTES_MAX: u64 = 8 << 20;

/// The package each of `files` belongs to, by the lists of dpkg; a file of no package is not in the answer.
/// On a machine without these lists nothing is known.
pub fn packages_of(disk: &dyn Disk, files: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    if files.is_empty() {
        return out;
    }
    for entry in disk.list(Path::new(LISTS), LISTS_MAX).unwrap_or_default() {
        let name = entry.path.file_name().and_then(|n| n.to_str());
        let Some(package) = name.and_then(|n| n.strip_suffix(".list")) else {
            continue;
        };
        let Ok(read) = disk.read(&entry.path, LIST_BYTES_MAX) else {
            continue;
        };
        let package = package.split(':').next().unwrap_or(package);
        for line in String::from_utf8_lossy(&read.bytes).lines() {
            if files.contains(line) {
                out.insert(line.to_owned(), package.to_owned());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    #[test]
    fn a_file_is_known_by_the_list_of_its_package() {
        let disk = FakeDisk::new().file(
            "/var/lib/dpkg/info/postfix:amd64.list",
            "/.\n/etc/postfix/main.cf\n",
        );
        let files = ["/etc/postfix/main.cf", "/etc/own"]
            .map(str::to_owned)
            .into();
        let known = packages_of(&disk, &files);
        assert_eq!(known.len(), 1);
        assert_eq!(known["/etc/postfix/main.cf"], "postfix");
    }
}
