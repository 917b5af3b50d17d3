//! What a child that reads for us can still do, once it has given up the rest.
//!
//! A child reads what strangers made and parses it. Should a parser be turned against us, what it gets is a
//! process that cannot write a file, change its rights or attributes, start a program, open a connection, trace, signal or
//! slow down others, or grow. Every
//! step is asked of the kernel; one that the kernel does not know is named in the answer, and the look goes on.

use std::collections::BTreeMap;
use std::io;

use super::{Confinement, Sight};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Gives up, for this process and for good, everything `confinement` does not name. Returns what this kernel
/// could not be asked for, in a few words each.
///
/// Call it before any thread is started: most of it holds for the thread that asks, and for those it starts.
pub fn confine(confinement: &Confinement) -> Vec<&'static str> {
    confine_having(confinement, || ()).1
}

/// The same, for who needs something that takes a right to open and none to use: `open` is called once nothing inherited is
/// left, and before anything is given up.
pub fn confine_having<T>(
    confinement: &Confinement,
    open: impl FnOnce() -> T,
) -> (T, Vec<&'static str>) {
    let sight = confinement.sight;
    // First of all: the place where it is said is a file of root's.
    let gives_way = give_way();
    let closed = close_inherited();
    let opened = open();
    let owns_nothing = own_nothing(sight);
    let steps: [(&'static str, io::Result<()>); 8] = [
        (
            "giving way to others (oom_score_adj, ioprio_set)",
            gives_way,
        ),
        ("an end with its parent (prctl)", end_with_parent()),
        ("no inherited descriptors (close_range, Linux 5.9)", closed),
        ("limits of memory and time (setrlimit)", limit(confinement)),
        ("no memory image left behind (prctl)", no_memory_image()),
        (
            "no new rights (prctl)",
            rustix::thread::set_no_new_privs(true).map_err(io::Error::from),
        ),
        ("few rights (capset)", give_up_rights(sight)),
        (NO_WRITING, forbid_writing(sight)),
    ];
    let mut lacking: Vec<_> = steps
        .into_iter()
        .filter_map(|(what, done)| done.is_err().then_some(what))
        .collect();
    // A kernel without Landlock leaves a reader of files with what the list of calls forbids, and with nothing it
    // owns; then it goes to files part by part, for the condition a whole path is asked for cannot be told apart from
    // an opening for writing.
    let whole_paths = match sight {
        Sight::Files | Sight::Filter => !lacking.contains(&NO_WRITING),
        Sight::Processes => owns_nothing,
        // It may write settings of its trace, so nothing is won by refusing this.
        Sight::Events => true,
    };
    if sight == Sight::Processes && !owns_nothing {
        lacking.push(
            "no file of its own (setfsuid): files are looked up part by part, which takes longer",
        );
    }
    if is_missing_openat2() {
        lacking.push("whole paths without links (openat2, Linux 5.6): files are looked up part by part, which takes longer");
    }
    // Last: it forbids most of what stands above.
    if forbid_calls(sight, whole_paths).is_err() {
        lacking.push("no programs, connections or changes (seccomp)");
    }
    (opened, lacking)
}

const NO_WRITING: &str = "no writing (Landlock, Linux 5.13)";

/// An account no file belongs to. (`u32::MAX` itself means "as it was" to the kernel.)
const NOBODY: u32 = u32::MAX - 1;

/// Where Landlock cannot be had, because it would hide processes: root's files are no longer one's own. To read
/// them a right is kept (`CAP_DAC_READ_SEARCH`); to write them, without `CAP_DAC_OVERRIDE`, there is none. True if
/// the kernel did so.
///
/// For files alone (`setfsuid(2)`): for everything else the process stays root, and its tables open to it.
fn own_nothing(sight: Sight) -> bool {
    if sight != Sight::Processes || !rustix::process::geteuid().is_root() {
        return false;
    }
    let (user, group) = (libc::SYS_setfsuid, libc::SYS_setfsgid);
    #[expect(
        unsafe_code,
        reason = "calls with numbers alone; the library has no safe wrapper for this thread's own"
    )]
    // SAFETY: no pointer is passed but an empty list of groups.
    let done = unsafe {
        libc::syscall(
            libc::SYS_setgroups,
            0_usize,
            std::ptr::null::<libc::gid_t>(),
        );
        libc::syscall(group, NOBODY);
        libc::syscall(user, NOBODY);
        // Asked again, the call says what it is by now.
        (libc::syscall(group, NOBODY), libc::syscall(user, NOBODY))
    };
    let nobody = libc::c_long::from(NOBODY.cast_signed());
    let is_nobody = |said: libc::c_long| said == nobody || said == libc::c_long::from(NOBODY);
    is_nobody(done.0) && is_nobody(done.1)
}

