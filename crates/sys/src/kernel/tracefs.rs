//! Finding tracefs, or mounting it where nobody else sees it, and keeping our corner of it tidy.
//!
//! An instance (`instances/NAME`) is a trace of its own: own buffer, own events, own filter. It is named after
//! its owner, `groma-PID-START-NAMESPACE`, and removed when it is dropped. What a killed program left is removed at
//! the next start: its owner's process number is free again, or given to a process that started at another time.
//! All containers of a machine share one tracefs, and what a process number means there nobody outside can tell:
//! an instance of another process namespace is removed only when it is older than any start takes. One in use is
//! held by its open buffers, whoever asks.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, fsconfig_create,
    fsmount, fsopen, mount, mount_change,
};

/// Where a system mounts it, in the order of habit.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// `TRACEFS_MAGIC`.
const TRACEFS: u64 = 0x7472_6163;
/// Instances of other owners that are looked at; more would be a mistake of somebody else's.
const INSTANCES_MAX: usize = 4096;
/// A start is done within this many seconds; an instance that is older and not held is left over.
const START_SECONDS_MAX: i64 = 60;
/// The first part of the name of an instance.
const PREFIX: &str = "groma-";

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// An instance of ours.
pub(super) struct Instance {
    instances: OwnedFd,
    name: String,
    root: OwnedFd,
}

