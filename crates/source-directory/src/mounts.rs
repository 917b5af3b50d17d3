//! Maps of an automounter that a directory keeps: which machines the people of a directory mount their folders from.
//!
//! Both shapes there are: `automount` (key and `automountInformation`) and `nisObject` (`nisMapEntry`), each value as
//! autofs(5) writes an entry: options, then locations, perhaps several below each other.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{DirectoryObject, NeedReason};
use groma_model::{Peer, Port, Stated};

use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says, need};

pub(crate) const FILTER: &str = "(|(objectClass=automount)(objectClass=nisObject))";
pub(crate) const ATTRIBUTES: &[&str] = &[
    "objectClass",
    "cn",
    "automountKey",
    "automountInformation",
    "nisMapEntry",
];

/// Places that are kept apart.
const PLACES_MAX: usize = 5_000;

/// Words of one entry that are read.
const WORDS_MAX: usize = 256;

/// A place folders are mounted from, on its way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    /// Distinguished name of the map.
    map: String,
    attribute: &'static str,
    machine: Peer,
    is_windows: bool,
    path: String,
}

/// Places, and for each whether its path is nobody's own.
pub(crate) type Mounts = BTreeMap<Place, bool>;

/// An entry of a map.
pub(crate) fn entry(entry: &Entry, learnt: &mut Learnt) {
    let key = entry
        .text("automountKey")
        .or_else(|| entry.text("cn"))
        .unwrap_or_else(|| entry.first_name());
    let map = parent(&entry.dn);
    for attribute in ["automountInformation", "nisMapEntry"] {
        for text in entry.texts(attribute) {
            for (machine, path, is_windows) in locations(&text, &key) {
                let (path, is_common) = impersonal(&path, &key);
                let place = Place {
                    map: map.clone(),
                    attribute,
                    machine,
                    is_windows,
                    path,
                };
                let twice = learnt.mounts.contains_key(&place);
                if twice || learnt.mounts.len() < PLACES_MAX {
                    *learnt.mounts.entry(place).or_default() |= twice || is_common;
                }
            }
        }
    }
}

/// The name without its first part.
fn parent(dn: &str) -> String {
    let parts = names(dn);
    let rest = parts
        .iter()
        .skip(1)
        .map(|(kind, name)| format!("{}={name}", kind.to_lowercase()));
    rest.collect::<Vec<_>>().join(",")
}

/// The locations of an entry: machine, path there, and whether it is a share of Windows. What stays on the machine, leads
/// to another map, or names its machine by a variable, is none.
fn locations(text: &str, key: &str) -> Vec<(Peer, String, bool)> {
    let mut met = Vec::new();
    let mut kind = String::new();
    for word in text.split_whitespace().take(WORDS_MAX) {
        if let Some(options) = word.strip_prefix('-') {
            let named = options.split(',').find_map(|o| o.strip_prefix("fstype="));
            kind = named.unwrap_or(&kind).to_ascii_lowercase();
            continue;
        }
        met.extend(location(word.trim_matches('"'), &kind, key));
    }
    met
}

fn location(word: &str, kind: &str, key: &str) -> Vec<(Peer, String, bool)> {
    // A share of Windows has an empty machine before the colon: `://files1/home`.
    if ["cifs", "smb3", "smbfs"].contains(&kind) {
        let place = word.trim_start_matches(':').strip_prefix("//");
        let parted = place.and_then(|p| p.split_once('/'));
        let share = parted.and_then(|(machine, rest)| {
            Some((machine_of(machine, key)?, format!("/{rest}"), true))
        });
        return share.into_iter().collect();
    }
    if !["", "nfs", "nfs3", "nfs4"].contains(&kind) {
        return Vec::new();
    }
    let colon = match word.starts_with('[') {
        true => word.find("]:").map(|at| at + 1),
        false => word.find(':'),
    };
    let Some((machines, path)) = colon.and_then(|at| Some((word.get(..at)?, word.get(at + 1..)?)))
    else {
        return Vec::new();
    };
    // `ldap://…` is a URL and `file:/etc/auto.x` another map; neither is a machine with a path.
    let is_map = [
        "file", "ldap", "ldaps", "yp", "nis", "nisplus", "program", "exec", "hesiod", "sss",
        "multi", "dir",
    ]
    .contains(&machines);
    if is_map || !path.starts_with('/') || path.starts_with("//") {
        return Vec::new();
    }
    // Copies of the same: `files1,files2(5):/srv`.
    machines
        .split(',')
        .map(|one| one.split('(').next().unwrap_or(one))
        .filter_map(|one| Some((machine_of(one, key)?, path.to_owned(), false)))
        .collect()
}

/// `&` stands for the key, which may be a machine's name.
fn machine_of(text: &str, key: &str) -> Option<Peer> {
    let named = match key {
        "*" if text.contains('&') => return None,
        key => text.replace('&', key),
    };
    Peer::parse(&named).filter(|peer| !peer.is_loopback())
}

/// The path with `&` where the key stands, and whether it is sure to be nobody's own.
fn impersonal(path: &str, key: &str) -> (String, bool) {
    let is_own = |part: &str| key != "*" && part.eq_ignore_ascii_case(key);
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_own(part) { "&" } else { part })
        .collect();
    let common = key == "*" || parts.iter().any(|part| part.contains('&'));
    (parts.join("/"), common)
}