/// True on a kernel that does not know the call at all; a question for a descriptor that is none touches nothing.
fn is_missing_openat2() -> bool {
    let asked = rustix::fs::openat2(
        rustix::fs::CWD,
        c"/",
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
        rustix::fs::ResolveFlags::NO_SYMLINKS,
    );
    asked.is_err()
}

/// When the machine runs out of memory, whoever reads for us ends before anything that works there; and it waits for
/// the disk behind everybody else.
///
/// How it shares processors stays as it is: a reader that gets none on a busy machine would only hold on to what it
/// has for longer.
fn give_way() -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", ENDS_FIRST)?;
    #[expect(
        unsafe_code,
        reason = "a call with numbers alone, for which the library has no word"
    )]
    // SAFETY: no pointer is passed; the process meant is this one.
    let done = unsafe { libc::syscall(libc::SYS_ioprio_set, 1, 0, LAST_AT_THE_DISK) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The largest is 1000, which nobody but a test should have (proc(5)).
const ENDS_FIRST: &str = "900";
/// Best effort, last of its eight levels (ioprio_set(2)).
const LAST_AT_THE_DISK: libc::c_int = 2 << 13 | 7;

fn end_with_parent() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Closes what whoever started groma left open; nobody here needs more than the three standard streams.
fn close_inherited() -> io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "closing descriptors by number; called before anything here holds one above 2"
    )]
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    match closed {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Writable memory this process has reserved, in bytes. An allocator may reserve a gigabyte before it uses a page
/// of it, and the kernel counts that: a limit below it would forbid the first thread.
fn reserved_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}

fn limit(confinement: &Confinement) -> io::Result<()> {
    let memory = confinement
        .memory_bytes_max
        .saturating_add(reserved_bytes());
    for (resource, most) in [
        (Resource::Data, memory),
        (Resource::Cpu, confinement.processor_seconds_max),
        (Resource::Nofile, confinement.descriptors_max),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let most = rustix::process::getrlimit(resource)
            .maximum
            .map_or(most, |hard| hard.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit)?;
    }
    Ok(())
}

fn no_memory_image() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Keeps what reading needs: any file, without leaving an access time, and, if asked for, tables of processes.
fn give_up_rights(sight: Sight) -> io::Result<()> {
    let more = match sight {
        Sight::Files => CapabilitySet::empty(),
        Sight::Filter => CapabilitySet::NET_ADMIN,
        Sight::Processes => CapabilitySet::SYS_PTRACE,
        Sight::Events => {
            CapabilitySet::SYS_PTRACE
                | CapabilitySet::SYS_ADMIN
                | CapabilitySet::NET_ADMIN
                | CapabilitySet::NET_RAW
        }
    };
    let keep = CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER | more;
    let now = rustix::thread::capabilities(None)?;
    let sets = CapabilitySets {
        effective: now.permitted & keep,
        permitted: now.permitted & keep,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets)?;
    Ok(())
}

/// Landlock: no file may be written, made, removed or run, no TCP port bound or called. A process so confined
/// is also kept from what the kernel shows to tracers only, so those that need it go without and rely on the
/// list of calls alone.
fn forbid_writing(sight: Sight) -> io::Result<()> {
    use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _};
    if sight.sees_processes() {
        return Ok(());
    }
    let enforced = Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V5) | AccessFs::Execute)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    match enforced.ruleset {
        landlock::RulesetStatus::NotEnforced => Err(io::ErrorKind::Unsupported.into()),
        _ => Ok(()),
    }
}

