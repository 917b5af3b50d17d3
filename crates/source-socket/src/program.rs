//! A process as it was read → the program a fact names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use groma_model::fact::Program;
use groma_model::{Foreign, Reason};
use groma_source::{Disk, EntryKind, World, disk::foreign};

use crate::cgroup::membership;
use crate::script;
use crate::walk::Process;

/// Largest account file that is read, in bytes.
const ACCOUNTS_BYTES_MAX: u64 = 4 << 20;

/// Names of local accounts by uid.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    names: HashMap<u32, Foreign>,
}

impl Accounts {
    /// Reads `/etc/passwd` (passwd(5)); without it, accounts are told by number.
    pub(crate) fn read(world: &World) -> Self {
        world
            .disk
            .read(Path::new("/etc/passwd"), ACCOUNTS_BYTES_MAX)
            .map_or_else(|_| Self::default(), |file| Self::parse(&file.bytes))
    }

    fn parse(table: &[u8]) -> Self {
        let mut names = HashMap::new();
        for line in table.split(|b| *b == b'\n') {
            let mut words = line.split(|b| *b == b':');
            let (name, uid) = (
                words.next().unwrap_or_default(),
                words.nth(1).unwrap_or_default(),
            );
            let uid = std::str::from_utf8(uid)
                .ok()
                .and_then(|uid| uid.parse().ok());
            if let Some(uid) = uid.filter(|_| !name.is_empty()) {
                // The first line of a uid is the one the system uses.
                names
                    .entry(uid)
                    .or_insert_with(|| Foreign::from_bytes(name));
            }
        }
        Self { names }
    }

    /// The name of an account of this machine, or its number.
    pub(crate) fn name(&self, uid: u32) -> Foreign {
        self.names
            .get(&uid)
            .cloned()
            .unwrap_or_else(|| uid.to_string().into())
    }
}

/// What a fact says about `process`.
pub(crate) fn program(process: &Process, accounts: &Accounts, world: &World) -> Program {
    let groups = membership(&process.groups);
    // A container has its own account file; the same number means somebody else there.
    let user = process.uid.map(|uid| match groups.container {
        Some(_) => uid.to_string().into(),
        None => accounts.name(uid),
    });
    Program {
        executable: some(&process.executable),
        script: script_of(process, groups.container.is_some(), world).map(|path| foreign(&path)),
        user,
        unit: groups.unit,
        container: groups.container,
        working_directory: some(&process.working_directory).filter(|path| path.as_bytes() != b"/"),
    }
}

fn some(bytes: &[u8]) -> Option<Foreign> {
    (!bytes.is_empty()).then(|| Foreign::from_bytes(bytes))
}

fn script_of(process: &Process, in_container: bool, world: &World) -> Option<PathBuf> {
    let directory = some(&process.working_directory).map(|path| path_of(path.as_bytes()));
    let path = script::candidate(
        &process.executable,
        &process.command_line,
        directory.as_deref(),
    )?;
    let is_script = match in_container {
        true => script::looks_like_script(&path),
        false => is_file(&path, world.disk.as_ref()),
    };
    is_script.then_some(path)
}

/// True if a file stands there. One on another machine is not touched: the interpreter runs, so it did open it.
fn is_file(path: &Path, disk: &dyn Disk) -> bool {
    match disk.metadata(path) {
        Ok(metadata) => matches!(metadata.kind, EntryKind::File | EntryKind::Link),
        Err(error) => error.reason == Reason::RemoteFileSystem,
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes.to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::testing::{FakeDisk, world};

    const CONTAINER: &str =
        "0::/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn python(arguments: &str, groups: &str) -> Process {
        Process {
            executable: b"/usr/bin/python3.11".to_vec(),
            uid: Some(33),
            groups: groups.as_bytes().to_vec(),
            working_directory: b"/srv/app".to_vec(),
            command_line: format!("python3\0{arguments}")
                .replace(' ', "\0")
                .into_bytes(),
            ..Process::default()
        }
    }

    #[test]
    fn only_a_word_that_is_a_file_leaves_the_command_line() {
        let world = world(
            FakeDisk::default()
                .file("/srv/app/run.py", "")
                .file("/etc/passwd", "www-data:x:33:33::/:/bin/false\n"),
        );
        let accounts = Accounts::read(&world);
        let with = program(
            &python("run.py --password hunter2", "0::/system.slice/app.service"),
            &accounts,
            &world,
        );
        assert_eq!(with.script, Some("/srv/app/run.py".into()));
        assert_eq!(with.user, Some("www-data".into()));
        assert_eq!(with.unit.as_deref(), Some("app.service"));
        assert_eq!(with.working_directory, Some("/srv/app".into()));
        let without = program(&python("hunter2 run.py", "0::/"), &accounts, &world);
        assert_eq!(without.script, None);
        assert!(!format!("{with:?}{without:?}").contains("hunter2"));
    }

    #[test]
    fn an_account_number_of_a_container_is_not_named_after_an_account_of_the_host() {
        let world =
            world(FakeDisk::default().file("/etc/passwd", "www-data:x:33:33::/:/bin/false\n"));
        let inside = program(
            &python("run.py", CONTAINER),
            &Accounts::read(&world),
            &world,
        );
        assert_eq!(inside.user, Some("33".into()));
        assert_eq!(inside.script, Some("/srv/app/run.py".into()));
        assert!(inside.container.is_some());
    }

    #[test]
    fn the_first_name_of_a_number_counts_and_broken_lines_count_for_nothing() {
        let accounts = Accounts::parse(b"root:x:0:0\ntoor:x:0:0\nbad\n:x:7:\nx:y:z\n\xff:x:9:\n");
        assert_eq!(accounts.name(0), "root".into());
        assert_eq!(accounts.name(7), "7".into());
        assert_eq!(accounts.name(9), Foreign::from_bytes(*b"\xff"));
    }
}
