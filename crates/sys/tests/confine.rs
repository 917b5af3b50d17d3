//! What a confined process can still do, tried for real, each in a process of its own: confinement is for good.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here, and speaks to the one that started it"
)]

use std::path::Path;
use std::process::Command;

use groma_source::Disk as _;
use groma_sys::{Confinement, LocalDisk, Sight, confine};
use rustix::fs::{Mode, OFlags, ResolveFlags};

const ROLE: &str = "GROMA_CONFINED";

fn sight(word: &str) -> Sight {
    match word {
        "files" => Sight::Files,
        "filter" => Sight::Filter,
        "processes" => Sight::Processes,
        _ => Sight::Events,
    }
}

/// Starts this test again, confined as `sight` says, on a file of root's; what it says comes back.
fn confined(sight: &str, file: &Path) -> String {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_a_confined_process_can_do", "--nocapture"])
        .env(ROLE, sight)
        .env("GROMA_CONFINED_FILE", file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn open(path: &Path, flags: OFlags) -> bool {
    let whole = ResolveFlags::NO_SYMLINKS;
    let mode = match flags.contains(OFlags::CREATE) {
        true => Mode::RUSR | Mode::WUSR,
        false => Mode::empty(),
    };
    rustix::fs::openat2(rustix::fs::CWD, path, flags | OFlags::CLOEXEC, mode, whole).is_ok()
}

/// A call as the kernel knows it, with numbers for arguments; what it refuses, whatever for, is not done.
fn call(number: libc::c_long, arguments: [usize; 4]) -> bool {
    let [first, second, third, fourth] = arguments;
    #[expect(
        unsafe_code,
        reason = "calls the library keeps from making by accident"
    )]
    // SAFETY: what is a pointer among them leads to a value that lives until the call is over.
    let done = unsafe { libc::syscall(number, first, second, third, fourth) };
    done == 0
}

/// Ways to do something to others that no file has to be written for.
fn by_the_kernel_alone(path: &Path) -> [(&'static str, bool); 5] {
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    let file = std::fs::File::open(path).unwrap();
    let descriptor = usize::try_from(std::os::fd::AsRawFd::as_raw_fd(&file)).unwrap();
    let parent = usize::try_from(std::os::unix::process::parent_id()).unwrap();
    let here = libc::AT_FDCWD.cast_unsigned() as usize;
    let nothing: libc::c_int = 0;
    let flags = std::ptr::from_ref(&nothing) as usize;
    [
        (
            "changes rights",
            call(452, [here, name.as_ptr() as usize, 0o644, 0]),
        ),
        // FS_IOC_SETFLAGS; on a file system without such flags nobody can.
        (
            "changes flags",
            call(libc::SYS_ioctl, [descriptor, 0x4008_6602, flags, 0]),
        ),
        // Signal 0 asks only whether one might.
        ("signals", call(libc::SYS_tgkill, [parent, parent, 0, 0])),
        ("slows down", call(libc::SYS_setpriority, [0, parent, 1, 0])),
        // SIGCHLD alone: another process. One that is made must end where it begins.
        ("forks", forks()),
    ]
}

fn forks() -> bool {
    #[expect(
        unsafe_code,
        reason = "a process without its thread's memory does nothing but end"
    )]
    // SAFETY: the new process, if there is one, ends at once.
    unsafe {
        let made = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0);
        if made == 0 {
            libc::_exit(0);
        }
        made > 0
    }
}

fn deeds(path: &Path) {
    let beside = path.with_file_name("made");
    let processes = Command::new("true").status().is_ok();
    // It has more rights than a confined process keeps, so looking at it takes one of its own.
    let parent = format!("/proc/{}/exe", std::os::unix::process::parent_id());
    let said = [
        ("reads", LocalDisk::of_this_machine().read(path, 99).is_ok()),
        ("asks for whole paths", open(path, OFlags::PATH)),
        ("writes", open(path, OFlags::WRONLY)),
        ("cuts", open(path, OFlags::RDWR | OFlags::TRUNC)),
        ("makes", open(&beside, OFlags::WRONLY | OFlags::CREATE)),
        (
            "opens to write",
            std::fs::OpenOptions::new().write(true).open(path).is_ok(),
        ),
        ("starts", processes),
        ("calls", std::net::UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("sees processes", std::fs::read_link(parent).is_ok()),
    ];
    for (what, can) in said.into_iter().chain(by_the_kernel_alone(path)) {
        println!("{what}: {can}");
    }
}

#[test]
fn what_a_confined_process_can_do() {
    if let Ok(word) = std::env::var(ROLE) {
        let lacking = confine(&Confinement {
            memory_bytes_max: 512 << 20,
            processor_seconds_max: 60,
            descriptors_max: 64,
            sight: sight(&word),
        });
        println!("lacking: {lacking:?}");
        return deeds(Path::new(&std::env::var("GROMA_CONFINED_FILE").unwrap()));
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root has rights to give up");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "root's").unwrap();
    rustix::fs::chmod(&file, Mode::RUSR | Mode::WUSR).unwrap();
    for word in ["files", "filter", "processes"] {
        let said = confined(word, &file);
        let says = |line: &str| said.lines().any(|l| l.ends_with(line));
        assert!(says("reads: true"), "{word}\n{said}");
        assert!(!said.contains("giving way"), "{word}\n{said}");
        for never in [
            "writes",
            "cuts",
            "makes",
            "opens to write",
            "starts",
            "calls",
            "changes rights",
            "changes flags",
            "signals",
            "slows down",
            "forks",
        ] {
            assert!(says(&format!("{never}: false")), "{word}\n{said}");
        }
        // Unless the kernel lacks what makes it safe; then it goes step by step, and has said so.
        assert!(
            says("asks for whole paths: true") || !says("lacking: []"),
            "{word}\n{said}"
        );
        let sees = word == "processes";
        assert!(
            says(&format!("sees processes: {sees}")) || !says("lacking: []"),
            "{word}\n{said}"
        );
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"root's");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let said = confined("events", &file);
    for never in ["starts", "calls"] {
        assert!(said.contains(&format!("{never}: false")), "events\n{said}");
    }
}