/// Refuses system calls that change, start, trace, connect or hide: "not permitted", so that a library that
/// tries one falls back instead of dying.
fn forbid_calls(sight: Sight, whole_paths: bool) -> io::Result<()> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [FORBIDDEN, FORBIDDEN_NEW]
        .concat()
        .iter()
        .map(|call| (*call, Vec::new()))
        .collect();
    #[cfg(target_arch = "x86_64")]
    rules.extend(FORBIDDEN_OLD.iter().map(|call| (*call, Vec::new())));
    let mut sockets = vec![not_equal(0, libc::AF_NETLINK)?];
    if sight == Sight::Events {
        NEEDED_FOR_EVENTS.iter().for_each(|call| {
            rules.remove(call);
        });
        sockets = vec![
            SeccompRule::new(vec![
                condition(0, SeccompCmpOp::Ne, number(libc::AF_NETLINK)?)?,
                condition(0, SeccompCmpOp::Ne, number(libc::AF_PACKET)?)?,
            ])
            .map_err(io::Error::other)?,
        ];
    } else {
        rules.insert(libc::SYS_openat, writing(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, writing(1)?);
    }
    if !whole_paths {
        // Its flags stand in memory, where a filter cannot look.
        rules.insert(libc::SYS_openat2, Vec::new());
    }
    rules.insert(libc::SYS_socket, sockets);
    // A thread of its own it may start, and no process, nor another world; it may signal itself (that is how a program
    // gives up), and nobody else of the same account.
    rules.insert(
        libc::SYS_clone,
        vec![rule(
            0,
            SeccompCmpOp::MaskedEq(number(libc::CLONE_THREAD)?),
            0,
        )?],
    );
    let ourselves = i32::try_from(std::process::id()).map_err(io::Error::other)?;
    rules.insert(libc::SYS_tgkill, vec![not_equal(0, ourselves)?]);
    if sight != Sight::Events {
        // Some settings of a file are changed through a descriptor that may only read (`FS_IOC_SETFLAGS`).
        rules.insert(libc::SYS_ioctl, vec![none_of(1, &HARMLESS_CONTROLS)?]);
    }
    let architecture = std::env::consts::ARCH
        .try_into()
        .map_err(io::Error::other)?;
    let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
    let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)
        .and_then(TryInto::try_into)
        .map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    // Its flags stand in memory as well; told that there is no such call, every library uses the older one.
    let unknown = SeccompAction::Errno(u32::try_from(libc::ENOSYS).unwrap_or(1));
    let newer = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let program: BpfProgram =
        SeccompFilter::new(newer, SeccompAction::Allow, unknown, architecture)
            .and_then(TryInto::try_into)
            .map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

/// Requests to a descriptor that change nothing but how it is waited for, or ask what it is.
const HARMLESS_CONTROLS: [u64; 6] = [
    0x5421, // FIONBIO
    0x5451, // FIOCLEX
    0x5450, // FIONCLEX
    0x541b, // FIONREAD
    0x5401, // TCGETS
    0x5413, // TIOCGWINSZ
];

/// Matches where argument number `at` is none of `values`.
fn none_of(at: u8, values: &[u64]) -> io::Result<SeccompRule> {
    let all = values
        .iter()
        .map(|value| condition(at, SeccompCmpOp::Ne, *value));
    SeccompRule::new(all.collect::<io::Result<_>>()?).map_err(io::Error::other)
}

/// Calls by the number every architecture we build for gives them, for which the library has no name yet: changes
/// of rights and attributes by way of a directory (Linux 6.6 to 6.17), and of a mount.
const FORBIDDEN_NEW: &[i64] = &[
    452, // fchmodat2
    463, // setxattrat
    466, // removexattrat
    467, // open_tree_attr
    469, // file_setattr
];

/// Matches an opening for writing; the flags are argument number `at`.
fn writing(at: u8) -> io::Result<Vec<SeccompRule>> {
    [
        libc::O_WRONLY,
        libc::O_RDWR,
        libc::O_CREAT,
        libc::O_TRUNC,
        libc::O_APPEND,
    ]
    .into_iter()
    .map(|flag| {
        let flag = u64::try_from(flag).map_err(io::Error::other)?;
        rule(at, SeccompCmpOp::MaskedEq(flag), flag)
    })
    .collect()
}

fn not_equal(at: u8, value: libc::c_int) -> io::Result<SeccompRule> {
    rule(at, SeccompCmpOp::Ne, number(value)?)
}

fn number(value: libc::c_int) -> io::Result<u64> {
    u64::try_from(value).map_err(io::Error::other)
}

fn rule(at: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompRule> {
    SeccompRule::new(vec![condition(at, operator, value)?]).map_err(io::Error::other)
}

fn condition(at: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, value).map_err(io::Error::other)
}

/// What a watcher of events cannot do without: settings of its trace are files, its instance is a directory, a trace
/// may have to be mounted where only it sees it, containers have networks of their own, and some events are told to
/// a program of the kernel's own machine alone.
const NEEDED_FOR_EVENTS: &[i64] = &[
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
];

/// Calls no reader needs, on every architecture.
const FORBIDDEN: &[i64] = &[
    // Starting and steering others.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_prlimit64,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setaffinity,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_kcmp,
    libc::SYS_userfaultfd,
    // Speaking to others, and taking from them what they left for each other.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_socketpair,
    // Changing files.
    libc::SYS_mknodat,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_renameat2,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_memfd_create,
    // Changing the machine.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Ways around this list.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// The same under the names only this architecture still has.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_OLD: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_creat,
    libc::SYS_mknod,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_symlink,
    libc::SYS_link,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
];
