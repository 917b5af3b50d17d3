//! Which address a client of a RADIUS server has: its log knows clients by the names the server's settings give them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use groma_knowledge::radius::{ClientPlace, clients};
use groma_model::Peer;
use groma_source::Disk;

/// Where servers list their clients.
pub(crate) const FILES: &[&str] = &[
    "/etc/freeradius/3.0/clients.conf",
    "/etc/freeradius/clients.conf",
    "/etc/raddb/clients.conf",
];
const BYTES_MAX: u64 = 4 << 20;
/// Files one list may be spread over.
const FILES_MAX: usize = 200;

/// The address of each client that is one machine with a fixed address. Two clients of one name are neither.
pub(crate) fn addresses(disk: &dyn Disk) -> BTreeMap<String, IpAddr> {
    let mut places: BTreeMap<String, Option<IpAddr>> = BTreeMap::new();
    let mut files: Vec<PathBuf> = FILES.iter().map(PathBuf::from).collect();
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        next += 1;
        let Ok(read) = disk.read(&file, BYTES_MAX) else {
            continue;
        };
        let text = String::from_utf8_lossy(&read.bytes);
        for more in text.lines().flat_map(|line| included(disk, line, &file)) {
            if files.len() < FILES_MAX && !files.contains(&more) {
                files.push(more);
            }
        }
        for client in clients(&text) {
            let address = match client.at {
                ClientPlace::Machine(Peer::Address(address)) => Some(address),
                _ => None,
            };
            places
                .entry(client.name)
                .and_modify(|known| *known = known.filter(|known| Some(*known) == address))
                .or_insert(address);
        }
    }
    places
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
        .collect()
}

/// The files of `$INCLUDE file`, `$INCLUDE directory/` and `$-INCLUDE`, as the server takes them: no hidden ones, no
/// copies of an editor.
fn included(disk: &dyn Disk, line: &str, file: &Path) -> Vec<PathBuf> {
    let mut words = line.split_ascii_whitespace();
    let (Some("$INCLUDE" | "$-INCLUDE"), Some(named)) = (words.next(), words.next()) else {
        return Vec::new();
    };
    let directory = file.parent().unwrap_or(Path::new("/"));
    let named = named
        .trim_matches('"')
        .replace("${confdir}", &directory.to_string_lossy());
    let path = directory.join(&named);
    if !named.ends_with('/') {
        return vec![path];
    }
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !name.ends_with('~')
    };
    let inside = disk.list(&path, FILES_MAX).unwrap_or_default();
    inside
        .into_iter()
        .map(|entry| entry.path)
        .filter(is_meant)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::testing::FakeDisk;

    #[test]
    fn clients_of_files_that_the_list_includes_have_addresses_too() {
        let disk = FakeDisk::new()
            .file(
                "/etc/raddb/clients.conf",
                "$INCLUDE clients.d/\n$-INCLUDE ${confdir}/more.conf\n$INCLUDE clients.conf\n",
            )
            .file(
                "/etc/raddb/clients.d/wlc",
                "client wlc {\n ipaddr = 10.0.0.7\n}\n",
            )
            .file(
                "/etc/raddb/clients.d/old~",
                "client old {\n ipaddr = 10.0.0.9\n}\n",
            )
            .file(
                "/etc/raddb/more.conf",
                "client vpn {\n ipaddr = 10.0.0.8\n}\n",
            );
        let names: Vec<String> = addresses(&disk).into_keys().collect();
        assert_eq!(names, ["vpn", "wlc"]);
    }
}