/// Tells which machines are mounted from, once all entries were read.
pub(crate) fn tell(learnt: &mut Learnt) {
    let mut maps: BTreeMap<(String, Peer), BTreeSet<String>> = BTreeMap::new();
    let mut needs = BTreeMap::new();
    for (place, is_common) in std::mem::take(&mut learnt.mounts) {
        let path = match is_common {
            true => place.path,
            // The last part may be somebody's name.
            false => match place.path.rsplit_once('/') {
                Some((above, _)) => format!("{above}/…"),
                None => "…".to_owned(),
            },
        };
        let export = format!("{}:{path}", place.machine);
        maps.entry((place.map.clone(), place.machine.clone()))
            .or_default()
            .insert(export.clone());
        needs.insert(
            (place.map, place.machine, place.is_windows, export),
            place.attribute,
        );
    }
    // Who mounts, the directory does not know: the one that keeps the map says so.
    let server = learnt.server.0.clone();
    for ((map, machine, is_windows, export), attribute) in needs {
        let (kind, port) = if is_windows {
            ("smb", 445)
        } else {
            ("nfs", 2049)
        };
        let of_map = Entry {
            dn: map,
            ..Entry::default()
        };
        let mut need = need(
            server.clone(),
            machine,
            (kind, NeedReason::MountMap),
            &of_map,
            attribute,
        );
        need.port = Some(Port(port));
        need.resource = Some(export.as_str().into());
        learnt.need(need);
    }
    for ((map, machine), exports) in maps {
        let mut object = DirectoryObject {
            directory: learnt.directory.clone(),
            class: "mount-map".to_owned(),
            name: format!(
                "{} on {machine}",
                names(&map).first().map_or(map.as_str(), |(_, n)| n)
            )
            .into(),
            dn: map.as_str().into(),
            host: Some(machine),
            account: None,
            attributes: Stated::new(),
        };
        object.says("exports", exports);
        learnt.object(object);
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Fact;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{learnt, needs};

    fn read(entries: &[(&str, &str)]) -> Learnt {
        let mut learnt = learnt();
        for (key, text) in entries {
            let dn = format!("automountKey={key},automountMapName=auto.home,dc=corp,dc=example");
            entry(
                &crate::testing::entry(
                    &dn,
                    &[("automountKey", key), ("automountInformation", text)],
                ),
                &mut learnt,
            );
        }
        tell(&mut learnt);
        learnt
    }

    fn exports(learnt: &Learnt) -> Vec<String> {
        let of = |fact: &Fact| match fact {
            Fact::DirectoryNeed(n) => n.resource.as_ref().map(|r| r.lossy().into_owned()),
            _ => None,
        };
        learnt.facts.iter().filter_map(of).collect()
    }

    #[test]
    fn a_map_leads_to_the_machines_it_mounts_from() {
        for (key, text, expected) in [
            (
                "*",
                "-fstype=nfs4,rw files1.corp.example:/srv/home/&",
                vec!["files1.corp.example:/srv/home/&"],
            ),
            (
                "data",
                "files1,files2(5):/srv/data",
                vec!["files1:/srv/&", "files2:/srv/&"],
            ),
            ("x", "-ro [fd00::9]:/srv/x", vec!["fd00::9:/srv/&"]),
            (
                "p",
                "/ files1:/srv/p /old -ro files2:/srv/p",
                vec!["files1:/srv/&", "files2:/srv/&"],
            ),
            (
                "w",
                "-fstype=cifs,credentials=/etc/x ://files3/w",
                vec!["files3:/&"],
            ),
            ("files4", "&:/srv/all", vec!["files4:/srv/…"]),
            // Nothing that leads to a machine.
            (
                "h",
                "ldap:automountMapName=auto.x,dc=corp,dc=example",
                vec![],
            ),
            ("h", "ldap://dir1/ou=auto.x", vec![]),
            ("h", "file:/etc/auto.x", vec![]),
            ("/home", "auto.home --timeout=60", vec![]),
            ("h", "-fstype=bind :/srv/local", vec![]),
            ("h", ":/dev/sr0", vec![]),
            ("*", "&:/srv/all", vec![]),
            ("h", "${HOST}:/srv/all", vec![]),
            ("h", "localhost:/srv/all", vec![]),
        ] {
            assert_eq!(exports(&read(&[(key, text)])), expected, "{key} {text}");
        }
    }

    #[test]
    fn who_has_a_folder_is_not_told() {
        let learnt = read(&[
            ("canary-anna", "files1:/srv/home/canary-anna"),
            ("canary-bernd", "files1:/srv/home/canary-bernd"),
            ("canary-clara", "files2:/export/cclara"),
        ]);
        assert_eq!(
            needs(&learnt),
            [
                "dc1.corp.example nfs files1:2049",
                "dc1.corp.example nfs files2:2049"
            ]
        );
        assert_eq!(exports(&learnt), ["files1:/srv/home/&", "files2:/export/…"]);
        let all = format!("{:?}", learnt.facts);
        assert!(!all.contains("canary") && !all.contains("cclara"), "{all}");
    }

    proptest! {
        #[test]
        fn any_entry_is_read(key in ".{0,20}", text in ".{0,120}") {
            let _ = locations(&text, &key);
            let _ = read(&[(&key, &text)]);
        }
    }

    #[test]
    fn no_bytes_bring_it_down() {
        groma_fuzz::hammer(
            5_000,
            &[
                b"-fstype=nfs4,rw files1,files2(5):/srv/&",
                b"/ a:/x /b -ro [fd00::1]:/y",
            ],
            |bytes| {
                let _ = locations(&String::from_utf8_lossy(bytes), "key");
            },
        );
    }
}
