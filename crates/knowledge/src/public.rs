//! Names of the public internet nearly every machine knows from birth, which reports fold away.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use groma_model::HostName;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    time: BTreeSet<String>,
    mirrors: BTreeSet<String>,
}

static PUBLIC: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/public.toml"))
        .expect("data/public.toml is compiled in and a test parses it")
});

/// True for a public time server or package mirror, or a name below one.
pub fn is_public_time_or_mirror(name: &HostName) -> bool {
    is_public_time(name) || is_public_mirror(name)
}

/// True for a public time server or pool.
pub fn is_public_time(name: &HostName) -> bool {
    stands_in(&PUBLIC.time, name)
}

/// True for a public package mirror or registry.
pub fn is_public_mirror(name: &HostName) -> bool {
    // Debian and Ubuntu name their country mirrors by pattern: ftp.de.debian.org, fr.archive.ubuntu.com.
    let country = name
        .as_str()
        .strip_prefix("ftp.")
        .and_then(|n| n.strip_suffix(".debian.org"));
    stands_in(&PUBLIC.mirrors, name) || country.is_some_and(|c| c.len() == 2)
}

/// True if `name` or a domain above it stands in `names`.
fn stands_in(names: &BTreeSet<String>, name: &HostName) -> bool {
    let mut rest = name.as_str();
    loop {
        if names.contains(rest) {
            return true;
        }
        match rest.split_once('.') {
            Some((_, above)) => rest = above,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(name: &str) -> bool {
        is_public_time_or_mirror(&HostName::parse(name).unwrap())
    }

    #[test]
    fn pools_and_mirrors_fold_away() {
        for name in [
            "2.debian.pool.ntp.org",
            "deb.debian.org",
            "de.archive.ubuntu.com",
            "ftp.fr.debian.org",
        ] {
            assert!(public(name), "{name}");
        }
    }

    #[test]
    fn a_house_mirror_and_a_look_alike_stay() {
        for name in [
            "mirror.corp.example",
            "ntp1.corp.example",
            "notpool.ntp.org.evil.example",
            "xdeb.debian.orgs",
        ] {
            assert!(!public(name), "{name}");
        }
    }

    #[test]
    fn every_entry_is_a_host_name() {
        for entry in PUBLIC.time.iter().chain(&PUBLIC.mirrors) {
            assert!(
                HostName::parse(entry).is_some_and(|n| n.as_str() == entry),
                "{entry}"
            );
        }
    }
}
