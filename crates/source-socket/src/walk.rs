//! The walk over `/proc`: which process holds which socket.
//!
//! This is the one place of a source that reads the file system by itself instead of through the world's
//! disk. `/proc` is the kernel's answer, not a stranger's storage: nothing there can be a FIFO, a remote
//! mount or a huge file, and a busy server has a hundred thousand links to read, for which a path look-up
//! and an allocation each would cost more than the answer.
//!
//! Two things are left to the disk. The command line is memory of the process itself, whose lock may be held while
//! something hangs, so it is read by a disk that waits no longer than bearable. And what a link of a process says
//! is a name its owner chose: it is passed on as text, and whoever wants to know what stands there asks the disk.
//!
//! Everything about one process is read through one opened `/proc/PID`. The kernel ties that descriptor to
//! the process, not to the number: when the process ends and its number is given away, further reads fail
//! (`ESRCH`), so a stranger's name can never be read for a dead process's sockets.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use groma_model::Reason;
use groma_source::{Disk, Window};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir};
use rustix::io::Errno;

use crate::process::{
    bracketed_number, effective_uid, has_ended, start_ticks, without_deleted_mark,
};
use crate::script::{COMMAND_LINE_BYTES, is_interpreter};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// Largest small file of `/proc/PID` that is read, in bytes.
const SMALL_FILE_BYTES: u64 = 64 << 10;

/// Something for each inode.
pub(crate) type Inodes<T> = HashMap<u32, T, BuildHasherDefault<InodeHasher>>;

/// Spreads inode numbers, which the kernel hands out in turn, over a table (Knuth's multiplicative hashing).
///
/// They come from the kernel, not from whoever would like our tables to be slow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InodeHasher(u64);

impl Hasher for InodeHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// What was read of one process that holds a wanted socket, before anything is concluded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Process {
    /// Its number, to tell processes of one walk apart.
    pub pid: u32,
    /// Clock ticks between boot and its start.
    pub started: u64,
    /// Its executable, empty if it could not be read.
    pub executable: Vec<u8>,
    /// Effective uid.
    pub uid: Option<u32>,
    /// `/proc/PID/cgroup`.
    pub groups: Vec<u8>,
    /// Its working directory, empty if it could not be read.
    pub working_directory: Vec<u8>,
    /// Its command line, read for interpreters only and never passed on.
    pub command_line: Vec<u8>,
    /// True if its command line was asked for and did not come: the process itself hangs.
    pub is_stuck: bool,
}

impl Process {
    /// Of several holders of one socket the smallest is its owner: a service before the service manager that
    /// opened the door for it, then the oldest (a master before its workers), then the lowest number.
    fn precedence(&self) -> (bool, u64, u32) {
        (
            self.pid == 1 || self.executable.ends_with(b"/systemd"),
            self.started,
            self.pid,
        )
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Holders of at least one wanted socket.
    pub processes: Vec<Process>,
    /// Wanted inode → place of its owner in `processes`; `None` if nobody holds it.
    pub owners: Inodes<Option<usize>>,
    /// Processes whose descriptors we may not see.
    pub denied: u64,
    /// True if the walk was ended by the deadline or the budget.
    pub cut: bool,
}

/// The process table, opened once.
#[derive(Debug)]
pub(crate) struct ProcessTable {
    root: OwnedFd,
    entries: Vec<u8>,
}

impl ProcessTable {
    /// Opens `/proc`.
    pub(crate) fn open() -> Result<Self, Errno> {
        let root = rustix::fs::open(c"/proc", DIRECTORY, Mode::empty())?;
        Ok(Self {
            root,
            entries: Vec::with_capacity(64 << 10),
        })
    }

    /// This very process, as this `/proc` numbers it.
    pub(crate) fn own_pid(&self) -> Option<u32> {
        let link = rustix::fs::readlinkat(&self.root, c"self", Vec::new()).ok()?;
        number(&link)
    }

    /// Every process, by ascending number.
    pub(crate) fn pids(&mut self) -> Result<Vec<u32>, Errno> {
        let directory = rustix::fs::openat(&self.root, c".", DIRECTORY, Mode::empty())?;
        let mut pids = Vec::new();
        let mut entries = RawDir::new(&directory, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            pids.extend(number(entry?.file_name()));
        }
        pids.sort_unstable();
        Ok(pids)
    }

    /// `/proc/PID`, tied to that process until it is dropped.
    pub(crate) fn process(&self, pid: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.root, pid.to_string(), flags, Mode::empty())
    }

