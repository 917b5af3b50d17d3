//! Files that are still as a package brought them: what the vendor wrote is nobody's decision here.
//!
//! The package database keeps the MD5 sum of every configuration file as it was delivered (deb-conffiles,
//! `dpkg-query(1)` field `Conffiles`). A file that still has it says nothing about this machine, so the
//! generic reading of URLs leaves it alone. A product's own rule leaves it alone if the distribution made the
//! package: what it names are examples. A package of the house may name machines of the house, and a public
//! time server that is in force is a need all the same.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use groma_model::foreign::hex;
use groma_source::Disk;
use md5::{Digest, Md5};

/// The database is a few MiB on a machine with thousands of packages.
const STATUS_MAX: u64 = 64 << 20;

/// Who makes packages of a distribution, as its maintainers sign.
const DISTRIBUTIONS: &[&str] = &[
    "debian.org>",
    "debian.net>",
    "ubuntu.com>",
    "canonical.com>",
];

/// Configuration files of packages, with their sums as delivered.
#[derive(Debug, Default)]
pub(crate) struct Pristine {
    sums: HashMap<String, String>,
    /// Which of these files the distribution made.
    distributed: HashSet<String>,
    /// Files of packages that were removed and left their configuration behind.
    left: HashSet<String>,
}

impl Pristine {
    /// Reads the package database; without one, no file counts as the vendor's.
    pub(crate) fn look(disk: &dyn Disk) -> Self {
        let status = disk.read(Path::new("/var/lib/dpkg/status"), STATUS_MAX);
        status.map_or_else(|_| Self::default(), |read| Self::parse(&read.bytes))
    }

    fn parse(status: &[u8]) -> Self {
        let text = String::from_utf8_lossy(status);
        let mut sums = HashMap::new();
        let mut left = HashSet::new();
        let mut distributed = HashSet::new();
        let (mut within, mut removed, mut of_distribution) = (false, false, false);
        for line in text.lines() {
            match line.strip_prefix(' ') {
                Some(row) if within => {
                    let mut words = row.split(' ');
                    let (Some(path), Some(sum)) = (words.next(), words.next()) else {
                        continue;
                    };
                    if removed {
                        left.insert(path.to_owned());
                    } else if sum.len() == 32 {
                        sums.insert(path.to_owned(), sum.to_owned());
                        if of_distribution {
                            distributed.insert(path.to_owned());
                        }
                    }
                }
                Some(_) => {}
                None => {
                    within = line == "Conffiles:";
                    if let Some(status) = line.strip_prefix("Status: ") {
                        removed = status.ends_with(" config-files");
                        of_distribution = false;
                    }
                    if let Some(maintainer) = line.strip_prefix("Maintainer: ") {
                        of_distribution = DISTRIBUTIONS.iter().any(|d| maintainer.contains(d));
                    }
                }
            }
        }
        // A file that changed hands belongs to whoever has it now.
        left.retain(|path| !sums.contains_key(path));
        Self {
            sums,
            distributed,
            left,
        }
    }

    /// True for a file whose package was removed.
    pub(crate) fn is_left_over(&self, path: &str) -> bool {
        self.left.contains(path)
    }

    /// True if `bytes` at `path` are what a package of the distribution delivered.
    pub(crate) fn is_distributed(&self, path: &str, bytes: &[u8]) -> bool {
        self.distributed.contains(path) && self.is_vendors(path, bytes)
    }

    /// True if `bytes` at `path` are what the package delivered.
    pub(crate) fn is_vendors(&self, path: &str, bytes: &[u8]) -> bool {
        self.sums
            .get(path)
            .is_some_and(|sum| hex(&Md5::digest(bytes)) == *sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Package: a\nStatus: install ok installed\nConffiles:\n /etc/a.conf 900150983cd24fb0d6963f7d28e17f72\n /etc/b.conf newconffile\nDescription: text\n /etc/c.conf 900150983cd24fb0d6963f7d28e17f72\n";

    #[test]
    fn a_file_as_delivered_is_the_vendors_and_an_edited_one_is_not() {
        let pristine = Pristine::parse(STATUS);
        assert!(pristine.is_vendors("/etc/a.conf", b"abc"));
        assert!(!pristine.is_vendors("/etc/a.conf", b"abd"));
    }

    #[test]
    fn only_the_list_of_conffiles_is_read() {
        let pristine = Pristine::parse(STATUS);
        assert!(!pristine.is_vendors("/etc/b.conf", b"abc"));
        assert!(!pristine.is_vendors("/etc/c.conf", b"abc"));
    }

    #[test]
    fn a_package_of_the_house_is_not_the_distributions() {
        let status = b"Package: a\nStatus: install ok installed\nMaintainer: A <a@lists.debian.org>\nConffiles:\n /etc/a.conf 900150983cd24fb0d6963f7d28e17f72\n\nPackage: b\nStatus: install ok installed\nMaintainer: IT <it@corp.example>\nConffiles:\n /etc/b.conf 900150983cd24fb0d6963f7d28e17f72\n";
        let pristine = Pristine::parse(status);
        assert!(pristine.is_distributed("/etc/a.conf", b"abc"));
        assert!(!pristine.is_distributed("/etc/a.conf", b"abd"));
        assert!(!pristine.is_distributed("/etc/b.conf", b"abc"));
        assert!(pristine.is_vendors("/etc/b.conf", b"abc"));
    }

    #[test]
    fn what_a_removed_package_left_is_known_unless_another_took_it_over() {
        let status = b"Package: ntp\nStatus: deinstall ok config-files\nConffiles:\n /etc/ntp.conf 900150983cd24fb0d6963f7d28e17f72\n /etc/both.conf 900150983cd24fb0d6963f7d28e17f72\n\nPackage: b\nStatus: install ok installed\nConffiles:\n /etc/both.conf 900150983cd24fb0d6963f7d28e17f72\n";
        let pristine = Pristine::parse(status);
        assert!(pristine.is_left_over("/etc/ntp.conf"));
        assert!(!pristine.is_left_over("/etc/both.conf"));
    }

    #[test]
    fn no_database_breaks_the_reader() {
        groma_fuzz::hammer(2000, &[STATUS], |bytes| drop(Pristine::parse(bytes)));
    }
}