impl Instance {
    /// Makes one, after removing those whose owner is gone.
    pub(super) fn make() -> io::Result<Self> {
        let tracefs = open()?;
        let instances = rustix::fs::openat(&tracefs, "instances", DIRECTORY, Mode::empty())?;
        sweep(&instances);
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let started = started(&own.to_string()).unwrap_or_default();
        let namespace = process_namespace();
        // One program may look twice at once (tests do): the first free name.
        for turn in 0..16 {
            let name = format!("{PREFIX}{own}-{started}-{namespace}-{turn}");
            match rustix::fs::mkdirat(&instances, &name, Mode::RWXU) {
                Ok(()) => {
                    let root = rustix::fs::openat(&instances, &name, DIRECTORY, Mode::empty());
                    let root = root.inspect_err(|_| remove(&instances, &name))?;
                    return Ok(Self {
                        instances,
                        name,
                        root,
                    });
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Opens a file of it.
    pub(super) fn open(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.root, path, flags, Mode::empty())?)
    }

    /// The text of a file of it, at most 64 KiB.
    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        use std::io::Read;
        let mut bytes = Vec::new();
        let file = std::fs::File::from(self.open(path, OFlags::RDONLY)?);
        file.take(64 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a setting of it.
    pub(super) fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let file = self.open(path, OFlags::WRONLY | OFlags::TRUNC)?;
        rustix::io::write(&file, text.as_bytes())?;
        Ok(())
    }

    /// Names in a directory of it.
    pub(super) fn list(&self, path: &str) -> io::Result<Vec<String>> {
        names(&self.open(path, DIRECTORY)?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.write("events/enable", "0");
        remove(&self.instances, &self.name);
    }
}

fn remove(instances: &OwnedFd, name: &str) {
    // Busy while somebody reads it; then the next start removes it.
    let _ = rustix::fs::unlinkat(instances, name, AtFlags::REMOVEDIR);
}

/// The root of tracefs.
fn open() -> io::Result<OwnedFd> {
    for place in PLACES {
        if let Ok(found) = rustix::fs::open(place, DIRECTORY, Mode::empty())
            && is_tracefs(&found)
        {
            return Ok(found);
        }
    }
    mounted_for_us().or_else(|_| mounted_in_a_room_of_its_own())
}

fn is_tracefs(directory: &OwnedFd) -> bool {
    rustix::fs::fstatfs(directory).is_ok_and(|s| u64::try_from(s.f_type).ok() == Some(TRACEFS))
}

/// A mount without a place (Linux 5.2): nobody but the holder of the descriptor can see it, and it ends with it.
fn mounted_for_us() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    Ok(rustix::fs::openat(&mount, ".", DIRECTORY, Mode::empty())?)
}

/// The same for older kernels: a thread takes a mount namespace of its own, mounts there, hands out the
/// descriptor and ends; the namespace ends with it, the descriptor keeps what was mounted.
fn mounted_in_a_room_of_its_own() -> io::Result<OwnedFd> {
    let thread = std::thread::Builder::new().name("groma-tracefs".to_owned());
    let mounting = thread.spawn(|| {
        own_mount_namespace()?;
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        mount("tracefs", PLACES[0], "tracefs", flags, None)?;
        let found = rustix::fs::open(PLACES[0], DIRECTORY, Mode::empty())?;
        if is_tracefs(&found) {
            Ok(found)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    })?;
    mounting
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the thread that mounts ended early")))
}

#[allow(
    unsafe_code,
    reason = "the library asks for care with shared descriptor tables, which this call leaves alone"
)]
fn own_mount_namespace() -> io::Result<()> {
    // SAFETY: only the file system parts are taken apart, never the table of descriptors.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }?;
    Ok(())
}

/// Removes instances of ours whose owner is gone, where a system mounts tracefs: for whoever outlived one that was
/// killed. The next start sweeps as well.
pub(super) fn sweep_everywhere() {
    if let Ok(tracefs) = open()
        && let Ok(instances) = rustix::fs::openat(&tracefs, "instances", DIRECTORY, Mode::empty())
    {
        sweep(&instances);
    }
}

/// Removes instances of ours whose owner is gone.
fn sweep(instances: &OwnedFd) {
    let Ok(again) = rustix::fs::openat(instances, ".", DIRECTORY, Mode::empty()) else {
        return;
    };
    let own = process_namespace();
    for name in names(&again).unwrap_or_default() {
        let old = || is_old(instances, &name);
        if is_orphan(&name, own, started, old) {
            remove(instances, &name);
        }
    }
}

/// True for a name of ours whose owner does not run any more. `started` tells when a process number was given out in
/// the process namespace `own`; of another one's instances only their age tells.
fn is_orphan(
    name: &str,
    own: u64,
    started: impl Fn(&str) -> Option<u64>,
    is_old: impl Fn() -> bool,
) -> bool {
    let words: Vec<&str> = name
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .split('-')
        .collect();
    let [pid, start, namespace, turn] = words.as_slice() else {
        return false;
    };
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    if ![namespace, pid, start, turn]
        .into_iter()
        .all(|word| is_number(word))
    {
        return false;
    }
    if namespace.parse() != Ok(own) {
        return is_old();
    }
    started(pid).map(|ticks| ticks.to_string()).as_deref() != Some(*start)
}

/// True for an instance made before any start that may still be under way.
fn is_old(instances: &OwnedFd, name: &str) -> bool {
    let Ok(stat) = rustix::fs::statat(instances, name, AtFlags::SYMLINK_NOFOLLOW) else {
        return false;
    };
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec.saturating_sub(stat.st_mtime) > START_SECONDS_MAX
}

/// The number of the process namespace this program runs in; 0 where the kernel does not tell.
fn process_namespace() -> u64 {
    rustix::fs::stat("/proc/self/ns/pid").map_or(0, |stat| stat.st_ino)
}

/// Clock ticks between boot and the start of a process: field 22 of its `stat` (proc(5)).
fn started(pid: &str) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn names(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)?.take(INSTANCES_MAX) {
        if let Ok(name) = entry?.file_name().to_str()
            && name != "."
            && name != ".."
        {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_and_orphaned_is_swept() {
        let alive = |pid: &str| (pid == "42").then_some(1000);
        let orphan = |name: &str, is_old: bool| is_orphan(name, 9, alive, || is_old);
        assert!(orphan("groma-41-7-9-0", false), "its owner is gone");
        assert!(
            orphan("groma-42-999-9-0", false),
            "its number is another's now"
        );
        assert!(
            !orphan("groma-41-7-8-0", false),
            "in another container, perhaps just starting"
        );
        assert!(
            orphan("groma-41-7-8-0", true),
            "in another container, long ago"
        );
        for kept in [
            "groma-42-1000-9-0",
            "groma-42-1000-9-3",
            "groma-",
            "groma-41",
            "groma-41-7-0",
            "groma-41-7-9-0-1",
            "groma-x-7-9-0",
            "groma----",
            "somebody",
        ] {
            assert!(!orphan(kept, true), "{kept}");
        }
    }
}