    /// `/proc/self`.
    pub(crate) fn this_process(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.root, c"self", flags, Mode::empty())
    }

    /// The process that started this one, if it is this very program: what it does is our doing as well.
    pub(crate) fn own_parent(&self) -> Option<u32> {
        let own = self.this_process().ok()?;
        let status = file(&own, c"status", SMALL_FILE_BYTES);
        let parent = number_after(&status, b"PPid:").filter(|parent| *parent != 0)?;
        let parents = self.process(parent).ok()?;
        let program = |process: &OwnedFd| {
            let stat = rustix::fs::statat(process, c"exe", AtFlags::empty()).ok()?;
            Some((stat.st_dev, stat.st_ino))
        };
        (program(&own).is_some() && program(&own) == program(&parents)).then_some(parent)
    }

    /// Finds the owners of the sockets in `wanted`. Visits at most `entries_max` descriptors.
    pub(crate) fn walk(
        &mut self,
        pids: &[u32],
        wanted: Inodes<Option<usize>>,
        entries_max: u64,
        window: &Window,
        disk: &dyn Disk,
    ) -> Walk {
        let mut walk = Walk {
            owners: wanted,
            ..Walk::default()
        };
        let mut entries_left = entries_max;
        for pid in pids {
            if window.is_over() || entries_left == 0 {
                walk.cut = true;
                break;
            }
            let Ok(process) = self.process(*pid) else {
                continue;
            };
            let visited = self.visit(&process, *pid, &mut entries_left, &mut walk, disk);
            walk.denied += u64::from(visited.is_err_and(|error| is_refusal(&process, error)));
        }
        walk
    }

    fn visit(
        &mut self,
        process: &OwnedFd,
        pid: u32,
        entries_left: &mut u64,
        walk: &mut Walk,
        disk: &dyn Disk,
    ) -> Result<(), Errno> {
        let descriptors = rustix::fs::openat(process, c"fd", DIRECTORY, Mode::empty())?;
        let mut link = [MaybeUninit::<u8>::uninit(); 64];
        let mut place = None;
        let mut entries = RawDir::new(&descriptors, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if *entries_left == 0 {
                walk.cut = true;
                break;
            }
            *entries_left -= 1;
            let target =
                match rustix::fs::readlinkat_raw(&descriptors, entry.file_name(), &mut link) {
                    Ok((target, _)) => target,
                    Err(error @ (Errno::ACCESS | Errno::PERM)) => return Err(error),
                    Err(_) => continue, // `.`, `..`, or closed meanwhile
                };
            let Some(inode) = bracketed_number::<u32>(target, b"socket") else {
                continue;
            };
            let Some(owner) = walk.owners.get_mut(&inode) else {
                continue;
            };
            if place.is_none() {
                // Ended meanwhile: nobody can say any more what it was.
                let Some(found) = describe(process, pid, Some(disk)) else {
                    break;
                };
                place = Some(walk.processes.len());
                walk.processes.push(found);
            }
            if let Some(place) = place {
                claim(owner, place, &walk.processes);
            }
        }
        Ok(())
    }
}

/// Makes the process at `place` the owner, if it comes before the one found earlier.
fn claim(owner: &mut Option<usize>, place: usize, processes: &[Process]) {
    let precedence = |at: usize| processes.get(at).map(Process::precedence);
    if owner.is_none_or(|earlier| precedence(place) < precedence(earlier)) {
        *owner = Some(place);
    }
}

/// Reads what a fact says about a process; `None` if it ended before all of it was read. What may not be
/// read stays empty, and so does the command line without a `disk` that reads it.
pub(crate) fn describe(process: &OwnedFd, pid: u32, disk: Option<&dyn Disk>) -> Option<Process> {
    let executable = link(process, c"exe");
    let disk = disk.filter(|_| is_interpreter(&executable));
    let (command_line, is_stuck) = disk.map_or_else(Default::default, |d| command_line(pid, d));
    let described = Process {
        pid,
        started: 0,
        uid: effective_uid(&file(process, c"status", SMALL_FILE_BYTES)),
        groups: file(process, c"cgroup", SMALL_FILE_BYTES),
        working_directory: link(process, c"cwd"),
        executable,
        command_line,
        is_stuck,
    };
    // Last, because it tells that the process was still there when everything else was read, and that its number
    // was nobody else's.
    let stat = file(process, c"stat", SMALL_FILE_BYTES);
    let started = start_ticks(&stat).filter(|_| !has_ended(&stat))?;
    Some(Process {
        started,
        ..described
    })
}

