//! MariaDB and MySQL: a directory for each schema, and files they share.

use std::path::{Path, PathBuf};

use groma_model::Foreign;
use groma_source::EntryKind;

use super::places::{Places, Processes, is_absent};
use super::{Seen, bytes_below, directories, size};
use crate::reading::Reading;
use crate::text::{extension, file_name, lossy, meaningful, pair, path, unquoted};

const PROGRAMS: &[&[u8]] = &[b"mariadbd", b"mysqld", b"mysqld_safe", b"mariadbd-safe"];
/// Schemas every server has.
const OWN: &[&[u8]] = &[
    b"mysql",
    b"performance_schema",
    b"sys",
    b"information_schema",
    b"#innodb_temp",
    b"#innodb_redo",
];
const SETTINGS: &[&str] = &[
    "/etc/mysql",
    "/etc/mysql/conf.d",
    "/etc/mysql/mariadb.conf.d",
    "/etc/mysql/mysql.conf.d",
    "/etc/my.cnf.d",
];

pub(super) fn places(reading: &mut Reading<'_>, processes: &Processes) -> Places {
    let mut places = Places::default();
    for directory in processes.option(PROGRAMS, b"--datadir") {
        places.named(&directory, Path::new("a running process"), None);
    }
    let mut files = vec![PathBuf::from("/etc/my.cnf")];
    for directory in SETTINGS {
        let entries = places.list(reading, Path::new(directory));
        files.extend(entries.into_iter().filter(|p| extension(p) == b"cnf"));
    }
    for file in files {
        let text = places.text(reading, &file);
        for directory in datadirs(&text) {
            places.named(&directory, &file, None);
        }
    }
    places.habit(reading, Path::new("/var/lib/mysql"), "ibdata1");
    // A name in a file for which nothing was ever made is a default nobody uses.
    places
        .found
        .retain(|directory, _| !is_absent(reading, directory));
    places
}

fn datadirs(text: &[u8]) -> Vec<PathBuf> {
    let settings = meaningful(text, b"#;").filter_map(|(_, line)| {
        let (key, value) = pair(line, b'=')?;
        let value = value.split(|b| *b == b'#').next()?.trim_ascii();
        (key == b"datadir").then(|| path(unquoted(value)))
    });
    settings.collect()
}

pub(super) fn read(reading: &mut Reading<'_>, at: &Path) -> Option<Seen> {
    let entries = reading.list(at).ok()?;
    let has = |name: &[u8]| entries.iter().any(|e| file_name(&e.path) == name);
    if !has(b"ibdata1") && !has(b"mysql") {
        return None;
    }
    let mut version = None;
    for name in ["mariadb_upgrade_info", "mysql_upgrade_info"] {
        let text = reading.read_if_there(at.join(name)).ok().flatten();
        version = version.or(text.map(|t| lossy(t.trim_ascii())));
    }
    let is_mariadb =
        has(b"aria_log_control") || version.as_ref().is_some_and(|v| v.contains("MariaDB"));
    let (mut parts, mut bytes, mut whole) = (Vec::new(), 0_u64, true);
    for entry in entries.iter().filter(|e| e.kind == EntryKind::File) {
        match size(reading, &entry.path) {
            Ok(more) => bytes = bytes.saturating_add(more),
            Err(()) => whole = false,
        }
    }
    for directory in directories(reading, at) {
        let (more, all) = bytes_below(reading, &directory);
        bytes = bytes.saturating_add(more);
        whole &= all;
        if !OWN.contains(&file_name(&directory)) && is_schema(reading, &directory) {
            parts.push((decoded(file_name(&directory)), more));
        }
    }
    // The server that speaks to another one remembers it here.
    let follows = has(b"master.info") && reading.metadata(&at.join("relay-log.info")).is_ok();
    Some(Seen {
        engine: if is_mariadb { "mariadb" } else { "mysql" },
        version: version.map(|v| v.split('-').next().unwrap_or_default().to_owned()),
        role: follows.then_some("standby"),
        parts,
        bytes,
        items: None,
        cut: !whole,
        closed: Some("foreign servers, events, accounts and, in MySQL, the server it follows"),
    })
}

/// `db.opt`, or the files of a table.
fn is_schema(reading: &mut Reading<'_>, directory: &Path) -> bool {
    let entries = reading.list(directory).unwrap_or_default();
    entries.iter().any(|e| {
        file_name(&e.path) == b"db.opt"
            || matches!(
                extension(&e.path).as_slice(),
                b"frm" | b"ibd" | b"myd" | b"mad" | b"sdi"
            )
    })
}

/// Names of schemas as directories: `a@002db` is `a-b` ("Mapping of Identifiers to File Names").
fn decoded(name: &[u8]) -> Foreign {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..4).filter(|_| *first == b'@');
        let letter = code
            .and_then(|c| std::str::from_utf8(c).ok())
            .and_then(|c| u32::from_str_radix(c, 16).ok())
            .and_then(char::from_u32);
        match letter {
            Some(letter) => {
                out.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                rest = tail.get(4..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Foreign::from_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemas_are_undone() {
        assert_eq!(decoded(b"a@002db"), "a-b".into());
        assert_eq!(decoded(b"caf@00e9"), "café".into());
        assert_eq!(decoded(b"x@1"), "x@1".into());
        assert_eq!(
            datadirs(b"[mysqld]\n#datadir = /ghost\ndatadir = \"/srv/my\" # ours\n"),
            [Path::new("/srv/my")]
        );
    }
}
