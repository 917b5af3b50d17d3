//! Asks `/proc` who a task is, while it lives; and makes a program of what is left of one that ended.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use groma_model::Foreign;
use groma_model::fact::Program;
use groma_source::{World, disk::foreign};

use crate::sample::{ProgramId, Sampler};
use crate::walk::{ProcessTable, describe, network_namespace, thread_group};

use super::lineage::{Lineage, Reading, Who};

/// Links on the way to a program that are followed.
const LINKS_MAX: u32 = 32;
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
    own: Option<u32>,
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
            own: table.own_pid(),
            table,
            resolved: HashMap::new(),
            guessed: HashSet::new(),
            read: HashSet::new(),
        })
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
        let described = describe(&process, group)?;
        Some(Reading {
            at: moment(),
            program: sampler.program_of(&described),
            namespace,
            started: described.started,
            ours: self.own == Some(group),
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
        let resolved = follow(path, &self.world);
        if self.resolved.len() < PATHS_MAX {
            self.resolved.insert(path.to_vec(), resolved.clone());
        }
        resolved
    }
}

/// The executable behind a path as `/proc/PID/exe` would have named it: links followed, and of a script its
/// interpreter.
fn follow(path: &[u8], world: &World) -> Resolved {
    use std::os::unix::ffi::OsStringExt;
    let path: PathBuf = std::ffi::OsString::from_vec(path.to_vec()).into();
    let Some(file) = settled(&path, world) else {
        return Resolved {
            executable: Some(foreign(&path)),
            script: None,
        };
    };
    match interpreter(&file, world) {
        Some(interpreter) => Resolved {
            executable: settled(&interpreter, world).map(|path| foreign(&path)),
            script: Some(foreign(&path)),
        },
        None => Resolved {
            executable: Some(foreign(&file)),
            script: None,
        },
    }
}

/// The interpreter a script names in its first line.
fn interpreter(file: &Path, world: &World) -> Option<PathBuf> {
    let mut first = [0; FIRST_BYTES];
    let length = world.disk.open(file).ok()?.read_at(0, &mut first).ok()?;
    let line = first.get(..length)?.split(|b| *b == b'\n').next()?;
    let words = line.strip_prefix(b"#!")?.trim_ascii_start();
    let word = words.split(u8::is_ascii_whitespace).next()?;
    let path = Path::new(std::str::from_utf8(word).ok()?);
    // `env` starts something else again, and that start is told by itself.
    path.is_absolute().then(|| path.to_owned())
}

/// The path with every link on the way followed; `None` if nothing stands there any more.
fn settled(path: &Path, world: &World) -> Option<PathBuf> {
    let mut left = LINKS_MAX;
    let mut parts: Vec<std::ffi::OsString> = words(path);
    parts.reverse();
    let mut at = PathBuf::from("/");
    while let Some(part) = parts.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        at.push(&part);
        if let Ok(to) = world.disk.read_link(&at) {
            left = left.checked_sub(1)?;
            at.pop();
            if to.is_absolute() {
                at = PathBuf::from("/");
            }
            let mut more = words(&to);
            more.reverse();
            parts.append(&mut more);
        }
    }
    world.disk.metadata(&at).is_ok().then_some(at)
}

fn words(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
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
    use groma_source::testing::{FakeDisk, world};

    #[test]
    fn a_path_leads_where_the_kernel_would_have_followed_it() {
        let world = world(
            FakeDisk::default()
                .link("/bin", "usr/bin")
                .file("/usr/bin/dash", "\x7fELF")
                .link("/usr/bin/sh", "dash")
                .file("/opt/job/run", "#! /bin/sh -e\nnc mail 25\n")
                .link("/usr/bin/loop", "loop"),
        );
        let shell = follow(b"/bin/sh", &world);
        assert_eq!(shell.executable, Some("/usr/bin/dash".into()));
        let script = follow(b"/opt/job/run", &world);
        assert_eq!(script.executable, Some("/usr/bin/dash".into()));
        assert_eq!(script.script, Some("/opt/job/run".into()));
        assert_eq!(follow(b"/gone", &world).executable, Some("/gone".into()));
        assert_eq!(
            follow(b"/usr/bin/loop", &world).executable,
            Some("/usr/bin/loop".into())
        );
    }
}
