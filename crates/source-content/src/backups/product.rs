//! Backup programs with a configuration of their own.

use std::path::{Path, PathBuf};

use groma_model::fact::BackupJob;
use groma_source::disk::foreign;

use crate::reading::Reading;
use crate::text::{extension, lossy};

/// Agents that a server elsewhere tells what to copy: only that they are here can be seen.
const AGENTS: &[(&str, &str)] = &[
    ("bacula", "/etc/bacula/bacula-fd.conf"),
    ("bareos", "/etc/bareos/bareos-fd.d"),
    ("bareos", "/etc/bareos/bareos-fd.conf"),
    ("veeam", "/etc/veeam/veeam.ini"),
    ("urbackup", "/etc/default/urbackupclient"),
    ("netbackup", "/usr/openv/netbackup/bp.conf"),
    ("spectrum-protect", "/opt/tivoli/tsm/client/ba/bin/dsm.sys"),
    ("commvault", "/etc/CommVaultRegistry"),
    ("amanda", "/etc/amanda/amanda-client.conf"),
];

/// All jobs that configurations name, with the words by which something that starts them names the program.
pub(super) fn all(reading: &mut Reading<'_>) -> Vec<(BackupJob, &'static str)> {
    let mut jobs = Vec::new();
    for file in configurations(
        reading,
        "/etc/borgmatic/config.yaml",
        "/etc/borgmatic.d",
        b"yaml",
    ) {
        jobs.extend(text(reading, &file).map(|t| (borgmatic(&file, &t), "borgmatic")));
    }
    for file in [super::target::RSNAPSHOT].map(PathBuf::from) {
        jobs.extend(text(reading, &file).map(|t| (rsnapshot(&file, &t), "rsnapshot")));
    }
    for file in ["/etc/burp/burp.conf"].map(PathBuf::from) {
        jobs.extend(text(reading, &file).map(|t| (burp(&file, &t), "burp")));
    }
    for (product, place) in AGENTS {
        if reading.metadata(Path::new(place)).is_ok() {
            jobs.push((
                BackupJob {
                    product: (*product).to_owned(),
                    name: "agent".into(),
                    file: (*place).into(),
                    line: 1,
                    ..BackupJob::default()
                },
                "",
            ));
        }
    }
    jobs
}

fn configurations(
    reading: &mut Reading<'_>,
    one: &str,
    directory: &str,
    ending: &[u8],
) -> Vec<PathBuf> {
    let entries = reading.list(Path::new(directory)).unwrap_or_default();
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .map(|e| e.path)
        .filter(|p| extension(p) == ending)
        .collect();
    files.push(PathBuf::from(one));
    files
}

fn text(reading: &mut Reading<'_>, file: &Path) -> Option<String> {
    reading
        .read_if_there(file)
        .ok()
        .flatten()
        .map(|bytes| lossy(&bytes))
}

fn blank(product: &str, file: &Path) -> BackupJob {
    BackupJob {
        product: product.to_owned(),
        name: foreign(file),
        file: foreign(file),
        line: 1,
        ..BackupJob::default()
    }
}

/// Lists of borgmatic's YAML: `source_directories:`, `repositories:` with or without `path:`, `…_databases:` with
/// `name:`. Older files have them below `location:` and `hooks:`; what stands deeper counts the same.
fn borgmatic(file: &Path, text: &str) -> BackupJob {
    let mut job = blank("borgmatic", file);
    let mut list = String::new();
    let mut repositories = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        let words = line.trim_start();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let item = words.strip_prefix("- ").map(str::trim);
        let key = words
            .split_once(':')
            .map(|(key, value)| (key.trim_start_matches("- ").trim(), value.trim()));
        if item.is_none()
            && let Some((key, "")) = key
        {
            key.clone_into(&mut list);
            continue;
        }
        let (name, value) = key
            .filter(|(k, v)| {
                !k.contains('/') && !k.contains('@') && !v.starts_with("//") && !v.is_empty()
            })
            .unwrap_or(("", item.unwrap_or_default()));
        let value = value.trim_matches(['"', '\'']).to_owned();
        match (list.as_str(), name) {
            ("source_directories", "") => job.covers.push(value.into()),
            ("exclude_patterns", "") if value.starts_with('/') => {
                job.excludes.push(value.trim_end_matches("/*").into())
            }
            ("repositories", "" | "path") => repositories.push(value),
            ("postgresql_databases", "name") => job.databases.push(database("postgresql", &value)),
            ("mariadb_databases", "name") => job.databases.push(database("mariadb", &value)),
            ("mysql_databases", "name") => job
                .databases
                .extend([database("mysql", &value), database("mariadb", &value)]),
            _ => {}
        }
    }
    job.databases.sort();
    job.target = repositories.first().map(|r| super::target::clean(r));
    job.peer = repositories.first().and_then(|r| super::target::peer(r));
    job
}

