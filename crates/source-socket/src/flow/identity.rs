//! Asks `/proc` who a task is, while it lives; and makes a program of what is left of one that ended.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use groma_model::fact::Program;
use groma_model::{Foreign, Reason};
use groma_source::{Disk, OpenFile, World, disk::foreign};

use crate::sample::{ProgramId, Sampler};
use crate::walk::{ProcessTable, describe, network_namespace, thread_group};

use super::lineage::{Lineage, Reading, Who};

/// Paths of ended programs that are remembered.
const PATHS_MAX: usize = 4096;
/// Bytes of a program's file that are read, to see whether it is a script.
const FIRST_BYTES: usize = 256;

/// Where a path leads: the executable, and the script if it was one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Resolved {
    executable: Option<Foreign>,
    script: Option<Foreign>,
}

/// The way to a program.
pub(crate) struct Identity {
    world: World,
    table: ProcessTable,
    /// We ourselves, and who started us to look.
    ours: [Option<u32>; 2],
    /// Tasks that did not answer.
    stuck: Cell<u64>,
    resolved: HashMap<Vec<u8>, Resolved>,
    /// Programs put together from what was left of them.
    guessed: HashSet<ProgramId>,
    /// Programs `/proc` told of.
    read: HashSet<ProgramId>,
}

impl Identity {
    pub(crate) fn open(world: &World) -> std::io::Result<Self> {
        let table = ProcessTable::open()?;
        Ok(Self {
            world: world.clone(),
            ours: [table.own_pid(), table.own_parent()],
            stuck: Cell::new(0),
            table,
            resolved: HashMap::new(),
            guessed: HashSet::new(),
            read: HashSet::new(),
        })
    }

    /// How often the command line of a task did not answer.
    pub(crate) fn stuck(&self) -> u64 {
        self.stuck.get()
    }

    /// The kernel's number of the network we live in.
    pub(crate) fn own_namespace(&self) -> Option<u64> {
        network_namespace(&self.table.this_process().ok()?).ok()
    }

    /// What `/proc` says of `task` now; `None` if it is gone. `moment` is asked after the reading.
    pub(crate) fn read(
        &self,
        task: u32,
        sampler: &mut Sampler,
        moment: impl Fn() -> u64,
    ) -> Option<Reading> {
        let thread = self.table.process(task).ok()?;
        let namespace = network_namespace(&thread).unwrap_or(0);
        let group = thread_group(&thread)?;
        let process = if group == task {
            thread
        } else {
            self.table.process(group).ok()?
        };
        let described = describe(&process, group, Some(self.world.disk.as_ref()))?;
        self.stuck
            .set(self.stuck.get() + u64::from(described.is_stuck));
        Some(Reading {
            at: moment(),
            program: sampler.program_of(&described),
            namespace,
            started: described.started,
            ours: self.ours.contains(&Some(group)),
        })
    }

    /// True if no more is known of a program than how it was started and whose it was: one alike that `/proc` told of
    /// is likelier than another one.
    pub(crate) fn is_guess(&self, program: ProgramId) -> bool {
        self.guessed.contains(&program) && !self.read.contains(&program)
    }

    /// The program a task was, and its network; neither where nobody knows. `user` is whose task it was, where that was
    /// told.
    pub(crate) fn program(
        &mut self,
        who: &Who,
        user: Option<u32>,
        sampler: &mut Sampler,
    ) -> (Option<ProgramId>, Option<u64>) {
        match who {
            Who::Read(reading) => {
                self.read.insert(reading.program);
                (Some(reading.program), Some(reading.namespace))
            }
            Who::Ended(path, parent) => {
                let namespace = parent.map(|parent| parent.namespace);
                let program = self.ended(path, *parent, user, sampler);
                self.guessed.extend(program);
                (program, namespace)
            }
            Who::Unknown => (None, None),
        }
    }

    fn ended(
        &mut self,
        path: &[u8],
        parent: Option<Reading>,
        user: Option<u32>,
        sampler: &mut Sampler,
    ) -> Option<ProgramId> {
        if path.first() != Some(&b'/') {
            return None; // beside whatever its parent's directory was
        }
        let parent = parent.map(|parent| sampler.program(parent.program).clone());
        let (unit, container) = parent.map_or((None, None), |p| (p.unit, p.container));
        let user = user.map(|uid| sampler.account(uid, container.is_some()));
        let Resolved { executable, script } = match container {
            // Its files are not ours to look at.
            Some(_) => Resolved {
                executable: Some(Foreign::from_bytes(path)),
                script: None,
            },
            None => self.resolve(path),
        };
        Some(sampler.id_of(Program {
            executable,
            script,
            user,
            unit,
            container,
            ..Program::default()
        }))
    }

