//! Files of one's own on Unix: mode 0600 and 0700.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Flags of `open(2)` for a file of one's own: a link at the end of its path is refused, and whatever else somebody put
/// there keeps nobody waiting.
const OWN_FILE: i32 = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .bits()
    .cast_signed();

pub(super) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

pub(super) fn create_new_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true);
    options.mode(0o600).open(path)
}

pub(super) fn open_out(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.mode(0o600).open(path)
}

/// What was opened is judged, not what the path named before: where others may write beside it, that changes in between.
pub(super) fn open_alone(path: &Path, append: bool) -> Option<File> {
    let named = std::fs::symlink_metadata(path).ok()?;
    if !named.is_file() {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(append).custom_flags(OWN_FILE);
    let file = options.open(path).ok()?;
    let met = file.metadata().ok()?;
    let same = (met.dev(), met.ino()) == (named.dev(), named.ino());
    let closed = met.is_file() && met.mode() & 0o077 == 0 && account() == Some(met.uid());
    // A second name may be anybody's file.
    (same && closed && met.nlink() == 1).then_some(file)
}

pub(super) fn open_to(path: &Path) -> Option<&'static str> {
    let met = std::fs::metadata(path).ok()?;
    (met.mode() & 0o077 != 0).then_some("chmod 600")
}

pub(super) fn settle(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn account() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

pub(super) fn program() -> String {
    let met = std::fs::metadata("/proc/self/exe").map(|m| {
        let written = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        format!("{} {} {} {written:?}", m.dev(), m.ino(), m.size())
    });
    met.unwrap_or_default()
}

pub(super) fn home() -> PathBuf {
    let own = super::named("XDG_STATE_HOME")
        .or_else(|| super::named("HOME").map(|home| home.join(".local/state")));
    match (rustix::process::geteuid().is_root(), own) {
        (false, Some(own)) => own.join("groma-agent"),
        _ => PathBuf::from("/var/lib/groma-agent"),
    }
}

pub(super) fn name_of_process(process: u32) -> Option<String> {
    let path = Path::new("/proc").join(process.to_string()).join("comm");
    let name = std::fs::read_to_string(path).ok()?;
    Some(name.trim().to_owned())
}