fn database(engine: &str, name: &str) -> groma_model::Foreign {
    format!("{engine}/{}", if name == "all" { "*" } else { name }).into()
}

/// `backup<TAB>/home/<TAB>localhost/`; sources of other machines are theirs.
fn rsnapshot(file: &Path, text: &str) -> BackupJob {
    let mut job = blank("rsnapshot", file);
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let mut words = line.split('\t').filter(|w| !w.is_empty());
        match (words.next(), words.next()) {
            (Some("backup"), Some(source)) if is_of_this_machine(source) => {
                job.covers.push(source.into())
            }
            (Some("snapshot_root"), Some(root)) => job.target = Some(root.into()),
            (Some("exclude"), Some(path)) if path.starts_with('/') => {
                job.excludes.push(path.into())
            }
            _ => {}
        }
    }
    job
}

/// A path, or a volume that is copied out of a snapshot of it (`lvm://vg0/home/`), told as it is written.
fn is_of_this_machine(source: &str) -> bool {
    source.starts_with('/') || source.starts_with("lvm://") && !source.contains('@')
}

/// `include = /` and `server = backup1` of a client.
fn burp(file: &Path, text: &str) -> BackupJob {
    let mut job = blank("burp", file);
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        match (key.trim(), value.trim()) {
            ("include", path) if path.starts_with('/') => job.covers.push(path.into()),
            ("exclude", path) if path.starts_with('/') => job.excludes.push(path.into()),
            ("server", server) => {
                job.peer = groma_model::Peer::parse(server.split(':').next().unwrap_or_default());
                job.target = Some(server.into());
            }
            _ => {}
        }
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(paths: &[groma_model::Foreign]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn borgmatic_of_both_layouts_says_what_and_where_to() {
        let old = "location:\n    source_directories:\n        - /home\n        - /etc # all of it\n    repositories:\n        - ssh://b:canary@nas1.corp.example/./repo\n\
            storage:\n    encryption_passphrase: canary\nhooks:\n    postgresql_databases:\n        - name: all\n          password: canary\n";
        let new = "source_directories:\n    - /home\n    - /etc\nrepositories:\n    - path: ssh://b:canary@nas1.corp.example/./repo\n      label: nas\n\
            exclude_patterns:\n    - /home/*/.cache\n    - '*.tmp'\npostgresql_databases:\n    - name: all\n# source_directories:\n#  - /ghost\n";
        for text in [old, new] {
            let job = borgmatic(Path::new("/etc/borgmatic/config.yaml"), text);
            assert_eq!(list(&job.covers), ["/home", "/etc"], "{text}");
            assert_eq!(list(&job.databases), ["postgresql/*"], "{text}");
            assert_eq!(
                job.target.clone().unwrap().to_string(),
                "ssh://nas1.corp.example/./repo"
            );
            assert_eq!(job.peer.clone().unwrap().to_string(), "nas1.corp.example");
            assert!(!format!("{job:?}").contains("canary"));
        }
    }

    #[test]
    fn rsnapshot_copies_its_own_paths_and_not_those_of_others() {
        let text = "snapshot_root\t/backup/\nbackup\t/home/\tlocalhost/\nbackup\tlvm://vg0/srv/\tlocalhost/\nbackup\troot@web1:/etc/\tweb1/\n#backup\t/ghost\tx/\nbackup /spaces are no tabs\n";
        let job = rsnapshot(Path::new("/etc/rsnapshot.conf"), text);
        assert_eq!(list(&job.covers), ["/home/", "lvm://vg0/srv/"]);
        assert_eq!(job.target.unwrap().to_string(), "/backup/");
    }

    #[test]
    fn no_settings_make_it_panic() {
        groma_fuzz::hammer(1000, &[b"repositories:\n - path: ssh://a@b/c\n - 'x'\nsource_directories:\n- /a\nbackup\t/a\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            borgmatic(Path::new("/x"), &text);
            rsnapshot(Path::new("/x"), &text);
            burp(Path::new("/x"), &text);
        });
    }
}
