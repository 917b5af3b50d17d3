//! Where servers keep their data: said by a file, by a process, or by habit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_model::Foreign;
use groma_source::DiskError;
use groma_source::disk::foreign;

use crate::reading::Reading;
use crate::text::{file_name, path};

const PROCESSES_MAX: usize = 50_000;
/// Command lines of servers are short; what is longer is none.
const COMMAND_BYTES_MAX: u64 = 65_536;

/// How a directory became known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    file: Option<Foreign>,
    role: Option<&'static str>,
}

impl Place {
    /// The file, `a running process`, or `habit`.
    pub(super) fn by(&self) -> Foreign {
        self.file.clone().unwrap_or_else(|| "habit".into())
    }

    /// The file that names it, where one does.
    pub(super) fn written(&self) -> Option<&Foreign> {
        self.file.as_ref()
    }

    pub(super) fn role(&self) -> Option<&'static str> {
        self.role
    }
}

/// Data directories of one engine.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) found: BTreeMap<PathBuf, Place>,
    /// Configuration that is there and closed to us: what it names is not known.
    pub(super) missed: Vec<DiskError>,
}

impl Places {
    /// A directory that a file or a process names.
    pub(super) fn named(&mut self, directory: &Path, file: &Path, role: Option<&'static str>) {
        if directory.is_absolute() {
            let place = Place {
                file: Some(foreign(file)),
                role,
            };
            let slot = self
                .found
                .entry(directory.to_owned())
                .or_insert_with(|| place.clone());
            slot.role = slot.role.or(role);
        }
    }

    /// What stands in a directory of configuration; none is no gap, a closed one is.
    pub(super) fn list(&mut self, reading: &mut Reading<'_>, directory: &Path) -> Vec<PathBuf> {
        match reading.list(directory) {
            Ok(entries) => entries.into_iter().map(|e| e.path).collect(),
            Err(error) => {
                self.missed.extend((!error.is_absent()).then_some(error));
                Vec::new()
            }
        }
    }

    /// A file of configuration; none is no gap, a closed one is.
    pub(super) fn text(&mut self, reading: &mut Reading<'_>, file: &Path) -> Vec<u8> {
        match reading.read_if_there(file) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => {
                self.missed.push(error);
                Vec::new()
            }
        }
    }

    /// A directory where packages put data; only if `mark` stands in it.
    pub(super) fn habit(&mut self, reading: &mut Reading<'_>, directory: &Path, mark: &str) {
        let there = match reading.metadata(&directory.join(mark)) {
            Ok(_) => true,
            // Closed to us is not absent.
            Err(error) => !error.is_absent() && !is_absent(reading, directory),
        };
        if there {
            self.found.entry(directory.to_owned()).or_insert(Place {
                file: None,
                role: None,
            });
        }
    }
}

/// True if nothing stands at a path; what cannot be looked at may stand there.
pub(super) fn is_absent(reading: &mut Reading<'_>, path: &Path) -> bool {
    reading.metadata(path).is_err_and(|error| error.is_absent())
}

/// Command lines of running programs.
#[derive(Clone, Debug, Default)]
pub(super) struct Processes(Vec<Vec<Vec<u8>>>);

impl Processes {
    pub(super) fn read(reading: &mut Reading<'_>) -> Self {
        let entries = reading.list(Path::new("/proc")).unwrap_or_default();
        let is_process =
            |e: &&groma_source::Entry| file_name(&e.path).iter().all(u8::is_ascii_digit);
        let mut commands = Vec::new();
        for entry in entries.iter().filter(is_process).take(PROCESSES_MAX) {
            let Ok(read) = reading
                .disk()
                .read(&entry.path.join("cmdline"), COMMAND_BYTES_MAX)
            else {
                continue;
            };
            let words = read.bytes.split(|b| *b == 0).map(<[u8]>::to_vec);
            commands.push(words.collect());
        }
        Self(commands)
    }

    /// The directories that programs of these names were started with, behind `option` or in it (`-D x`, `--datadir=x`).
    pub(super) fn option(&self, programs: &[&[u8]], option: &[u8]) -> Vec<PathBuf> {
        let of = |words: &&Vec<Vec<u8>>| {
            let name = words.first().map(|w| path(w));
            name.is_some_and(|n| programs.contains(&file_name(&n)))
        };
        let commands = self.0.iter().filter(of);
        commands
            .filter_map(|words| value(words, option))
            .map(|v| path(&v))
            .collect()
    }
}

fn value(words: &[Vec<u8>], option: &[u8]) -> Option<Vec<u8>> {
    let at = words.iter().position(|w| w.starts_with(option))?;
    let rest = words.get(at)?.strip_prefix(option)?;
    match rest.strip_prefix(b"=").unwrap_or(rest) {
        [] => words.get(at + 1).cloned(),
        value => Some(value.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Reason;
    use groma_source::Budget;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    #[test]
    fn a_server_tells_its_directory_in_its_command_line() {
        let words = |text: &str| {
            text.split(' ')
                .map(|w| w.as_bytes().to_vec())
                .collect::<Vec<_>>()
        };
        let processes = Processes(vec![
            words("/usr/lib/postgresql/15/bin/postgres -D /srv/pg -c x=y"),
            words("/usr/sbin/mariadbd --datadir=/srv/my"),
            words("/bin/sh -D /ghost"),
        ]);
        assert_eq!(
            processes.option(&[b"postgres"], b"-D"),
            [Path::new("/srv/pg")]
        );
        assert_eq!(
            processes.option(&[b"mariadbd", b"mysqld"], b"--datadir"),
            [Path::new("/srv/my")]
        );
    }

    #[test]
    fn closed_configuration_is_missed_and_none_is_not() {
        let refused = |path: &str| FakeDisk::new().refused(path, Reason::PermissionDenied);
        let missed = |disk: FakeDisk| {
            let world = world(disk);
            let window = window(&world);
            let (budget, hour) = (Budget::default(), std::time::Duration::from_secs(3600));
            let mut reading = Reading::begin(world.disk.as_ref(), &window, &budget, hour);
            let none = Processes::default();
            let all = crate::databases::ENGINES.iter();
            all.map(|(find, _)| find(&mut reading, &none).missed.len())
                .sum::<usize>()
        };
        for path in [
            "/etc/redis/redis.conf",
            "/etc/mysql/conf.d/x.cnf",
            "/etc/mongod.conf",
            "/etc/ldap/slapd.conf",
            "/etc/postgresql/15/main/postgresql.conf",
        ] {
            assert_eq!(missed(refused(path)), 1, "{path}");
        }
        assert_eq!(missed(FakeDisk::new()), 0);
    }
}