/// The front of the command line of this number's process, and whether it hangs.
fn command_line(pid: u32, disk: &dyn Disk) -> (Vec<u8>, bool) {
    let mut bytes = vec![0; COMMAND_LINE_BYTES];
    let path = format!("/proc/{pid}/cmdline");
    let read = disk
        .open(Path::new(&path))
        .and_then(|opened| opened.read_at(0, &mut bytes));
    bytes.truncate(*read.as_ref().unwrap_or(&0));
    (bytes, read.is_err_and(|e| e.reason == Reason::TimedOut))
}

/// True if a process that is there did not let us look; any other failure means that it ended meanwhile.
///
/// For one that has just ended the kernel says "permission denied" as well, so it is asked for something that
/// everybody may read.
pub(crate) fn is_refusal(process: &OwnedFd, error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
        && !file(process, c"stat", SMALL_FILE_BYTES).is_empty()
}

/// The process a thread belongs to: `Tgid:` in `/proc/PID/status` (proc(5)).
pub(crate) fn thread_group(thread: &OwnedFd) -> Option<u32> {
    number_after(&file(thread, c"status", SMALL_FILE_BYTES), b"Tgid:")
}

/// The number behind a word of `/proc/PID/status`.
fn number_after(status: &[u8], word: &[u8]) -> Option<u32> {
    let line = status
        .split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(word))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// The network namespace of a process.
pub(crate) fn network_namespace(process: &OwnedFd) -> Result<u64, Errno> {
    let mut target = [MaybeUninit::<u8>::uninit(); 64];
    let (target, _) = rustix::fs::readlinkat_raw(process, c"ns/net", &mut target)?;
    bracketed_number(target, b"net").ok_or(Errno::INVAL)
}

fn link(process: &OwnedFd, name: &CStr) -> Vec<u8> {
    let target = rustix::fs::readlinkat(process, name, Vec::new())
        .map_or_else(|_| Vec::new(), CString::into_bytes);
    without_deleted_mark(&target).to_vec()
}

/// At most `limit` bytes of a small file; nothing if the process is gone.
pub(crate) fn file(process: &OwnedFd, name: &CStr, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(opened) = rustix::fs::openat(
        process.as_fd(),
        name,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        // A process that ends half way leaves what was read so far.
        let _ = File::from(opened).take(limit).read_to_end(&mut bytes);
    }
    bytes
}

fn number(name: &CStr) -> Option<u32> {
    name.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32, started: u64, executable: &[u8]) -> Process {
        Process {
            pid,
            started,
            executable: executable.to_vec(),
            ..Process::default()
        }
    }

    fn owner_of(processes: &[Process], order: &[usize]) -> u32 {
        let mut owner = None;
        for place in order {
            claim(&mut owner, *place, processes);
        }
        processes.get(owner.unwrap()).unwrap().pid
    }

    #[test]
    fn the_master_owns_what_its_workers_inherited() {
        let processes = [
            holder(30, 500, b"/usr/sbin/nginx"),
            holder(20, 400, b"/usr/sbin/nginx"),
            holder(21, 400, b"/usr/sbin/nginx"),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            assert_eq!(owner_of(&processes, &order), 20);
        }
    }

    #[test]
    fn the_service_manager_owns_only_what_nobody_else_holds() {
        let processes = [
            holder(1, 1, b"/usr/lib/systemd/systemd"),
            holder(900, 9, b"/usr/sbin/sshd"),
            holder(700, 5, b"/usr/lib/systemd/systemd"),
        ];
        assert_eq!(owner_of(&processes, &[0, 2, 1]), 900);
        assert_eq!(owner_of(&processes, &[2, 0]), 1);
    }

    #[test]
    fn nothing_is_read_for_a_process_that_ended() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let table = ProcessTable::open().unwrap();
        let process = table.process(child.id()).unwrap();
        let alive = describe(&process, child.id(), None).unwrap();
        assert!(!alive.executable.is_empty() && alive.started > 0 && alive.uid.is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever gets this number next, the descriptor does not lead there.
        assert_eq!(describe(&process, child.id(), None), None);
        let refused = network_namespace(&process).unwrap_err();
        assert!(!is_refusal(&process, refused), "{refused:?}");
    }
}
