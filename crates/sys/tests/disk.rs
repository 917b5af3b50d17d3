//! The promises of `Disk`, held against real files, links, FIFOs and a thread that renames under the reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use groma_model::Reason;
use groma_source::{Disk, EntryKind};
use groma_sys::LocalDisk;

const LIMIT: u64 = 1 << 20;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn reason(path: &Path) -> Reason {
    LocalDisk::of_this_machine()
        .read(path, LIMIT)
        .expect_err("this must not be read")
        .reason
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_file_behind_links_is_read_where_it_really_stands() {
    let (_keep, here) = folder();
    fs::create_dir_all(here.join("real/deep")).unwrap();
    fs::write(here.join("real/deep/file"), "content").unwrap();
    symlink("real", here.join("one")).unwrap();
    symlink("../one/./deep/../deep/file", here.join("real/two")).unwrap();
    symlink(here.join("real/two"), here.join("three")).unwrap();
    let disk = LocalDisk::of_this_machine();
    let read = disk.read(&here.join("three"), LIMIT).unwrap();
    assert_eq!(read.bytes, b"content");
    assert_eq!(read.path, here.join("real/deep/file"));
    assert_eq!(disk.list(&here.join("one"), 10).unwrap().len(), 2);
    assert_eq!(
        disk.metadata(&here.join("three")).unwrap().kind,
        EntryKind::Link
    );
    assert_eq!(
        disk.read_link(&here.join("three")).unwrap(),
        here.join("real/two")
    );
    assert!(disk.read_link(&here.join("real")).is_err());
}

#[test]
fn loops_and_dangling_links_are_broken_and_what_is_absent_is_absent() {
    let (_keep, here) = folder();
    fs::create_dir(here.join("real")).unwrap();
    symlink("real", here.join("to-real")).unwrap();
    symlink("b", here.join("a")).unwrap();
    symlink("a", here.join("b")).unwrap();
    symlink("nowhere", here.join("dangling")).unwrap();
    symlink("self/self/self/self", here.join("self")).unwrap();
    symlink("/nowhere/at/all", here.join("far")).unwrap();
    symlink("to-real/absent", here.join("near")).unwrap();
    for name in ["a", "dangling", "self", "far", "near"] {
        assert_eq!(reason(&here.join(name)), Reason::BrokenLink, "{name}");
    }
    let disk = LocalDisk::of_this_machine();
    for name in ["absent", "real/absent", "to-real/absent", "real/x/y"] {
        let error = disk.read(&here.join(name), LIMIT).unwrap_err();
        assert!(error.is_absent(), "{name}: {error:?}");
    }
}

#[test]
fn nothing_but_a_regular_file_is_opened_also_behind_a_link() {
    let (_keep, here) = folder();
    fifo(&here.join("fifo"));
    let _socket = UnixListener::bind(here.join("socket")).unwrap();
    symlink("fifo", here.join("to-fifo")).unwrap();
    symlink("/dev/null", here.join("to-device")).unwrap();
    for name in ["fifo", "socket", "to-fifo", "to-device", "."] {
        assert_eq!(reason(&here.join(name)), Reason::NotARegularFile, "{name}");
    }
}

#[test]
fn a_link_planted_on_storage_never_leads_to_tables_of_the_kernel() {
    let (_keep, here) = folder();
    for (name, to) in [
        ("environment", "/proc/self/environ"),
        ("kernel", "/proc/kcore"),
        ("log", "/proc/kmsg"),
        ("input", "/dev/stdin"),
        ("root", "/proc/self/root/etc/passwd"),
        ("directory", "/proc/self/cwd"),
    ] {
        symlink(to, here.join(name)).unwrap();
        assert_eq!(reason(&here.join(name)), Reason::NotARegularFile, "{name}");
    }
    for direct in [
        "/proc/kmsg",
        "/proc/kcore",
        "/proc/self/mem",
        "/proc/self/exe",
    ] {
        // Not every kernel has all of them.
        if !Path::new(direct).exists() {
            continue;
        }
        assert_eq!(
            reason(Path::new(direct)),
            Reason::NotARegularFile,
            "{direct}"
        );
    }
    let disk = LocalDisk::of_this_machine();
    assert!(disk.read(Path::new("/proc/self/mountinfo"), LIMIT).is_ok());
    assert!(disk.read_link(Path::new("/proc/self/exe")).is_ok());
}

#[test]
fn files_of_another_process_s_root_are_found_and_its_links_stay_inside() {
    let (_keep, here) = folder();
    let ours = format!("/proc/{}/root{}", std::process::id(), here.display());
    fs::write(here.join("file"), "content").unwrap();
    symlink(here.join("file"), here.join("link")).unwrap();
    symlink("/proc/self/environ", here.join("trap")).unwrap();
    let disk = LocalDisk::of_this_machine();
    let read = disk.read(&Path::new(&ours).join("link"), LIMIT).unwrap();
    assert_eq!(read.bytes, b"content");
    assert_eq!(read.path, Path::new(&ours).join("file"));
    assert!(disk.read(&Path::new(&ours).join("trap"), LIMIT).is_err());
    let up = Path::new(&ours)
        .join("../../../../../../../../../..")
        .join(here.strip_prefix("/").unwrap());
    assert!(disk.read(&up.join("file"), LIMIT).is_ok());
}

#[test]
fn sizes_are_refused_by_claim_and_by_what_comes() {
    let (_keep, here) = folder();
    let sparse = fs::File::create(here.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(reason(&here.join("sparse")), Reason::TooLarge);
    let disk = LocalDisk::of_this_machine();
    let read = disk.read(Path::new("/proc/self/mountinfo"), 8).unwrap_err();
    assert_eq!(read.reason, Reason::TooLarge, "it claims to be empty");
    let opened = disk.open(&here.join("sparse")).unwrap();
    let mut end = [7; 4];
    assert_eq!(opened.read_at((1 << 40) - 2, &mut end).unwrap(), 2);
}

#[test]
fn looking_leaves_no_access_time_behind() {
    let (_keep, here) = folder();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = here.join("file");
    fs::write(&file, "content").unwrap();
    for path in [&file, &here] {
        let times = fs::FileTimes::new()
            .set_accessed(old)
            .set_modified(old + Duration::from_secs(60));
        fs::File::open(path).unwrap().set_times(times).unwrap();
    }
    let disk = LocalDisk::of_this_machine();
    disk.read(&file, LIMIT).unwrap();
    disk.list(&here, 10).unwrap();
    for path in [&file, &here] {
        assert_eq!(fs::metadata(path).unwrap().atime(), 1_000_000, "{path:?}");
    }
}

#[test]
fn an_attribute_is_read_and_an_absent_one_is_none() {
    let (_keep, here) = folder();
    let file = here.join("file");
    fs::write(&file, "x").unwrap();
    let disk = LocalDisk::of_this_machine();
    let name = "user.groma";
    let set = rustix::fs::setxattr(&file, name, b"seen", rustix::fs::XattrFlags::empty());
    assert_eq!(disk.attribute(&file, "user.other").unwrap(), None);
    if set.is_ok() {
        assert_eq!(disk.attribute(&file, name).unwrap().unwrap(), b"seen");
    }
}

#[test]
fn a_path_longer_than_the_kernel_takes_is_no_trouble() {
    let (_keep, here) = folder();
    let mut at = here;
    for _ in 0..30 {
        at.push("d".repeat(200));
    }
    assert!(LocalDisk::of_this_machine().metadata(&at).is_err());
}

/// Somebody swaps a directory with a link to a shadow as fast as the machine can, while we read through it.
#[test]
fn a_rename_under_the_reader_never_shows_it_what_stands_behind_the_link_in_its_name() {
    let (_keep, here) = folder();
    let swapped = here.join("swapped");
    fs::create_dir(here.join("honest")).unwrap();
    fs::create_dir(here.join("shadow")).unwrap();
    fs::write(here.join("honest/file"), "honest").unwrap();
    fs::write(here.join("shadow/file"), "shadow").unwrap();
    symlink("shadow", here.join("link")).unwrap();
    fs::rename(here.join("honest"), &swapped).unwrap();
    let stop = AtomicBool::new(false);
    let (mut honest, mut other) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for [from, to] in [
                    ["swapped", "honest"],
                    ["link", "swapped"],
                    ["swapped", "link"],
                    ["honest", "swapped"],
                ] {
                    let _ = fs::rename(here.join(from), here.join(to));
                }
            }
        });
        let disk = LocalDisk::of_this_machine();
        for _ in 0..20_000 {
            match disk.read(&swapped.join("file"), LIMIT) {
                Ok(read) if read.bytes == b"honest" => {
                    assert_eq!(read.path, swapped.join("file"), "told by its own name");
                    honest += 1;
                }
                // The link may be followed, and then what it led to is told by its real name.
                Ok(read) => assert_eq!(read.path, here.join("shadow/file")),
                Err(_) => other += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(honest > 0, "{other} reads found nothing");
}

#[test]
fn within_a_directory_paths_and_links_begin_there_and_nothing_leads_out() {
    let (_keep, here) = folder();
    let root = here.join("root");
    fs::create_dir_all(root.join("etc/deep")).unwrap();
    fs::write(here.join("secret"), "outside").unwrap();
    fs::write(root.join("etc/app.conf"), "inside").unwrap();
    symlink("/etc/app.conf", root.join("absolute")).unwrap();
    symlink("../../../../../../etc/app.conf", root.join("etc/deep/up")).unwrap();
    symlink(here.join("secret"), root.join("named")).unwrap();
    symlink("../secret", root.join("climbs")).unwrap();
    symlink("/proc/self/environ", root.join("table")).unwrap();
    let disk = LocalDisk::of_this_machine().within(&root).unwrap();
    for path in [
        "/etc/app.conf",
        "/absolute",
        "/etc/deep/up",
        "/../../etc/./app.conf",
    ] {
        let read = disk.read(Path::new(path), LIMIT).unwrap();
        assert_eq!(read.bytes, b"inside", "{path}");
        assert_eq!(read.path, Path::new("/etc/app.conf"), "{path}");
    }
    for path in ["/named", "/climbs", "/table", "/secret", "/../secret"] {
        assert!(disk.read(Path::new(path), LIMIT).is_err(), "{path}");
    }
    let listed = disk.list(Path::new("/etc"), 9).unwrap();
    let paths: Vec<_> = listed
        .iter()
        .map(|e| e.path.display().to_string())
        .collect();
    assert_eq!(paths, ["/etc/app.conf", "/etc/deep"]);
    let opened = disk.open(Path::new("/absolute")).unwrap();
    assert_eq!(opened.settled(), Some(Path::new("/etc/app.conf")));
    assert!(
        LocalDisk::of_this_machine()
            .within(&here.join("secret"))
            .is_err()
    );
}

/// A container swaps a directory with a link to its host's files as fast as it can, while we read within its root.
#[test]
fn a_rename_under_the_reader_never_leads_out_of_the_directory_it_reads_within() {
    let (_keep, here) = folder();
    let root = here.join("root");
    fs::create_dir_all(root.join("honest")).unwrap();
    fs::create_dir(here.join("outside")).unwrap();
    fs::write(root.join("honest/file"), "inside").unwrap();
    fs::write(here.join("outside/file"), "outside").unwrap();
    symlink(here.join("outside"), root.join("link")).unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for one in ["honest", "link", "relative"] {
                    let _ = fs::rename(root.join(one), root.join("swapped"));
                    let _ = fs::rename(root.join("swapped"), root.join(one));
                }
            }
        });
        let disk = LocalDisk::of_this_machine().within(&root).unwrap();
        for _ in 0..20_000 {
            if let Ok(read) = disk.read(Path::new("/swapped/file"), LIMIT) {
                assert_eq!(read.bytes, b"inside");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_did_not_answer_somebody_is_passed_over_however_it_is_reached() {
    let (_keep, here) = folder();
    fs::create_dir_all(here.join("nas/deep")).unwrap();
    fs::write(here.join("nas/deep/file"), "content").unwrap();
    fs::write(here.join("alone"), "content").unwrap();
    fs::write(here.join("nas2"), "content").unwrap();
    symlink("nas", here.join("way")).unwrap();
    let silent = vec![here.join("nas"), here.join("alone"), PathBuf::from("/")];
    let disk = LocalDisk::of_this_machine().passing_over(silent);
    assert_eq!(
        disk.read(&here.join("nas2"), LIMIT).unwrap().bytes,
        b"content"
    );
    assert!(!disk.has_passed_over());
    for path in [
        "nas/deep/file",
        "way/deep/file",
        "way",
        "nas/absent",
        "alone",
    ] {
        let error = disk.read(&here.join(path), LIMIT).unwrap_err();
        assert_eq!(error.reason, Reason::TimedOut, "{path}");
    }
    assert!(disk.list(&here.join("nas"), 9).is_err());
    assert_eq!(
        disk.take_passed_over(),
        [here.join("alone"), here.join("nas")]
    );
    assert!(!disk.has_passed_over());
    // The directory around them is listed, and a file that does not answer is not asked for its stamp.
    let listed = disk.list_stamped(&here, 9).unwrap().entries;
    let stamped: Vec<_> = listed.iter().filter(|(_, stamp)| stamp.is_some()).collect();
    assert_eq!((listed.len(), stamped.len()), (4, 1));
    // Within a root of its own, paths mean something else.
    let within = disk.within(&here).unwrap();
    assert_eq!(
        within.read(Path::new("/alone"), LIMIT).unwrap_err().reason,
        Reason::TimedOut
    );
    let below = disk.within(&here.join("nas"));
    assert_eq!(below.err().map(|e| e.reason), Some(Reason::TimedOut));
}

#[test]
fn the_place_of_what_hangs_is_its_file_system_and_never_the_whole_machine() {
    let (_keep, here) = folder();
    fs::write(here.join("file"), "content").unwrap();
    symlink(&here, here.join("way")).unwrap();
    let disk = LocalDisk::of_this_machine();
    let patience = Duration::from_secs(20);
    assert_eq!(
        disk.place_of(Path::new("/proc/version"), patience),
        Path::new("/proc")
    );
    let place = disk.place_of(&here.join("way/file"), patience);
    assert!(
        here.join("file").starts_with(&place) && place != Path::new("/"),
        "{place:?}"
    );
}