    fn resolve(&mut self, path: &[u8]) -> Resolved {
        if let Some(known) = self.resolved.get(path) {
            return known.clone();
        }
        let resolved = follow(path, self.world.disk.as_ref());
        if self.resolved.len() < PATHS_MAX {
            self.resolved.insert(path.to_vec(), resolved.clone());
        }
        resolved
    }
}

/// The executable behind a path as `/proc/PID/exe` would have named it: links followed, and of a script its
/// interpreter. The path was chosen by whoever started the program, so it is followed by the disk, which knows where
/// it must not lead, and not by ourselves.
fn follow(path: &[u8], disk: &dyn Disk) -> Resolved {
    use std::os::unix::ffi::OsStringExt;
    let path: PathBuf = std::ffi::OsString::from_vec(path.to_vec()).into();
    // There every process stands for itself: what that program meant, we would take for us.
    if path.starts_with("/proc") || path.starts_with("/dev") {
        return Resolved::default();
    }
    let named = |path: &Path| Resolved {
        executable: Some(foreign(path)),
        script: None,
    };
    let file = match disk.open(&path) {
        Ok(file) => file,
        // No program is started from there: somebody has put it in its place since.
        Err(error) if error.reason == Reason::NotARegularFile => return Resolved::default(),
        Err(_) => return named(&path),
    };
    match interpreter(file.as_ref()) {
        Some(interpreter) => Resolved {
            executable: settled(&interpreter, disk).map(|path| foreign(&path)),
            script: Some(foreign(&path)),
        },
        None => named(file.settled().unwrap_or(&path)),
    }
}

/// The interpreter a script names in its first line.
fn interpreter(file: &dyn OpenFile) -> Option<PathBuf> {
    let mut first = [0; FIRST_BYTES];
    let length = file.read_at(0, &mut first).ok()?;
    let line = first.get(..length)?.split(|b| *b == b'\n').next()?;
    let words = line.strip_prefix(b"#!")?.trim_ascii_start();
    let word = words.split(u8::is_ascii_whitespace).next()?;
    let path = Path::new(std::str::from_utf8(word).ok()?);
    // `env` starts something else again, and that start is told by itself.
    path.is_absolute().then(|| path.to_owned())
}

/// The path of a program with every link on the way followed; `None` if none stands there.
fn settled(path: &Path, disk: &dyn Disk) -> Option<PathBuf> {
    let file = disk.open(path).ok()?;
    Some(file.settled().unwrap_or(path).to_owned())
}

/// Asks `/proc` about every task in `wanted` that is not known at its moment, and about the parent of one that is
/// gone; at most `most` of them.
pub(crate) fn look_up(
    wanted: &[(u32, u64)],
    most: usize,
    identity: &Identity,
    lineage: &mut Lineage,
    sampler: &mut Sampler,
    moment: impl Fn() -> u64,
) {
    let mut left = most;
    for (task, at) in wanted {
        if left == 0 {
            return;
        }
        if !lineage.must_read(*task, *at) {
            continue;
        }
        left -= 1;
        if let Some(reading) = identity.read(*task, sampler, &moment) {
            lineage.read(*task, reading);
        }
        // Where a change lies between, or nobody is there any more, the parent tells the rest.
        if lineage.must_read(*task, *at)
            && let Some((parent, made)) = lineage.parent(*task, *at)
            && lineage.must_read(parent, made)
            && let Some(reading) = identity.read(parent, sampler, &moment)
        {
            lineage.read(parent, reading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_source::testing::FakeDisk;

    #[test]
    fn a_path_leads_where_the_kernel_would_have_followed_it() {
        let disk = FakeDisk::default()
            .link("/bin/sh", "/usr/bin/sh")
            .file("/usr/bin/dash", "\x7fELF")
            .link("/usr/bin/sh", "dash")
            .file("/opt/job/run", "#! /bin/sh -e\nnc mail 25\n")
            .link("/usr/bin/loop", "loop");
        let shell = follow(b"/bin/sh", &disk);
        assert_eq!(shell.executable, Some("/usr/bin/dash".into()));
        let script = follow(b"/opt/job/run", &disk);
        assert_eq!(script.executable, Some("/usr/bin/dash".into()));
        assert_eq!(script.script, Some("/opt/job/run".into()));
        assert_eq!(follow(b"/gone", &disk).executable, Some("/gone".into()));
        assert_eq!(
            follow(b"/usr/bin/loop", &disk).executable,
            Some("/usr/bin/loop".into())
        );
    }

    #[test]
    fn a_path_that_means_somebody_else_for_us_names_nobody() {
        let disk = FakeDisk::default()
            .file("/proc/self/exe", "\x7fELF")
            .file("/dev/fd/5", "\x7fELF")
            .special("/home/anna/pipe");
        for path in [
            "/proc/self/exe",
            "/dev/fd/5",
            "/proc/77/root/bin/x",
            "/home/anna/pipe",
        ] {
            assert_eq!(
                follow(path.as_bytes(), &disk),
                Resolved::default(),
                "{path}"
            );
        }
    }
}
