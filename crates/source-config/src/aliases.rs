//! Names that only the SSH client knows: `Host jump` with `HostName adm1.corp.example`.
//!
//! Whoever writes `ssh jump` or `ProxyJump jump` means the machine behind the name (ssh_config(5)).

use std::collections::BTreeMap;
use std::path::Path;

use groma_knowledge::rules::Format;
use groma_model::fact::Reference;
use groma_model::{Peer, Port};
use groma_source::{Disk, EntryKind};

use crate::format;
use crate::settings::Settings;
use crate::text::decode;
use crate::value::host_and_port;

const FILE_MAX: u64 = 1 << 20;
const ENTRIES_MAX: usize = 2_000;
const SSH: Port = Port(22);

/// What an alias stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Meant {
    peer: Peer,
    port: Option<Port>,
}

/// Aliases of every account and of all; one that means two machines means none.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    meant: BTreeMap<String, Option<Meant>>,
}

impl Aliases {
    pub(crate) fn look(disk: &dyn Disk) -> Self {
        let mut aliases = Self::default();
        for path in files(disk) {
            let read = disk.read(Path::new(&path), FILE_MAX).ok();
            if let Some(text) = read.as_ref().and_then(|read| decode(&read.bytes)) {
                let groups = ["host".to_owned(), "match".to_owned()];
                aliases.note(&format::read(Format::Words, &groups, &text));
            }
        }
        aliases
    }

    fn note(&mut self, settings: &Settings) {
        let mut groups: BTreeMap<u32, BTreeMap<String, &str>> = BTreeMap::new();
        for setting in &settings.all {
            let group = groups.entry(setting.group).or_default();
            group
                .entry(setting.key.to_ascii_lowercase())
                .or_insert(&setting.value);
        }
        for group in groups.values() {
            let (Some(names), Some(host)) = (group.get("host"), group.get("hostname")) else {
                continue;
            };
            let Some((peer, _)) = host_and_port(host).filter(|_| !host.contains('%')) else {
                continue;
            };
            let port = group
                .get("port")
                .and_then(|port| port.parse().ok().map(Port));
            let meant = Some(Meant { peer, port });
            for name in names
                .split_whitespace()
                .filter(|n| !n.contains(['*', '?', '!']))
            {
                self.meant
                    .entry(name.to_ascii_lowercase())
                    .and_modify(|known| {
                        if *known != meant {
                            *known = None;
                        }
                    })
                    .or_insert_with(|| meant.clone());
            }
        }
    }

    /// Puts the machine in place of its alias, where SSH is what calls it.
    pub(crate) fn settle(&self, reference: &mut Reference) {
        if self.meant.is_empty() || reference.kind != "ssh" || reference.rule == "known-hosts" {
            return;
        }
        let Peer::Name(name) = &reference.peer else {
            return;
        };
        if let Some(Some(meant)) = self.meant.get(name.as_str()) {
            reference.peer = meant.peer.clone();
            if reference.port.is_none_or(|port| port == SSH) {
                reference.port = meant.port.or(reference.port);
            }
        }
    }
}

/// Where settings of the client stand: of all, and of each account.
fn files(disk: &dyn Disk) -> Vec<String> {
    let mut out = vec![
        "/etc/ssh/ssh_config".to_owned(),
        "/root/.ssh/config".to_owned(),
    ];
    let list = |directory: &str| {
        disk.list(Path::new(directory), ENTRIES_MAX)
            .unwrap_or_default()
    };
    for (directory, below) in [("/home", "/.ssh/config"), ("/etc/ssh/ssh_config.d", "")] {
        for entry in list(directory) {
            let is_directory = entry.kind == EntryKind::Directory;
            if let Some(path) = entry
                .path
                .to_str()
                .filter(|_| is_directory != below.is_empty())
            {
                out.push(format!("{path}{below}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn shown(aliases: &Aliases) -> Vec<String> {
        let known = aliases.meant.iter().filter_map(|(name, meant)| {
            let meant = meant.as_ref()?;
            let port = meant.port.map_or(0, |p| p.0);
            Some(format!("{name} {}:{port}", meant.peer))
        });
        known.collect()
    }

    #[test]
    fn an_alias_is_known_unless_it_means_two_machines_or_a_pattern() {
        let disk = FakeDisk::new()
            .file(
                "/etc/ssh/ssh_config.d/corp.conf",
                "Host jump hop\n HostName adm1.corp.example\n Port 2222\nHost *.ad\n HostName x.corp.example\nHost any\n HostName %h.corp\n",
            )
            .file("/home/a/.ssh/config", "Host nas\n HostName 10.0.0.1\n")
            .file("/home/b/.ssh/config", "Host nas\n HostName 10.0.0.2\n");
        assert_eq!(
            shown(&Aliases::look(&disk)),
            ["hop adm1.corp.example:2222", "jump adm1.corp.example:2222"]
        );
    }
}
